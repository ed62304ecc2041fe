"""The table on the terminal, and the page in the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.contestants import OURS
from benchmarks.peers import PEERS
from benchmarks.rows import Row
from napari_jsn.evaluation.settings import Settings

COLUMNS = (
    "test", "method", "n", "mismatch", "RMSE mm", "bias mm", "reliable", "in 95 % interval", "ms a pair", "more", "bar",
)  # fmt: skip

INTRODUCTION = """\
# Benchmarks

How far the measurement can be trusted, and how it stands against its peers on the same pairs in the same run.
Everything here is made by one command from real radiographs that cannot be passed on; the page holds figures only.

"""

READING = """\
## How to read it

**Known motion.** Each follow-up is a real joint image (22.2 mm wide, 127 x 127 pixels) in which each bone was moved by
a similarity of its own and the exposure changed, so the true narrowing is known. *easy*: turn sd 2 degrees, scale sd
1 %, shift up to 3 px, the bones up to 1 px against each other, noise 1.5 %. *roll*: the same, and the inside of each
bone is shifted sideways by a smooth field (sd 1 px, correlation 8 px), as a bone that turns about its long axis looks.
*hard*: 5 degrees, 3 %, 6 px, noise 4 %. Only images whose two bones do not overlap are used: where they do, no single
image tells which bone a pixel moves with.

**Injected change.** One bone of a real follow-up is moved by 0.05 to 0.5 mm; the change of the answer is compared.

**Phantom.** A physical joint whose gap was set by a micrometer; each of two sets both ways.

**Closure.** Going from one real visit to another directly, and through a third, must agree. It is a lower bound of the
error: what belongs to one visit (how the hand lay) cancels.

**Wrong pairs.** What must be flagged: another joint, another patient, swapped or shifted masks, a strongly bent finger.

**Published pair.** Mean squared difference of the pixels in view, half for each region.

*mismatch*: an error over 1 px (0.17 mm), or for closure a disagreement over 0.175 mm; a method that fails has
mismatched. *RMSE* and *bias* leave mismatches out. *reliable*: share that the method itself trusts. *in 95 % interval*:
share of all pairs, reliable or not, whose interval holds the truth. *n* is the number of pairs; slow peers see the
first of the same pairs. Every method gets the same two images and the same two region masks. No peer says what not to
trust or how uncertain it is; for PIPOC we added both.

PIPOC is our own implementation of the published algorithm, since the authors' public code carries no licence; on the
phantom's radiographs it gives what theirs does to four digits. Pixel size of the real joints is nominal, as their
source states none. Joints that calibrated the uncertainty are not in here.
"""


def print_table(rows: Sequence[Row]) -> None:
    """One table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*COLUMNS, title="napari-jsn against its peers")
    last = ""
    for row in rows:
        if row.test != last and last:
            table.add_section()
        last = row.test
        table.add_row(*_cells(row), style="bold" if row.method == OURS else "")
    Console(width=None if os.isatty(1) else 240).print(table)


def write_page(rows: Sequence[Row], settings: Settings, command: str, notes: Sequence[str], folder: Path) -> Path:
    """Write benchmarks.md and its plots under ``folder``; nothing is left half-written."""
    from benchmarks.plots import write_plots

    plots = write_plots(rows, folder / "images")
    lines = [INTRODUCTION, *_facts(settings, command, notes), ""]
    lines += ["## What it must reach", "", *_table(("test", "n", "bar", "reached"), _bars(rows)), ""]
    lines += ["## All figures", "", *_table(COLUMNS[:-1], [_cells(row)[:-1] for row in rows]), ""]
    lines += [*(f"![{title}](images/{path.name})\n" for title, path in plots), READING]
    page = folder / "benchmarks.md"
    part = page.with_suffix(".part")
    part.write_text("\n".join(lines), encoding="utf-8")
    os.replace(part, page)
    return page


def _table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; the rows of our own method are bold."""
    out = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for cells in lines:
        mark = "**" if OURS in cells else ""
        escaped = (cell.replace("|", "\\|") for cell in cells)
        out.append("| " + " | ".join(f"{mark}{cell}{mark}" if cell else "" for cell in escaped) + " |")
    return out


def _bars(rows: Sequence[Row]) -> list[list[str]]:
    return [[row.test, str(row.n), row.bar, "yes" if row.met else "**no**"] for row in rows if row.met is not None]


def _facts(settings: Settings, command: str, notes: Sequence[str]) -> list[str]:
    peers = [f"{peer.package} {peer.version}" for peer in PEERS if peer.version and peer.package != "numpy"]
    ours = [f"{name} {version(name)}" for name in ("napari-jsn", "torch", "numpy", "scipy")]
    return [
        f"- Command: `{command}` (seed {settings.seed}, {settings.threads} threads)",
        f"- Versions: Python {platform.python_version()}, {', '.join(ours + peers)}",
        f"- Machine: {os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        *(f"- {note}" for note in notes),
    ]


def _cells(row: Row) -> list[str]:
    verdict = "" if row.met is None else (": met" if row.met else ": NOT MET")
    return [
        row.test,
        row.method,
        str(row.n),
        _percent(row.mismatch),
        _figure(row.rmse_mm, "{:.4f}"),
        _figure(row.bias_mm, "{:+.4f}"),
        _percent(row.reliable),
        _percent(row.covered),
        _figure(row.ms, "{:.1f}"),
        row.words,
        row.bar + verdict,
    ]


def _figure(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else ""


def _percent(value: float) -> str:
    return _figure(100 * value, "{:.1f} %")
