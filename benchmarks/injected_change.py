"""Injected change: one bone of a real follow-up is moved, and the narrowing must change by the same amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.methods_compared import OURS, BenchmarkRow, ComparedMethod
from benchmarks.peers import translation
from napari_jsn.common.statistics import rmse, share
from napari_jsn.evaluation.public_images import FingerJoint, finger_joints
from napari_jsn.evaluation.registration.known_motion import KnownMotion, render_followup
from napari_jsn.evaluation.settings import MISMATCH_PX, Settings
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.registration.methods import PreparedPair

#: Smallest and largest injected change in mm; the sign is random.
SMALLEST_MM, LARGEST_MM = 0.05, 0.5


def run(methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Register each real pair as it is and with one bone moved; compare the difference with the injected change."""
    rng = settings.rng("injected")
    joints = [joint for joint in finger_joints(size=127, part="report", min_visits=2) if _separate(joint)]
    chosen = [joints[k % len(joints)] for k in range(max(8, settings.pairs // 3))]
    before, after, truth_mm = zip(*(_inject(joint, rng) for joint in chosen), strict=True)
    return [_row(method, before, after, np.array(truth_mm)) for method in methods]


def _separate(joint: FingerJoint) -> bool:
    return not any((masks.upper & masks.lower).any() for _, masks in joint.visits)


def _inject(joint: FingerJoint, rng: np.random.Generator) -> tuple[PreparedPair, PreparedPair, float]:
    first, second = rng.permutation(len(joint.visits))[:2]
    fixed, fixed_masks = joint.visits[first]
    moving, moving_masks = joint.visits[second]
    change_mm = rng.choice([-1, 1]) * rng.uniform(SMALLEST_MM, LARGEST_MM)
    _, axis = joint_frame(moving_masks)
    identity, moved = np.eye(3), translation(*(axis * change_mm / joint.spacing_mm))
    # The upper bone moved down the axis narrows the joint; the lower bone moved up narrows it too.
    maps = (moved, identity) if rng.random() < 0.5 else (identity, np.linalg.inv(moved))
    changed, changed_masks = render_followup(moving, moving_masks, *maps, rng, KnownMotion())
    before = PreparedPair.from_masks(fixed, moving, fixed_masks, moving_masks, joint.spacing_mm)
    return before, replace(before, moving=changed, moving_masks=changed_masks), change_mm


def _row(
    method: ComparedMethod, before: Sequence[PreparedPair], after: Sequence[PreparedPair], truth_mm: NDArray[np.float64]
) -> BenchmarkRow:
    count = max(1, method.max_pairs // 2)
    first, second = method.run(before[:count]), method.run(after[:count])
    truth_mm = truth_mm[: len(first)]
    spacing_mm = np.array([pair.spacing_mm for pair in before[: len(first)]], dtype=float)
    found_mm = np.array([b.jsn_px - a.jsn_px for a, b in zip(first, second, strict=True)]) * spacing_mm
    errors = np.nan_to_num(found_mm - truth_mm, nan=np.inf)
    matched = np.abs(errors) <= MISMATCH_PX * spacing_mm
    row = BenchmarkRow("injected change", method.name, len(truth_mm), 1 - share(matched), rmse(errors[matched]))
    row.ms = 1e3 * float(np.mean([result.seconds for result in first + second]))
    row.data = {"truth_mm": truth_mm, "found_mm": found_mm}
    used = matched
    if method.states_uncertainty:
        reliable = np.array([a.reliable and b.reliable for a, b in zip(first, second, strict=True)])
        row.reliable, row.data["reliable"] = share(reliable), reliable
        used = reliable
        row.remarks = f"of the reliable: mismatch {1 - share(matched[used]):.2%}, RMSE {rmse(errors[used]):.4f} mm, "
    if used.sum() > 2:
        row.bias_mm = float(np.mean(errors[used & matched]))
        slope, slope_sd = _slope(truth_mm[used], found_mm[used])
        row.remarks += f"slope {slope:.3f} +- {slope_sd:.3f}"
        if method.name == OURS:
            row.target = "slope 1.00 +- 0.01, RMSE 0.015 mm or less, of the reliable"
            row.reached = abs(slope - 1) <= 0.01 and rmse(errors[used]) <= 0.015
    return row


def _slope(truth: NDArray[np.float64], found: NDArray[np.float64]) -> tuple[float, float]:
    """Return the slope of a straight line through the points, and its standard error."""
    from scipy.stats import linregress

    line = linregress(truth, found)
    return float(line.slope), float(line.stderr)
