"""The files of scores: the table of sites, the totals and the report."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.run_record import input_record
from napari_jsn.export.scores.report import scores_html

if TYPE_CHECKING:
    from napari_jsn.scoring.automatic.result import Scores

TABLE, TOTALS, REPORT, DICOM = "scores.csv", "totals.csv", "report.html", "scores-sr.dcm"
#: Names of all files of a set; radiographs in the same folder must not match.
NAMES = (TABLE, TOTALS, REPORT, DICOM)


def score_files(scores: Scores, keep_identity: bool = False, dicom: bool = False) -> dict[str, bytes]:
    """Return names and contents of the files; each states what the network learned on.

    ``scores.csv`` is a long table that the commands for readers' scores read, with the method as the reader.

    Parameters
    ----------
    scores : Scores
    keep_identity : bool
        Notes are written whole, with what they take from the input.
    dicom : bool
        Also a DICOM structured report.

    Raises
    ------
    InputError
        If a structured report is requested and the extra that writes it is not installed, or a radiograph is no DICOM
        file.
    """
    table = scores.table().assign(reader=scores.reader, statement=scores.statement)
    files = {
        TABLE: csv_bytes(table),
        TOTALS: csv_bytes(scores.totals().assign(method=scores.method, statement=scores.statement)),
        REPORT: scores_html(scores, keep_identity).encode(),
    }
    if dicom:
        from napari_jsn.export.scores.structured_report import scores_sr

        file = BytesIO()
        scores_sr(scores, keep_identity).save_as(file, enforce_file_format=True)
        files[DICOM] = file.getvalue()
    return files


def score_facts(scores: Scores, keep_identity: bool = False) -> dict[str, Any]:
    """Return statement, models, device and radiographs, for :func:`napari_jsn.common.run_record.run_record`."""
    inputs: dict[object, dict[str, Any]] = {}
    for hand in scores.hands:
        radiograph = hand.radiograph
        source = radiograph.pixels if radiograph.path is None else radiograph.path
        key = id(radiograph) if radiograph.path is None else radiograph.path
        if key not in inputs:
            inputs[key] = input_record("radiograph", source, keep_identity, visit=hand.visit)
    return {
        "statement": scores.statement,
        "models": dict(scores.models),
        "device": scores.device,
        "inputs": list(inputs.values()),
    }
