"""``Step`` and ``Epoch``: what a training reports in each epoch, and after it; fast to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Step:
    """What is reported within an epoch.

    Parameters
    ----------
    epoch : float
        Number of epochs that are done, with the done part of this one.
    loss : float
        Mean training loss of the batches since the last step.
    """

    epoch: float
    loss: float


@dataclass(frozen=True)
class Epoch:
    """What is reported of a finished epoch.

    Parameters
    ----------
    history : list of dict
        One row for each epoch so far; see :class:`~napari_jsn.training.module.TaskModule`.
    best : int
        Number of the epoch that is kept so far, counted from 1: the best one, or the last one if the task has
        ``keep_last``.
    measure : str
        Name of the figure that decides which epoch is best.
    worst : mapping of str to array
        ``image``, ``truth`` and ``found`` of the worst validation sample.
    """

    history: list[dict[str, float]]
    best: int
    measure: str
    worst: Mapping[str, NDArray[Any]]
