"""Damage of all grades: the sampling, what is drawn, and the grades of what the projection shows."""

from dataclasses import replace

import numpy as np
import pytest

from napari_jsn import anatomy
from napari_jsn.anatomy.normal_widths import normal_width
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.damage import effects
from napari_jsn.simulation.damage.difficulty import difficulty
from napari_jsn.simulation.damage.hand_damage import draw_damage, draw_normal_widths
from napari_jsn.simulation.damage.joint_damage import Narrowing
from napari_jsn.simulation.damage.notch import bone_view, project_erosion, share_in_space
from napari_jsn.simulation.damage.sampler import DrawnGrades, draw_grades
from napari_jsn.simulation.damage.truth import covered_joints, joint_grades
from napari_jsn.simulation.damage.visible import joint_margins
from napari_jsn.simulation.exposure.bone_projector import BoneProjector
from napari_jsn.simulation.hand import graded_truths, simulate
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.bone import Erosion
from napari_jsn.simulation.shapes.joint_grades import HIGHEST
from napari_jsn.simulation.shapes.pose import BoneAngles, RadiographTransform
from napari_jsn.simulation.tissue.bone_volume import make_bone_volume
from napari_jsn.simulation.visit import Disease, PoseFactors, Positioning, pose_hand

SMALL = {"shape": (600, 450), "spacing_mm": 0.5}


@pytest.fixture(scope="module")
def healthy():
    patient = SimulatedPatient.draw(np.random.default_rng(4), disease=0.0)
    return replace(patient, rest_angles={b: replace(a, flexion_deg=0.0) for b, a in patient.rest_angles.items()})


def damaged(healthy, jsn=0, erosion=0, seed=1):
    """Draw a hand whose joints all have these grades."""
    drawn = DrawnGrades({joint: {"jsn": jsn, "erosion": erosion} for joint in anatomy.JOINTS})
    return draw_damage(healthy, 50.0, drawn, difficulty(), np.random.default_rng(seed))


@pytest.fixture(scope="module")
def graded():
    """A hand with many kinds of damage at two visits, and the same hand with the first version of the settings."""
    return list(simulate(1, 2, seed=3, grades="uniform", **SMALL)), next(
        simulate(1, 1, seed=3, grades="uniform", difficulty=1, **SMALL)
    )


# sampling


def test_the_uniform_sampling_has_equal_shares_in_every_hand():
    rng = np.random.default_rng(0)
    total = {kind: np.zeros(highest + 1) for kind, highest in HIGHEST.items()}
    for _ in range(60):
        drawn = draw_grades("uniform", rng, rng)
        for kind, counts in total.items():
            of_hand = np.bincount([drawn.of(joint, kind) for joint in anatomy.JOINTS], minlength=len(counts))
            assert np.ptp(of_hand) <= 1
            counts += of_hand
    for counts in total.values():
        np.testing.assert_allclose(counts / counts.sum(), 1 / len(counts), atol=0.02)


def test_the_natural_sampling_has_nine_tenths_zeros_correlated_within_a_hand():
    hands = []
    for seed in range(400):
        drawn = draw_grades("natural", np.random.default_rng([seed, 1]), np.random.default_rng([seed, 0]))
        hands.append([[drawn.of(joint, kind) > 0 for joint in anatomy.JOINTS] for kind in HIGHEST])
    found = np.array(hands, float)
    assert found.mean() == pytest.approx(0.10, abs=0.03)
    number = found[:, 0].sum(axis=1)
    independent = len(anatomy.JOINTS) * found[:, 0].mean() * (1 - found[:, 0].mean())
    assert number.var() > 2 * independent
    assert np.corrcoef(found[:, 0].ravel(), found[:, 1].ravel())[0, 1] > 0.2


def test_hands_of_a_patient_share_severity_and_not_grades():
    severe = []
    for seed in range(200):
        hands = [draw_grades("natural", np.random.default_rng([seed, k]), np.random.default_rng(seed)) for k in (1, 2)]
        severe.append([sum(hand.of(joint, "jsn") > 0 for joint in anatomy.JOINTS) for hand in hands])
    assert np.corrcoef(np.array(severe).T)[0, 1] > 0.4


# requests


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"grades": "all"}, "uniform, natural"),
        ({"grades": "uniform", "jsn_mm": 0.2}, "one of the two"),
        ({"grades": "natural", "difficulty": 9}, "no difficulty version 9"),
    ],
)
def test_impossible_requests_are_refused_before_anything_is_drawn(options, words):
    with pytest.raises(InputError, match=words):
        simulate(1, 1, **options)


def test_versions_of_the_difficulty_have_hashes_of_their_content():
    first, newest = difficulty(1), difficulty()
    assert newest.version > first.version and first.sha256 != newest.sha256 and len(newest.sha256) == 64
    assert f"version {newest.version}" in str(newest) and newest.sha256[:16] in str(newest)
    assert first.pose == PoseFactors() and newest.pose != PoseFactors()


# widths


def test_healthy_widths_follow_the_norms():
    drawn = [draw_normal_widths(np.random.default_rng(seed), "F", 60.0) for seed in range(400)]
    for joint in ("MCP2", "PIP3", "DIP4"):
        widths = np.array([one[joint] for one in drawn])
        assert widths.mean() == pytest.approx(normal_width(joint, "F", 60.0), abs=0.04)
        assert widths.std() == pytest.approx(0.25, abs=0.06)
    assert np.corrcoef([[one["MCP2"], one["PIP4"]] for one in drawn], rowvar=False)[0, 1] > 0.4


# what the projection shows


def test_the_visible_width_follows_the_space(healthy):
    flat = pose_hand(healthy, Positioning(), Disease())
    narrower = pose_hand(healthy, Positioning(), Disease(narrowing_mm=dict.fromkeys(anatomy.JOINTS, 0.2)))
    for joint in anatomy.JOINTS:
        wide, narrow = (joint_margins(healthy.shapes, hand, joint).width_mm for hand in (flat, narrower))
        assert wide == pytest.approx(healthy.jsw_mm[joint], abs=0.25)
        assert wide - narrow == pytest.approx(0.2, abs=0.01)


def test_an_erosion_widens_the_gap_only_where_it_takes_the_margin(healthy):
    flat = pose_hand(healthy, Positioning(), Disease())
    width = joint_margins(healthy.shapes, flat, "MCP3").width_mm
    depth = float(healthy.shapes["MC3"].profile(np.array(1.0))[2])
    at_side = Erosion((float(healthy.shapes["MC3"].right[2]), 2.0, 0.0), (2.5, 2.0, 1.5 * depth))
    everywhere = Erosion((0.0, 0.0, 0.0), (90.0, 6.0, 90.0))
    palmar = Erosion((0.0, 0.0, depth), (4.0, 2.0, 0.5 * depth))
    for erosion, change in ((at_side, 0.0), (everywhere, 6.0), (palmar, 0.0)):
        now = joint_margins(healthy.shapes, flat, "MCP3", {"MC3": (erosion,)}).width_mm
        assert now - width == pytest.approx(change, abs=0.25)
    beside = joint_margins(healthy.shapes, flat, "MCP3", {"MC3": (at_side,)})
    assert beside.eroded.any() and not beside.eroded.all()


@pytest.mark.parametrize(("deep", "visible"), [(9.0, True), (0.4, False)])
def test_a_flat_erosion_of_the_palmar_face_is_not_visible(healthy, deep, visible):
    shape, material = healthy.shapes["PP3"], healthy.materials["PP3"]
    palmar = float(shape.profile(np.array(3.0))[2])
    erosion = Erosion((0.0, 3.0, palmar if deep < 1 else 0.0), (2.0, 2.0, deep))
    pose, image, spacing = bone_view(shape)
    notch = project_erosion(shape, material, (erosion,), 0, pose, image, spacing, 0.05)
    assert (notch.share > 0.15) == visible == (notch.mask is not None)
    assert share_in_space(shape, erosion) == pytest.approx(4.0 / (2 * float(shape.profile(np.array(2.0))[0])), rel=0.15)


@pytest.mark.parametrize("grade", [0, 1, 2, 3, 4])
def test_a_drawn_narrowing_has_its_visible_grade_with_the_hand_flat(healthy, grade):
    damage = damaged(healthy, jsn=grade)
    disease = damage.at(0.0)
    grades = joint_grades(damage, disease, Positioning(), pose_hand(damage.patient, Positioning(), disease), [])
    scored = [one for one in grades.values() if not one.not_scored]
    assert len(scored) >= 12
    assert sum(one.narrowing == grade for one in scored) >= len(scored) - 3
    assert sum(one.narrowing_3d == grade for one in scored) >= len(scored) - 2
    if grade == 4:
        assert {one.mark for one in scored} == {"ankylosis", "luxation"}
    assert all(one.erosion == 0 for one in scored)


def test_flexion_changes_the_visible_width_and_not_the_grade_in_space(healthy):
    damage = damaged(healthy, jsn=2)
    disease = damage.at(0.0)
    bent = Positioning({bone: BoneAngles(flexion_deg=12.0) for bone in ("PP2", "MP2", "DP2", "PP3", "MP3", "DP3")})
    flat, flexed = (
        joint_grades(damage, disease, at, pose_hand(damage.patient, at, disease), []) for at in (Positioning(), bent)
    )
    changed = [joint for joint in ("MCP2", "PIP2", "MCP3", "PIP3") if flat[joint].width_mm != flexed[joint].width_mm]
    assert changed and all(flat[joint].narrowing_3d == flexed[joint].narrowing_3d for joint in anatomy.JOINTS)


def test_visible_grades_of_many_joints_have_the_drawn_shares():
    found = {"jsn": [], "erosion": []}
    for truths, sex, age in graded_truths(9, seed=8):
        assert sex in ("F", "M") and 20 <= age <= 85
        for truth in truths:
            if truth.grades.narrowing is not None:
                found["jsn"].append(truth.grades.narrowing)
                found["erosion"].append(truth.grades.erosion)
    for kind, highest in HIGHEST.items():
        shares = np.bincount(found[kind], minlength=highest + 1) / len(found[kind])
        np.testing.assert_allclose(shares, 1 / (highest + 1), atol=0.09)


@pytest.mark.parametrize(("version", "least", "most"), [(3, 0.0, 0.78), (5, 0.83, 1.0)])
def test_later_visits_of_version_5_keep_the_natural_shares(version, least, most):
    first, later = (
        np.mean(
            [
                t.grades.narrowing == 0
                for truths, *_ in graded_truths(20, 91, "natural", version, k, 0.3)
                for t in truths
            ]
        )
        for k in (0, 2)
    )
    assert first > 0.84 and least < later < most


def test_bones_close_up_where_a_joint_collapses_after_baseline(healthy):
    shape, width = healthy.shapes["PP3"], healthy.healthy_jsw_mm["PIP3"]
    half = float(shape.profile(np.array(1.0))[1])
    erosion = Erosion((0.0, 0.0, 0.0), (1.35 * half / 2, 2.0, 3 * half))
    plain = replace(
        damaged(healthy), erosions=(("PIP3", "PP3", erosion),), progresses=frozenset({"PIP3"}), patient=healthy
    )
    plain = replace(plain, narrowings=dict.fromkeys(plain.narrowings, Narrowing()))
    gaps = {}
    for closes in (False, True):
        damage = replace(plain, closes=closes)
        disease = damage.at(8.0)
        hand = pose_hand(damage.patient, Positioning(), disease)
        assert damage.at(0.0).closed_mm == {}
        gaps[closes] = joint_margins(damage.patient.shapes, hand, "PIP3", disease.erosions).width_mm
        narrowed = disease.narrowing_mm["PIP3"] + disease.closed_mm.get("PIP3", 0.0)
        assert hand.joints["PIP3"].jsw_mm == pytest.approx(width - narrowed, abs=1e-6)
        assert damage.left_at("PIP3", disease) == pytest.approx(max(1 - 8 * 0.12, 0.03), abs=1e-6)
    assert gaps[False] > width and gaps[True] < 0.3 * width


@pytest.fixture
def halved(healthy):
    """A hand whose later visits lack both halves of a joint: one of the head, and the other one of the base."""
    half, length = float(healthy.shapes["PP3"].profile(np.array(1.0))[1]), healthy.shapes["MP3"].length
    radii = (0.62 * half, 2.0, 2 * half)
    erosions = (
        ("PIP3", "PP3", Erosion((-0.6 * half, 0.0, 0.0), radii)),
        ("PIP3", "MP3", Erosion((0.6 * half, length, 0.0), radii)),
    )
    sound = dict.fromkeys(anatomy.JOINTS, Narrowing())
    return replace(
        damaged(healthy), erosions=erosions, narrowings=sound, progresses=frozenset({"PIP3"}), patient=healthy
    )


def test_bones_close_up_where_erosions_of_both_bones_leave_no_surface(halved):
    width = halved.healthy.healthy_jsw_mm["PIP3"]
    gaps = {}
    for closes in (False, True):
        damage = replace(halved, closes=closes)
        assert damage.at(0.0).closed_mm == {}
        assert all(
            share_in_space(damage.healthy.shapes[b], e) < 0.8 for b, of in damage.at(4.0).erosions.items() for e in of
        )
        hand = pose_hand(damage.patient, Positioning(), damage.at(4.0))
        gaps[closes] = joint_margins(damage.patient.shapes, hand, "PIP3", damage.at(4.0).erosions).width_mm
    assert gaps[False] > width and gaps[True] == pytest.approx((1 - 4 * 0.12) * width, abs=0.1)


def test_bones_reach_each_other_after_any_number_of_years(halved):
    damage = replace(halved, closes=True)
    for years in (8.0, 10.0, 30.0):
        hand, disease = pose_hand(damage.patient, Positioning(), damage.at(years)), damage.at(years)
        assert joint_margins(damage.patient.shapes, hand, "PIP3", disease.erosions).width_mm < 0.2
    assert damage.at(30.0).erosions == damage.at(10.0).erosions != damage.at(8.0).erosions
    assert replace(damage, closes=False).at(30.0).erosions != damage.at(30.0).erosions


# what is drawn


def test_rims_and_osteophytes_add_bone_and_cysts_are_not_counted(healthy):
    shape, material = healthy.shapes["PP3"], healthy.materials["PP3"]
    hole = Erosion((0.0, 4.0, 0.0), (1.5, 1.5, 1.5), counted=False)
    plain, holed, rimmed = (
        make_bone_volume(shape, material, erosions).mean_density.sum()
        for erosions in ((), (hole,), (replace(hole, rim=0.5),))
    )
    assert holed < min(plain, rimmed)
    side = float(shape.profile(np.array(1.0))[1])
    osteophyte = Erosion((side, 1.0, 0.0), (0.9, 1.0, 2.0))
    assert make_bone_volume(shape, material, osteophytes=(osteophyte,)).mean_density.sum() > plain
    flat = pose_hand(healthy, Positioning(), Disease())
    assert joint_margins(healthy.shapes, flat, "PIP3", {"PP3": (replace(hole, centre=(0.0, 0.5, 0.0)),)}).width_mm == (
        joint_margins(healthy.shapes, flat, "PIP3").width_mm
    )


def test_a_bridge_closes_the_space_and_a_displaced_bone_covers_the_other(healthy):
    transform, shape, spacing = RadiographTransform(translation_mm=(60.0, 200.0)), (1200, 600), 0.2
    images = {}
    for name, damage in (
        ("sound", damaged(healthy)),
        ("fused", next(d for s in range(20) if (d := damaged(healthy, 4, seed=s)).narrowings["PIP3"].fused)),
    ):
        disease = damage.at(0.0)
        hand = pose_hand(damage.patient, Positioning(), disease)
        image, _ = BoneProjector(damage.patient, keep=False).project(hand, disease, transform, shape, spacing)
        effects.add_bridges(image, damage, hand, transform, spacing)
        x, y = transform.points(hand.joints["PIP3"].centre[:2]) / spacing
        line = image[int(y) - 10 : int(y) + 11, int(x) - 3 : int(x) + 4].mean(axis=1)
        images[name] = line.min() / line.max()
    assert images["sound"] < 0.45 < 0.6 < images["fused"]
    over = pose_hand(healthy, Positioning(), Disease(displaced_mm={"MCP3": (0.0, 6.0, healthy.jsw_mm["MCP3"] + 5.0)}))
    assert over.joints["MCP3"].jsw_mm == pytest.approx(-5.0)
    assert over.poses["PP3"].translation[2] - over.poses["MC3"].translation[2] > 3.0


def test_the_radiograph_carries_the_grades_of_all_sites(graded):
    first = graded[0][0]
    grades = first.grades()
    assert len(grades) == 2 * len(anatomy.JOINTS) and first.sex in ("F", "M") and first.age > 19
    for truth in first.truths:
        assert truth.svdh_narrowing == truth.grades.narrowing and truth.svdh_erosion == truth.grades.erosion
        assert grades["L", truth.joint, "jsn"] == ("X" if truth.grades.not_scored else truth.grades.narrowing)
    assert {one.joint for one in first.erosions} <= set(anatomy.JOINTS)
    for one in first.erosions:
        assert (one.mask is None) == (one.share == 0.0)
        if one.mask is not None and (first.bones.get(("L", one.bone)) is not None):
            whole = one.mask.full(first.stored.shape)
            assert whole.sum() * first.spacing_mm**2 == pytest.approx(one.area_mm2, rel=0.05)
    assert {t.joint for t in first.truths if t.grades.erosion} <= {one.joint for one in first.erosions}


def test_damage_does_not_heal_and_two_versions_have_the_same_bones(graded):
    (first, second), old = graded
    for before, after in zip(first.truths, second.truths, strict=True):
        assert after.grades.narrowing_3d is None or after.grades.narrowing_3d >= before.grades.narrowing_3d
        assert after.jsn_mm >= -1e-9
    # bones are shorter where the space between them is wider, so an erosion's share differs a little
    same = [a.grades.erosion_3d == b.grades.erosion_3d for a, b in zip(old.truths, first.truths, strict=True)]
    assert np.mean(same) > 0.75
    assert [truth.jsw_mm for truth in old.truths] != [truth.jsw_mm for truth in first.truths]
    assert (old.sex, old.age) == (first.sex, first.age)


@pytest.mark.parametrize(("deviation_deg", "covered"), [(0, set()), (-35, {"PIP3", "PIP4"}), (35, {"PIP2", "PIP3"})])
def test_a_joint_behind_another_finger_is_not_scored(healthy, deviation_deg, covered):
    hand = pose_hand(healthy, Positioning(), Disease(deviation_deg={"MCP3": deviation_deg}))
    damage = replace(damaged(healthy), hidden=frozenset())
    assert covered_joints(damage, hand) == covered
    grades = joint_grades(damage, Disease(), Positioning(), hand, [], covered_joints(damage, hand))
    assert {joint for joint, one in grades.items() if one.not_scored == "not_visible"} == covered
    alone = replace(damage, hidden=frozenset(bone for bone in healthy.shapes if bone[-1] in "245"))
    assert "PIP3" not in covered_joints(alone, hand)  # nothing is left to cover it


def test_missing_bones_and_implants_are_not_scored(healthy):
    damage = replace(damaged(healthy), hidden=frozenset({"MP3", "DP3"}), implants=frozenset({"MCP2"}))
    disease, hand = damage.at(0.0), pose_hand(damage.patient, Positioning(), damage.at(0.0))
    grades = joint_grades(damage, disease, Positioning(), hand, [], frozenset({"DIP5"}))
    reasons = {joint: one.not_scored for joint, one in grades.items() if one.not_scored}
    assert reasons == {"PIP3": "missing", "DIP3": "missing", "MCP2": "surgery", "DIP5": "not_visible"}
    assert grades["PIP3"].shown("jsn") == grades["MCP2"].shown("erosion") == "X"
    rays = {ray: np.cumsum(np.full((4 if ray == 1 else 5, 2), 20.0), axis=0) for ray in anatomy.RAYS}
    short = effects.amputated(rays, damage)
    assert np.hypot(*(short[3][4] - short[3][2])) < 6 and (short[2] == rays[2]).all()


@pytest.mark.parametrize("joints", [("PIP5", "DIP5"), ("PIP2", "DIP2"), ("PIP3", "DIP3", "IP1")])
def test_swellings_that_overlap_do_not_depend_on_their_order(healthy, joints):
    hand = pose_hand(healthy, Positioning(), Disease())
    images = []
    for order in (joints, joints[::-1]):
        soft = np.full((600, 450), 0.2, np.float32)
        swollen = replace(damaged(healthy), swollen=order)
        transform = RadiographTransform(0.0, tuple(150.0 - hand.joints[joints[0]].centre[:2]))
        effects.add_swelling(soft, swollen, hand, transform, 0.5)
        images.append(soft)
    assert (images[0] != 0.2).any()
    np.testing.assert_array_equal(*images)
