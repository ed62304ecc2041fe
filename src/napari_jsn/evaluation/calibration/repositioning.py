"""Fit the uncertainty that repositioning of the hand adds to a narrowing, and write its card.

Simulated hands at two visits are measured end to end. They are other hands than those in docs/hands.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_jsn import __version__
from napari_jsn.anatomy import JOINTS, joint_kind
from napari_jsn.common.files import write_files
from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.hands.measured import CACHE, MISMATCH_MM, MeasuredJoint, measure_hands
from napari_jsn.evaluation.hands.simulated import simulated_hands
from napari_jsn.evaluation.settings import limit_threads
from napari_jsn.networks.weights import LICENCE
from napari_jsn.progression.repositioning import CARD, repositioning_sd_mm

#: Share of the calibration errors that the 95 % intervals cover: above 95 %, because real joints are a little harder.
_COVERAGE = 0.955


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this card to a parser."""
    parser.add_argument("--patients", type=int, default=16, help="simulated patients, both hands of each")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument(
        "--boxes", choices=("found", "truth"), default="found", help="find the joints, or use the truth"
    )
    parser.add_argument("--threads", type=int, default=2, help="processes")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder that keeps the simulated radiographs")
    parser.add_argument("--out", type=Path, default=Path("src/napari_jsn/models") / f"{CARD}.json", help="the card")


def main(options: argparse.Namespace) -> None:
    """Measure the hands, fit the standard deviations and write the card."""
    limit_threads(1)
    hands = list(simulated_hands(options.patients, options.seed, options.cache))
    measured = measure_hands(hands, options.boxes, JOINTS, options.threads)
    content = card_content(measured, options.patients, options.seed, options.boxes)
    text = json.dumps(content, indent=2) + "\n"
    print(f"Written: {write_files(options.out.parent, {options.out.name: text.encode()})[0]}")


def fit_repositioning(measured: Sequence[MeasuredJoint]) -> tuple[dict[str, float], float]:
    """Fit the standard deviation that repositioning adds, in mm, by kind of joint; return it and the coverage.

    It is the part of the mean squared error of a kind that the stated variance of registration does not explain. One
    factor for all kinds then makes the intervals cover 95.5 %. Mismatches do not count.
    """
    counted = [one for one in measured if one.reliable and abs(one.error_mm) <= MISMATCH_MM]
    kinds = np.array([joint_kind(one.joint) for one in counted])
    errors = np.array([one.error_mm for one in counted])
    registration = np.array([one.sd_mm**2 - repositioning_sd_mm(one.joint) ** 2 for one in counted])
    added = {kind: max(float(np.mean((errors**2 - registration)[kinds == kind])), 0.0) for kind in dict.fromkeys(kinds)}
    variances = np.array([added[kind] for kind in kinds])
    factors = np.linspace(0.2, 6, 1161)
    coverages = np.array(
        [np.mean(np.abs(errors) <= Z95 * np.sqrt(registration + factor * variances)) for factor in factors]
    )
    enough = coverages >= _COVERAGE
    best = int(np.argmax(enough)) if enough.any() else len(factors) - 1
    return {kind: float(np.sqrt(factors[best] * variance)) for kind, variance in added.items()}, float(coverages[best])


def card_content(measured: Sequence[MeasuredJoint], patients: int, seed: int, boxes: str) -> dict[str, object]:
    """Return the content of the card."""
    by_kind, coverage = fit_repositioning(measured)
    return {
        "task": "progression",
        "what": "Standard deviation that repositioning of the hand adds to a narrowing between two visits, in mm, by "
        "kind of joint; see napari_jsn.progression.repositioning",
        "sd_mm": {kind: round(sd, 4) for kind, sd in sorted(by_kind.items())},
        "figures": {
            "held_by_95_percent_interval": round(coverage, 4),
            "joints": len(measured),
            "reliable": round(float(np.mean([one.reliable for one in measured])), 4),
        },
        "data": "Both hands of simulated patients at two visits, measured end to end",
        "licence": LICENCE,
        "command": "python -m napari_jsn.evaluation.calibration repositioning "
        f"--patients {patients} --seed {seed} --boxes {boxes}",
        "seed": seed,
        "versions": {"napari-jsn": __version__},
    }
