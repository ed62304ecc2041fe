"""Open the folder of a joint pair, the folder of a patient's radiographs, or one DICOM radiograph as layers.

napari asks every plugin about every folder. Whether to read one is decided from its file names, before any slow import.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from napari_jsn.patient.list_files import IMAGE_SUFFIXES, holds_patient, may_be_dicom
from napari_jsn.viewer.layers.read_layer import FIXED, FIXED_MASKS, KEY, MOVING, MOVING_MASKS, role_in_name

LayerData = tuple[Any, dict[str, Any], str]
FileReader = Callable[[str], list[LayerData]]

SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".dcm")

#: The folder of one joint pair has few entries; a folder with more is not read as one.
MAX_PAIR_ENTRIES = 100
#: The same for the folder of one patient, with its folders of DICOM studies and series.
MAX_PATIENT_ENTRIES = 400


def get_folder_reader(path: str | list[str]) -> FileReader | None:
    """Return the file reader of a folder with one ``*fixed*`` and one ``*moving*`` image, or with radiographs.

    Returns None for any other folder or file. A folder of images of different sizes is not left to napari, which could
    only stack images of one size: reading it says what the names of radiographs must state.
    """
    if isinstance(path, list):
        path = path[0] if len(path) == 1 else ""
    files = _files_of(path)
    if _pair_in(files):
        return read_pair_folder
    if path and (holds_patient(path, MAX_PATIENT_ENTRIES) or _sizes_differ(files)):
        return read_patient_folder
    return None


def get_dicom_reader(path: str | list[str]) -> FileReader | None:
    """Return the file reader of one DICOM file, whatever its name; None for anything else."""
    if isinstance(path, list):
        path = path[0] if len(path) == 1 else ""
    return read_dicom if path and may_be_dicom(path) else None


def find_pair(folder: str) -> dict[str, str]:
    """Return role and path of each file of the pair in a folder; empty if it holds none, or more than one."""
    return _pair_in(_files_of(folder))


def _files_of(folder: str) -> dict[str, str]:
    """Return name and path of what is in a folder; empty if there are many, or where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = {entry.name: entry.path for entry in islice(entries, MAX_PAIR_ENTRIES + 1)}
    except OSError:  # not a folder, or not readable
        return {}
    return {} if len(found) > MAX_PAIR_ENTRIES else found


def _pair_in(paths: dict[str, str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for name, path in paths.items():
        stem, suffix = os.path.splitext(name)
        if suffix.lower() not in SUFFIXES or stem.startswith("."):
            continue
        role = role_in_name(stem, mask="mask" in stem.lower())
        if role in files:
            return {}
        if role:
            files[role] = path
    return files if FIXED in files and MOVING in files else {}


def _sizes_differ(paths: dict[str, str]) -> bool:
    """Return whether all are image files, of different sizes, and none is named as one of a joint pair."""
    for name in paths:
        stem, suffix = os.path.splitext(name)
        if suffix.lower() not in IMAGE_SUFFIXES or role_in_name(stem, mask=False):
            return False
    return len(paths) > 1 and len({_size_of(path) for path in paths.values()} - {None}) > 1


def _size_of(path: str) -> tuple[int, int] | None:
    """Return the size of an image file by its header; None where it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def read_pair_folder(path: str | list[str]) -> list[LayerData]:
    """Return the layers of a joint pair: both images, and the masks in the same folder."""
    files = find_pair(path[0] if isinstance(path, list) else path)
    layers = []
    for image_role, mask_role in ((FIXED, FIXED_MASKS), (MOVING, MOVING_MASKS)):
        image = _image(files[image_role], image_role)
        layers.append(image)
        if mask_role in files:
            layers.append(_masks(files[mask_role], mask_role, image[1]))
    return layers


def read_patient_folder(path: str | list[str]) -> list[LayerData]:
    """Return the layers of a patient's folder: frames, and one image a radiograph, visit by visit."""
    from napari_jsn.patient.read import read_patient
    from napari_jsn.viewer.layers.patient import patient_layers

    return patient_layers(read_patient(path[0] if isinstance(path, list) else path, split=False))


def read_dicom(path: str | list[str]) -> list[LayerData]:
    """Return the layer of a DICOM radiograph, in mm where the file states its pixel size."""
    return [_image(path[0] if isinstance(path, list) else path)]


def _image(path: str, role: str | None = None) -> LayerData:
    from napari_jsn.patient.identity import identity_codes
    from napari_jsn.patient.list_files import header_of
    from napari_jsn.radiograph import read_radiograph
    from napari_jsn.radiograph.dicom import is_dicom
    from napari_jsn.viewer.layers.patient import identity_entry, radiograph_metadata, scale_and_units

    radiograph = read_radiograph(path)
    entry = radiograph_metadata(radiograph, role)
    if is_dicom(Path(path)):
        file, _ = header_of(Path(path), Path(path).name)
        entry |= identity_entry(identity_codes([file.identity]))
    options: dict[str, Any] = {"name": Path(path).stem, "metadata": {KEY: entry}, **scale_and_units(radiograph)}
    if radiograph.display_range is not None:
        options["contrast_limits"] = radiograph.display_range
    return radiograph.pixels, options, "image"


def _masks(path: str, role: str, image: dict[str, Any]) -> LayerData:
    """Return the labels layer of bone masks: 1 upper, 2 lower, 3 both."""
    from napari_jsn.joint.read_masks import read_masks
    from napari_jsn.viewer.layers.registration import BONES_STYLE

    options: dict[str, Any] = {
        "name": Path(path).stem,
        "metadata": {KEY: {"role": role}},
        **BONES_STYLE,
        **{key: image[key] for key in ("scale", "units") if key in image},
    }
    return read_masks(path).labels, options, "labels"
