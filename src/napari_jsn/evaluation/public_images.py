"""Read the real images, in place, from the folder that the environment variable NAPARI_JSN_DATA names.

None of them may be copied into the project: only figures made from them may leave it.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks

Pixels = NDArray[np.floating[Any]]

#: Pixel size of the crops of 256 pixels, which state none: a joint image of the paper is 22.2 mm wide.
NOMINAL_SPACING_MM = 22.2 / 256

#: Experts' masks that have the same bone twice: joint and visit.
WRONG_MASKS = {("00086_R_11", 3), ("00111_L_5", 3), ("00307_R_5", 0), ("00314_R_13", 2)}
#: Joints that the data has under another number too.
DUPLICATES = {"00157_R_11", "00458_L_5", "00031_L_13", "00462_L_2", "00340_L_8"}

#: Landmarks of a hand (Payer et al.): proximal neighbour, joint, distal neighbour.
HAND_LANDMARKS = {
    "MCP1": (17, 18, 19), "IP1": (18, 19, 20),
    "MCP2": (16, 21, 22), "PIP2": (21, 22, 23),
    "MCP3": (15, 25, 26), "PIP3": (25, 26, 27),
    "MCP4": (14, 29, 30), "PIP4": (29, 30, 31),
    "MCP5": (13, 33, 34), "PIP5": (33, 34, 35),
}  # fmt: skip
#: Convention for the Digital Hand Atlas: landmarks 0 and 4, the width of the wrist, lie 50 mm apart.
WRIST_WIDTH_MM = 50.0


@dataclass(frozen=True)
class FingerJoint:
    """One joint of a patient at one to four visits; their order in time is unknown.

    ``visits`` holds (H, W) float32 images in [0, 1] with the expert's masks.
    """

    case: str
    side: str
    joint: str
    visits: list[tuple[Pixels, BoneMasks]]
    spacing_mm: float

    @property
    def name(self) -> str:
        """Case, side and joint: the name of the folder."""
        return f"{self.case}_{self.side}_{self.joint}"


@dataclass(frozen=True)
class RealPair:
    """Two images of one joint; ``jsn_mm`` is the narrowing that a micrometer set, or None."""

    name: str
    fixed: Pixels
    moving: Pixels
    fixed_masks: BoneMasks
    moving_masks: BoneMasks
    spacing_mm: float
    jsn_mm: float | None = None


@dataclass(frozen=True)
class HandJoint:
    """A joint image cut from a whole hand, finger axis vertical, distal end up; without masks."""

    name: str
    image: Pixels
    spacing_mm: float


def data_folder() -> Path:
    """Return the folder of the real images.

    Raises
    ------
    InputError
        If NAPARI_JSN_DATA is unset or names no folder.
    """
    named = os.environ.get("NAPARI_JSN_DATA", "")
    if not named or not Path(named).is_dir():
        raise InputError(
            "The real images were not found. Set the environment variable NAPARI_JSN_DATA to the folder that has "
            "finger-joints, phantom, published-pair and hands."
        )
    return Path(named)


def finger_joints(
    limit: int | None = None, size: int | None = None, part: str | None = None, min_visits: int = 1
) -> Iterator[FingerJoint]:
    """Yield real MCP joints with experts' masks; wrong masks and duplicate joints are left out.

    Parameters
    ----------
    limit : int, optional
        Stop after this many joints.
    size : int, optional
        128 or less: average 2 x 2 blocks (0.1734 mm/px, near the paper's 0.175) and keep the first ``size``
        rows and columns. None keeps 256 x 256.
    part : {"report", "calibration"}, optional
        Half of the joints, chosen by name: figures are reported on one half and fitted on the other.
    min_visits : int
        Only joints with at least this many visits.
    """
    remaining = limit
    for folder in sorted((data_folder() / "finger-joints").iterdir()):
        if remaining == 0:
            return
        if folder.name in DUPLICATES or (part is not None and part != part_of(folder.name)):
            continue
        names = [path for path in sorted(folder.glob("*.png")) if (folder.name, int(path.stem)) not in WRONG_MASKS]
        if not names or len(names) < min_visits:
            continue
        visits = [_read_visit(path, size) for path in names]
        case, side, joint = folder.name.split("_")
        yield FingerJoint(case, side, joint, visits, NOMINAL_SPACING_MM * (1 if size is None else 2))
        remaining = None if remaining is None else remaining - 1


def part_of(name: str) -> str:
    """Return the half that a joint belongs to: ``"report"`` or ``"calibration"``."""
    return ("report", "calibration")[crc32(name.encode()) % 2]


def phantom() -> list[RealPair]:
    """Return two pairs of a joint phantom whose gap was widened from 1.20 to 1.70 mm, in both directions."""
    pairs = []
    for name, spacing_mm in (("RadiographyAir", 0.15), ("TomosynthesisWater", 0.26)):
        folder = data_folder() / "phantom" / name
        narrow, wide = (read_intensities(folder / f"gap-{gap}mm.png") for gap in ("1.20", "1.70"))
        upper = np.asarray(Image.open(folder / "regions.png")) != 0
        masks = BoneMasks(upper, ~upper)
        pairs.append(RealPair(f"{name} widening", narrow, wide, masks, masks, spacing_mm, -0.5))
        pairs.append(RealPair(f"{name} narrowing", wide, narrow, masks, masks, spacing_mm, 0.5))
    return pairs


def published_pair() -> RealPair:
    """Return the pair of the paper's public repository; its masks are the two halves of the image."""
    folder = data_folder() / "published-pair"
    fixed, moving = (read_intensities(folder / f"sample-{role}.bmp") for role in ("fixed", "moving"))
    masks = []
    for role in ("fixed", "moving"):
        upper = np.asarray(Image.open(folder / f"sample-{role}-mask.bmp")) != 0
        masks.append(BoneMasks(upper, ~upper))
    return RealPair("published pair", fixed, moving, masks[0], masks[1], 0.175)


def hand_joints(size: int = 127, spacing_mm: float = 0.175) -> Iterator[HandJoint]:
    """Yield ten joint images of each whole hand that has landmarks, at one pixel size."""
    folder = data_folder() / "hands"
    with open(folder / "landmarks.csv", newline="") as lines:
        rows = {row[0]: np.array(row[1:], dtype=float).reshape(-1, 2) for row in csv.reader(lines)}
    for path in sorted(folder.glob("*.png")):
        landmarks = rows[path.stem]
        hand = read_intensities(path)
        hand_spacing_mm = WRIST_WIDTH_MM / float(np.linalg.norm(landmarks[0] - landmarks[4]))
        for joint, (proximal, centre, distal) in HAND_LANDMARKS.items():
            axis = _unit(landmarks[centre] - landmarks[distal]) + _unit(landmarks[proximal] - landmarks[centre])
            image = cut(hand, landmarks[centre], axis, spacing_mm / hand_spacing_mm, size)
            yield HandJoint(f"{path.stem} {joint}", image, spacing_mm)


def cut(image: Pixels, centre: NDArray[np.float64], axis: NDArray[np.float64], step: float, size: int) -> Pixels:
    """Cut a square of ``size`` pixels, each ``step`` pixels of ``image`` wide, with ``axis`` pointing down.

    ``centre`` and ``axis`` are (x, y). Where pixels become larger, the image is smoothed first against aliasing.
    """
    from scipy import ndimage

    down = _unit(axis)
    right = np.array([down[1], -down[0]])
    at = (np.arange(size) - (size - 1) / 2) * step
    x, y = (centre[k] + at[:, None] * down[k] + at[None, :] * right[k] for k in (0, 1))
    smooth = ndimage.gaussian_filter(image, max(0.0, (step - 1) / 2))
    return ndimage.map_coordinates(smooth, [y, x], order=3, mode="nearest").clip(0, 1).astype(np.float32)


def read_intensities(path: Path) -> Pixels:
    """Read an 8-bit image as (H, W) float32 in [0, 1]."""
    return np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255


def downsample(values: NDArray[np.generic]) -> Pixels:
    """Return the exact mean of 2 x 2 blocks."""
    rows, cols = values.shape[0] // 2, values.shape[1] // 2
    blocks = values[: 2 * rows, : 2 * cols].astype(np.float32).reshape(rows, 2, cols, 2)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def _read_visit(mask_path: Path, size: int | None) -> tuple[Pixels, BoneMasks]:
    image, bits = read_intensities(mask_path.with_suffix(".jpg")), np.asarray(Image.open(mask_path))
    upper, lower = (bits & 1) != 0, (bits & 2) != 0
    if size is not None:
        image, upper, lower = (downsample(part)[:size, :size] for part in (image, upper, lower))
    return image, BoneMasks(upper >= 0.5, lower >= 0.5)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)
