"""Joint images and the label images of their bones as files, with one table each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.common.csv_files import records_csv
from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import codes
from napari_jsn.networks.weights import short_identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_jsn.joint import Joint, JointImage
    from napari_jsn.segmentation.found_bones import FoundBones

#: Endings of the files by format.
_ENDINGS = {"png": ".png", "tiff": ".tif"}
SEGMENTATION_TABLE, JOINTS_TABLE = "segmentation.csv", "joints.csv"


def check_format(name: str) -> str:
    """Return the ending of files of a format, ``"png"`` or ``"tiff"``.

    Raises
    ------
    InputError
        If there is no such format.
    """
    if name not in _ENDINGS:
        raise InputError(f"There is no format {name!r}. Choose one of: {', '.join(_ENDINGS)}.", "format")
    return _ENDINGS[name]


def label_names(images: Sequence[Path], format: str, keep_identity: bool = False) -> list[str]:
    """Return the names of label images: ``1_bones.png`` in the given order; if names are kept, ``NAME_bones.png``.

    Raises
    ------
    InputError
        If two joint images would have the same one.
    """
    ending = check_format(format)
    if not keep_identity:
        return [f"{number}_bones{ending}" for number in range(1, len(images) + 1)]
    names: dict[str, Path] = {}
    for path in images:
        name = f"{path.stem}_bones{ending}"
        if name in names:
            raise InputError(
                f"{names[name]} and {path} would both be written as {name}. Give images with different names.", "images"
            )
        names[name] = path
    return list(names)


def segmentation_record(name: str, bones: FoundBones, model: str = "") -> dict[str, object]:
    """Return a row of the table of label images: file, whether it is reliable, reasons, confidence and model."""
    return {
        "file": name,
        "reliable": bones.reliable,
        "reasons": codes(bones.reasons),
        "reason": bones.reason,
        "confidence": round(bones.confidence, 4),
        "model": short_identity(model),
    }


def segmentation_files(names: Sequence[str], found: Sequence[FoundBones], model: str = "") -> dict[str, bytes]:
    """Return names and contents of the label images (1 upper bone, 2 lower, 3 both) and of their table."""
    files = {name: image_bytes(bones.labels, name) for name, bones in zip(names, found, strict=True)}
    records = [segmentation_record(name, bones, model) for name, bones in zip(names, found, strict=True)]
    return {**files, SEGMENTATION_TABLE: records_csv(records)}


def joint_image_bytes(image: JointImage, name: str) -> bytes:
    """Return a joint image as PNG or TIFF of 16 bits, by the ending, with the pixel size as its resolution."""
    return image_bytes(np.round(65535 * image.pixels.astype(float)).astype(np.uint16), name, image.spacing_mm)


def joint_record(file: str, number: int, joint: Joint, spacing_mm: float | None, model: str = "") -> dict[str, object]:
    """Return a row of the table of joints: number of the radiograph, side, joint, box, pixel size, file and model.

    ``row`` and ``col`` are the centre of the box; ``row_1 col_1 ... row_4 col_4`` are its corners, in pixels of the
    radiograph.
    """
    corners = {f"{axis}_{k}": round(float(at), 2) for k, corner in enumerate(joint.box, 1)
               for axis, at in zip(("row", "col"), corner, strict=True)}  # fmt: skip
    row, col = joint.centre
    return {
        "radiograph": number,
        "side": joint.side or "",
        "joint": joint.name,
        "row": round(row, 2),
        "col": round(col, 2),
        "confidence": round(joint.confidence, 4),
        **corners,
        "spacing_mm": None if spacing_mm is None else round(spacing_mm, 6),
        "file": file,
        "model": short_identity(model),
    }


def image_bytes(values: NDArray[np.generic], name: str, spacing_mm: float | None = None) -> bytes:
    """Return a PNG or TIFF file, by the ending of its name, with the pixel size (if known) as its resolution."""
    from PIL import Image

    image, file = Image.fromarray(values), io.BytesIO()
    if name.endswith(_ENDINGS["png"]):
        image.save(file, format="PNG", **({} if spacing_mm is None else {"dpi": (25.4 / spacing_mm,) * 2}))
    else:
        resolution = {} if spacing_mm is None else {"resolution": 10 / spacing_mm, "resolution_unit": "cm"}
        image.save(file, format="TIFF", **resolution)
    return file.getvalue()
