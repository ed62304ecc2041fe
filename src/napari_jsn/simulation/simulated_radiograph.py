"""A simulated radiograph and the truth that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import Similarity, joint_space_narrowing
from napari_jsn.radiograph import Radiograph


@dataclass(frozen=True)
class JointTruth:
    """What is true of one joint on one film, known because it was put there.

    Attributes
    ----------
    joint, side : str
        ``"MCP2"`` and ``"L"``, as in :mod:`napari_jsn.anatomy`.
    jsw_mm : float
        Joint space width: the gap between the two bones' surfaces along the joint axis.
    jsn_mm : float
        Narrowing since baseline in space, along the joint axis; positive is narrower.
    jsn_projected_mm : float
        Narrowing since baseline that a perfect registration of the two projections finds.
    centre : (2,) float array
        ``(x, y)`` of the middle of the gap in pixels of the film.
    axis : (2,) float array
        Unit vector ``(x, y)`` on the film from the upper (distal) to the lower (proximal) bone.
    upper, lower : Similarity
        Where each bone of the baseline film lies on this film, in pixels.
    svdh_narrowing, svdh_erosion : int
        Grades after Sharp/van der Heijde, 0-4 and 0-5, derived from the geometry.
    turn_deg, flexion_deg, slide_mm : float
        Of the upper bone against the lower one, since baseline: in the plane of the film, out of it, and sideways.
    roll_upper_deg, roll_lower_deg : float
        Turn of each bone about its own long axis since baseline.
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
    svdh_narrowing: int = 0
    svdh_erosion: int = 0
    turn_deg: float = 0.0
    flexion_deg: float = 0.0
    slide_mm: float = 0.0
    roll_upper_deg: float = 0.0
    roll_lower_deg: float = 0.0


@dataclass(frozen=True)
class BoneMask:
    """Where one bone lies on a film: its box, and the mask inside the box.

    Attributes
    ----------
    row, col : int
        Of the box's first pixel.
    mask : (h, w) bool array
    """

    row: int
    col: int
    mask: NDArray[np.bool_]

    def on(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The mask on a whole film of this shape (H, W)."""
        whole = np.zeros(shape, dtype=bool)
        whole[self.row : self.row + self.mask.shape[0], self.col : self.col + self.mask.shape[1]] = self.mask
        return whole


@dataclass(frozen=True)
class SimulatedRadiograph:
    """One simulated radiograph of one hand, or of both, as the device stores it.

    Attributes
    ----------
    patient : str
        ``"SIM0001"``: nobody.
    visit : int
        1 is the baseline.
    acquired : datetime.date
    sides : tuple of str
        ``("L",)``, ``("R",)`` or ``("L", "R")``, from left to right on the film.
    stored : (H, W) uint16 array
        Pixel values of ``bits`` bits; bone dark if ``monochrome1``.
    bits : int
    monochrome1 : bool
    detector_spacing_mm : float
        Pixel pitch of the detector.
    magnification : float
        How much larger the hand is on the detector than it is.
    truths : tuple of JointTruth
        Of every joint on the film, in anatomical order, sides as in ``sides``.
    bones : mapping of (side, bone) to BoneMask
    """

    patient: str
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

    @property
    def spacing_mm(self) -> float:
        """Size of a pixel at the hand, in mm."""
        return self.detector_spacing_mm / self.magnification

    def radiograph(self) -> Radiograph:
        """The film as the library reads it: float32 in [0, 1], bone bright."""
        top = 2**self.bits - 1
        grey = self.stored.astype(np.float32) / np.float32(top)
        side = self.sides[0] if len(self.sides) == 1 else None
        return Radiograph(1 - grey if self.monochrome1 else grey, self.spacing_mm, side=side, acquired=self.acquired)

    def bone_mask(self, side: str, bone: str) -> NDArray[np.bool_]:
        """(H, W) mask of one bone, for instance ``("L", "PP2")``."""
        return self.bones[side, bone].on(self.stored.shape)


@dataclass(frozen=True)
class JointPair:
    """A simulated joint image at two visits and the motion between them.

    Attributes
    ----------
    fixed, moving : (H, W) float32 array
        Baseline and follow-up in [0, 1], bone bright, finger axis vertical, distal end up.
    fixed_masks, moving_masks : BoneMasks
    spacing_mm : float
        Size of a pixel of both images.
    fixed_truth, moving_truth : JointTruth
        In pixels of these images.
    """

    fixed: NDArray[np.float32] = field(repr=False)
    moving: NDArray[np.float32] = field(repr=False)
    fixed_masks: BoneMasks = field(repr=False)
    moving_masks: BoneMasks = field(repr=False)
    spacing_mm: float
    fixed_truth: JointTruth
    moving_truth: JointTruth

    @property
    def jsn_mm(self) -> float:
        """True narrowing in space, along the joint axis."""
        return self.moving_truth.jsn_mm

    @property
    def jsn_projected_mm(self) -> float:
        """True narrowing that a perfect registration of the two images finds."""
        return self.moving_truth.jsn_projected_mm

    def jsn_projected_mm_at(self, point: NDArray[np.float64], axis: NDArray[np.float64]) -> float:
        """The same, read at another point and along another axis ``(x, y)`` of the baseline."""
        return self.spacing_mm * joint_space_narrowing(self.upper.matrix, self.lower.matrix, point, axis)

    @property
    def upper(self) -> Similarity:
        """Where the upper bone of the baseline lies in the follow-up."""
        return self.moving_truth.upper

    @property
    def lower(self) -> Similarity:
        """Where the lower bone of the baseline lies in the follow-up."""
        return self.moving_truth.lower

    @property
    def point(self) -> NDArray[np.float64]:
        """``(x, y)`` of the joint's middle in the baseline."""
        return self.fixed_truth.centre

    @property
    def axis(self) -> NDArray[np.float64]:
        """Unit vector ``(x, y)`` from the upper to the lower bone in the baseline."""
        return self.fixed_truth.axis
