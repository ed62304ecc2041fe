"""One progress over several stages, each of which counts for itself."""

from __future__ import annotations

from collections.abc import Sequence

from napari_jsn.common.progress import Progress

#: Steps of the whole.
_STEPS = 1000


class Stages:
    """Hands each stage a progress of its own and tells the whole.

    Parameters
    ----------
    progress : Progress
        Told of the whole.
    shares : sequence of float
        Share of the time that each stage takes.
    """

    def __init__(self, progress: Progress, shares: Sequence[float]) -> None:
        self._progress = progress
        ends = [sum(shares[:k]) / sum(shares) for k in range(len(shares) + 1)]
        self._parts = iter(zip(ends, ends[1:], strict=False))

    def next(self, message: str) -> Stage:
        """The progress of the next stage, which begins."""
        stage = Stage(self._progress, *next(self._parts), message)
        stage.update(0, 1)
        return stage


class Stage:
    """A part of a longer progress; its message is the stage's."""

    def __init__(self, progress: Progress, start: float, end: float, message: str) -> None:
        self._progress, self._start, self._end, self._message = progress, start, end, message

    @property
    def aborted(self) -> bool:
        """Whether the whole is to stop."""
        return self._progress.aborted

    def update(self, done: int, total: int, message: str = "") -> None:
        """Say how far the stage is."""
        share = self._start + (self._end - self._start) * done / max(total, 1)
        self._progress.update(round(_STEPS * share), _STEPS, self._message)
