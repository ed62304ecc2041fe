"""What the command prints of a measured study: a table in anatomical order, and what to know about it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from napari_jsn.export.report.reasons import in_short
from napari_jsn.export.report.unit import Unit
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.progression.progression import Narrowing, Progression

#: Of a joint at a follow-up visit: its side, its name, and the visit.
Key = tuple[str, str, int]


def print_progression(progression: Progression, truths: Mapping[Key, float] | None = None) -> None:
    """Print every joint of every follow-up visit, then why some cannot be relied on, then what else was noticed."""
    unit, rows = Unit.of(progression), progression.narrowings
    many = len({row.visit for row in rows}) > 1
    reasons = list(dict.fromkeys(in_short(row) for row in rows if not row.reliable))
    shown = Table(box=SIMPLE_HEAD, header_style="dim", show_edge=False)
    shown.add_column("Joint", no_wrap=True)
    heads = ["Visit"] if many else []
    heads += [f"JSN ({unit.name})", "95 % interval"] + ([f"Truth ({unit.name})"] if truths is not None else [])
    heads += [f"JSW ({unit.name})", "Reliable"]
    for head in heads:
        shown.add_column(head, no_wrap=True, justify="left" if head == "Reliable" else "right")
    for row in rows:
        cells = [" ".join(word for word in (row.side, row.joint) if word)]
        cells += [str(row.visit)] if many else []
        cells += list(_figures(row, unit))
        cells += [_signed(truths.get((row.side, row.joint, row.visit), math.nan))] if truths is not None else []
        cells += [_widths(row, unit), "yes" if row.reliable else f"no [{reasons.index(in_short(row)) + 1}]"]
        shown.add_row(*map(Text, cells), style="" if row.reliable else "dim")
    console = Console(highlight=False)
    console.print(Text(f"Patient {progression.patient}: narrowing since baseline, positive is narrower", style="bold"))
    console.print(shown)
    notes = _notes(progression)
    if reasons or notes:
        console.print()
    for number, reason in enumerate(reasons, start=1):
        console.print(Text(f"[{number}] {reason}"))
    for note in notes:
        console.print(Text(f"Note: {note}", style="dim"))


def print_accuracy(progression: Progression, truths: Mapping[Key, float]) -> None:
    """Say how near the truth the reliable joints are."""
    rows = [row for row in progression.narrowings if row.reliable and (row.side, row.joint, row.visit) in truths]
    if not rows:
        print("No joint is reliable.")
        return
    truth = [truths[row.side, row.joint, row.visit] for row in rows]
    errors = [row.jsn_mm - known for row, known in zip(rows, truth, strict=True)]
    held = sum(row.ci95_mm[0] <= known <= row.ci95_mm[1] for row, known in zip(rows, truth, strict=True))
    rmse = math.sqrt(sum(error**2 for error in errors) / len(errors))
    largest = max(map(abs, errors))
    print(
        f"\nAgainst the truth, over {len(rows)} reliable joints: RMSE {rmse:.3f} mm, largest error {largest:.3f} mm; "
        f"{held} of {len(rows)} intervals hold it."
    )


def _figures(row: Narrowing, unit: Unit) -> tuple[str, str]:
    found = unit.jsn(row)
    if not found.known:
        return "-", "-"
    decimals = unit.decimals + 1
    return f"{found.value:+.{decimals}f}", f"{found.low:+.{decimals}f} to {found.high:+.{decimals}f}"


def _widths(row: Narrowing, unit: Unit) -> str:
    widths = (unit.jsw(view) for view in (row.baseline, row.followup))
    return " -> ".join(f"{width:.2f}" if math.isfinite(width) else "-" for width in widths)


def _signed(value: float) -> str:
    return f"{value:+.3f}" if math.isfinite(value) else "-"


def _notes(progression: Progression) -> Sequence[str]:
    """What was noticed about all radiographs, and about each."""
    of_films = (
        f"{radiograph_label(film.visit, film.side)}: {note}" for film in progression.films for note in film.notes
    )
    return list(dict.fromkeys((*progression.notes, *of_films)))
