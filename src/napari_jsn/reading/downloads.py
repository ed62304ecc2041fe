"""Files of a patient to keep: the table of grades with who gave them, the report, the structured report."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.errors import InputError
from napari_jsn.common.statistics import Estimate
from napari_jsn.progression.labels import Unit
from napari_jsn.progression.narrowing import Narrowing
from napari_jsn.progression.progression import Progression
from napari_jsn.reading.commands import Scored
from napari_jsn.reading.grades.score_table import ScoreTable, score_table
from napari_jsn.reading.item import Item

if TYPE_CHECKING:
    import pandas as pd

#: What there is, with the endings of the files and their types.
DOWNLOADS = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "html": ("html", "text/html; charset=utf-8"),
    "sr": ("dcm", "application/dicom"),
}


def download(item: Item, what: str, scheme: str = "talk-15") -> tuple[str, str, bytes]:
    """Return name, type and content of a file.

    Parameters
    ----------
    item : Item
    what : {"csv", "xlsx", "html", "sr"}
    scheme : str

    Raises
    ------
    InputError
        If there is no such file, its library is not installed, or the session hides who the patient is.
    """
    if what not in DOWNLOADS:
        raise InputError(f"There is no download {what!r}. Choose one of: {', '.join(DOWNLOADS)}.", "what")
    item.progression  # noqa: B018  # refused where a session hides it
    ending, kind = DOWNLOADS[what]
    make = {"csv": _csv, "xlsx": _xlsx, "html": _html, "sr": _sr}[what]
    name = re.sub(r"[^A-Za-z0-9._-]", "_", item.code).strip("._") or "patient"
    return (
        f"{name}-{'report' if what in ('html', 'sr') else 'scores'}.{ending}",
        kind,
        make(item, score_table(item, scheme)),
    )


def _csv(item: Item, table: ScoreTable) -> bytes:
    return csv_bytes(table.frame())


def _xlsx(item: Item, table: ScoreTable) -> bytes:
    from napari_jsn.export.workbook import workbook_bytes

    figures = item.progression.table().drop(columns="day", errors="ignore")
    return workbook_bytes({**sheets(table, item.progression), "grades": table.frame(), "measurements": figures})


def _html(item: Item, table: ScoreTable) -> bytes:
    from napari_jsn.export.report.page import report_html

    return report_html(item.progression, scores=table.frame()).encode()


def _sr(item: Item, table: ScoreTable) -> bytes:
    from napari_jsn.export.dicom.report import progression_sr

    file = io.BytesIO()
    progression_sr(item.progression, scores=table.frame()).save_as(file, enforce_file_format=True)
    return file.getvalue()


def sheets(table: ScoreTable, progression: Progression) -> Mapping[str, pd.DataFrame]:
    """Return the table of each visit as an interface shows it: sites by side and kind, X where a site is not scored.

    Beside each grade stand a finding or the reason why there is none, the reader who changed it, and the model's grade;
    beside these the narrowing with its interval and state, where the joint was measured.
    """
    import pandas as pd

    unit = Unit.of(progression)
    measured = {(row.visit, row.side, row.joint): row for row in progression.narrowings}
    shown = {}
    for visit in table.visits:
        rows = []
        for site in table.scheme.rows:
            row: dict[str, object] = {"joint": site}
            for side in table.sides:
                for kind in ("erosion", "jsn"):
                    cell = table.cells[visit, side, site, kind]
                    what = " ".join(filter(None, (side, kind)))
                    _, mark, reason = cell.value or (None, "", "")
                    row[what] = "X" if not cell.scored else _shown(cell.value)
                    row[f"{what} finding"] = mark or reason
                    row[f"{what} changed by"] = table.reader if cell.edited else ""
                    row[f"{what} model"] = _shown(cell.initial)
                if visit > 1:
                    row |= _figures(side, unit, measured.get((visit, side, site)))
            rows.append(row)
        shown[f"visit {visit}"] = pd.DataFrame(rows)
    return shown


def _figures(side: str, unit: Unit, narrowing: Narrowing | None) -> dict[str, object]:
    """Return narrowing, interval and state of a joint by the titles of their columns; empty where not measured."""
    jsn = Estimate() if narrowing is None else unit.jsn(narrowing)
    low, high = jsn.ci95
    names = (f"narrowing {unit.name}", f"from {unit.name}", f"to {unit.name}", "state")
    figures = (round(each, unit.decimals) for each in (jsn.value, low, high))
    values = (*figures, "" if narrowing is None else narrowing.state)
    return {" ".join(filter(None, (side, name))): value for name, value in zip(names, values, strict=True)}


def _shown(given: Scored | None) -> float | str:
    """Return a grade as a cell shows it: X with a reason, empty without a grade."""
    grade, _, reason = given or (None, "", "")
    return "X" if reason else "" if grade is None else grade
