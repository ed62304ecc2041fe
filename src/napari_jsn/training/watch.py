"""Report the progress of a training and each epoch's figures, and stop it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import torch
from lightning.pytorch.callbacks import Callback

from napari_jsn.training.epoch import Epoch, Step
from napari_jsn.training.module import TaskModule

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from napari_jsn.common.progress import Progress


#: Time between two reports of the training loss within an epoch.
_STEP_SECONDS = 2.0
_NOT_FINITE = (
    "The loss is not finite in epoch {}: the learning rate is too high for these images. "
    "Start from the weights of another model, or look for a wrong image or mask."
)


class Stopped(Exception):
    """Raised inside a training to leave it in the middle of an epoch, which is discarded.

    Parameters
    ----------
    reason : str
        A sentence.
    by_user : bool
        Whether the user stopped it, and may want to resume it.
    """

    def __init__(self, reason: str, by_user: bool) -> None:
        super().__init__(reason)
        self.by_user = by_user


class ProgressCallback(Callback):
    """Update a :class:`~napari_jsn.common.progress.Progress`; stop on abort, or when no epoch is better for long."""

    def __init__(
        self,
        progress: Progress,
        patience: int | None,
        on_epoch: Callable[[Epoch], None] | None,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        self.progress: Progress = progress
        self.patience: int | None = patience
        self.on_epoch: Callable[[Epoch], None] | None = on_epoch
        self.on_step: Callable[[Step], None] | None = on_step
        self._hooks: list[Any] = []
        self._stepped: tuple[int, float] = 0, 0.0  # batches of this epoch that were reported, and when

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the start; stop at once if a resumed training is already done."""
        if trainer.world_size == 1:  # several processes must stop at the same batch
            self._stop_inside_batches(trainer, _task(pl_module))
        self._report(trainer, _task(pl_module), 0)
        self._check_patience(trainer, _task(pl_module))

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remove the hooks of the network."""
        while self._hooks:
            self._hooks.pop().remove()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Report the progress; stop on abort."""
        self._report(trainer, _task(pl_module), args[-1] + 1)
        if self.on_step is not None and trainer.is_global_zero:
            self._report_step(_task(pl_module), args[-1] + 1, self.on_step)

    def on_validation_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Stop on abort."""
        self._check_abort(trainer, _task(pl_module))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the epoch; stop when the loss is not finite or no epoch was better for long."""
        module = _task(pl_module)
        self._check_patience(trainer, module)
        if _any(trainer, not math.isfinite(module.history[-1]["train_loss"])):
            raise Stopped(_NOT_FINITE.format(len(module.history)), by_user=False)
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

    def _report_step(self, module: TaskModule, batch: int, on_step: Callable[[Step], None]) -> None:
        """Report the training loss of the last batches, where it is known which part of the epoch they are."""
        reported, when = self._stepped
        reported = min(reported, batch - 1) if batch > 1 else 0
        if module.batches.total and time.monotonic() - when > _STEP_SECONDS:
            self._stepped = batch, time.monotonic()
            loss = torch.stack(module.losses[reported:]).double().mean()
            on_step(Step(len(module.history) + min(1.0, batch / module.batches.total), float(loss)))

    def _check_patience(self, trainer: Trainer, module: TaskModule) -> None:
        if self.patience and _any(trainer, len(module.history) - module.best_epoch >= self.patience):
            trainer.should_stop = True

    def _stop_inside_batches(self, trainer: Trainer, module: TaskModule) -> None:
        """Check for an abort before every layer and at the gradient of every weight: a batch can take seconds."""

        def check(*_: Any) -> None:
            self._check_abort(trainer, module)

        for network in {id(each): each for each in (module.network, module.validated)}.values():
            layers = (layer for layer in network.modules() if not any(layer.children()))
            self._hooks += [layer.register_forward_pre_hook(check) for layer in layers]
        self._hooks += [each.register_hook(check) for each in module.network.parameters() if each.requires_grad]

    def _check_abort(self, trainer: Trainer, module: TaskModule) -> None:
        if _any(trainer, self.progress.aborted):
            raise Stopped(f"Stopped in epoch {len(module.history) + 1}.", by_user=True)

    def _report(self, trainer: Trainer, module: TaskModule, batch: int) -> None:
        self._check_abort(trainer, module)
        done, epochs, batches = len(module.history), module.run["epochs"], module.batches.total
        message = f"Epoch {min(done + 1, epochs)} of {epochs}"
        if done:
            name = measure_of(module.history)
            message += f"; {name} {module.history[-1][name]:.4f}, best {module.best_score:.4f}"
        if not done:
            message += f", batch {batch}"
        if batches:
            self.progress.update(done * batches + min(batch, batches), epochs * batches, message)
        else:
            self.progress.update(done, epochs if done else 0, message)


def measure_of(history: list[dict[str, float]]) -> str:
    """Return the name of the figure that decides which epoch is best: it follows the losses in every row."""
    return list(history[0])[3]


def _any(trainer: Trainer, here: bool) -> bool:
    """Return whether it holds in this process or, with several GPUs, in any: all must stop at the same batch."""
    return here if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(here, all=False)


def _task(module: LightningModule) -> TaskModule:
    return cast(TaskModule, module)
