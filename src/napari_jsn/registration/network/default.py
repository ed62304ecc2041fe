"""The compact network: each bone's motion is seen at many places, and one similarity is fitted to what is seen.

A small convolutional network compares a view of the fixed image with the same view of the moving one through the map
so far. At every place it tells how far the bone lies off and how sure that is, in each direction (the shaft's edges
say nothing of a shift along them). Least squares weighed by that certainty give the correction of the map. A coarse
network sees the whole image and comes first; a fine one then sees the bone's end at the joint, pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, max_pool2d, pixel_unshuffle, softplus

#: Pixels by which a bone's region grows over its mask: its edge is what is seen best.
_GROW_PX = 3
#: Scale and turn are counted in pixels at this distance from the view's centre.
_LEVER_PX = 30.0
#: How sure it is beforehand that nothing is off, in 1 / px: where no place tells anything the map stays as it is.
_PRIOR = 0.02
#: How far the fine view's centre lies from the joint-facing margin, in pixels; a row is of the bone where it is
#: this share as broad as the broadest.
_FROM_MARGIN_PX, _BROAD = 26.0, 0.25


@dataclass(frozen=True)
class Bones:
    """N problems of one bone each.

    ``fixed`` and ``moving`` (N, 2, S, S) hold the grey levels inside the bone's region and the region itself;
    ``centre`` (N, 2) is ``(x, y)`` of the fixed image that points and maps count from.
    """

    fixed: Tensor
    moving: Tensor
    centre: Tensor

    def start(self) -> tuple[Tensor, Tensor]:
        """The map that moves nothing: (N, 2, 2) and (N, 2)."""
        return torch.eye(2).to(self.centre).repeat(len(self.centre), 1, 1), self.centre

    def matrices(self, linear: Tensor, shift: Tensor) -> Tensor:
        """(N, 3, 3) from ``(x, y, 1)`` of the fixed to the moving image."""
        matrix = torch.eye(3).to(linear).repeat(len(linear), 1, 1)
        matrix[:, :2, :2] = linear
        matrix[:, :2, 2] = shift - turned(linear, self.centre)
        return matrix

    def map_of(self, matrices: Tensor) -> tuple[Tensor, Tensor]:
        """The reverse of :meth:`matrices`."""
        linear = matrices[:, :2, :2]
        return linear, turned(linear, self.centre) + matrices[:, :2, 2]


@dataclass(frozen=True)
class Look:
    """What one look at a batch of bones told.

    ``linear`` (N, 2, 2) and ``shift`` (N, 2) are the map after it, from points about the bone's centre to the moving
    image. ``flow`` (N, P, 2) is the correction seen at ``places`` (N, P, 2), and ``weight`` (N, P) how much of a
    place is bone. ``points`` (N, h, w, 2) are those of the view, ``here`` (N, 2, h, w) the fixed image and region.
    """

    linear: Tensor
    shift: Tensor
    flow: Tensor
    places: Tensor
    weight: Tensor
    points: Tensor
    here: Tensor


class PoseNet(nn.Module):
    """Maps of both bones by weighing what is seen of each, coarse to fine.

    Parameters
    ----------
    coarse, fine : four int
        Channels of the two networks, see :class:`Looker`.
    passes : (int, int)
        How often each of them looks.
    """

    #: Side of the square images it was made for, in pixels; a joint image is about 22 mm wide.
    side = 128

    def __init__(
        self,
        coarse: tuple[int, ...] = (24, 48, 96, 160),
        fine: tuple[int, ...] = (24, 48, 96, 128),
        passes: tuple[int, int] = (1, 2),
    ) -> None:
        super().__init__()
        self.passes = tuple(passes)
        self.lookers = nn.ModuleList([Looker(tuple(coarse)), Looker(tuple(fine))])

    def forward(self, fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor) -> Tensor:
        """Maps (B, 2, 3, 3) of both bones."""
        bones = bones_of(fixed, moving, fixed_masks, moving_masks)
        linear, shift = bones.start()
        for level, times in enumerate(self.passes):
            for _ in range(times):
                seen = self.look(bones, level, linear, shift)
                linear, shift = seen.linear, seen.shift
        return bones.matrices(linear, shift).unflatten(0, (-1, 2))

    def look(self, bones: Bones, level: int, linear: Tensor, shift: Tensor, fast: bool = False) -> Look:
        """One look, coarse (0) or fine (1), at all bones through a map; ``fast`` convolves with 16 bits.

        What it tells depends on the map alone, not on how that was found: looks can be learned one by one.
        """
        step = (2, 1)[level]
        points = _view(bones, level)
        here = sample(bones.fixed, points + bones.centre[:, None, None], step)
        there = sample(bones.moving, mapped(points, linear, shift), step)
        planes = torch.stack([here[:, 0], there[:, 0], here[:, 1], there[:, 1]], 1)
        with torch.autocast(planes.device.type, torch.bfloat16, enabled=fast):
            told = self.lookers[level](planes)
        told = told.float().flatten(2).transpose(1, 2)
        flow, certainty = told[..., :2] * (4.0 * step), told[..., 2:]
        weight = avg_pool2d(here[:, 1:], 4).flatten(1)
        places = points.unflatten(1, (-1, 4)).unflatten(3, (-1, 4)).mean((2, 4)).flatten(1, 2)
        inner, off = _fit(flow, certainty, weight, places)
        return Look(linear @ inner, turned(linear, off) + shift, flow, places, weight, points, here)


class Looker(nn.Module):
    """Four planes of a view (both images, both regions) to a correction (2) and its certainty (3) at every place.

    Parameters
    ----------
    features : four int
        Channels at a half, a quarter, an eighth and a sixteenth of the view's resolution; a place is a quarter.
    """

    def __init__(self, features: tuple[int, ...]) -> None:
        super().__init__()
        half, quarter, eighth, least = features
        self.enter = nn.Sequential(_convolution(16, half), _convolution(half, half))
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(before, after, 2), _Block(after))
            for before, after in ((half, quarter), (quarter, eighth), (eighth, least))
        )
        self.deepest = _Block(least)
        self.up = nn.ModuleList(nn.Conv2d(*channels, 1) for channels in ((least, eighth), (eighth, quarter)))
        self.merge = nn.ModuleList(_Block(channels) for channels in (eighth, quarter))
        self.leave = nn.Conv2d(quarter, 5, 1)
        for value in self.leave.parameters():
            nn.init.zeros_(value)

    def forward(self, planes: Tensor) -> Tensor:
        """(N, 5, rows / 4, cols / 4) of (N, 4, rows, cols), whose sides are multiples of 16."""
        planes = pixel_unshuffle(planes, 2).contiguous(memory_format=torch.channels_last)
        quarter = self.down[0](self.enter(planes))
        eighth = self.down[1](quarter)
        least = self.deepest(self.down[2](eighth))
        eighth = self.merge[0](eighth + interpolate(self.up[0](least), scale_factor=2.0))
        told: Tensor = self.leave(self.merge[1](quarter + interpolate(self.up[1](eighth), scale_factor=2.0)))
        return told


class _Block(nn.Module):
    """Two convolutions added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(channels, channels), nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )  # fmt: skip

    def forward(self, given: Tensor) -> Tensor:
        return torch.relu(given + self.body(given))


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


def bones_of(fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor) -> Bones:
    """The two bones of every pair as problems of their own: upper and lower of the first pair, of the second, ..."""
    there = [_bone_planes(image, masks) for image, masks in ((fixed, fixed_masks), (moving, moving_masks))]
    return Bones(there[0], there[1], _centres(fixed_masks))


def _bone_planes(images: Tensor, masks: Tensor) -> Tensor:
    """(2 B, 2, S, S): grey levels of unit spread inside each bone's region, and the region."""
    size = 2 * _GROW_PX + 1
    grown = max_pool2d(max_pool2d(masks, (size, 1), 1, (_GROW_PX, 0)), (1, size), 1, (0, _GROW_PX))
    region = torch.maximum(masks, grown - masks.flip(1)).clamp(0, 1)
    count = region.sum((2, 3), keepdim=True).clamp_min(1)
    apart = images - (images * region).sum((2, 3), keepdim=True) / count
    spread = ((apart.square() * region).sum((2, 3), keepdim=True) / count).sqrt().clamp_min(1e-3)
    grey = (apart / spread).clamp(-4, 4) * region
    return torch.stack([grey, region], 2).flatten(0, 1)


def _centres(masks: Tensor) -> Tensor:
    """(2 B, 2) ``(x, y)``: the middle column of each bone, and a row near its joint-facing margin.

    They lie between pixels, so that the views of the fixed image need no interpolation.
    """
    bones = masks.flatten(0, 1)
    rows, cols = bones.shape[-2:]
    x = (bones.sum(1) @ torch.arange(cols).to(bones)) / bones.sum((1, 2)).clamp_min(1)
    breadth = bones.sum(2)
    inside = breadth >= _BROAD * breadth.amax(1, keepdim=True)
    at = torch.arange(rows).to(bones)
    last, first = torch.where(inside, at, -1).amax(1), torch.where(inside, at, rows).amin(1)
    upper = torch.arange(len(bones), device=bones.device) % 2 == 0
    y = torch.where(upper, last - _FROM_MARGIN_PX, first + _FROM_MARGIN_PX)
    return torch.stack([x, y], 1).floor() + 0.5


def _view(bones: Bones, level: int) -> Tensor:
    """(N, rows, cols, 2) points of a view about each bone's centre: the whole image, or the bone's end alone."""
    side = bones.fixed.shape[-1]
    rows, cols, step = ((side // 2, side // 2, 2), (side // 2, side * 3 // 4, 1))[level]
    down, across = ((torch.arange(n).to(bones.centre) - (n - 1) / 2) * step for n in (rows, cols))
    points = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)
    if level == 0:
        return points + ((side - 1) / 2 - bones.centre)[:, None, None]
    return points.expand(len(bones.centre), -1, -1, -1)


def mapped(points: Tensor, linear: Tensor, shift: Tensor) -> Tensor:
    """Points (N, ..., 2) through one map each."""
    flat = points.flatten(1, -2) @ linear.transpose(1, 2) + shift[:, None]
    return flat.view(points.shape)


def turned(linear: Tensor, vectors: Tensor) -> Tensor:
    """Vectors (N, 2) through one linear part (N, 2, 2) each."""
    return (linear @ vectors[..., None])[..., 0]


def sample(planes: Tensor, points: Tensor, step: int) -> Tensor:
    """Planes (N, C, S, S) at points in pixels, averaged over ``step`` pixels first; 0 outside."""
    if step > 1:
        planes = avg_pool2d(planes, step)
    side = planes.shape[-1] * step
    return grid_sample(planes, (2 * points + 1) / side - 1, padding_mode="zeros", align_corners=False)


def _fit(flow: Tensor, certainty: Tensor, weight: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """The similarity of the view that explains the corrections best: linear part (N, 2, 2) and offset (N, 2).

    A place's certainty is a triangular matrix: what it says is weighed by that in each direction.
    """
    own, across, other = certainty.unbind(-1)
    own, other = softplus(own), softplus(other)
    x, y = places[..., 0] / _LEVER_PX, places[..., 1] / _LEVER_PX
    none = torch.zeros_like(own)
    root = weight.clamp_min(0).sqrt()[..., None]
    # rows of the triangular matrix times the equations of a place: what its two numbers are to be
    first = torch.stack([own * x, -own * y, own, none], -1) * root
    second = torch.stack([across * x + other * y, other * x - across * y, across, other], -1) * root
    wanted = torch.stack([own * flow[..., 0], across * flow[..., 0] + other * flow[..., 1]], -1) * root
    equations, wanted = torch.cat([first, second], 1), wanted.transpose(1, 2).flatten(1)
    normal = equations.transpose(1, 2) @ equations + _PRIOR**2 * torch.eye(4).to(equations)
    step = torch.linalg.solve(normal, (equations.transpose(1, 2) @ wanted[..., None])[..., 0])
    scaled, turned = step[:, 0] / _LEVER_PX, step[:, 1] / _LEVER_PX
    inner = torch.stack([1 + scaled, -turned, turned, 1 + scaled], -1).unflatten(-1, (2, 2))
    return inner, step[:, 2:]
