"""Measure the time and memory of two radiographs of one hand, in a separate process with the models loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from napari_jsn.evaluation.hands.simulated import SimulatedHand

_THREADS = 2


@dataclass(frozen=True)
class Timing:
    """Seconds in total and by stage, and the peak resident memory in GB."""

    seconds: float
    stages: dict[str, float]
    peak_gb: float


def time_hand(hand: SimulatedHand) -> Timing:
    """In a new process, measure a hand once to load the models, then three times; return the fastest of these three."""
    code = f"from napari_jsn.evaluation.hands.timing import _report; _report({[str(path) for path in hand.paths]!r})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


def _report(paths: list[str]) -> None:
    import resource
    import time

    import torch

    from napari_jsn import measure, read_radiograph

    class Clock:
        """Records when each stage begins."""

        aborted = False

        def __init__(self) -> None:
            self.began: dict[str, float] = {}

        def update(self, done: int, total: int, message: str = "") -> None:
            self.began.setdefault(message, time.perf_counter())

    torch.set_num_threads(_THREADS)
    radiographs = [read_radiograph(path) for path in paths]
    measure(*radiographs)
    best = None
    for _ in range(3):
        clock, start = Clock(), time.perf_counter()
        measure(*radiographs, progress=clock)
        end = time.perf_counter()
        names, begins = list(clock.began), [*clock.began.values(), end]
        stages = {name: begins[k + 1] - begins[k] for k, name in enumerate(names)}
        if best is None or end - start < best[0]:
            best = end - start, stages
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    assert best is not None
    print(json.dumps({"seconds": best[0], "stages": best[1], "peak_gb": peak_gb}))
