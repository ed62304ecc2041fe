"""What the command prints: a measured pair, the truth beside it, and where files went."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from napari_jsn.cli.pair import FIGURE, MeasuredPair
from napari_jsn.export.write_progression import REPORT
from napari_jsn.registration import labels as words

if TYPE_CHECKING:
    from napari_jsn.simulation.joint_pair import JointPair

#: Files that a reader opens first.
_TO_LOOK_AT = {FIGURE: "Six-panel figure", REPORT: "Report"}


def busy(what: str) -> AbstractContextManager[object]:
    """A sign of life on the terminal while the block runs; nothing where output goes to a file."""
    return Console(stderr=True).status(what)


def print_pair(pair: MeasuredPair, truth: JointPair | None = None) -> None:
    """Print the narrowing, how far to trust it, and the motion of both bones."""
    found = pair.registration
    original, transformed = words.loss_words(found)
    rows = [
        ("Joint space narrowing", words.jsn_words(found)),
        ("95 % interval", words.interval_words(found)),
        ("Reliable", words.reliability_words(found)),
        ("Eq. 7 (dy0 - dy1)", words.eq7_words(found)),
        ("Loss (MSE)", f"{original} before, {transformed} after registration"),
        ("Pixel size", _spacing(pair)),
        ("Method", f"{found.method} on {pair.device}"),
    ]
    if truth is not None:
        rows.insert(1, ("Truth in projection", f"{truth.jsn_projected_mm:+.3f} mm, what registration can find"))
        rows.insert(2, ("Truth in space", f"{truth.jsn_mm:+.3f} mm"))
    styles = {
        "Joint space narrowing": "bold" if found.reliable else "dim",
        "Reliable": "green" if found.reliable else "bold red",
    }
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for name, told in rows:
        facts.add_row(name, Text(told, style=styles.get(name, "")))
    bones = Table(box=SIMPLE_HEAD, header_style="dim", show_edge=False)
    for heading in ("Bone", "scale dz", "turn dtheta (rad)", "dx (px)", "dy (px)"):
        bones.add_column(heading, no_wrap=True)
    for name, motion in (("P0, upper", found.upper), ("P1, lower", found.lower)):
        bones.add_row(name, *words.bone_words(motion))
    console = Console(highlight=False)
    console.print(Text(f"{pair.fixed.name} -> {pair.moving.name}", style="bold"))
    console.print(facts)
    console.print()
    console.print(bones)


def print_files(paths: Sequence[Path]) -> None:
    """Say what was written where; plain lines, unbroken so that they can be copied."""
    if not paths:
        return
    print(f"\nWritten to {paths[0].parent}: {', '.join(path.name for path in paths)}")
    for path in paths:
        if path.name in _TO_LOOK_AT:
            print(f"{_TO_LOOK_AT[path.name]}: {path}")


def _spacing(pair: MeasuredPair) -> str:
    fixed, moving = pair.fixed, pair.moving
    if fixed.spacing_mm is None:
        return f"{words.spacing_words(None)}; give --spacing-mm for millimetres"
    told = f"{words.spacing_words(fixed.spacing_mm)} ({fixed.spacing_source})"
    if (moving.spacing_mm, moving.spacing_source) != (fixed.spacing_mm, fixed.spacing_source):
        told += f"; follow-up {words.spacing_words(moving.spacing_mm)} ({moving.spacing_source})"
    return told


def print_rows(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print figures, their values and 95 % intervals."""
    table = Table(box=SIMPLE_HEAD, header_style="dim", show_edge=False)
    for heading in ("", "value", "95 % interval"):
        table.add_column(heading)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(table)
