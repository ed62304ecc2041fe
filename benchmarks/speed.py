"""Time and memory of one batch of joint pairs, on so many cores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import known
from benchmarks.contestants import OURS, PIPOC, Contestant, ask_ours
from benchmarks.rows import Row
from napari_jsn.evaluation.settings import Settings, limit_threads
from napari_jsn.registration.methods import PreparedPair

#: Pairs in the batch, as many as two hands at two visits have twice over; slow peers are timed on fewer.
BATCH = 64
SLOW_BATCH = 8
REPEATS = 3


def run(field: Sequence[Contestant], settings: Settings) -> list[Row]:
    """Best of three, a warm-up call before; memory in a process of its own."""
    limit_threads(settings.threads)
    pairs = [PreparedPair.from_masks(pair) for pair in known.make_pairs("easy", Settings(BATCH, seed=settings.seed))]
    rows = [_row(one, pairs[: BATCH if one.most_pairs >= BATCH else SLOW_BATCH]) for one in field]
    ours = next((row for row in rows if row.method == OURS), None)
    if ours is not None:
        ratios = [(name, row.ms) for row in rows for name in (PIPOC, "itk-elastix") if row.method == name]
        grown, whole = peak_memory(settings)
        ours.words = ", ".join(f"{ours.ms / ms:.2f} times {name}" for name, ms in ratios if ms)
        ours.words += f"; peak memory {whole:.2f} GB, {grown:.2f} GB more than before the batch"
        ours.bar = "40 ms a pair or less, under 1 GB"
        ours.met = ours.ms <= 40 and grown < 1
    return rows


def _row(one: Contestant, pairs: Sequence) -> Row:
    one.ask(pairs[:2])
    times = [sum(answer.seconds for answer in one.ask(pairs)) for _ in range(REPEATS)]
    return Row("time", one.name, len(pairs), ms=1e3 * min(times) / len(pairs))


def peak_memory(settings: Settings) -> tuple[float, float]:
    """What the batch adds to a fresh process, and that process's peak, in GB."""
    command = [sys.executable, "-m", "benchmarks.speed", str(settings.threads), str(settings.seed)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    grown, whole = json.loads(answer.splitlines()[-1])
    return grown, whole


def _measure_memory(threads: int, seed: int) -> None:
    def peak_gb() -> float:
        # not getrusage: on Linux that peak outlives exec, and would be the parent's
        status = Path("/proc/self/status")
        if status.exists():
            peak_kb = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            return int(peak_kb) * 1024 / 1e9
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9

    limit_threads(threads)
    pairs = [PreparedPair.from_masks(pair) for pair in known.make_pairs("easy", Settings(BATCH, seed=seed))]
    before = peak_gb()
    answers = ask_ours(pairs)
    assert np.isfinite([answer.jsn_px for answer in answers]).any()
    print(json.dumps([peak_gb() - before, peak_gb()]))


if __name__ == "__main__":
    _measure_memory(int(sys.argv[1]), int(sys.argv[2]))
