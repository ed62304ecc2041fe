"""A simulated joint pair as files: two images, their masks and the truth."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.export.simulated.truth import TRUTH, joint_record
from napari_jsn.export.table import table
from napari_jsn.simulation.joint_pair import JointPair

#: File names. The viewer's file reader finds the role of a file by these words.
FIXED, MOVING = "baseline.png", "follow-up.png"
FIXED_MASK, MOVING_MASK = "baseline-mask.png", "follow-up-mask.png"
NAMES = (FIXED, MOVING, FIXED_MASK, MOVING_MASK, TRUTH)


def pair_files(pair: JointPair) -> dict[str, bytes]:
    """Return file names and contents.

    Images have 8 bits. Masks have the values 1 (upper bone), 2 (lower) and 3 (both). ``truth.csv`` has one row for each
    image, with those columns of a patient's truth that apply to a joint image.
    """
    visits = ((FIXED, pair.fixed_truth), (MOVING, pair.moving_truth))
    rows = [
        {"file": file, "visit": visit, "spacing_mm": pair.spacing_mm, **joint_record(truth)}
        for visit, (file, truth) in enumerate(visits, start=1)
    ]
    return {
        FIXED: _png(pair.fixed),
        MOVING: _png(pair.moving),
        FIXED_MASK: _png(pair.fixed_masks.labels),
        MOVING_MASK: _png(pair.moving_masks.labels),
        TRUTH: csv_bytes(table(rows)),
    }


def _png(pixels: NDArray[np.generic]) -> bytes:
    from PIL import Image

    if pixels.dtype != np.uint8:
        pixels = np.round(255 * pixels.astype(float)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()
