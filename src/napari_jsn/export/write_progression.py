"""Everything that is written about a measured study: table, report, DICOM objects."""

from __future__ import annotations

import os
import re
from pathlib import Path

from napari_jsn.common.file_set import write_set
from napari_jsn.export.report.page import report_html
from napari_jsn.export.table import csv_bytes
from napari_jsn.progression.progression import Progression

TABLE, REPORT = "joints.csv", "report.html"
#: Column with the days of the visits, which may tell who the patient is.
DAY = "day"
#: Names of all files of the set; radiographs that lie in the same folder are none of them.
_OURS = re.compile(r"joints\.csv|report\.html|progression-sr\.dcm|bones-v\d+-(L|R|LR|hand)(-\d+)?-seg\.dcm")


def progression_files(progression: Progression, dicom: bool = False, keep_identity: bool = False) -> dict[str, bytes]:
    """File names and contents: the table of joints, the report, and on demand the DICOM objects.

    Table and report name the patient by the pseudonym of the progression, and visits by weeks since baseline. They do
    not depend on when or where they were made: the same progression gives the same bytes. DICOM objects state when
    they were made.

    Parameters
    ----------
    progression : Progression
    dicom : bool
        Also a structured report and the segmentations of the bones.
    keep_identity : bool
        Of the DICOM objects: keep patient and study as the radiographs state them, instead of the pseudonym. Of the
        table: tell the days of the visits.

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    InputError
        If DICOM objects are asked for and the extra that writes them is not installed.
    """
    table = progression.table() if keep_identity else progression.table().drop(columns=DAY)
    files = {TABLE: csv_bytes(table), REPORT: report_html(progression).encode()}
    if dicom:
        from napari_jsn.export.dicom import dicom_files

        files |= dicom_files(progression, keep_identity)
    return files


def write_progression(
    folder: str | os.PathLike[str],
    progression: Progression,
    dicom: bool = False,
    keep_identity: bool = False,
    argument: str = "out",
) -> list[Path]:
    """Write all of it as one set: an earlier one in this folder is replaced as a whole, or kept as a whole.

    Raises
    ------
    InputError
        As :func:`progression_files`, and if the folder cannot be written.
    """
    return write_set(folder, progression_files(progression, dicom, keep_identity), is_ours, argument)


def is_ours(name: str) -> bool:
    """Whether a file of this name is one of the set."""
    return _OURS.fullmatch(name) is not None
