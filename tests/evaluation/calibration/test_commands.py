"""The command that makes the cards."""

import argparse
import re
import shlex
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from napari_jsn.evaluation.calibration.__main__ import CARDS, PROGRAM, RECORDS, commands, main
from napari_jsn.evaluation.calibration.repositioning import fit_repositioning
from napari_jsn.evaluation.hands.measured import MeasuredJoint
from napari_jsn.progression.repositioning import repositioning_sd_mm

ROOT = Path(__file__).parents[3]


def test_every_shipped_card_records_its_command():
    shipped = {f"models/{path.name}" for path in files("napari_jsn").joinpath("models").iterdir()}
    cards = {path for path in shipped if path.endswith(".json")}
    assert {path for path, _ in RECORDS} == cards | {"simulation/hand_shape.json"}


def test_the_commands_are_printed_in_order_and_can_be_parsed(capsys):
    main([])
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if not line.startswith("#")] == commands()
    found = []
    for command in commands():
        if command.startswith(PROGRAM):
            name, *options = shlex.split(command.removeprefix(PROGRAM))
            found.append(name)
            parser = argparse.ArgumentParser()
            import_module(f"napari_jsn.evaluation.calibration.{CARDS[name][0]}").add_options(parser)
            parser.parse_args(options)
        else:
            assert command.startswith("napari-jsn ")
    assert found == list(CARDS)


def test_every_path_of_a_command_is_in_the_repository_or_explained(capsys):
    main([])
    printed = capsys.readouterr().out
    comments = "\n".join(line for line in printed.splitlines() if line.startswith("#"))
    explained = {"NAPARI_JSN_DATA", "data", "registration-first.safetensors"}
    assert all(re.search(rf"\b{name}\b", comments) for name in explained)
    for command in commands():
        words = shlex.split(command)
        for option, value in zip(words, words[1:], strict=False):
            if option in ("--data", "--start"):
                assert value.startswith("$NAPARI_JSN_DATA") or value in explained
            elif option == "--page":
                assert (ROOT / value).is_file()


def test_an_unknown_card_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["magic"])
    assert "hand-shape" in capsys.readouterr().err


def test_repositioning_explains_the_errors_that_registration_does_not():
    rng = np.random.default_rng(0)
    registration, added = 0.01, 0.03
    stated = float(np.hypot(registration, repositioning_sd_mm("PIP2")))
    errors = rng.normal(0, np.hypot(registration, added), 4000)
    measured = [MeasuredJoint("PIP2", 0.0, error, stated, 0.0, True, "", 0.0) for error in errors]
    sd_mm, coverage = fit_repositioning(measured)
    assert sd_mm["PIP"] == pytest.approx(added, rel=0.1) and coverage == pytest.approx(0.955, abs=0.005)
