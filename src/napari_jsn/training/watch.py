"""What is seen of a training from outside: how far it is, each epoch's figures; and how it is stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from lightning.pytorch.callbacks import Callback

from napari_jsn.training.module import TaskModule

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from numpy.typing import NDArray

    from napari_jsn.common.progress import Progress


_NO_NUMBER = (
    "The loss is no number any more in epoch {}: the learning rate is too high for these images. "
    "Start from the weights of another model, or look for an image or mask that is wrong."
)


class Stopped(Exception):
    """Raised inside a training to leave it in the middle of an epoch, whose part is forgotten.

    Parameters
    ----------
    reason : str
        A sentence.
    asked_for : bool
        Whether the user wanted it, and may want to go on.
    """

    def __init__(self, reason: str, asked_for: bool) -> None:
        super().__init__(reason)
        self.asked_for = asked_for


@dataclass(frozen=True)
class Epoch:
    """News of a finished epoch.

    Parameters
    ----------
    history : list of dict
        A row for each epoch so far; see :class:`~napari_jsn.training.module.TaskModule`.
    best : int
        The best epoch so far, counted from 1.
    measure : str
        The name of the figure that decides which is best.
    worst : mapping of str to array
        ``image``, ``truth`` and ``found`` of the validation sample that came out worst.
    """

    history: list[dict[str, float]]
    best: int
    measure: str
    worst: Mapping[str, NDArray[Any]]


class Watch(Callback):
    """Tells a :class:`~napari_jsn.common.progress.Progress`, heeds its abort, and stops when nothing gets better."""

    def __init__(self, progress: Progress, patience: int | None, on_epoch: Callable[[Epoch], None] | None) -> None:
        self.progress, self.patience, self.on_epoch = progress, patience, on_epoch

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Resumed after the last epoch that was wanted: nothing is left to do."""
        self._tell(trainer, _task(pl_module), 0)
        self._check_patience(trainer, _task(pl_module))

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Say how far it is; leave when asked to."""
        self._tell(trainer, _task(pl_module), args[-1] + 1)

    def on_validation_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Leave when asked to."""
        self._check_abort(trainer, _task(pl_module))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Pass the epoch on; stop when the loss is no number or nothing got better for long."""
        module = _task(pl_module)
        self._check_patience(trainer, module)
        if _any(trainer, not math.isfinite(module.history[-1]["train_loss"])):
            raise Stopped(_NO_NUMBER.format(len(module.history)), asked_for=False)
        if self.on_epoch is None or not trainer.is_global_zero:
            return
        network = module.validated
        training = network.training
        network.eval()
        with torch.no_grad():
            worst = module.task.example(network, module.worst)
        network.train(training)
        history = [dict(row) for row in module.history]
        self.on_epoch(Epoch(history, module.best_epoch, measure_of(history), worst))

    def _check_patience(self, trainer: Trainer, module: TaskModule) -> None:
        if self.patience and _any(trainer, len(module.history) - module.best_epoch >= self.patience):
            trainer.should_stop = True

    def _check_abort(self, trainer: Trainer, module: TaskModule) -> None:
        if _any(trainer, self.progress.aborted):
            raise Stopped(f"Stopped in epoch {len(module.history) + 1}.", asked_for=True)

    def _tell(self, trainer: Trainer, module: TaskModule, batch: int) -> None:
        self._check_abort(trainer, module)
        done, epochs, batches = len(module.history), module.run["epochs"], module.batches.total
        told = f"Epoch {min(done + 1, epochs)} of {epochs}"
        if done:
            name = measure_of(module.history)
            told += f"; {name} {module.history[-1][name]:.4f}, best {module.best_score:.4f}"
        if batches:
            self.progress.update(done * batches + min(batch, batches), epochs * batches, told)
        else:
            self.progress.update(done, epochs if done else 0, told)


def measure_of(history: list[dict[str, float]]) -> str:
    """The figure that decides which epoch is best: it follows the losses in every row."""
    return list(history[0])[3]


def _any(trainer: Trainer, here: bool) -> bool:
    """Whether it holds in this process or, with several GPUs, in any: all must leave at the same batch."""
    return here if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(here, all=False)


def _task(module: LightningModule) -> TaskModule:
    return cast(TaskModule, module)
