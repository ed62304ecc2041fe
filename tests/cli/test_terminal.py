"""Text from outside reaches the terminal without control characters, by every way through which text goes."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.text import Text

import napari_jsn
from napari_jsn.cli import main
from napari_jsn.cli.printing import print_files, print_progression
from napari_jsn.cli.terminal import console, one_line, printable, say
from napari_jsn.common.notes import Note
from tests.progression import made_up

EVIL = [
    "a\x1b[2J\x1b]0;title\x07.dcm",
    "b\x9b31m.dcm",
    "c\rERASED.dcm",
    "d\u202egnp.exe",
    "e\x08\x08\x00.dcm",
    "f\nError: g",
]
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("text", EVIL)
def test_control_characters_become_escapes(text, capsys):
    assert not CONTROL.search(printable(text)) and "\n" not in one_line(text)
    say(text)
    console().print(Text(text))
    console(error=True).print(text, "[red]not markup[/red] :smile:")
    printed = capsys.readouterr()
    assert not CONTROL.search(printed.out + printed.err)
    assert "[red]not markup[/red] :smile:" in printed.err


@pytest.mark.parametrize("text", ["hand.dcm", "Müller 山田.dcm", "two\nlines"])
def test_other_text_stays_as_it_is(text, capsys):
    say(text)
    assert capsys.readouterr().out == f"{text}\n"


@pytest.mark.parametrize("name", [text for text in EVIL if "\x00" not in text])
def test_names_of_files_in_errors_options_and_results(name, tmp_path, capsys):
    for words in (
        ["measure", name],
        ["measure", f"-{name}"],
        ["register", name, name],
        [name],
        ["measure", "--method"],
    ):
        with pytest.raises(SystemExit) as left:
            main(words)
        printed = capsys.readouterr()
        assert left.value.code == 2 and not CONTROL.search(printed.out + printed.err)
        assert len(re.findall("^Error", printed.err, re.MULTILINE)) <= 1
    note = Note(f"Left out: {name}.", public="Left out.")
    print_progression(replace(made_up.progression(), notes=(note,), patient_id=name), keep_identity=True)
    print_files([tmp_path / name / "report.html"])
    assert not CONTROL.search(capsys.readouterr().out)


def test_notes_are_whole_on_a_terminal_or_with_the_identity_only(capsys, monkeypatch):
    note = Note("Left out: Doe.txt.", public="Left out.")
    shown = replace(made_up.progression(), notes=(note,))
    print_progression(shown)
    assert "Note: Left out." in (out := capsys.readouterr().out) and "Doe" not in out
    print_progression(shown, keep_identity=True)
    assert "Note: Left out: Doe.txt." in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the output for a terminal
    print_progression(shown)
    assert "Left out: Doe.txt." in capsys.readouterr().out


#: Ways to the terminal that only ``cli/terminal.py`` uses.
OTHER_WAYS = re.compile(
    r"print|(rich\.(console\.)?)?(print|Console)|(typer|click)\.(echo|secho|echo_via_pager|style)|pprint(\.pprint)?"
    r"|sys\.(__)?(stdout|stderr)(__)?\.(write|writelines)|os\.write"
)


def other_ways(source):
    """The lines of a source that write to the terminal otherwise than by ``say`` or ``console``."""
    for node in ast.walk(ast.parse(source)):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        streams = [ast.unparse(word.value) for word in getattr(node, "keywords", []) if word.arg == "file"]
        if OTHER_WAYS.fullmatch(called) or any("std" in stream for stream in streams):
            yield node.lineno


def test_no_command_prints_by_another_way():
    sources = [path for path in (Path(napari_jsn.__file__).parent / "cli").rglob("*.py") if path.name != "terminal.py"]
    assert [f"{path.name}:{line}" for path in sources for line in other_ways(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "print('a')", "typer.echo('a')", "typer.secho('a')", "click.echo('a')", "sys.stdout.write('a')",
        "sys.stderr.write('a')", "Console().print('a')", "rich.print('a')", "traceback.print_exc(file=sys.stderr)",
    ],
)  # fmt: skip
def test_the_search_sees_other_ways(source):
    assert list(other_ways(source)) == [1]
