"""What holds over all joints: the figures at the head of the report, and the summaries."""

from __future__ import annotations

from html import escape

from napari_jsn.export.report.svg import signed, tag
from napari_jsn.export.report.unit import Unit
from napari_jsn.study.progression import Progression


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


def summary_section(progression: Progression) -> str:
    """Summaries by hand and by kind of joint."""
    return tag("p", "")
