"""Projection of all bones and joint capsules of a hand on a radiograph or a part of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn import anatomy
from napari_jsn.simulation.exposure.projection import SlabProjector
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.shapes.joint_chain import PosedHand
from napari_jsn.simulation.shapes.pose import RadiographTransform, SolidPose
from napari_jsn.simulation.simulated_radiograph import BoneMask
from napari_jsn.simulation.tissue.bone_volume import (
    OSTEOPHYTE_MM,
    BoneVolume,
    attenuation_slabs,
    make_bone_volume,
)
from napari_jsn.simulation.tissue.material import Material
from napari_jsn.simulation.visit import Disease

Range = tuple[float, float]

#: The bone mask holds pixels with at least this attenuation, in nepers: half of the cortex's, where experts draw the
#: bone's edge.
MASK_NEPERS = 0.10
#: Attenuation of a joint capsule in excess of that of fat, per mm of the joint's depth.
_CAPSULE_PER_MM = 0.006


class BoneProjector:
    """Projects the bones of one patient. Keeps their volumes and spectra for the next radiograph.

    Parameters
    ----------
    patient : SimulatedPatient
    keep : bool
        Whether to keep volumes and spectra: a whole hand takes some 100 MB.
    """

    def __init__(self, patient: SimulatedPatient, keep: bool = True) -> None:
        self._patient = patient
        self._keep = keep
        self._volumes: dict[object, BoneVolume | None] = {}
        self._projectors: dict[object, SlabProjector] = {}
        self._sesamoids = {one.shape.name: one.shape for one in patient.sesamoids}

    def project(
        self,
        hand: PosedHand,
        disease: Disease,
        transform: RadiographTransform,
        shape: tuple[int, int],
        spacing_mm: float,
        hidden: frozenset[str] = frozenset(),
    ) -> tuple[NDArray[np.float32], dict[str, BoneMask]]:
        """Project all bones but the ``hidden`` ones on an image of this shape and pixel size.

        Returns
        -------
        attenuation : (H, W) float32 array
            Of bones and joint capsules in excess of soft tissue, in nepers.
        masks : dict of bone to BoneMask
            Of the bones inside the image.
        """
        total = _capsules(self._patient, hand, transform, shape, spacing_mm)
        masks = {}
        for bone, pose in hand.poses.items():
            if bone in hidden:
                continue
            solid = self._sesamoids.get(bone) or self._patient.shapes[bone]
            on_radiograph = transform.pose(pose)
            part = _part_in_view(solid, on_radiograph, shape, spacing_mm)
            if part is None:
                continue
            projector = self._projector(bone, solid, disease, part)
            projection = projector and projector(on_radiograph, shape, spacing_mm)
            if not projection:
                continue
            rows, cols, attenuation = projection
            total[rows, cols] += attenuation
            mask = attenuation > MASK_NEPERS
            if solid.plate is not None:  # the growth plate is part of the bone
                mask = _closed(mask, solid.plate.gap_mm * transform.magnification / spacing_mm)
            mask = ndimage.binary_fill_holes(mask)
            if mask.any():
                masks[bone] = _cropped(rows.start, cols.start, mask)
        return total, masks

    def _projector(
        self, bone: str, solid: BoneShape, disease: Disease, part: tuple[Range, Range]
    ) -> SlabProjector | None:
        material, erosions = material_at(self._patient, bone, disease)
        # remodelling and density do not change the volume
        osteophytes = disease.osteophytes.get(bone, ())
        volume_key = (bone, replace(material, density=1.0, remodelled=0.0), erosions, part, osteophytes)
        if volume_key not in self._volumes:
            volume = make_bone_volume(solid, material, erosions, part[1], part[0], osteophytes=osteophytes)
            if self._keep:
                self._volumes[volume_key] = volume
        else:
            volume = self._volumes[volume_key]
        if volume is None:
            return None
        key = (*volume_key, material)
        if key not in self._projectors:
            projector = SlabProjector(attenuation_slabs(volume, material))
            if not self._keep:
                return projector
            self._projectors[key] = projector
        return self._projectors[key]


def material_at(patient: SimulatedPatient, bone: str, disease: Disease) -> tuple[Material, tuple[Erosion, ...]]:
    """Return a bone's material and its erosions at a visit."""
    material = patient.materials[bone]
    diseased = replace(
        material,
        density=material.density * disease.density,
        periarticular=material.periarticular * disease.periarticular,
        remodelled=disease.remodelled,
    )
    return diseased, disease.erosions.get(bone, ())


def _part_in_view(
    solid: BoneShape, pose: SolidPose, shape: tuple[int, int], spacing_mm: float
) -> tuple[Range, Range] | None:
    """Return the part of a bone, across and along it, inside an image, in steps of 2 mm; None if there is none."""
    back = np.linalg.inv(pose.matrix[:2, :2])
    rows, cols = (n * spacing_mm for n in shape)
    corners = (np.array([[0, 0], [cols, 0], [0, rows], [cols, rows]]) - pose.translation[:2]) @ back.T
    margin = 1.8  # a shear translates the slabs far from the middle
    low, high = corners.min(0) - margin, corners.max(0) + margin
    first, last = solid.extent
    if high[0] < -solid.max_half_width or low[0] > solid.max_half_width or high[1] < first or low[1] > last:
        return None
    (x0, y0), (x1, y1) = 2 * np.floor(low / 2), 2 * np.ceil(high / 2)
    half_width = solid.max_half_width + OSTEOPHYTE_MM
    return (max(float(x0), -half_width), min(float(x1), half_width)), (max(float(y0), first), min(float(y1), last))


def _capsules(
    patient: SimulatedPatient,
    hand: PosedHand,
    transform: RadiographTransform,
    shape: tuple[int, int],
    spacing_mm: float,
) -> NDArray[np.float32]:
    """Return the attenuation of joint capsules, ligaments and cartilage in excess of fat.

    On the development joints the joint space is brighter than the tissue beside the bones, although it has no bone.
    """
    total = np.zeros(shape, np.float32)
    for joint, geometry in hand.joints.items():
        _, lower = anatomy.bones_of(joint)
        half = patient.shapes[lower].max_half_width
        centre = transform.points(geometry.centre[:2]) / spacing_mm
        across, along = (size * transform.magnification / spacing_mm for size in (0.75 * half, 0.45 * half))
        reach = 1.8 * across  # less than 0.1 % lies beyond it
        first = np.maximum(np.floor(centre - reach).astype(int), 0)
        last = np.minimum(np.ceil(centre + reach).astype(int) + 1, shape[::-1])
        if (last <= first).any():
            continue
        axis = transform.linear @ geometry.axis[:2]
        axis = (axis / np.hypot(*axis)).astype(np.float32)
        x = (np.arange(first[0], last[0]) - centre[0]).astype(np.float32)
        y = (np.arange(first[1], last[1]) - centre[1]).astype(np.float32)[:, None]
        axial = x * (axis[0] / np.float32(along)) + y * (axis[1] / np.float32(along))
        lateral = x * (axis[1] / np.float32(across)) - y * (axis[0] / np.float32(across))
        lateral *= lateral
        profile = np.exp(-(axial * axial + lateral * lateral))
        total[first[1] : last[1], first[0] : last[0]] += np.float32(_CAPSULE_PER_MM * 2 * half) * profile
    return total


def _closed(mask: NDArray[np.bool_], gap: float) -> NDArray[np.bool_]:
    """Return a mask without gaps of so many pixels."""
    margin = round(gap) + 1
    disk = np.hypot(*np.ogrid[-margin : margin + 1, -margin : margin + 1]) <= margin
    return np.asarray(ndimage.binary_closing(np.pad(mask, margin), disk)[margin:-margin, margin:-margin])


def _cropped(row: int, col: int, mask: NDArray[np.bool_]) -> BoneMask:
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    inner = mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    return BoneMask(int(row + rows[0]), int(col + cols[0]), inner)
