"""How long work shows on the terminal, and how Ctrl-C stops it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: The shell's exit code of what Ctrl-C ended.
STOPPED = 130


class TerminalProgress:
    """A bar on the terminal; Ctrl-C asks the work to stop where it can, a second one stops it at once."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._line = bar, bar.add_task("Loading", total=None)
        self.aborted = False

    def update(self, done: int, total: int, message: str = "") -> None:
        """Move the bar."""
        if not self.aborted:
            self._bar.update(self._line, completed=done, total=total or None, description=message)

    def stop(self, *signal_and_frame: Any) -> None:
        """What Ctrl-C does."""
        self.aborted = True
        self._bar.update(self._line, description="Stopping; Ctrl-C again stops at once")
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def on_terminal(shown: bool = True, remaining: bool = True) -> Iterator[TerminalProgress]:
    """A bar while the block runs; nothing where output goes to a file.

    ``remaining`` tells how long it will still take, where steps take equal times.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    if remaining:
        columns = (*columns, TimeRemainingColumn())  # type: ignore[assignment]
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        progress = TerminalProgress(bar)
        before = signal.signal(signal.SIGINT, progress.stop)
        try:
            yield progress
        finally:
            signal.signal(signal.SIGINT, before)
