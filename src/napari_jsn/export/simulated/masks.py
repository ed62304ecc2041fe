"""The bones of a simulated film as label images.

Bones overlap on a radiograph, and a label image holds one bone a pixel. So the bones of a film are dealt out over as
few label images as keep every one whole; ``labels.csv`` tells which value is which bone, the same in every film.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import BONES
from napari_jsn.simulation.simulated_radiograph import BoneMask, SimulatedRadiograph

LABELS = "labels.csv"

#: Sesamoids lie before the heads of some metacarpals, up to two to a head.
NAMES = (*BONES, *(f"sesamoid MC{ray}{place}" for ray in range(1, 6) for place in "-+"))

#: Left bones count from 1, right ones from 101.
_FIRST = {"L": 1, "R": 101}


def bone_label(side: str, bone: str) -> int:
    """The value of a bone in label images."""
    return _FIRST[side] + NAMES.index(bone)


def labels_csv() -> bytes:
    """Which value is which bone."""
    rows = [f"{bone_label(side, bone)},{side},{bone}" for side in _FIRST for bone in NAMES]
    return "\n".join(["label,side,bone", *rows, ""]).encode()


def label_images(bones: Mapping[tuple[str, str], BoneMask], shape: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """(H, W) label images that together hold every bone whole, overlapping ones in different images."""
    images: list[NDArray[np.uint8]] = []
    for (side, bone), box in bones.items():
        where = slice(box.row, box.row + box.mask.shape[0]), slice(box.col, box.col + box.mask.shape[1])
        image = next((image for image in images if not image[where][box.mask].any()), None)
        if image is None:
            image = np.zeros(shape, np.uint8)
            images.append(image)
        image[where][box.mask] = bone_label(side, bone)
    return images


def mask_files(film: SimulatedRadiograph, stem: str) -> dict[str, bytes]:
    """File names and contents: ``<stem>_bones-1.png`` and so on."""
    from PIL import Image

    files = {}
    rows, cols = film.stored.shape
    for number, image in enumerate(label_images(film.bones, (rows, cols)), start=1):
        file = io.BytesIO()
        Image.fromarray(image).save(file, format="PNG")
        files[f"{stem}_bones-{number}.png"] = file.getvalue()
    return files
