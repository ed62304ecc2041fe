"""Radiographs of hands without damage, which are learned beside simulated ones: real bones, all of grade 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.localization.find_joints import find_joints
from napari_jsn.networks.inputs import LeftOut, first_names
from napari_jsn.networks.task import split_groups
from napari_jsn.patient.patient import Hand
from napari_jsn.radiograph import read_radiograph
from napari_jsn.scoring.crops.patient_images import images_of
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.training.simulated_patients import MASK_STEP, GradedPatients

#: What a card says of them.
SOURCE = "hand radiographs of people without a known joint disease; all their joints are taken to have the grades 0"
#: Name of a folder whose hands are said to be undamaged.
NAME = "undamaged"
#: Share of the hands that are kept for tests, and least number of joints of a hand that is learned.
_KEPT, _LEAST = 0.5, 8
_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".dcm")


def is_undamaged(folder: Path) -> bool:
    """Return whether a folder is one of undamaged hands, by its name."""
    return folder.name == NAME


def read_undamaged(folder: Path, tested: bool = False) -> tuple[GradedPatients, list[LeftOut]]:
    """Read hands without damage: every joint that is found has the grades 0.

    Parameters
    ----------
    folder : Path
        With radiographs of single hands, also in folders; each is one person.
    tested : bool
        Return the half of the hands that is kept for tests, instead of the other one.

    Returns
    -------
    patients : GradedPatients
        Without widths; that nothing is eroded is known.
    left_out : list of LeftOut

    Raises
    ------
    InputError
        If no hand can be used.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give the folder of the undamaged hands.", "data")
    paths = {
        str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _ENDINGS
    }
    kept = split_groups(paths, _KEPT) if len(paths) > 1 else set()
    left_out: list[LeftOut] = []
    names, images, there = [], [], []
    for name, path in paths.items():
        if (name in kept) != tested:
            left_out.append(LeftOut(name, "trained on" if tested else "kept for tests"))
            continue
        try:
            radiograph = read_radiograph(path)
            found = find_joints(radiograph)
        except InputError as error:
            left_out.append(LeftOut(name, str(error)))
            continue
        each, which = images_of([Hand(1, None, radiograph, found)])
        if which.sum() < _LEAST:
            left_out.append(LeftOut(name, "too few finger joints were found on it"))
            continue
        names.append(name)
        images.append(each)
        there.append(which)
    if not names:
        raise InputError(
            f"No hand in {folder} can be used. Left out: {first_names([one.name for one in left_out])}.", "data"
        )
    shape = (len(names), len(SIDES), len(JOINTS))
    known = np.stack(there).reshape(shape)
    pictures = np.stack(images)
    side = pictures.shape[-1]
    return GradedPatients(
        pictures.reshape(*shape, side, side),
        known,
        np.where(known[..., None], 0, -1).repeat(len(HIGHEST), -1).astype(np.int8),
        np.zeros(shape, np.int8),
        np.zeros(shape, np.int8),
        np.full((*shape, 3), np.nan, np.float32),
        tuple(names),
        np.zeros((*shape, side // MASK_STEP, side // MASK_STEP), np.uint8),
    ), left_out
