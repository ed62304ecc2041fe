"""Measure whole hands whose narrowing is known, and write the tables to docs/hands.md.

The parts are: simulated hands; follow-ups that were distorted, blurred or processed; negatives; radiographs that were
rotated and exposed again (real ones, from NAPARI_JSN_DATA); time and memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import run_module
from napari_jsn.evaluation.hands.measured import CACHE, load_measured, measure_hands
from napari_jsn.evaluation.hands.simulated import hands_at_pitches, simulated_hands
from napari_jsn.evaluation.page import put_section
from napari_jsn.evaluation.settings import limit_threads
from napari_jsn.simulation.damage.difficulty import FIRST, NEWEST, difficulty

_PARTS = ("simulated", "changed", "negatives", "re-exposed", "time")
#: Seed of the hands with changed follow-ups; the limits of the notes were set on hands of another seed.
_CHANGED_SEED = 612
_COMMAND = "python -m napari_jsn.evaluation.hands"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the hands, print the tables and write the section of the page."""
    from napari_jsn.evaluation.hands.report import re_exposed_lines, simulated_lines, timing_lines

    parser = argparse.ArgumentParser(_COMMAND, description=__doc__)
    parser.add_argument("--patients", type=int, default=20, help="patients at each pixel pitch, both hands of each")
    parser.add_argument("--changed", type=int, default=8, help="patients whose follow-ups are changed, both hands")
    parser.add_argument("--seed", type=int, default=81)
    parser.add_argument(
        "--boxes", choices=("found", "truth"), default="found", help="find the joints, or use the truth"
    )
    parser.add_argument(
        "--grades",
        choices=("uniform", "natural"),
        default="",
        help="simulated hands with damage, which move between the visits as simulate --grades draws them; no page",
    )
    parser.add_argument("--threads", type=int, default=2, help="processes")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder that keeps the simulated radiographs")
    parser.add_argument(
        "--save",
        type=Path,
        help="CSV file for the measured joints of the simulated hands; a run continues after those in it",
    )
    parser.add_argument("--measured", type=Path, help="report on the measured joints of this file; measure none")
    parser.add_argument("--only", choices=_PARTS, help="one part; writes no page")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page hands.md")
    options = parser.parse_args(arguments)
    limit_threads(1)
    lines: list[str] = []
    if options.only in (None, "simulated"):
        if options.measured is not None:
            measured = load_measured(options.measured)
        else:
            hands = list(hands_at_pitches(options.patients, options.seed, options.cache, options.grades))
            measured = measure_hands(hands, options.boxes, JOINTS, options.threads, options.save)
        lines += [str(difficulty(NEWEST if options.grades else FIRST)), "", *simulated_lines(measured, options.boxes)]
    if options.only in (None, "changed"):
        from napari_jsn.evaluation.hands.changed import changed_lines, measure_changes

        hands = list(simulated_hands(options.changed, _CHANGED_SEED, 0.144, options.cache))
        lines += changed_lines(measure_changes(hands, options.threads))
    if options.only in (None, "negatives"):
        from napari_jsn.evaluation.hands.negatives import find_negatives, negatives_lines

        hands = list(simulated_hands(options.changed, _CHANGED_SEED, 0.144, options.cache))
        lines += negatives_lines(find_negatives(hands))
    if options.only in (None, "re-exposed"):
        from napari_jsn.evaluation.hands.re_exposed import measure_re_exposed

        lines += re_exposed_lines(*measure_re_exposed())
    if options.only in (None, "time"):
        from napari_jsn.evaluation.hands.timing import time_hand

        lines += timing_lines(time_hand(next(simulated_hands(1, options.seed, 0.144, options.cache))))
    print("\n".join(lines))
    if options.only is None and not options.grades:
        print(f"Written: {put_section(options.out / 'hands.md', _COMMAND, lines)}")
    return 0


if __name__ == "__main__":
    run_module(main)
