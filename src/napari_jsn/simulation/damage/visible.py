"""Width of a joint space along its visible margins: what the projection shows, computed from the bones' surfaces.

On a radiograph the margin of a head is its outline, and that of a hollow base the plate at its bottom, where the rays
are tangential to the surface. Both are the most distal points of the surface at one position across the finger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.shapes.joint_chain import JointGeometry, PosedHand
from napari_jsn.simulation.shapes.pose import SolidPose

Array = NDArray[np.float64]

#: Part of the surfaces that is sampled, as a share of half width and half depth, and the numbers of samples.
_ACROSS, _DEEP, _COLUMNS, _ROWS = 0.85, 0.85, 31, 15
#: Columns whose mean is the width of the joint, as a share of half the breadth.
_CENTRAL = 0.4
#: Share of a column's depth above which the erosion and not the intact rest is its margin.
_ERODED = 0.6
#: Least share of the joint's columns that must be intact for the width to be read between the former surfaces.
_ENOUGH = 0.15
#: Share by interpolation above which a column counts as eroded.
_HALF = 0.5


@dataclass(frozen=True)
class JointMargins:
    """Gap of a joint between its visible margins.

    Attributes
    ----------
    across_mm : (n,) float array
        Positions across the finger from the joint's middle.
    gap_mm : (n,) float array
        Along the joint's axis; NaN where one of the bones has no surface.
    sound_mm : (n,) float array
        The same between the surfaces as they were before the erosions.
    eroded : (n,) bool array
        Where an erosion and not the joint surface is the margin of one of the bones.
    breadth_mm : float
        Of the joint surface.
    """

    across_mm: Array
    gap_mm: Array
    sound_mm: Array
    eroded: NDArray[np.bool_]
    breadth_mm: float

    @property
    def surface_is_left(self) -> bool:
        """Whether enough of both margins is left to show where the eroded parts were."""
        return bool(np.mean(~self.eroded) >= _ENOUGH)

    @property
    def width_mm(self) -> float:
        """Mean gap in the middle of the joint; NaN without any surface.

        If enough of both margins is left, the width is read between the surfaces as they were before the erosions.
        """
        gap = self.sound_mm if self.surface_is_left else self.gap_mm
        known = (np.abs(self.across_mm) <= _CENTRAL * self.breadth_mm / 2) & np.isfinite(gap)
        return float(gap[known].mean()) if known.any() else float("nan")

    def thirds_mm(self) -> Array:
        """Return the (3,) mean gaps of the thirds of the joint."""
        third = np.digitize(self.across_mm / self.breadth_mm, (-0.14, 0.14))
        gaps = [self.gap_mm[(third == k) & np.isfinite(self.gap_mm)] for k in range(3)]
        return np.array([gap.mean() if len(gap) else np.nan for gap in gaps])


def joint_margins(
    shapes: Mapping[str, BoneShape],
    hand: PosedHand,
    joint: str,
    erosions: Mapping[str, Sequence[Erosion]] = {},  # noqa: B006  # is not changed
) -> JointMargins:
    """Return the visible margins of a joint of a posed hand, in mm of the hand."""
    upper, lower = anatomy.bones_of(joint)
    geometry = hand.joints[joint]
    left, right, _, _ = shapes[lower].profile(np.array(1.0))
    breadth = float(left + right)
    across = np.linspace(-_ACROSS, _ACROSS, _COLUMNS) * breadth / 2
    eroded = [
        _margin(shapes[bone], hand.poses[bone], geometry, bone == lower, across, erosions.get(bone, ()))
        for bone in (lower, upper)
    ]
    sound = [_margin(shapes[bone], hand.poses[bone], geometry, bone == lower, across, ()) for bone in (lower, upper)]
    gap, intact = (pair[0][0] - pair[1][0] for pair in (eroded, sound))
    return JointMargins(across, gap, intact, (eroded[0][1] + eroded[1][1]) > _HALF, breadth)


def lateral_displacement(hand: PosedHand, joint: str, breadth_mm: float) -> tuple[float, float, float]:
    """Return the displacement of a joint's upper bone on the projection and in space, and the overlap of the bones.

    Displacements are shares of the breadth; the overlap along the finger is in mm.
    """
    geometry = hand.joints[joint]
    offset = geometry.on_upper - geometry.on_lower
    axial = float(offset @ geometry.axis)
    sideways = offset - axial * geometry.axis
    axis = geometry.axis[:2] / np.hypot(*geometry.axis[:2])
    lateral = float(offset[0] * axis[1] - offset[1] * axis[0])
    return lateral / breadth_mm, float(np.linalg.norm(sideways)) / breadth_mm, float(offset[:2] @ axis)


def _margin(
    shape: BoneShape,
    pose: SolidPose,
    geometry: JointGeometry,
    is_head: bool,
    across: Array,
    erosions: Sequence[Erosion],
) -> tuple[Array, Array]:
    """Return the most distal position of a surface along the joint's axis in each column, and where it is eroded.

    A larger position is more proximal; the second array is 1 in eroded columns and 0 in others.
    """
    left, right, depth, _ = (float(v) for v in shape.profile(np.array(1.0 if is_head else shape.length - 1.0)))
    x, z = np.linspace(-_ACROSS * left, _ACROSS * right, _COLUMNS)[None], np.linspace(-_DEEP, _DEEP, _ROWS)[:, None]
    x, z = np.broadcast_arrays(x, z * depth)
    y = shape.head.height(x, z) if is_head else shape.length + shape.base.height(x, z)
    intact, lost = np.ones(x.shape, bool), np.zeros(x.shape)
    for erosion in erosions:
        if not erosion.counted:
            continue
        cx, cy, cz = erosion.centre
        rx, ry, rz = erosion.radii
        chord = ry * np.sqrt(np.clip(1 - ((x - cx) / rx) ** 2 - ((z - cz) / rz) ** 2, 0, None))
        loss = (cy + chord - y) if is_head else (y - cy + chord)
        lost = np.maximum(lost, np.where((np.abs(y - cy) < chord), loss, 0.0))
        intact &= np.abs(y - cy) >= chord
    eroded = intact.mean(axis=0) < 1 - _ERODED
    y = np.where(eroded[None], y + (lost if is_head else -lost), np.where(intact, y, np.nan))
    axis = geometry.axis[:2] / np.hypot(*geometry.axis[:2])
    points = pose(np.stack([x, y, z], axis=-1))[..., :2] - geometry.centre[:2]
    along, sideways = points @ axis, points[..., 0] * axis[1] - points[..., 1] * axis[0]
    rows = []
    for at, place in zip(along, sideways, strict=True):
        order = np.argsort(place)
        # NaN beside a removed point spreads to the columns between it and its neighbours
        rows.append(np.interp(across, place[order], at[order], np.nan, np.nan))
    margin = np.where(np.isnan(rows), np.inf, rows).min(axis=0)
    middle = sideways[len(sideways) // 2]
    order = np.argsort(middle)
    share = np.interp(across, middle[order], eroded[order].astype(float))
    return np.where(np.isfinite(margin), margin, np.nan), share
