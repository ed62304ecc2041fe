"""Regions of the canvas around its joints, along their fingers, as the one-stage network grades them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from napari_jsn.anatomy import JOINTS
from napari_jsn.networks.canvas import pixel_points
from napari_jsn.scoring.crops.site_image import SIDE, SIDE_MM
from napari_jsn.scoring.one_stage.canvas import USUAL_MM

#: Directions (x, y) of the fingers of a usual left hand on the canvas, from the palm outwards, by number of the finger.
#: They count where a joint is the only one of its finger that is marked.
_USUAL = {"1": (0.44, -0.90), "2": (0.18, -0.98), "3": (0.0, -1.0), "4": (-0.18, -0.98), "5": (-0.39, -0.92)}
#: Joints before and after each joint on its finger, itself where there is none.
_BEFORE, _AFTER = (
    [
        k + step if 0 <= k + step < len(JOINTS) and JOINTS[k + step][-1] == JOINTS[k][-1] else k
        for k in range(len(JOINTS))
    ]
    for step in (-1, 1)
)
#: Side of a region in canvas pixels, by joint: on a usual hand that of a joint image of the two-stage method.
_SIDES = torch.tensor([SIDE_MM[joint[:-1]] / USUAL_MM for joint in JOINTS])


def places_tensor(places: Mapping[str, tuple[float, float]]) -> Tensor:
    """Return places by joint as a tensor (14, 2) of (x, y), NaN where a joint has none."""
    return torch.tensor([places.get(joint, (torch.nan, torch.nan)) for joint in JOINTS], dtype=torch.float32)


def nearest_places(places: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return the number (H, W) of the joint whose place (14, 2) is nearest to each pixel; 0 if none has one."""
    rows, cols = (torch.arange(length, dtype=places.dtype, device=places.device) for length in shape)
    down, across = (rows - places[:, 1:]) ** 2, (cols - places[:, :1]) ** 2
    return (down[:, :, None] + across[:, None]).nan_to_num(torch.inf).argmin(0)


def finger_axes(places: Tensor) -> Tensor:
    """Return the unit vectors (..., 14, 2) from the joint before to the joint after each joint on its finger.

    Parameters
    ----------
    places : (..., 14, 2) tensor
        ``(x, y)``; NaN where a joint has no place.
    """
    known = torch.isfinite(places).all(-1, keepdim=True)
    ends = [torch.where(known[..., which, :], places[..., which, :], places) for which in (_BEFORE, _AFTER)]
    along = ends[1] - ends[0]
    length = along.norm(dim=-1, keepdim=True)
    usual = torch.tensor([_USUAL[joint[-1]] for joint in JOINTS], dtype=places.dtype, device=places.device)
    return torch.where(length > 1, along / length.clamp_min(1), usual)


def regions(planes: Tensor, centres: Tensor, axes: Tensor, joints: Tensor, side: int = SIDE) -> Tensor:
    """Return the regions (N, C, side, side) around places of one canvas, the fingers' distal ends up.

    Parameters
    ----------
    planes : (C, H, W) tensor
    centres, axes : (N, 2) tensor
        ``(x, y)`` and the finger's unit vector.
    joints : (N,) int tensor
        Number of the joint, which has its own scale.
    side : int
        Pixels of a side; 96 of them are a joint image of the two-stage method.
    """
    steps = (pixel_points(side, planes) - (side - 1) / 2) / SIDE
    steps = steps * _SIDES.to(planes)[joints][:, None, None, None]
    right = torch.stack([-axes[:, 1], axes[:, 0]], 1)  # so that (right, down) is a rotation
    points = steps[..., :1] * right[:, None, None] - steps[..., 1:] * axes[:, None, None] + centres[:, None, None]
    rows, cols = planes.shape[1:]
    grid = (2 * points + 1) / torch.tensor([cols, rows]).to(points) - 1
    found = grid_sample(planes[None], grid.reshape(1, -1, side, 2), "bilinear", align_corners=False)
    return found[0].unflatten(1, (-1, side)).movedim(1, 0)
