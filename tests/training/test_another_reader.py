from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.scoring.training.simulated_patients import MARKS
from napari_jsn.training import another_reader as module
from napari_jsn.training.another_reader import Adapted, adapted_line, by_another_reader
from tests.scoring.small_model import SMALL, save_small_model
from tests.scoring.training.test_task import patients


def test_another_reader_has_other_limits_and_another_detector():
    some = patients(2, 6)
    share = np.array([1.0, 0.95, 0.8, 0.6, 0.1])[some.grades[..., 0].clip(0)]
    marks = np.zeros_like(some.marks)
    marks[1, 1, 13] = MARKS.index("ankylosis")
    some = replace(
        some, widths=np.stack([1.5 * share, 1.5 + 0 * share, 1.5 + 0 * share], -1).astype(np.float32), marks=marks
    )
    other = by_another_reader(some)
    known = (some.grades[..., 0] >= 0) & (marks == 0)
    assert other.grades[..., 0][known].tolist() == np.array([0, 1, 2, 3, 3])[some.grades[..., 0][known]].tolist()
    assert other.grades[1, 1, 13, 0] == 4
    assert (other.grades[some.grades < 0] == -1).all()
    assert other.images.shape == some.images.shape and not np.array_equal(other.images, some.images)


def test_the_share_of_the_loss_is_that_between_before_and_own():
    assert Adapted(0.6, 0.4, 0.55, 40, 300.0).recovered == pytest.approx(0.75)
    assert "75 % of the loss" in adapted_line(Adapted(0.6, 0.4, 0.55, 40, 300.0))


def test_the_command_trains_and_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "simulated_patients", lambda count, seed, grades, cache: patients(count, seed))
    monkeypatch.setitem(module.ScoringTask.architectures, "default", SMALL)
    model = save_small_model(tmp_path)
    assert module.main(["--model", model, "--patients", "5", "--epochs", "1", "--out", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr().out
    assert "5 simulated patients of another reader" in printed and "'epoch': 1" in printed
