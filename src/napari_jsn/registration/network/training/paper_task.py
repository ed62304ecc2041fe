"""Training of the registration network of Wang et al. 2023, by the published recipe alone.

docs/registration.md lists what the paper states and what it leaves open, with the choice made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, counted
from napari_jsn.networks.canvas import pixel_points, sample_planes
from napari_jsn.networks.inputs import Inputs, LeftOut
from napari_jsn.networks.task import TrainingTask, split_groups
from napari_jsn.registration.network.architectures import ARCHITECTURES, build_registration_net
from napari_jsn.registration.network.maps import transform_points
from napari_jsn.registration.network.paper_net import PaperRuns, to_maps, upper_half
from napari_jsn.registration.network.training.data import (
    check_pairs,
    notes_on_visits,
    pairs_of_visits,
    read_visits,
)
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.data import LabelledJoint, samples, simulated_joints, used_images

#: Fixed and moving image, and the upper half of each: four (B, 1, S, S) tensors.
Batch = tuple[Tensor, Tensor, Tensor, Tensor]

#: Side of the images in pixels, pairs of a batch, epochs, and share of the joints that are used for validation.
SIDE, BATCH, EPOCHS, VALIDATION = 224, 80, 500, 0.2
LEARNING_RATE = 1e-3
#: Constants of the plateau schedule, from the authors' training script.
FACTOR, PATIENCE, THRESHOLD = 0.5, 10, 1e-5
NORMALISATION = "padded to a square by border pixels and resized to 224 px; intensities in [0, 1]"
#: Number of simulated images if there are no other images, and their seed.
_SIMULATED, _SEED = 280, 4
_VALIDATION_BATCH = 16


@dataclass(frozen=True)
class JointPairs:
    """Joint images and the pairs among them.

    Attributes
    ----------
    images : (N, S, S) uint8 array
    halves : (N, S, S) bool array
        True at pixels of the upper bone, and at pixels that are nearer to it than to the lower bone.
    groups : tuple of str
        Group of each image; all images of a group show the same joint.
    pairs : (M, 2) int array
        Fixed and moving image.
    """

    images: NDArray[np.uint8]
    halves: NDArray[np.bool_]
    groups: tuple[str, ...]
    pairs: NDArray[np.int64]

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Return the chosen pairs as a batch."""
        fixed, moving = self.pairs[chosen].T
        images = (torch.from_numpy(self.images[which][:, None]).float() / 255 for which in (fixed, moving))
        halves = (torch.from_numpy(self.halves[which][:, None]).float() for which in (fixed, moving))
        return (*images, *halves)  # type: ignore[return-value]  # two images, two halves


class PaperRegistrationTask(TrainingTask):
    """Train the network of Wang et al. 2023, which needs no known motion.

    Parameters
    ----------
    joints : iterable of LabelledJoint
        Joint images with masks; the images of a group show the same joint at several visits. If there are none,
        images are simulated.
    preset : {"paper"}
    simulated : int
        Number of simulated images, used only where ``joints`` is empty.
    source, terms : str
        Source of the images and their terms of use, for the model card.
    pairs : {"paper", "all"}
        See :func:`~napari_jsn.registration.network.training.data.pairs_of_visits`.
    progress : Progress, optional
        Updated while images are simulated; when it is aborted then, the constructor raises
        :class:`~napari_jsn.common.progress.Aborted`.

    Raises
    ------
    InputError
        If there is no such preset, or there are fewer than two joints with a pair of visits.

    References
    ----------
    Wang et al., CMIG 108:102273 (2023).
    """

    name = "registration"
    architectures: ClassVar[Mapping[str, dict[str, Any]]] = {"paper": ARCHITECTURES["paper"]}
    side: ClassVar[int] = SIDE
    normalisation: ClassVar[str] = NORMALISATION
    epochs: int = EPOCHS
    patience: int | None = None
    keep_last: bool = True

    def __init__(
        self,
        joints: Iterable[LabelledJoint] = (),
        preset: str = "paper",
        simulated: int = _SIMULATED,
        source: str = "images of the user",
        terms: str = "as the user has them",
        pairs: str = "paper",
        progress: Progress | None = None,
    ) -> None:
        super().__init__(preset, source, terms)
        self.pairs: str = pairs
        joints = list(joints)
        self._is_simulated: bool = not joints
        self._batch = BATCH
        self.simulated = 0 if joints else simulated
        made = counted(simulated_joints(self.simulated, _SEED), self.simulated, "Simulating joints", progress)
        shown = joints or list(made)
        everything = _joint_pairs(shown, pairs)
        groups = np.array([each.patient for each in shown], dtype=object)[everything.pairs[:, 0]]
        if len(set(groups)) < 2:
            raise InputError(
                "Registration learns from pairs of visits of at least two joints of different patients, and there are "
                "fewer. Put the images of each joint into a folder of its own.",
                "data",
            )
        patients = split_groups(groups, VALIDATION)
        held_out = np.isin(groups, list(patients))
        self.inputs = Inputs(used_images(joints, patients))
        self._pairs = everything
        self._training, self._validation = np.flatnonzero(~held_out), np.flatnonzero(held_out)

    @classmethod
    def _read_folder(cls, folder: Path, groups: Path | None) -> tuple[dict[str, Any], list[LeftOut], list[str]]:
        """Read a folder; see :func:`~napari_jsn.registration.network.training.data.read_visits`."""
        found = read_visits(folder, groups)
        source = public_joints.card_source(joint.group for joint in found.joints)
        return {"joints": found.joints, **source}, found.left_out, [*found.notes, *notes_on_visits(found)]

    def network(self) -> PaperRuns:
        """Return one copy of the network with random weights."""
        network = build_registration_net("paper")
        assert isinstance(network, PaperRuns)
        return network

    def optimizer(
        self, network: Module, epochs: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.ReduceLROnPlateau]:
        """Return Adam with a learning rate of 0.001, halved when the training loss stops falling."""
        adam = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            adam, factor=FACTOR, patience=PATIENCE, threshold=THRESHOLD, threshold_mode="rel"
        )
        return adam, plateau

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Yield all pairs in random order, without augmentation."""
        order = np.random.default_rng([seed, epoch, 3]).permutation(self._training)
        for first in range(0, len(order), self._batch):
            yield self._pairs.batch(order[first : first + self._batch])

    def validation_batches(self) -> list[Batch]:
        """Return the pairs of the joints that are not trained on."""
        size = min(self._batch, _VALIDATION_BATCH)
        held_out = self._validation
        return [self._pairs.batch(held_out[first : first + size]) for first in range(0, len(held_out), size)]

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Return the mean squared difference of the fixed and the transformed moving image (Eq. 5-6)."""
        return image_loss(self._maps(network, batch), batch).mean()

    def measures(self, network: Module, batch: Batch) -> dict[str, Tensor]:
        """Return for each pair the share of the loss that the registration removes, and both losses."""
        with torch.no_grad():
            maps = self._maps(network, batch)
            original, transformed = (image_loss(each, batch) for each in (torch.eye(3).to(maps).expand_as(maps), maps))
        removed = 1 - transformed / original.clamp_min(1e-12)
        return {"loss_removed": removed, "original_loss": original, "transformed_loss": transformed}

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """Return a validation pair: the fixed image, the transformed moving image, and the loss spectrum."""
        device = next(network.parameters()).device
        fixed, moving, fixed_half, moving_half = (
            part.to(device) for part in self._pairs.batch(self._validation[[index]])
        )
        with torch.no_grad():
            maps = self._maps(network, (fixed, moving, fixed_half, moving_half))
            transformed = transform(maps, moving, fixed_half)[0, 0].cpu()
        shown = fixed[0, 0].cpu()
        spectrum = (shown - transformed).square()
        return {"fixed": shown.numpy(), "transformed": transformed.numpy(), "spectrum": spectrum.numpy()}

    def card(self) -> dict[str, Any]:
        """Return the content of the model card: network and training data."""
        counted = [
            {
                "images": len(np.unique(self._pairs.pairs[which])),
                "joints": len({self._pairs.groups[k] for k in self._pairs.pairs[which].flat}),
                "visits": len(which),
            }
            for which in (self._training, self._validation)
        ]
        real, simulated = ({}, counted[0]) if self._is_simulated else (counted[0], {})
        supervision = "mean squared difference of the fixed and the transformed image (Wang et al. 2023, Eq. 5-6)"
        return self._card(PaperRuns, real, simulated, counted[1], supervision=supervision)

    @staticmethod
    def _maps(network: Module, batch: Batch) -> Tensor:
        assert isinstance(network, PaperRuns)
        return to_maps(network.parameters_of(*batch), batch[0].shape[-1])


def image_loss(maps: Tensor, batch: Batch) -> Tensor:
    """Return the mean squared difference (B,) over the whole image (Eq. 5-6, without the square root).

    Parameters
    ----------
    maps : (B, 2, 3, 3) tensor
        Of the upper and the lower bone, in pixels, fixed to moving.
    batch : fixed, moving, fixed_half, moving_half
    """
    fixed, moving, fixed_half, _ = batch
    return (transform(maps, moving, fixed_half) - fixed).square().mean((1, 2, 3))


def transform(maps: Tensor, moving: Tensor, fixed_half: Tensor) -> Tensor:
    """Return the moving images (B, 1, S, S) transformed by each bone's map in its half of the image (Eq. 2-4)."""
    points = pixel_points(moving.shape[-1], moving).expand(len(maps), -1, -1, -1)
    upper, lower = (
        sample_planes(moving, transform_points(points, maps[:, bone, :2, :2], maps[:, bone, :2, 2])) for bone in (0, 1)
    )
    return fixed_half * upper + (1 - fixed_half) * lower


def _joint_pairs(joints: Sequence[LabelledJoint], how: str) -> JointPairs:
    check_pairs(how)
    small = samples(joints, SIDE)
    halves = np.stack([upper_half(each) for each in small.masks >= 128])
    groups = tuple(each.group for each in joints)
    return JointPairs(small.images[:, 0], halves, groups, pairs_of_visits(groups, how))
