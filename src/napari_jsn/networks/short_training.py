"""Train a network for a given number of batches, so that training data can be compared in minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from napari_jsn.networks.task import cosine_rate

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.optim.swa_utils import AveragedModel


def train_batches(
    network: Module,
    batches: Iterable[Any],
    loss: Callable[[Module, Any], Tensor],
    steps: int,
    *,
    rate: float,
    rising: int,
    decay: float,
    weight_decay: float,
) -> AveragedModel:
    """Train a network with AdamW, and return the moving average of its weights in evaluation mode.

    Parameters
    ----------
    network : Module
    batches : iterable
        The first ``steps`` of them are used.
    loss : callable
        Returns the loss of the network on a batch.
    steps : int
        Number of batches.
    rate : float
        Highest learning rate. It rises in the first ``rising`` steps and then falls as a cosine.
    decay : float
        Of the moving average, per step.
    weight_decay : float
    """
    import torch
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: cosine_rate(step, steps, min(rising, steps)))
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    network.train()
    for batch in islice(batches, steps):
        optimizer.zero_grad()
        loss(network, batch).backward()
        optimizer.step()
        scheduler.step()
        averaged.update_parameters(network)
    return averaged.eval()
