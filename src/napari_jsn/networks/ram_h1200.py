"""Find the files of the public data set RAM-H1200, and read its bones.

The set has a folder for each of its tasks, each with the parts train, val and test; a folder that has the parts itself
is read too. Each part of the bones has whole hands and one COCO file.

References
----------
arXiv 2605.05616 (CC BY 4.0).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import read_bytes
from napari_jsn.networks.inputs import LeftOut

#: Name of the set on the command line.
DATASET = "ram-h1200"
#: Parts of the set: to train on, to choose the best epoch, to test on; and other names of their folders.
SPLITS = ("train", "val", "test")
_ALSO = {"val": ("validation",)}
#: What a card states of the set.
SOURCE, TERMS = "RAM-H1200 (arXiv 2605.05616)", "CC BY 4.0"
#: Folders in which the parts lie.
_FOLDERS = (".", "Segmentation", "SvdH_Scoring/SvdH_BE_Scoring", "SvdH_Scoring/SvdH_JSN_Scoring", "SvdH_Scoring")
BONES_FILE = "_annotations_bone_rle.coco.json"
#: The name of a hand image.
HAND_NAME = re.compile(
    r"(?P<patient>[^_]+_[^_]+)_(?P<visit>[^_]+)_(?P<session>[^_]+)_(?P<side>[LR]|left|right)", re.IGNORECASE
)
_ENDINGS = (".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm")
#: The distal and the proximal bone of every joint, as the categories of the COCO files are named.
BONES_OF = {
    **{f"MCP{ray}": (f"PP{ray}", f"MC{ray}") for ray in range(1, 6)},
    "IP1": ("DP1", "PP1"),
    **{f"PIP{ray}": (f"MP{ray}", f"PP{ray}") for ray in range(2, 6)},
    **{f"DIP{ray}": (f"DP{ray}", f"MP{ray}") for ray in range(2, 6)},
}
#: Share of a bone's length that is its head; half the breadth of the strip in its middle whose outermost pixel is its
#: end, as a share of the head's breadth; steps in which the axis is found.
_HEAD, _STRIP, _STEPS = 0.12, 0.15, 3
#: Distance of MCP and PIP in mm of an average adult's hand, by finger: the films state no pixel size.
PROXIMAL_MM = {2: 41.2, 3: 46.1, 4: 42.7, 5: 33.8}


@dataclass(frozen=True)
class HandBones:
    """The bones of one hand.

    Attributes
    ----------
    name : str
        Of the image, without its ending.
    path : Path
    patient, side : str
    pixels : (H, W) float32 array
        In [0, 1], bone bright.
    masks : mapping of bone to (H, W) bool array
        By the names in :data:`BONES_OF`.
    """

    name: str
    path: Path
    patient: str
    side: str
    pixels: NDArray[np.float32] = field(repr=False)
    masks: Mapping[str, NDArray[np.bool_]] = field(repr=False)

    def joints(self) -> dict[str, JointPlace]:
        """Return the places of the joints both of whose bones are there."""
        return {
            joint: joint_place(*(self.masks[bone] for bone in bones))
            for joint, bones in BONES_OF.items()
            if all(bone in self.masks for bone in bones)
        }


@dataclass(frozen=True)
class JointPlace:
    """``(x, y)`` of the middle between the ends of two bones, and a unit vector from the distal to the proximal one."""

    centre: NDArray[np.float64]
    axis: NDArray[np.float64]


def part_folders(folder: Path, split: str) -> list[Path]:
    """Return the folders of one part of the set that are there."""
    names = (split, *_ALSO.get(split, ()))
    found = (folder / place / name for place in _FOLDERS for name in names)
    return [each for each in found if os.path.isdir(each)]


def file_of_part(folder: Path, split: str, name: str) -> Path | None:
    """Return the file of that name of one part of the set; None without one."""
    return next((each / name for each in part_folders(folder, split) if os.path.isfile(each / name)), None)


def images_of_hands(folder: Path) -> dict[str, Path]:
    """Return the images of whole hands of all parts by their names without ending; crops of joints are left out."""
    found: dict[str, Path] = {}
    for split in SPLITS:
        for part in part_folders(folder, split):
            for path in sorted(part.rglob("*")):
                if path.suffix.lower() in _ENDINGS and HAND_NAME.fullmatch(path.stem):
                    found.setdefault(path.stem, path)
    return found


def has_bones(folder: Path) -> bool:
    """Return whether a folder has the bones of the set: a COCO file in the part to train on."""
    return file_of_part(folder, SPLITS[0], BONES_FILE) is not None


def hands_with_bones(folder: Path, split: str, left_out: list[LeftOut]) -> Iterator[HandBones]:
    """Read the hands of one part of the set one after another; what cannot be read is added to ``left_out``.

    Raises
    ------
    InputError
        If there is no COCO file in that part, or it cannot be read.
    """
    from napari_jsn.radiograph import read_radiograph

    file = file_of_part(folder, split, BONES_FILE)
    if file is None:
        raise InputError(f"{folder} has no {split}/{BONES_FILE}. Give the folder of RAM-H1200.", "data")
    images, categories, instances = _coco(file)
    for number, name in images.items():
        stem = Path(name).stem
        stated = HAND_NAME.fullmatch(stem)
        path = file.parent / Path(name).name
        reason = "" if stated else "its name is not CENTRE_PATIENT_DATE_SERIAL_SIDE"
        if not reason and not os.path.isfile(path):
            reason = "no image of this name"
        try:
            if not reason and stated is not None:
                pixels = read_radiograph(path).pixels
                masks = _masks(instances.get(number, []), categories, pixels.shape)
                yield HandBones(stem, path, stated["patient"], stated["side"][0].upper(), pixels, masks)
                continue
        except (InputError, _WrongMaskError) as error:
            reason = str(error).rstrip(".")
        left_out.append(LeftOut(name, reason))


def joint_place(distal: NDArray[np.bool_], proximal: NDArray[np.bool_]) -> JointPlace:
    """Return where the joint of two bones lies, by their masks (H, W), neither of which is empty."""
    points = [np.argwhere(mask)[:, ::-1].astype(float) for mask in (distal, proximal)]
    middles = [each.mean(0) for each in points]
    axis, centre = _unit(middles[1] - middles[0]), middles[0]
    for _ in range(_STEPS):
        across = np.array([-axis[1], axis[0]])
        ends = []
        for each, sign in zip(points, (1, -1), strict=True):
            along, aside = sign * (each @ axis), each @ across
            head = along >= along.max() - _HEAD * np.ptp(along)
            low, high = np.quantile(aside[head], (0.02, 0.98))
            strip = head & (np.abs(aside - (low + high) / 2) <= _STRIP * (high - low))
            ends.append(((low + high) / 2, sign * along[strip if strip.any() else head].max()))
        centre = np.mean([side * across + height * axis for side, height in ends], axis=0)
        axis = _unit(_unit(centre - middles[0]) + _unit(middles[1] - centre))
    return JointPlace(centre, axis)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.hypot(*vector)), 1e-9)


def pixels_per_mm(joints: Mapping[str, JointPlace]) -> float | None:
    """Return pixels per mm of an average adult's hand, by the lengths of the proximal phalanges; None without one."""
    found = [
        float(np.hypot(*(joints[f"MCP{ray}"].centre - joints[f"PIP{ray}"].centre))) / length
        for ray, length in PROXIMAL_MM.items()
        if f"MCP{ray}" in joints and f"PIP{ray}" in joints
    ]
    return float(np.median(found)) if found else None


class _WrongMaskError(ValueError):
    """A mask cannot be read; the message is a phrase."""


def _coco(file: Path) -> tuple[dict[Any, str], dict[Any, str], dict[Any, list[Any]]]:
    """Return file names, names of categories, and instances of each image."""
    try:
        content = json.loads(read_bytes(file))
        images = {each["id"]: str(each["file_name"]) for each in content["images"]}
        categories = {each["id"]: str(each["name"]) for each in content["categories"]}
        instances: dict[Any, list[Any]] = {}
        for each in content["annotations"]:
            instances.setdefault(each["image_id"], []).append((each["category_id"], each["segmentation"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{file} cannot be read as a COCO file. Get it again.", "data") from error
    return images, categories, instances


def _masks(
    instances: list[tuple[Any, Any]], categories: Mapping[Any, str], shape: tuple[int, ...]
) -> dict[str, NDArray[np.bool_]]:
    """Return the masks of the bones of fingers and of the metacarpals; several instances of one are joined."""
    wanted = {bone for bones in BONES_OF.values() for bone in bones}
    masks: dict[str, NDArray[np.bool_]] = {}
    for category, segmentation in instances:
        bone = categories.get(category, "")
        if bone in wanted:
            mask = decoded(segmentation, shape)
            masks[bone] = masks[bone] | mask if bone in masks else mask
    return {bone: mask for bone, mask in masks.items() if mask.any()}


def decoded(segmentation: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the mask (H, W) of a segmentation of COCO: run lengths, as numbers or as text, or polygons.

    Raises
    ------
    ValueError
        If it cannot be read, or has another shape.
    """
    try:
        if isinstance(segmentation, list):
            return _polygons(segmentation, shape)
        counts, size = segmentation["counts"], tuple(segmentation["size"])
        runs = np.array(_run_lengths(counts) if isinstance(counts, str) else counts, dtype=int)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _WrongMaskError("its mask cannot be read") from error
    if size != tuple(shape) or (runs < 0).any() or runs.sum() != np.prod(shape):
        raise _WrongMaskError("its mask has another size than the image")
    filled = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return filled.reshape(shape[::-1]).T  # columns one after another


def _run_lengths(text: str) -> list[int]:
    """Return the run lengths of the text of COCO: groups of 5 bits, the differences from the last but one."""
    found: list[int] = []
    value, bits = 0, 0
    for character in text:
        code = ord(character) - 48
        value |= (code & 31) << bits
        bits += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << bits
        found.append(value + (found[-2] if len(found) > 2 else 0))
        value, bits = 0, 0
    return found


def _polygons(polygons: list[Any], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    from skimage.draw import polygon2mask

    mask = np.zeros(shape, bool)
    for each in polygons:
        mask |= polygon2mask(shape, np.asarray(each, float).reshape(-1, 2)[:, ::-1])
    return mask
