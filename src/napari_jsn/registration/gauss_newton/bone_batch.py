"""A batch of one-bone problems: where a bone of one image lies in the other.

Every pair gives four, each solved on its own: upper and lower bone, fixed into moving and moving into
fixed. A problem's template is the crop of its image around the bone; coordinates count from the crop's centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_jsn.registration.gauss_newton.interpolation import spline, spline_coefficients
from napari_jsn.registration.gauss_newton.local_contrast import WINDOW_PX, Window, local_contrast
from napari_jsn.registration.methods import Pair

#: Which bone and which way each of a pair's four problems asks for.
DIRECTIONS = (("upper", True), ("upper", False), ("lower", True), ("lower", False))

#: A bone's region grows by this much over its mask, in working pixels: its cortex is what repositioning changes
#: least, and masks end on it (sigma of real visits: 0.030 mm without, 0.016 mm with it).
_GROW_PX = 5

#: The growth keeps this far off the other bone's mask, in working pixels.
_KEEP_OFF_PX = 4

#: Where the bones lie over each other in projection, each region holds the other's edge, which moves its own way.
#: Pixels this near the other bone's mask, in working pixels, weigh this much. Simulated joints that only narrow lose
#: 3.3 % of the narrowing with a weight of 1, 1.4 % with 0.3 and 0.4 % with 0; but what is seen there tells of real
#: bones too (with 0, two to three of a hundred pairs of real visits fewer are reliable).
_SHARED_PX, _SHARED_WEIGHT = 1, 0.3


@dataclass(frozen=True)
class Pose:
    """Maps crop coordinates to the other image: ``linear @ (x, y) + shift``; (N, 2, 2) and (N, 2)."""

    linear: Tensor
    shift: Tensor

    def then_inner(self, step: Tensor) -> Pose:
        """Apply a small similarity of the crop before the map.

        ``step`` is (N, 4): log scale and turn in units of 1 / :data:`LEVER_PX`, and the shift in pixels.
        """
        scale, turn = torch.exp(step[:, 0] / LEVER_PX), step[:, 1] / LEVER_PX
        cos, sin = scale * torch.cos(turn), scale * torch.sin(turn)
        inner = torch.stack([cos, -sin, sin, cos], -1).reshape(-1, 2, 2)
        return Pose(self.linear @ inner, (self.linear @ step[:, 2:, None])[..., 0] + self.shift)


#: Scale and turn are counted in pixels of motion at this distance, so that all four parameters weigh alike.
LEVER_PX = 20.0


@dataclass(frozen=True)
class Problems:
    """N problems, padded to one size; padding has weight 0.

    ``template`` (N, h, w) is the bone's crop and ``region`` its weight; ``other`` (N, H, W) the whole other image,
    ``other_region`` the same bone there, ``other_size`` (N, 2) its true (width, height). ``centre`` (N, 2) is the
    crop's centre inside the crop and ``origin`` (N, 2) the crop's corner in its image, all ``(x, y)``.
    """

    template: Tensor
    region: Tensor
    other: Tensor
    other_region: Tensor
    other_size: Tensor
    centre: Tensor
    origin: Tensor
    window_px: float = WINDOW_PX

    def __post_init__(self) -> None:
        n, height, width = self.template.shape
        device, dtype = self.template.device, self.template.dtype
        rows = torch.arange(height, device=device, dtype=dtype)[None, :, None]
        cols = torch.arange(width, device=device, dtype=dtype)[None, None, :]
        set_once = object.__setattr__
        set_once(self, "x", (cols - self.centre[:, 0, None, None]).expand(n, height, width))
        set_once(self, "y", (rows - self.centre[:, 1, None, None]).expand(n, height, width))
        set_once(self, "window", Window(height, width, self.window_px, device, dtype))
        set_once(self, "contrast", local_contrast(self.template, self.region, self.window))
        set_once(self, "coefficients", spline_coefficients(self.other))

    x: Tensor = None  # type: ignore[assignment]
    y: Tensor = None  # type: ignore[assignment]
    window: Window = None  # type: ignore[assignment]
    contrast: Tensor = None  # type: ignore[assignment]
    coefficients: Tensor = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return self.template.shape[0]

    def sample(self, pose: Pose, sideways: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The other image's local contrast seen through a pose, and the region still in view; (N, h, w) each.

        ``sideways`` (N, h, w) shifts the crop's points along x first, in pixels.
        """
        x = self.x if sideways is None else self.x + sideways
        a, t = pose.linear, pose.shift
        col = a[:, 0, 0, None, None] * x + a[:, 0, 1, None, None] * self.y + t[:, 0, None, None]
        row = a[:, 1, 0, None, None] * x + a[:, 1, 1, None, None] * self.y + t[:, 1, None, None]
        seen = spline(self.coefficients, col, row)
        width, height = self.other_size[:, 0, None, None], self.other_size[:, 1, None, None]
        inside = (col >= 0) & (col <= width - 1) & (row >= 0) & (row <= height - 1)
        region = self.region * inside
        return local_contrast(seen, region, self.window), region

    def halved(self) -> Problems:
        """The same problems at half the resolution; see :meth:`half_pose`."""

        def pool(stack: Tensor) -> Tensor:
            return F.avg_pool2d(stack[:, None], 2, ceil_mode=True, count_include_pad=False)[:, 0]

        region = pool(self.region)
        return replace(
            self,
            template=pool(self.template * self.region) / region.clamp_min(1e-3),
            region=(region > 0.6).to(region.dtype),
            other=pool(self.other),
            other_region=pool(self.other_region),
            other_size=self.other_size / 2,
            centre=(self.centre - 0.5) / 2,
            window_px=self.window_px * 0.7,
        )

    def of(self, chosen: Tensor) -> Problems:
        """Some of the problems, by a mask (N,)."""
        parts = ("template", "region", "other", "other_region", "other_size", "centre", "origin")
        return replace(self, **{name: getattr(self, name)[chosen] for name in parts})

    def maps(self, pose: Pose) -> np.ndarray:
        """(N, 3, 3) float64 matrices from ``(x, y, 1)`` of the template's image to the other image."""
        linear, shift = pose.linear.double(), pose.shift.double()
        middle = (self.origin + self.centre).double()
        matrices = torch.eye(3, dtype=torch.float64, device=linear.device).repeat(len(self), 1, 1)
        matrices[:, :2, :2] = linear
        matrices[:, :2, 2] = shift - (linear @ middle[..., None])[..., 0]
        return matrices.cpu().numpy()


def half_pose(pose: Pose) -> Pose:
    """The pose on images of half the resolution, whose pixel 0 covers pixels 0 and 1."""
    return Pose(pose.linear, (pose.shift - 0.5) / 2)


def full_pose(pose: Pose) -> Pose:
    """Undo :func:`half_pose`."""
    return Pose(pose.linear, pose.shift * 2 + 0.5)


def build(pairs: Sequence[Pair], device: torch.device, dtype: torch.dtype) -> Problems:
    """The four problems of every pair, in the order of :data:`DIRECTIONS`."""
    images, regions = _image_stack(pairs, device, dtype), _region_stack(pairs, device)
    boxes = [_bounds(region) for region in regions]
    # one more than the largest: slopes are 0 on the last row and column, so each crop needs padding behind it
    height, width = max(b[1] - b[0] for b in boxes) + 1, max(b[3] - b[2] for b in boxes) + 1
    n = 4 * len(pairs)
    template, region = (torch.zeros(n, height, width, device=device, dtype=dtype) for _ in range(2))
    centre, origin, size = (torch.zeros(n, 2, device=device, dtype=dtype) for _ in range(3))
    others, bones = [], []
    for k in range(n):
        pair, forward, lower = k // 4, k % 2 == 0, k % 4 >= 2
        own, other = 2 * pair + (not forward), 2 * pair + forward
        top, bottom, left, right = boxes[2 * own + lower]
        template[k, : bottom - top, : right - left] = images[own, top:bottom, left:right]
        region[k, : bottom - top, : right - left] = regions[2 * own + lower, top:bottom, left:right]
        centre[k] = torch.tensor([(right - left - 1) / 2, (bottom - top - 1) / 2])
        origin[k] = torch.tensor([float(left), float(top)])
        seen = pairs[pair].moving if forward else pairs[pair].fixed
        size[k] = torch.tensor([float(seen.shape[1]), float(seen.shape[0])])
        others.append(other)
        bones.append(2 * other + lower)
    return Problems(template, region, images[others], regions[bones].to(dtype), size, centre, origin)


def _image_stack(pairs: Sequence[Pair], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Fixed and moving image of every pair in turn, padded by their last row and column."""
    images = [image for pair in pairs for image in (pair.fixed, pair.moving)]
    height, width = max(i.shape[0] for i in images), max(i.shape[1] for i in images)
    padded = [np.pad(i, ((0, height - i.shape[0]), (0, width - i.shape[1])), mode="edge") for i in images]
    return torch.as_tensor(np.stack(padded), device=device, dtype=dtype)


def _region_stack(pairs: Sequence[Pair], device: torch.device) -> Tensor:
    """The grown region of both bones of both images of every pair in turn, (4 x pairs, H, W) weights."""
    masks = [m for pair in pairs for bones in (pair.fixed_masks, pair.moving_masks) for m in (bones.upper, bones.lower)]
    height, width = max(m.shape[0] for m in masks), max(m.shape[1] for m in masks)
    stack = np.zeros((len(masks), height, width), np.float32)
    for k, mask in enumerate(masks):
        stack[k, : mask.shape[0], : mask.shape[1]] = mask
    bones = torch.as_tensor(stack, device=device)
    rival = bones.reshape(-1, 2, height, width).flip(1).reshape(-1, height, width)
    grown = (_dilate(bones, _GROW_PX) > 0) & (_dilate(rival, _KEEP_OFF_PX) == 0)
    for k, mask in enumerate(masks):
        grown[k, mask.shape[0] :], grown[k, :, mask.shape[1] :] = False, False
    shared = _dilate(rival, _SHARED_PX) > 0
    return (grown | (bones > 0)) * torch.where(shared, _SHARED_WEIGHT, 1.0)


def _dilate(stack: Tensor, by: int) -> Tensor:
    size = 2 * by + 1  # along rows, then along columns: a tenth of the work of a square
    tall = F.max_pool2d(stack[:, None], (size, 1), 1, (by, 0))
    return F.max_pool2d(tall, (1, size), 1, (0, by))[:, 0]


def _bounds(region: Tensor) -> tuple[int, int, int, int]:
    """First and last + 1 row, then column, of a region that is not empty."""
    rows, cols = torch.nonzero(region.any(1))[:, 0], torch.nonzero(region.any(0))[:, 0]
    return int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1
