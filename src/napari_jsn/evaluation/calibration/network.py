"""Fit the uncertainty of a registration network, and write it to the card of the model.

The pairs are real joints with known motion, with and without roll, and simulated joints. The real joints chose the
network's best epoch, but were not trained on. The tables report on other joints.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from napari_jsn.common.files import write_files
from napari_jsn.common.progress import Silent
from napari_jsn.evaluation.calibration.variance_weights import (
    PRESETS,
    fit_weights,
    named_weights,
    simulated_known_pairs,
)
from napari_jsn.evaluation.public_images import data_folder
from napari_jsn.evaluation.registration.known_errors import known_pairs
from napari_jsn.evaluation.registration.known_motion import KnownPair
from napari_jsn.evaluation.registration.paper_figures import at_working_size
from napari_jsn.evaluation.settings import MISMATCH_PX
from napari_jsn.networks import weights
from napari_jsn.registration.network.method import TERMS, predict
from napari_jsn.registration.network.training.data import joint_images
from napari_jsn.registration.network.training.task import validation_groups
from napari_jsn.segmentation.training.public_joints import SPACING_MM


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this card to a parser."""
    parser.add_argument("--pairs", type=int, default=420, help="pairs of real joints with known motion")
    parser.add_argument("--simulated", type=int, default=210, help="simulated pairs")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--model", default="default", help="name of the model, or path of its .safetensors file")


def main(options: argparse.Namespace) -> None:
    """Fit the weights, print and write the card."""
    known = real_known_pairs(options.pairs, options.seed) + simulated_known_pairs(options.simulated, options.seed)
    terms, errors = [], []
    pairs = [each.pair for each in known]
    for (estimate, values, unit_px), each, pair in zip(
        predict(pairs, torch.device("cpu"), Silent(), options.model), known, pairs, strict=True
    ):
        terms.append([values[name] for name in TERMS])
        errors.append((estimate.jsn_px - each.jsn_px_at(pair.point, pair.axis)) / unit_px)
    matched = np.abs(errors) <= 2 * MISMATCH_PX
    fitted, coverage = fit_weights(np.array(terms)[matched], np.array(errors)[matched])
    path = weights.find("registration", options.model).with_suffix(".json")
    card = weights.read_card(path)
    card["figures"]["uncertainty_px2"] = named_weights(TERMS, fitted)
    card["figures"]["uncertainty_fitted_on"] = {
        "pairs": len(known), "held_by_95_percent_interval": round(coverage, 4), "presets": PRESETS,
        "command": "python -m napari_jsn.evaluation.calibration network "
        f"--pairs {options.pairs} --simulated {options.simulated} --seed {options.seed}",
    }  # fmt: skip
    write_files(path.parent, {path.name: weights.card_bytes(card)})
    print(json.dumps(card["figures"], indent=2))


def real_known_pairs(count: int, seed: int) -> list[KnownPair]:
    """Make pairs of joints that the network was not trained on, in the parts of the presets."""
    joints = joint_images(Path(data_folder()) / "finger-joints")
    groups = validation_groups(each.group for each in joints)
    small = [at_working_size(each, SPACING_MM) for each in joints if each.group in groups]
    total = sum(PRESETS.values())
    return [
        pair
        for k, (preset, parts) in enumerate(PRESETS.items())
        for pair in known_pairs([each for each, _ in small], small[0][1], preset, count * parts // total, seed + k)
    ]
