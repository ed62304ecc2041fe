"""Combine the progress of several stages into one progress."""

from __future__ import annotations

from collections.abc import Sequence

from napari_jsn.common.progress import Progress

#: Number of steps of the overall progress.
_STEPS = 1000


class Stages:
    """Divide one progress into consecutive stages.

    Parameters
    ----------
    progress : Progress
        Receives the overall progress.
    shares : sequence of float
        Expected relative duration of each stage.
    """

    def __init__(self, progress: Progress, shares: Sequence[float]) -> None:
        self._progress = progress
        ends = [sum(shares[:k]) / sum(shares) for k in range(len(shares) + 1)]
        self._parts = iter(zip(ends, ends[1:], strict=False))

    def next(self, message: str) -> Stage:
        """Begin the next stage and return its progress."""
        stage = Stage(self._progress, *next(self._parts), message)
        stage.update(0, 1)
        return stage


class Stage:
    """The progress of one stage; it always shows the stage's message, and ignores that of ``update``."""

    def __init__(self, progress: Progress, start: float, end: float, message: str) -> None:
        self._progress, self._start, self._end, self._message = progress, start, end, message

    @property
    def aborted(self) -> bool:
        """Whether the user aborted the work."""
        return self._progress.aborted

    def update(self, done: int, total: int, message: str = "") -> None:
        """Report that ``done`` of ``total`` units of the stage are finished."""
        share = self._start + (self._end - self._start) * done / max(total, 1)
        self._progress.update(round(_STEPS * share), _STEPS, self._message)
