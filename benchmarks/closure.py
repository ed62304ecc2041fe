"""Closure on real joints with three or more visits, with the masks of experts and with those of `segment`.

Point and axis are found at the first visit and carried to the others, as for a patient with several visits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from benchmarks.methods_compared import OURS, BenchmarkRow, ComparedMethod
from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.public_images import FingerJoint, finger_joints
from napari_jsn.evaluation.registration.closure import Series, closure
from napari_jsn.evaluation.settings import Settings
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.segmentation.segment import segment_many
from napari_jsn.segmentation.training.public_joints import is_test

#: Largest ratio of sigma with the masks of `segment` to sigma with those of the experts.
_MAX_SIGMA_RATIO = 1.1


def run(methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Register all pairs of visits of each joint, in both directions, with the experts' masks."""
    joints = list(finger_joints(size=127, part="report", min_visits=3))
    chosen = np.linspace(0, len(joints) - 1, min(settings.joints, len(joints))).round().astype(int)
    joints = [joints[k] for k in chosen]
    return [closure_row(method, joints[: method.max_joints]) for method in methods]


def run_segmented(methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Compare the closure of our own method between both kinds of masks, on joints that no model was trained on."""
    joints = [joint for joint in finger_joints(size=127, part="report", min_visits=3) if is_test(joint.name)]
    joints = joints[: settings.joints]
    try:
        segmented = [_segmented(joint) for joint in joints]
    except InputError as error:  # there is no segmentation model
        print(error)
        return []
    rows = []
    for method in (method for method in methods if method.name == OURS):
        experts, found = closure_row(method, joints), closure_row(method, segmented)
        for row, masks in ((experts, "experts'"), (found, "segment's")):
            row.test, row.target, row.reached = f"closure, {masks} masks", "", None
        sigmas = [row.data["sigma_mm"].item() for row in (experts, found)]
        found.target = "sigma at most 10 % above that with the experts' masks"
        found.reached = sigmas[1] <= _MAX_SIGMA_RATIO * sigmas[0]
        rows += [experts, found]
    return rows


def closure_row(method: ComparedMethod, joints: Sequence[FingerJoint]) -> BenchmarkRow:
    """Return the closure of one method on these joints, with point and axis carried from the first visit."""
    visits = [(k, i, j) for k, joint in enumerate(joints) for i, j in permutations(range(len(joint.visits)), 2)]
    pairs = [_pair(joints[k], i, j) for k, i, j in visits]
    results = method.run(pairs)
    own, carried, reliable = (
        [np.full((len(joint.visits),) * 2, fill) for joint in joints] for fill in (np.nan, np.nan, True)
    )
    frames = {(k, 0): (pair.point, pair.axis) for (k, i, _), pair in zip(visits, pairs, strict=True) if i == 0}
    for (k, i, j), result in zip(visits, results, strict=True):
        if i == 0:
            frames[k, j] = _carry(*frames[k, 0], (result.upper + result.lower) / 2)
    for (k, i, j), result in zip(visits, results, strict=True):
        spacing_mm = joints[k].spacing_mm
        own[k][i, j] = result.jsn_px * spacing_mm
        if np.isfinite(result.upper).all() and np.isfinite(frames[k, i][0]).all():
            carried[k][i, j] = joint_space_narrowing(result.upper, result.lower, *frames[k, i]) * spacing_mm
        reliable[k][i, j] = result.reliable
    found, found_own = (
        closure(Series(*one_joint) for one_joint in zip(jsn_mm, reliable, strict=True)) for jsn_mm in (carried, own)
    )
    row = BenchmarkRow("closure of real visits", method.name, found.pairs, mismatch=found.inconsistent)
    row.data["sigma_mm"] = np.array([found.pooled_sigma_mm])
    row.ms = 1e3 * float(np.mean([result.seconds for result in results]))
    row.remarks = (
        f"sigma {found.pooled_sigma_mm:.4f} mm ({found.consistent_sigma_mm:.4f} of the consistent pairs), "
        f"unbiased pair SD {found.pair_sd_mm:.4f} mm; {found.joints} joints, {found.triangles} triangles, "
        f"{found.measured} pairs measured; with point and axis of each pair: "
        f"sigma {found_own.pooled_sigma_mm:.4f} mm, inconsistent {found_own.inconsistent:.1%}"
    )
    if method.states_uncertainty:
        row.reliable = found.reliable
    if method.name == OURS:
        row.target = "sigma 0.018 mm or less, inconsistent 0.3 % or less, 88 % or more reliable"
        row.reached = found.pooled_sigma_mm <= 0.018 and found.inconsistent <= 0.003 and found.reliable >= 0.88
    return row


def _carry(
    point: NDArray[np.float64], axis: NDArray[np.float64], mean: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first visit's point and axis in a later visit, by the mean of both bones' maps."""
    rotated = mean[:2, :2] @ axis
    return mean[:2, :2] @ point + mean[:2, 2], rotated / np.hypot(*rotated)


def _pair(joint: FingerJoint, i: int, j: int) -> PreparedPair:
    (fixed, fixed_masks), (moving, moving_masks) = joint.visits[i], joint.visits[j]
    return PreparedPair.from_masks(fixed, moving, fixed_masks, moving_masks, joint.spacing_mm)


def _segmented(joint: FingerJoint) -> FingerJoint:
    """Return the joint with the masks that the default model finds."""
    images = [image for image, _ in joint.visits]
    return replace(joint, visits=list(zip(images, segment_many(images), strict=True)))
