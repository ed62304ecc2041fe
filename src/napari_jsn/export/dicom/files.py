"""The DICOM files of a progression: one report, and one segmentation for each radiograph file."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING

from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.export.dicom.report import progression_sr
from napari_jsn.export.dicom.segmentation import bone_masks_seg
from napari_jsn.export.dicom.source import radiograph_path
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    import pandas as pd
    from pydicom import Dataset
else:
    pd = LazyModule("pandas")

REPORT = "progression-sr.dcm"


def dicom_files(
    progression: Progression,
    keep_identity: bool = False,
    when: datetime | None = None,
    scores: pd.DataFrame | None = None,
) -> dict[str, bytes]:
    """Return file names and contents, for :func:`napari_jsn.common.files.write_files`.

    ``progression-sr.dcm`` is the report. ``bones-v01-L-seg.dcm`` has the bones on the radiograph of the left hand at
    visit 1; ``LR`` is a radiograph of both hands.

    Parameters
    ----------
    progression : Progression
    keep_identity : bool
        Keep patient and study as the radiographs state them, instead of the pseudonym.
    when : datetime, optional
        When the objects are made; now by default. The same progression and time give equal files.
    scores : DataFrame, optional
        Grades for the report; see :func:`napari_jsn.export.dicom.grades.grade_groups`.

    Raises
    ------
    InputError
        If highdicom is not installed, nothing was measured, or a radiograph was not read from a DICOM file.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"])
    >>> list(jsn.dicom_files(progression))
    ['progression-sr.dcm', 'bones-v01-L-seg.dcm', 'bones-v02-L-seg.dcm']
    """
    when = when or datetime.now()
    contents = {REPORT: _bytes(progression_sr(progression, keep_identity, when, scores))}
    for path in dict.fromkeys(map(radiograph_path, progression.hands)):
        hands = [hand for hand in progression.hands if radiograph_path(hand) == path]
        sides = "".join(sorted(hand.side or "" for hand in hands)) or "hand"
        name = f"bones-v{hands[0].visit:02d}-{sides}"
        number = sum(other.startswith(name) for other in contents)
        segmentation = bone_masks_seg(progression, path, keep_identity, when)
        if segmentation is not None:
            contents[f"{name}{f'-{number + 1}' if number else ''}-seg.dcm"] = _bytes(segmentation)
    return contents


def _bytes(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
