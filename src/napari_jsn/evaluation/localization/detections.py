"""Compare the joints found with their true positions, on radiographs as they are and with simulated variations."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.find_joints import find_joints
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.localization.training.data import LabelledRadiograph
from napari_jsn.radiograph import Radiograph

#: A joint found farther than this from its true position is not correct.
CORRECT_MM = 4.0
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
    """

    pixels: NDArray[np.float32] = field(repr=False)
    points: dict[tuple[str, str], NDArray[np.float64]] = field(repr=False)
    px_per_mm: float
    name: str = ""
    hidden: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def from_labelled(cls, labelled: LabelledRadiograph) -> RadiographTruth:
        """Return a labelled radiograph of one hand without change."""
        joints = zip(JOINTS, labelled.points, strict=True)
        points = {(labelled.side, joint): at for joint, at in joints if np.isfinite(at).all()}
        return cls(labelled.pixels, points, labelled.px_mm, labelled.name)


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
        Number of joints in view.
    seconds : float
    """

    truth: RadiographTruth
    found: FoundJoints
    error_mm: dict[tuple[str, str], float]
    missed: tuple[tuple[str, str], ...]
    false: tuple[tuple[str, str], ...]
    joints: int
    seconds: float


def detect(truth: RadiographTruth, model: str = "default") -> Detection:
    """Find the joints of a radiograph and compare them with the truth."""
    began = time.perf_counter()
    found = find_joints(Radiograph(truth.pixels), model=model)
    seconds = time.perf_counter() - began
    centres = {(str(joint.side), joint.name): np.array(joint.centre[::-1]) for joint in found}
    errors, missed, false, in_view = {}, [], [], 0
    for key, at in truth.points.items():
        border_mm = -np.inf if key in truth.hidden else _border_distance_mm(at, truth)
        if border_mm > _BORDER_MM:
            in_view += 1
            if key in centres:
                errors[key] = float(np.hypot(*(centres[key] - at))) / truth.px_per_mm
            else:
                missed.append(key)
        elif border_mm < -_BORDER_MM and key in centres:
            false.append(key)
    false += [key for key in centres if key not in truth.points]
    return Detection(truth, found, errors, tuple(missed), tuple(false), in_view, seconds)


def _border_distance_mm(at: NDArray[np.float64], truth: RadiographTruth) -> float:
    """Return the distance of a point from the border of the radiograph; negative outside."""
    far = np.array(truth.pixels.shape[::-1]) - 0.5 - at
    return float(min((at + 0.5).min(), far.min())) / truth.px_per_mm


def conditions(truths: Sequence[RadiographTruth], seed: int = 0) -> Iterator[tuple[str, list[RadiographTruth]]]:
    """Yield the radiographs as they are, then with each variation; each item has the condition's name."""
    rng = np.random.default_rng(seed)
    yield "as they are", list(truths)
    yield "mirrored: right hands", [mirrored(one) for one in truths]
    for angle in (20, 45):
        yield f"rotated by +-{angle} deg", [rotated(one, angle if k % 2 else -angle) for k, one in enumerate(truths)]
    yield "fingers cut off", [cropped(one, rng) for one in truths]
    yield "negative", [replace(one, pixels=1 - one.pixels) for one in truths]
    yield "bright collimation, plate and ring", [with_bright_objects(one, rng) for one in truths]
    yield "both hands on one radiograph", [both_hands(*two) for two in zip(truths[::2], truths[1::2], strict=False)]


def mirrored(truth: RadiographTruth) -> RadiographTruth:
    """Return the mirror image, which shows the other hand."""
    last = truth.pixels.shape[1] - 1
    other = {"L": "R", "R": "L"}
    points = {(other[side], joint): np.array([last - x, y]) for (side, joint), (x, y) in truth.points.items()}
    return replace(truth, pixels=np.ascontiguousarray(truth.pixels[:, ::-1]), points=points)


def rotated(truth: RadiographTruth, angle_deg: float) -> RadiographTruth:
    """Return the radiograph rotated about its centre, on a larger array with black corners."""
    pixels = ndimage.rotate(truth.pixels, angle_deg, order=1, cval=0.0)
    angle = np.deg2rad(angle_deg)
    old_centre, new_centre = ((np.array(each.shape[::-1]) - 1) / 2 for each in (truth.pixels, pixels))
    linear = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = {key: linear @ (at - old_centre) + new_centre for key, at in truth.points.items()}
    hidden = truth.hidden | {key for key, at in truth.points.items() if _border_distance_mm(at, truth) < 0}
    return replace(truth, pixels=pixels.clip(0, 1).astype(np.float32), points=points, hidden=frozenset(hidden))


def cropped(truth: RadiographTruth, rng: np.random.Generator) -> RadiographTruth:
    """Return the radiograph without the fingertips (at a random row of joints), or without the fingers of one side."""
    rows, cols = truth.pixels.shape
    at = np.array(list(truth.points.values()))
    if rng.random() < 0.6:
        top = int(np.quantile(at[:, 1], rng.uniform(0.1, 0.5)))
        return _crop(truth, (top, 0, rows, cols))
    edge = int(np.quantile(at[:, 0], rng.uniform(0.15, 0.4)))
    return _crop(truth, (0, edge, rows, cols) if rng.random() < 0.5 else (0, 0, rows, cols - edge))


def _crop(truth: RadiographTruth, rect: tuple[int, int, int, int]) -> RadiographTruth:
    top, left, bottom, right = rect
    points = {key: at - (left, top) for key, at in truth.points.items()}
    return replace(truth, pixels=np.ascontiguousarray(truth.pixels[top:bottom, left:right]), points=points)


def with_bright_objects(truth: RadiographTruth, rng: np.random.Generator) -> RadiographTruth:
    """Return the radiograph with a bright border around the joints, a plate with a letter, and a ring."""
    pixels, px = truth.pixels.copy(), truth.px_per_mm
    at = np.array(list(truth.points.values()))
    rows, cols = pixels.shape
    low, high = at.min(axis=0) - 12 * px, at.max(axis=0) + 12 * px
    border = np.ones_like(pixels, bool)
    top, left = (max(0, int(v)) for v in low[::-1])
    bottom, right = min(rows, int(high[1] + 70 * px)), min(cols, int(high[0]))
    border[top:bottom, left:right] = False
    pixels[border] = 0.95
    row, col = bottom - int(30 * px), left + int(2 * px)
    pixels[row : row + int(20 * px), col : col + int(12 * px)] = 0.6
    pixels[row + int(4 * px) : row + int(16 * px), col + int(4 * px) : col + int(7 * px)] = 1.0
    for (_, joint), (x, y) in truth.points.items():
        if joint == f"MCP{rng.integers(3, 5)}":
            pixels[int(y - 22 * px) : int(y - 18 * px), int(x - 8 * px) : int(x + 8 * px)] = 0.97
    return replace(truth, pixels=pixels)


def both_hands(left: RadiographTruth, other: RadiographTruth) -> RadiographTruth:
    """Return one radiograph with a left hand and the mirror image of another hand beside it, thumbs inside."""
    right = mirrored(other)
    factor = left.px_per_mm / right.px_per_mm
    scaled = ndimage.zoom(right.pixels, factor, order=1).clip(0, 1).astype(np.float32)
    exact = np.array(scaled.shape[::-1]) / right.pixels.shape[::-1]
    rows = max(len(left.pixels), len(scaled))
    parts = [np.pad(each, ((rows - len(each), 0), (0, 0)), mode="edge") for each in (left.pixels, scaled)]
    points = {key: at + (0, rows - len(left.pixels)) for key, at in left.points.items()}
    offset = np.array([left.pixels.shape[1], rows - len(scaled)])
    points |= {key: (at + 0.5) * exact - 0.5 + offset for key, at in right.points.items()}
    return RadiographTruth(np.hstack(parts), points, left.px_per_mm, f"{left.name} and {other.name}")


@dataclass(frozen=True)
class DetectionSummary:
    """The figures of many radiographs: see :func:`summarize_detections`."""

    radiographs: int
    joints: int
    within: float
    median_mm: float
    p95_mm: float
    missed: int
    false: int
    contradicted: int
    seconds: float


def summarize_detections(detections: Iterable[Detection]) -> DetectionSummary:
    """Return the share of joints in view within 4 mm, median and 95th percentile of the error, and the counts."""
    detections = list(detections)
    errors = np.array([error for each in detections for error in each.error_mm.values()] or [np.nan])
    joints = sum(each.joints for each in detections)
    return DetectionSummary(
        radiographs=len(detections),
        joints=joints,
        within=float((errors <= CORRECT_MM).sum() / max(1, joints)),
        median_mm=float(np.median(errors)),
        p95_mm=float(np.percentile(errors, 95)),
        missed=sum(len(each.missed) for each in detections),
        false=sum(len(each.false) for each in detections),
        contradicted=sum(each.found.contradicts for each in detections),
        seconds=float(np.median([each.seconds for each in detections])) if detections else float("nan"),
    )


def simulated_truths(
    count: int, seed: int, shape: tuple[int, int] = (1000, 740), spacing_mm: float = 0.29
) -> Iterator[RadiographTruth]:
    """Yield simulated radiographs of left hands with their truth."""
    from napari_jsn.simulation.hand import simulate

    radiographs = simulate(count, 1, seed, "left", shape, spacing_mm=spacing_mm)
    for number, simulated in enumerate(radiographs, start=1):
        points: dict[Any, Any] = {(each.side, each.joint): each.centre for each in simulated.truths}
        pixels = simulated.radiograph().pixels
        yield RadiographTruth(pixels, points, 1 / simulated.spacing_mm, f"simulated {number}")
