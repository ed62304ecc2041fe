"""Learning to find the two bones of a joint image: network, loss and data, as training asks for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import binary_cross_entropy_with_logits

from napari_jsn.common.errors import InputError
from napari_jsn.segmentation.canvas import NORMALISATION, SIDE, normalise
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.augment import augment
from napari_jsn.segmentation.training.data import LabelledJoint, Samples, labelled_joints, samples, simulated_samples
from napari_jsn.segmentation.unetpp import ARCHITECTURES, BoneNet, build

Batch = tuple[Tensor, Tensor]

#: Share of the groups (joints, patients) that choose the best epoch and are not learned from.
_VALIDATION = 0.1
#: Share of simulated images in what is learned from, how many of them there are, and what they are drawn with.
_SIMULATED, _POOL, _POOL_SEED = 0.4, 2800, 4
#: An epoch has at least so many batches, however few images there are.
_LEAST_BATCHES = 20


class SegmentationTask:
    """U-Net++ on the joint images given and on simulated ones.

    Parameters
    ----------
    joints : iterable of LabelledJoint
        Real joint images with masks; none: simulated ones only.
    preset : {"default", "paper"}
        ``paper`` is the network and the recipe of Wang et al. 2023, for a GPU.
    simulated : int
        How many simulated images to mix in; 0 for none.
    source, terms : str
        What the card says of the real images.
    cache : path, optional
        Where simulated images are kept.

    Raises
    ------
    InputError
        If there is no such preset, or nothing to learn from.
    """

    name = "segmentation"
    presets = tuple(ARCHITECTURES)

    def __init__(
        self,
        joints: Iterable[LabelledJoint] = (),
        preset: str = "default",
        simulated: int = _POOL,
        source: str = "images of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
    ) -> None:
        if preset not in ARCHITECTURES:
            raise InputError(f"There is no preset {preset!r}. Choose one of: {', '.join(ARCHITECTURES)}.", "preset")
        self.preset, self._source, self._terms = preset, source, terms
        paper = preset == "paper"
        self.epochs: int = 150 if paper else 36
        self.ema: float | None = None if paper else 0.995
        self.patience = 30 if paper else 20  # the average holds random weights for some epochs
        self._batch = 30 if paper else 32
        joints = list(joints)
        parts = [samples(joints)] if joints else []
        if simulated:
            parts.append(simulated_samples(simulated, _POOL_SEED, cache))
        # the images given choose the best epoch; those of one joint alone cannot be split, so others must
        chosen_on = next((k for k, part in enumerate(parts) if len(set(part.groups)) > 1), None)
        if chosen_on is None:
            raise InputError("Images of one joint alone are too few to learn from. Give some of another.", "data")
        parts[chosen_on], self._validation = parts[chosen_on].split(_VALIDATION)
        self._pool = sum(parts[1:], parts[0])
        self._drawn = len(parts[-1]) if simulated else 0
        self._real = len(self._pool) - self._drawn

    @classmethod
    def from_folder(cls, folder: Path | str | None, preset: str = "default") -> SegmentationTask:
        """Learn from the images of a folder, see :func:`~napari_jsn.segmentation.training.data.labelled_joints`.

        None: from simulated ones alone. Of the public joints those meant for testing are left out.
        """
        if folder is None:
            return cls(preset=preset)
        found = labelled_joints(Path(folder), "training")
        if public_joints.are_public(each.group for each in found):
            return cls(found, preset, source=public_joints.SOURCE, terms=public_joints.TERMS)
        return cls(found, preset)

    def network(self) -> BoneNet:
        """With random weights."""
        return build(ARCHITECTURES[self.preset])

    def optimizer(
        self, network: Module, epochs: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
        """AdamW, its rate rising for some epochs and then falling as a cosine; or the paper's RMSProp."""
        if self.preset == "paper":
            return torch.optim.RMSprop(network.parameters(), lr=1e-5, alpha=0.9, eps=1e-4), None
        optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
        rising = max(1, min(3, epochs // 4))

        def rate(epoch: int) -> float:
            if epoch < rising:
                return (epoch + 1) / (rising + 1)
            return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (epoch - rising) / max(1, epochs - rising)))

        return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Real images in a new order, simulated ones among them, all changed by chance; normalised."""
        rng = np.random.default_rng([seed, epoch, 1])
        chance = torch.Generator().manual_seed(int(rng.integers(2**62)))
        order = self._order(rng)
        for first in range(0, len(order) - self._batch + 1, self._batch):
            images, masks = _tensors(self._pool, order[first : first + self._batch])
            images, masks = augment(images, masks, chance)
            yield normalise(images), masks

    def _order(self, rng: np.random.Generator) -> NDArray[np.int_]:
        """Which of the images an epoch learns from: every real one, and simulated ones in their share."""
        real, drawn = self._real, self._drawn
        least = _LEAST_BATCHES * self._batch
        if not (real and drawn):
            return _often(real + drawn, max(least, real + drawn), rng)
        wanted = max(real, math.ceil(least * (1 - _SIMULATED)))
        mixed = round(wanted * _SIMULATED / (1 - _SIMULATED))
        return rng.permutation(np.concatenate([_often(real, wanted, rng), real + _often(drawn, mixed, rng)]))

    def validation_batches(self) -> list[Batch]:
        """Real images where there are some, never learned from, as they are."""
        batches = []
        for first in range(0, len(self._validation), self._batch):
            at = np.arange(first, min(first + self._batch, len(self._validation)))
            images, masks = _tensors(self._validation, at)
            batches.append((normalise(images), masks))
        return batches

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Binary cross-entropy (the paper's), and in the default preset 1 less the soft Dice beside it."""
        images, masks = batch
        images = images.contiguous(memory_format=torch.channels_last)
        fast = torch.is_grad_enabled() and _has_bfloat16(images.device)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=fast):
            logits = network(images)
        logits = logits.float()
        entropy = binary_cross_entropy_with_logits(logits, masks)
        if self.preset == "paper":
            return entropy
        found = torch.sigmoid(logits)
        both = (found * masks).sum((2, 3))
        dice = (2 * both + 1) / (found.sum((2, 3)) + masks.sum((2, 3)) + 1)
        return entropy + 1 - dice.mean()

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """DSC of each image, the mean of its two bones; and of each bone."""
        from monai.metrics import compute_dice

        images, masks = batch
        with torch.no_grad():
            found = network(images.contiguous(memory_format=torch.channels_last)) > 0
        dice = compute_dice(found.float(), (masks >= 0.5).float(), ignore_empty=False)
        return {"dsc": dice.mean(1), "dsc_upper": dice[:, 0], "dsc_lower": dice[:, 1]}

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """A validation image, its masks and those found, as labels 1 upper, 2 lower, 3 both."""
        images, masks = _tensors(self._validation, np.array([index]))
        device = next(network.parameters()).device
        with torch.no_grad():
            found = network(normalise(images).to(device))[0].cpu() > 0
        truth, labels = ((part[0] + 2 * part[1]).numpy().astype(np.uint8) for part in (masks[0] >= 0.5, found))
        return {"image": images[0, 0].numpy(), "truth": truth, "found": labels}

    def card(self) -> dict[str, Any]:
        """What a model card says of network and data."""
        data = []
        if self._real:
            joints = len(set(self._pool.groups[: self._real]))
            images = {"images": self._real, "joints": joints}
            data.append({"source": self._source, "terms": self._terms, **images})
        if self._drawn:
            data.append({"source": "simulator of napari-jsn", "terms": "BSD-3-Clause", "images": self._drawn})
        architecture = {key: list(v) if isinstance(v, tuple) else v for key, v in ARCHITECTURES[self.preset].items()}
        return {
            "architecture": {"class": "napari_jsn.segmentation.unetpp.BoneNet", **architecture},
            "input_size_px": [SIDE, SIDE],
            "normalisation": NORMALISATION,
            "training_data": data,
            "validation": {"images": len(self._validation), "joints": len(set(self._validation.groups))},
        }


def _often(count: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """``wanted`` of ``count`` indexes: each about equally often, in random order."""
    rounds = [rng.permutation(count) for _ in range(math.ceil(wanted / count))]
    return np.concatenate(rounds)[:wanted]


def _tensors(source: Samples, at: NDArray[np.int_]) -> Batch:
    images, masks = (torch.from_numpy(part[at]).float() / 255 for part in (source.images, source.masks))
    return images, masks


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the processor computes in 16 bits natively: half the time, the same result."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))
