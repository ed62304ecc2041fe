"""Compare real finger joints with simulated ones, and write the tables to docs/simulator.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from napari_jsn.common.errors import InputError, run_module
from napari_jsn.evaluation.page import put_section
from napari_jsn.evaluation.public_images import data_folder
from napari_jsn.evaluation.realism.compare import MCPS, real_sample, simulated_sample
from napari_jsn.evaluation.settings import limit_threads
from napari_jsn.simulation.damage.difficulty import FIRST, difficulty


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both samples, print the tables, and write the section of the page and the plots."""
    from napari_jsn.evaluation.realism.report import draw_realism_plots, realism_lines

    parser = argparse.ArgumentParser("python -m napari_jsn.evaluation.realism", description=__doc__)
    parser.add_argument("--n", type=int, default=100, help="joints of each sample, at two visits each")
    parser.add_argument("--seed", type=int, default=2023)
    parser.add_argument("--difficulty", type=int, default=FIRST, help="version of the simulated joints")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a few joints; writes nothing unless --out is given")
    parser.add_argument("--out", type=Path, help="folder of the page simulator.md and of images/ (docs)")
    options = parser.parse_args(arguments)
    n = min(20, options.n) if options.quick else options.n
    try:
        settings = difficulty(options.difficulty)
        data_folder()
        if n < len(MCPS):
            raise InputError(f"There are {len(MCPS)} kinds of joint. Give --n of at least {len(MCPS)}.", "n")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    limit_threads(options.threads)
    real = real_sample(n, options.seed)
    print(f"{len(real.joints)} real joints measured", file=sys.stderr, flush=True)
    simulated = simulated_sample(n, options.seed, settings.version)
    lines = [str(settings), "", *realism_lines(real, simulated)]
    print("\n".join(lines))
    if options.out or not options.quick:
        folder = options.out or Path("docs")
        plots = draw_realism_plots(real, simulated, folder / "images")
        shown = [f"![{title}](images/{path.name})\n" for title, path in plots]
        command = " ".join(["python -m napari_jsn.evaluation.realism", *(arguments or sys.argv[1:])])
        print(f"Written: {put_section(folder / 'simulator.md', command.split(' --')[0], [*lines, '', *shown])}")
    return 0


if __name__ == "__main__":
    run_module(main)
