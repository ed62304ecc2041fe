"""Simulated radiographs, their bone masks, and the true values of their joints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint.similarity import Similarity
from napari_jsn.radiograph import Radiograph
from napari_jsn.simulation.shapes.joint_grades import JointGrades, Kind


@dataclass(frozen=True)
class JointTruth:
    """True values of one joint on one radiograph.

    Attributes
    ----------
    joint, side : str
        ``"MCP2"`` and ``"L"``, as in :mod:`napari_jsn.anatomy`.
    jsw_mm : float
        Joint space width: the gap between the two bones' surfaces along the joint axis.
    jsn_mm : float
        Narrowing since baseline in 3-D, along the joint axis; positive is narrower.
    jsn_projected_mm : float
        Narrowing since baseline on the radiographs (2-D projections): the result of an error-free registration.
    centre : (2,) float array
        ``(x, y)`` of the centre of the gap in pixels of the radiograph.
    axis : (2,) float array
        Unit vector ``(x, y)`` on the radiograph from the upper (distal) to the lower (proximal) bone.
    upper, lower : Similarity
        Map from the baseline radiograph to this one for each bone, in pixels.
    svdh_narrowing, svdh_erosion : int or None
        Grades of the Sharp/van der Heijde score, 0-4 and 0-5: of drawn damage what the projection shows, otherwise
        computed from the geometry. None if the joint cannot be scored.
    rotation_deg, flexion_deg, slide_mm : float
        Motion of the upper bone relative to the lower bone since baseline: rotation in the plane of the radiograph,
        flexion out of the plane, and lateral slide.
    roll_upper_deg, roll_lower_deg : float
        Roll of each bone about its own long axis since baseline.
    grades : JointGrades or None
        Of drawn damage (:mod:`napari_jsn.simulation.damage`): visible grades, those in space, marks and widths.
    """

    joint: str
    side: str
    jsw_mm: float
    jsn_mm: float
    jsn_projected_mm: float
    centre: NDArray[np.float64]
    axis: NDArray[np.float64]
    upper: Similarity
    lower: Similarity
    svdh_narrowing: int | None = 0
    svdh_erosion: int | None = 0
    rotation_deg: float = 0.0
    flexion_deg: float = 0.0
    slide_mm: float = 0.0
    roll_upper_deg: float = 0.0
    roll_lower_deg: float = 0.0
    grades: JointGrades | None = None


@dataclass(frozen=True)
class BoneMask:
    """Mask of one bone on a radiograph, cropped to its box.

    Attributes
    ----------
    row, col : int
        Position of the box's first pixel on the radiograph.
    mask : (h, w) bool array
    """

    row: int
    col: int
    mask: NDArray[np.bool_]

    def full(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return the mask on the whole radiograph, whose shape (H, W) is given."""
        mask = np.zeros(shape, dtype=bool)
        mask[self.row : self.row + self.mask.shape[0], self.col : self.col + self.mask.shape[1]] = self.mask
        return mask


@dataclass(frozen=True)
class ErosionMask:
    """One erosion on a radiograph.

    Attributes
    ----------
    side, joint, bone : str
    share, share_3d : float
        Extent across the bone over the breadth of the joint surface: visible, and in space.
    area_mm2, depth_mm : float
        Visible area, and extent along the bone.
    mask : BoneMask or None
        None if it is not visible.
    """

    side: str
    joint: str
    bone: str
    share: float
    share_3d: float
    area_mm2: float
    depth_mm: float
    mask: BoneMask | None


@dataclass(frozen=True)
class SimulatedRadiograph:
    """One simulated radiograph of one hand or of both hands, with the pixel values that the device stores.

    Attributes
    ----------
    patient_id : str
        ``"SIM0001"``, ...
    visit : int
        1 is the baseline.
    acquired : datetime.date
    sides : tuple of str
        ``("L",)``, ``("R",)`` or ``("L", "R")``, from left to right on the radiograph.
    stored : (H, W) uint16 array
        Pixel values of ``bits`` bits; bone dark if ``monochrome1``.
    bits : int
    monochrome1 : bool
    detector_spacing_mm : float
        Pixel pitch of the detector.
    magnification : float
        Size of the hand's projection on the detector, divided by the size of the hand.
    truths : tuple of JointTruth
        One for each joint on the radiograph, in anatomical order; the sides are in the order of ``sides``.
    bones : mapping of (side, bone) to BoneMask
    erosions : tuple of ErosionMask
        Of drawn damage.
    sex, age : str, float
        Of the patient, where damage was drawn; empty and NaN otherwise.
    """

    patient_id: str
    visit: int
    acquired: date
    sides: tuple[str, ...]
    stored: NDArray[np.uint16] = field(repr=False)
    bits: int
    monochrome1: bool
    detector_spacing_mm: float
    magnification: float
    truths: tuple[JointTruth, ...] = field(repr=False)
    bones: Mapping[tuple[str, str], BoneMask] = field(repr=False)
    erosions: tuple[ErosionMask, ...] = field(default=(), repr=False)
    sex: str = ""
    age: float = float("nan")

    @property
    def spacing_mm(self) -> float:
        """Size of a pixel at the hand, in mm."""
        return self.detector_spacing_mm / self.magnification

    def radiograph(self) -> Radiograph:
        """Return the radiograph as the library reads it: float32 in [0, 1], bone bright."""
        max_value = 2**self.bits - 1
        intensity = self.stored.astype(np.float32) / np.float32(max_value)
        pixels = 1 - intensity if self.monochrome1 else intensity
        side = self.sides[0] if len(self.sides) == 1 else None
        return Radiograph(pixels, self.spacing_mm, side=side, acquired=self.acquired)

    def grades(self) -> dict[tuple[str, str, str], int | str]:
        """Return the visible grade of every finger site by side, joint and kind; ``"X"`` where it is not scored.

        Empty where no damage was drawn.
        """
        kinds: tuple[Kind, ...] = ("jsn", "erosion")
        return {
            (one.side, one.joint, kind): one.grades.shown(kind) for one in self.truths if one.grades for kind in kinds
        }

    def bone_mask(self, side: str, bone: str) -> NDArray[np.bool_]:
        """Return the (H, W) mask of one bone, for instance ``("L", "PP2")``."""
        return self.bones[side, bone].full(self.stored.shape)
