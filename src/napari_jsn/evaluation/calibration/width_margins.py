"""Fit the uncertainty of the joint space width to simulated joints, and write its card.

The figures of ``python -m napari_jsn.evaluation.width`` are of other simulated joints.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn import __version__
from napari_jsn.common.files import write_files
from napari_jsn.evaluation.calibration.variance_weights import fit_weights, named_weights
from napari_jsn.evaluation.width.accuracy import segmented_pairs, simulated_change
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import joint_frame, joint_normal
from napari_jsn.networks.weights import LICENCE, card_bytes
from napari_jsn.width.margins import find_margins
from napari_jsn.width.uncertainty import TERMS, variance_terms

#: Another seed than that of the joints in the tables.
_SEED = 30
#: Larger errors of the change of width are left out.
_MISMATCH_MM = 0.35


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this card to a parser."""
    parser.add_argument("--joints", type=int, default=420, help="simulated joints, each at two visits")
    parser.add_argument("--out", type=Path, default=Path("src/napari_jsn/models/width-margins.json"), help="the card")


def main(options: argparse.Namespace) -> None:
    """Fit the weights, print and write the card."""
    content = card_content(options.joints)
    write_files(options.out.parent, {options.out.name: card_bytes(content)})
    print(json.dumps(content, indent=2))


def card_content(count: int) -> dict[str, object]:
    """Fit the weights of the variance terms to the errors of the change of width; return the content of the card."""
    terms, errors = [], []
    for pair, masks in segmented_pairs(count, _SEED):
        change = simulated_change(pair, masks)
        if change.reliable and abs(change.error_mm) <= _MISMATCH_MM:
            images = zip((pair.fixed, pair.moving), masks, strict=True)
            terms.append(sum(_terms(image, mask, pair.spacing_mm) for image, mask in images))
            errors.append(change.error_mm)
    weights, coverage = fit_weights(np.array(terms), np.array(errors))
    return {
        "task": "width",
        "method": "margins",
        "what": "Weights of the variance terms of a joint space width; see napari_jsn.width.uncertainty",
        "variance_weights": named_weights(TERMS, weights, 4),
        "figures": {"held_by_95_percent_interval": round(coverage, 4), "pairs": len(errors)},
        "data": "Simulated joints at two visits, bones found by the default segmentation network",
        "licence": LICENCE,
        "command": f"python -m napari_jsn.evaluation.calibration width-margins --joints {count}",
        "seed": _SEED,
        "versions": {"napari-jsn": __version__},
    }


def _terms(image: NDArray[np.float32], masks: BoneMasks, spacing_mm: float) -> NDArray[np.float64]:
    margins = find_margins(image, masks, spacing_mm, joint_frame(masks)[0], joint_normal(masks))
    assert margins is not None
    return variance_terms(margins)
