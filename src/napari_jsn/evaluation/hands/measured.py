"""The whole measurement end to end, from two radiographs of a hand to a narrowing of each joint.

``python -m napari_jsn.evaluation.hands`` measures simulated hands, radiographs that were rotated and exposed again
(real ones, if ``NAPARI_JSN_DATA`` names them), time and memory, and writes docs/hands.md. ``--calibrate`` fits
instead, on other simulated hands, what laying the hand down anew adds to the uncertainty, and writes its card.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from napari_jsn import __version__
from napari_jsn.anatomy import JOINTS
from napari_jsn.common.files import write_files
from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.hands.simulated import SimulatedHand, simulated_hands
from napari_jsn.evaluation.settings import limit_threads
from napari_jsn.progression.measure import measure
from napari_jsn.progression.progression import Narrowing
from napari_jsn.progression.repositioning import CARD, joint_kind, repositioning_sd_mm

#: An error beyond this is a mismatch: a pixel of the paper's, in mm.
MISMATCH_MM = 0.175
#: Share of the calibration errors that 95 % intervals are made to hold: a little more, for harder joints than these.
_HELD = 0.955
_CACHE = Path("output") / "hands"


@dataclass(frozen=True)
class Outcome:
    """What was measured of one joint against what is true, in mm; ``box_mm`` is how far off its box began."""

    joint: str
    true_mm: float
    found_mm: float
    sd_mm: float
    jsw_change_mm: float
    reliable: bool
    reason: str
    box_mm: float

    @property
    def error_mm(self) -> float:
        """Found less true."""
        return self.found_mm - self.true_mm


def outcomes_of(hand: SimulatedHand, boxes: str, joints: Sequence[str]) -> list[Outcome]:
    """Measure one hand, its joints found or given."""
    progression = measure(*hand.paths, joints=joints, boxes=hand.boxes() if boxes == "truth" else None)
    return [_outcome(hand, row) for row in progression.narrowings if row.side == hand.side]


def _outcome(hand: SimulatedHand, row: Narrowing) -> Outcome:
    truth, box_mm = hand.truth[2, row.joint], float("nan")
    if row.baseline is not None:
        first = hand.truth[1, row.joint]
        apart = np.subtract(row.baseline.joint.centre, [float(first["centre_y_px"]), float(first["centre_x_px"])])
        box_mm = float(np.hypot(*apart)) * float(first["spacing_mm"])
    return Outcome(
        row.joint, float(truth["jsn_projected_mm"]), row.jsn_mm, row.jsn_sd_mm, row.jsw_change_mm, row.reliable,
        row.reason, box_mm,
    )  # fmt: skip


def run(hands: Sequence[SimulatedHand], boxes: str, joints: Sequence[str], threads: int) -> list[Outcome]:
    """Measure hands, in as many processes as there are threads."""
    if threads == 1:
        parts = (outcomes_of(hand, boxes, joints) for hand in hands)
        return _gathered(parts, len(hands))
    with ProcessPoolExecutor(threads, get_context("spawn"), initializer=limit_threads, initargs=(1,)) as pool:
        return _gathered(pool.map(outcomes_of, hands, [boxes] * len(hands), [joints] * len(hands)), len(hands))


def _gathered(parts: Iterable[list[Outcome]], total: int) -> list[Outcome]:
    found: list[Outcome] = []
    for done, some in enumerate(parts, 1):
        found += some
        print(f"{done} of {total} hands measured", file=sys.stderr, end="\r", flush=True)
    return found


def fit_repositioning(outcomes: Sequence[Outcome]) -> tuple[dict[str, float], float]:
    """Standard deviation by kind of joint beyond that of registration, in mm, and the share that intervals then hold.

    What the mean squared error of a kind has beyond the variance that registration states; then one factor for all
    kinds, so that the intervals hold 95.5 %. Mismatches count for nothing.
    """
    counted = [one for one in outcomes if one.reliable and abs(one.error_mm) <= MISMATCH_MM]
    kinds = np.array([joint_kind(one.joint) for one in counted])
    errors = np.array([one.error_mm for one in counted])
    own = np.array([one.sd_mm**2 - repositioning_sd_mm(one.joint) ** 2 for one in counted])
    added = {kind: max(float(np.mean((errors**2 - own)[kinds == kind])), 0.0) for kind in dict.fromkeys(kinds)}
    more = np.array([added[kind] for kind in kinds])
    factors = np.linspace(0.2, 6, 1161)
    held = np.array([np.mean(np.abs(errors) <= Z95 * np.sqrt(own + factor * more)) for factor in factors])
    best = int(np.argmax(held >= _HELD)) if (held >= _HELD).any() else len(factors) - 1
    return {kind: float(np.sqrt(factors[best] * variance)) for kind, variance in added.items()}, float(held[best])


def calibrate(patients: int, seed: int, boxes: str, threads: int, cache: Path) -> Path:
    """Fit the card of repositioning and write it."""
    outcomes = run(list(simulated_hands(patients, seed, cache)), boxes, JOINTS, threads)
    by_kind, held = fit_repositioning(outcomes)
    card = {
        "task": "progression",
        "what": "Standard deviation that laying the hand down anew adds to a narrowing between two visits, in mm, by "
        "kind of joint; see napari_jsn.progression.repositioning",
        "sd_mm": {kind: round(sd, 4) for kind, sd in sorted(by_kind.items())},
        "figures": {
            "held_by_95_percent_interval": round(held, 4),
            "joints": len(outcomes),
            "reliable": round(float(np.mean([one.reliable for one in outcomes])), 4),
        },
        "data": "Both hands of simulated patients at two visits, measured end to end",
        "command": "python -m napari_jsn.evaluation.hands --calibrate "
        f"--patients {patients} --seed {seed} --boxes {boxes}",
        "seed": seed,
        "versions": {"napari-jsn": __version__},
    }
    text = json.dumps(card, indent=2) + "\n"
    return write_files(Path("src") / "napari_jsn" / "models", {f"{CARD}.json": text.encode()})[0]
