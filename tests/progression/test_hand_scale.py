"""A scale that drifts across the hand: made-up bone motions on the joints of the shipped sample."""

from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.progression.hand_scale import _SHRINKAGE, scale_drift, with_drift_reasons
from napari_jsn.progression.notes import progression_notes
from tests.progression.made_up import progression


def rows(drift=(0.0, 0.0), scale=1.0, noise=0.0, reliable=20):
    """The narrowings of one hand, the scale of whose bones drifts by so much over 10 cm to the right and down."""
    rng = np.random.default_rng(0)
    changed = []
    for row in progression().narrowings:
        if row.registration is None:
            continue
        row_mm, col_mm = np.array(row.baseline.joint.centre) * row.spacing_mm
        spread = (drift[0] * col_mm + drift[1] * row_mm) / 100
        bones = []
        for bone, down in ((row.registration.upper, -7.0), (row.registration.lower, 7.0)):
            local = spread + drift[1] * down / 100 + noise * rng.standard_normal()
            bones.append(replace(bone, dz=scale * float(np.exp((1 - _SHRINKAGE) * local))))
        reasons = () if len(changed) < reliable else (Reason(ReasonCode.NOT_SIMILAR),)
        registration = replace(row.registration, upper=bones[0], lower=bones[1], reasons=reasons)
        changed.append(replace(row, registration=registration))
    return changed


def notes(changed):
    return [note for note in progression_notes([], changed) if "drifts" in note]


@pytest.mark.parametrize("drift", [(0.02, 0.0), (0.0, -0.02), (-0.012, 0.016), (0.018, 0.009)])
def test_a_drift_is_measured_and_noted(drift):
    changed = rows(drift, noise=0.001)
    assert scale_drift(changed) == pytest.approx(np.hypot(*drift), rel=0.25)
    (note,) = notes(changed)
    assert "Visit 2, left: the scale of the bones drifts by 2" in note or "drifts by 1.9" in note
    assert [row.reasons for row in with_drift_reasons(changed)] == [row.reasons for row in changed]


@pytest.mark.parametrize("drift", [(0.035, 0.0), (0.0, 0.04), (-0.03, 0.03)])
def test_a_large_drift_is_a_reason_for_each_joint(drift):
    changed = rows(drift, noise=0.001)
    assert len(notes(changed)) == 1
    for row in with_drift_reasons(changed):
        assert row.reasons[-1].code is ReasonCode.SCALE_DRIFTS and not row.reliable


@pytest.mark.parametrize(
    ("drift", "scale", "noise"), [((0, 0), 1.0, 0.004), ((0, 0), 1.05, 0.004), ((0.008, 0), 0.97, 0.002)]
)
def test_a_scale_common_to_all_bones_and_noise_are_no_drift(drift, scale, noise):
    changed = rows(drift, scale, noise)
    assert notes(changed) == [] and with_drift_reasons(changed) == changed


def test_few_reliable_joints_show_no_drift():
    assert scale_drift(rows((0.05, 0.0), reliable=3)) is None
    assert scale_drift([]) is None
