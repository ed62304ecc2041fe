"""Closure on real joints seen three times or more, with the experts' masks.

Point and axis are found at the first visit and carried to the others, as for a study of several visits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from benchmarks.contestants import OURS, Contestant
from benchmarks.rows import Row
from napari_jsn.evaluation.public_images import FingerJoint, finger_joints
from napari_jsn.evaluation.registration.closure import Series, closure
from napari_jsn.evaluation.settings import Settings
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair


def run(field: Sequence[Contestant], settings: Settings) -> list[Row]:
    """All pairs of visits of each joint, both ways."""
    there = list(finger_joints(size=127, part="report", min_visits=3))
    every = np.linspace(0, len(there) - 1, min(settings.joints, len(there))).round().astype(int)
    joints = [there[k] for k in every]
    return [closure_row(one, joints[: one.most_joints]) for one in field]


def closure_row(one: Contestant, joints: Sequence[FingerJoint]) -> Row:
    """The closure of one contestant on these joints, point and axis carried from the first visit."""
    asked = [(k, i, j) for k, joint in enumerate(joints) for i, j in permutations(range(len(joint.visits)), 2)]
    pairs = [_pair(joints[k], i, j) for k, i, j in asked]
    answers = one.ask(pairs)
    own, carried, reliable = (
        [np.full((len(joint.visits),) * 2, fill) for joint in joints] for fill in (np.nan, np.nan, True)
    )
    frames = {(k, 0): (pair.point, pair.axis) for (k, i, _), pair in zip(asked, pairs, strict=True) if i == 0}
    for (k, i, j), answer in zip(asked, answers, strict=True):
        if i == 0:
            frames[k, j] = _carry(*frames[k, 0], (answer.upper + answer.lower) / 2)
    for (k, i, j), answer in zip(asked, answers, strict=True):
        spacing_mm = joints[k].spacing_mm
        own[k][i, j] = answer.jsn_px * spacing_mm
        if np.isfinite(answer.upper).all() and np.isfinite(frames[k, i][0]).all():
            carried[k][i, j] = joint_space_narrowing(answer.upper, answer.lower, *frames[k, i]) * spacing_mm
        reliable[k][i, j] = answer.reliable
    found, alone = (
        closure(Series(*one_joint) for one_joint in zip(jsn_mm, reliable, strict=True)) for jsn_mm in (carried, own)
    )
    row = Row("closure of real visits", one.name, found.pairs, mismatch=found.inconsistent)
    row.data["sigma_mm"] = np.array([found.sigma_mm])
    row.ms = 1e3 * float(np.mean([answer.seconds for answer in answers]))
    row.words = (
        f"sigma {found.sigma_mm:.4f} mm ({found.consistent_sigma_mm:.4f} of the consistent), "
        f"unbiased pair SD {found.pair_sd_mm:.4f} mm; {found.joints} joints, {found.triangles} triangles, "
        f"{found.measured} pairs measured; where each pair finds its own point and axis: "
        f"sigma {alone.sigma_mm:.4f} mm, inconsistent {alone.inconsistent:.1%}"
    )
    if one.judges:
        row.reliable = found.reliable
    if one.name == OURS:
        row.bar = "sigma 0.018 mm or less, inconsistent 0.3 % or less, 88 % or more reliable"
        row.met = found.sigma_mm <= 0.018 and found.inconsistent <= 0.003 and found.reliable >= 0.88
    return row


def _carry(point: np.ndarray, axis: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first visit's point and axis in a later visit, through the mean of both bones' maps."""
    turned = mean[:2, :2] @ axis
    return mean[:2, :2] @ point + mean[:2, 2], turned / np.hypot(*turned)


def _pair(joint: FingerJoint, i: int, j: int):
    (fixed, fixed_masks), (moving, moving_masks) = joint.visits[i], joint.visits[j]
    return PreparedPair.from_masks(fixed, moving, fixed_masks, moving_masks, joint.spacing_mm)
