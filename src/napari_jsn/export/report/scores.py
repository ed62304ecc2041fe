"""The section of a report with the grades of each visit, as a model gave them and a reader changed them."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from napari_jsn.drawing.svg import tag

if TYPE_CHECKING:
    import pandas as pd

_SIDES = {"R": "Right", "L": "Left", "": "Hand, side not known"}
_KINDS = {"erosion": "Erosion", "jsn": "JSN"}
#: Shown where a site was not scored.
_NOT_SCORED = "X"


def scores_section(scores: pd.DataFrame) -> str:
    """Return the grades of all visits, a table each; a grade that a reader changed is marked, with the model's beside.

    Parameters
    ----------
    scores : DataFrame
        ``visit side site kind grade mark not_scored by edited model model_grade``, and perhaps ``model_statement``.
    """
    rows = scores.to_dict("records")
    statements = sorted({str(row.get("model_statement") or "") for row in rows} - {""})
    drawn = []
    for visit, of_visit in groupby(rows, key=lambda row: row["visit"]):
        drawn.append(tag("h3", f"Visit {visit}") + tag("div", _table(list(of_visit)), class_="scroll"))
    by = sorted({str(row["by"]) for row in rows if row["by"]})
    lead = f"Given by: {', '.join(by)}. " if by else "No grade was given. "
    lead += "* marks a grade that the reader gave or changed; that of the model stands in brackets. X: not scored."
    sums = "Sums of these grades are not the Sharp/van der Heijde score."
    stated = "".join(tag("p", escape(text), class_="use") for text in statements)
    return tag("section", tag("h2", "Grades"), stated, tag("p", escape(f"{lead} {sums}"), class_="lead"), *drawn)


def _table(rows: list[dict[Any, Any]]) -> str:
    cells = {(row["site"], row["side"], row["kind"]): row for row in rows}
    sides = list(dict.fromkeys(row["side"] for row in rows))
    columns = [(side, kind) for side in sides for kind in _KINDS]
    head = tag("th", "Joint") + "".join(tag("th", escape(f"{_SIDES[side]}, {_KINDS[kind]}")) for side, kind in columns)
    body = []
    for site in dict.fromkeys(row["site"] for row in rows):
        texts = [tag("td", escape(_text(cells.get((site, side, kind))))) for side, kind in columns]
        body.append(tag("tr", tag("th", escape(site), scope="row"), *texts))
    return tag("table", tag("thead", tag("tr", head)), tag("tbody", *body), class_="plain")


def _text(row: dict[Any, Any] | None) -> str:
    if row is None:
        return _NOT_SCORED
    parts = [f"{row['grade']:g}" if row["grade"] == row["grade"] else ""]
    if row["not_scored"]:
        parts = [f"{_NOT_SCORED} ({row['not_scored'].replace('_', ' ')})"]
    if row["mark"]:
        parts.append(f"({row['mark']})")
    if row["edited"]:
        parts[0] += "*"
        if row["model"]:
            given = f"{row['model_grade']:g}" if row["model_grade"] == row["model_grade"] else _NOT_SCORED
            parts.append(f"[{given}]")
    return " ".join(filter(None, parts)) or "\u2013"
