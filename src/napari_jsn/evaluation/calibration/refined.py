"""Fit the uncertainty of the registration method ``refined``, and write its card.

The pairs are real joints of the calibration part with known motion, with and without roll, and simulated joints, whose
bones rotate in space, overlap and lie behind soft tissue that does not move with them. More simulated joints have a
follow-up that is less sharp, or has another intensity curve. The benchmark reports on other
joints.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn import __version__
from napari_jsn.common.files import write_files
from napari_jsn.evaluation.calibration.variance_weights import (
    PRESETS,
    fit_added_weights,
    fit_weights,
    named_weights,
    simulated_known_pairs,
    with_other_exposure,
)
from napari_jsn.evaluation.public_images import finger_joints
from napari_jsn.evaluation.registration.known_motion import KnownPair, make_pair
from napari_jsn.evaluation.settings import MISMATCH_PX
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.networks.weights import LICENCE, card_bytes
from napari_jsn.registration.quality import TERMS, combined, variance_terms

#: Pairs solved in one call.
_BATCH = 16
#: The last of the variance terms, sharpness and curve, which are 0 between images of one exposure.
_EXPOSURE_TERMS = 2


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this card to a parser."""
    parser.add_argument("--pairs", type=int, default=700, help="pairs of real joints with known motion")
    parser.add_argument("--simulated", type=int, default=350, help="simulated pairs")
    parser.add_argument("--exposed", type=int, default=80, help="simulated pairs with another sharpness or curve")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument(
        "--out", type=Path, default=Path("src/napari_jsn/models/registration-refined.json"), help="the card"
    )


def main(options: argparse.Namespace) -> None:
    """Fit the weights, print and write the card."""
    known = real_known_pairs(options.pairs, options.seed) + simulated_known_pairs(options.simulated, options.seed)
    exposed = with_other_exposure(simulated_known_pairs(options.exposed, options.seed + 1), options.seed)
    sizes = options.pairs, options.simulated, options.exposed
    content = card_content(calibrate(known, exposed), *sizes, options.seed)
    write_files(options.out.parent, {options.out.name: card_bytes(content)})
    print(json.dumps(content, indent=2))


@dataclass(frozen=True)
class Calibration:
    """Weights of the variance terms, and the share of the ``pairs`` whose true narrowing the 95 % interval covers."""

    weights: dict[str, float]
    coverage: float
    pairs: int


def calibrate(known: Sequence[KnownPair], exposed: Sequence[KnownPair]) -> Calibration:
    """Fit the weights of the variance terms to the errors of pairs of known motion, without mismatches.

    The weights of sharpness and curve are fitted to pairs with another exposure, with the other weights unchanged.

    Parameters
    ----------
    known : sequence of KnownPair
        With and without roll, of joints that no figure is reported on.
    exposed : sequence of KnownPair
        Whose follow-up is less sharp, or has another intensity curve.
    """
    terms, errors = _terms_and_errors(known)
    base, coverage = fit_weights(terms[:, :-_EXPOSURE_TERMS], errors)
    weights = [*base.tolist(), *exposure_weights(*_terms_and_errors(exposed), base).tolist()]
    return Calibration(dict(zip(TERMS, weights, strict=True)), coverage, len(known))


def exposure_weights(
    terms: NDArray[np.float64], errors: NDArray[np.float64], base: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights of the last terms, sharpness and curve, for given weights of the others."""
    return fit_added_weights(terms[:, -_EXPOSURE_TERMS:], terms[:, :-_EXPOSURE_TERMS] @ base, errors)


def _terms_and_errors(known: Sequence[KnownPair]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the variance terms (N, K) and the errors (N,) of the pairs that are no mismatch, in pixels."""
    import torch

    from napari_jsn.registration.gauss_newton.refined import solve_native

    terms, errors = [], []
    for first in range(0, len(known), _BATCH):
        batch = known[first : first + _BATCH]
        pairs = [each.pair for each in batch]
        for each, pair, solved in zip(batch, pairs, solve_native(pairs, torch.device("cpu")), strict=True):
            terms.append(variance_terms(pair, solved))
            upper, lower = combined(solved)
            jsn_px = joint_space_narrowing(upper, lower, pair.point, pair.axis)
            errors.append(jsn_px - each.jsn_px_at(pair.point, pair.axis))
    matched = np.abs(errors) <= MISMATCH_PX
    return np.array(terms)[matched], np.array(errors)[matched]


def real_known_pairs(count: int, seed: int) -> list[KnownPair]:
    """Make pairs of calibration joints whose masks do not overlap, in the parts of the presets."""
    rng = np.random.default_rng(seed)
    clean = [
        (image, masks, joint)
        for joint in finger_joints(size=127, part="calibration")
        for image, masks in joint.visits
        if not (masks.upper & masks.lower).any()
    ]
    presets = [preset for preset, parts in PRESETS.items() for _ in range(parts)]
    known = []
    for k in range(count):
        image, masks, joint = clean[rng.integers(len(clean))]
        known.append(make_pair(image, masks, joint.spacing_mm, rng, presets[k % len(presets)], joint.name))
    return known


def card_content(fitted: Calibration, pairs: int, simulated: int, exposed: int, seed: int) -> dict[str, object]:
    """Return the content of the card."""
    import scipy
    import torch

    return {
        "task": "registration",
        "method": "refined",
        "what": "Weights of the variance terms of a narrowing; see napari_jsn.registration.quality",
        "variance_weights": named_weights(list(fitted.weights), np.array(list(fitted.weights.values()))),
        "figures": {"held_by_95_percent_interval": round(fitted.coverage, 4), "pairs": fitted.pairs},
        "data": "Known motion applied to MCP joints of the public dataset of BLS-GAN (Wang et al., AAAI 2025), "
        f"calibration part, and simulated joints, {exposed} more of them with another sharpness or intensity curve; "
        "no pixel of them is in this card",
        "licence": LICENCE,
        "presets": PRESETS,
        "command": "python -m napari_jsn.evaluation.calibration refined "
        f"--pairs {pairs} --simulated {simulated} --exposed {exposed} --seed {seed}",
        "seed": seed,
        "versions": {"napari-jsn": __version__, "torch": str(torch.__version__), "scipy": scipy.__version__},
    }
