"""The films of a study as they are measured, and the joints on each: found, or handed over."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.joint import Joint
from napari_jsn.localization.find_joints import find_joints, find_joints_many
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.patient.check import check_films, check_study
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.patient.patient import Patient
from napari_jsn.patient.read import patient_of, read_patient
from napari_jsn.patient.split import split_study
from napari_jsn.patient.view_position import without_oblique
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.radiograph import GIVEN
from napari_jsn.radiograph.spacing import check_spacing

#: Visit and side; the side is None where it is not known.
Place = tuple[int, str | None]


@dataclass(frozen=True, eq=False)
class Hand:
    """One radiograph of one hand before its joints are measured.

    ``joints`` are those found or given, ``missing`` the names of those out of view, ``reasons`` what makes all of them
    doubtful.
    """

    visit: int
    day: date | None
    radiograph: Radiograph
    joints: tuple[Joint, ...] = ()
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def side(self) -> str | None:
        """``"L"``, ``"R"``, or None where it is not known."""
        return self.radiograph.side

    @property
    def place(self) -> Place:
        """Visit and side."""
        return self.visit, self.side

    @property
    def name(self) -> str:
        """How sentences call it: ``"visit 1, left"``."""
        return radiograph_label(self.visit, self.side)


def open_study(baseline: Any, followups: Sequence[Any], spacing_mm: Any) -> Patient:
    """The study that is handed over in one of its forms; films of both hands are not told apart yet.

    Raises
    ------
    InputError
        If there is no follow-up, or a study and further radiographs are given.
    """
    spacing = check_spacing(spacing_mm)
    is_folder = isinstance(baseline, (str, os.PathLike)) and Path(baseline).is_dir()
    if (is_folder or isinstance(baseline, Patient)) and followups:
        raise InputError("A study holds all its visits. Give it alone, or radiographs one by one.", "followup")
    if isinstance(baseline, Patient):
        study = baseline
    elif is_folder:
        study = read_patient(baseline, split=False)
    else:
        study = patient_of(baseline, *followups, split=False)
    if len(study.visits) < 2:
        raise InputError(
            "There is only one visit, and narrowing is a change between two. Give a follow-up radiograph.", "followup"
        )
    if spacing is None:
        return study
    visits = (
        replace(
            visit,
            radiographs=tuple(replace(r, spacing_mm=spacing, spacing_source=GIVEN) for r in visit.radiographs),
        )
        for visit in study.visits
    )
    return replace(study, visits=tuple(visits))


def find_on_films(
    study: Patient, boxes: Mapping[Place, Sequence[Joint]], model: str, device: str, progress: Progress
) -> tuple[list[Hand], tuple[str, ...]] | None:
    """Tell hands apart and find the joints of every film that none are given for.

    Returns
    -------
    films : list of Hand
        By visit, the right hand before the left; one a hand and visit.
    notes : tuple of str
        On the study.
    None
        If aborted.

    Raises
    ------
    InputError
        If the films cannot be compared; see :func:`napari_jsn.patient.check.check_study`.
    """
    seen: list[tuple[Radiograph, FoundJoints]] = []

    def find(film: Radiograph, **options: Any) -> FoundJoints:
        found = find_joints(film, **options)
        seen.append((film, found))
        return found

    study = without_oblique(study)
    needs_side = any(
        film.side is None and (visit.number, None) not in boxes for visit in study.visits for film in visit.radiographs
    )
    if needs_side:
        study = split_study(study, model, device, progress, find)
        if progress.aborted:
            return None
    check_films(study)  # before any hand is looked for
    films = [Hand(visit.number, visit.day, film) for visit in study.visits for film in visit.radiographs]
    joints = {film.place: _given(film, boxes[film.place]) for film in films if film.place in boxes}
    joints |= {
        film.place: found
        for film in films
        for whole, found in seen
        if film.place not in joints and _is_one(film.radiograph, whole, found)
    }
    asked = [film for film in films if film.place not in joints]
    found = find_joints_many([film.radiograph for film in asked], model, device, progress=progress) if asked else []
    if len(found) < len(asked):
        return None
    joints |= {film.place: each for film, each in zip(asked, found, strict=True)}
    notes = check_study(study, joints)
    return [_with_joints(film, joints[film.place]) for film in films], (*study.notes, *notes)


def _is_one(film: Radiograph, whole: Radiograph, found: FoundJoints) -> bool:
    """Whether joints found on a film whose side was not known are those of this one."""
    return found.sides == (film.side,) and film.shape == whole.shape and np.array_equal(film.pixels, whole.pixels)


def _given(film: Hand, joints: Sequence[Joint]) -> FoundJoints:
    """Joints that were handed over, as if they had been found."""
    names = [joint.name for joint in joints]
    if strange := [name for name in names if name not in JOINTS]:
        raise InputError(f"There is no finger joint {strange[0]!r}. Choose one of: {', '.join(JOINTS)}.", "boxes")
    if len(set(names)) < len(names):
        raise InputError(f"{film.name.capitalize()}: a joint has several boxes. Give one for each joint.", "boxes")
    side = film.side or ""
    return FoundJoints(
        tuple(sorted(joints, key=lambda joint: JOINTS.index(joint.name))),
        tuple((side, name) for name in JOINTS if name not in names),
        (side,) if side else (),
        GIVEN,
    )


def _with_joints(film: Hand, found: FoundJoints) -> Hand:
    mine = tuple(joint for joint in found if joint.side == film.side) or tuple(found)
    names = {joint.name for joint in mine}
    missing = tuple(name for name in JOINTS if name not in names)
    return replace(film, joints=mine, missing=missing, reasons=tuple(found.reasons))
