"""Compare the registration methods with other software, and write the table to docs/benchmarks.md."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks import (
    closure,
    gpu,
    injected_change,
    known_motion,
    published_pair,
    reference_pairs,
    time_and_memory,
    window,
    wrong_pairs,
)
from benchmarks.methods_compared import BenchmarkRow, ComparedMethod, methods_compared
from benchmarks.report import print_table, write_page
from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.public_images import data_folder
from napari_jsn.evaluation.settings import Settings, limit_threads

Test = Callable[[Sequence[ComparedMethod], Settings], list[BenchmarkRow]]

TESTS: dict[str, Test] = {
    "easy": partial(known_motion.run, "easy"),
    "roll": partial(known_motion.run, "roll"),
    "hard": partial(known_motion.run, "hard"),
    "injected": injected_change.run,
    "phantom": reference_pairs.run_phantom,
    "closure": closure.run,
    "segmented": closure.run_segmented,
    "wrong": wrong_pairs.run,
    "published": reference_pairs.run_published,
    "half-planes": reference_pairs.run_half_planes,
    "time": time_and_memory.run,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen tests, print one table, and write the page after a full run."""
    options = _parse(arguments)
    if options.what == "gpu":
        return gpu.run()
    if options.what == "window":
        return window.run()
    settings = Settings(options.pairs, options.joints, options.seed, options.threads)
    if options.quick:
        settings = Settings(min(24, options.pairs), min(6, options.joints), options.seed, options.threads)
    try:
        data_folder()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    _suppress_warnings()
    limit_threads(settings.threads)
    if options.what == "published-pair":
        return published_pair.run()
    methods, notes = methods_compared(with_peers=not options.no_peers)
    if options.method:
        methods = [one for one in methods if any(word.lower() in one.name.lower() for word in options.method)]
    if options.quick:
        methods = [_shortened(one) for one in methods]
    rows: list[BenchmarkRow] = []
    for name in options.only or TESTS:
        start = time.perf_counter()
        rows += TESTS[name](methods, settings)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    rows += known_motion.interval_rows(rows)
    print_table(rows)
    for note in notes:
        print(note)
    if options.out or not (options.quick or options.only or options.method or options.no_peers):
        command = " ".join(["python -m benchmarks", *(sys.argv[1:] if arguments is None else arguments)])
        print(f"Written: {write_page(rows, settings, command, notes, options.out or Path('docs'))}")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=["peers", "gpu", "published-pair", "window"], default="peers",
        help="peers: the comparison with other software (default); gpu: CPU against CUDA, and pairs per second; "
        "published-pair: the effect of the masks of the paper's pair, as a drawing in docs/images; "
        "window: times of the dock Read patient, which needs a display",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a few pairs of every test; writes no page")
    parser.add_argument(
        "--only", action="append", choices=list(TESTS), help="this test only (repeatable); writes no page"
    )
    parser.add_argument(
        "--method", action="append", help="only methods with this word in their name (repeatable); writes no page"
    )
    parser.add_argument("--no-peers", action="store_true", help="our own methods only; writes no page")
    parser.add_argument("--pairs", type=int, default=Settings.pairs, help="pairs of each known motion")
    parser.add_argument("--joints", type=int, default=Settings.joints, help="real joints for closure")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--threads", type=int, default=Settings.threads, help="threads of every library")
    parser.add_argument(
        "--out", type=Path, help="folder of the page, also after a partial run (default after a full run: docs)"
    )
    return parser.parse_args(arguments)


def _shortened(method: ComparedMethod) -> ComparedMethod:
    return replace(method, max_pairs=4, max_joints=1) if method.max_pairs < Settings.pairs else method


def _suppress_warnings() -> None:
    """Suppress the warnings that some libraries give for every pair."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "2")


if __name__ == "__main__":
    sys.exit(main())
