"""Training of the localization network: loss, figures and data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.localization.canvas import NORMALISATION, normalise
from napari_jsn.localization.network import (
    ARCHITECTURES,
    CELL,
    CELLS,
    CHANNELS,
    SIDE,
    JointNet,
    build_joint_net,
    cell_probabilities,
    find_peaks,
)
from napari_jsn.localization.training import public_hands
from napari_jsn.localization.training.augment import augment
from napari_jsn.localization.training.data import TrainingHand, simulated_feet, simulated_hands, split
from napari_jsn.localization.training.ram_h1200 import hands_of_part
from napari_jsn.localization.training.scenes import Scene, draw_scene, draw_scene_of_foot
from napari_jsn.networks import ram_h1200
from napari_jsn.networks.inputs import Inputs, LeftOut, UsedImage, content_hash, left_out_lines
from napari_jsn.networks.task import TrainingTask, adamw_cosine, use_bfloat16

#: Images, joints (B, 28, 2) in pixels or NaN, the error of their labels in pixels (B, 28), pixels per mm (B,).
Batch = tuple[Tensor, Tensor, Tensor, Tensor]

#: Simulated hands to train on and their seed; those that help to choose the best epoch have another seed.
_POOL, _POOL_SEED = 1200, 10_000
_VALIDATION, _VALIDATION_SEED = 40, 9_000
#: Scenes in an epoch and in a batch; the share of them that show a foot, and of the others that show a real hand.
_SCENES, _BATCH, _FEET, _REAL = 1024, 32, 0.1, 0.3
#: Simulated feet for each simulated hand, and what is added to the seeds of the hands.
_FEET_SHARE, _FEET_SEED = 0.15, 100
#: Validation scenes made of each hand held out, and of each simulated one.
_SCENES_PER_HAND = (6, 2)
#: The least standard deviation of a joint's target, in cells.
_LEAST_SD = 0.7
#: Largest error of a joint that counts as right, in mm of an average adult's hand.
_RIGHT_MM = 3.0


class LocalizationTask(TrainingTask):
    """Train a small U-Net on scenes made of real and simulated hands.

    Parameters
    ----------
    hands : iterable of TrainingHand
        Real hands with labelled joints; without any, simulated ones alone.
    preset : {"default"}
    simulated : int
        Number of simulated hands; 0 for none.
    held_out : iterable of str, optional
        Groups of the hands that are not trained on, but choose the best epoch; by default a tenth.
    source, terms : str
        What the card says of the real radiographs.
    cache : path, optional
        Where simulated hands are kept.
    progress : Progress, optional
        Updated while hands are simulated; when it is aborted then, the constructor raises
        :class:`~napari_jsn.common.progress.Aborted`.

    Raises
    ------
    InputError
        If there is no such preset, or too little to train on.
    """

    name = "localization"
    architectures: ClassVar[Mapping[str, dict[str, Any]]] = ARCHITECTURES
    side: ClassVar[int] = SIDE
    normalisation: ClassVar[str] = NORMALISATION
    ema: float = 0.995
    epochs: int = 30
    patience: int = 30

    def __init__(
        self,
        hands: Iterable[TrainingHand] = (),
        preset: str = "default",
        simulated: int = _POOL,
        held_out: Iterable[str] | None = None,
        source: str = "radiographs of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(preset, source, terms)
        self.simulated = simulated
        hands = list(hands)
        if held_out is None:
            groups = sorted({hand.group for hand in hands})
            held_out = groups[::10] if len(groups) > 1 else []
        self._real, self._held_out = split(hands, list(held_out))
        self.inputs = Inputs(tuple(_used(hand, hand.group in set(held_out)) for hand in hands))
        self._simulated = simulated_hands(simulated, _POOL_SEED, cache, progress=progress) if simulated else []
        self._feet: list[TrainingHand] = []
        self._validation = self._held_out * _SCENES_PER_HAND[0]
        self._validation_feet: list[TrainingHand] = []
        if simulated:
            self._feet = simulated_feet(_feet_of(simulated), _POOL_SEED + _FEET_SEED, cache)
            feet = _feet_of(min(_VALIDATION, simulated))
            self._validation_feet = simulated_feet(feet, _VALIDATION_SEED + _FEET_SEED, cache)
            drawn = simulated_hands(min(_VALIDATION, simulated), _VALIDATION_SEED, cache)
            self._validation += drawn * _SCENES_PER_HAND[1]
        if not (self._real or self._simulated) or not self._validation:
            raise InputError("All radiographs show one hand, which is too few to train on. Add another hand.", "data")

    @classmethod
    def _read_folder(cls, folder: Path, groups: Path | None) -> tuple[dict[str, Any], list[LeftOut], list[str]]:
        """Read a folder; see :func:`~napari_jsn.localization.training.public_hands.read_hands`. Or RAM-H1200."""
        if groups is None and ram_h1200.has_bones(folder):
            left_out: list[LeftOut] = []
            parts = [hands_of_part(folder, split, left_out) for split in ram_h1200.SPLITS[:2]]
            of_set = {"source": ram_h1200.SOURCE, "terms": ram_h1200.TERMS}
            held_out = sorted({hand.group for hand in parts[1]})
            return {"hands": [*parts[0], *parts[1]], "held_out": held_out, **of_set}, left_out, []
        found = public_hands.read_hands(folder, groups)
        if not found.hands:
            raise InputError(
                f"{folder} holds no radiograph that can be trained on. {'. '.join(left_out_lines(found.left_out))}.",
                "data",
            )
        return public_hands.task_arguments(found.hands), found.left_out, []

    def network(self) -> JointNet:
        """Return a network with random weights."""
        return build_joint_net(ARCHITECTURES[self.preset])

    def optimizer(
        self, network: Module, epochs: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
        """Return AdamW, whose rate rises for up to two epochs and then falls as a cosine."""
        return adamw_cosine(network, 3e-3, epochs, most_rising=2)

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Draw the scenes of an epoch."""
        rng = np.random.default_rng([seed, epoch, 2])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        for _ in range(max(1, _SCENES // _BATCH)):
            scenes = []
            for _ in range(_BATCH):
                if self._feet and rng.random() < _FEET:
                    scenes.append(draw_scene_of_foot(self._feet[int(rng.integers(len(self._feet)))], rng))
                    continue
                real = self._real and (not self._simulated or rng.random() < _REAL)
                hands = self._real if real else self._simulated
                scenes.append(draw_scene(hands, int(rng.integers(len(hands))), rng))
            yield _tensors(scenes, generator)

    @cached_property
    def _validation_batches(self) -> list[Batch]:
        """Whole radiographs of one hand and upright views of one, alternately, then feet."""
        rng, generator = np.random.default_rng(7), torch.Generator().manual_seed(7)
        kinds = ("whole", "upright")
        scenes = [draw_scene(self._validation, k, rng, kinds[k // 7 % 2]) for k in range(len(self._validation))]
        scenes += [draw_scene_of_foot(foot, rng) for foot in self._validation_feet]
        return [_tensors(scenes[first : first + _BATCH], generator) for first in range(0, len(scenes), _BATCH)]

    def validation_batches(self) -> list[Batch]:
        """Return scenes of hands that are not trained on, always the same."""
        return self._validation_batches

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Return the cross-entropy of each joint's cell, or of "not in view", summed over a hand's joints."""
        images, points, label_px, _ = batch
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=use_bfloat16(images.device)):
            absent, maps = network(images)
        targets = (points + 0.5) / CELL - 0.5, (label_px / CELL).clamp_min(_LEAST_SD)
        # image by image: the maps of one stay in the processor's cache
        losses = map(_loss_of_image, absent.float(), maps.unbind(), *targets)
        return torch.stack(list(losses)).mean() * 2 / CHANNELS

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """Return the share of a hand's joints that are right (found within 3 mm, or not in view), and two more figures.

        ``precise`` is 1 minus the mean error divided by 4 mm (at most 1) of the joints in view. ``not_invented`` is
        the share of the joints out of view that are reported so.
        """
        images, points, _, px_mm = batch
        with torch.no_grad():
            maps = cell_probabilities(network(images.contiguous(memory_format=torch.channels_last)))
        peaks, probability = find_peaks(maps.flatten(0, 1).cpu())
        peaks, probability = peaks.unflatten(0, maps.shape[:2]), probability.unflatten(0, maps.shape[:2])
        points, px_mm = points.cpu(), px_mm.cpu()
        in_view, found = torch.isfinite(points).all(2), probability > 0.5
        error = torch.where(in_view & found, (peaks - points.nan_to_num()).norm(dim=2) / px_mm[:, None], math.inf)
        hand = in_view.unflatten(1, (2, -1)).any(2).repeat_interleave(CHANNELS // 2, 1)
        hand = torch.where(hand.any(1, keepdim=True), hand, True)
        right = torch.where(in_view, error <= _RIGHT_MM, ~found)
        near = torch.where(in_view, 1 - (error / 4).clamp_max(1), 0).sum(1) / in_view.sum(1).clamp_min(1)
        return {
            "right": _mean(right, hand),
            "precise": torch.where(in_view.any(1), near, _mean(right, hand)),
            "not_invented": _mean(~found, ~in_view),
        }

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """Return a validation scene with the true joints and those found, as labels.

        Labels 1 to 14 are joints of a left hand, 15 to 28 of a right hand.
        """
        images, points = (torch.cat([batch[k] for batch in self.validation_batches()])[index] for k in (0, 1))
        device = next(network.parameters()).device
        with torch.no_grad():
            found, probability = find_peaks(cell_probabilities(network(images[None].to(device)))[0].cpu())
        found[probability < 0.5] = math.nan
        image = images[0].numpy()
        shown = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
        return {"image": shown, "truth": _dots(points.numpy()), "found": _dots(found.numpy())}

    def card(self) -> dict[str, Any]:
        """Return what a model card says of network and data."""
        real, simulated = {}, {}
        if self._real:
            real = {"radiographs": len(self._real), "hands": len({hand.group for hand in self._real})}
        if self._simulated:
            count = len(self._simulated) + len(self._feet)
            simulated = {"radiographs": count, "hands": len(self._simulated), "feet": len(self._feet)}
        held_out = sorted(hand.name for hand in self._held_out)
        validation = {
            "scenes": sum(len(batch[0]) for batch in self.validation_batches()),
            "radiographs not trained on": held_out,
        }
        return self._card(JointNet, real, simulated, validation)


def _used(hand: TrainingHand, held_out: bool) -> UsedImage:
    return UsedImage(hand.name, hand.source, content_hash(hand.points), hand.group, held_out)


def _feet_of(hands: int) -> int:
    """Return the number of simulated feet beside so many simulated hands."""
    return max(1, round(_FEET_SHARE * hands))


def _loss_of_image(absent: Tensor, maps: Tensor, points: Tensor, sd: Tensor) -> Tensor:
    """Return the sum over all joints; points and their standard deviations are in cells."""
    maps = maps.float()
    in_view = torch.isfinite(points).all(dim=1)
    total = torch.logaddexp(torch.logsumexp(maps, dim=(1, 2)), absent)
    points, sd = points[in_view], sd[in_view, None]
    cells = torch.arange(CELLS, device=maps.device)
    across, down = (torch.softmax(-((cells - points[:, k, None]) ** 2) / (2 * sd**2), 1) for k in (0, 1))
    targets = (torch.bmm(maps[in_view], across[:, :, None])[:, :, 0] * down).sum()
    return total.sum() - absent[~in_view].sum() - targets


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values & where).sum(1) / where.sum(1).clamp_min(1)


def _dots(points: NDArray[np.float32]) -> NDArray[np.uint8]:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for k, (x, y) in enumerate(points):
        if np.isfinite((x, y)).all():
            row, col = round(float(y)), round(float(x))
            labels[max(0, row - 2) : row + 3, max(0, col - 2) : col + 3] = k + 1
    return labels


def _tensors(scenes: list[Scene], generator: torch.Generator) -> Batch:
    images = torch.from_numpy(np.stack([scene.image for scene in scenes]))[:, None]
    inside = torch.from_numpy(np.stack([scene.inside for scene in scenes]))[:, None]
    points = torch.from_numpy(np.stack([scene.points for scene in scenes]).astype(np.float32))
    px_mm = torch.tensor([scene.px_mm for scene in scenes])
    label_px = torch.from_numpy(np.stack([scene.label_mm for scene in scenes]).astype(np.float32)) * px_mm[:, None]
    return normalise(augment(images, generator), inside), points, label_px, px_mm
