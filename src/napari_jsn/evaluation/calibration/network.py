"""Write into a registration network's card how sure it is: ``python -m napari_jsn.evaluation.calibration.network``.

Known motion is put into the real joints that chose the network's best epoch but were not learned from, with and without
roll; simulated joints join them. The tables report on other joints.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from napari_jsn.common.progress import Silent
from napari_jsn.evaluation.calibration.refined import PRESETS, simulated_pairs
from napari_jsn.evaluation.calibration.refined_fit import as_pair, fit_weights
from napari_jsn.evaluation.public_images import data_folder
from napari_jsn.evaluation.registration.known_errors import MISMATCH_PX, known_pairs
from napari_jsn.evaluation.registration.known_motion import KnownPair
from napari_jsn.evaluation.registration.paper_figures import at_working_size
from napari_jsn.networks import weights
from napari_jsn.registration.network.method import TERMS, predict
from napari_jsn.registration.network.training.data import joint_images
from napari_jsn.registration.network.training.task import validation_groups
from napari_jsn.segmentation.training.public_joints import SPACING_MM


def main() -> None:
    """Calibrate, print and write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=420)
    parser.add_argument("--simulated", type=int, default=210)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    known = made(options.pairs, options.seed) + simulated_pairs(options.simulated, options.seed)
    terms, errors = [], []
    pairs = [as_pair(each) for each in known]
    for (estimate, told, unit_px), each, pair in zip(
        predict(pairs, torch.device("cpu"), Silent(), options.model), known, pairs, strict=True
    ):
        terms.append([told[name] for name in TERMS])
        errors.append((estimate.jsn_px - each.jsn_px_at(pair.point, pair.axis)) / unit_px)
    found = np.abs(errors) <= 2 * MISMATCH_PX
    fitted, coverage = fit_weights(np.array(terms)[found], np.array(errors)[found])
    path = weights.find("registration", options.model).with_suffix(".json")
    about = json.loads(path.read_text("utf-8"))
    about["figures"]["uncertainty_px2"] = {name: float(f"{w:.6g}") for name, w in zip(TERMS, fitted, strict=True)}
    about["figures"]["uncertainty_fitted_on"] = {
        "pairs": len(known), "held_by_95_percent_interval": round(coverage, 4), "presets": PRESETS,
        "command": "python -m napari_jsn.evaluation.calibration.network "
        f"--pairs {options.pairs} --simulated {options.simulated} --seed {options.seed}",
    }  # fmt: skip
    path.write_text(f"{json.dumps(about, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    print(json.dumps(about["figures"], indent=2))


def made(count: int, seed: int) -> list[KnownPair]:
    """Known pairs of the joints that the network did not learn from, in the shares of calibration."""
    joints = joint_images(Path(data_folder()) / "finger-joints")
    groups = validation_groups(each.group for each in joints)
    small = [at_working_size(each, SPACING_MM) for each in joints if each.group in groups]
    parts = sum(PRESETS.values())
    return [
        pair
        for k, (preset, share) in enumerate(PRESETS.items())
        for pair in known_pairs([each for each, _ in small], small[0][1], preset, count * share // parts, seed + k)
    ]


if __name__ == "__main__":
    main()
