"""Print results as tables, and the paths of written files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from napari_jsn.cli.terminal import console, is_quiet, one_line, say
from napari_jsn.common.notes import written_notes
from napari_jsn.export.progression_files import DAY, REPORT
from napari_jsn.export.registration_files import FIGURE
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.progression.labels import Unit, general_reason, joint_label
from napari_jsn.progression.narrowing import Narrowing
from napari_jsn.progression.progression import Progression
from napari_jsn.registration import labels

if TYPE_CHECKING:
    from rich.console import Console

    from napari_jsn.radiograph import Radiograph
    from napari_jsn.registration.result import Registration

#: Side and name of a joint, and the number of a follow-up visit.
JointKey = tuple[str, str, int]
#: Columns of words; columns of figures are aligned on the right.
_TEXT_COLUMNS = ("File", "Patient", "Joint", "Bone", "Side", "State", "Reasons")
#: Wider than any table, in characters.
_ANY_WIDTH = 10_000
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
    heads = ("Bone", "scale dz", "rotation dtheta (rad)", "dx (px)", "dy (px)")
    bones = [
        (name, *labels.motion_labels(motion))
        for name, motion in (("P0, upper", registration.upper), ("P1, lower", registration.lower))
    ]
    screen = console()
    named = keep_identity or screen.is_terminal
    title = f"{fixed.name} -> {moving.name}" if named else "Baseline -> follow-up"
    screen.print(Text(one_line(title), style="bold"))
    screen.print(figures)
    screen.print()
    _print_table(screen, heads, bones, dropped_first=(heads[1], heads[2], heads[3]))


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
    lines, styles = [], []
    for row in rows:
        cells = [joint_label(row), *([str(row.visit)] if several_visits else []), *_estimate(row, unit)]
        if truth is not None:
            cells.append(_signed(truth.get((row.side, row.joint, row.visit), math.nan)))
        state = row.state if row.reliable else f"failed [{reasons.index(general_reason(row)) + 1}]"
        lines.append([*cells, _widths(row, unit), state])
        styles.append("" if row.reliable else "dim")
    screen = console()
    title = f"Patient {progression.patient_id}: narrowing since baseline, positive is narrower"
    screen.print(Text(one_line(title), style="bold"))
    dropped_first = [head for head in (f"JSW ({unit.name})", f"Truth ({unit.name})", "95 % interval") if head in heads]
    _print_table(screen, heads, lines, dropped_first, styles)
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
    screen = console()
    screen.print(Text(one_line(title), style="bold"))
    _print_table(screen, ("", "value", "95 % interval"), rows, dropped_first=("95 % interval",), wrapped=True)


def print_files(paths: Sequence[Path]) -> None:
    """Print the paths of written files without line breaks, so that they can be copied."""
    if not paths or is_quiet():
        return
    say()
    say(one_line(f"Written to {paths[0].parent}: {', '.join(path.name for path in paths)}"))
    for path in paths:
        if path.name in _MAIN_FILES:
            say(one_line(f"{_MAIN_FILES[path.name]}: {path}"))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], dropped_first: Sequence[str] = ()) -> None:
    """Print a table; columns are left out, in the order of ``dropped_first``, where the terminal is too narrow."""
    _print_table(console(), heads, rows, dropped_first)


def _print_table(
    screen: Console,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    dropped_first: Sequence[str] = (),
    styles: Sequence[str] = (),
    wrapped: bool = False,
) -> None:
    """Print a table of which no cell is cut: whole columns are left out on a narrow terminal, and named below.

    What is printed to a file or a pipe has all columns.
    """
    kept, left_out = list(heads), list[str]()
    for head in [*dropped_first, None]:
        table = Table(box=SIMPLE_HEAD, header_style="dim", show_edge=False)
        for name in kept:
            left = wrapped or name in _TEXT_COLUMNS
            table.add_column(name, no_wrap=not wrapped, justify="left" if left else "right")
        for cells, style in zip(rows, styles or [""] * len(rows), strict=True):
            shown = [Text(cell) for name, cell in zip(heads, cells, strict=True) if name in kept]
            table.add_row(*shown, style=style)
        size = Measurement.get(screen, screen.options.update(max_width=_ANY_WIDTH), table)
        least = size.minimum if wrapped else size.maximum
        if least <= screen.width or head is None or not screen.is_terminal:
            break
        kept.remove(head)
        left_out.append(head)
    screen.width = max(screen.width, least)  # a terminal continues a line that is still too long
    screen.print(table)
    if left_out:
        screen.print(Text(f"Left out for lack of width: {', '.join(left_out)}", style="dim"))


def print_json(content: Mapping[str, object], paths: Sequence[Path] = ()) -> None:
    """Print results as JSON, with the paths of the written files; what is not known is null."""
    import json

    text = json.dumps(_plain({**content, "files": [str(path) for path in paths]}), indent=2)
    say(text.replace("\x7f", "\\u007f"))  # the only control character that JSON allows as it is


def _plain(value: object) -> object:
    """Return a value in the types of JSON."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if hasattr(value, "tolist"):  # numbers and arrays of numpy
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def progression_json(progression: Progression, keep_identity: bool = False) -> dict[str, object]:
    """Return what ``--json`` prints of a progression: the rows of ``joints.csv``, and the notes."""
    table = progression.table() if keep_identity else progression.table().drop(columns=DAY)
    return {
        "patient": progression.patient_id,
        "unit": Unit.of(progression).name,
        "narrowings": table.to_dict("records"),
        "notes": written_notes(_notes(progression), keep_identity),
    }
