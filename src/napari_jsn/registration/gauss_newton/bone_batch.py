"""A batch of one-bone registrations: find where a bone of one image lies in the other image.

Every pair gives four registrations, each solved independently: upper and lower bone, fixed to moving and moving to
fixed. The template of a registration is the crop of its image around the bone; the origin of its coordinates is the
centre of the crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_jsn.networks.layers import dilated
from napari_jsn.registration.gauss_newton.interpolation import spline, spline_coefficients
from napari_jsn.registration.gauss_newton.local_contrast import WINDOW_PX, Window, local_contrast
from napari_jsn.registration.methods import PreparedPair

#: Bone and direction (True: fixed to moving) of the four registrations of a pair.
DIRECTIONS = (("upper", True), ("upper", False), ("lower", True), ("lower", False))

#: A bone's region is its mask dilated by this many working pixels. Masks end on the cortex, which repositioning
#: changes least (sigma of real visits: 0.030 mm without dilation, 0.016 mm with it).
_DILATION_PX = 5

#: Least distance of the dilated part from the other bone's mask, in working pixels.
_CLEARANCE_PX = 4

#: Where the projections of the bones overlap, each region contains the edge of the other bone, which moves with the
#: other bone. Pixels within this distance of the other bone's mask, in working pixels, have this weight. For simulated
#: joints that only narrow, the estimated narrowing is 3.3 % too small with a weight of 1, 1.4 % with 0.3 and 0.4 % with
#: 0. But these pixels also contain information on real bones: with a weight of 0, two to three of a hundred pairs of
#: real visits fewer are reliable.
_OVERLAP_PX, _OVERLAP_WEIGHT = 1, 0.3


@dataclass(frozen=True)
class Pose:
    """N maps from crop coordinates to the other image: ``linear @ (x, y) + translation``.

    Parameters
    ----------
    linear : (N, 2, 2) tensor
    translation : (N, 2) tensor
        In pixels.
    """

    linear: Tensor
    translation: Tensor

    def compose(self, step: Tensor) -> Pose:
        """Return the poses after small similarities of the crop, which act before the maps.

        ``step`` is (N, 4): log scale and rotation in units of 1 / :data:`LEVER_PX`, and the translation in pixels.
        """
        scale, angle = torch.exp(step[:, 0] / LEVER_PX), step[:, 1] / LEVER_PX
        cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
        inner = torch.stack([cos, -sin, sin, cos], -1).reshape(-1, 2, 2)
        return Pose(self.linear @ inner, (self.linear @ step[:, 2:, None])[..., 0] + self.translation)


#: Scale and rotation are given as pixels of motion at this distance from the centre, so that the four parameters have
#: one unit.
LEVER_PX = 20.0


@dataclass(frozen=True)
class BoneBatch:
    """N one-bone registrations, padded to one size; the padding has weight 0.

    Parameters
    ----------
    template, region : (N, h, w) tensors
        The crop of one image around the bone, and the weight of each pixel.
    other, other_region : (N, H, W) tensors
        The whole other image, and the region of the same bone in it.
    other_size : (N, 2) tensor
        (width, height) of the other image before padding.
    centre, origin : (N, 2) tensors
        ``(x, y)`` of the centre of the crop in the crop, and of the corner of the crop in its image.
    window_px : float
        Width of the Gaussian window of the local contrast.

    Attributes
    ----------
    x, y : (N, h, w) tensors
        Crop coordinates of every pixel.
    window : Window
    contrast : (N, h, w) tensor
        Local contrast of the template.
    coefficients : (N, H, W) tensor
        B-spline coefficients of the other image.
    """

    template: Tensor
    region: Tensor
    other: Tensor
    other_region: Tensor
    other_size: Tensor
    centre: Tensor
    origin: Tensor
    window_px: float = WINDOW_PX

    x: Tensor = field(init=False, repr=False)
    y: Tensor = field(init=False, repr=False)
    window: Window = field(init=False, repr=False)
    contrast: Tensor = field(init=False, repr=False)
    coefficients: Tensor = field(init=False, repr=False)

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

    def __len__(self) -> int:
        return self.template.shape[0]

    def points(self, pose: Pose, roll_field: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return column and row, (N, h, w) each, of every template pixel in the other image.

        ``roll_field`` (N, h, w) displaces the crop's points along x first, in pixels.
        """
        x = self.x if roll_field is None else self.x + roll_field
        a, t = pose.linear, pose.translation
        col = a[:, 0, 0, None, None] * x + a[:, 0, 1, None, None] * self.y + t[:, 0, None, None]
        row = a[:, 1, 0, None, None] * x + a[:, 1, 1, None, None] * self.y + t[:, 1, None, None]
        return col, row

    def sample(self, pose: Pose, roll_field: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the local contrast of the other image at the template's pixels, and the region in view.

        Both are (N, h, w); the parameters are those of :meth:`points`.
        """
        col, row = self.points(pose, roll_field)
        sampled = spline(self.coefficients, col, row)
        width, height = self.other_size[:, 0, None, None], self.other_size[:, 1, None, None]
        inside = (col >= 0) & (col <= width - 1) & (row >= 0) & (row <= height - 1)
        region = self.region * inside
        return local_contrast(sampled, region, self.window), region

    def halved(self) -> BoneBatch:
        """Return the same registrations at half the resolution; see :func:`half_pose`."""

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

    def select(self, chosen: Tensor) -> BoneBatch:
        """Return some of the registrations, by a bool mask (N,)."""
        parts = ("template", "region", "other", "other_region", "other_size", "centre", "origin")
        return replace(self, **{name: getattr(self, name)[chosen] for name in parts})

    def maps(self, pose: Pose) -> np.ndarray:
        """Return (N, 3, 3) float64 matrices from ``(x, y, 1)`` of the template's image to the other image."""
        linear, translation = pose.linear.double(), pose.translation.double()
        middle = (self.origin + self.centre).double()
        matrices = torch.eye(3, dtype=torch.float64, device=linear.device).repeat(len(self), 1, 1)
        matrices[:, :2, :2] = linear
        matrices[:, :2, 2] = translation - (linear @ middle[..., None])[..., 0]
        return matrices.cpu().numpy()


def half_pose(pose: Pose) -> Pose:
    """Return the pose on images of half the resolution, whose pixel 0 covers pixels 0 and 1."""
    return Pose(pose.linear, (pose.translation - 0.5) / 2)


def full_pose(pose: Pose) -> Pose:
    """Return the pose at full resolution: the inverse of :func:`half_pose`."""
    return Pose(pose.linear, pose.translation * 2 + 0.5)


def build_bone_batch(pairs: Sequence[PreparedPair], device: torch.device, dtype: torch.dtype) -> BoneBatch:
    """Return the four registrations of every pair, in the order of :data:`DIRECTIONS`."""
    images, regions = _image_stack(pairs, device, dtype), _region_stack(pairs, device)
    boxes = [_bounds(region) for region in regions]
    # one more than the largest crop: gradients are 0 on the last row and column, so every crop needs padding there
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
        other_image = pairs[pair].moving if forward else pairs[pair].fixed
        size[k] = torch.tensor([float(other_image.shape[1]), float(other_image.shape[0])])
        others.append(other)
        bones.append(2 * other + lower)
    return BoneBatch(template, region, images[others], regions[bones].to(dtype), size, centre, origin)


def _image_stack(pairs: Sequence[PreparedPair], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return fixed and moving image of every pair in turn, padded with their last row and column."""
    images = [image for pair in pairs for image in (pair.fixed, pair.moving)]
    height, width = max(i.shape[0] for i in images), max(i.shape[1] for i in images)
    padded = [np.pad(i, ((0, height - i.shape[0]), (0, width - i.shape[1])), mode="edge") for i in images]
    return torch.as_tensor(np.stack(padded), device=device, dtype=dtype)


def _region_stack(pairs: Sequence[PreparedPair], device: torch.device) -> Tensor:
    """Return (4 x pairs, H, W) weights: the region of both bones of both images of every pair in turn."""
    masks = [m for pair in pairs for bones in (pair.fixed_masks, pair.moving_masks) for m in (bones.upper, bones.lower)]
    height, width = max(m.shape[0] for m in masks), max(m.shape[1] for m in masks)
    stack = np.zeros((len(masks), height, width), np.float32)
    for k, mask in enumerate(masks):
        stack[k, : mask.shape[0], : mask.shape[1]] = mask
    bones = torch.as_tensor(stack, device=device)
    other_bones = bones.reshape(-1, 2, height, width).flip(1).reshape(-1, height, width)
    grown = (dilated(bones, _DILATION_PX) > 0) & (dilated(other_bones, _CLEARANCE_PX) == 0)
    for k, mask in enumerate(masks):
        grown[k, mask.shape[0] :], grown[k, :, mask.shape[1] :] = False, False
    overlapped = dilated(other_bones, _OVERLAP_PX) > 0
    return (grown | (bones > 0)) * torch.where(overlapped, _OVERLAP_WEIGHT, 1.0)


def _bounds(region: Tensor) -> tuple[int, int, int, int]:
    """Return first and last + 1 row, then first and last + 1 column, of a region that is not empty."""
    rows, cols = torch.nonzero(region.any(1))[:, 0], torch.nonzero(region.any(0))[:, 0]
    return int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1
