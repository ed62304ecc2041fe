"""Training of the segmentation network: loss, figures and data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import binary_cross_entropy_with_logits

from napari_jsn.common.progress import Progress
from napari_jsn.networks import ram_h1200
from napari_jsn.networks.inputs import Inputs, LeftOut
from napari_jsn.networks.task import TrainingTask, adamw_cosine, split_validation, use_bfloat16
from napari_jsn.segmentation.canvas import NORMALISATION, SIDE, normalise
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.augment import augment
from napari_jsn.segmentation.training.data import LabelledJoint, Samples, samples, simulated_samples, used_images
from napari_jsn.segmentation.training.folder import read_joint_folder
from napari_jsn.segmentation.training.ram_h1200 import joints_of_part
from napari_jsn.segmentation.unetpp import ARCHITECTURES, BoneNet, build_bone_net

Batch = tuple[Tensor, Tensor]

#: Share of simulated images in an epoch, their number, and their seed.
_SIMULATED, _POOL, _POOL_SEED = 0.4, 2800, 4
#: The least number of batches of an epoch, however few images there are.
_LEAST_BATCHES = 20


class SegmentationTask(TrainingTask):
    """Train U-Net++ on real and simulated joint images.

    Parameters
    ----------
    joints : iterable of LabelledJoint
        Real joint images with masks; without any, simulated ones alone.
    preset : {"default"}
    simulated : int
        Number of simulated images; 0 for none.
    source, terms : str
        Source of the real images and their terms of use, for the model card.
    cache : path, optional
        Where simulated images are kept.
    progress : Progress, optional
        Updated while images are simulated; when it is aborted then, the constructor raises
        :class:`~napari_jsn.common.progress.Aborted`.
    held_out : iterable of LabelledJoint
        Real joint images that are not trained on, but choose the best epoch; by default a tenth of the patients.

    Raises
    ------
    InputError
        If there is no such preset, or too little to train on.
    """

    name = "segmentation"
    architectures: ClassVar[Mapping[str, dict[str, Any]]] = {"default": ARCHITECTURES["default"]}
    #: Share of the groups (joints, patients) that are validated on and not trained on.
    validation_share: ClassVar[float] = 0.1
    epochs: int = 36
    ema: float | None = 0.995
    patience: int | None = 20  # the average contains random weights for some epochs
    side: ClassVar[int] = SIDE
    normalisation: ClassVar[str] = NORMALISATION

    def __init__(
        self,
        joints: Iterable[LabelledJoint] = (),
        preset: str = "default",
        simulated: int = _POOL,
        source: str = "images of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
        progress: Progress | None = None,
        held_out: Iterable[LabelledJoint] = (),
    ) -> None:
        super().__init__(preset, source, terms)
        self.simulated = simulated
        self._batch = 32
        joints = list(joints)
        parts = [samples(joints)] if joints else []
        if simulated:
            parts.append(simulated_samples(simulated, _POOL_SEED, cache, progress=progress))
        held_out = list(held_out)
        if held_out:
            self._validation = samples(held_out)
        else:
            parts, self._validation = split_validation(parts, self.validation_share)
        self._pool = sum(parts[1:], parts[0])
        self._simulated = len(parts[-1]) if simulated else 0
        self._real = len(self._pool) - self._simulated
        validated = set(self._validation.groups)
        self._joints = len({joint.group for joint in joints if joint.patient not in validated})
        self.inputs = Inputs(used_images([*joints, *held_out], validated))

    @classmethod
    def _read_folder(cls, folder: Path, groups: Path | None) -> tuple[dict[str, Any], list[LeftOut], list[str]]:
        """Read a folder; see :func:`~napari_jsn.segmentation.training.folder.read_joint_folder`. Or RAM-H1200."""
        if groups is None and ram_h1200.has_bones(folder):
            left_out: list[LeftOut] = []
            parts = [joints_of_part(folder, split, left_out) for split in ram_h1200.SPLITS[:2]]
            source = {"source": ram_h1200.SOURCE, "terms": ram_h1200.TERMS}
            return {"joints": parts[0], "held_out": parts[1], **source}, left_out, []
        found = read_joint_folder(folder, "training", groups)
        source = public_joints.card_source(joint.group for joint in found.joints)
        return {"joints": found.joints, **source}, found.left_out, found.notes

    def network(self) -> BoneNet:
        """Return a network with random weights."""
        return build_bone_net(ARCHITECTURES[self.preset])

    def optimizer(
        self, network: Module, epochs: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
        """Return AdamW, whose rate rises for up to three epochs and then falls as a cosine."""
        return adamw_cosine(network, 2e-3, epochs, most_rising=3)

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Yield real and simulated images in random order, augmented and normalised."""
        rng = np.random.default_rng([seed, epoch, 1])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        order = self._order(rng)
        for first in range(0, len(order) - self._batch + 1, self._batch):
            images, masks = image_tensors(self._pool, order[first : first + self._batch])
            images, masks = augment(images, masks, generator)
            yield normalise(images), masks

    def _order(self, rng: np.random.Generator) -> NDArray[np.int_]:
        """Return the indexes of an epoch's images: all real ones, and simulated ones in their share."""
        real, simulated = self._real, self._simulated
        least = _LEAST_BATCHES * self._batch
        if not (real and simulated):
            return _repeat(real + simulated, max(least, real + simulated), rng)
        wanted = max(real, math.ceil(least * (1 - _SIMULATED)))
        mixed = round(wanted * _SIMULATED / (1 - _SIMULATED))
        chosen = [_repeat(real, wanted, rng), real + _repeat(simulated, mixed, rng)]
        return rng.permutation(np.concatenate(chosen))

    @property
    def batches_of_epoch(self) -> int:
        """The number of training batches of an epoch."""
        return len(self._order(np.random.default_rng(0))) // self._batch

    def validation_batches(self) -> list[Batch]:
        """Return images that are not trained on, without augmentation; real ones if there are enough."""
        batches = []
        for first in range(0, len(self._validation), self._batch):
            at = np.arange(first, min(first + self._batch, len(self._validation)))
            images, masks = image_tensors(self._validation, at)
            batches.append((normalise(images), masks))
        return batches

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Return the binary cross-entropy plus 1 minus the soft Dice."""
        return bone_loss(network, batch)

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """Return the DSC of each image (the mean of its two bones), and of each bone."""
        return bone_measures(network, batch)

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """Return a validation image, its masks and those found, as labels: 1 upper, 2 lower, 3 both."""
        images, masks = image_tensors(self._validation, np.array([index]))
        device = next(network.parameters()).device
        with torch.no_grad():
            found = network(normalise(images).to(device))[0].cpu() > 0
        truth, labels = ((part[0] + 2 * part[1]).numpy().astype(np.uint8) for part in (masks[0] >= 0.5, found))
        return {"image": images[0, 0].numpy(), "truth": truth, "found": labels}

    def card(self) -> dict[str, Any]:
        """Return what a model card says of network and data."""
        real = {"images": self._real, "joints": self._joints} if self._real else {}
        simulated = {"images": self._simulated} if self._simulated else {}
        validation = {"images": len(self._validation), "joints": len(set(self._validation.groups))}
        return self._card(BoneNet, real, simulated, validation)


def bone_loss(network: Module, batch: Batch) -> Tensor:
    """Return the binary cross-entropy plus 1 minus the soft Dice of images and masks."""
    images, masks = batch
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=use_bfloat16(images.device)):
        logits = network(images)
    logits = logits.float()
    entropy = binary_cross_entropy_with_logits(logits, masks)
    found = torch.sigmoid(logits)
    both = (found * masks).sum((2, 3))
    dice = (2 * both + 1) / (found.sum((2, 3)) + masks.sum((2, 3)) + 1)
    return entropy + 1 - dice.mean()


def bone_measures(network: Module, batch: Batch) -> dict[str, Tensor]:
    """Return the DSC of each image (the mean of its two bones), and of each bone."""
    from monai.metrics import compute_dice

    images, masks = batch
    with torch.no_grad():
        found = network(images.contiguous(memory_format=torch.channels_last)) > 0
    dice = compute_dice(found.float(), (masks >= 0.5).float(), ignore_empty=False)
    return {"dsc": dice.mean(1), "dsc_upper": dice[:, 0], "dsc_lower": dice[:, 1]}


def _repeat(count: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Return ``wanted`` of ``count`` indexes: each about equally often, in random order."""
    rounds = [rng.permutation(count) for _ in range(math.ceil(wanted / count))]
    return np.concatenate(rounds)[:wanted]


def image_tensors(source: Samples, at: NDArray[np.int_]) -> Batch:
    """Return the chosen images (B, 1, S, S) and masks (B, 2, S, S) in [0, 1]."""
    images, masks = (torch.from_numpy(part[at]).float() / 255 for part in (source.images, source.masks))
    return images, masks
