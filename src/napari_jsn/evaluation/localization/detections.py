"""Compare the joints found on a radiograph with their true positions."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.joint import JOINT_IMAGE_MM
from napari_jsn.localization.find_joints import find_joints
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.localization.training.data import LabelledRadiograph
from napari_jsn.radiograph import Radiograph

#: A joint found farther than this from its true position is not correct.
CORRECT_MM = 4.0
#: A box is right if its centre is within this share of the true side of the true centre, and its side within this share
#: of the true one.
RIGHT_BOX = 0.25
#: Joints this close to the border of a radiograph are counted neither as missed nor as false.
_BORDER_MM = 4.0


@dataclass(frozen=True)
class RadiographTruth:
    """A radiograph with the true positions of its joints.

    Attributes
    ----------
    pixels : (H, W) float32 array
    points : dict of (side, joint) to (2,) array
        ``(x, y)`` in pixels; also of joints outside the radiograph.
    px_per_mm : float
    name : str
    hidden : set of (side, joint)
        Joints inside the array but outside the exposed area, as in the corners of a rotated radiograph.
    unplaced : set of (side, joint)
        Joints in view whose position is not known. Where they are hidden too, it is not known whether they are in view.
    """

    pixels: NDArray[np.float32] = field(repr=False)
    points: dict[tuple[str, str], NDArray[np.float64]] = field(repr=False)
    px_per_mm: float
    name: str = ""
    hidden: frozenset[tuple[str, str]] = frozenset()
    unplaced: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def from_labelled(cls, labelled: LabelledRadiograph) -> RadiographTruth:
        """Return a labelled radiograph of one hand without change."""
        joints = zip(JOINTS, labelled.points, strict=True)
        points = {(labelled.side, joint): at for joint, at in joints if np.isfinite(at).all()}
        visible = len(points) if labelled.visible is None else labelled.visible
        others = frozenset((labelled.side, joint) for joint in JOINTS) - points.keys()
        unplaced = others if visible > len(points) else frozenset[tuple[str, str]]()
        hidden = unplaced if visible < len(JOINTS) else frozenset[tuple[str, str]]()  # which are in view is not known
        return cls(labelled.pixels, points, labelled.px_mm, labelled.name, hidden, unplaced)


@dataclass(frozen=True)
class Detection:
    """The joints found on one radiograph, compared with the truth.

    Attributes
    ----------
    truth : RadiographTruth
    found : FoundJoints
    error_mm : dict of (side, joint) to float
        Distance from the true position, of the joints in view that were found.
    missed : tuple of (side, joint)
        Joints in view that were not found.
    false : tuple of (side, joint)
        Joints found that are out of view or belong to a hand that is not there.
    joints : int
        Number of joints in view whose position is known.
    seconds : float
    right_boxes : int
        Those of them whose box is right; the true side is that of :data:`~napari_jsn.joint.JOINT_IMAGE_MM`.
    """

    truth: RadiographTruth
    found: FoundJoints
    error_mm: dict[tuple[str, str], float]
    missed: tuple[tuple[str, str], ...]
    false: tuple[tuple[str, str], ...]
    joints: int
    seconds: float
    right_boxes: int = 0

    @property
    def unplaced(self) -> frozenset[tuple[str, str]]:
        """Joints that are in view at a position that is not known."""
        return self.truth.unplaced - self.truth.hidden

    @property
    def wrong(self) -> int:
        """Number of joints found that are farther than :data:`CORRECT_MM` from their position, or false."""
        return sum(error > CORRECT_MM for error in self.error_mm.values()) + len(self.false)


def detect(truth: RadiographTruth, model: str = "default", device: str | None = None) -> Detection:
    """Find the joints of a radiograph and compare them with the truth."""
    began = time.perf_counter()
    found = find_joints(Radiograph(truth.pixels), model=model, device=device)
    seconds = time.perf_counter() - began
    centres = {(str(joint.side), joint.name): np.array(joint.centre[::-1]) for joint in found}
    errors, missed, false, in_view = {}, [], [], 0
    for key, at in truth.points.items():
        border_mm = -np.inf if key in truth.hidden else border_distance_mm(at, truth)
        if border_mm > _BORDER_MM:
            in_view += 1
            if key in centres:
                errors[key] = float(np.hypot(*(centres[key] - at))) / truth.px_per_mm
            else:
                missed.append(key)
        elif border_mm < -_BORDER_MM and key in centres:
            false.append(key)
    missed += [key for key in sorted(truth.unplaced - truth.hidden) if key not in centres]
    false += [key for key in centres if key not in truth.points and key not in truth.unplaced]
    sides = {(str(joint.side), joint.name): float(np.hypot(*(joint.box[1] - joint.box[0]))) for joint in found}
    right = sum(
        error <= RIGHT_BOX * JOINT_IMAGE_MM
        and abs(sides[key] / truth.px_per_mm - JOINT_IMAGE_MM) <= RIGHT_BOX * JOINT_IMAGE_MM
        for key, error in errors.items()
    )
    return Detection(truth, found, errors, tuple(missed), tuple(false), in_view, seconds, right)


def border_distance_mm(at: NDArray[np.float64], truth: RadiographTruth) -> float:
    """Return the distance of a point from the border of the radiograph; negative outside."""
    far = np.array(truth.pixels.shape[::-1]) - 0.5 - at
    return float(min((at + 0.5).min(), far.min())) / truth.px_per_mm


@dataclass(frozen=True)
class DetectionSummary:
    """The figures of many radiographs: see :func:`summarize_detections`."""

    radiographs: int
    joints: int
    found: float
    within: float
    right_boxes: float
    median_mm: float
    p95_mm: float
    missed: int
    false: int
    unsaid: int
    contradicted: int
    seconds: float


def summarize_detections(detections: Iterable[Detection]) -> DetectionSummary:
    """Return the shares of joints in view that are found and within 4 mm, the errors, and the counts.

    ``found`` also counts joints whose position is not known. ``unsaid`` counts wrong joints on radiographs without any
    reason, ``within`` and ``joints`` only joints whose position is known.
    """
    detections = list(detections)
    errors = np.array([error for each in detections for error in each.error_mm.values()] or [np.nan])
    joints = sum(each.joints for each in detections)
    missed = sum(len(each.missed) for each in detections)
    in_view = joints + sum(len(each.unplaced) for each in detections)
    return DetectionSummary(
        radiographs=len(detections),
        joints=joints,
        found=1 - missed / max(1, in_view),
        within=float((errors <= CORRECT_MM).sum() / max(1, joints)),
        right_boxes=sum(each.right_boxes for each in detections) / max(1, joints),
        median_mm=float(np.median(errors)),
        p95_mm=float(np.percentile(errors, 95)),
        missed=missed,
        false=sum(len(each.false) for each in detections),
        unsaid=sum(each.wrong for each in detections if each.found.reliable),
        contradicted=sum(each.found.contradicts for each in detections),
        seconds=float(np.median([each.seconds for each in detections])) if detections else float("nan"),
    )
