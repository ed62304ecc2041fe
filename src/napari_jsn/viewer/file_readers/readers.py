"""Open a folder that holds a joint pair or a patient's radiographs, or one DICOM radiograph, as named layers.

napari offers every folder to every plugin, so the question whether to read one is answered from
a short look at its file names, before anything heavy is imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_jsn.patient.list_files import holds_study
from napari_jsn.viewer.layers.roles import FIXED, FIXED_MASKS, KEY, MOVING, MOVING_MASKS, role_in_name

LayerData = tuple[Any, dict[str, Any], str]
Read = Callable[[str], list[LayerData]]

SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".dcm")

#: A folder made to hold one pair is small; beyond this many entries it is something else.
MOST_ENTRIES = 100
#: One patient's folder may hold some more, in folders by study and series.
MOST_STUDY_ENTRIES = 400


def get_folder_reader(path: str | list[str]) -> Read | None:
    """The reader of a folder with one ``*fixed*`` and one ``*moving*`` image, or with radiographs; else None."""
    if isinstance(path, list):
        path = path[0] if len(path) == 1 else ""
    if find_pair(path):
        return read_pair_folder
    return read_study_folder if path and holds_study(path, MOST_STUDY_ENTRIES) else None


def get_dicom_reader(path: str | list[str]) -> Read | None:
    """The reader of one DICOM file; None for anything else."""
    if isinstance(path, list):
        path = path[0] if len(path) == 1 else ""
    return read_dicom if path.lower().endswith((".dcm", ".dicom")) else None


def find_pair(folder: str) -> dict[str, str]:
    """Role and path of each file of the pair in a folder; empty if it holds none, or more than one."""
    files: dict[str, str] = {}
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_ENTRIES:
                    return {}
                stem, suffix = os.path.splitext(entry.name)
                if suffix.lower() not in SUFFIXES or stem.startswith("."):
                    continue
                role = role_in_name(stem, mask="mask" in stem.lower())
                if role in files:
                    return {}
                if role:
                    files[role] = entry.path
    except OSError:  # no folder, or one that may not be read
        return {}
    return files if FIXED in files and MOVING in files else {}


def read_pair_folder(path: str | list[str]) -> list[LayerData]:
    """Layers of a joint pair: both images and the masks that lie beside them."""
    files = find_pair(path[0] if isinstance(path, list) else path)
    layers = []
    for image_role, mask_role in ((FIXED, FIXED_MASKS), (MOVING, MOVING_MASKS)):
        image = _image(files[image_role], image_role)
        layers.append(image)
        if mask_role in files:
            layers.append(_masks(files[mask_role], mask_role, image[1]))
    return layers


def read_study_folder(path: str | list[str]) -> list[LayerData]:
    """One layer for each radiograph of a patient, visit by visit."""
    from napari_jsn.patient.read import read_patient
    from napari_jsn.viewer.layers.patient import study_layers

    return study_layers(read_patient(path[0] if isinstance(path, list) else path, split=False))


def read_dicom(path: str | list[str]) -> list[LayerData]:
    """One layer of a DICOM radiograph, in mm where the file says how large its pixels are."""
    return [_image(path[0] if isinstance(path, list) else path)]


def _image(path: str, role: str | None = None) -> LayerData:
    from napari_jsn.radiograph import read_radiograph
    from napari_jsn.viewer.layers.patient import noted, world

    radiograph = read_radiograph(path)
    options = {"name": Path(path).stem, "metadata": {KEY: noted(radiograph, role)}, **world(radiograph)}
    if radiograph.display_range is not None:
        options["contrast_limits"] = radiograph.display_range
    return radiograph.pixels, options, "image"


def _masks(path: str, role: str, image: dict[str, Any]) -> LayerData:
    """A labels layer of bone masks: 1 upper, 2 lower, 3 both."""
    from napari_jsn.joint.read_masks import read_masks
    from napari_jsn.viewer.layers.registration import BONES_LOOK

    options = {
        "name": Path(path).stem,
        "metadata": {KEY: {"role": role}},
        **BONES_LOOK,
        **{key: image[key] for key in ("scale", "units") if key in image},
    }
    return read_masks(path).labels, options, "labels"
