"""Fit the uncertainty of a narrowing between two visits, and write its card.

Simulated hands at two visits are measured end to end, at several pixel pitches. They are other hands than those in
docs/hands.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn import __version__
from napari_jsn.anatomy import JOINTS, joint_kind
from napari_jsn.common.files import write_files
from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.hands.measured import (
    CACHE,
    MeasuredJoint,
    load_measured,
    measure_hands,
)
from napari_jsn.evaluation.hands.simulated import PITCHES_MM, hands_at_pitches
from napari_jsn.evaluation.settings import limit_threads
from napari_jsn.networks.weights import LICENCE, card_bytes
from napari_jsn.progression.repositioning import CARD, NarrowingUncertainty

#: Share of the calibration errors that the 95 % intervals cover.
_COVERAGE = 0.95
#: Degrees of freedom of the Student t distribution of the errors, which has a few large errors.
_DEGREES_OF_FREEDOM = 8.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this card to a parser."""
    parser.add_argument("--patients", type=int, default=12, help="patients at each pixel pitch, both hands of each")
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument(
        "--boxes", choices=("found", "truth"), default="found", help="find the joints, or use the truth"
    )
    parser.add_argument("--threads", type=int, default=2, help="processes")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder that keeps the simulated radiographs")
    parser.add_argument("--save", type=Path, help="CSV file for the measured joints; a run continues after those in it")
    parser.add_argument("--measured", type=Path, help="fit to the measured joints of this file; measure none")
    parser.add_argument("--out", type=Path, default=Path("src/napari_jsn/models") / f"{CARD}.json", help="the card")


def main(options: argparse.Namespace) -> None:
    """Measure the hands, fit the constants and write the card."""
    limit_threads(1)
    if options.measured is not None:
        measured = load_measured(options.measured)
    else:
        hands = list(hands_at_pitches(options.patients, options.seed, options.cache))
        measured = measure_hands(hands, options.boxes, JOINTS, options.threads, options.save)
    content = card_content(measured, options.patients, options.seed, options.boxes)
    written = write_files(options.out.parent, {options.out.name: card_bytes(content)})
    print(f"Written: {written[0]}")


def fit_uncertainty(measured: Sequence[MeasuredJoint]) -> tuple[NarrowingUncertainty, float]:
    """Fit the constants of the variance of a narrowing; return them and the coverage of the intervals.

    The constants maximise the likelihood under a Student t distribution. Then one common factor makes 95 % of the
    errors lie within 1.96 standard deviations. Failed joints do not count.
    """
    from scipy.optimize import minimize

    counted = [one for one in measured if not one.failed]
    names = list(dict.fromkeys(joint_kind(one.joint) for one in counted))
    kinds = np.array([names.index(joint_kind(one.joint)) for one in counted])
    errors = np.array([one.error_mm for one in counted])
    registration = np.array([one.registration_sd_mm**2 for one in counted])
    rotation = np.array([np.deg2rad(one.rotation_deg) ** 2 for one in counted])

    def variance(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        factor, lever, by_kind = np.exp(logs[0]), np.exp(logs[1]), np.exp(logs[2:])
        return np.asarray(factor * registration + lever * rotation + by_kind[kinds])

    def cost(logs: NDArray[np.float64]) -> float:
        variances = variance(logs)
        tail = np.log1p(errors**2 / (_DEGREES_OF_FREEDOM * variances))
        return float(np.sum(np.log(variances) + (_DEGREES_OF_FREEDOM + 1) * tail))

    bounds = [(-4.0, 3.0), (-12.0, 0.0), *[(-14.0, -4.0)] * len(names)]
    best = minimize(cost, [0.5, -3.5, *[-9.0] * len(names)], bounds=bounds).x
    ratio = np.abs(errors) / np.sqrt(variance(best))
    best = best + 2 * np.log(float(np.quantile(ratio, _COVERAGE)) / Z95)
    sd = np.sqrt(variance(best))
    by_kind = {name: float(np.exp(each / 2)) for name, each in zip(names, best[2:], strict=True)}
    shared = _shared([(one.patient, one.side) for one in counted], errors / sd)
    fitted = NarrowingUncertainty(float(np.exp(best[0])), float(np.exp(best[1] / 2)), by_kind, shared)
    return fitted, float(np.mean(np.abs(errors) <= Z95 * sd))


def _shared(hands: Sequence[tuple[str, str]], errors: NDArray[np.float64]) -> float:
    """Return the correlation of the standardised errors of two joints of one hand, at least 0."""
    by_hand: dict[tuple[str, str], list[float]] = {}
    for hand, error in zip(hands, errors.tolist(), strict=True):
        by_hand.setdefault(hand, []).append(error)
    products, pairs = 0.0, 0
    for each in by_hand.values():
        products += sum(each) ** 2 - sum(error**2 for error in each)
        pairs += len(each) * (len(each) - 1)
    return max(products / pairs / float(np.mean(errors**2)), 0.0) if pairs else 0.0


def card_content(measured: Sequence[MeasuredJoint], patients: int, seed: int, boxes: str) -> dict[str, object]:
    """Return the content of the card."""
    fitted, coverage = fit_uncertainty(measured)
    return {
        "task": "progression",
        "what": "Variance of a narrowing between two visits: registration x variance of the registration + "
        "repositioning_mm squared + (lever_mm x rotation in rad) squared; and the correlation of the errors of two "
        "joints of one hand; see napari_jsn.progression.repositioning",
        "registration": round(fitted.registration, 4),
        "lever_mm": round(fitted.lever_mm, 4),
        "repositioning_mm": {kind: round(sd, 4) for kind, sd in sorted(fitted.repositioning_mm.items())},
        "shared": round(fitted.shared, 4),
        "figures": {
            "held_by_95_percent_interval": round(coverage, 4),
            "joints": len(measured),
            "not_failed": round(float(np.mean([not one.failed for one in measured])), 4),
        },
        "data": "Both hands of simulated patients at two visits, measured end to end, at pixel pitches of "
        + ", ".join(f"{pitch:g}" for pitch in PITCHES_MM)
        + " mm",
        "licence": LICENCE,
        "command": "python -m napari_jsn.evaluation.calibration repositioning "
        f"--patients {patients} --seed {seed} --boxes {boxes}",
        "seed": seed,
        "versions": {"napari-jsn": __version__},
    }
