"""Write to the terminal: texts without control characters, and the progress of long computations.

All text of the commands goes through :func:`say` or a :func:`console`. Names of files and texts of headers come from
outside: control characters in them could move the cursor, hide text or change the title of the window.
"""

from __future__ import annotations

import logging
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

#: Control characters except the line feed, separators of lines, marks that change the direction of writing, and parts
#: of characters that cannot be encoded.
_CONTROL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

#: Whether progress and lists of files are left out.
_quiet = False

#: Exit code of a command that Ctrl-C stopped.
EXIT_STOPPED = 130


def printable(text: str, encoding: str | None = None) -> str:
    r"""Return a text in which control characters are written as escapes.

    Parameters
    ----------
    text : str
    encoding : str, optional
        Characters that this encoding lacks are written as escapes, too.

    Examples
    --------
    >>> from napari_jsn.cli.terminal import printable
    >>> print(printable("hand\x1b[2J.dcm"))
    hand\x1b[2J.dcm
    """
    text = _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
    return text.encode(encoding, "backslashreplace").decode(encoding) if encoding else text


def one_line(text: str) -> str:
    """Return a text in which control characters and line feeds are written as escapes."""
    return printable(text).replace("\n", "\\n")


def say(*texts: object, error: bool = False) -> None:
    """Print texts, separated by spaces, without control characters; to standard error with ``error``."""
    stream = sys.stderr if error else sys.stdout
    print(printable(" ".join(map(str, texts)), getattr(stream, "encoding", None)), file=stream)


def be_quiet(quiet: bool) -> None:
    """Set whether progress and lists of written files are left out."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    """Return whether progress and lists of written files are left out."""
    return _quiet


def console(error: bool = False) -> Console:
    """Return a console of rich that prints texts without control characters and without markup."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class SafeConsole(Console):
        """A console that escapes control characters in whatever it renders; its own styles remain."""

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                text = segment.text if segment.control else printable(segment.text)
                yield segment if text == segment.text else Segment(text, segment.style)

    return SafeConsole(stderr=error, highlight=False, markup=False, emoji=False)


class TerminalProgress:
    """A progress bar on the terminal. Ctrl-C requests a stop after the current step; a second Ctrl-C stops at once.

    Attributes
    ----------
    aborted : bool
        Whether a stop was requested.
    exit_code : int
        Of a command that was stopped: 128 plus the number of the signal.
    """

    def __init__(self, bar: Bar) -> None:
        self._bar, self._task = bar, bar.add_task("Loading", total=None)
        self.aborted: bool = False
        self.exit_code: int = EXIT_STOPPED
        self._message = ""
        self._at_once = False

    def update(self, done: int, total: int, message: str = "") -> None:
        """Show that ``done`` of ``total`` steps are done."""
        if message != self._message:
            self._message = message
            logging.getLogger(__name__).info("%s", message)
        if not self.aborted:
            self._bar.update(self._task, completed=done, total=total or None, description=message)

    def stop(self, number: int = signal.SIGINT, frame: object = None) -> None:
        """Request a stop; this is the signal handler of Ctrl-C. A second request stops at once.

        Raises
        ------
        KeyboardInterrupt
            At the second request.
        """
        if self.aborted or self._at_once:
            self.exit_code = 128 + number
            raise KeyboardInterrupt
        self.aborted = True
        self.exit_code = 128 + number
        self._bar.update(self._task, description="Stopping. Press Ctrl-C again to stop at once")

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Stop at once, by a KeyboardInterrupt, if a stop is requested while the block runs."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False


@contextmanager
def terminal_progress(
    shown: bool = True, remaining: bool = True, terminate: bool = False
) -> Iterator[TerminalProgress]:
    """Show a progress bar while the block runs; nothing is shown if output is not a terminal.

    Parameters
    ----------
    shown : bool
        If False, no bar is shown; Ctrl-C is still handled.
    remaining : bool
        Show the remaining time; useful if all steps take the same time.
    terminate : bool
        Whether SIGTERM requests a stop, too, instead of ending the process.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    shown_on = console(error=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    if remaining:
        columns = (*columns, TimeRemainingColumn())  # type: ignore[assignment]
    with Progress(
        *columns, console=shown_on, transient=True, disable=not (shown and shown_on.is_terminal) or is_quiet()
    ) as bar:
        progress = TerminalProgress(bar)
        numbers = (signal.SIGINT, signal.SIGTERM) if terminate else (signal.SIGINT,)
        previous = {number: signal.signal(number, progress.stop) for number in numbers}
        try:
            yield progress
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
