"""A scale that drifts across the hand, and a stretch: made-up bone motions on the joints of the shipped sample."""

from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint.similarity import Similarity
from napari_jsn.progression.distortion import scale_curvature, scale_drift, stretch, with_distortion_reasons
from napari_jsn.progression.hand_scale import SHRINKAGE
from napari_jsn.progression.notes import progression_notes
from tests.progression.made_up import progression


def with_motions(motion, reliable=20):
    """The narrowings of one hand, with motions of its bones that ``motion`` gives.

    ``motion(place_mm)`` returns where the middle of what is seen of a bone lies on the follow-up radiograph, and
    how it is rotated and scaled there: places are complex numbers x + i y in mm, rotation and scale one more.
    """
    changed = []
    for row in progression().narrowings:
        if row.registration is None:
            continue
        before, after = row.baseline.image.to_radiograph, row.followup.image.to_radiograph
        bones = []
        for mask in (row.registration.fixed_masks.upper, row.registration.fixed_masks.lower):
            middle = np.array([*(each.mean() for each in np.nonzero(mask)[::-1]), 1.0])
            place = complex(*(before @ middle)[:2]) * row.spacing_mm
            moved, turned = motion(place)
            on_plane, offset = np.eye(3), (moved - turned * place) / row.spacing_mm
            on_plane[:2] = [[turned.real, -turned.imag, offset.real], [turned.imag, turned.real, offset.imag]]
            bones.append(
                Similarity.from_matrix(np.linalg.inv(after) @ on_plane @ before, row.registration.upper.centre)
            )
        reasons = () if len(changed) < reliable else (Reason(ReasonCode.NOT_SIMILAR),)
        registration = replace(row.registration, upper=bones[0], lower=bones[1], reasons=reasons)
        changed.append(replace(row, registration=registration))
    return changed


def rows(drift=(0.0, 0.0), scale=1.0, noise=0.0, reliable=20):
    """The narrowings of one hand, the scale of whose bones drifts by so much over 10 cm to the right and down."""
    rng = np.random.default_rng(0)
    slope = complex(drift[0], -drift[1]) / 100
    joints = [row.baseline.joint.centre[::-1] for row in progression().narrowings]
    middle = complex(*np.mean(joints, axis=0)) * progression().narrowings[0].spacing_mm

    def motion(place):
        place = place - middle
        # what registration finds of the drift after the scales were moved towards that of the hand
        shown = np.exp((1 - SHRINKAGE) * ((slope * place).real + noise * rng.standard_normal()))
        return middle + scale * (place + slope * place**2 / 2), scale * shown * np.exp(1j * (slope * place).imag)

    return with_motions(motion, reliable)


def notes(changed, word="drifts"):
    return [note for note in progression_notes([], changed) if word in note]


@pytest.mark.parametrize("drift", [(0.02, 0.0), (0.0, -0.02), (-0.012, 0.016), (0.018, 0.009)])
def test_a_drift_is_measured_and_noted(drift):
    changed = rows(drift, noise=0.001)
    assert scale_drift(changed) == pytest.approx(np.hypot(*drift), rel=0.25)
    (note,) = notes(changed)
    assert "Visit 2, left: the scale of the bones drifts by 2" in note or "drifts by 1.9" in note
    assert [row.reasons for row in with_distortion_reasons(changed)] == [row.reasons for row in changed]


@pytest.mark.parametrize("drift", [(0.035, 0.0), (0.0, 0.04), (-0.03, 0.03)])
def test_a_large_drift_is_a_reason_for_each_joint(drift):
    changed = rows(drift, noise=0.001)
    assert len(notes(changed)) == 1
    for row in with_distortion_reasons(changed):
        assert row.reasons[-1].code is ReasonCode.SCALE_DRIFTS and not row.reliable


@pytest.mark.parametrize(
    ("drift", "scale", "noise"), [((0, 0), 1.0, 0.004), ((0, 0), 1.05, 0.004), ((0.008, 0), 0.97, 0.002)]
)
def test_a_scale_common_to_all_bones_and_noise_are_no_drift(drift, scale, noise):
    changed = rows(drift, scale, noise)
    assert notes(changed) == [] and with_distortion_reasons(changed) == changed


def test_few_reliable_joints_show_no_drift():
    assert scale_drift(rows((0.05, 0.0), reliable=3)) is None
    assert scale_drift([]) is None


def curved(curvature, off_middle=0.0, noise=0.0, reliable=20):
    """The narrowings of one hand, the scale of whose bones changes with the square of the distance from a point.

    ``curvature`` is the change over 10 cm; the point lies ``off_middle`` mm beside the middle of the joints.
    """
    rng = np.random.default_rng(0)
    joints = [row.baseline.joint.centre[::-1] for row in progression().narrowings]
    middle = complex(*np.mean(joints, axis=0)) * progression().narrowings[0].spacing_mm + off_middle

    def motion(place):
        place = place - middle
        grown = curvature * abs(place / 100) ** 2
        return middle + place * (1 + grown / 2), np.exp((1 - SHRINKAGE) * (grown + noise * rng.standard_normal()))

    return with_motions(motion, reliable)


@pytest.mark.parametrize(
    ("curvature", "off_middle", "change"),
    [(0.035, 0.0, "grows"), (-0.034, 0.0, "falls"), (0.036, 25.0, "grows"), (-0.035, 40j, "falls")],
)
def test_a_scale_that_changes_from_the_middle_outwards_is_measured_and_noted(curvature, off_middle, change):
    changed = curved(curvature, off_middle, noise=0.001)
    assert scale_curvature(changed) == pytest.approx(curvature, rel=0.2)
    (note,) = notes(changed, "from the middle outwards")
    assert note.startswith(f"Visit 2, left: the scale of the bones {change} by ") and "barrel or pincushion" in note
    codes = {reason.code for row in with_distortion_reasons(changed) for reason in row.reasons}
    assert ReasonCode.SCALE_VARIES not in codes


@pytest.mark.parametrize("curvature", [0.07, -0.07, 0.1])
def test_a_large_change_of_the_scale_outwards_is_a_reason_for_each_joint(curvature):
    changed = curved(curvature, noise=0.001)
    assert len(notes(changed, "from the middle outwards")) == 1
    for row in with_distortion_reasons(changed):
        assert ReasonCode.SCALE_VARIES in {reason.code for reason in row.reasons} and not row.reliable


@pytest.mark.parametrize("changed", [curved(0.0, noise=0.003), curved(0.012, noise=0.001), rows((0.03, 0.02))])
def test_noise_a_small_change_and_a_drift_are_no_distortion_of_a_lens(changed):
    assert notes(changed, "from the middle outwards") == []


def test_few_reliable_joints_show_no_change_outwards():
    assert scale_curvature(curved(0.1, reliable=5)) is None
    assert scale_curvature([]) is None


def stretched(matrix, reliable=20):
    """The narrowings of one hand whose follow-up radiograph is distorted by a matrix of (x, y).

    Each bone moves as the similarity that is most similar to the matrix.
    """
    (a, b), (c, d) = np.array(matrix, float)
    turned = complex(a + d, c - b)
    turned *= np.sqrt(a * d - b * c) / abs(turned)
    return with_motions(
        lambda place: (complex(a * place.real + b * place.imag, c * place.real + d * place.imag), turned), reliable
    )


STRETCHES = {
    "down": ([[1, 0], [0, 1.02]], 0.02),
    "across": ([[1.018, 0], [0, 1]], 0.018),
    "shear": ([[1, 0], [0.022, 1]], 0.022),
    "oblique": ([[1.01, 0.005], [0.005, 0.995]], 0.018),
    "with a rotation": (np.array([[0.98, -0.2], [0.2, 0.98]]) @ [[1, 0], [0, 0.98]], 0.02),
}


@pytest.mark.parametrize("kind", STRETCHES)
def test_a_stretch_is_measured_and_noted(kind):
    matrix, share = STRETCHES[kind]
    changed = stretched(matrix)
    assert stretch(changed) == pytest.approx(share, rel=0.15)
    (note,) = notes(changed, "stretched")
    assert note.startswith("Visit 2, left: it is stretched by ") and "in one direction since baseline" in note
    assert with_distortion_reasons(changed) == changed


@pytest.mark.parametrize("matrix", [[[1, 0], [0, 1.05]], [[0.95, 0], [0, 1]], [[1, 0.05], [0, 1]]])
def test_a_large_stretch_is_a_reason_for_each_joint(matrix):
    changed = stretched(matrix)
    assert len(notes(changed, "stretched")) == 1
    for row in with_distortion_reasons(changed):
        assert row.reasons[-1].code is ReasonCode.STRETCHED and not row.reliable


@pytest.mark.parametrize("matrix", [[[1, 0], [0, 1]], [[1.05, 0], [0, 1.05]], [[0.9, -0.3], [0.3, 0.9]]])
def test_a_similarity_is_no_stretch(matrix):
    changed = stretched(matrix)
    assert notes(changed, "stretched") == [] and with_distortion_reasons(changed) == changed


@pytest.mark.parametrize("matrix", [[[1, 0], [0, 1.04]], [[0.96, 0], [0, 1]], [[1, 0.04], [0, 1]]])
def test_failed_registrations_show_a_stretch_where_few_are_left(matrix):
    """Some of them are far off."""
    changed = stretched(matrix, reliable=3)
    assert stretch(changed) == pytest.approx(0.04, rel=0.15)
    upper = changed[5].registration.upper
    wrong = replace(changed[5].registration, upper=replace(upper, dx=upper.dx + 20, dtheta=upper.dtheta + 0.2))
    changed[5] = replace(changed[5], registration=wrong)
    assert stretch(changed) is None or stretch(changed) == pytest.approx(0.04, rel=0.3)


def test_few_bones_show_no_stretch():
    assert stretch(stretched(np.diag([1, 1.05]))[:3]) is None
    assert stretch([]) is None
