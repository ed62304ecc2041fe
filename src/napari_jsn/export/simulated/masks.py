"""The bones of a simulated radiograph as label images.

Bones overlap on a radiograph, and a label image has one bone per pixel. So the bones are distributed over the smallest
number of label images in which every bone is complete. ``labels.csv`` lists the label of each bone; it is the same for
all radiographs.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import BONES
from napari_jsn.common.csv_files import records_csv
from napari_jsn.registration.record import Record
from napari_jsn.simulation.shapes.joint_grades import erosion_points
from napari_jsn.simulation.simulated_radiograph import BoneMask, SimulatedRadiograph

LABELS = "labels.csv"
#: The erosions of all radiographs: one row each, with its label image.
EROSIONS = "erosions.csv"
#: Its columns, which it has without erosions as well.
EROSION_COLUMNS = (
    "file", "side", "joint", "bone", "mask", "label", "points", "share", "share_3d", "area_mm2", "depth_mm",
)  # fmt: skip

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
    return _packed([(bone_label(side, bone), box) for (side, bone), box in bones.items()], shape)[0]


def _packed(
    labelled: Iterable[tuple[int, BoneMask]], shape: tuple[int, int]
) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """Return the smallest number of label images that have every mask complete, and the image of each mask."""
    images: list[NDArray[np.uint8]] = []
    chosen = []
    for label, box in labelled:
        where = slice(box.row, box.row + box.mask.shape[0]), slice(box.col, box.col + box.mask.shape[1])
        image = next((image for image in images if not image[where][box.mask].any()), None)
        if image is None:
            image = np.zeros(shape, np.uint8)
            images.append(image)
        image[where][box.mask] = label
        chosen.append(next(k for k, one in enumerate(images) if one is image))
    return images, chosen


def mask_files(simulated: SimulatedRadiograph, stem: str) -> dict[str, bytes]:
    """Return file names and contents: ``<stem>_bones-1.png`` and so on, ``<stem>_erosions-1.png`` of drawn damage."""
    rows, cols = simulated.stored.shape
    images = {"bones": label_images(simulated.bones, (rows, cols)), "erosions": _erosion_images(simulated)[0]}
    return {
        f"{stem}_{name}-{number}.png": _png(image)
        for name, of_name in images.items()
        for number, image in enumerate(of_name, start=1)
    }


def erosion_records(simulated: SimulatedRadiograph, file: str, stem: str) -> list[Record]:
    """Return one row for each drawn erosion; those that the projection does not show have no mask.

    Parameters
    ----------
    simulated : SimulatedRadiograph
    file : str
        Of the radiograph, relative to the tables.
    stem : str
        Of the label images.
    """
    numbers = iter(_erosion_images(simulated)[1])
    rows: list[Record] = []
    for label, one in enumerate(simulated.erosions, start=1):
        mask = "" if one.mask is None else f"{stem}_erosions-{next(numbers) + 1}.png"
        cells = (
            file, one.side, one.joint, one.bone, mask, label,
            erosion_points(one.share), one.share, one.share_3d, one.area_mm2, one.depth_mm,
        )  # fmt: skip
        rows.append(dict(zip(EROSION_COLUMNS, cells, strict=True)))
    return rows


def _erosion_images(simulated: SimulatedRadiograph) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """Return label images of the visible erosions; a label is the erosion's number on the radiograph, from 1."""
    rows, cols = simulated.stored.shape
    visible = [(label, one.mask) for label, one in enumerate(simulated.erosions, start=1) if one.mask is not None]
    return _packed(visible, (rows, cols))


def _png(image: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return file.getvalue()
