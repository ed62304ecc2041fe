"""Register wrong pairs, and right pairs of which one visit was changed; write the tables to docs/registration.md.

The joints are simulated ones, and real ones of the report part of the public joints (from NAPARI_JSN_DATA). In every
second pair the network finds the bones; in the others the masks are given.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from napari_jsn.common.errors import run_module
from napari_jsn.evaluation.failure.cases import (
    ANOTHER_JOINT,
    CHANGED,
    CROP_KINDS,
    OTHER,
    RIGHT,
    SLIGHT,
    WRONG,
    real_cases,
    simulated_cases,
    simulated_joints,
)
from napari_jsn.evaluation.failure.hands import joints_of_hands
from napari_jsn.evaluation.failure.measured import load_results, measure_cases
from napari_jsn.evaluation.failure.report import changed_lines, wrong_lines
from napari_jsn.evaluation.page import put_section
from napari_jsn.evaluation.public_images import finger_joints
from napari_jsn.evaluation.settings import limit_threads
from napari_jsn.simulation.damage.difficulty import FIRST, difficulty

_COMMAND = "python -m napari_jsn.evaluation.failure"
_INTRODUCTION = (
    "Simulated joints have a known narrowing. Real joints are MCP joints of the public dataset of BLS-GAN (Wang et "
    "al., AAAI 2025), of the half that nothing was fitted on; two joints of one kind of one real patient are from "
    "radiographs of whole hands with pixels of 0.2 mm at most. A figure of a real pair whose image or masks were "
    "changed is compared with that before the change."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Register the cases, print the tables and write the section of the page."""
    parser = argparse.ArgumentParser(_COMMAND, description=__doc__)
    parser.add_argument("--wrong", type=int, default=200, help="wrong pairs of each kind")
    parser.add_argument("--changed", type=int, default=100, help="changed pairs of each kind")
    parser.add_argument("--right", type=int, default=320, help="right pairs")
    parser.add_argument("--seed", type=int, default=2031)
    parser.add_argument("--source", choices=("simulated", "real"), help="one source; both by default")
    parser.add_argument("--kind", action="append", help="the kinds whose name begins with this; repeatable")
    parser.add_argument("--save", type=Path, help="CSV file for the results; a run continues after those in it")
    parser.add_argument("--page", type=Path, default=Path("docs/registration.md"), help="page to write the tables to")
    options = parser.parse_args(arguments)
    limit_threads(1)
    results = load_results(options.save) if options.save is not None and options.save.exists() else []
    kinds = [
        kind
        for kind in (*OTHER, *WRONG, *CHANGED, *SLIGHT, *CROP_KINDS)
        if kind.startswith(tuple(options.kind or [""]))
    ]
    counts = {kind: options.wrong if kind in (*OTHER, *WRONG) else options.changed for kind in kinds}
    if RIGHT in counts:
        counts[RIGHT] = options.right
    if options.source != "real":
        pairs = simulated_joints(max(counts.values()), options.seed)
        for kind, count in counts.items():
            cases = simulated_cases(kind, pairs, count, options.seed)
            results = measure_cases("simulated", kind, cases, results, options.save)
    if options.source != "simulated":
        joints = list(finger_joints(size=128, part="report", min_visits=2))
        of_hands = joints_of_hands() if ANOTHER_JOINT in kinds else []
        for kind, count in counts.items():
            # the true narrowing of real pairs is not known: a changed one shows nothing
            if kind not in CHANGED and kind not in CROP_KINDS:
                shown = of_hands if kind == ANOTHER_JOINT else joints
                cases = real_cases(kind, shown, count, options.seed)
                results = measure_cases("real", kind, cases, results, options.save)
    of_simulated = [str(difficulty(FIRST)), ""] if any(each.source == "simulated" for each in results) else []
    lines = [*of_simulated, _INTRODUCTION, "", *wrong_lines(results), *changed_lines(results)]
    print("\n".join(lines))
    if not (options.kind or options.source):
        print(f"Written: {put_section(options.page, _COMMAND, lines)}")
    return 0


if __name__ == "__main__":
    run_module(main)
