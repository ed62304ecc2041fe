"""Measure simulated hands end to end, from two radiographs to a narrowing of each joint, and compare with the truth."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from napari_jsn.common.csv_files import read_csv, records_csv
from napari_jsn.common.files import write_files
from napari_jsn.common.reasons import codes
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
    """The measured and the true narrowing of one joint, in mm, and what its uncertainty is computed from.

    ``box_mm`` is the distance of the baseline's box from the true centre of the joint. ``reasons`` are codes.
    ``roll_deg`` is the true roll between the visits of the bone that rolled more; NaN where it was not saved.
    """

    patient: str
    side: str
    pitch_mm: float
    joint: str
    true_mm: float
    measured_mm: float
    sd_mm: float
    registration_sd_mm: float
    rotation_deg: float
    jsw_change_mm: float
    jsw_change_sd_mm: float
    jsw_reliable: bool
    state: str
    reasons: str
    box_mm: float
    roll_deg: float = float("nan")

    @property
    def error_mm(self) -> float:
        """Measured minus true narrowing."""
        return self.measured_mm - self.true_mm

    @property
    def failed(self) -> bool:
        """Whether the narrowing has failed."""
        return self.state == "failed"


def measure_hand(hand: SimulatedHand, boxes: str, joints: Sequence[str]) -> list[MeasuredJoint]:
    """Measure one hand; its joints are found (``boxes="found"``) or taken from the truth (``"truth"``)."""
    progression = measure(*hand.paths, joints=joints, boxes=hand.boxes() if boxes == "truth" else None)
    return [measured_joint(hand, row) for row in progression.narrowings if row.side == hand.side]


def measured_joint(hand: SimulatedHand, row: Narrowing) -> MeasuredJoint:
    """Return one narrowing of a simulated hand with its truth."""
    truth, box_mm, both_widths = hand.truth[2, row.joint], float("nan"), False
    if row.baseline is not None and row.followup is not None:
        first = hand.truth[1, row.joint]
        offset = np.subtract(row.baseline.joint.centre, [float(first["centre_y_px"]), float(first["centre_x_px"])])
        box_mm = float(np.hypot(*offset)) * float(first["spacing_mm"])
        both_widths = row.baseline.jsw.reliable and row.followup.jsw.reliable
    roll_deg = max(abs(float(truth[f"roll_{bone}_deg"])) for bone in ("upper", "lower"))
    registration_sd_mm = float("nan") if row.registration is None else row.registration.jsn_sd_mm
    return MeasuredJoint(
        hand.patient, hand.side, hand.pitch_mm, row.joint, float(truth["jsn_projected_mm"]), row.jsn_mm, row.jsn_sd_mm,
        registration_sd_mm, row.angle_deg, row.jsw_change_mm, row.jsw_change_sd_mm, both_widths, row.state,
        codes(row.reasons), box_mm, roll_deg,
    )  # fmt: skip


def save_measured(measured: Sequence[MeasuredJoint], path: Path) -> None:
    """Write the measured joints to a CSV file, from which :func:`load_measured` reads them."""
    write_files(path.parent, {path.name: records_csv([asdict(one) for one in measured])})


def load_measured(path: Path) -> list[MeasuredJoint]:
    """Return the measured joints of a CSV file."""
    table = read_csv(path, dtype={"patient": str, "reasons": str}, keep_default_na=True)
    table["reasons"] = table["reasons"].astype(object).fillna("")
    return [MeasuredJoint(**{str(name): value for name, value in row.items()}) for row in table.to_dict("records")]


def measure_hands(
    hands: Sequence[SimulatedHand], boxes: str, joints: Sequence[str], threads: int, save: Path | None = None
) -> list[MeasuredJoint]:
    """Measure hands in ``threads`` processes.

    The joints are saved after each hand. Hands that the file already contains are not measured again, so that a run
    which was stopped continues.
    """
    measured = load_measured(save) if save is not None and save.exists() else []
    done = {(one.patient, one.side) for one in measured}
    todo = [hand for hand in hands if (hand.patient, hand.side) not in done]
    if threads == 1:
        return _collect((measure_hand(hand, boxes, joints) for hand in todo), measured, len(todo), save)
    with ProcessPoolExecutor(threads, get_context("spawn"), initializer=limit_threads, initargs=(1,)) as pool:
        parts = pool.map(measure_hand, todo, [boxes] * len(todo), [joints] * len(todo))
        return _collect(parts, measured, len(todo), save)


def _collect(
    parts: Iterable[list[MeasuredJoint]], measured: list[MeasuredJoint], total: int, save: Path | None
) -> list[MeasuredJoint]:
    for done, part in enumerate(parts, 1):
        measured += part
        if save is not None:
            save_measured(measured, save)
        print(f"{done} of {total} hands measured", file=sys.stderr, end="\r", flush=True)
    return measured
