"""Simulated patients are drawn once for all that is kept of them."""

import numpy as np
import pytest

from napari_jsn.common.progress import Aborted
from napari_jsn.scoring.training import simulated_patients
from napari_jsn.scoring.training.one_stage_task import OneStageTask
from napari_jsn.scoring.training.simulated_patients import (
    simulated_chunk,
    simulated_hand_erosions,
    simulated_hand_images,
)

PARTS = {"sites": simulated_chunk, "hands": simulated_hand_images, "erosions": simulated_hand_erosions}


@pytest.fixture
def drawn(monkeypatch):
    """Seeds that were drawn."""
    drawn = []

    def draw_patients(seed, count, grades):
        drawn.append(seed)
        return tuple({"erosions": np.full(2, k)} for k in range(3))

    monkeypatch.setattr(simulated_patients, "draw_patients", draw_patients)
    return drawn


@pytest.mark.parametrize("first", PARTS)
def test_patients_are_drawn_once_whichever_part_is_needed_first(drawn, tmp_path, first):
    PARTS[first](7, "uniform", tmp_path)
    found = [PARTS[name](7, "uniform", tmp_path) for name in PARTS]
    assert drawn == [7]
    assert [each["erosions"].tolist() for each in found[:2]] == [[0, 0], [1, 1]] and found[2].tolist() == [2, 2]


def test_simulating_hands_for_the_one_stage_network_can_be_aborted(drawn, tmp_path):
    class Progress:
        aborted = True
        messages = []

        def update(self, done, total, message=""):
            self.messages.append(message)

    with pytest.raises(Aborted):
        OneStageTask(cache=tmp_path, progress=Progress()).validation_batches()
    assert len(drawn) == 1 and Progress.messages == ["Simulating patients"]
