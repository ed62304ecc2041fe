"""Training of the registration networks: loss, figures and data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from napari_jsn.common.progress import Progress
from napari_jsn.networks.inputs import Inputs, LeftOut
from napari_jsn.networks.task import TrainingTask, cosine_rate, split_groups, split_validation
from napari_jsn.registration.network.architectures import ARCHITECTURES, build_registration_net
from napari_jsn.registration.network.pose_net import PoseNet
from napari_jsn.registration.network.training.data import (
    SIDE,
    Visits,
    check_pairs,
    distances_px,
    notes_on_visits,
    read_visits,
    real_visits,
    simulated_visits,
)
from napari_jsn.registration.network.training.loss import masked_loss, refinement_loss, transformed_image
from napari_jsn.registration.network.training.motion import MotionAmounts, SourceImages, make_pairs
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.data import LabelledJoint, used_images

#: Fixed and moving image, their masks, the maps of both bones, and for which pairs these are true.
Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]

NORMALISATION = "padded to a square of 128 px by border pixels; each bone: mean 0, standard deviation 1 inside its mask"
#: Share of the groups (joints, patients) that choose the best epoch; number and seed of the pairs made of them.
_VALIDATION, _VALIDATION_PAIRS, _VALIDATION_SEED = 0.1, 128, 11
#: Shares of a batch: two visits of a real joint, and simulated joints where there are real ones too.
_REAL_VISITS, _SIMULATED = 0.2, 0.3
#: Number of simulated pairs and their seed.
_POOL, _POOL_SEED = 700, 4
#: Batches of an epoch, and of the validation pairs in one batch.
_BATCHES, _VALIDATION_BATCH = 100, 64


class RegistrationTask(TrainingTask):
    """Train a network that predicts the maps of both bones between two visits.

    It is trained on joint images moved by known motions, on simulated joints at two visits, whose motion is known too,
    and on two visits of real joints, of which only the images are used.

    Parameters
    ----------
    joints : iterable of LabelledJoint
        Real joint images with masks; those of one group show one joint at several visits. Without any, simulated ones
        alone.
    preset : {"default"}
    simulated : int
        Number of simulated pairs; 0 for none.
    source, terms : str
        Source of the real images and their terms of use, for the model card.
    cache : path, optional
        Where simulated images are kept.
    progress : Progress, optional
        Updated while images are simulated; when it is aborted then, the constructor raises
        :class:`~napari_jsn.common.progress.Aborted`.
    pairs : {"all", "paper"}
        How the images of a real joint are paired; see
        :func:`~napari_jsn.registration.network.training.data.pairs_of_visits`.

    Raises
    ------
    InputError
        If there is no such preset, or too little to train on.
    """

    name = "registration"
    architectures: ClassVar[Mapping[str, dict[str, Any]]] = {"default": ARCHITECTURES["default"]}
    side: ClassVar[int] = SIDE
    normalisation: ClassVar[str] = NORMALISATION
    epochs: int = 30
    ema: float | None = 0.997
    patience: int | None = 20
    batches_of_epoch: ClassVar[int] = _BATCHES

    def __init__(
        self,
        joints: Iterable[LabelledJoint] = (),
        preset: str = "default",
        simulated: int = _POOL,
        source: str = "images of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
        pairs: str = "all",
        progress: Progress | None = None,
    ) -> None:
        super().__init__(preset, source, terms)
        self.simulated = simulated
        check_pairs(pairs)
        self.pairs: str = pairs
        self._batch = 16
        self._amounts = MotionAmounts()
        joints = list(joints)
        pools = [real_visits(joints, pairs)] if joints else []
        if simulated:
            pools.append(simulated_visits(simulated, _POOL_SEED, cache, progress))
        pools, self._validation = split_validation(pools, _VALIDATION)
        self._real = pools[0] if joints else None
        self._simulated = pools[-1] if simulated else None
        held_out = set(self._validation.groups)
        self._joints = len({joint.group for joint in joints if joint.patient not in held_out})
        self.inputs = Inputs(used_images(joints, held_out))
        self._validation_batches: list[Batch] | None = None

    @classmethod
    def _read_folder(cls, folder: Path, groups: Path | None) -> tuple[dict[str, Any], list[LeftOut], list[str]]:
        """Read a folder; see :func:`~napari_jsn.registration.network.training.data.read_visits`."""
        found = read_visits(folder, groups)
        source = public_joints.card_source(joint.group for joint in found.joints)
        return {"joints": found.joints, **source}, found.left_out, [*found.notes, *notes_on_visits(found)]

    def network(self) -> Module:
        """Return a network with random weights."""
        return build_registration_net(self.preset)

    def optimizer(self, network: Module, epochs: int) -> tuple[torch.optim.Optimizer, Any]:
        """Return AdamW, whose rate rises in the first epoch and falls as a cosine."""
        optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)

        def rate(epoch: int) -> float:
            return min(1.0, (epoch + 1) / 2) * cosine_rate(epoch, epochs)

        return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Draw the pairs of an epoch."""
        rng = np.random.default_rng([seed, epoch, 3])
        for _ in range(_BATCHES):
            yield self._make_batch(self._choose(rng), rng)

    def _choose(self, rng: np.random.Generator) -> list[tuple[Visits, int, bool]]:
        """Draw for each pair of a batch: the pool, the index of an image or a pair, and whether it is a pair."""
        chosen: list[tuple[Visits, int, bool]] = []
        for _ in range(self._batch):
            simulated = self._simulated is not None and (self._real is None or rng.random() < _SIMULATED)
            pool = self._simulated if simulated else self._real
            assert pool is not None
            share = 0.6 if simulated else _REAL_VISITS / (1 - _SIMULATED)
            two = len(pool.pairs) > 0 and rng.random() < share
            chosen.append((pool, int(rng.integers(len(pool.pairs) if two else len(pool))), two))
        return chosen

    def _make_batch(self, chosen: list[tuple[Visits, int, bool]], rng: np.random.Generator) -> Batch:
        """Make a batch of what was chosen, with random motion and exposure."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        images: tuple[list[NDArray[Any]], ...] = ([], [])
        distances: tuple[list[NDArray[Any]], ...] = ([], [])
        between, known = np.tile(np.eye(3, dtype=np.float32), (len(chosen), 2, 1, 1)), np.ones(len(chosen), bool)
        for k, (pool, number, two) in enumerate(chosen):
            pair = (number, number)
            if two:
                pair = tuple(pool.pairs[number])
                between[k], known[k] = pool.between[number], not np.isnan(pool.between[number]).any()
                if rng.random() < 0.5:
                    pair, between[k] = pair[::-1], np.linalg.inv(between[k]) if known[k] else between[k]
            for which, index in enumerate(pair):
                images[which].append(pool.images[index])
                distances[which].append(pool.distances[index])
        between[~known] = np.eye(3)
        fixed, moving = (
            SourceImages(torch.from_numpy(np.stack(images[k])).float() / 255,
                         torch.from_numpy(distances_px(np.stack(distances[k]))))
            for k in (0, 1)
        )  # fmt: skip
        pairs = make_pairs(fixed, moving, torch.from_numpy(between), generator, self._amounts)
        return (*pairs, torch.from_numpy(known))

    def validation_batches(self) -> list[Batch]:
        """Return pairs of known motion made of images that are not trained on; always the same."""
        if self._validation_batches is None:
            rng = np.random.default_rng(_VALIDATION_SEED)
            count, size = min(_VALIDATION_PAIRS, 8 * len(self._validation)), _VALIDATION_BATCH
            chosen = [(self._validation, int(k), False) for k in rng.integers(len(self._validation), size=count)]
            self._validation_batches = [
                self._make_batch(chosen[first : first + size], rng) for first in range(0, count, size)
            ]
        return self._validation_batches

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Return the distance of each bone's points from their true places, plus 1 minus the images' correlation.

        The distance counts only where the true places are known.
        """
        assert isinstance(network, PoseNet)
        return refinement_loss(network, batch, torch.is_grad_enabled())

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """Return of each pair the error, and the loss before and after registration (Eq. 6).

        ``near`` is 1 / (1 + error in pixels).
        """
        with torch.no_grad():
            maps = network(*batch[:4])
        identity = torch.eye(3).to(maps).expand_as(maps)
        error = error_px(maps, batch[4], batch[2])
        losses = {"original_loss": masked_loss(identity, batch), "transformed_loss": masked_loss(maps, batch)}
        return {"near": 1 / (1 + error), "error_px": error, **losses}

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """Return a validation pair: the fixed image, the transformed moving image, and the loss spectrum."""
        batch = self.validation_batches()[index // _VALIDATION_BATCH]
        one = tuple(part[index % _VALIDATION_BATCH][None] for part in batch)
        device = next(network.parameters()).device
        with torch.no_grad():
            maps = network(*(part.to(device) for part in one[:4])).cpu()
        transformed = transformed_image(maps, one[1], one[2])[0]
        fixed = one[0][0, 0]
        spectrum = (fixed - transformed).square()
        return {"fixed": fixed.numpy(), "transformed": transformed.numpy(), "spectrum": spectrum.numpy()}

    def card(self) -> dict[str, Any]:
        """Return what a model card says of network and data."""
        real, simulated = {}, {}
        if self._real is not None:
            real = {"images": len(self._real), "joints": self._joints, "visits": len(self._real.pairs)}
        if self._simulated is not None:
            simulated = {"images": len(self._simulated), "visits": len(self._simulated.pairs)}
        supervision = (
            "known motion of real and simulated images, true motion between simulated visits, and the correlation "
            "of the transformed and the fixed image; two visits of real joints by that correlation alone"
        )
        validation = {"images": len(self._validation), "joints": len(set(self._validation.groups))}
        return self._card(PoseNet, real, simulated, validation, supervision=supervision)


def validation_groups(groups: Iterable[str]) -> set[str]:
    """Return the groups of a training's joints that choose the best epoch and are not trained on."""
    return split_groups(groups, _VALIDATION)


def error_px(maps: Tensor, truth: Tensor, masks: Tensor) -> Tensor:
    """Return the mean distance (B,) in pixels between the bones' points under two sets of maps."""
    side = masks.shape[-1]
    steps = torch.arange(1.5, side, 4).to(maps)
    ones = torch.ones(len(steps), len(steps)).to(maps)
    points = torch.stack([*torch.meshgrid(steps, steps, indexing="xy"), ones], -1)
    distance = ((maps - truth)[:, :, None, :2] @ points.flatten(0, 1)[..., None])[..., 0].norm(dim=-1)
    weight = masks[:, :, 1::4, 1::4].flatten(2)
    return ((distance * weight).sum(2) / weight.sum(2).clamp_min(1e-3)).mean(1)
