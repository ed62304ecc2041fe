"""A drawn joint pair as files: two images, their masks, and the truth."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from napari_jsn.export.table import csv_bytes, motion_record, table
from napari_jsn.simulation.drawn import DrawnPair

#: Names by role; the folder reader of the viewer knows the roles by these words.
FIXED, MOVING = "drawn-fixed.png", "drawn-moving.png"
FIXED_MASK, MOVING_MASK = "drawn-fixed-mask.png", "drawn-moving-mask.png"
TRUTH = "truth.csv"


def drawn_files(pair: DrawnPair) -> dict[str, bytes]:
    """File names and contents.

    Images are 8-bit grey levels; masks hold 1 (upper bone), 2 (lower) and 3 (both); ``truth.csv``
    tells the pixel size, the narrowing and the motion of both bones.
    """
    truth = {
        "jsn_mm": pair.jsn_mm,
        "jsn_px": pair.jsn_mm / pair.spacing_mm,
        **motion_record(pair.upper, pair.lower, pair.point, pair.axis),
        "spacing_mm": pair.spacing_mm,
    }
    return {
        FIXED: _png(pair.fixed),
        MOVING: _png(pair.moving),
        FIXED_MASK: _png(pair.fixed_masks.labels),
        MOVING_MASK: _png(pair.moving_masks.labels),
        TRUTH: csv_bytes(table([truth])),
    }


def _png(pixels: NDArray[np.generic]) -> bytes:
    from PIL import Image

    if pixels.dtype != np.uint8:
        pixels = np.round(255 * pixels.astype(float)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()
