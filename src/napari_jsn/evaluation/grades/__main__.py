"""Check simulated damage: shares of the grades, visible truth, widths and poses; write docs/simulated-grades.md.

With ``NAPARI_JSN_DATA`` the poses are compared with those of real joints. ``--sheet`` writes crops of simulated joints.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.page import put_section
from napari_jsn.evaluation.settings import limit_threads


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print the tables, and write the section of the page and the contact sheet."""
    from napari_jsn.evaluation.grades import pose, report
    from napari_jsn.evaluation.grades.sheet import sheet_cells, write_sheet
    from napari_jsn.evaluation.public_images import data_folder
    from napari_jsn.simulation.damage.difficulty import NEWEST, difficulty

    parser = argparse.ArgumentParser("python -m napari_jsn.evaluation.grades", description=__doc__)
    parser.add_argument("--n", type=int, default=5000, help="joints of the uniform sampling")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--difficulty", type=int, default=NEWEST, help="version of the simulator's settings")
    parser.add_argument("--pairs", type=int, default=80, help="real joints whose motion is measured")
    parser.add_argument("--sheet", type=Path, help="folder for a contact sheet of 50 joints; nothing else is computed")
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
    n = min(options.n, 140) if options.quick else options.n
    uniform = report.graded_sites(n, options.seed, "uniform", settings.version)
    natural = report.graded_sites(n, options.seed, "natural", settings.version)
    hands = min(12, max(2, n // 70))
    samples = [pose.simulated_pose(hands, options.seed, version) for version in sorted({1, settings.version})]
    roll: list[str] = []
    try:
        data_folder()
        if not options.quick:
            samples.insert(0, pose.real_pose(options.pairs, options.seed))
            roll = ["", *pose.roll_lines(hands, options.pairs, options.seed, sorted({1, settings.version}), True)]
    except InputError as error:
        print(f"{error} The poses of real joints are left out.", file=sys.stderr)
    lines = [
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
        "",
        "### Motion between two visits",
        "",
        *pose.pose_lines(samples),
        *roll,
    ]
    print("\n".join(lines))
    if options.out or not options.quick:
        page = (options.out or Path("docs")) / "simulated-grades.md"
        print(f"Written: {put_section(page, 'python -m napari_jsn.evaluation.grades', lines)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
