"""Read the real images, in place, from the folder that the environment variable NAPARI_JSN_DATA names.

None of them may be copied into the project: only numbers and plots computed from them may be published.
"""

from __future__ import annotations

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
from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.segmentation.training.public_joints import DUPLICATES, SPACING_MM, is_left_out

Pixels = NDArray[np.floating[Any]]


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
        names = [path for path in sorted(folder.glob("*.png")) if not is_left_out(folder.name, path.stem)]
        if not names or len(names) < min_visits:
            continue
        visits = [_read_visit(path, size) for path in names]
        case, side, joint = folder.name.split("_")
        yield FingerJoint(case, side, joint, visits, SPACING_MM * (1 if size is None else 2))
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


def read_intensities(path: Path) -> Pixels:
    """Read an 8-bit image as (H, W) float32 in [0, 1]."""
    return np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255


def _read_visit(mask_path: Path, size: int | None) -> tuple[Pixels, BoneMasks]:
    image, bits = read_intensities(mask_path.with_suffix(".jpg")), np.asarray(Image.open(mask_path))
    upper, lower = (bits & 1) != 0, (bits & 2) != 0
    if size is not None:
        image, upper, lower = (block_mean(part, 2)[:size, :size] for part in (image, upper, lower))
    return image, BoneMasks(upper >= 0.5, lower >= 0.5)
