"""How long work tells how far it is, and how it is asked to stop."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a caller hands to long work; the command and the viewer each bring their own."""

    def update(self, done: int, total: int, message: str = "") -> None:
        """Say that ``done`` of ``total`` units are finished."""

    @property
    def aborted(self) -> bool:
        """True once the user asked to stop; the work then returns what it has."""


class Silent:
    """The default: says nothing and never aborts."""

    aborted = False

    def update(self, done: int, total: int, message: str = "") -> None:
        """Ignore the news."""
