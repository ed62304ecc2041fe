import json
import shutil

import numpy as np
import pandas as pd
import pytest
from skimage.io import imsave
from skimage.util import img_as_ubyte

import napari_jsn as jsn
from napari_jsn.anatomy import JOINTS
from napari_jsn.cli import main
from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.learned import NEVER
from napari_jsn.evaluation.learned import UNKNOWN as UNKNOWN_LEARNED
from napari_jsn.evaluation.scoring.own import read_own, sets_by_learned
from napari_jsn.networks.ram_h1200 import SOURCE
from napari_jsn.scoring import scores_csv
from napari_jsn.scoring.automatic.score import UNKNOWN
from napari_jsn.scoring.training.own_scores import read_scored, table_in
from napari_jsn.scoring.training.ram_h1200_hands import LEARNED, read_ram_h1200
from napari_jsn.scoring.training.task import LEARNED_ON_GIVEN, ScoringTask
from napari_jsn.scoring.two_stage.network import ARCHITECTURES
from napari_jsn.training.tasks import task_from_folder, task_to_resume
from tests.scoring.small_model import save_small_model

READERS = {"A": 1, "B": 2, "C": 2}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder of two patients with one radiograph each, and a table of three readers with a third patient."""
    folder = tmp_path_factory.mktemp("own")
    films = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    for name, film in zip(("P1", "P2"), films, strict=True):
        (folder / name).mkdir()
        shutil.copy(film, folder / name)
    rows = [
        {"patient": patient, "visit": 1, "side": "L", "site": site, "kind": kind, "grade": grade, "reader": reader}
        for patient in ("P1", "P2", "P3")
        for site in ("MCP2", "PIP3")
        for kind in ("jsn", "erosion")
        for reader, grade in READERS.items()
    ]
    rows += [{**rows[0], "site": "MCP4", "grade": np.nan, "not_scored": "surgery"}]
    table = folder / "scores.csv"
    table.write_bytes(scores_csv(pd.DataFrame(rows).fillna({"not_scored": ""}).assign(mark="", session="")))
    return folder, table


@pytest.fixture(scope="module")
def read(own):
    return read_scored(*own)


def test_grades_of_readers_become_soft_labels(read):
    patients = read.patients
    assert patients.names == ("P1", "P2")
    at = (0, 1, JOINTS.index("MCP2"))
    assert patients.grades[at].tolist() == [2, 2]
    assert patients.soft["jsn"][at].sum() == pytest.approx(1)
    assert patients.there[:, 1].all()
    assert not patients.there[:, 0].any()
    assert (patients.grades[:, 0] == -1).all()


def test_a_joint_that_had_surgery_is_learned_as_one_that_cannot_be_graded(read):
    assert (read.patients.reasons > 0).sum() == 1


def test_patients_without_radiographs_are_named(read):
    assert [each.name for each in read.left_out] == ["P3"]


def test_the_task_splits_by_patient_and_says_what_it_learned_on(own):
    folder, table = own
    task = task_from_folder("scoring", folder, "default", groups=table)
    trained, validated = ({each.patient for each in task.inputs.images if each.validated is v} for v in (False, True))
    assert trained | validated == {"P1", "P2"}
    assert not trained & validated
    assert task.card()["statement"] == LEARNED_ON_GIVEN
    batch = next(iter(task.training_batches(0, 0)))
    assert np.isnan(batch.scored.numpy()).any()


@pytest.mark.parametrize("simulated", [True, False])
def test_a_table_in_the_folder_is_used_without_being_named(own, simulated):
    folder, table = own
    assert table_in(folder) == table
    task = task_from_folder("scoring", folder, "default", simulated=simulated)
    assert {each.patient for each in task.inputs.images} == {"P1", "P2"}
    assert table_in(folder / "P1") is None


@pytest.mark.parametrize("what", ["no folder", "no table", "other patients", "one patient"])
def test_what_cannot_be_trained_on_is_refused(own, tmp_path, what):
    folder, table = own
    if what == "no folder":
        folder = tmp_path / "nothing"
    elif what == "no table":
        for name in ("P1", "P2"):
            shutil.copytree(folder / name, tmp_path / name)
        folder, table = tmp_path, None
    elif what == "other patients":
        folder = tmp_path
    else:
        shutil.copytree(folder / "P1", tmp_path / "P1")
        folder = tmp_path
    with pytest.raises(InputError):
        ScoringTask.from_folder(folder, "default", table)


@pytest.fixture(scope="module")
def ram_h1200(tmp_path_factory):
    """A folder of the layout of RAM-H1200 as published, with one hand in each part; one listed hand has no image."""
    folder = tmp_path_factory.mktemp("ram")
    films = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    for split, film, number in zip(("train", "val"), films, ("001", "002"), strict=True):
        parts = [folder / "SvdH_Scoring" / f"SvdH_{kind}_Scoring" / split for kind in ("BE", "JSN")]
        name = f"HUH_{number}_20200101_1_L"
        for each in (*parts, folder / "Segmentation" / split, parts[0] / name):
            each.mkdir(parents=True)
        imsave(folder / "Segmentation" / split / f"{name}.png", img_as_ubyte(jsn.read_radiograph(film).pixels))
        imsave(parts[0] / name / "MCP-I.png", np.zeros((30, 30), np.uint8), check_contrast=False)
        erosions = {name: {"BE_MCP-I": 2, "BE_R": 1, "BE_IP": None}, f"HUH_{number}_20200101_1_R": {"BE_MCP-I": 0}}
        narrowing = {name: {"JSN_MCP-I": 1, "JSN_PIP-M": 3, "JSN_STT": 2}}
        (parts[0] / "_annotation_be_scores.json").write_text(json.dumps(erosions))
        (parts[1] / "_annotation_jsn_scores.json").write_text(json.dumps(narrowing))
    return folder


def test_the_layout_of_ram_h1200_is_trained_on_with_its_own_split(ram_h1200):
    task = task_from_folder("scoring", ram_h1200, "default")
    assert [(each.patient, each.validated) for each in task.inputs.images] == [("HUH_001", False), ("HUH_002", True)]
    assert len(task.inputs.left_out) == 2
    about = task.card()
    assert about["statement"] == LEARNED
    assert about["training_data"][0]["source"] == SOURCE
    (batch,) = task.validation_batches()
    at = 14 + JOINTS.index("MCP2")
    assert batch.jsn[0, at].argmax() == 1
    assert batch.erosion[0, at].argmax() == 2
    assert batch.jsn[0, 14 + JOINTS.index("PIP3")].argmax() == 3
    assert int(((batch.erosion.sum(-1) > 0) & batch.there).sum()) == 1


@pytest.mark.parametrize("command", ["train", "evaluate"])
@pytest.mark.parametrize("what", ["layout", "name", "task", "folder"])
def test_a_data_set_that_is_not_there_or_not_known_is_refused(own, capsys, command, what, tmp_path):
    words = [*{"train": ["train", "scoring"], "evaluate": ["evaluate", "scoring", "--out", str(tmp_path)]}[command]]
    if what == "task":
        if command == "evaluate":
            return
        words[1] = "registration"
    given = {"name": "ram-w600"}.get(what, "ram-h1200")
    words += ["--dataset", given] + ([] if what == "folder" else ["--images", str(own[0])])
    with pytest.raises(SystemExit, match="2"):
        main(words)
    said = capsys.readouterr().err
    assert any(option in said for option in ("--dataset", "--images", "--data"))
    assert {"layout": "train/", "name": "ram-h1200", "task": "registration", "folder": "folder"}[what] in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["scoring", "--kind", "Erosion", "--start", "default"],
            ["--kind: There is no kind 'Erosion'", "jsn, erosion"],
        ),
        (["registration", "--kind", "erosion"], ["--kind: One kind alone", "training of scoring"]),
        (["segmentation", "--kind", "jsn"], ["--kind: One kind alone", "Leave --kind out"]),
        (["scoring", "--preset", "one-stage", "--kind", "jsn"], ["--kind: One kind alone", "preset default"]),
        (["scoring", "--images", "nowhere", "--scores", "a.csv"], ["Error: --images: There is no folder nowhere"]),
        (["scoring", "--data=nowhere", "--scores", "a.csv"], ["Error: --data: There is no folder nowhere"]),
        (["scoring", "--scores", "a.csv"], ["Give their folder with --images"]),
        (
            ["scoring", "--scores", "a.csv", "--dataset", "ram-h1200", "--images", "x"],
            ["--scores: ram-h1200 has scores"],
        ),
    ],
)
def test_wrong_options_of_a_training_are_named(words, said, capsys):
    assert called("train", *words) == 2
    printed = capsys.readouterr().err
    assert all(each in printed for each in said) and "--start:" not in printed


@pytest.fixture
def own_columns(own, tmp_path):
    """A table with columns of its own, the mapping file that describes them, and the folder of the radiographs."""
    table, mapping = tmp_path / "own.csv", tmp_path / "mapping.json"
    table.write_text("ID,by,left index,left index eroded\nP1,A,1,2\nP2,A,2,0\n")
    cells = {"left index": "L jsn MCP2", "left index eroded": "L erosion MCP2"}
    mapping.write_text(json.dumps({"patient": "ID", "reader": "by", "cells": cells}))
    return own[0], table, mapping


def test_a_table_with_columns_of_its_own_is_learned_and_evaluated(own_columns, tmp_path, capsys, small_networks):
    folder, table, mapping = own_columns
    words = ["--scores", table, "--images", folder]
    assert called("train", "scoring", *words) == 2
    assert "Error: --layout: The columns of" in capsys.readouterr().err
    given = [*words, "--layout", mapping]
    assert called("train", "scoring", *given, "--epochs", 1, "--device", "cpu", "--out", tmp_path, "--name", "it") == 0
    assert called("evaluate", "scoring", *words, "--model", tmp_path / "scoring-it.safetensors") == 2
    capsys.readouterr()
    words = [*given, "--model", tmp_path / "scoring-it.safetensors", "--out", tmp_path / "out"]
    assert called("evaluate", "scoring", *words) == 0
    assert "### Own scores, trained on, 1 patient" in capsys.readouterr().out


def test_a_table_that_states_no_reader_is_of_one(own_columns):
    folder, table, mapping = own_columns
    with_reader = task_from_folder("scoring", folder, "default", groups=table, layout=mapping)
    table.write_text("ID,left index,left index eroded\nP1,1,2\nP2,2,0\n")
    mapping.write_text(
        json.dumps({key: value for key, value in json.loads(mapping.read_text()).items() if key != "reader"})
    )
    without = task_from_folder("scoring", folder, "default", groups=table, layout=mapping)
    for a, b in zip(with_reader.validation_batches(), without.validation_batches(), strict=True):
        assert a.jsn.equal(b.jsn) and a.erosion.equal(b.erosion)


def test_a_resumed_training_knows_the_layout_of_its_table(own_columns, monkeypatch):
    folder, table, mapping = own_columns
    task = task_from_folder("scoring", folder, "default", groups=table, layout=mapping)
    inputs = task.inputs.record()
    assert inputs["layout"] == str(mapping.absolute())
    run = {"task": "scoring", "preset": "default", "inputs": inputs}
    monkeypatch.setattr("napari_jsn.training.resume.read_run", lambda path: run)
    assert task_to_resume("some.ckpt").inputs.record() == inputs


@pytest.mark.parametrize(
    "words",
    [
        ["train", "segmentation", "--images", "x"],
        ["train", "scoring"],
        ["train", "scoring", "--dataset", "ram-h1200", "--images", "x"],
        ["evaluate", "scoring"],
        ["evaluate", "scoring", "--dataset", "ram-h1200", "--images", "x"],
    ],
)
def test_a_layout_without_a_table_of_scores_is_refused(words, capsys):
    assert called(*words, "--layout", "long") == 2
    assert "Error: --layout: A layout is that of a table of" in capsys.readouterr().err


def test_the_one_stage_network_refuses_a_table_with_a_layout(own_columns, capsys):
    folder, table, mapping = own_columns
    words = ["--preset", "one-stage", "--scores", table, "--images", folder, "--layout", mapping]
    assert called("train", "scoring", *words) == 2
    assert "Error: --preset: The one-stage network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("preset", "start"), [("default", "one-stage"), ("one-stage", "default"), ("paper", "default")]
)
def test_a_model_of_another_network_is_refused_before_images_are_read_or_simulated(preset, start, capsys, monkeypatch):
    monkeypatch.setattr("napari_jsn.training.tasks.task_from_folder", lambda *rest, **options: 1 / 0)
    assert called("train", "scoring", "--preset", preset, "--start", start, "--name", "it") == 2
    assert f"--start: The model {start!r} has another network" in capsys.readouterr().err


def test_a_data_set_and_a_table_are_not_evaluated_together(own, tmp_path, capsys):
    words = ["--scores", own[1], "--dataset", "ram-h1200", "--images", own[0], "--out", tmp_path]
    assert called("evaluate", "scoring", *words) == 2
    assert "Error: --scores: ram-h1200 has scores of its own" in capsys.readouterr().err


@pytest.mark.parametrize("visits", [(3,), (2, 7)])
def test_visits_that_the_folder_lacks_are_named(own, tmp_path, visits):
    rows = pd.read_csv(own[1], dtype=str, keep_default_na=False)
    table = tmp_path / "later.csv"
    pd.concat([rows.assign(visit=str(each)) for each in visits]).to_csv(table, index=False)
    with pytest.raises(InputError, match="No visit of later.csv has radiographs") as caught:
        read_scored(own[0], table)
    assert all(f"P1, visit {each}" in str(caught.value) for each in visits[:1])
    assert "Name the folders" not in str(caught.value)


@pytest.mark.parametrize("name", ["../own/P1", "{folder}/P1", "P1/.", ".", "x" * 400])
def test_only_folders_of_the_given_one_are_patients(own, tmp_path, name):
    folder, table = own
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    other, name = tmp_path / "other.csv", name.format(folder=folder)
    pd.concat([rows, rows[rows["patient"] == "P1"].assign(patient=name)]).to_csv(other, index=False)
    read = read_scored(folder, other)
    assert read.patients.names == ("P1", "P2")
    assert (name, "no folder of this name") in [(each.name, each.reason) for each in read.left_out]


def test_a_part_without_scores_is_refused(ram_h1200):
    with pytest.raises(InputError, match="no score file"):
        read_ram_h1200(ram_h1200, "test")


@pytest.mark.parametrize("option", ["--images", "--exposures"])
def test_a_one_stage_network_is_not_evaluated_on_images_of_the_user(own, tmp_path, capsys, option, monkeypatch):
    monkeypatch.setattr("napari_jsn.scoring.automatic.score.is_one_stage", lambda model: True)
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "scoring", option, str(own[0]), "--out", str(tmp_path)])
    said = capsys.readouterr().err
    assert "--model" in said and "simulated hands only" in " ".join(said.split())


@pytest.fixture
def small_networks(monkeypatch):
    """Networks that are trained in seconds."""
    monkeypatch.setitem(ARCHITECTURES, "default", {"features": (4, 6), "width": 8, "layers": 1})


def called(*words):
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return caught.value.code


@pytest.mark.parametrize("said", ["Learned on some hands only.", None])
@pytest.mark.parametrize("as_json", [True, False])
def test_what_the_network_learned_on_stands_on_its_evaluation(own, tmp_path, capsys, said, as_json):
    model = save_small_model(tmp_path, statement=said)
    shown = said or UNKNOWN
    words = ["--scores", own[1], "--images", own[0], "--model", model, "--out", tmp_path / "out"]
    assert called("evaluate", "scoring", *words, *["--json"] * as_json) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["statement"] == shown if as_json else shown in printed
    assert shown in (tmp_path / "out" / "scoring.md").read_text()
    assert json.loads((tmp_path / "out" / "run.json").read_text())["statement"] == shown


@pytest.mark.parametrize(("kind", "absent"), [("erosion", "Joint space narrowing"), ("jsn", "Erosion")])
def test_a_kind_without_grades_has_a_sentence_and_no_table(own, tmp_path, capsys, kind, absent):
    table = tmp_path / "one.csv"
    rows = pd.read_csv(own[1], dtype=str, keep_default_na=False)
    rows[(rows["kind"] == kind) & (rows["reader"] == "B")].to_csv(table, index=False)
    words = ["--scores", table, "--images", own[0], "--model", save_small_model(tmp_path), "--out", tmp_path / "out"]
    assert called("evaluate", "scoring", *words) == 0
    report = capsys.readouterr().out
    assert f"{absent}: no joint has a grade" in report and f"{absent}:\n" not in report
    assert report.count("| method |") == 1


def test_a_training_prints_what_the_network_learned_on(own, tmp_path, capsys, small_networks):
    words = ["--scores", own[1], "--images", own[0], "--epochs", 1, "--device", "cpu", "--out", tmp_path]
    assert called("train", "scoring", *words) == 0
    printed = capsys.readouterr().out
    assert LEARNED_ON_GIVEN in printed and "### Validation, 1 patient\n" in printed
    readers = printed.partition("Readers on the same joints")[2]
    assert readers.count("| A | B |") == 2 and readers.count("| 2 |") == 6  # 3 pairs, 2 kinds, 2 joints of one patient
    model = tmp_path / "scoring-default.safetensors"
    assert called("evaluate", "scoring", *words[:4], "--model", model, "--out", tmp_path / "out") == 0
    report = capsys.readouterr().out
    assert "### Own scores, trained on, 1 patient\n" in report and "was trained on 1 (P" in report
    assert "### Own scores, validated on, 1 patient\n" in report


def test_a_training_on_one_reader_prints_no_agreement(ram_h1200, tmp_path, capsys, small_networks):
    words = ["--dataset", "ram-h1200", "--images", ram_h1200, "--epochs", 1, "--device", "cpu", "--out", tmp_path]
    assert called("train", "scoring", *words) == 0
    printed = capsys.readouterr().out
    assert "### Validation, 1 patient\n" in printed and "Readers" not in printed


@pytest.mark.parametrize("images", [{}, {"trained_on": [], "validated_on": [], "all_known": True}])
def test_whether_radiographs_were_learned_from_is_said_where_the_card_states_it(own, tmp_path, images):
    model = save_small_model(tmp_path, images=images)
    read = read_own(*own)
    ((name, kind, part),), (said,) = sets_by_learned(read, model, "some")
    assert name == "some" and len(part) == 2 and kind == (NEVER if images else UNKNOWN_LEARNED)
    assert "never learned" in said if images else "does not state" in said


def test_a_network_is_evaluated_beside_the_readers(own, ram_h1200, tmp_path, capsys):
    model = save_small_model(tmp_path)
    folder, table = own
    for words in (["--scores", table, "--images", folder], ["--images", folder, "--scores", table, "--json"]):
        with pytest.raises(SystemExit) as caught:
            main([str(w) for w in ["evaluate", "scoring", *words, "--model", model, "--out", tmp_path / "out"]])
        assert caught.value.code == 0
    report = (tmp_path / "out" / "scoring.md").read_text()
    for text in ("Own scores, 2 patients", "two-stage", "all zeros", "Readers on the same joints", "P3"):
        assert text in report
    with pytest.raises(SystemExit):
        main(["evaluate", "scoring", "--images", str(tmp_path), "--model", model])
    assert "--scores" in capsys.readouterr().err
