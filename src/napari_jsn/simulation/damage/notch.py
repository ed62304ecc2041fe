"""Erosions on the projection: the pixels at which one is visible, and its share of the joint surface."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_jsn import anatomy
from napari_jsn.simulation.exposure.bone_projector import material_at
from napari_jsn.simulation.exposure.projection import SlabProjector
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.shapes.joint_chain import PosedHand
from napari_jsn.simulation.shapes.pose import RadiographTransform, SolidPose
from napari_jsn.simulation.simulated_radiograph import BoneMask, ErosionMask
from napari_jsn.simulation.tissue.bone_volume import attenuation_slabs, make_bone_volume
from napari_jsn.simulation.tissue.material import Material
from napari_jsn.simulation.visit import Disease

#: Share of a mask's pixels beyond each end that do not count for its extent.
_TAIL = 0.03


@dataclass(frozen=True)
class Notch:
    """One erosion on a projection.

    Attributes
    ----------
    share : float
        Extent across the bone over the breadth of the joint surface.
    area_mm2, depth_mm : float
        Visible area, and extent along the bone.
    mask : BoneMask or None
        None if nothing is visible.
    """

    share: float
    area_mm2: float
    depth_mm: float
    mask: BoneMask | None


def joint_of(bone: str, erosion: Erosion, shape: BoneShape) -> str | None:
    """Return the joint at whose end of the bone an erosion lies; None at an end without a finger joint."""
    distal = erosion.centre[1] < shape.length / 2
    for joint in anatomy.JOINTS:
        if anatomy.bones_of(joint)[1 if distal else 0] == bone:
            return joint
    return None


def breadth_at(shape: BoneShape, erosion: Erosion) -> float:
    """Return the breadth of the joint surface at whose end an erosion lies, in mm."""
    distal = erosion.centre[1] < shape.length / 2
    left, right, _, _ = shape.profile(np.array(2.0 if distal else shape.length - 1.0))
    return float(left + right)


def share_in_space(shape: BoneShape, erosion: Erosion) -> float:
    """Return the extent of an erosion inside the bone, across it, over the breadth of the joint surface."""
    left, right, _, _ = (float(v) for v in shape.profile(np.array(np.clip(erosion.centre[1], 0, shape.length))))
    first = max(erosion.centre[0] - erosion.radii[0], -left)
    last = min(erosion.centre[0] + erosion.radii[0], right)
    return max(0.0, last - first) / breadth_at(shape, erosion)


def project_erosion(
    shape: BoneShape,
    material: Material,
    erosions: tuple[Erosion, ...],
    number: int,
    pose: SolidPose,
    image: tuple[int, int],
    spacing_mm: float,
    least_nepers: float,
) -> Notch:
    """Return one erosion of a bone on an image.

    An erosion is visible where the bone that it removes, besides that removed by the erosions before it, attenuates by
    at least ``least_nepers``.

    Parameters
    ----------
    shape : BoneShape
    material : Material
    erosions : tuple of Erosion
        All of the bone.
    number : int
        Index of the one to project.
    pose : SolidPose
        Of the bone on the image, in mm.
    image : (int, int)
        Rows and columns.
    spacing_mm : float
        Of the image's pixels.
    least_nepers : float
    """
    erosion = erosions[number]
    (cx, cy, _), (rx, ry, _) = erosion.centre, (1.3 * radius + 0.5 for radius in erosion.radii)
    smooth = replace(material, trabecular_contrast=0.0)
    before = make_bone_volume(
        shape, smooth, tuple(replace(one, rim=0.0) for one in erosions[:number]), (cy - ry, cy + ry), (cx - rx, cx + rx)
    )
    if before is None:
        return Notch(0.0, 0.0, 0.0, None)
    xs, ys, zs = before.x[None, None, :], before.y[None, :, None], before.z[:, None, None]
    soft = 0.15 + 0.1 * float(before.z[1] - before.z[0])
    inside = np.clip(erosion.inside(xs, ys, zs) / soft + 0.5, 0, 1).astype(np.float32)
    lost = replace(before, mean_density=before.mean_density * inside, texture_amplitude=0 * inside)
    projection = SlabProjector(attenuation_slabs(lost, smooth))(pose, image, spacing_mm)
    if projection is None:
        return Notch(0.0, 0.0, 0.0, None)
    rows, cols, attenuation = projection
    visible = attenuation >= least_nepers
    if not visible.any():
        return Notch(0.0, 0.0, 0.0, None)
    row, col = np.nonzero(visible)
    scale = float(np.linalg.norm(pose.matrix[:2, :2], 2))  # the magnification: one direction is not foreshortened
    pixel_mm = spacing_mm / scale
    along = pose.matrix[:2, 1] / np.hypot(*pose.matrix[:2, 1])
    points = np.stack([col, row], axis=-1) * pixel_mm
    extents = []
    for direction in (np.array([along[1], -along[0]]), along):
        low, high = np.quantile(points @ direction, (_TAIL, 1 - _TAIL))
        extents.append(float(high - low) + pixel_mm)
    first_row, first_col = int(row.min()), int(col.min())
    mask = BoneMask(
        rows.start + first_row, cols.start + first_col, visible[first_row : row.max() + 1, first_col : col.max() + 1]
    )
    return Notch(extents[0] / breadth_at(shape, erosion), float(visible.sum()) * pixel_mm**2, extents[1], mask)


def project_erosions(
    patient: SimulatedPatient,
    hand: PosedHand,
    disease: Disease,
    transform: RadiographTransform,
    image: tuple[int, int],
    spacing_mm: float,
    side: str,
    least_nepers: float,
    hidden: frozenset[str] = frozenset(),
) -> list[ErosionMask]:
    """Return every counted erosion of a hand on a radiograph, also those that are not visible."""
    found = []
    for bone, erosions in disease.erosions.items():
        shape = patient.shapes[bone]
        material, _ = material_at(patient, bone, disease)
        for number, erosion in enumerate(erosions):
            joint = joint_of(bone, erosion, shape)
            if bone in hidden or joint is None or not erosion.counted:
                continue
            pose = transform.pose(hand.poses[bone])
            notch = project_erosion(shape, material, erosions, number, pose, image, spacing_mm, least_nepers)
            found.append(
                ErosionMask(
                    side, joint, bone, notch.share, share_in_space(shape, erosion), notch.area_mm2, notch.depth_mm,
                    notch.mask,
                )
            )  # fmt: skip
    return found


def bone_view(bone: BoneShape) -> tuple[SolidPose, tuple[int, int], float]:
    """Return a pose that shows a bone in the middle of an image, the image's shape and its pixel size in mm."""
    spacing = 0.2
    height, width = bone.length + 10.0, 2 * bone.max_half_width + 8.0
    pose = SolidPose(np.eye(3), np.array([width / 2, 5.0, 0.0]))
    return pose, (int(height / spacing), int(width / spacing)), spacing
