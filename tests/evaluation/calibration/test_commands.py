"""The command that makes the cards."""

import argparse
import re
import shlex
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_jsn.evaluation.calibration import grade_probabilities, weights
from napari_jsn.evaluation.calibration.__main__ import CARDS, PROGRAM, RECORDS, TOOLS, commands, main
from napari_jsn.evaluation.calibration.repositioning import card_content, fit_uncertainty
from napari_jsn.evaluation.hands.measured import MeasuredJoint
from napari_jsn.networks.weights import CARD_HASH, FIELDS, card, read_card, save
from napari_jsn.progression.repositioning import CARD

ROOT = Path(__file__).parents[3]


def test_every_shipped_card_records_its_command():
    shipped = {f"models/{path.name}" for path in files("napari_jsn").joinpath("models").iterdir()}
    cards = {path for path in shipped if path.endswith(".json")}
    recorded = {path for path, _ in RECORDS if files("napari_jsn").joinpath(path).is_file()}
    assert recorded == cards | {"simulation/hand_shape.json"}
    assert len(set(RECORDS)) == len(RECORDS) and len(set(commands())) == len(commands())


def test_the_commands_are_printed_in_order_and_can_be_parsed(capsys):
    main([])
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if not line.startswith("#")] == commands()
    found = []
    for command in commands():
        if command.startswith(PROGRAM):
            name, *options = shlex.split(command.removeprefix(PROGRAM))
            found += [name] if name in CARDS else []
            parser = argparse.ArgumentParser()
            import_module(f"napari_jsn.evaluation.calibration.{(CARDS | TOOLS)[name][0]}").add_options(parser)
            parser.parse_args(options)
        else:
            assert command.startswith("napari-jsn ")
    assert found == list(CARDS)


def test_every_path_of_a_command_is_in_the_repository_or_explained(capsys):
    main([])
    printed = capsys.readouterr().out
    comments = "\n".join(line for line in printed.splitlines() if line.startswith("#"))
    explained = set(re.findall(r"\b(?:NAPARI_JSN_DATA|data|undamaged|[\w-]+\.safetensors)(?![\w/])", comments))
    assert {"NAPARI_JSN_DATA", "data", "undamaged", "registration-first.safetensors"} <= explained
    for command in commands():
        words = shlex.split(command)
        for option, value in zip(words, words[1:], strict=False):
            if option in ("--data", "--start", "--unet", "--two-stage"):
                assert value.startswith("$NAPARI_JSN_DATA") or value in explained
            elif option == "--page":
                assert (ROOT / value).is_file()


def test_an_unknown_card_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["magic"])
    assert "hand-shape" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("factor", "lever_mm", "added_mm", "shared"), [(2.0, 0.2, 0.02, 0.3), (1.0, 0.4, 0.03, 0.0), (3.0, 0.0, 0.01, 0.1)]
)
def test_the_constants_of_the_uncertainty_are_found_again(factor, lever_mm, added_mm, shared):
    rng = np.random.default_rng(0)
    measured = []
    for hand in range(800):
        common = rng.standard_normal()
        for joint in ("PIP2", "PIP3", "PIP4", "PIP5", "MCP2"):
            registration, rotation_deg = rng.uniform(0.005, 0.05), rng.normal(0, 8)
            sd = np.sqrt(factor * registration**2 + added_mm**2 + (lever_mm * np.deg2rad(rotation_deg)) ** 2)
            error = sd * (np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.standard_normal())
            measured.append(made_up(str(hand), joint, error, registration, rotation_deg))
    measured.append(made_up("0", "MCP3", 5.0, 0.01, 0.0, state="failed"))
    fitted, coverage = fit_uncertainty(measured)
    assert fitted.registration == pytest.approx(factor, rel=0.2) and coverage == pytest.approx(0.95, abs=0.005)
    assert fitted.lever_mm == pytest.approx(lever_mm, abs=0.05) and fitted.shared == pytest.approx(shared, abs=0.03)
    assert fitted.repositioning_mm["PIP"] == pytest.approx(added_mm, abs=0.005)


def made_up(patient, joint, error, registration, rotation_deg, state="good"):
    return MeasuredJoint(
        patient, "L", 0.2, joint, 0.0, error, 0.03, registration, rotation_deg, 0.0, 0.05, True, state, "", 0.0
    )


def test_the_content_of_the_card_has_the_keys_of_the_shipped_one():
    measured = [made_up(str(k), "PIP2", 0.02 * (-1) ** k, 0.02, 3.0) for k in range(40)]
    assert [*card_content(measured, 12, 31, "found"), CARD_HASH] == list(card(CARD))


# weights


def test_every_shipped_network_has_one_target_in_order(capsys):
    main(["weights"])
    listed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    shipped = {path.name.removesuffix(".safetensors").removesuffix("-default")
               for path in files("napari_jsn").joinpath("models").iterdir()
               if path.name.endswith(".safetensors")}  # fmt: skip
    assert listed[:3] == [f"make weights-{name}" for name in ("localization", "segmentation", "registration")]
    assert {line.removeprefix("make weights-") for line in listed} == shipped
    assert "\nweights-%:" in (ROOT / "Makefile").read_text()


SECOND = weights.Recipe("scoring", "one-stage", ("--preset", "one-stage", "--threads", "1"), "")
RECIPES = {one.name: one for one in [*weights.recipes(), SECOND]}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda one: one.name)
def test_a_stopped_training_is_resumed_and_a_finished_one_is_not_repeated(recipe, tmp_path, monkeypatch, capsys):
    for name in ("hands", "more-hands", "adult-hands", "finger-joints"):
        (tmp_path / "real" / name).mkdir(parents=True)
    monkeypatch.setenv("NAPARI_JSN_DATA", str(tmp_path / "real"))
    out = tmp_path / "out" / recipe.name
    first = weights.training_command(recipe, out)
    assert first[:2] == ["train", recipe.task] and first[first.index("--out") + 1] == str(out)
    assert first[first.index("--name") + 1] == recipe.model
    assert "--start" not in first and "--threads" in first
    assert ("--data" in first) == bool(recipe.data)  # others learn from simulated images alone
    assert not recipe.data or Path(first[first.index("--data") + 1]).is_dir()
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{recipe.task}-{recipe.model}.ckpt").touch()
    assert weights.training_command(recipe, out)[2] == "--resume"

    monkeypatch.setattr(weights, "recipes", lambda: list(RECIPES.values()))
    calls = []

    def trained(words, check):
        calls.append(words)
        (out / f"{recipe.task}-{recipe.model}.safetensors").touch()
        return argparse.Namespace(returncode=0)

    monkeypatch.setattr(weights.subprocess, "run", trained)
    for _ in range(2):
        main(["weights", recipe.name, "--out", str(tmp_path / "out")])
    assert len(calls) == 1 and "up to date" in capsys.readouterr().out
    monkeypatch.setattr(weights, "_stamp", lambda recipe: "another simulator")
    main(["weights", recipe.name, "--out", str(tmp_path / "out")])
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("words", "message"), [(["nothing"], "no shipped network 'nothing'"), (["segmentation"], "real images")]
)
def test_weights_that_cannot_be_trained_are_refused(words, message, monkeypatch, tmp_path):
    monkeypatch.delenv("NAPARI_JSN_DATA", raising=False)
    with pytest.raises(SystemExit, match=message):
        main(["weights", *words, "--out", str(tmp_path)])


# grades


@pytest.mark.parametrize(("method", "task"), [("two-stage", "ScoringTask"), ("one-stage", "OneStageTask")])
def test_the_grades_of_a_trained_network_are_calibrated_again(method, task, tmp_path, monkeypatch, capsys):
    about = {"task": "scoring", "name": "mine", "preset": "default", "simulator": "0" * 12}
    card_of = dict.fromkeys(FIELDS, "") | about | {"temperature": {"jsn": 3.0}}
    model = save(tmp_path, {"weight": torch.zeros(1)}, card_of)
    fitted = {"temperature": {"jsn": 1.1}, "confusions": {"jsn": [[1]]}}
    network = SimpleNamespace()

    class Task:
        def __init__(self, preset, cache):
            assert preset == "default"

        def calibration(self, given):
            assert given is network
            return fitted

    monkeypatch.setattr(grade_probabilities, "is_one_stage", lambda name: method == "one-stage")
    monkeypatch.setattr(grade_probabilities, task, Task)
    monkeypatch.setattr(
        grade_probabilities, "load_grader", lambda used, name, device: SimpleNamespace(network=network, method=used)
    )
    main(["grade-probabilities", "--model", str(model)])
    assert "1.1" in capsys.readouterr().out
    written = read_card(model.with_suffix(".json"))
    assert written["temperature"] == fitted["temperature"] and written["simulator"] == about["simulator"]


def test_a_network_of_real_hands_is_not_calibrated_on_simulated_ones(tmp_path):
    model = save(tmp_path, {"weight": torch.zeros(1)}, dict.fromkeys(FIELDS, "") | {"task": "scoring", "name": "mine"})
    with pytest.raises(SystemExit, match="does not say"):
        main(["grade-probabilities", "--model", str(model)])
