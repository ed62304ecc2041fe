import shutil

import numpy as np
import pandas as pd
import pytest

import napari_jsn as jsn
from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.scoring import scores_csv
from napari_jsn.scoring.training.own_scores import read_scored
from napari_jsn.scoring.training.task import LEARNED_ON_GIVEN, ScoringTask
from napari_jsn.training.tasks import task_from_folder

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


@pytest.mark.parametrize("what", ["no folder", "no table", "other patients", "one patient"])
def test_what_cannot_be_trained_on_is_refused(own, tmp_path, what):
    folder, table = own
    if what == "no folder":
        folder = tmp_path / "nothing"
    elif what == "no table":
        table = None
    elif what == "other patients":
        folder = tmp_path
    else:
        shutil.copytree(folder / "P1", tmp_path / "P1")
        folder = tmp_path
    with pytest.raises(InputError):
        ScoringTask.from_folder(folder, "default", table)
