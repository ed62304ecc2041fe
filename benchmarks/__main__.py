"""The benchmark: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import closure, injected, known, phantom, published, segmented, speed, wrong
from benchmarks.contestants import Contestant, contestants
from benchmarks.report import print_table, write_page
from benchmarks.rows import Row
from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.public_images import data_folder
from napari_jsn.evaluation.settings import Settings, limit_threads

Test = Callable[[Sequence[Contestant], Settings], list[Row]]

TESTS: dict[str, Test] = {
    "easy": lambda field, settings: known.run("easy", field, settings),
    "roll": lambda field, settings: known.run("roll", field, settings),
    "hard": lambda field, settings: known.run("hard", field, settings),
    "injected": injected.run,
    "phantom": phantom.run,
    "closure": closure.run,
    "segmented": segmented.run,
    "wrong": wrong.run,
    "published": published.run,
    "time": speed.run,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests asked for, print one table, and write the page after a full run."""
    options = _parse(arguments)
    settings = Settings(options.pairs, options.joints, options.seed, options.threads)
    if options.quick:
        settings = Settings(min(24, options.pairs), min(6, options.joints), options.seed, options.threads)
    try:
        data_folder()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    _quieten()
    limit_threads(settings.threads)
    field, notes = contestants(with_peers=not options.no_peers)
    if options.method:
        field = [one for one in field if any(word.lower() in one.name.lower() for word in options.method)]
    if options.quick:
        field = [_shortened(one) for one in field]
    rows: list[Row] = []
    for name in options.only or TESTS:
        start = time.perf_counter()
        rows += TESTS[name](field, settings)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    rows += known.interval_rows(rows)
    print_table(rows)
    for note in notes:
        print(note)
    if options.out or not (options.quick or options.only or options.method or options.no_peers):
        command = " ".join(["python -m benchmarks", *(sys.argv[1:] if arguments is None else arguments)])
        print(f"Written: {write_page(rows, settings, command, notes, options.out or Path('docs'))}")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few pairs of everything; writes no page")
    parser.add_argument("--only", action="append", choices=list(TESTS), help="this test only (repeatable); no page")
    parser.add_argument("--method", action="append", help="only methods with this word in their name; no page")
    parser.add_argument("--no-peers", action="store_true", help="our own methods only; writes no page")
    parser.add_argument("--pairs", type=int, default=Settings.pairs, help="pairs for each known motion")
    parser.add_argument("--joints", type=int, default=Settings.joints, help="real joints for closure")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--threads", type=int, default=Settings.threads, help="cores that every library may use")
    parser.add_argument("--out", type=Path, help="write the page here, even of a part (docs after a full run)")
    return parser.parse_args(arguments)


def _shortened(one: Contestant) -> Contestant:
    slow = one.most_pairs < Settings.pairs
    return replace(one, most_pairs=4 if slow else one.most_pairs, most_joints=1 if slow else one.most_joints)


def _quieten() -> None:
    """Libraries that warn of every pair would bury the table."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "2")


if __name__ == "__main__":
    sys.exit(main())
