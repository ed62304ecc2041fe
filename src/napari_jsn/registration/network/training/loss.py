"""What registration learns from: where the bones' points should lie, and how alike the images become."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from napari_jsn.registration.network.default import Bones, Look, PoseNet, bones_of, mapped, sample

#: How far off a map is that a look begins with, in pixels: drawn evenly in its logarithm, for the coarse and the fine
#: look; and the share of the coarse looks that begin with nothing moved.
_OFF_PX, _STILL = ((0.5, 10.0), (0.1, 5.0)), 0.6
#: Scale and turn are off as much as shifts are at this distance, in pixels.
_LEVER_PX = 30.0
#: Weights of what every place sees, and of the images' likeness, beside that of the map; and of the coarse look.
_PLACES, _LIKENESS, _COARSE = 0.2, 0.5, 0.5
#: Errors below this many pixels count by their square.
_FINEST_PX = (0.2, 0.1)


def learned_from_looks(network: PoseNet, batch: Any, by_chance: bool = True) -> Tensor:
    """The loss of a coarse and of a fine look, each from a map that is off by chance.

    Parameters
    ----------
    network : PoseNet
    batch : fixed, moving, fixed_masks, moving_masks, maps, known
        The maps are true where ``known``; elsewhere they are about right, and only the images' likeness is learned
        from.
    by_chance : bool
        Otherwise (validation) chance is the same every time.
    """
    fixed, moving, fixed_masks, moving_masks, maps, known = batch
    bones = bones_of(fixed, moving, fixed_masks, moving_masks)
    truth = bones.map_of(maps.flatten(0, 1))
    known = known.repeat_interleave(2)
    chance = torch.Generator()
    chance.manual_seed(int(torch.randint(2**62, (1,))) if by_chance else 5)
    total = fixed.new_zeros(())
    fast = torch.is_grad_enabled() and has_bfloat16(fixed.device)
    for level in (0, 1):
        linear, shift = _off(bones, truth, level, chance)
        seen = network.look(bones, level, linear, shift, fast)
        there = mapped(seen.places, *truth)
        found = mapped(seen.places, seen.linear, seen.shift)
        places = mapped(seen.places + seen.flow, linear, shift)
        finest = _FINEST_PX[level]
        error = _mean(_distance(found - there, finest), seen.weight) * known
        at_places = _mean(_distance(places - there, finest), seen.weight) * known
        unlike = 1 - likeness(bones, seen, 2 - level)
        each = error + _PLACES * at_places + _LIKENESS * unlike
        total = total + each.mean() * (_COARSE if level == 0 else 1.0)
    return total


def _off(bones: Bones, truth: tuple[Tensor, Tensor], level: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Maps to begin with: the truth after a small similarity by chance, or (coarse) nothing moved."""
    count, device = len(bones.centre), bones.centre.device
    low, high = (torch.tensor(each).log() for each in _OFF_PX[level])
    size = torch.exp(low + (high - low) * torch.rand(count, 1, generator=chance))
    scaled, turn, x, y = (size * torch.randn(count, 4, generator=chance)).to(device).unbind(1)
    scaled, turn = (scaled / _LEVER_PX).clamp(-0.3, 0.3), (turn / _LEVER_PX).clamp(-0.5, 0.5)
    inner = torch.stack([1 + scaled, -turn, turn, 1 + scaled], -1).unflatten(-1, (2, 2))
    linear, shift = truth[0] @ inner, truth[1] + torch.stack([x, y], -1)
    if level == 0:
        still = (torch.rand(count, generator=chance) < _STILL).to(device)
        first = bones.start()
        linear = torch.where(still[:, None, None], first[0], linear)
        shift = torch.where(still[:, None], first[1], shift)
    return linear, shift


def likeness(bones: Bones, seen: Look, step: int) -> Tensor:
    """Correlation (N,) of the fixed image and the moving one through the map found, inside the bone's region."""
    there = sample(bones.moving, mapped(seen.points, seen.linear, seen.shift), step)
    weight = seen.here[:, 1] * there[:, 1]
    total = weight.sum((1, 2)).clamp_min(1)[:, None, None]
    a, b = (each[:, 0] - (each[:, 0] * weight).sum((1, 2), keepdim=True) / total for each in (seen.here, there))
    size = (weight * a * a).sum((1, 2)) * (weight * b * b).sum((1, 2))
    return (weight * a * b).sum((1, 2)) / size.clamp_min(1e-4).sqrt()


def _distance(apart: Tensor, finest: float) -> Tensor:
    return (apart.square().sum(-1) + finest**2).sqrt() - finest


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum(1) / weight.sum(1).clamp_min(1e-3)


def composed(maps: Tensor, moving: Tensor, fixed_masks: Tensor) -> Tensor:
    """The transformed image (B, S, S): the moving one through each bone's map, each in its own region (Eq. 2-4)."""
    side = moving.shape[-1]
    at = torch.arange(side).to(moving)
    points = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1).expand(2 * len(moving), -1, -1, -1)
    both = maps.flatten(0, 1)
    seen = sample_border(moving.repeat_interleave(2, 0), mapped(points, both[:, :2, :2], both[:, :2, 2]))
    parts = seen.view(-1, 2, side, side)
    upper = fixed_masks[:, :1] / (fixed_masks.sum(1, keepdim=True)).clamp_min(1e-3)
    above = points[:1, None, ..., 1] < side / 2
    upper = torch.where(fixed_masks.sum(1, keepdim=True) > 0, upper, above.to(upper))
    return (upper[:, 0] * parts[:, 0]) + (1 - upper[:, 0]) * parts[:, 1]


def composed_loss(maps: Tensor, batch: Any) -> Tensor:
    """Mean squared difference (B,), half for each bone (Eq. 5-6), inside its mask."""
    fixed, moving, fixed_masks = batch[0], batch[1], batch[2]
    side = moving.shape[-1]
    at = torch.arange(side).to(moving)
    points = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1).expand(2 * len(moving), -1, -1, -1)
    both = maps.flatten(0, 1)
    seen = sample_border(moving.repeat_interleave(2, 0), mapped(points, both[:, :2, :2], both[:, :2, 2]))
    squared = (seen.view(-1, 2, side, side) - fixed).square()
    return ((squared * fixed_masks).sum((2, 3)) / fixed_masks.sum((2, 3)).clamp_min(1)).mean(1)


def sample_border(planes: Tensor, points: Tensor) -> Tensor:
    """Planes (N, 1, S, S) at points in pixels; the border goes on outside."""
    grid = (2 * points + 1) / planes.shape[-1] - 1
    return grid_sample(planes, grid, padding_mode="border", align_corners=False)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor computes in 16 bits natively: half the time, the same result."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))
