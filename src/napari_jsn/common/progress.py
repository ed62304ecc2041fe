"""The protocol by which long work reports its progress and is aborted, and the progress of several stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

_Item = TypeVar("_Item")


class Progress(Protocol):
    """The argument of long work; the command and the viewer have their own implementations.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> fixed = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> moving = jsn.joint_image(followup, jsn.find_joints(followup)[2])
    >>> class Print:
    ...     aborted = False
    ...
    ...     def update(self, done: int, total: int, message: str = "") -> None:
    ...         print(message, done, "of", total)
    >>> registration = jsn.register(fixed, moving, progress=Print())
    Finding the bones 2 of 2
    Registering 0 of 1
    Registering 1 of 1
    """

    def update(self, done: int, total: int, message: str = "") -> None:
        """Report that ``done`` of ``total`` units are finished."""

    @property
    def aborted(self) -> bool:
        """Whether the user aborted the work, which then returns its finished results."""


class Silent:
    """The default: it reports nothing and never aborts."""

    aborted = False

    def update(self, done: int, total: int, message: str = "") -> None:
        """Do nothing."""


class Aborted(Exception):
    """Raised inside work that has no partial result, to leave it when the user aborts."""


def counted(items: Iterable[_Item], total: int, message: str, progress: Progress | None) -> Iterator[_Item]:
    """Yield the items and report how many of them were made.

    Raises
    ------
    Aborted
        Before the next item, when the user aborts.
    """
    progress = progress or Silent()
    for done, item in enumerate(items, start=1):
        yield item
        progress.update(done, total, message)
        if progress.aborted:
            raise Aborted


#: Number of steps of the overall progress of several stages; they are shares and count nothing.
STEPS = 1000


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
        self._progress.update(round(STEPS * share), STEPS, self._message)
