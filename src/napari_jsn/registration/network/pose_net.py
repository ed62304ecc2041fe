"""``PoseNet``, the compact registration network: corrections at many places, and one similarity fitted to them.

A small convolutional network compares a view of the fixed image with the same view of the moving image through the
current map. At every place it predicts the correction of the map and its certainty in each direction (the edges of a
shaft say nothing about a translation along them). Least squares weighted by the certainty give one similarity for the
bone. A coarse network that sees the whole image runs first; a fine one then sees the end of the bone at the joint at
full resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pixel_unshuffle, softplus

from napari_jsn.networks.canvas import sample_planes
from napari_jsn.networks.layers import ResidualBlock, convolution, dilated
from napari_jsn.registration.network.maps import homogeneous, linear_part, transform_points, transform_vectors

#: Pixels by which a bone's region extends over its mask, so that it contains the edge.
_GROW_PX = 3
#: Scale and rotation are expressed in pixels at this distance from the view's centre.
_LEVER_PX = 30.0
#: Prior certainty that the map is right, in 1 / px: without information the map does not change.
_PRIOR = 0.02
#: Distance of the fine view's centre from the joint-facing margin, in pixels; a row belongs to the bone where its
#: width is at least this share of the largest.
_FROM_MARGIN_PX, _LEAST_WIDTH = 26.0, 0.25


@dataclass(frozen=True)
class BoneCrops:
    """N problems of one bone each.

    Attributes
    ----------
    fixed, moving : (N, 2, S, S) tensors
        The intensities inside the bone's region, and the region.
    centre : (N, 2) tensor
        ``(x, y)`` in the fixed image; points and maps are relative to it.
    """

    fixed: Tensor
    moving: Tensor
    centre: Tensor

    def identity(self) -> tuple[Tensor, Tensor]:
        """Return the identity maps: linear parts (N, 2, 2) and offsets (N, 2)."""
        return torch.eye(2).to(self.centre).repeat(len(self.centre), 1, 1), self.centre

    def matrices(self, linear: Tensor, offset: Tensor) -> Tensor:
        """Return maps as (N, 3, 3) matrices from ``(x, y, 1)`` of the fixed to the moving image."""
        return homogeneous(linear, offset - transform_vectors(linear, self.centre))

    def from_matrices(self, matrices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the linear parts and offsets of matrices; the inverse of :meth:`matrices`."""
        linear = matrices[:, :2, :2]
        return linear, transform_vectors(linear, self.centre) + matrices[:, :2, 2]


@dataclass(frozen=True)
class RefinementStep:
    """The result of one refinement step on a batch of bones.

    Attributes
    ----------
    linear, offset : (N, 2, 2) and (N, 2) tensors
        The map after the step, from points relative to the bone's centre to the moving image.
    corrections : (N, P, 2) tensor
        The correction predicted at each place.
    places : (N, P, 2) tensor
        Relative to the bone's centre.
    weight : (N, P) tensor
        Share of each place that is bone.
    points : (N, h, w, 2) tensor
        Of the view.
    fixed : (N, 2, h, w) tensor
        Fixed image and region in the view.
    """

    linear: Tensor
    offset: Tensor
    corrections: Tensor
    places: Tensor
    weight: Tensor
    points: Tensor
    fixed: Tensor


class PoseNet(nn.Module):
    """Predict the maps of both bones in refinement steps, coarse to fine.

    Parameters
    ----------
    coarse, fine : four int
        Channels of the two networks, see :class:`CorrectionNet`.
    passes : (int, int)
        Number of refinement steps of each.
    """

    def __init__(
        self,
        coarse: tuple[int, ...] = (24, 48, 96, 160),
        fine: tuple[int, ...] = (24, 48, 96, 128),
        passes: tuple[int, int] = (1, 2),
    ) -> None:
        super().__init__()
        self.passes: tuple[int, ...] = tuple(passes)
        self.corrections: nn.ModuleList = nn.ModuleList([CorrectionNet(tuple(coarse)), CorrectionNet(tuple(fine))])
        self.register_load_state_dict_pre_hook(_rename_old_keys)

    def forward(self, fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor) -> Tensor:
        """Return the maps (B, 2, 3, 3) of both bones."""
        crops = bone_crops(fixed, moving, fixed_masks, moving_masks)
        linear, offset = crops.identity()
        for level, passes in enumerate(self.passes):
            for _ in range(passes):
                step = self.refine(crops, level, linear, offset)
                linear, offset = step.linear, step.offset
        return crops.matrices(linear, offset).unflatten(0, (-1, 2))

    def refine(
        self, crops: BoneCrops, level: int, linear: Tensor, offset: Tensor, bfloat16: bool = False
    ) -> RefinementStep:
        """Do one refinement step of all bones.

        The result depends on the current map alone, not on how it was found, so single steps can be trained.

        Parameters
        ----------
        crops : BoneCrops
        level : {0, 1}
            Coarse or fine.
        linear, offset : (N, 2, 2) and (N, 2) tensors
            The current map.
        bfloat16 : bool
            Whether to convolve in 16 bits.
        """
        spacing = (2, 1)[level]
        points = _view_points(crops, level)
        fixed = _sample(crops.fixed, points + crops.centre[:, None, None], spacing)
        moving = _sample(crops.moving, transform_points(points, linear, offset), spacing)
        planes = torch.stack([fixed[:, 0], moving[:, 0], fixed[:, 1], moving[:, 1]], 1)
        with torch.autocast(planes.device.type, torch.bfloat16, enabled=bfloat16):
            output = self.corrections[level](planes)
        output = output.float().flatten(2).transpose(1, 2)
        corrections, certainty = output[..., :2] * (4.0 * spacing), output[..., 2:]
        weight = avg_pool2d(fixed[:, 1:], 4).flatten(1)
        places = points.unflatten(1, (-1, 4)).unflatten(3, (-1, 4)).mean((2, 4)).flatten(1, 2)
        step, translation = _fit_similarity(corrections, certainty, weight, places)
        offset = transform_vectors(linear, translation) + offset
        return RefinementStep(linear @ step, offset, corrections, places, weight, points, fixed)

    def ncc(self, crops: BoneCrops, step: RefinementStep, level: int) -> Tensor:
        """Return the normalised cross-correlation (N,) of the images after a step, inside the bone's region."""
        moving = _sample(crops.moving, transform_points(step.points, step.linear, step.offset), (2, 1)[level])
        weight = step.fixed[:, 1] * moving[:, 1]
        total = weight.sum((1, 2)).clamp_min(1)[:, None, None]
        a, b = (
            image[:, 0] - (image[:, 0] * weight).sum((1, 2), keepdim=True) / total for image in (step.fixed, moving)
        )
        size = (weight * a * a).sum((1, 2)) * (weight * b * b).sum((1, 2))
        return (weight * a * b).sum((1, 2)) / size.clamp_min(1e-4).sqrt()


def _rename_old_keys(network: nn.Module, state: dict[str, Any], prefix: str, *args: Any) -> None:
    """Load weights of models that were saved while ``corrections`` was called ``lookers``."""
    old = f"{prefix}lookers."
    for key in [key for key in state if key.startswith(old)]:
        state[f"{prefix}corrections.{key.removeprefix(old)}"] = state.pop(key)


class CorrectionNet(nn.Module):
    """Predict a correction (2 values) and its certainty (3 values) at every place of a view.

    Parameters
    ----------
    features : four int
        Channels at a half, a quarter, an eighth and a sixteenth of the view's resolution; places have a quarter of it.
    """

    def __init__(self, features: tuple[int, ...]) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = features
        self.enter: nn.Sequential = nn.Sequential(convolution(16, half), convolution(half, half))
        self.down: nn.ModuleList = nn.ModuleList(
            nn.Sequential(convolution(before, after, 2), ResidualBlock(after))
            for before, after in ((half, quarter), (quarter, eighth), (eighth, sixteenth))
        )
        self.deepest: ResidualBlock = ResidualBlock(sixteenth)
        self.up: nn.ModuleList = nn.ModuleList(
            nn.Conv2d(*channels, 1) for channels in ((sixteenth, eighth), (eighth, quarter))
        )
        self.merge: nn.ModuleList = nn.ModuleList(ResidualBlock(channels) for channels in (eighth, quarter))
        self.leave: nn.Conv2d = nn.Conv2d(quarter, 5, 1)
        for value in self.leave.parameters():
            nn.init.zeros_(value)

    def forward(self, planes: Tensor) -> Tensor:
        """Return (N, 5, rows / 4, cols / 4) for planes (N, 4, rows, cols), whose sides are multiples of 16.

        The planes are the fixed and the moving image, then the bone's region in each.
        """
        planes = pixel_unshuffle(planes, 2).contiguous(memory_format=torch.channels_last)
        quarter = self.down[0](self.enter(planes))
        eighth = self.down[1](quarter)
        sixteenth = self.deepest(self.down[2](eighth))
        eighth = self.merge[0](eighth + interpolate(self.up[0](sixteenth), scale_factor=2.0))
        output: Tensor = self.leave(self.merge[1](quarter + interpolate(self.up[1](eighth), scale_factor=2.0)))
        return output


def bone_crops(fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor) -> BoneCrops:
    """Return the two bones of every pair as separate problems: upper and lower of the first pair, of the second, ..."""
    planes = [_bone_planes(image, masks) for image, masks in ((fixed, fixed_masks), (moving, moving_masks))]
    return BoneCrops(planes[0], planes[1], _centres(fixed_masks))


def _bone_planes(images: Tensor, masks: Tensor) -> Tensor:
    """Return (2 B, 2, S, S): intensities of unit standard deviation inside each bone's region, and the region."""
    grown = dilated(masks.flatten(0, 1), _GROW_PX).reshape(masks.shape)
    region = torch.maximum(masks, grown - masks.flip(1)).clamp(0, 1)
    count = region.sum((2, 3), keepdim=True).clamp_min(1)
    centred = images - (images * region).sum((2, 3), keepdim=True) / count
    sd = ((centred.square() * region).sum((2, 3), keepdim=True) / count).sqrt().clamp_min(1e-3)
    intensities = (centred / sd).clamp(-4, 4) * region
    return torch.stack([intensities, region], 2).flatten(0, 1)


def _centres(masks: Tensor) -> Tensor:
    """Return (2 B, 2) ``(x, y)``: the mean column of each bone, and a row near its joint-facing margin.

    They lie between pixels, so that the views of the fixed image need no interpolation.
    """
    bones = masks.flatten(0, 1)
    rows, cols = bones.shape[-2:]
    x = (bones.sum(1) @ torch.arange(cols).to(bones)) / bones.sum((1, 2)).clamp_min(1)
    width = bones.sum(2)
    inside = width >= _LEAST_WIDTH * width.amax(1, keepdim=True)
    row = torch.arange(rows).to(bones)
    last, first = torch.where(inside, row, -1).amax(1), torch.where(inside, row, rows).amin(1)
    upper = torch.arange(len(bones), device=bones.device) % 2 == 0
    y = torch.where(upper, last - _FROM_MARGIN_PX, first + _FROM_MARGIN_PX)
    return torch.stack([x, y], 1).floor() + 0.5


def _view_points(crops: BoneCrops, level: int) -> Tensor:
    """Return (N, rows, cols, 2) points relative to each bone's centre: the whole image, or the bone's end alone."""
    side = crops.fixed.shape[-1]
    rows, cols, spacing = ((side // 2, side // 2, 2), (side // 2, side * 3 // 4, 1))[level]
    down, across = ((torch.arange(n).to(crops.centre) - (n - 1) / 2) * spacing for n in (rows, cols))
    points = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)
    if level == 0:
        return points + ((side - 1) / 2 - crops.centre)[:, None, None]
    return points.expand(len(crops.centre), -1, -1, -1)


def _sample(planes: Tensor, points: Tensor, spacing: int) -> Tensor:
    """Sample planes (N, C, S, S) at points in pixels, averaged over ``spacing`` pixels first; 0 outside."""
    if spacing > 1:
        planes = avg_pool2d(planes, spacing)
    return sample_planes(planes, points, padding="zeros", step=spacing)


def _fit_similarity(corrections: Tensor, certainty: Tensor, weight: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Fit the similarity of a view to the corrections: linear part (N, 2, 2) and translation (N, 2).

    The certainty of a place is a triangular matrix that weights its two residuals.
    """
    own, across, other = certainty.unbind(-1)
    own, other = softplus(own), softplus(other)
    x, y = places[..., 0] / _LEVER_PX, places[..., 1] / _LEVER_PX
    zero = torch.zeros_like(own)
    root = weight.clamp_min(0).sqrt()[..., None]
    # rows of the triangular matrix times the two equations of a place
    first = torch.stack([own * x, -own * y, own, zero], -1) * root
    second = torch.stack([across * x + other * y, other * x - across * y, across, other], -1) * root
    wanted = torch.stack([own * corrections[..., 0], across * corrections[..., 0] + other * corrections[..., 1]], -1)
    equations, wanted = torch.cat([first, second], 1), (wanted * root).transpose(1, 2).flatten(1)
    normal = equations.transpose(1, 2) @ equations + _PRIOR**2 * torch.eye(4).to(equations)
    solution = torch.linalg.solve(normal, (equations.transpose(1, 2) @ wanted[..., None])[..., 0])
    return linear_part(1 + solution[:, 0] / _LEVER_PX, solution[:, 1] / _LEVER_PX), solution[:, 2:]
