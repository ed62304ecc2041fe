"""What holds over all joints: the figures at the head of the report, and the summaries."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from napari_jsn.drawing.svg import plain, signed, tag
from napari_jsn.export.report.rows import HANDS
from napari_jsn.export.report.timeline import visit_labels
from napari_jsn.export.report.unit import Unit
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    import pandas as pd

_HANDS = {**HANDS, "both": "Both hands"}


def facts(progression: Progression, unit: Unit) -> str:
    """A few figures at the head of the report: those of the last visit."""
    last = max((row.visit for row in progression.narrowings), default=1)
    rows = [row for row in progression.narrowings if row.visit == last]
    trusted = [row for row in rows if row.reliable]
    told = [(f"{len(trusted)} of {len(rows)}", "joints reliable at the last visit")]
    if trusted:
        values = [unit.jsn(row).value for row in trusted]
        most = max(trusted, key=lambda row: unit.jsn(row).value)
        beyond = sum(unit.jsn(row).low > 0 for row in trusted)
        told.append((f"{signed(sum(values) / len(values))} {unit.name}", "mean narrowing of these"))
        name = " ".join(word for word in (most.side, most.joint) if word)
        told.append((f"{signed(unit.jsn(most).value, unit.decimals)} {unit.name}", f"largest: {escape(name)}"))
        told.append((str(beyond), "joints whose 95 % interval lies above zero"))
    return tag("div", *(tag("div", tag("b", figure), tag("span", words)) for figure, words in told), class_="facts")


def summary_section(progression: Progression, unit: Unit) -> str:
    """Summaries by hand and by kind of joint: of the last visit, and of whole hands at the earlier ones."""
    if unit.name == "px":
        return tag("p", "Without a pixel size there are no summaries in millimetres.", class_="note")
    from napari_jsn.progression.summary import summaries

    table = summaries(progression)
    if table.empty:
        return ""
    last = table["visit"].max()
    shown = table[(table["visit"] == last) | (table["group"] == "all")]
    named = visit_labels(progression)
    heads = [
        "Joints",
        *(["Visit"] if table["visit"].nunique() > 1 else []),
        "Reliable",
        "Mean JSN (mm)",
        "95 % interval",
    ]
    heads += ["Largest (mm)", "SDC (mm)"]
    body = []
    for side, of_hand in shown.groupby("side", sort=False):
        hand = tag("tr", tag("th", _HANDS.get(str(side), str(side)), colspan=len(heads), class_="hand"))
        ordered = of_hand.assign(whole=of_hand["group"] != "all").sort_values(["whole", "visit"], kind="stable")
        rows = [_row(row, named if "Visit" in heads else None) for row in ordered.to_dict("records")]
        body.append(tag("tbody", hand, *rows))
    head = tag("thead", tag("tr", *(tag("th", name) for name in heads)))
    return tag("div", tag("div", tag("table", head, *body, class_="plain"), class_="scroll"), _sdc(shown, last))


def _row(row: Mapping[Hashable, Any], named: Mapping[int, str] | None) -> str:
    group = "All" if row["group"] == "all" else str(row["group"])
    largest = f" ({row['largest_joint']})" if row["largest_joint"] else ""
    interval = f"{signed(row['ci_low_mm'])} to {signed(row['ci_high_mm'])}" if row["reliable"] else ""
    cells = [
        *([named.get(row["visit"], str(row["visit"]))] if named is not None else []),
        f"{row['reliable']} of {row['joints']}",
        signed(row["mean_jsn_mm"]),
        interval,
        signed(row["largest_jsn_mm"]) + largest,
        plain(row["sdc_mm"]),
    ]
    return tag("tr", tag("th", group, scope="row"), *(tag("td", escape(cell), class_="interval") for cell in cells))


def _sdc(table: pd.DataFrame, last: int) -> str:
    """What the SDC is, and what closure says of it."""
    told = (
        "Means are over reliable joints. SDC, the smallest detectable change of one joint: 1.96 times the root mean "
        "square of the joints' standard uncertainties (Bruynesteyn et al. 2005)."
    )
    whole = table[(table["visit"] == last) & (table["group"] == "all")]
    closure = float(whole["closure_sdc_mm"].iloc[-1])
    if math.isfinite(closure):
        told += (
            f" From what triangles of visits leave open it would be {plain(closure)} mm: a lower bound, for an error "
            "that belongs to a visit cancels."
        )
    return tag("p", told, class_="note small")
