"""The protocol by which long work reports its progress and is aborted."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """The argument of long work; the command and the viewer have their own implementations."""

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
