"""Train the segmentation network on simulated joints alone, and test it on real ones: how real simulated bones are.

The training is short and the images are small, so that versions of the simulator can be compared in minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_jsn.common.errors import run_module
from napari_jsn.networks.short_training import train_batches
from napari_jsn.segmentation.canvas import normalise
from napari_jsn.segmentation.training.augment import augment
from napari_jsn.segmentation.training.data import Samples, samples, simulated_samples
from napari_jsn.segmentation.training.folder import read_joint_folder
from napari_jsn.segmentation.training.task import Batch, bone_loss, bone_measures, image_tensors
from napari_jsn.segmentation.unetpp import ARCHITECTURES, BoneNet, build_bone_net
from napari_jsn.simulation.damage.difficulty import FIRST, OF_JOINTS
from napari_jsn.simulation.damage.difficulty import difficulty as difficulty_of

_COMMAND = "python -m napari_jsn.segmentation.training.transfer"
#: Images in a batch, highest learning rate, steps in which it rises, and decay of the averaged weights.
_BATCH, _RATE, _RISING, _DECAY = 32, 2e-3, 40, 0.98
#: Seed of the simulated joints.
_SEED = 4


def transfer(simulated: Samples, real: Samples, steps: int, seed: int) -> NDArray[np.float64]:
    """Return the DSC (N,) of real joint images by a network that learned on simulated ones alone.

    Parameters
    ----------
    simulated, real : Samples
        Of the same size.
    steps : int
        Number of training batches.
    seed : int
        Of the weights, of the order of the images and of their changes.
    """
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    network: BoneNet = build_bone_net(ARCHITECTURES["default"])

    def batches() -> Iterator[Batch]:
        while True:
            images, masks = augment(*image_tensors(simulated, rng.choice(len(simulated), _BATCH)), generator)
            yield normalise(images), masks

    averaged = train_batches(
        network, batches(), bone_loss, steps, rate=_RATE, rising=_RISING, decay=_DECAY, weight_decay=1e-2
    )
    found = [bone_measures(averaged, batch)["dsc"].numpy() for batch in _batches(real)]
    return np.concatenate(found).astype(np.float64)


def _batches(of: Samples) -> Iterator[Batch]:
    for first in range(0, len(of), _BATCH):
        images, masks = image_tensors(of, np.arange(first, min(first + _BATCH, len(of))))
        yield normalise(images), masks


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of the DSC of real joints for each version of the simulator and each seed."""
    parser = argparse.ArgumentParser(_COMMAND, description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of real joint images with masks")
    parser.add_argument(
        "--difficulty", type=int, nargs="+", default=[FIRST, OF_JOINTS], help="versions of the simulator"
    )
    parser.add_argument("--images", type=int, default=1400, help="simulated images of each version")
    parser.add_argument("--steps", type=int, default=400, help="training batches of 32 images")
    parser.add_argument("--side", type=int, default=64, help="side of the images in pixels")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each version")
    parser.add_argument("--cache", type=Path, help="folder of the simulated images; by default the cache")
    options = parser.parse_args(arguments)
    real = samples(read_joint_folder(options.data, "test").joints, options.side)
    print("\n".join(str(difficulty_of(version)) for version in options.difficulty), end="\n\n")
    print(f"| difficulty | training | real images | DSC | 5 % | worst |\n|{' --- |' * 6}")
    for difficulty in options.difficulty:
        simulated = simulated_samples(options.images, _SEED, options.cache, options.side, difficulty=difficulty)
        for seed in range(options.seeds):
            dsc = transfer(simulated, real, options.steps, seed)
            figures = (f"{value:.4f}" for value in (dsc.mean(), np.quantile(dsc, 0.05), dsc.min()))
            print(f"| {difficulty} | {seed + 1} | {len(dsc)} | {' | '.join(figures)} |", flush=True)
    return 0


if __name__ == "__main__":
    run_module(main)
