"""Ordinal grades: the loss and the probabilities of conditional logits (CORN), for hard and for soft labels.

References
----------
Shi X, Cao W, Raschka S. Deep neural networks for rank-consistent ordinal regression based on conditional
probabilities. Pattern Anal Appl 2023;26:941-55.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid


def above(targets: Tensor) -> Tensor:
    """Return the probabilities (..., K) of "above k", k = 0 ... K - 1, of class probabilities (..., K + 1)."""
    return targets.flip(-1).cumsum(-1).flip(-1)[..., 1:]


def ordinal_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the loss (...) of conditional logits (..., K).

    Each logit is compared with "above k, given at least k", weighted by the probability of "at least k"; with hard
    labels this is the loss of CORN.

    Parameters
    ----------
    logits : (..., K) tensor
    targets : (..., K + 1) tensor
        Probability of each grade; all 0 where there is no grade, which gives no loss.
    """
    over = above(targets)
    at_least = torch.cat([targets.sum(-1, keepdim=True), over[..., :-1]], -1)
    wanted = (over / at_least.clamp_min(1e-6)).clamp(0, 1)
    return (at_least * binary_cross_entropy_with_logits(logits, wanted, reduction="none")).sum(-1)


def grade_probabilities(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the probability (..., K + 1) of each grade; the logits (..., K) are divided by the temperature."""
    over = torch.exp(logsigmoid(logits / temperature).cumsum(-1))
    ends = torch.ones_like(over[..., :1]), torch.zeros_like(over[..., :1])
    return torch.cat([ends[0], over], -1) - torch.cat([over, ends[1]], -1)
