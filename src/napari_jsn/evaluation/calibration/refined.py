"""Fit the uncertainty of the registration method ``refined``, and write its card.

The pairs are simulated joints that move as between two visits: their bones rotate in space, overlap and lie behind
soft tissue that does not move with them. The network finds their bones, as in use. More simulated joints have a
follow-up that is less sharp, or has another intensity curve. Known motion that is applied to real joints lacks these
effects, and its errors are smaller: with weights fitted to both, the intervals held 91 % of the simulated joints. Known
motion of joints of the calibration part is a check only. The tables report on other joints.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn import __version__
from napari_jsn.common.files import write_files
from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.calibration.variance_weights import (
    PRESETS,
    fit_added_weights,
    fit_weights,
    named_weights,
    with_other_exposure,
)
from napari_jsn.evaluation.public_images import finger_joints
from napari_jsn.evaluation.registration.known_motion import KnownPair, make_pair
from napari_jsn.networks.weights import LICENCE, card_bytes
from napari_jsn.registration.quality import TERMS, assess_quality, variance_terms
from napari_jsn.simulation.joint_pair import joint_pairs

#: Pixel sizes of the simulated joint images, in mm; each varies by 15 %. The image is about 22 mm wide.
PIXELS_MM, _IMAGE_MM = (0.175, 0.1), 22.4
#: Pairs solved in one call.
_BATCH = 16
#: The last of the variance terms, sharpness and curve, which are 0 between images of one exposure.
_EXPOSURE_TERMS = 2


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this card to a parser."""
    parser.add_argument("--pairs", type=int, default=140, help="pairs of real joints with known motion, as a check")
    parser.add_argument("--simulated", type=int, default=560, help="simulated pairs of each pixel size")
    parser.add_argument(
        "--exposed", type=int, default=160, help="simulated pairs of each size with another sharpness or curve"
    )
    parser.add_argument("--seed", type=int, default=901)
    parser.add_argument(
        "--out", type=Path, default=Path("src/napari_jsn/models/registration-refined.json"), help="the card"
    )


def main(options: argparse.Namespace) -> None:
    """Fit the weights, print and write the card."""
    sizes = len(PIXELS_MM)
    simulated = simulated_at_sizes(options.simulated, options.seed)
    exposed = with_other_exposure(simulated_at_sizes(options.exposed, options.seed + sizes), options.seed)
    errors = (
        pair_errors(simulated, found=True),
        pair_errors(exposed, found=True),
        pair_errors(real_known_pairs(options.pairs, options.seed), found=False),
    )
    content = card_content(calibrate(*errors), options.pairs, options.simulated, options.exposed, options.seed)
    write_files(options.out.parent, {options.out.name: card_bytes(content)})
    print(json.dumps(content, indent=2))


@dataclass(frozen=True)
class PairErrors:
    """Variance terms (N, K) and errors (N,) of the pairs that have not failed, in working pixels."""

    terms: NDArray[np.float64]
    errors: NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Weights of the variance terms, and the shares of pairs whose true narrowing the 95 % interval covers."""

    weights: dict[str, float]
    coverage: dict[str, float]
    pairs: int


def calibrate(simulated: PairErrors, exposed: PairErrors, known: PairErrors) -> Calibration:
    """Fit the weights of the variance terms to the errors of pairs.

    Parameters
    ----------
    simulated : PairErrors
        Of simulated joints that move as between two visits; the weights of all terms but the last two are fitted.
    exposed : PairErrors
        Of simulated joints whose follow-up is less sharp, or has another intensity curve; the weights of sharpness and
        curve are fitted, with the other weights unchanged.
    known : PairErrors
        Of real joints with known motion. Nothing is fitted to them.
    """
    base, _ = fit_weights(simulated.terms[:, :-_EXPOSURE_TERMS], simulated.errors)
    added = fit_added_weights(
        exposed.terms[:, -_EXPOSURE_TERMS:], exposed.terms[:, :-_EXPOSURE_TERMS] @ base, exposed.errors
    )
    weights = np.concatenate([base, added])
    coverage = {
        name: round(float(np.mean(np.abs(each.errors) <= Z95 * np.sqrt(each.terms @ weights))), 4)
        for name, each in (("simulated", simulated), ("other_exposure", exposed), ("known_motion", known))
    }
    return Calibration(dict(zip(TERMS, weights.tolist(), strict=True)), coverage, len(simulated.errors))


def pair_errors(known: Sequence[KnownPair], found: bool) -> PairErrors:
    """Register pairs, and return the variance terms and errors of those that have not failed.

    Parameters
    ----------
    known : sequence of KnownPair
    found : bool
        Whether the network finds the bones; if not, the masks of the pairs are used.
    """
    import torch

    from napari_jsn.registration.gauss_newton.refined import solve_native
    from napari_jsn.registration.prepare import prepare_many

    terms, errors = [], []
    for first in range(0, len(known), _BATCH):
        batch = known[first : first + _BATCH]
        masks = [(None, None) if found else (each.fixed_masks, each.moving_masks) for each in batch]
        rows = [(one.fixed, one.moving, *two, one.spacing_mm, None) for one, two in zip(batch, masks, strict=True)]
        prepared = prepare_many(rows)
        solutions = solve_native([pair for _, _, pair, _ in prepared], torch.device("cpu"))
        for each, (fixed, moving, pair, _), solved in zip(batch, prepared, solutions, strict=True):
            result = assess_quality(pair, solved)
            if not (result.reasons or fixed.reasons or moving.reasons):
                terms.append(variance_terms(pair, solved) / solved.unit_px**2)
                errors.append((result.jsn_px - each.jsn_px_at(pair.point, pair.axis)) / solved.unit_px)
    return PairErrors(np.array(terms).reshape(-1, len(TERMS)), np.array(errors))


def simulated_at_sizes(count: int, seed: int) -> list[KnownPair]:
    """Simulate ``count`` pairs at each of :data:`PIXELS_MM`, each joint equally often; seeds count from ``seed``."""
    pairs = []
    for k, pixel_mm in enumerate(PIXELS_MM):
        side = 2 * round(_IMAGE_MM / pixel_mm / 2)
        simulated = joint_pairs(seed + k, shape=(side, side), spacing_mm=pixel_mm)
        pairs += [KnownPair.from_simulated(pair) for pair in islice(simulated, count)]
    return pairs


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
        "figures": {"held_by_95_percent_interval": fitted.coverage, "pairs": fitted.pairs},
        "data": "Simulated joints that move as between two visits, with pixels of "
        + " and ".join(f"{size:g}" for size in PIXELS_MM)
        + " mm; some more with another sharpness or intensity curve. The check with known motion is on MCP joints of "
        "the public dataset of BLS-GAN (Wang et al., AAAI 2025), calibration part; no pixel of them is in this card",
        "licence": LICENCE,
        "presets": PRESETS,
        "command": "python -m napari_jsn.evaluation.calibration refined "
        f"--pairs {pairs} --simulated {simulated} --exposed {exposed} --seed {seed}",
        "seed": seed,
        "versions": {"napari-jsn": __version__, "torch": str(torch.__version__), "scipy": scipy.__version__},
    }
