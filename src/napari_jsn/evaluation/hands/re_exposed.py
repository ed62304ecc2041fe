"""Measure a radiograph against a copy that is rotated, shifted and exposed again: the true narrowing is zero.

The hands are real ones from the folder that ``NAPARI_JSN_DATA`` names; without it there are none.
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

ROTATION_DEG, SHIFT_PX, NOISE = 5.0, (7.3, -4.6), 0.01
#: Folders of whole hands, and the number of images of each.
_FOLDERS = {"hands": 5, "adult-hands": 2, "more-hands": 3}


def re_expose(pixels: np.ndarray, seed: int) -> np.ndarray:
    """Rotate an image about its centre by 5 deg, shift it by subpixels, and change its intensity curve and noise."""
    cos, sin = np.cos(np.deg2rad(ROTATION_DEG)), np.sin(np.deg2rad(ROTATION_DEG))
    linear = np.array([[cos, -sin], [sin, cos]])
    centre = (np.array(pixels.shape) - 1) / 2
    moved = ndimage.affine_transform(pixels, linear, centre - linear @ (centre + SHIFT_PX), order=3, mode="nearest")
    exposed = 0.06 + 0.85 * np.clip(moved, 0, 1) ** 1.15
    noise = NOISE * np.random.default_rng(seed).standard_normal(pixels.shape)
    return np.clip(exposed + noise, 0, 1).astype(np.float32)


def measure_re_exposed() -> tuple[list[Narrowing], int]:
    """Return the narrowings of all hands, and the number of hands; the pixel size is from the length of the hand."""
    narrowings: list[Narrowing] = []
    paths = list(_real_hands())
    for seed, path in enumerate(paths):
        original = read_radiograph(path)
        spacing_mm = HAND_MM / find_joints(original).hand_px
        side = "R" if "right" in path.name else "L"
        copies = original.pixels, re_expose(original.pixels, seed)
        visits = [Radiograph(pixels, spacing_mm, side) for pixels in copies]
        narrowings += measure(*visits).narrowings
    return narrowings, len(paths)


def _real_hands() -> Iterator[Path]:
    root = os.environ.get("NAPARI_JSN_DATA", "")
    for folder, count in _FOLDERS.items() if root else ():
        images = sorted(p for p in (Path(root) / folder).rglob("*") if p.suffix.lower() in (".png", ".jpg", ".tif"))
        yield from images[:count]
