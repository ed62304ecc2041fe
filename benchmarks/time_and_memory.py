"""Time and memory of one batch of joint pairs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import known_motion
from benchmarks.methods_compared import OURS, PIPOC, BenchmarkRow, ComparedMethod, run_refined
from napari_jsn.evaluation.settings import Settings, limit_threads
from napari_jsn.registration.methods import PreparedPair

#: Pairs in the batch, and in that of slow peers.
BATCH = 64
SLOW_BATCH = 8
REPEATS = 3


def run(methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Return the best time of three after a warm-up call; memory is measured in a separate process."""
    limit_threads(settings.threads)
    pairs = _pairs(settings.seed)
    rows = [_row(method, pairs[: BATCH if method.max_pairs >= BATCH else SLOW_BATCH]) for method in methods]
    ours = next((row for row in rows if row.method == OURS), None)
    if ours is not None:
        ratios = [(name, row.ms) for row in rows for name in (PIPOC, "itk-elastix") if row.method == name]
        grown, whole = peak_memory(settings)
        ours.remarks = ", ".join(f"{ours.ms / ms:.2f} times {name}" for name, ms in ratios if ms)
        ours.remarks += f"; peak memory {whole:.2f} GB, {grown:.2f} GB more than before the batch"
        ours.target = "40 ms per pair or less, under 1 GB"
        ours.reached = ours.ms <= 40 and grown < 1
    return rows


def _pairs(seed: int) -> list[PreparedPair]:
    return [each.pair for each in known_motion.make_pairs("easy", Settings(BATCH, seed=seed))]


def _row(method: ComparedMethod, pairs: Sequence[PreparedPair]) -> BenchmarkRow:
    method.run(pairs[:2])
    times = [sum(result.seconds for result in method.run(pairs)) for _ in range(REPEATS)]
    return BenchmarkRow("time", method.name, len(pairs), ms=1e3 * min(times) / len(pairs))


def peak_memory(settings: Settings) -> tuple[float, float]:
    """Return the memory that the batch adds to a new process, and the peak memory of that process, in GB."""
    command = [sys.executable, "-m", "benchmarks.time_and_memory", str(settings.threads), str(settings.seed)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    grown, whole = json.loads(output.splitlines()[-1])
    return grown, whole


def _measure_memory(threads: int, seed: int) -> None:
    def peak_gb() -> float:
        # Not getrusage: on Linux its peak includes the parent process, as it survives exec.
        status = Path("/proc/self/status")
        if status.exists():
            peak_kb = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            return int(peak_kb) * 1024 / 1e9
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9

    limit_threads(threads)
    pairs = _pairs(seed)
    before = peak_gb()
    results = run_refined(pairs)
    assert np.isfinite([result.jsn_px for result in results]).any()
    print(json.dumps([peak_gb() - before, peak_gb()]))


if __name__ == "__main__":
    _measure_memory(int(sys.argv[1]), int(sys.argv[2]))
