"""Training of the segmentation network of Wang et al. 2023, by the published recipe alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import binary_cross_entropy_with_logits

from napari_jsn.common.progress import Progress
from napari_jsn.segmentation.canvas import normalise
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.segmentation.training.task import Batch, SegmentationTask, image_tensors
from napari_jsn.segmentation.unetpp import ARCHITECTURES

#: Images of a batch, epochs, and share of the groups that are validated on.
BATCH, EPOCHS, VALIDATION = 30, 150, 0.2
#: Of RMSProp; torch calls the paper's rho ``alpha``.
LEARNING_RATE, RHO, EPSILON = 1e-5, 0.9, 1e-4
#: Number of simulated images where there are no others.
_SIMULATED = 280


class PaperSegmentationTask(SegmentationTask):
    """Train the U-Net++ of Wang et al. 2023: binary cross-entropy and RMSProp, without augmentation.

    Parameters
    ----------
    joints : iterable of LabelledJoint
        Joint images with masks. Without any, simulated ones.
    preset : {"paper"}
    simulated : int
        Number of simulated images, used only where ``joints`` is empty.
    source, terms, cache, progress
        As for :class:`~napari_jsn.segmentation.training.task.SegmentationTask`.

    Raises
    ------
    InputError
        If there is no such preset, or too little to train on.

    References
    ----------
    Wang et al., CMIG 108:102273 (2023).
    """

    architectures: ClassVar[Mapping[str, dict[str, Any]]] = {"paper": ARCHITECTURES["paper"]}
    validation_share: ClassVar[float] = VALIDATION
    epochs: int = EPOCHS
    ema: float | None = None
    patience: int | None = None
    keep_last: bool = True

    def __init__(
        self,
        joints: Iterable[LabelledJoint] = (),
        preset: str = "paper",
        simulated: int = _SIMULATED,
        source: str = "images of the user",
        terms: str = "as the user has them",
        cache: Path | None = None,
        progress: Progress | None = None,
        held_out: Iterable[LabelledJoint] = (),
    ) -> None:
        joints = list(joints)
        super().__init__(joints, preset, 0 if joints else simulated, source, terms, cache, progress, held_out)
        self._batch = BATCH

    def optimizer(self, network: Module, epochs: int) -> tuple[torch.optim.Optimizer, None]:
        """Return RMSProp with the published constants and a constant rate."""
        return torch.optim.RMSprop(network.parameters(), LEARNING_RATE, RHO, EPSILON), None

    def training_batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """Yield all images in random order, normalised."""
        order = np.random.default_rng([seed, epoch, 1]).permutation(len(self._pool))
        for first in range(0, len(order), self._batch):
            images, masks = image_tensors(self._pool, order[first : first + self._batch])
            yield normalise(images), masks

    def loss(self, network: Module, batch: Batch) -> Tensor:
        """Return the binary cross-entropy of both bones."""
        images, masks = batch
        return binary_cross_entropy_with_logits(network(images), masks)
