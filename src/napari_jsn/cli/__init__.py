"""The command ``napari-jsn``: measure hands, register, segment and find joints, simulate, train, evaluate.

Slow imports are inside the commands, so that the help is shown without delay.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from napari_jsn.cli.demo import demo
from napari_jsn.cli.evaluate import app as evaluate
from napari_jsn.cli.find_joints import find_joints
from napari_jsn.cli.measure import measure
from napari_jsn.cli.messages import Quiet, Verbose, messages, set_verbosity, with_verbosity
from napari_jsn.cli.register import register
from napari_jsn.cli.scored.score import score
from napari_jsn.cli.segment import segment
from napari_jsn.cli.simulate import simulate, simulate_pair
from napari_jsn.cli.stored.cohort import cohort
from napari_jsn.cli.stored.places import app as store
from napari_jsn.cli.stored.readings import app as readers
from napari_jsn.cli.stored.serve import serve
from napari_jsn.cli.stored.window import read
from napari_jsn.cli.terminal import one_line, say
from napari_jsn.cli.train import train
from napari_jsn.common.errors import InputError


class _Group(TyperGroup):
    """The command with its subcommands; errors repeat words of the command line without control characters."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _printable_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _printable_errors():  # of subcommands
            return super().invoke(ctx)


@contextmanager
def _printable_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)
        if hasattr(error, "format_message") and isinstance(message, str):
            error.message = one_line(message)  # type: ignore[attr-defined]
        raise


app: typer.Typer = typer.Typer(
    cls=_Group,
    help="Measure joint space narrowing of the finger joints between radiographs.",
    epilog="For research use only; not a medical device.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit. Exit codes: 0 success, 2 wrong input, 130 stopped by Ctrl-C, 1 any other error."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments  # read before parsing, so that it is accepted at any position
    words = [word for word in arguments if word != "--debug"]
    try:
        _check_not_empty(words)
        # these start processes, whose errors must not be collected
        with messages(native=getattr(_command(words), "name", "") not in ("train", "cohort")):
            app(words, prog_name="napari-jsn")
    except InputError as error:
        if debug:
            raise
        from napari_jsn.cli.options import error_text

        _exit(error_text(error, _command(words), words), 2)
    except Exception as error:
        if debug:
            raise
        message = " ".join(f"{type(error).__name__}: {error}".split())
        _exit(f"Unexpected error, please report it: {message}. Add --debug for the traceback.", 1)


def _check_not_empty(words: Sequence[str]) -> None:
    """Refuse an empty value, such as that of a variable that is not set: as a path, it would be the current folder.

    Raises
    ------
    InputError
        It names the option; where the value of an argument is empty, the first argument.
    """
    parameters = getattr(_command(words), "params", ())
    valued = [name for each in parameters if not getattr(each, "is_flag", False) for name in each.opts]
    for before, word in zip(("", *words), words, strict=False):
        option, _, value = word.partition("=")
        if word and (value or not (option in valued and option != word)):
            continue
        named = [name for name in (option, before) if name.startswith("-") and name in valued]
        named += [(each.metavar or "").strip("[]") for each in parameters if not each.opts[0].startswith("-")]
        raise InputError(": ".join((*named[:1], "This is empty. Give a value, or leave it out.")))


def _command(words: Sequence[str]) -> Any:
    """Return the command that these words run."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        command = command.commands.get(word, command)
    return command


def _exit(message: str, code: int) -> None:
    say(one_line(f"Error: {message}"), error=True)
    sys.exit(code)


def _version(requested: bool) -> None:
    if requested:
        from napari_jsn import __version__

        say(f"napari-jsn {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    set_verbosity(verbose, quiet)


app.command()(with_verbosity(measure))
app.command()(with_verbosity(register))
app.command()(with_verbosity(segment))
app.command()(with_verbosity(find_joints))
app.command()(with_verbosity(score))
app.command()(with_verbosity(demo))
app.command()(with_verbosity(simulate))
app.command()(with_verbosity(simulate_pair))
app.command()(with_verbosity(train))
app.command()(with_verbosity(cohort))
app.command()(with_verbosity(serve))
app.command()(with_verbosity(read))
app.add_typer(evaluate, name="evaluate")
app.add_typer(readers, name="readers")  # with the commands of cli/stored/readings.py
app.add_typer(store, name="store")
