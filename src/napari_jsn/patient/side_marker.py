"""Read the lead letter beside a hand, L or R, if it is unambiguous; mirrored letters and dark ones on a plate too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.radiograph.resampling import block_mean

#: Pixel size at which letters are searched, and range of the height of letters, in mm.
_STEP_MM, _MIN_MM, _MAX_MM = 0.4, 7.0, 26.0
#: Rows and columns to which every blob is resampled.
_GRID = (32, 24)
#: Smallest and largest ratio of the width of a letter to its height.
_MIN_ASPECT, _MAX_ASPECT = 0.4, 1.0
#: Thresholds at which blobs are segmented, as shares of the brightest intensity.
_LEVELS = np.linspace(0.25, 0.95, 11)
#: Rotations of the letter that are tried, in degrees.
_ROTATIONS_DEG = np.arange(0, 360, 6)
#: Smallest correlation of a blob with a letter's shape, and smallest difference from that of the other letters.
_MIN_CORRELATION, _MIN_DIFFERENCE = 0.8, 0.05
#: Smallest number of times that the same letter must be read, over all thresholds.
_MIN_READINGS = 2
#: A threshold that gives more blobs is skipped, because they are noise.
_MAX_BLOBS = 60
#: Largest side of a plate with a dark letter in mm, and the least share of its bounding box that a plate covers.
_MAX_PLATE_MM, _MIN_PLATE_COVER = 80.0, 0.45
#: Letters of initials, which must not be read as a side.
_OTHERS = "ABCDEFGHKMNPSTUVXZ"


@dataclass(frozen=True)
class Marker:
    """A letter that was read.

    Parameters
    ----------
    side : str
        ``"L"`` or ``"R"``.
    mirrored : bool
        The letter is mirrored: the image is mirrored, or the marker was placed face down.
    correlation : float
        Correlation with the letter's shape, up to 1.
    """

    side: str
    mirrored: bool
    correlation: float


@dataclass(frozen=True)
class _Blob:
    rows: NDArray[np.float64]
    cols: NDArray[np.float64]

    @property
    def middle(self) -> NDArray[np.float64]:
        return np.array([np.ptp(self.rows) / 2 + self.rows.min(), np.ptp(self.cols) / 2 + self.cols.min()])

    @property
    def size(self) -> float:
        return float(max(np.ptp(self.rows), np.ptp(self.cols))) + 1


def read_marker(pixels: NDArray[np.float32], pixel_mm: float) -> Marker | None:
    """Return the side that a lead letter states.

    Blobs that are brighter than their surroundings, and dark ones that a bright plate encloses, are compared with
    letters at all rotations. Only the largest letter of a marker is read; smaller letters are initials.

    Parameters
    ----------
    pixels : (H, W) array
        Bone bright.
    pixel_mm : float
        Size of a pixel, which need not be exact.

    Returns
    -------
    Marker or None
        None if no letter is read, or both L and R are read.
    """
    coarse = _coarse(pixels, pixel_mm)
    read: list[Marker] = []
    for level in _LEVELS * np.quantile(coarse, 0.9995):
        bright = coarse > level
        for mask in (bright, _dark_on_plates(bright)):
            read += _letters_of_blobs(list(_blobs(mask)))
    if len(read) < _MIN_READINGS or len({(marker.side, marker.mirrored) for marker in read}) != 1:
        return None
    return max(read, key=lambda marker: marker.correlation)


def _letters_of_blobs(blobs: list[_Blob]) -> Iterator[Marker]:
    """Yield the letters that blobs show, the largest of each group; many blobs are noise."""
    for blob in blobs if len(blobs) <= _MAX_BLOBS else ():
        near = (other for other in blobs if np.hypot(*(other.middle - blob.middle)) < 2.5 * blob.size)
        if blob.size <= _MAX_MM / _STEP_MM and all(other.size <= blob.size for other in near):
            found = _letter(blob)
            if found is not None:
                yield found


def _dark_on_plates(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the holes of the bright regions that have the size and the compact shape of a plate."""
    holes = np.zeros_like(bright)
    labels, _ = ndimage.label(bright)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        sides = [part.stop - part.start for part in box]
        if min(sides) < _MIN_MM / _STEP_MM or max(sides) > _MAX_PLATE_MM / _STEP_MM:
            continue
        region = labels[box] == number
        filled = ndimage.binary_fill_holes(region)
        if filled.mean() >= _MIN_PLATE_COVER:
            holes[box] |= filled & ~bright[box]
    return holes


def _coarse(pixels: NDArray[np.float32], pixel_mm: float) -> NDArray[np.float32]:
    step = max(round(_STEP_MM / pixel_mm), 1)
    coarse: NDArray[np.float32] = ndimage.zoom(block_mean(pixels, step), step * pixel_mm / _STEP_MM, order=1)
    return coarse


def _blobs(bright: NDArray[np.bool_]) -> Iterator[_Blob]:
    """Yield the groups of connected pixels that are as large as a letter or larger, and not at the image's edge."""
    labels, _ = ndimage.label(bright, structure=np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        height, width = (part.stop - part.start for part in box)
        if max(height, width) < _MIN_MM / _STEP_MM or max(height, width) > 2 * _MAX_MM / _STEP_MM:
            continue
        if any(part.start == 0 or part.stop == size for part, size in zip(box, bright.shape)):
            continue
        rows, cols = np.argwhere(labels[box] == number).T.astype(np.float64)
        yield _Blob(rows + box[0].start, cols + box[1].start)


def _letter(blob: _Blob) -> Marker | None:
    """Return the letter that a blob shows, if it is L or R and differs clearly from other letters."""
    names, shapes = _letters()
    rotated = [grid for angle in np.deg2rad(_ROTATIONS_DEG) if (grid := _upright(blob, float(angle))) is not None]
    if not rotated:
        return None
    best = (_normalised(np.stack(rotated)) @ shapes.T).max(axis=0)
    order = np.argsort(best)[::-1]
    name = names[order[0]]
    letter = name[0]
    other_letters = max((best[k] for k in order if names[k][0] != letter), default=-1.0)
    if letter not in "LR" or best[order[0]] < _MIN_CORRELATION or best[order[0]] - other_letters < _MIN_DIFFERENCE:
        return None
    return Marker(letter, name.endswith("'"), float(best[order[0]]))


def _upright(blob: _Blob, angle: float) -> NDArray[np.float64] | None:
    """Return the rotated blob on the grid; None if it is wider or narrower than a letter."""
    y, x = blob.rows - blob.rows.mean(), blob.cols - blob.cols.mean()
    down, right = np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x
    height, width = np.ptp(down) + 1, np.ptp(right) + 1
    if not _MIN_ASPECT <= width / height <= _MAX_ASPECT:
        return None
    row = ((down - down.min() + 0.5) / height * _GRID[0]).astype(int)
    col = ((right - right.min() + 0.5) / width * _GRID[1]).astype(int)
    grid = np.zeros(_GRID)
    grid[row, col] = 1.0
    return grid


def _normalised(grids: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each of (n, H, W) images smoothed, as a row with mean 0 and length 1."""
    rows = ndimage.gaussian_filter(grids, (0, 1.2, 1.2)).reshape(len(grids), -1)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    # a blob that fills its box has no shape: its row is 0
    unit: NDArray[np.float64] = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-9)
    return unit


@cache
def _letters() -> tuple[list[str], NDArray[np.float64]]:
    """Return names of letters (mirrored ones with a prime, "L'") and their shapes, a row each; thin and bold."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(80)
    names, grids = [], []
    for letter in "LR" + _OTHERS:
        for bold in (0, 3, 6):
            image = Image.new("L", (160, 160))
            ImageDraw.Draw(image).text((40, 30), letter, fill=255, font=font, stroke_width=bold)
            drawn = image.crop(image.getbbox())
            grid = np.asarray(drawn.resize(_GRID[::-1], Image.Resampling.BOX), dtype=float) / 255
            names += [letter, f"{letter}'"]
            grids += [grid, grid[:, ::-1]]
    return names, _normalised(np.array(grids))
