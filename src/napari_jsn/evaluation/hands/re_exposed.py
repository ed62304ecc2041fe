"""The same radiograph turned, shifted, exposed anew and made noisier: nothing narrowed, and all that is found is error.

Real hands from the folder that ``NAPARI_JSN_DATA`` names; without it there are none, and the page says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_jsn import Radiograph, find_joints, read_radiograph
from napari_jsn.localization.mean_hand import HAND_MM
from napari_jsn.progression.measure import measure
from napari_jsn.progression.progression import Narrowing

TURN_DEG, SHIFT_PX, NOISE = 5.0, (7.3, -4.6), 0.01
#: Folders of whole hands, and how many of each are taken.
_FOLDERS = {"hands": 5, "adult-hands": 2, "more-hands": 3}


def taken_again(pixels: np.ndarray, seed: int) -> np.ndarray:
    """An image turned about its middle by 5 deg, shifted by parts of a pixel, with another curve and more noise."""
    cos, sin = np.cos(np.deg2rad(TURN_DEG)), np.sin(np.deg2rad(TURN_DEG))
    linear = np.array([[cos, -sin], [sin, cos]])
    middle = (np.array(pixels.shape) - 1) / 2
    moved = ndimage.affine_transform(pixels, linear, middle - linear @ (middle + SHIFT_PX), order=3, mode="nearest")
    exposed = 0.06 + 0.85 * np.clip(moved, 0, 1) ** 1.15
    noise = NOISE * np.random.default_rng(seed).standard_normal(pixels.shape)
    return np.clip(exposed + noise, 0, 1).astype(np.float32)


def measure_again() -> tuple[list[Narrowing], int]:
    """The rows of all hands, and how many hands there were; the pixel size is taken from the hand's length."""
    rows: list[Narrowing] = []
    paths = list(_real_hands())
    for seed, path in enumerate(paths):
        plain = read_radiograph(path)
        spacing_mm = HAND_MM / find_joints(plain).hand_px
        side = "R" if "right" in path.name else "L"
        visits = [Radiograph(each, spacing_mm, side) for each in (plain.pixels, taken_again(plain.pixels, seed))]
        rows += measure(*visits).narrowings
    return rows, len(paths)


def _real_hands() -> Iterator[Path]:
    root = os.environ.get("NAPARI_JSN_DATA", "")
    for folder, count in _FOLDERS.items() if root else ():
        images = sorted(p for p in (Path(root) / folder).rglob("*") if p.suffix.lower() in (".png", ".jpg", ".tif"))
        yield from images[:count]
