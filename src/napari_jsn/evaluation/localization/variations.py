"""Vary labelled radiographs: rotate, crop, pad and cover them, and put two hands on one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from napari_jsn.evaluation.localization.detections import RadiographTruth, border_distance_mm

#: Longer side of a padded radiograph, as a multiple of the radiograph's.
PADDING = 2.5
_OTHER = {"L": "R", "R": "L"}


def conditions(truths: Sequence[RadiographTruth], seed: int = 0) -> Iterator[tuple[str, list[RadiographTruth]]]:
    """Yield the radiographs as they are, then with each variation; each item has the condition's name."""
    rng = np.random.default_rng(seed)
    yield "as they are", list(truths)
    yield "mirrored: right hands", [mirrored(one) for one in truths]
    for angle in (20, 45):
        yield f"rotated by +-{angle} deg", [rotated(one, angle if k % 2 else -angle) for k, one in enumerate(truths)]
    yield f"padded to {PADDING:g} times its size", [padded(one, rng) for one in truths]
    yield "fingers cut off", [cropped(one, rng) for one in truths]
    yield "fingertips cut off", [without_tips(one, rng) for one in truths]
    yield "wrist cut off", [without_wrist(one, rng) for one in truths]
    yield "two or three fingers", [fingers_only(one, rng) for one in truths]
    yield "negative", [replace(one, pixels=1 - one.pixels) for one in truths]
    yield "bright collimation, plate and ring", [with_bright_objects(one, rng) for one in truths]
    yield "both hands on one radiograph", [both_hands(*two) for two in zip(truths[::2], truths[1::2], strict=False)]


def mirrored(truth: RadiographTruth) -> RadiographTruth:
    """Return the mirror image, which shows the other hand."""
    last = truth.pixels.shape[1] - 1
    points = {(_OTHER[side], joint): np.array([last - x, y]) for (side, joint), (x, y) in truth.points.items()}
    hidden, unplaced = (
        frozenset((_OTHER[side], joint) for side, joint in keys) for keys in (truth.hidden, truth.unplaced)
    )
    pixels = np.ascontiguousarray(truth.pixels[:, ::-1])
    return replace(truth, pixels=pixels, points=points, hidden=hidden, unplaced=unplaced)


def rotated(truth: RadiographTruth, angle_deg: float) -> RadiographTruth:
    """Return the radiograph rotated about its centre, on a larger array with black corners."""
    pixels = ndimage.rotate(truth.pixels, angle_deg, order=1, cval=0.0)
    angle = np.deg2rad(angle_deg)
    old_centre, new_centre = ((np.array(each.shape[::-1]) - 1) / 2 for each in (truth.pixels, pixels))
    linear = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = {key: linear @ (at - old_centre) + new_centre for key, at in truth.points.items()}
    hidden = truth.hidden | {key for key, at in truth.points.items() if border_distance_mm(at, truth) < 0}
    return replace(truth, pixels=pixels.clip(0, 1).astype(np.float32), points=points, hidden=frozenset(hidden))


def padded(truth: RadiographTruth, rng: np.random.Generator) -> RadiographTruth:
    """Return the radiograph at a random place of a larger one that is black, or bright as its border, elsewhere."""
    rows, cols = truth.pixels.shape
    more = [int((PADDING - 1) * n) for n in (rows, cols)]
    top, left = (int(rng.integers(n + 1)) for n in more)
    border = np.concatenate([truth.pixels[0], truth.pixels[-1], truth.pixels[:, 0], truth.pixels[:, -1]])
    value = 0.0 if rng.random() < 0.5 else float(np.median(border))
    widths = ((top, more[0] - top), (left, more[1] - left))
    pixels = np.pad(truth.pixels, widths, constant_values=np.float32(value))
    return replace(truth, pixels=pixels, points={key: at + (left, top) for key, at in truth.points.items()})


def without_tips(truth: RadiographTruth, rng: np.random.Generator) -> RadiographTruth:
    """Return the radiograph cut off within 8 mm of the uppermost joint."""
    top = min(y for _, y in truth.points.values()) + rng.uniform(-8, 8) * truth.px_per_mm
    return _crop(truth, (max(0, int(top)), 0, *truth.pixels.shape))


def without_wrist(truth: RadiographTruth, rng: np.random.Generator) -> RadiographTruth:
    """Return the radiograph cut off 10 to 35 mm below the lowest joint of the fingers 2 to 5."""
    rows, cols = truth.pixels.shape
    lowest = max((y for (_, joint), (_, y) in truth.points.items() if joint[-1] != "1"), default=rows)
    bottom = min(rows, int(lowest + rng.uniform(10, 35) * truth.px_per_mm))
    return _crop(truth, (0, 0, bottom, cols))


def fingers_only(truth: RadiographTruth, rng: np.random.Generator) -> RadiographTruth:
    """Return the part of the radiograph that shows two or three neighbouring fingers without the palm."""
    first, count = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    fingers = [str(finger) for finger in range(first, min(5, first + count - 1) + 1)]
    at = np.array([point for (_, joint), point in truth.points.items() if joint[-1] in fingers])
    if len(at) < 2:
        return truth
    rows, cols = truth.pixels.shape
    margin = 9 * truth.px_per_mm
    left, right = int(at[:, 0].min() - margin), int(at[:, 0].max() + margin)
    bottom = int(at[:, 1].max() + margin)
    return _crop(truth, (0, max(0, left), min(rows, bottom), min(cols, right)))


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
    pixels = np.ascontiguousarray(truth.pixels[top:bottom, left:right])
    return replace(truth, pixels=pixels, points=points, hidden=truth.hidden | truth.unplaced)


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
    """Return one radiograph with a left hand and another, right hand beside it, thumbs inside; mirrored if needed."""
    left, right = (
        one if all(shown == side for shown, _ in one.points) else mirrored(one)
        for one, side in ((left, "L"), (other, "R"))
    )
    factor = left.px_per_mm / right.px_per_mm
    scaled = ndimage.zoom(right.pixels, factor, order=1).clip(0, 1).astype(np.float32)
    exact = np.array(scaled.shape[::-1]) / right.pixels.shape[::-1]
    rows = max(len(left.pixels), len(scaled))
    parts = [np.pad(each, ((rows - len(each), 0), (0, 0)), mode="edge") for each in (left.pixels, scaled)]
    points = {key: at + (0, rows - len(left.pixels)) for key, at in left.points.items()}
    offset = np.array([left.pixels.shape[1], rows - len(scaled)])
    points |= {key: (at + 0.5) * exact - 0.5 + offset for key, at in right.points.items()}
    name, unplaced = f"{left.name} and {other.name}", left.unplaced | right.unplaced
    return RadiographTruth(np.hstack(parts), points, left.px_per_mm, name, unplaced=unplaced)
