"""Print results as tables, and the paths of written files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from napari_jsn.cli.terminal import console, is_quiet, one_line, say
from napari_jsn.common.notes import written_notes
from napari_jsn.export.progression_files import REPORT
from napari_jsn.export.registration_files import FIGURE
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.progression.labels import Unit, general_reason, joint_label
from napari_jsn.progression.narrowing import Narrowing
from napari_jsn.progression.progression import Progression
from napari_jsn.registration import labels

if TYPE_CHECKING:
    from napari_jsn.radiograph import Radiograph
    from napari_jsn.registration.result import Registration

#: Side and name of a joint, and the number of a follow-up visit.
JointKey = tuple[str, str, int]
#: Files whose paths are printed on separate lines, with their labels.
_MAIN_FILES = {FIGURE: "Six-panel figure", REPORT: "Report"}


def spinner(message: str) -> AbstractContextManager[object]:
    """Return a context manager that shows a message while its block runs; nothing if output is not a terminal."""
    return nullcontext() if is_quiet() else console(error=True).status(Text(message))


def print_registration(
    fixed: Radiograph, moving: Radiograph, registration: Registration, device: str, keep_identity: bool = False
) -> None:
    """Print the narrowing, its interval and state, and the motion of both bones.

    The files are named on a terminal, and where the identity is kept; what is printed to a file or a pipe is stored.
    """
    original, transformed = labels.loss_labels(registration)
    rows = [
        ("Joint space narrowing", labels.jsn_label(registration)),
        ("95 % interval", labels.interval_label(registration)),
        ("State", labels.state_label(registration)),
        ("Eq. 7 (dy0 - dy1)", labels.eq7_label(registration)),
        ("Loss (MSE)", f"{original} before, {transformed} after registration"),
        ("Pixel size", _spacing(fixed, moving)),
        ("Method", f"{registration.method} on {device}"),
    ]
    styles = {
        "Joint space narrowing": "bold" if registration.reliable else "dim",
        "State": {"good": "green", "wide": "yellow", "failed": "bold red"}[registration.state],
    }
    figures = Table.grid(padding=(0, 2))
    figures.add_column(style="dim", no_wrap=True)
    figures.add_column()
    for name, value in rows:
        figures.add_row(name, Text(value, style=styles.get(name, "")))
    bones = _table()
    for head in ("Bone", "scale dz", "rotation dtheta (rad)", "dx (px)", "dy (px)"):
        bones.add_column(head, no_wrap=True)
    for name, motion in (("P0, upper", registration.upper), ("P1, lower", registration.lower)):
        bones.add_row(name, *labels.motion_labels(motion))
    screen = console()
    named = keep_identity or screen.is_terminal
    title = f"{fixed.name} -> {moving.name}" if named else "Baseline -> follow-up"
    screen.print(Text(one_line(title), style="bold"))
    screen.print(figures)
    screen.print()
    screen.print(bones)


def _spacing(fixed: Radiograph, moving: Radiograph) -> str:
    if fixed.spacing_mm is None:
        return f"{labels.spacing_label(None)}; give --spacing-mm for millimetres"
    label = f"{labels.spacing_label(fixed.spacing_mm)} ({fixed.spacing_source})"
    if (moving.spacing_mm, moving.spacing_source) != (fixed.spacing_mm, fixed.spacing_source):
        label += f"; follow-up {labels.spacing_label(moving.spacing_mm)} ({moving.spacing_source})"
    return label


def print_progression(
    progression: Progression, truth: Mapping[JointKey, float] | None = None, keep_identity: bool = False
) -> None:
    """Print every joint at every follow-up visit, the reasons of figures that have failed, and the notes.

    Notes are printed whole on a terminal. What is printed to a file or a pipe is stored: there they are printed without
    what was taken from the input, unless the identity is kept.

    Parameters
    ----------
    progression : Progression
    truth : mapping of (side, joint, visit) to float, optional
        True narrowing in mm, printed beside the measured one.
    keep_identity : bool
    """
    unit, rows = Unit.of(progression), progression.narrowings
    several_visits = len({row.visit for row in rows}) > 1
    reasons = list(dict.fromkeys(general_reason(row) for row in rows if not row.reliable))
    heads = ["Joint", *(["Visit"] if several_visits else []), f"JSN ({unit.name})", "95 % interval"]
    heads += [*([f"Truth ({unit.name})"] if truth is not None else []), f"JSW ({unit.name})", "State"]
    table = _table()
    for head in heads:
        table.add_column(head, no_wrap=True, justify="left" if head in ("Joint", "State") else "right")
    for row in rows:
        cells = [joint_label(row), *([str(row.visit)] if several_visits else []), *_estimate(row, unit)]
        if truth is not None:
            cells.append(_signed(truth.get((row.side, row.joint, row.visit), math.nan)))
        state = row.state if row.reliable else f"failed [{reasons.index(general_reason(row)) + 1}]"
        table.add_row(*map(Text, [*cells, _widths(row, unit), state]), style="" if row.reliable else "dim")
    screen = console()
    title = f"Patient {progression.patient_id}: narrowing since baseline, positive is narrower"
    screen.print(Text(one_line(title), style="bold"))
    screen.print(table)
    notes = written_notes(_notes(progression), keep_identity or screen.is_terminal)
    if reasons or notes:
        screen.print()
    for number, reason in enumerate(reasons, start=1):
        screen.print(Text(f"[{number}] {reason}"))
    for note in notes:
        screen.print(Text(one_line(f"Note: {note}"), style="dim"))


def print_accuracy(progression: Progression, truth: Mapping[JointKey, float]) -> None:
    """Print the errors of the narrowings that have not failed, compared with the true narrowing."""
    rows = [row for row in progression.narrowings if row.reliable and (row.side, row.joint, row.visit) in truth]
    if not rows:
        say("All joints have failed.")
        return
    true = [truth[row.side, row.joint, row.visit] for row in rows]
    errors = [row.jsn_mm - value for row, value in zip(rows, true, strict=True)]
    covered = sum(row.ci95_mm[0] <= value <= row.ci95_mm[1] for row, value in zip(rows, true, strict=True))
    rmse = math.sqrt(sum(error**2 for error in errors) / len(errors))
    largest = max(map(abs, errors))
    say(
        f"\nError of {len(rows)} joints that have not failed: RMSE {rmse:.3f} mm, largest error {largest:.3f} mm; "
        f"{covered} of {len(rows)} intervals contain the true value."
    )


def _estimate(row: Narrowing, unit: Unit) -> tuple[str, str]:
    jsn, decimals = unit.jsn(row), unit.decimals + 1
    if not jsn.known:
        return "-", "-"
    low, high = jsn.ci95
    return f"{jsn.value:+.{decimals}f}", f"{low:+.{decimals}f} to {high:+.{decimals}f}"


def _widths(row: Narrowing, unit: Unit) -> str:
    widths = (unit.jsw(view) for view in (row.baseline, row.followup))
    return " -> ".join(f"{width:.2f}" if math.isfinite(width) else "-" for width in widths)


def _signed(value: float) -> str:
    return f"{value:+.3f}" if math.isfinite(value) else "-"


def _notes(progression: Progression) -> Sequence[str]:
    """Return the notes on the patient and on each radiograph."""
    of_hands = (
        f"{radiograph_label(hand.visit, hand.side)}: {reason}" for hand in progression.hands for reason in hand.reasons
    )
    return [*progression.notes, *of_hands]


def print_rows(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print a table of results; each row has a name, a value and a 95 % interval."""
    table = _table()
    for head in ("", "value", "95 % interval"):
        table.add_column(head)
    for row in rows:
        table.add_row(*map(Text, row))
    screen = console()
    screen.print(Text(one_line(title), style="bold"))
    screen.print(table)


def print_files(paths: Sequence[Path]) -> None:
    """Print the paths of written files without line breaks, so that they can be copied."""
    if not paths or is_quiet():
        return
    say()
    say(one_line(f"Written to {paths[0].parent}: {', '.join(path.name for path in paths)}"))
    for path in paths:
        if path.name in _MAIN_FILES:
            say(one_line(f"{_MAIN_FILES[path.name]}: {path}"))


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, header_style="dim", show_edge=False)
