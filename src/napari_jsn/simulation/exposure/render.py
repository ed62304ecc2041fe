"""The shadows of a hand's bones on a film or on a part of one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn import anatomy
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.shapes.material import Material
from napari_jsn.simulation.shapes.pose import PosedHand
from napari_jsn.simulation.shapes.projection import Pose, Shadow
from napari_jsn.simulation.simulated_radiograph import BoneMask
from napari_jsn.simulation.tissue.bone_volume import Mould, fill, make_mould
from napari_jsn.simulation.visit import Disease

Range = tuple[float, float]

#: A bone is seen where it takes this much, in nepers: half of what its cortex takes, where experts draw its edge.
SEEN = 0.10


@dataclass(frozen=True)
class Placement:
    """How a left hand in mm comes to lie on a film in mm: mirrored, magnified, turned, shifted.

    Attributes
    ----------
    turn_deg : float
        Clockwise on the screen.
    shift_mm : (float, float)
        x and y of the hand's origin on the film.
    magnification : float
    mirrored : bool
        A right hand.
    """

    turn_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    magnification: float = 1.0
    mirrored: bool = False

    @property
    def plane(self) -> NDArray[np.float64]:
        """(2, 2) matrix."""
        t = np.deg2rad(self.turn_deg)
        turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
        return self.magnification * turn @ np.diag([-1.0 if self.mirrored else 1.0, 1.0])

    def points(self, xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map (..., 2) points of the hand to the film."""
        return np.asarray(xy) @ self.plane.T + self.shift_mm

    def pose(self, pose: Pose) -> Pose:
        """A bone's pose on the film."""
        space = np.eye(3)
        space[:2, :2] = self.plane
        return Pose(space @ pose.matrix, space @ pose.shift + [*self.shift_mm, 0.0])


#: Attenuation of a capsule beyond that of fat, per mm of the joint's depth.
_CAPSULE_PER_MM = 0.006


class Bones:
    """The bones of one patient, filled when first seen and kept for the next film.

    Parameters
    ----------
    patient : SimulatedPatient
    keep : bool
        Whether to keep them: a whole hand takes some 100 MB.
    """

    def __init__(self, patient: SimulatedPatient, keep: bool = True) -> None:
        self._patient = patient
        self._keep = keep
        self._moulds: dict[object, Mould | None] = {}
        self._shadows: dict[object, Shadow] = {}
        self._sesamoids = {one.shape.name: one.shape for one in patient.sesamoids}

    def cast(
        self, hand: PosedHand, disease: Disease, placement: Placement, shape: tuple[int, int], spacing_mm: float
    ) -> tuple[NDArray[np.float32], dict[str, BoneMask]]:
        """Cast the shadows of all bones on a film.

        Returns
        -------
        attenuation : (H, W) float32 array
            Of bones and joint capsules beyond soft tissue, in nepers.
        masks : dict of bone to BoneMask
            Of the bones that show.
        """
        film = _capsules(self._patient, hand, placement, shape, spacing_mm)
        masks = {}
        for bone, pose in hand.poses.items():
            solid = self._sesamoids.get(bone) or self._patient.shapes[bone]
            placed = placement.pose(pose)
            part = _in_view(solid, placed, shape, spacing_mm)
            if part is None:
                continue
            shadow = self._shadow(bone, solid, disease, part)
            seen = shadow and shadow(placed, shape, spacing_mm)
            if not seen:
                continue
            rows, cols, attenuation = seen
            film[rows, cols] += attenuation
            mask = ndimage.binary_fill_holes(attenuation > SEEN)
            if mask.any():
                masks[bone] = _trimmed(rows.start, cols.start, mask)
        return film, masks

    def _shadow(self, bone: str, solid: BoneShape, disease: Disease, part: tuple[Range, Range]) -> Shadow | None:
        material, erosions = substance(self._patient, bone, disease)
        # neither the struts of the day nor the mineral's share changes the mould
        as_cast = (bone, replace(material, density=1.0, remodelled=0.0), erosions, part)
        if as_cast not in self._moulds:
            mould = make_mould(solid, material, erosions, part[1], part[0])
            if self._keep:
                self._moulds[as_cast] = mould
        else:
            mould = self._moulds[as_cast]
        if mould is None:
            return None
        key = (*as_cast, material)
        if key not in self._shadows:
            shadow = Shadow(fill(mould, material))
            if not self._keep:
                return shadow
            self._shadows[key] = shadow
        return self._shadows[key]


def substance(patient: SimulatedPatient, bone: str, disease: Disease) -> tuple[Material, tuple[Erosion, ...]]:
    """What a bone is made of at a visit, and what is bitten out of it."""
    material = patient.materials[bone]
    now = replace(
        material,
        density=material.density * disease.density,
        near_joint=material.near_joint * disease.near_joint,
        remodelled=disease.remodelled,
    )
    return now, disease.erosions.get(bone, ())


def _in_view(solid: BoneShape, placed: Pose, shape: tuple[int, int], spacing_mm: float) -> tuple[Range, Range] | None:
    """The part of a bone, across and along it, that a film can show, in steps of 2 mm; None if there is none."""
    back = np.linalg.inv(placed.matrix[:2, :2])
    rows, cols = (n * spacing_mm for n in shape)
    corners = (np.array([[0, 0], [cols, 0], [0, rows], [cols, rows]]) - placed.shift[:2]) @ back.T
    margin = 1.8  # a shear moves what lies deep
    low, high = corners.min(0) - margin, corners.max(0) + margin
    first, last = solid.reach
    if high[0] < -solid.girth or low[0] > solid.girth or high[1] < first or low[1] > last:
        return None
    (x0, y0), (x1, y1) = 2 * np.floor(low / 2), 2 * np.ceil(high / 2)
    girth = solid.girth + 1
    return (max(float(x0), -girth), min(float(x1), girth)), (max(float(y0), first), min(float(y1), last))


def _capsules(
    patient: SimulatedPatient, hand: PosedHand, placement: Placement, shape: tuple[int, int], spacing_mm: float
) -> NDArray[np.float32]:
    """What the joints' capsules, ligaments and cartilage take beyond the fat that lies elsewhere.

    On the development joints the space is brighter than the tissue beside the bones, and no bone lies in it.
    """
    film = np.zeros(shape, np.float32)
    for joint, place in hand.joints.items():
        _, lower = anatomy.bones_of(joint)
        half = patient.shapes[lower].girth
        centre = placement.points((place.on_upper + place.on_lower)[:2] / 2) / spacing_mm
        across, along = (size * placement.magnification / spacing_mm for size in (0.75 * half, 0.45 * half))
        reach = 1.8 * across  # beyond it less than 0.1 % is left
        first = np.maximum(np.floor(centre - reach).astype(int), 0)
        last = np.minimum(np.ceil(centre + reach).astype(int) + 1, shape[::-1])
        if (last <= first).any():
            continue
        axis = placement.plane @ place.axis[:2]
        axis = (axis / np.hypot(*axis)).astype(np.float32)
        x = (np.arange(first[0], last[0]) - centre[0]).astype(np.float32)
        y = (np.arange(first[1], last[1]) - centre[1]).astype(np.float32)[:, None]
        down = x * (axis[0] / np.float32(along)) + y * (axis[1] / np.float32(along))
        aside = x * (axis[1] / np.float32(across)) - y * (axis[0] / np.float32(across))
        aside *= aside
        bulge = np.exp(-(down * down + aside * aside))
        film[first[1] : last[1], first[0] : last[0]] += np.float32(_CAPSULE_PER_MM * 2 * half) * bulge
    return film


def _trimmed(row: int, col: int, mask: NDArray[np.bool_]) -> BoneMask:
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    inner = mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    return BoneMask(int(row + rows[0]), int(col + cols[0]), inner)
