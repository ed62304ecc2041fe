"""Measure simulated joints of known narrowing, and write the tables to docs/simulator.md. It needs no real images."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from napari_jsn.common.errors import run_module
from napari_jsn.evaluation.page import put_section
from napari_jsn.evaluation.settings import Settings, limit_threads
from napari_jsn.evaluation.simulator.accuracy import condition_jobs, curve_jobs, run
from napari_jsn.simulation.damage.difficulty import FIRST, difficulty


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, measure, print the tables, and write the section of the page and the plots."""
    from napari_jsn.evaluation.simulator.pictures import write_pictures
    from napari_jsn.evaluation.simulator.report import draw_simulator_plots, simulator_lines

    parser = argparse.ArgumentParser("python -m napari_jsn.evaluation.simulator", description=__doc__)
    parser.add_argument("--n", type=int, default=12, help="pairs of each kind of joint under each condition")
    parser.add_argument(
        "--curve-every", type=int, default=1, help="measure every N-th step of 0.01 mm of the curve", metavar="N"
    )
    parser.add_argument("--seed", type=int, default=2023)
    parser.add_argument("--threads", type=int, default=2, help="processes")
    parser.add_argument("--quick", action="store_true", help="a few pairs; writes nothing unless --out is given")
    parser.add_argument("--out", type=Path, help="folder of the page simulator.md and of images/ (docs)")
    options = parser.parse_args(arguments)
    n, every = (min(2, options.n), 20) if options.quick else (options.n, options.curve_every)
    if min(n, every, options.threads) < 1:
        print("Give --n, --curve-every and --threads of at least 1.", file=sys.stderr)
        return 2
    settings = Settings(seed=options.seed, threads=options.threads)
    limit_threads(1)
    measured = run(condition_jobs(n, settings), options.threads)
    curve = run(curve_jobs(every, settings), options.threads)
    lines = [str(difficulty(FIRST)), "", *simulator_lines(measured, curve)]
    print("\n".join(lines))
    if options.out or not options.quick:
        folder = options.out or Path("docs")
        plots = draw_simulator_plots(measured, curve, folder / "images")
        write_pictures(folder / "images")
        shown = [f"![{title}](images/{path.name})\n" for title, path in plots]
        command = "python -m napari_jsn.evaluation.simulator"
        print(f"Written: {put_section(folder / 'simulator.md', command, [*lines, '', *shown])}")
    return 0


if __name__ == "__main__":
    run_module(main)
