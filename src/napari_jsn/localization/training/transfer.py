"""Train the localization network on simulated hands alone, and test it on real ones: how real simulated hands are.

The training is short, so that versions of the simulator can be compared in two hours of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError, run_module
from napari_jsn.localization.find_joints import find_joints_many
from napari_jsn.localization.training.data import LabelledRadiograph, TrainingHand, simulated_hands
from napari_jsn.localization.training.public_hands import evaluation_radiographs
from napari_jsn.localization.training.task import Batch, LocalizationTask
from napari_jsn.networks import weights
from napari_jsn.networks.short_training import train_batches
from napari_jsn.radiograph import Radiograph
from napari_jsn.simulation.damage.difficulty import FIRST, NEWEST
from napari_jsn.simulation.damage.difficulty import difficulty as difficulty_of

_COMMAND = "python -m napari_jsn.localization.training.transfer"
#: Highest learning rate, steps in which it rises, and decay of the averaged weights.
_RATE, _RISING, _DECAY = 3e-3, 40, 0.98
#: Seed of the simulated hands.
_SEED = 20_000
#: A joint found within this distance of its position is right.
_RIGHT_MM = 4.0


def transfer(
    simulated: Sequence[TrainingHand], real: Sequence[LabelledRadiograph], steps: int, seed: int
) -> list[NDArray[np.float64]]:
    """Return the errors in mm of the joints of each real hand, by a network that learned on simulated hands alone.

    Parameters
    ----------
    simulated : sequence of TrainingHand
        Of two patients at least. A tenth is not trained on.
    real : sequence of LabelledRadiograph
    steps : int
        Number of training batches.
    seed : int
        Of the weights, of the order of the hands and of their changes.

    Returns
    -------
    list of (14,) array
        Infinite for a joint that was not found, NaN where the true position is not known. Of hands whose pixel size is
        unknown, in mm of an average adult's hand.
    """
    torch.manual_seed(seed)
    task = LocalizationTask(simulated, simulated=0)
    trained = train_batches(
        task.network(), _batches(task, seed), task.loss, steps,
        rate=_RATE, rising=_RISING, decay=_DECAY, weight_decay=1e-3,
    )  # fmt: skip
    about = {"figures": {}, "command": _COMMAND, "seed": seed, "versions": {}, "preset": task.preset, **task.card()}
    with TemporaryDirectory() as folder:
        path = weights.save(folder, trained.module.state_dict(), {"task": task.name, "name": "transfer", **about})
        found = find_joints_many([Radiograph(hand.pixels) for hand in real], model=str(path), device="cpu")
    errors = []
    for hand, joints in zip(real, found, strict=True):
        at = {joint.name: joint.centre[::-1] for joint in joints if joint.side == hand.side}
        apart = np.array([at.get(joint, (np.inf, np.inf)) for joint in JOINTS]) - hand.points
        errors.append(np.hypot(*apart.T) / hand.px_mm)
    return errors


def _batches(task: LocalizationTask, seed: int) -> Iterator[Batch]:
    for epoch in count():
        yield from task.training_batches(epoch, seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of the errors on real hands for each version of the simulator, each seed and each set of hands."""
    parser = argparse.ArgumentParser(_COMMAND, description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of real hands with known joints")
    parser.add_argument("--difficulty", type=int, nargs="+", default=[FIRST, NEWEST], help="versions of the simulator")
    parser.add_argument("--hands", type=int, default=300, help="simulated hands of each version")
    parser.add_argument("--steps", type=int, default=1500, help="training batches of 32 scenes")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each version")
    parser.add_argument("--cache", type=Path, help="folder of the simulated hands; by default the cache")
    parser.add_argument("--processes", type=int, help="how many simulate hands at once; by default one per core")
    options = parser.parse_args(arguments)
    sets = evaluation_radiographs(options.data, trained_on=False)
    if not sets:
        raise InputError(f"{options.data} holds no radiograph with the joints of a hand. Give another folder.", "data")
    real = [hand for hands in sets.values() for hand in hands]
    kinds = np.array([kind for kind, hands in sets.items() for _ in hands])
    columns = ("difficulty", "training", "real hands", "n", "joints", "found", "within 4 mm", "median, mm", "95 %, mm")
    print("\n".join(str(difficulty_of(version)) for version in options.difficulty), end="\n\n")
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}", flush=True)
    pools = {
        version: simulated_hands(options.hands, _SEED, options.cache, options.processes, difficulty=version)
        for version in options.difficulty
    }
    for seed in range(options.seeds):  # all versions once, before any a second time
        for version, simulated in pools.items():
            errors = transfer(simulated, real, options.steps, seed)
            for kind in (*sets, "all"):
                chosen = [errors[k] for k in range(len(real)) if kind in (kinds[k], "all")]
                print(f"| {version} | {seed + 1} | {kind} | {len(chosen)} | {_figures(chosen)} |", flush=True)
    return 0


def _figures(errors: Sequence[NDArray[np.float64]]) -> str:
    """Return the number of joints, the shares found and right, the median and the 95th percentile of those found."""
    known = np.concatenate(errors)
    known = known[~np.isnan(known)]
    found = known[np.isfinite(known)]
    shares = (f"{100 * np.mean(part):.1f} %" for part in (np.isfinite(known), known <= _RIGHT_MM))
    high = np.quantile(found, 0.95) if len(found) else np.nan
    return f"{len(known)} | {' | '.join(shares)} | {np.median(known):.2f} | {high:.2f}"


if __name__ == "__main__":
    run_module(main)
