"""Make the card of the method ``refined``: ``python -m napari_jsn.evaluation.calibration.refined``.

Known motion is put into real joints of the calibration part, with and without roll; simulated joints, whose bones
turn in space, overlap and lie behind soft tissue that stays, join them. The benchmark reports on other joints.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path

import numpy as np

from napari_jsn import __version__
from napari_jsn.evaluation.calibration.refined_fit import Calibration, calibrate
from napari_jsn.evaluation.public_images import finger_joints
from napari_jsn.evaluation.registration.known_motion import KnownPair, make_pair
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.simulation.joint_pair import joint_pairs

#: How many parts of the pairs each preset makes.
PRESETS = {"easy": 2, "hard": 1, "roll-half": 1, "roll": 2, "hard-roll": 1}


def main() -> None:
    """Calibrate, print and write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=700)
    parser.add_argument("--simulated", type=int, default=350)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("src/napari_jsn/models/registration-refined.json"))
    options = parser.parse_args()
    known = make_pairs(options.pairs, options.seed)
    found = calibrate(known + simulated_pairs(options.simulated, options.seed))
    content = card_of(found, options.pairs, options.simulated, options.seed)
    options.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=2))


def make_pairs(count: int, seed: int) -> list[KnownPair]:
    """Known pairs of calibration joints whose masks do not overlap, in the shares of :data:`PRESETS`."""
    rng = np.random.default_rng(seed)
    joints = list(finger_joints(size=127, part="calibration"))
    clean = [
        (image, masks, joint)
        for joint in joints
        for image, masks in joint.visits
        if not (masks.upper & masks.lower).any()
    ]
    mix = [preset for preset, parts in PRESETS.items() for _ in range(parts)]
    known = []
    for k in range(count):
        image, masks, joint = clean[rng.integers(len(clean))]
        known.append(make_pair(image, masks, joint.spacing_mm, rng, mix[k % len(mix)], joint.name))
    return known


def simulated_pairs(count: int, seed: int) -> list[KnownPair]:
    """Simulated joints that move as between two visits, all joints alike often."""
    known = []
    for pair in islice(joint_pairs(seed), count):
        truth = pair.moving_truth
        known.append(
            KnownPair(
                pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks, pair.spacing_mm,
                truth.upper.matrix, truth.lower.matrix, *joint_frame(pair.fixed_masks), truth.joint,
            )
        )  # fmt: skip
    return known


def card_of(found: Calibration, pairs: int, simulated: int, seed: int) -> dict[str, object]:
    """The card's content."""
    import scipy
    import torch

    return {
        "task": "registration",
        "method": "refined",
        "what": "Weights of the variance terms of a narrowing; see napari_jsn.registration.quality",
        "variance_weights": {term: float(f"{weight:.6g}") for term, weight in found.weights.items()},
        "figures": {"held_by_95_percent_interval": round(found.coverage, 4), "pairs": found.pairs},
        "data": "Known motion put into MCP joints of the public dataset of BLS-GAN (Wang et al., AAAI 2025), "
        "calibration part, and simulated joints; no pixel of them is in this card",
        "presets": PRESETS,
        "command": "python -m napari_jsn.evaluation.calibration.refined "
        f"--pairs {pairs} --simulated {simulated} --seed {seed}",
        "seed": seed,
        "versions": {"napari-jsn": __version__, "torch": str(torch.__version__), "scipy": scipy.__version__},
    }


if __name__ == "__main__":
    main()
