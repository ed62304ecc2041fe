"""The DICOM files of a progression: one report, and one segmentation per radiograph."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING

from napari_jsn.export.dicom.bones import bone_masks_seg
from napari_jsn.export.dicom.report import progression_sr
from napari_jsn.export.dicom.source import film_path
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    from pydicom import Dataset

REPORT = "progression-sr.dcm"


def dicom_files(p: Progression, keep_identity: bool = False, when: datetime | None = None) -> dict[str, bytes]:
    """File names and contents, for :func:`napari_jsn.common.files.write_files`.

    ``progression-sr.dcm`` is the report; ``bones-v01-L-seg.dcm`` the bones on the film of visit 1 and the left hand
    (``LR`` for a film of both).

    Parameters
    ----------
    p : Progression
    keep_identity : bool
        Keep patient and study as the radiographs state them, instead of the pseudonym.
    when : datetime, optional
        When the objects are made; now by default. Files made of one progression at one time are equal.

    Raises
    ------
    InputError
        If highdicom is not installed, nothing was measured, or a film was not read from a DICOM file.
    """
    when = when or datetime.now()
    contents = {REPORT: _bytes(progression_sr(p, keep_identity, when))}
    for path in dict.fromkeys(map(film_path, p.films)):
        films = [film for film in p.films if film_path(film) == path]
        sides = "".join(sorted(film.side or "" for film in films)) or "hand"
        name = f"bones-v{films[0].visit:02d}-{sides}"
        number = sum(other.startswith(name) for other in contents)
        segmentation = bone_masks_seg(p, path, keep_identity, when)
        if segmentation is not None:
            contents[f"{name}{f'-{number + 1}' if number else ''}-seg.dcm"] = _bytes(segmentation)
    return contents


def _bytes(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
