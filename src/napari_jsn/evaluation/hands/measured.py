"""Measure simulated hands end to end, from two radiographs to a narrowing of each joint, and compare with the truth."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from napari_jsn.evaluation.hands.simulated import SimulatedHand
from napari_jsn.evaluation.settings import limit_threads
from napari_jsn.progression.measure import measure
from napari_jsn.progression.progression import Narrowing

#: An error above this is a mismatch: one pixel of the paper.
MISMATCH_MM = 0.175
#: Folder that keeps the simulated radiographs.
CACHE = Path("output") / "hands"


@dataclass(frozen=True)
class MeasuredJoint:
    """The measured and the true narrowing of one joint, in mm.

    ``box_mm`` is the distance of the baseline's box from the true centre of the joint.
    """

    joint: str
    true_mm: float
    measured_mm: float
    sd_mm: float
    jsw_change_mm: float
    reliable: bool
    reason: str
    box_mm: float

    @property
    def error_mm(self) -> float:
        """Measured minus true narrowing."""
        return self.measured_mm - self.true_mm


def measure_hand(hand: SimulatedHand, boxes: str, joints: Sequence[str]) -> list[MeasuredJoint]:
    """Measure one hand; its joints are found (``boxes="found"``) or taken from the truth (``"truth"``)."""
    progression = measure(*hand.paths, joints=joints, boxes=hand.boxes() if boxes == "truth" else None)
    return [_measured_joint(hand, row) for row in progression.narrowings if row.side == hand.side]


def _measured_joint(hand: SimulatedHand, row: Narrowing) -> MeasuredJoint:
    truth, box_mm = hand.truth[2, row.joint], float("nan")
    if row.baseline is not None:
        first = hand.truth[1, row.joint]
        offset = np.subtract(row.baseline.joint.centre, [float(first["centre_y_px"]), float(first["centre_x_px"])])
        box_mm = float(np.hypot(*offset)) * float(first["spacing_mm"])
    return MeasuredJoint(
        row.joint, float(truth["jsn_projected_mm"]), row.jsn_mm, row.jsn_sd_mm, row.jsw_change_mm, row.reliable,
        row.reason, box_mm,
    )  # fmt: skip


def measure_hands(
    hands: Sequence[SimulatedHand], boxes: str, joints: Sequence[str], threads: int
) -> list[MeasuredJoint]:
    """Measure hands in ``threads`` processes."""
    if threads == 1:
        return _collect((measure_hand(hand, boxes, joints) for hand in hands), len(hands))
    with ProcessPoolExecutor(threads, get_context("spawn"), initializer=limit_threads, initargs=(1,)) as pool:
        return _collect(pool.map(measure_hand, hands, [boxes] * len(hands), [joints] * len(hands)), len(hands))


def _collect(parts: Iterable[list[MeasuredJoint]], total: int) -> list[MeasuredJoint]:
    measured: list[MeasuredJoint] = []
    for done, part in enumerate(parts, 1):
        measured += part
        print(f"{done} of {total} hands measured", file=sys.stderr, end="\r", flush=True)
    return measured
