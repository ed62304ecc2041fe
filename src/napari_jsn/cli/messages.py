"""The logger ``napari_jsn`` on standard error, and messages of libraries, which go to it instead of to the terminal.

Libraries report by Python warnings, by loggers, and (libtiff, libjpeg) by text that C code writes to standard error.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

from napari_jsn.cli.options import running
from napari_jsn.cli.terminal import EXIT_STOPPED, be_quiet, one_line, say

#: The program's logger; what libraries report goes to the second one.
LOGGER = "napari_jsn"
LIBRARIES = f"{LOGGER}.libraries"
#: Level of the messages of libraries: shown with ``--verbose`` only.
_LIBRARY_LEVEL = logging.INFO


Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Also show messages of program and libraries.")]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Show results and errors only: no progress, no list of written files.")
]


class _ToTerminal(logging.Handler):
    """Prints records on standard error, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        say(one_line(f"{record.levelname.capitalize()}: {record.getMessage()}"), error=True)


class _ToLogger(logging.Handler):
    """Passes records of the loggers of libraries on to the logger of this program."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] != LOGGER:
            _log_library(f"{record.name}: {record.getMessage()}")


def _log_library(message: str) -> None:
    if text := " ".join(message.split()):
        logging.getLogger(LIBRARIES).log(_LIBRARY_LEVEL, "%s", text)


#: Shows records on standard error; its level is the verbosity.
_shown = _ToTerminal()


def set_verbosity(verbose: bool = False, quiet: bool = False) -> None:
    """Set what is shown; neither option changes nothing, so that it can be given before or after a subcommand."""
    if verbose or quiet:
        _shown.setLevel(logging.ERROR if quiet else logging.DEBUG)
        be_quiet(quiet)


def with_verbosity(command: Callable[..., Any], group: str = "", shown: str | None = None) -> Callable[..., Any]:
    """Return the function of a command with the options ``--verbose`` and ``--quiet`` after its own.

    While it runs, its options are those of the record that it writes.
    """
    name = f"{group} {shown or command.__name__.replace('_', '-')}".strip()

    @wraps(command)
    def run(*arguments: Any, verbose: bool = False, quiet: bool = False, **options: Any) -> Any:
        set_verbosity(verbose, quiet)
        try:
            with running(name, options):
                return command(*arguments, **options)
        except KeyboardInterrupt:
            say("Stopped.", error=True)
            raise typer.Exit(EXIT_STOPPED) from None

    types = get_type_hints(command, include_extras=True) | {"verbose": Verbose, "quiet": Quiet}
    own = [each.replace(annotation=types[name]) for name, each in inspect.signature(command).parameters.items()]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=types[name])
        for name in ("verbose", "quiet")
    ]
    run.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    run.__annotations__ = types
    return run


@contextmanager
def messages(native: bool = True) -> Iterator[None]:
    """Show messages of the logger ``napari_jsn`` on standard error while the block runs, and log those of libraries.

    Parameters
    ----------
    native : bool
        Also log what C code writes to standard error; not for commands that start other processes.
    """
    logger, root = logging.getLogger(LOGGER), logging.getLogger()
    level, shown, forward = logger.level, warnings.showwarning, _ToLogger()

    def log_warning(message: Warning | str, category: type[Warning], *place: object) -> None:
        _log_library(f"{category.__name__}: {message}")

    _shown.setLevel(logging.WARNING)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_shown)
    root.addHandler(forward)
    warnings.showwarning = log_warning  # type: ignore[assignment]
    try:
        if native:
            with _native_messages():
                yield
        else:
            yield
    finally:
        warnings.showwarning = shown
        root.removeHandler(forward)
        logger.removeHandler(_shown)
        logger.setLevel(level)
        be_quiet(False)


@contextmanager
def _native_messages() -> Iterator[None]:
    """Collect in a file what is written to the descriptor of standard error, and log it at the end.

    ``sys.stderr`` itself still writes to the terminal.
    """
    descriptor = 2
    try:
        terminal = os.dup(descriptor)
    except OSError:  # a program without standard error
        yield
        return
    python_stream = sys.stderr
    with tempfile.TemporaryFile() as collected:
        if _descriptor_of(python_stream) == descriptor:
            python_stream.flush()
            sys.stderr = os.fdopen(
                os.dup(terminal), "w", encoding=python_stream.encoding, errors=python_stream.errors, buffering=1
            )
        os.dup2(collected.fileno(), descriptor)
        try:
            yield
        finally:
            os.dup2(terminal, descriptor)
            os.close(terminal)
            if sys.stderr is not python_stream and _descriptor_of(python_stream) == descriptor:
                sys.stderr.close()
                sys.stderr = python_stream
            collected.seek(0)
            for line in collected.read().decode("utf-8", "replace").splitlines():
                _log_library(line)


def _descriptor_of(stream: object) -> int | None:
    try:
        return int(stream.fileno())  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):  # not a file, as in tests and notebooks
        return None
