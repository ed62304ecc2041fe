"""Measure the accuracy of joint space widths, and write the tables to docs/width.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_jsn.common.errors import run_module
from napari_jsn.evaluation.page import put_section
from napari_jsn.evaluation.width.accuracy import real_lines, simulated_lines
from napari_jsn.simulation.damage.difficulty import FIRST, difficulty

_COMMAND = "python -m napari_jsn.evaluation.width"


def main() -> None:
    """Measure the widths, print the tables and write the section of the page."""
    parser = argparse.ArgumentParser(_COMMAND, description=__doc__)
    parser.add_argument("--joints", type=int, default=420, help="simulated joints, each at two visits")
    parser.add_argument("--page", type=Path, default=Path("docs/width.md"), help="page to write the tables to")
    options = parser.parse_args()
    lines, milliseconds = simulated_lines(options.joints)
    time = f"One width takes {milliseconds:.0f} ms on one CPU core, without the segmentation of the bones."
    lines = [str(difficulty(FIRST)), "", *lines, "", *real_lines(), "", time]
    print("\n".join(lines))
    put_section(options.page, _COMMAND, lines)


if __name__ == "__main__":
    run_module(main)
