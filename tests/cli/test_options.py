import ast
import inspect

import numpy as np
import pytest
import typer
from PIL import Image

from napari_jsn import InputError
from napari_jsn.anatomy import JOINTS, MEASURED_JOINTS
from napari_jsn.cli import app, main
from napari_jsn.cli.options import Supplies, error_text, parse_joints, shown_names
from tests.cli.reached import arguments_reached, modules

#: Arguments that no word of a command line reaches: the program makes these values itself.
INTERNAL = {
    "acquired", "attenuation", "axis", "bits", "box", "boxes", "count", "factor", "fixeds", "healthy_mm",
    "joint_images", "jsw_mm", "masks", "pixels", "sex", "share_of_surface", "sides", "visits",
}  # fmt: skip
#: Arguments of simulations that a command chooses itself, and of shipped models and defaults.
SIMULATION = {
    "age", "ages", "difficulty", "grades", "hands", "interval_days", "joint", "jsn_mm", "seed", "shape", "side",
    "spacing_mm",
}  # fmt: skip
DEFAULTS = {"method", "model", "name", "preset", "wide_mm"}
#: Arguments of what a store and a reading can do beside what a command asks of them.
OTHER_METHODS = {
    "changed", "code", "comment", "decision", "device", "folder", "folders", "image", "joint", "mark", "method",
    "model", "name", "not_scored", "path", "patient", "patient_id", "preset", "radiograph", "radiographs", "result",
    "scores", "segmentation", "side", "spacing_mm", "visit", "wide_mm",
}  # fmt: skip
#: Arguments of sessions, in commands that make none.
SESSIONS = {"order", "reader", "repeated_share", "session"}
#: Arguments of the comparison of readers, and of radiographs of patients, that a command of networks chooses itself.
READERS = {"method", "minimum_share", "missing", "scheme", "smoothing"}
PATIENTS = {"dicom", "followup", "patient_id"}
FIXED = {
    # a side, and a joint on a radiograph, that the program found
    "measure": OTHER_METHODS - {"path", "spacing_mm", "patient_id"} | SESSIONS | {"scheme"},
    "score": OTHER_METHODS - {"path", "spacing_mm", "patient_id"} | SESSIONS | PATIENTS | {"site"},
    "cohort": OTHER_METHODS | SESSIONS | PATIENTS | {"baseline", "scheme", "site"},
    "import": OTHER_METHODS - {"mark", "not_scored", "scores"} | {"order", "out", "scheme"},
    "export": OTHER_METHODS | SESSIONS | {"layout", "scheme"},  # the layout is renamed
    "new": OTHER_METHODS | {"out"},
    "lock": OTHER_METHODS | {"order", "out", "repeated_share", "scheme", "seed"},
    "status": OTHER_METHODS | SESSIONS | {"out"},
    "info": OTHER_METHODS | SESSIONS | {"out"},
    "read": OTHER_METHODS | {"order", "out", "repeated_share"},
    "register": {"name", "path", "preset", "side"},  # path is renamed, as a test below checks
    "segment": {"joint", "name", "side", "spacing_mm"},
    "find-joints": {"joint", "name", "out", "side"},
    "simulate": {"age", "joint", "side"},  # ages are drawn within the table of widths
    "simulate-pair": {"age", "difficulty", "out", "shape", "spacing_mm"},
    "train": SIMULATION | READERS | PATIENTS,
    # of radiographs that were simulated, or read with the readers' scores
    "scoring": SIMULATION | READERS | PATIENTS | {"folder", "name", "path", "radiograph", "radiographs"},
    "clinical": SIMULATION | DEFAULTS,
    "registration": SIMULATION | DEFAULTS | {"groups"},  # no table of patients is read
    "localization": SIMULATION,
    "segmentation": SIMULATION | {"groups"},
    "check": {"scheme"},  # the schemes of known layouts
    "convert": {"scheme"},
    "consensus": {"scheme"},
}


def commands(group=None):
    for command in (group or typer.main.get_command(app)).commands.values():
        yield from commands(command) if hasattr(command, "commands") else [command]


def command_of(words):
    command = typer.main.get_command(app)
    for word in words.split():
        command = command.commands[word]
    return command


@pytest.mark.parametrize("command", [*commands()], ids=lambda command: command.name)
def test_every_argument_of_an_error_has_a_name_in_each_command_that_can_raise_it(command):
    shown, function = shown_names(command), inspect.unwrap(command.callback)
    reached = arguments_reached(function.__module__, function.__name__)
    assert len(reached) >= 4, "the search has found too little"
    if command.name == "demo":  # reads the shipped sample only
        assert shown["out"] == "--out"
        return
    if command.name == "serve":  # the page answers with what goes wrong later
        assert {"host": "--host", "port": "--port", "store": "--store"}.items() <= shown.items()
        return
    fixed = INTERNAL | FIXED.get(command.name, set())
    assert {name: place for name, place in reached.items() if name not in {*shown, *fixed}} == {}


@pytest.mark.parametrize("command", [*commands()], ids=lambda command: command.name)
def test_every_name_is_one_that_the_command_has(command):
    has = {name for each in command.params for name in (*each.opts, (each.metavar or "").strip("[]"))}
    for names in shown_names(command).values():
        assert {*names.split(", ")} <= has


def test_every_argument_that_a_parameter_supplies_is_one_of_the_library():
    texts = {
        each.value
        for tree in modules().values()
        for each in ast.walk(tree)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    supplied = {
        argument
        for command in commands()
        for hint in inspect.get_annotations(inspect.unwrap(command.callback), eval_str=True).values()
        for extra in getattr(hint, "__metadata__", ())
        if isinstance(extra, Supplies)
        for argument in extra.arguments
    }
    assert supplied and supplied <= texts | {"fixed_masks", "moving_masks"}


@pytest.mark.parametrize(
    ("words", "argument", "shown"),
    [
        ("measure", "followup", "RADIOGRAPHS"),
        ("measure", "path", "RADIOGRAPHS"),
        ("measure", "localization", "--joints-model"),
        ("measure", "spacing_mm", "--spacing-mm"),
        ("register", "fixed_masks", "--fixed-mask"),
        ("register", "model", "--method"),
        ("simulate", "shape", "--rows, --columns"),
        ("train", "path", "--data"),
        ("evaluate registration", "data", "DATA"),
        ("evaluate segmentation", "data", "--data"),
        ("evaluate segmentation", "page", "--page"),
        ("evaluate clinical", "table", "TABLE"),
    ],
)
def test_the_name_is_the_one_that_the_command_shows(words, argument, shown):
    assert shown_names(command_of(words))[argument] == shown


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ("measure {folder}/one.png", "RADIOGRAPHS: {folder}/one.png is one radiograph"),
        ("measure {folder}/none", "RADIOGRAPHS: There is no file or folder {folder}/none. Give"),
        ("measure {folder}/one.png {folder}/none.png", "RADIOGRAPHS: There is no file"),
        ("measure {folder}/one.png {folder}", "RADIOGRAPHS: "),
        ("measure {folder} --joints WRIST", "--joints: There is no finger joint 'WRIST'"),
        ("measure {folder} --joints MCP2,DIP1", "--joints: There is no finger joint 'DIP1'"),
        ("measure {folder} --joints PIP5-2", "--joints: "),
        ("measure {folder} --joints MCP2,", "--joints: "),
        ("measure {folder} --joints-model none", "--joints-model: "),
        ("measure {folder} --bones-model none", "--bones-model: "),
        ("measure {folder}/one.png {folder}/two.png --joints-model {folder}/bad.safetensors", "--joints-model: "),
        ("measure {folder}/one.png {folder}/one.png --method none", "--method: "),
        ("measure {folder} --out {folder}/one.png", "--out: "),
        ("register {folder}/none.png {folder}/one.png", "FIXED: "),
        ("register {folder}/one.png {folder}/none.png", "MOVING: "),
        ("register {folder}/one.png {folder}/one.png --fixed-mask {folder}/none.png", "--fixed-mask: "),
        ("register {folder}/one.png {folder}/one.png --moving-mask {folder}/one.png", "--moving-mask: "),
        ("register {folder}/one.png {folder}/one.png --moving-spacing-mm x", "--moving-spacing-mm: "),
        ("register {folder}/one.png {folder}/one.png --method network:none", "--method: "),
        ("segment {folder}/one.png {folder}/none.png", "IMAGES: There is no file"),
        ("segment {folder}/one.png {folder}/one.png --keep-identity", "IMAGES: {folder}/one.png and"),
        ("segment {folder}/one.png --format gif", "--format: "),
        ("segment {folder}/one.png --model none", "--model: "),
        ("segment {folder}/one.png --device tpu", "--device: "),
        ("segment {folder}/one.png --out {folder}/one.png", "--out: "),
        ("find-joints {folder}/none.png", "RADIOGRAPHS: There is no file"),
        ("find-joints {folder}/empty", "RADIOGRAPHS: "),
        ("find-joints {folder}/one.png --crops {folder}/one.png", "--crops: "),
        ("find-joints {folder}/one.png --joints TOE", "--joints: "),
        ("find-joints {folder}/one.png --spacing-mm 0", "--spacing-mm: "),
        ("find-joints {folder}/one.png --model none", "--model: "),
        ("simulate --out {folder}/new --format gif", "--format: "),
        ("simulate --out {folder}/new --rows 3", "--rows, --columns: "),
        ("simulate-pair {folder}/one.png", "DIR: "),
        ("simulate-pair {folder}/new --joint WRIST", "--joint: "),
        ("train nothing", "TASK: "),
        ("train --start none --data {folder}", "--"),
        ("evaluate clinical {folder}/none.csv", "TABLE: "),
        ("evaluate segmentation --simulated 1 --damaged 0 --page {folder}", "--page: "),
        ("evaluate segmentation --data {folder}/none", "--data: "),
        ("evaluate localization --simulated 1 --page {folder}/binary.md", "--page: "),
        ("evaluate localization --model none", "--model: "),
        ("evaluate registration --simulated 0", "DATA: "),
        ("evaluate registration {folder} --spacing-mm 0", "--spacing-mm: "),
        ("evaluate registration {folder} --device none", "--device: There is no device 'none'"),
        ("evaluate clinical {folder}/none.csv --device gpu", "--device: "),
        ("serve --port 0 --device cuda:x", "--device: "),
        ("cohort {folder}/%s --store s.db" % ("n" * 300), "SOURCE: There is no folder or table"),
        ("cohort {folder}/one.png/x --store s.db", "SOURCE: There is no folder or table"),
        ("evaluate registration {folder} --spacing-mm nan", "--spacing-mm: "),
        ("evaluate registration {folder} --spacing-mm -0.1", "--spacing-mm: "),
    ],
)
def test_an_error_begins_with_the_name_of_what_the_user_typed(words, start, tmp_path, capsys, monkeypatch):
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    Image.fromarray(255 - pixels).save(tmp_path / "two.png")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_code:
        main(words.format(folder=tmp_path).split())
    error = capsys.readouterr().err
    assert exit_code.value.code == 2 and error.startswith(f"Error: {start.format(folder=tmp_path)}"), error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["measure", ""], "RADIOGRAPHS"),
        (["measure", ".", "--out", ""], "--out"),
        (["measure", ".", "--out="], "--out"),
        (["measure", ".", "--json", ""], "RADIOGRAPHS"),
        (["score", ".", "--patient", ""], "--patient"),
        (["register", "", "b.png"], "FIXED"),
        (["train", "segmentation", "--data", ""], "--data"),
        (["train", "", "--data", "."], "[TASK]"),
        (["evaluate", "registration", ".", "--out", ""], "--out"),
        (["readers", "check", ""], "TABLE..."),
        (["store", "info", ""], "STORE"),
        (["cohort", ".", "--store", ""], "--store"),
        (["serve", "--store="], "--store"),
    ],
)
def test_an_empty_value_is_refused_and_not_taken_as_the_current_folder(words, name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(words)
    error = f"Error: {name.strip('[]')}: This is empty. Give a value, or leave it out.\n"
    assert left.value.code == 2 and capsys.readouterr().err == error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["DIP"], "DIP2 DIP3 DIP4 DIP5"),
        (["dip4,MCP1"], "MCP1 DIP4"),
        (["MCP", "ip"], "MCP1 IP1 MCP2 MCP3 MCP4 MCP5"),
        (["MCP2-5"], "MCP2 MCP3 MCP4 MCP5"),
        (["IP1", "DIP2-3, PIP5"], "IP1 DIP2 DIP3 PIP5"),
        (["all"], " ".join(JOINTS)),
        (None, " ".join(MEASURED_JOINTS)),
    ],
)
def test_joints_are_named_singly_by_kind_or_all(words, names):
    assert parse_joints(words) == tuple(names.split())


@pytest.mark.parametrize(("argument", "name"), [("path", "fixed_mask"), ("other", "other"), (None, None)])
def test_a_renamed_argument_keeps_the_message(argument, name):
    from napari_jsn.common.errors import renamed_arguments

    with pytest.raises(InputError, match="wrong") as caught, renamed_arguments(path="fixed_mask"):
        raise InputError("wrong", argument)
    assert caught.value.argument == name


@pytest.mark.parametrize(
    ("words", "argument", "message", "shown"),
    [
        ("measure", "spacing_mm", "Correct it, or give spacing_mm.", "--spacing-mm: Correct it, or give --spacing-mm."),
        ("register", "moving_spacing_mm", "Give moving_spacing_mm, or none.", "--moving-spacing-mm: Give --moving-"),
        ("simulate", "interval_days", "interval_days is 0.", "--interval-days: --interval-days is 0."),
        ("train", "spacing_mm", "Correct it, or give spacing_mm.", "--data: Correct it, or give spacing_mm."),
        ("measure", "spacing_mm", "a/spacing_mm.dcm has spacing_mm", "--spacing-mm: a/spacing_mm.dcm has --spacing-mm"),
        ("measure", None, "Give spacing_mm.", "Give spacing_mm."),
        ("measure", "unknown", "Wrong.", "Wrong."),
    ],
)
def test_a_message_names_the_option_and_not_the_argument_of_python(words, argument, message, shown):
    assert error_text(InputError(message, argument), command_of(words)).startswith(shown)


#: Commands that compute nothing with networks or registration.
_WITHOUT_DEVICE = {
    "read",
    "import",
    "export",
    "new",
    "lock",
    "status",
    "info",
    "agreement",
    "check",
    "consensus",
    "convert",
    "simulate",
    "simulate-pair",
    "template",
}


def test_every_command_that_computes_has_a_device():
    for command in commands():
        if command.name not in _WITHOUT_DEVICE:
            (device,) = (each for each in command.params if each.name == "device")
            assert (device.metavar, device.default) == ("auto|cpu|cuda", "auto"), command.name


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_has_a_short_option_in_every_command(option, capsys):
    for words in ("", "measure", "segment", "evaluate", "evaluate clinical"):
        with pytest.raises(SystemExit) as left:
            main([*words.split(), option])
        assert not left.value.code and "--help" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("napari-jsn me", "measure"),
        ("napari-jsn find", "find-joints"),
        ("napari-jsn measure --wi", "--wide-mm"),
        ("napari-jsn segment --q", "--quiet"),
    ],
)
def test_the_shell_completes_commands_and_options(typed, offered, monkeypatch, capsys):
    monkeypatch.setenv("_NAPARI_JSN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    with pytest.raises(SystemExit):
        main([])
    assert offered in capsys.readouterr().out
