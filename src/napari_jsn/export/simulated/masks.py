"""The bones of a simulated radiograph as label images.

Bones overlap on a radiograph, and a label image has one bone per pixel. So the bones are distributed over the smallest
number of label images in which every bone is complete. ``labels.csv`` lists the label of each bone; it is the same for
all radiographs.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import BONES
from napari_jsn.common.csv_files import records_csv
from napari_jsn.simulation.simulated_radiograph import BoneMask, SimulatedRadiograph

LABELS = "labels.csv"

#: All bones with the sesamoids: up to two in front of the head of each metacarpal.
NAMES = (*BONES, *(f"sesamoid MC{ray}{place}" for ray in range(1, 6) for place in "-+"))

#: Label of the first bone of each side.
_FIRST = {"L": 1, "R": 101}


def bone_label(side: str, bone: str) -> int:
    """Return the label of a bone."""
    return _FIRST[side] + NAMES.index(bone)


def labels_csv() -> bytes:
    """Return the table of labels: label, side and bone."""
    rows = [{"label": bone_label(side, bone), "side": side, "bone": bone} for side in _FIRST for bone in NAMES]
    return records_csv(rows)


def label_images(bones: Mapping[tuple[str, str], BoneMask], shape: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Return (H, W) label images that together have every bone complete, overlapping bones in different images."""
    images: list[NDArray[np.uint8]] = []
    for (side, bone), box in bones.items():
        where = slice(box.row, box.row + box.mask.shape[0]), slice(box.col, box.col + box.mask.shape[1])
        image = next((image for image in images if not image[where][box.mask].any()), None)
        if image is None:
            image = np.zeros(shape, np.uint8)
            images.append(image)
        image[where][box.mask] = bone_label(side, bone)
    return images


def mask_files(simulated: SimulatedRadiograph, stem: str) -> dict[str, bytes]:
    """Return file names and contents: ``<stem>_bones-1.png`` and so on."""
    from PIL import Image

    files = {}
    rows, cols = simulated.stored.shape
    for number, image in enumerate(label_images(simulated.bones, (rows, cols)), start=1):
        file = io.BytesIO()
        Image.fromarray(image).save(file, format="PNG")
        files[f"{stem}_bones-{number}.png"] = file.getvalue()
    return files
