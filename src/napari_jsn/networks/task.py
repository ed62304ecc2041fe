"""What training asks of a task: a small object that holds the network, the loss and the data of one capability."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


class Task(Protocol):
    """One thing to learn; plain torch, so that it can live below this package, beside the network it trains.

    It may also have ``ema``, the decay a step of an exponential moving average of the weights (then the average
    is what is validated and saved), and ``patience``, the epochs without a better figure after which to stop.
    """

    name: str  #: such as ``"segmentation"``
    preset: str
    epochs: int  #: of the preset

    def network(self) -> Module:
        """A network with new weights, drawn from torch's generator."""

    def optimizer(self, network: Module, epochs: int) -> tuple[Optimizer, LRScheduler | None]:
        """The optimizer, and what sets its rate after every epoch."""

    def training_batches(self, epoch: int, seed: int) -> Iterable[Any]:
        """Batches of an epoch, counted from 0; the same for the same (epoch, seed), so that a resume loses nothing."""

    def validation_batches(self) -> Iterable[Any]:
        """Batches that are never trained on, always the same."""

    def loss(self, network: Module, batch: Any) -> Tensor:
        """The mean over the batch."""

    def measures(self, network: Module, batch: Any) -> dict[str, Tensor]:
        """Figures of each sample, (B,); the first one decides which epoch is best: higher is better."""

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """A validation sample to look at: ``image``, ``truth`` and ``found``, 2-D."""

    def card(self) -> dict[str, Any]:
        """Architecture and its arguments, input size, normalisation, training data with source and terms."""
