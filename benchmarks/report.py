"""Print the table, and write the page docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.methods_compared import OURS, BenchmarkRow
from benchmarks.peers import PEERS
from benchmarks.plots import write_plots
from napari_jsn.common.files import write_files
from napari_jsn.evaluation.settings import Settings

COLUMNS = (
    "test", "method", "n", "mismatch", "RMSE mm", "bias mm", "reliable", "in 95 % interval", "ms per pair", "remarks",
    "target",
)  # fmt: skip

INTRODUCTION = """\
# Benchmarks

The accuracy of the registration, compared with other software on the same pairs in the same run. One command makes
this page from real radiographs that cannot be passed on; the page has figures only.

"""

READING = """\
## Explanation

**Known motion.** Each follow-up is a real joint image (22.2 mm wide, 127 x 127 pixels) in which each bone was moved by
its own similarity and the exposure was changed, so the true narrowing is known. *easy*: rotation sd 2 degrees, scale sd
1 %, translation up to 3 px, up to 1 px between the bones, noise 1.5 %. *roll*: the same, and a smooth roll field (sd
1 px, correlation length 8 px) moves the inside of each bone in x, as a rotation about its long axis does. *hard*:
5 degrees, 3 %, 6 px, noise 4 %. Only images whose two bones do not overlap are used: in an overlap, a single image does
not show which bone a pixel moves with.

**Injected change.** One bone of a real follow-up is moved by 0.05 to 0.5 mm; the measured change is compared with it.

**Phantom.** A physical joint whose gap was set by a micrometer; two sets, each in both directions.

**Closure.** The narrowing between two real visits must equal the sum of those through a third visit. This gives a lower
bound of the error: errors that belong to one visit (the position of the hand) cancel.

**Wrong pairs.** Pairs that must be flagged: another joint, another patient, swapped or shifted masks, a strongly flexed
finger.

**Published pair.** Mean squared difference of the pixels in view, half for each region.

*mismatch*: an error over 1 px (0.17 mm), or for closure a difference over 0.175 mm; a failure counts as a mismatch.
*RMSE* and *bias* are without mismatches. *reliable*: share that the method calls reliable. *in 95 % interval*: share of
all pairs, reliable or not, whose interval contains the truth. *n* is the number of pairs; slow peers get the first of
the same pairs. Every method gets the same two images and the same two masks. No peer states a reliability or an
uncertainty; we added both to PIPOC.

PIPOC is our own implementation of the published algorithm, since the authors' public code has no licence; on the
radiographs of the phantom both agree to four digits. The pixel size of the real joints is nominal, because their source
states none. Joints that the uncertainty was fitted to are not in the tables.
"""


def print_table(rows: Sequence[BenchmarkRow]) -> None:
    """Print the table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*COLUMNS, title="napari-jsn compared with other software")
    last = ""
    for row in rows:
        if row.test != last and last:
            table.add_section()
        last = row.test
        table.add_row(*_cells(row), style="bold" if row.method == OURS else "")
    Console(width=None if os.isatty(1) else 240).print(table)


def write_page(
    rows: Sequence[BenchmarkRow], settings: Settings, command: str, notes: Sequence[str], folder: Path
) -> Path:
    """Write benchmarks.md and its plots to ``folder``; the page is replaced as a whole."""
    plots = write_plots(rows, folder / "images")
    lines = [INTRODUCTION, *_facts(settings, command, notes), ""]
    lines += ["## Targets", "", *_table(("test", "n", "target", "reached"), _targets(rows)), ""]
    lines += ["## All figures", "", *_table(COLUMNS[:-1], [_cells(row)[:-1] for row in rows]), ""]
    lines += [*(f"![{title}](images/{path.name})\n" for title, path in plots), READING]
    return write_files(folder, {"benchmarks.md": "\n".join(lines).encode()})[0]


def _table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; the rows of our own method are bold."""
    out = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for cells in lines:
        mark = "**" if OURS in cells else ""
        escaped = (cell.replace("|", "\\|") for cell in cells)
        out.append("| " + " | ".join(f"{mark}{cell}{mark}" if cell else "" for cell in escaped) + " |")
    return out


def _targets(rows: Sequence[BenchmarkRow]) -> list[list[str]]:
    return [
        [row.test, str(row.n), row.target, "yes" if row.reached else "**no**"]
        for row in rows
        if row.reached is not None
    ]


def _facts(settings: Settings, command: str, notes: Sequence[str]) -> list[str]:
    peers = [f"{peer.package} {peer.version}" for peer in PEERS if peer.version and peer.package != "numpy"]
    ours = [f"{name} {version(name)}" for name in ("napari-jsn", "torch", "numpy", "scipy")]
    return [
        f"- Command: `{command}` (seed {settings.seed}, {settings.threads} threads)",
        f"- Versions: Python {platform.python_version()}, {', '.join(ours + peers)}",
        f"- Machine: {os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        *(f"- {note}" for note in notes),
    ]


def _cells(row: BenchmarkRow) -> list[str]:
    reached = "" if row.reached is None else (": reached" if row.reached else ": NOT REACHED")
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
        row.remarks,
        row.target + reached,
    ]


def _figure(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else ""


def _percent(value: float) -> str:
    return _figure(100 * value, "{:.1f} %")
