"""The files of a progression: table, report and DICOM objects."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.output_folder import OutputFolder
from napari_jsn.common.run_record import input_record, run_record
from napari_jsn.export.decisions import decisions_by_figure, insert_decisions, readings_record
from napari_jsn.export.report.page import report_html
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    import pandas as pd

TABLE, REPORT = "joints.csv", "report.html"
#: Column with the days of the visits, which can identify the patient.
DAY = "day"
#: Names of all files of a set; radiographs in the same folder must not match.
NAMES = (TABLE, REPORT, "progression-sr.dcm", "bones-v*-seg.dcm")


def progression_files(
    progression: Progression,
    dicom: bool = False,
    keep_identity: bool = False,
    scores: pd.DataFrame | None = None,
) -> dict[str, bytes]:
    """Return names and contents of the files: the table of joints, the report, and on request the DICOM objects.

    What a person changed and what readers decided is in all of them. Table and report name the patient by the pseudonym
    of the progression, and visits by weeks since baseline. The same progression gives the same bytes at any time and
    place. DICOM objects state when they were made.

    Parameters
    ----------
    progression : Progression
    dicom : bool
        Also a structured report and the segmentations of the bones.
    keep_identity : bool
        DICOM objects keep patient and study as the radiographs state them, instead of the pseudonym. The table has
        the days of the visits, and notes are whole.
    scores : DataFrame, optional
        Grades for the report and the structured report; see :func:`napari_jsn.export.report.scores.scores_section`.

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    InputError
        If DICOM objects are requested and the extra that writes them is not installed.
    """
    table = progression.table() if keep_identity else progression.table().drop(columns=DAY)
    files = {
        TABLE: csv_bytes(_with_decisions(table, progression)),
        REPORT: report_html(progression, keep_identity, scores).encode(),
    }
    if dicom:
        from napari_jsn.export.dicom import dicom_files

        files |= dicom_files(progression, keep_identity, scores=scores)
    return files


def _with_decisions(table: pd.DataFrame, progression: Progression) -> pd.DataFrame:
    """Return the table with what readers decided beside ``changed_by_hand``; without decisions it stays as it is."""
    decided = decisions_by_figure(progression)
    if not decided:
        return table
    keys = list(zip(table["side"], table["joint"], table["visit"], strict=True))
    insert_decisions(table, [decided.get(key, ()) for key in keys])
    return table


def write_progression(
    folder: str | os.PathLike[str],
    progression: Progression,
    dicom: bool = False,
    keep_identity: bool = False,
    argument: str = "out",
) -> list[Path]:
    """Write all files as one set, and ``run.json`` with their hashes; the set of an earlier run is replaced.

    Raises
    ------
    InputError
        As :func:`progression_files`, and if the folder cannot be written, or another run writes to it.

    Examples
    --------
    >>> import tempfile
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in jsn.write_progression(folder, progression)]
    ['joints.csv', 'report.html', 'run.json']
    """
    options = {"method": progression.method, "dicom": dicom, "keep-identity": keep_identity}
    with OutputFolder(folder, NAMES, argument) as output:
        files = progression_files(progression, dicom, keep_identity)
        facts = progression_facts(progression, keep_identity)
        record = run_record(
            "write_progression", options, **facts, seconds=progression.seconds, keep_identity=keep_identity
        )
        return output.write(files, record | readings_record(progression))


def progression_facts(progression: Progression, keep_identity: bool = False) -> dict[str, Any]:
    """Return models, device and radiographs, for :func:`napari_jsn.common.run_record.run_record`.

    A radiograph of both hands is listed once; one without a file is listed by the hash of its pixels.
    """
    inputs: dict[object, dict[str, Any]] = {}
    for hand in progression.hands:
        radiograph = hand.radiograph
        source = radiograph.pixels if radiograph.path is None else radiograph.path
        key = id(radiograph) if radiograph.path is None else radiograph.path
        if key not in inputs:
            inputs[key] = input_record("radiograph", source, keep_identity, visit=hand.visit)
    return {"models": progression.models, "device": progression.device, "inputs": list(inputs.values())}


def is_progression_file(name: str) -> bool:
    """Return whether a file of this name belongs to a set."""
    return any(fnmatchcase(name, pattern) for pattern in NAMES)
