import numpy as np
import pytest

from napari_jsn.evaluation.registration import known_errors
from napari_jsn.evaluation.registration.known_errors import (
    LEVELS,
    MASKS,
    half_planes,
    known_pairs,
    narrowing_errors,
    robustness,
)
from napari_jsn.evaluation.registration.known_motion import KnownPair
from napari_jsn.evaluation.registration.paper_figures import (
    PairResult,
    VisitPair,
    all_visit_pairs,
    at_working_size,
    by_joint,
    register_pairs,
    shift_variances,
    shifted,
    visit_figures,
    visit_series,
)
from napari_jsn.evaluation.registration.plots import draw_registration_plots
from napari_jsn.evaluation.registration.report import (
    ExperimentSizes,
    MethodEvaluation,
    evaluate_registration,
    registration_tables,
)
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.joint.similarity import Similarity
from napari_jsn.segmentation.training.data import LabelledJoint


@pytest.fixture
def visits(simulated):
    """A joint at two visits, and once more at the second."""
    images = [(simulated.fixed, simulated.fixed_masks), *[(simulated.moving, simulated.moving_masks)] * 2]
    return [LabelledJoint(image, masks, "one", "MCP2", f"one/{k}") for k, (image, masks) in enumerate(images)]


def result(dy=0.0, reliable=True, losses=(2.0, 0.5)):
    upper = Similarity(dy=dy).matrix
    point, axis = np.array([5.0, 5.0]), np.array([0.0, 1.0])
    return PairResult(upper, np.eye(3), point, axis, dy, (dy - 1, dy + 1), reliable, *losses, *losses)


def test_every_two_visits_are_paired_in_both_directions(visits):
    pairs = all_visit_pairs(by_joint(visits))
    assert [(each.first, each.second) for each in pairs] == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert {each.group for each in pairs} == {"one"}


def test_figures_of_results_that_add_up_and_of_one_that_does_not(visits):
    pairs = all_visit_pairs(by_joint(visits))
    right = {(0, 1): 1.0, (1, 2): 2.0, (0, 2): 3.0}
    right |= {(j, i): -value for (i, j), value in right.items()}
    results = [result(right[each.first, each.second]) for each in pairs]
    good = visit_figures(pairs, results, 0.5, [0.04, 0.04])
    assert good.closure.sigma_mm == pytest.approx(0, abs=1e-12) and (good.joints, good.pairs) == (1, 3)
    assert good.shift_sd_mm == good.pooled_shift_sd_mm == pytest.approx(0.1) and good.shift_pairs == 2
    uneven = visit_figures(pairs, results, 0.5, [0.0, 0.04])
    assert uneven.shift_sd_mm == pytest.approx(0.05) and uneven.pooled_shift_sd_mm == pytest.approx(0.1 / np.sqrt(2))
    assert (good.original_loss, good.transformed_loss, good.halved) == (2.0, 0.5, 1.0)
    results[0] = result(3.0, reliable=False)
    bad = visit_figures(pairs, results, 0.5)
    assert (
        bad.closure_all.inconsistent > 0 and bad.closure.reliable == pytest.approx(2 / 3) and np.isnan(bad.shift_sd_mm)
    )
    assert visit_series(pairs, results, 0.5, all_reliable=True)[0].reliable.sum() == 6


def test_a_shift_changes_the_narrowing_little(visits):
    moved = shifted(visits[0], np.array([2.0, -1.0]))
    np.testing.assert_allclose(moved.image[10:-10, 10:-10], visits[0].image[8:-12, 11:-9], atol=1e-3)
    assert moved.masks.upper[20:60].any()
    variances, reliable = shift_variances([VisitPair(visits[0], visits[1])], 0.175, "pipoc")
    assert len(variances) == len(reliable) == 1 and 0 < variances[0] < 0.25


def test_results_are_in_the_order_of_the_pairs(visits):
    pairs = [VisitPair(visits[0], visits[1]), VisitPair(visits[1], visits[2])]
    results, seconds = register_pairs(pairs, 0.175, "pipoc")
    assert seconds > 0 and abs(results[1].jsn_px) < 0.05 < abs(results[0].jsn_px)


def test_finer_images_are_averaged_to_the_working_size(visits):
    small, spacing_mm = at_working_size(visits[0], 0.0875)
    assert small.image.shape == (64, 64) and spacing_mm == pytest.approx(0.175)
    assert at_working_size(visits[0], 0.175)[0] is visits[0]


def test_errors_are_against_the_truth(visits, simulated):
    found = narrowing_errors([KnownPair.from_simulated(simulated)], "pipoc")
    assert abs(found.mm[0]) < 0.2 and found.mm[0] == pytest.approx(found.px[0] * simulated.spacing_mm)
    assert found.losses.shape == (1, 2) and found.joints == ("MCP2",)
    none = found.select(np.array([False]))
    assert len(none.px) == 0
    pairs = known_pairs(visits, 0.175, "easy", 2, 0)
    assert len(pairs) == 2 and pairs[0].name == "MCP2"
    both = BoneMasks(visits[0].masks.upper, visits[0].masks.lower | visits[0].masks.upper)
    assert known_pairs([LabelledJoint(visits[0].image, both, "a")], 0.175, "easy", 2, 0) == []


def test_curves_have_pairs_at_every_level(visits, monkeypatch):
    monkeypatch.setitem(LEVELS, "rotation", (0, 20))
    monkeypatch.setitem(LEVELS, "scale", (0.9,))
    monkeypatch.setitem(LEVELS, "roll", (5,))
    monkeypatch.setitem(LEVELS, "noise", (0, 0.1))
    made = robustness(visits, 0.175, 1, 0)
    assert {kind: len(levels) for kind, levels in made.items()} == {"rotation": 2, "scale": 1, "roll": 1, "noise": 2}
    dtheta = Similarity.from_matrix(made["rotation"][1][0].upper).dtheta
    assert abs(np.rad2deg(dtheta)) == pytest.approx(20)
    assert Similarity.from_matrix(made["scale"][0][0].lower).dz == pytest.approx(0.9)


def test_tables_and_plots_of_all_experiments(visits, monkeypatch):
    monkeypatch.setitem(LEVELS, "rotation", (0,))
    monkeypatch.setitem(LEVELS, "scale", (1.0,))
    monkeypatch.setitem(LEVELS, "roll", (0,))
    monkeypatch.setitem(LEVELS, "noise", (0,))
    other = [LabelledJoint(each.image, each.masks, "two", "MCP3", each.name) for each in visits[:2]]
    found = evaluate_registration(
        ["pipoc"], visits + other, 0.175, ExperimentSizes(known=2, simulated=1, shifted=1, curve=1)
    )
    assert set(found[0].closures) == {"", "MCP2", "MCP3"} and found[0].simulated is not None
    text = registration_tables(found, "5 images of 2 joints")
    for part in ("Between real visits", "By joint", "**Loss**", "Known motion", "Simulated joints", "As published"):
        assert part in text
    assert "| `pipoc` | MCP2, real | 3 |" in text and "47,000,224" in text
    assert f"| `pipoc` | {found[0].simulated.joints[0]}, simulated | 1 |" in text
    made = draw_registration_plots(found)
    assert set(made) == {"registration-losses.png", "registration-robustness.png"}
    assert all(content.startswith(b"\x89PNG") for content in made.values())


def test_without_real_images_only_simulated_ones_are_reported():
    assert "Between real visits" not in registration_tables([MethodEvaluation("pipoc", 0)], "")


def test_half_planes_divide_the_image_in_the_joint_space(simulated):
    halves = half_planes(simulated.fixed_masks)
    assert (halves.upper ^ halves.lower).all()
    both = simulated.fixed_masks.upper & simulated.fixed_masks.lower
    assert halves.upper[simulated.fixed_masks.upper & ~both].mean() > 0.98
    assert halves.lower[simulated.fixed_masks.lower & ~both].mean() > 0.98


@pytest.mark.parametrize("masks", ["found", "halves", "horizontal", "displaced"])
def test_known_motion_is_measured_with_other_masks_too(visits, masks):
    found = evaluate_registration(["pipoc"], visits, 0.175, ExperimentSizes(2, 1, 1, 1), masks=masks)
    assert len(found[0].known["easy"].px) == 2 and not found[0].closures and not found[0].curves
    assert f"Masks given to the methods: {MASKS[masks]}." in registration_tables(found, "3 images", masks)


@pytest.mark.parametrize(("masks", "below_mm"), [("horizontal", [0, 0, 0]), ("displaced", [1.2, -1.2, 2])])
def test_lines_lie_where_the_table_says(simulated, masks, below_mm, monkeypatch):
    given = []

    def keep(fixed, moving, fixed_masks, moving_masks, *others, **more):
        given.extend(fixed_masks)
        assert moving_masks is None
        return register_many(fixed, moving, None, None, *others, **more)

    register_many = known_errors.register_many
    monkeypatch.setattr(known_errors, "register_many", keep)
    monkeypatch.setattr(known_errors, "_BATCH", 2)
    known_errors.narrowing_errors([KnownPair.from_simulated(simulated)] * 3, "pipoc", masks=masks)
    row = joint_frame(simulated.fixed_masks)[0][1]
    for halves, below in zip(given, below_mm, strict=True):
        assert (halves.upper ^ halves.lower).all() and np.ptp(halves.upper.sum(axis=0)) == 0
        assert halves.upper[:, 0].sum() == pytest.approx(row + below / simulated.spacing_mm, abs=1)
