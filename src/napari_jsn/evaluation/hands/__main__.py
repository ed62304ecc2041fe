"""Measure whole hands whose truth is known: ``python -m napari_jsn.evaluation.hands``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.evaluation.hands.measured import _CACHE, calibrate, run
from napari_jsn.evaluation.hands.simulated import simulated_hands
from napari_jsn.evaluation.settings import limit_threads


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the page, or calibrate."""
    from napari_jsn.evaluation.hands import report as hands_report

    parser = argparse.ArgumentParser("python -m napari_jsn.evaluation.hands", description=__doc__)
    parser.add_argument("--patients", type=int, default=26, help="simulated patients, of both hands each")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--boxes", choices=("found", "truth"), default="found", help="find the joints, or take them")
    parser.add_argument("--threads", type=int, default=2, help="processes")
    parser.add_argument("--cache", type=Path, default=_CACHE, help="folder where simulated films are kept")
    parser.add_argument("--calibrate", action="store_true", help="fit the card of repositioning")
    parser.add_argument("--only", choices=("simulated", "again", "time"), help="one part; writes no page")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page hands.md")
    options = parser.parse_args(arguments)
    limit_threads(1)
    if options.calibrate:
        seed = 101 if options.seed == parser.get_default("seed") else options.seed
        print(f"Written: {calibrate(options.patients, seed, options.boxes, options.threads, options.cache)}")
        return 0
    lines: list[str] = []
    if options.only in (None, "simulated"):
        hands = list(simulated_hands(options.patients, options.seed, options.cache))
        outcomes = run(hands, options.boxes, MEASURED_JOINTS, options.threads)
        lines += hands_report.simulated(outcomes, len(hands), options.boxes)
    if options.only in (None, "again"):
        from napari_jsn.evaluation.hands.re_exposed import measure_again

        lines += hands_report.again(*measure_again())
    if options.only in (None, "time"):
        from napari_jsn.evaluation.hands.timing import timed

        lines += hands_report.time(timed(next(simulated_hands(options.patients, options.seed, options.cache))))
    print("\n".join(lines))
    if options.only is None:
        print(f"Written: {hands_report.write(options.out / 'hands.md', lines)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
