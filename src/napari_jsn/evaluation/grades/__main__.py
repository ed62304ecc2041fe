"""Check simulated damage: shares of the grades, visible truth, widths and poses; write docs/simulated-grades.md.

With ``NAPARI_JSN_DATA`` the poses are compared with those of real joints. ``--sheet`` writes crops of simulated joints.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_jsn.common.errors import InputError, run_module
from napari_jsn.evaluation.page import put_section
from napari_jsn.evaluation.settings import limit_threads

if TYPE_CHECKING:
    from napari_jsn.simulation.damage.difficulty import Difficulty


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print the tables, and write the section of the page and the contact sheet."""
    from napari_jsn.evaluation.grades.sheet import beside_cells, sheet_cells, write_sheet
    from napari_jsn.simulation.damage.difficulty import NEWEST, difficulty

    parser = argparse.ArgumentParser("python -m napari_jsn.evaluation.grades", description=__doc__)
    parser.add_argument("--n", type=int, default=5000, help="joints of the uniform sampling")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--difficulty", type=int, default=NEWEST, help="version of the simulator's settings")
    parser.add_argument("--pairs", type=int, default=80, help="real joints whose motion is measured")
    parser.add_argument("--sheet", type=Path, help="folder for a contact sheet of 50 joints; nothing else is computed")
    parser.add_argument("--beside", type=Path, help="folder for crops of real joints above simulated ones, likewise")
    parser.add_argument("--poses", action="store_true", help="compare the poses only, and write their tables")
    parser.add_argument("--quick", action="store_true", help="a few joints; writes nothing unless --out is given")
    parser.add_argument("--out", type=Path, help="folder of the page (docs)")
    options = parser.parse_args(arguments)
    try:
        settings = difficulty(options.difficulty)
        if options.n < 1:
            raise InputError("Give --n of at least 1.", "n")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    limit_threads(1)
    if options.sheet:
        print(write_sheet(sheet_cells(50, options.seed), options.sheet / "grades.png"))
        return 0
    if options.beside:
        print(write_sheet(beside_cells(8, options.seed), options.beside / "real-and-simulated.png", columns=8))
        return 0
    n = min(options.n, 140) if options.quick else options.n
    command, page = "python -m napari_jsn.evaluation.grades", (options.out or Path("docs")) / "simulated-grades.md"
    if options.poses:
        command, lines = f"{command} --poses", _pose_lines(options.pairs, options.seed, options.quick, settings.version)
    else:
        lines = _grade_lines(n, options.seed, settings)
    print("\n".join(lines))
    if options.out or not options.quick:
        print(f"Written: {put_section(page, command, lines)}")
    return 0


def _pose_lines(count: int, seed: int, quick: bool, version: int) -> list[str]:
    """Return the tables of the poses; real joints are left out where there are none, and with ``quick``."""
    from napari_jsn.evaluation.grades import pose
    from napari_jsn.evaluation.public_images import data_folder
    from napari_jsn.simulation.damage.difficulty import FIRST, difficulty

    count, hands = (5, 1) if quick else (count, max(1, count // 8))
    samples, with_real = [], False
    try:
        data_folder()
        if not quick:
            samples, with_real = [pose.real_pose(count, seed)], True
    except InputError as error:
        print(f"{error} The poses of real joints are left out.", file=sys.stderr)
    versions = sorted({FIRST, version})
    samples += [pose.drawn_pose(4000, seed, version) for version in versions]
    samples += [pose.simulated_pose(hands, seed, version) for version in versions]
    registered = pose.registered_samples(hands, count, seed, versions, with_real)
    return [
        *(str(difficulty(version)) for version in versions),
        "",
        "### Motion between two visits",
        "",
        *pose.pose_lines(samples),
        "",
        "### Roll, flexion and the pose at rest",
        "",
        *pose.registered_lines(registered),
    ]


def _grade_lines(n: int, seed: int, settings: Difficulty) -> list[str]:
    """Return the tables of grades and widths."""
    from napari_jsn.evaluation.grades import report

    uniform = report.graded_sites(n, seed, "uniform", settings.version)
    natural = report.graded_sites(n, seed, "natural", settings.version)
    return [
        str(settings),
        "",
        "### Shares of the grades",
        "",
        "`--grades uniform`:",
        "",
        *report.share_lines(uniform),
        "",
        "`--grades natural`:",
        "",
        *report.share_lines(natural),
        "",
        "### Visible grades and grades in space",
        "",
        "`--grades uniform`.",
        "",
        *report.difference_lines(uniform),
        "### Grading by the width alone",
        "",
        *report.width_lines(uniform),
        "",
        "### Healthy widths",
        "",
        *report.norm_lines(natural),
    ]


if __name__ == "__main__":
    run_module(main)
