"""``TaskModule``: a task as a Lightning module, whose checkpoint holds everything that resuming needs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from napari_jsn.networks.weights import halved
from napari_jsn.training.resume import RUN

if TYPE_CHECKING:
    from torch import Tensor

    from napari_jsn.networks.task import Task

#: Attributes of the module that go into the resume file unchanged.
_STATE = ("history", "best_epoch", "best_score", "best", "figures")
#: Number of seeds that torch takes.
_SEEDS = 2**63


class Batches:
    """An iterable that makes its batches on every iteration; each of n processes takes every n-th batch."""

    def __init__(self, make: Callable[[], Iterable[Any]]) -> None:
        self._make = make
        self.total: int = 0
        self.rank: int = 0
        self.processes: int = 1

    def __iter__(self) -> Iterator[Any]:
        batches = self._make()
        self.total = len(batches) // self.processes if isinstance(batches, Sized) else self.total
        if self.processes == 1:
            yield from batches
            return
        batches = iter(batches)
        while len(group := list(islice(batches, self.processes))) == self.processes:  # all get equally many
            yield group[self.rank]


class TaskModule(LightningModule):
    """Train and validate a task; keep its history and the weights of an epoch.

    Attributes
    ----------
    history : list of dict
        One row per epoch: ``epoch`` (from 1), ``train_loss``, ``val_loss``, the mean of each measure, ``worst`` (the
        lowest value of the first measure), ``rate`` and ``seconds``. Samples of which a measure is NaN, because it is
        not known, do not count; a measure that is not known of any is left out, but for the first one.
    best : dict of str to tensor
        Weights of the epoch with the highest first measure, or of the last epoch if the task has ``keep_last``, on the
        CPU; empty before the first epoch is done.
    figures : dict
        Mean, 5th percentile and lowest value of each measure in that epoch, and the number of samples.
    worst : int
        Index of the worst validation sample of the last epoch.
    losses : list of tensor
        Of the batches of this epoch.
    """

    def __init__(self, task: Task, run: dict[str, Any]) -> None:
        super().__init__()
        self.task: Task = task
        self.run: dict[str, Any] = run
        self.history: list[dict[str, float]] = []
        self.best_epoch: int = 0
        self.best_score: float = -math.inf
        self.worst: int = 0
        self.best: dict[str, Tensor] = {}
        self.figures: dict[str, Any] = {}
        self.losses: list[Tensor] = []
        torch.manual_seed(run["seed"] % _SEEDS)
        self.network: torch.nn.Module = task.network()
        decay = getattr(task, "ema", None)
        self.average: AveragedModel | None = None
        if decay:
            average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
            self.average = average.requires_grad_(False)
        self.batches: Batches = Batches(lambda: task.training_batches(len(self.history), run["seed"]))
        self.batches.total = getattr(task, "batches_of_epoch", 0)
        self.validation: Batches = Batches(task.validation_batches)
        self._loaded: dict[str, Any] | None = None

    @property
    def validated(self) -> torch.nn.Module:
        """The network that is validated and saved: the average of the weights if the task asks for it."""
        return self.network if self.average is None else self.average.module

    def best_weights(self) -> dict[str, Tensor]:
        """Return the best weights as they are saved: with 16 bits if the task asks for it."""
        return halved(self.best) if getattr(self.task, "half", False) else dict(self.best)

    def setup(self, stage: str) -> None:
        """Set how many processes share the batches."""
        self.batches.rank, self.batches.processes = self.trainer.global_rank, self.trainer.world_size
        self.batches.total //= self.trainer.world_size

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the task's optimizer; this module steps its scheduler, before the state of an epoch is saved."""
        optimizer, self._scheduler = self.task.optimizer(self.network, self.run["epochs"])
        return optimizer

    def on_train_start(self) -> None:
        """Restore the scheduler of a resumed training."""
        if self._loaded is not None and self._scheduler is not None:
            self._scheduler.load_state_dict(self._loaded)

    def on_train_epoch_start(self) -> None:
        """Seed the epoch by its number alone, so that a resumed training equals an uninterrupted one."""
        torch.manual_seed(((self.run["seed"] + 1) * 1_000_003 + len(self.history)) % _SEEDS)
        self._start_time = time.monotonic()
        self.losses = []

    def training_step(self, batch: Any, index: int) -> Tensor:
        """Return the loss of a batch."""
        loss = self.task.loss(self.network, batch)
        self.losses.append(loss.detach())
        return loss

    def on_train_batch_end(self, *args: Any) -> None:
        """Update the average of the weights."""
        if self.average is not None:
            self.average.update_parameters(self.network)

    def on_validation_epoch_start(self) -> None:
        """Clear the figures of the last epoch."""
        self._validation: list[tuple[Tensor, dict[str, Tensor]]] = []

    def validation_step(self, batch: Any, index: int) -> None:
        """Compute the loss of a batch and the measures of its samples; every process computes all of them."""
        network = self.validated
        self._validation.append((self.task.loss(network, batch), self.task.measures(network, batch)))

    def on_validation_epoch_end(self) -> None:
        """Add the row of the epoch, and keep the weights if they are the best."""
        losses, found = zip(*self._validation, strict=True)
        of_all = {name: torch.cat([each[name].float().cpu() for each in found]) for name in found[0]}
        first = next(iter(of_all.values()))
        measures = {
            name: each[~each.isnan()] for name, each in of_all.items() if each is first or each.isfinite().any()
        }
        sizes = torch.tensor([len(next(iter(each.values()))) for each in found], dtype=torch.float64)
        validation_loss = (torch.stack([loss.double().cpu() for loss in losses]) * sizes).sum() / sizes.sum()
        row = {
            "epoch": len(self.history) + 1,
            "train_loss": float(torch.stack(self.losses).double().mean()),
            "val_loss": float(validation_loss),
            **{name: float(values.double().mean()) for name, values in measures.items()},
            "worst": float(first.nan_to_num(torch.inf).min()),
            "rate": float(self.trainer.optimizers[0].param_groups[0]["lr"]),
            "seconds": round(time.monotonic() - self._start_time, 2),
        }
        self.history.append(row)
        self.worst = int(first.nan_to_num(torch.inf).argmin())
        self._keep_best(measures, float(first.double().nanmean()), len(first))
        self.batches.total = len(self.losses)

    def on_train_epoch_end(self) -> None:
        """Set the learning rate of the next epoch; Lightning would do so only after the state is saved."""
        if isinstance(self._scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self._scheduler.step(self.history[-1]["train_loss"])
        elif self._scheduler is not None:
            self._scheduler.step()

    def _keep_best(self, measures: dict[str, Tensor], score: float, samples: int) -> None:
        better = score > self.best_score or getattr(self.task, "keep_last", False)
        if not (better and math.isfinite(self.history[-1]["train_loss"])):
            return
        self.best_epoch, self.best_score = len(self.history), score
        self.best = {key: value.detach().cpu().clone() for key, value in self.validated.state_dict().items()}
        self.figures = {"samples": samples}
        for name, values in measures.items():
            if not len(values):
                continue
            summary = {"mean": values.double().mean(), "p05": values.double().quantile(0.05), "least": values.min()}
            self.figures[name] = {part: round(float(value), 6) for part, value in summary.items()}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the state of this module and of its scheduler."""
        state = {name: getattr(self, name) for name in _STATE}
        scheduler = None if self._scheduler is None else self._scheduler.state_dict()
        checkpoint[RUN] = {**self.run, "state": state, "scheduler": scheduler}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the state of this module."""
        saved = checkpoint[RUN]
        for name, value in saved["state"].items():
            setattr(self, name, value)
        self._loaded = saved["scheduler"]
