"""Settings of the process that work in the window changes while it runs."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

#: While work runs, the window's thread gets the interpreter back after this time (seconds) when it waits for it. The
#: 5 ms of Python add up, because drawing lets go of the interpreter in every call of OpenGL.
_SWITCH_S = 0.0005


class SharedSetting:
    """A setting of the process that all works change alike; when the last one ends, the usual value comes back.

    Parameters
    ----------
    get, put : callable
        Return and set the value.
    during : callable
        Returns the value while work runs, from the usual one.
    """

    def __init__(self, get: Callable[[], Any], put: Callable[[Any], None], during: Callable[[Any], Any]) -> None:
        self._get, self._put, self._during = get, put, during
        self._lock, self._works, self._usual = Lock(), 0, None

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Change the setting in this thread, and for the process, until the work has ended."""
        with self._lock:
            self._usual = self._usual if self._works else self._get()
            self._works += 1
            self._put(self._during(self._usual))
        try:
            yield
        finally:
            with self._lock:
                self._works -= 1
                if not self._works:
                    self._put(self._usual)


def _count_threads() -> int:
    import torch

    return torch.get_num_threads()


def _use_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _all_but_one(threads: int) -> int:
    """Return the number of threads that leaves one core to the window: threads that wait for each other take it all."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(threads, cores - 1))


#: The time after which a thread that waits for the interpreter gets it.
SWITCHES = SharedSetting(sys.getswitchinterval, sys.setswitchinterval, lambda usual: min(_SWITCH_S, usual))
#: Threads of torch.
THREADS = SharedSetting(_count_threads, _use_threads, _all_but_one)
#: Whether Python collects garbage: not while packages are loaded. A full collection looks at all objects, most of which
#: belong to packages and are never garbage; with the packages of this project it takes 0.3 s.
COLLECTION = SharedSetting(gc.isenabled, lambda on: gc.enable() if on else gc.disable(), lambda usual: False)
