import numpy as np
import pytest
import torch

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph import Radiograph
from napari_jsn.scoring.one_stage.canvas import CANVAS, hand_canvas
from napari_jsn.scoring.one_stage.network import with_coordinates
from napari_jsn.scoring.training.one_stage_task import PART, HandBatch, OneStageTask, part_of_canvas, place_hand


def test_a_hand_on_the_canvas_keeps_its_joints():
    image = np.zeros((840, 560), np.uint8)
    image[100:800, 120:480] = 90
    centres = np.array([[200.0 + 20 * k, 200.0 + 30 * k] for k in range(14)], np.float32)
    for x, y in centres:
        image[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] = 255
    radiograph = Radiograph(image.astype(np.float32) / 255, 0.28, "L")
    scored = hand_canvas(radiograph, "L")
    for change in (False, True):
        drawn, places, pixel_mm = place_hand(image, centres, 0.28, np.random.default_rng(1), change)
        assert drawn.shape == CANVAS
        assert abs(np.log(pixel_mm / scored.pixel_mm)) < (0.3 if change else 1e-6)
        for x, y in places:
            if 2 < x < CANVAS[1] - 3 and 2 < y < CANVAS[0] - 3:
                assert drawn[round(y), round(x)] > 0.5
        if not change:  # a hand is learned where it lies when it is scored
            expected = np.c_[centres, np.ones(14)] @ np.linalg.inv(scored.to_radiograph).T
            assert np.abs(places - expected[:, :2]).max() < 0.5


def test_a_part_of_the_canvas_keeps_the_places_of_joints_and_coordinates():
    rng = np.random.default_rng(2)
    images = torch.from_numpy(rng.random((2, *CANVAS), dtype=np.float32))
    centres = torch.tensor([[[100.0 + 15 * k, 60.0 + 20 * k] for k in range(14)]] * 2) + torch.tensor([0.0, 50.0])
    grades = torch.zeros(2, 14, dtype=torch.long)
    whole = HandBatch(images, centres, grades, grades, torch.ones(2), torch.zeros(2, 2))
    part = part_of_canvas(whole, rng)
    assert part.images.shape == (2, *PART)
    everywhere, there = with_coordinates(images, whole.origin), with_coordinates(part.images, part.origin)
    for k, (x, y) in enumerate(part.centres[:, 5].int().tolist()):
        wholly = tuple(centres[k, 5].int().tolist())
        assert torch.allclose(there[k, :, y, x], everywhere[k, :, wholly[1], wholly[0]], atol=1e-6)


def test_the_loss_of_a_training_step_is_finite_and_has_gradients():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.random((1, 96, 64), dtype=np.float32))
    centres = torch.from_numpy(rng.uniform(10, 60, (1, 14, 2)).astype(np.float32))
    grades = torch.tensor([[k % 5 for k in range(14)]])
    batch = HandBatch(images, centres, grades, grades, torch.tensor([1.0]), torch.zeros(1, 2))
    task = OneStageTask(hands=(batch, batch))
    network = task.network()
    loss = task.loss(network, next(iter(task.training_batches(0, 0))))
    loss.backward()
    assert torch.isfinite(loss)
    for head in (network.joint, network.jsn, network.erosion):
        assert head.weight.grad.abs().sum() > 0
    figures = task.measures(network.eval(), batch)
    assert list(figures)[0] == "exact"
    assert figures["placed"].shape == (1,)
    assert task.card()["inner_mm"] < task.card()["outer_mm"]


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="no preset"):
        OneStageTask("huge")


def test_own_scores_are_refused(tmp_path):
    with pytest.raises(InputError, match="preset default"):
        OneStageTask.from_folder(tmp_path, "one-stage", tmp_path / "scores.csv")
