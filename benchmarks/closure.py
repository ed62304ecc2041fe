"""Closure on real joints seen three times or more, with the experts' masks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from benchmarks.contestants import OURS, Contestant, as_pair
from benchmarks.datasets import FingerJoint, finger_joints
from benchmarks.rows import Row
from benchmarks.settings import Settings
from napari_jsn.evaluation.closure import Series, closure


def run(field: Sequence[Contestant], settings: Settings) -> list[Row]:
    """All pairs of visits of each joint, both ways."""
    there = list(finger_joints(size=127, part="report", min_visits=3))
    every = np.linspace(0, len(there) - 1, min(settings.joints, len(there))).round().astype(int)
    joints = [there[k] for k in every]
    return [_row(one, joints[: one.most_joints]) for one in field]


def _row(one: Contestant, joints: Sequence[FingerJoint]) -> Row:
    asked = [(k, i, j) for k, joint in enumerate(joints) for i, j in permutations(range(len(joint.visits)), 2)]
    answers = one.ask([_pair(joints[k], i, j) for k, i, j in asked])
    jsn_mm = [np.full((len(joint.visits),) * 2, np.nan) for joint in joints]
    reliable = [np.ones((len(joint.visits),) * 2, bool) for joint in joints]
    for (k, i, j), answer in zip(asked, answers, strict=True):
        jsn_mm[k][i, j] = answer.jsn_px * joints[k].spacing_mm
        reliable[k][i, j] = answer.reliable
    found = closure(Series(*one_joint) for one_joint in zip(jsn_mm, reliable, strict=True))
    row = Row("closure of real visits", one.name, found.pairs, mismatch=found.inconsistent)
    row.ms = 1e3 * float(np.mean([answer.seconds for answer in answers]))
    row.words = (
        f"sigma {found.sigma_mm:.4f} mm ({found.consistent_sigma_mm:.4f} of the consistent), "
        f"unbiased pair SD {found.pair_sd_mm:.4f} mm; {found.joints} joints, {found.triangles} triangles, "
        f"{found.measured} pairs measured"
    )
    if one.judges:
        row.reliable = found.reliable
    if one.name == OURS:
        row.bar = "sigma 0.018 mm or less, inconsistent 0.3 % or less, 88 % or more reliable"
        row.met = found.sigma_mm <= 0.018 and found.inconsistent <= 0.003 and found.reliable >= 0.88
    return row


def _pair(joint: FingerJoint, i: int, j: int):
    (fixed, fixed_masks), (moving, moving_masks) = joint.visits[i], joint.visits[j]
    return as_pair(fixed, moving, fixed_masks, moving_masks, joint.spacing_mm)
