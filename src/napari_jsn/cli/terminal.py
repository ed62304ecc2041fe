"""Show the progress of long computations on the terminal, and stop them with Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: Exit code of a command that Ctrl-C stopped.
EXIT_STOPPED = 130


class TerminalProgress:
    """A progress bar on the terminal. Ctrl-C requests a stop after the current step; a second Ctrl-C stops at once."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._task = bar, bar.add_task("Loading", total=None)
        self.aborted: bool = False

    def update(self, done: int, total: int, message: str = "") -> None:
        """Show that ``done`` of ``total`` steps are done."""
        if not self.aborted:
            self._bar.update(self._task, completed=done, total=total or None, description=message)

    def stop(self, *signal_and_frame: Any) -> None:
        """Request a stop; this is the signal handler of Ctrl-C."""
        self.aborted = True
        self._bar.update(self._task, description="Stopping. Press Ctrl-C again to stop at once")
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def terminal_progress(shown: bool = True, remaining: bool = True) -> Iterator[TerminalProgress]:
    """Show a progress bar while the block runs; nothing is shown if output is not a terminal.

    Parameters
    ----------
    shown : bool
        If False, no bar is shown; Ctrl-C is still handled.
    remaining : bool
        Show the remaining time; useful if all steps take the same time.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    if remaining:
        columns = (*columns, TimeRemainingColumn())  # type: ignore[assignment]
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        progress = TerminalProgress(bar)
        previous_handler = signal.signal(signal.SIGINT, progress.stop)
        try:
            yield progress
        finally:
            signal.signal(signal.SIGINT, previous_handler)
