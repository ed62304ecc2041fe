"""The agreement of readers as one HTML page."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from napari_jsn.drawing.svg import tag
from napari_jsn.export.report.page import html_page
from napari_jsn.scoring.agreement import Agreement
from napari_jsn.scoring.total_agreement import SDC_FORMULA

if TYPE_CHECKING:
    import pandas as pd

_KIND = {"jsn": "JSN", "erosion": "erosion", "total": "both"}
_MEASURES = {
    "exact": "exact",
    "balanced": "balanced",
    "within_one": "within one",
    "within_one_balanced": "within one, balanced",
    "kappa_linear": "linear kappa",
    "kappa_quadratic": "quadratic kappa",
}
#: Heads of the columns that name what is compared.
_BETWEEN = {"reader_a": "first reader", "reader_b": "second reader"}
_AGAINST = {"reader_b": "reader"}
_WITHIN = {"reader": "reader", "session_a": "first session", "session_b": "second session"}
_WITHIN_TOTALS = {"reader": "reader", "reader_a": "first session", "reader_b": "second session"}
#: Letters of the longest cell without a line break; intervals have up to 24.
_LONGEST_ON_A_LINE = 30
_CAPTIONS = {
    "confusions-jsn.png": "Joint space narrowing: readers against the consensus.",
    "confusions-erosion.png": "Erosion: readers against the consensus.",
    "confusions-readers-jsn.png": "Joint space narrowing: readers against each other.",
    "confusions-readers-erosion.png": "Erosion: readers against each other.",
    "bland-altman-status.png": "Differences of totals at each visit.",
    "bland-altman-change.png": "Differences of the change of totals.",
    "cumulative-change.png": "Cumulative probability of the change of totals.",
}


def agreement_html(found: Agreement, notes: Sequence[str] = (), pictures: Mapping[str, bytes] | None = None) -> str:
    """Return the agreement of readers as one HTML page, which loads nothing.

    Parameters
    ----------
    found : Agreement
    notes : sequence of str
        Notes of the tables that were read; those of ``found`` are added.
    pictures : mapping of str to bytes, optional
        PNG files of :func:`napari_jsn.scoring.plots.agreement_plots`.
    """
    readers = sorted(
        {str(name) for name in (*found.pairs["reader_a"], *found.pairs["reader_b"], *found.intra["reader"])}
    )
    opening = tag(
        "section",
        tag("h1", "Agreement of readers"),
        tag(
            "p",
            f"Readers: {escape(', '.join(readers))}. JSN is joint space narrowing. For research use only.",
            class_="lead",
        ),
        *(tag("p", escape(note), class_="note") for note in dict.fromkeys((*notes, *found.notes))),
    )
    sections = [
        _measured("Readers against each other", found.pairs, _BETWEEN),
        _measured("Readers against the consensus", found.against_consensus, _AGAINST),
        _pictures(pictures or {}),
        _measured("One reader at two sessions", found.intra, _WITHIN),
        _alphas(found.alpha),
        _totals("Totals: readers", found.totals, {}),
        _totals("Totals: sessions of one reader", found.intra_totals, {"reader": "reader"}),
        _limits("Limits of agreement: readers", found.differences, _BETWEEN),
        _limits("Limits of agreement: sessions of one reader", found.intra_differences, _WITHIN_TOTALS),
        tag("section", tag("h2", "Definitions"), *(tag("p", escape(text)) for text in _DEFINITIONS)),
    ]
    return html_page("Agreement of readers", opening, *sections)


_DEFINITIONS = (
    "Exact: share of equal grades. Balanced: its average over the grades of the first reader (or of the consensus). "
    "Within one: share of grades that differ by at most one. Intervals in brackets are 95 % intervals; those of grades "
    "and of the SDC resample patients with all their sites; those of the ICC are by the F distribution.",
    f"{SDC_FORMULA}. The 80 % form has 1.28 instead of 1.96.",
    "The consensus contains the grades of the reader who is compared with it, which favours the agreement.",
)


def _measured(title: str, table: pd.DataFrame, names: Mapping[str, str]) -> str:
    heads = [*names.values(), "kind", "sites", "patients", *_MEASURES.values()]
    rows = [
        [
            *(str(row[name]) for name in names),
            _KIND[row["kind"]],
            f"{row['n']}",
            f"{row['patients']}",
            *(_with_interval(row, name) for name in _MEASURES),
        ]
        for row in table.to_dict("records")
    ]
    return _section(title, heads, rows)


def _alphas(table: pd.DataFrame) -> str:
    rows = [
        [_KIND[row["kind"]], row["level"], f"{row['readers']}", f"{row['items']}", _with_interval(row, "alpha")]
        for row in table.to_dict("records")
    ]
    return _section("Krippendorff's alpha", ["kind", "level", "readers", "sites", "alpha"], rows)


def _totals(title: str, table: pd.DataFrame, names: Mapping[str, str]) -> str:
    heads = [*names.values(), "kind", "of", "visit", "patients", "ICC(2,1)", "ICC(3,1)", "ICC(2,k)",
             "SEM", "SDC", "SDC of the mean", "SDC, 80 %"]  # fmt: skip
    rows = [
        [
            *(str(row[name]) for name in names),
            _KIND[row["kind"]],
            str(row["of"]),
            str(row["visit"]),
            f"{row['n']}",
            *(_with_interval(row, name, 3) for name in ("icc_2_1", "icc_3_1", "icc_2_k")),
            _number(row["sem"]),
            _with_interval(row, "sdc"),
            *(_number(row[name]) for name in ("sdc_mean", "sdc_80")),
        ]
        for row in table.to_dict("records")
    ]
    return _section(title, heads, rows)


def _limits(title: str, table: pd.DataFrame, names: Mapping[str, str]) -> str:
    heads = [*names.values(), "kind", "of", "visit", "n", "mean difference", "lower limit",
             "upper limit"]  # fmt: skip
    rows = [
        [
            *(str(row[name]) for name in names),
            _KIND[row["kind"]],
            str(row["of"]),
            str(row["visit"]),
            f"{row['n']}",
            *(_with_interval(row, name) for name in ("bias", "limit_low", "limit_high")),
        ]
        for row in table.to_dict("records")
    ]
    return _section(title, heads, rows)


def _pictures(pictures: Mapping[str, bytes]) -> str:
    figures = [
        tag(
            "figure",
            tag(
                "img",
                src=f"data:image/png;base64,{base64.b64encode(content).decode()}",
                alt=_CAPTIONS[name],
                style="max-width: 100%; height: auto",
            ),
            tag("figcaption", _CAPTIONS[name]),
        )  # fmt: skip
        for name, content in pictures.items()
    ]
    return tag("section", tag("h2", "Plots"), *figures) if figures else ""


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = tag("thead", tag("tr", *(tag("th", escape(name)) for name in heads)))
    body = tag("tbody", *(tag("tr", *map(_cell, row)) for row in rows))
    table = tag("table", head, body, class_="plain")
    return tag("section", tag("h2", title), tag("div", table, class_="scroll", style="overflow-x: auto"))


def _cell(text: str) -> str:
    """Return a cell; figures stay on one line, long names of readers do not."""
    return tag("td", escape(text), class_="" if len(text) > _LONGEST_ON_A_LINE else "interval")


def _with_interval(row: Mapping[Any, Any], name: str, decimals: int = 2) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    value = _number(row[name], decimals)
    return value if math.isnan(low) else f"{value} [{low:.{decimals}f}, {high:.{decimals}f}]"


def _number(value: float, decimals: int = 2) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{decimals}f}"
