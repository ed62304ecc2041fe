import numpy as np
import pytest
import torch

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph import Radiograph
from napari_jsn.scoring.one_stage.canvas import CANVAS, hand_canvas
from napari_jsn.scoring.one_stage.network import with_coordinates
from napari_jsn.scoring.training import one_stage_task
from napari_jsn.scoring.training.one_stage_task import PART, HandBatch, OneStageTask, part_of_canvas, place_hand


def test_a_hand_on_the_canvas_keeps_its_joints():
    image = np.zeros((840, 560), np.uint8)
    image[100:800, 120:480] = 90
    centres = np.array([[200.0 + 20 * k, 200.0 + 30 * k] for k in range(14)], np.float32)
    erosions = np.zeros_like(image)
    for x, y in centres:
        erosions[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] = 255
        image[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] = 255
    radiograph = Radiograph(image.astype(np.float32) / 255, 0.28, "L")
    scored = hand_canvas(radiograph, "L")
    for change in (False, True):
        drawn, eroded, places, pixel_mm = place_hand(image, erosions, centres, 0.28, np.random.default_rng(1), change)
        assert drawn.shape == CANVAS
        assert abs(np.log(pixel_mm / scored.pixel_mm)) < (0.3 if change else 1e-6)
        for x, y in places:
            if 2 < x < CANVAS[1] - 3 and 2 < y < CANVAS[0] - 3:
                assert drawn[round(y), round(x)] > 0.5
                assert eroded[round(y), round(x)] > 0.5
        assert eroded.shape == CANVAS and eroded.mean() < 0.01
        if not change:  # a hand is learned where it lies when it is scored
            expected = np.c_[centres, np.ones(14)] @ np.linalg.inv(scored.to_radiograph).T
            assert np.abs(places - expected[:, :2]).max() < 0.5


def test_a_part_of_the_canvas_keeps_the_places_of_joints_and_coordinates():
    rng = np.random.default_rng(2)
    images = torch.from_numpy(rng.random((2, *CANVAS), dtype=np.float32))
    centres = torch.tensor([[[100.0 + 15 * k, 60.0 + 20 * k] for k in range(14)]] * 2) + torch.tensor([0.0, 50.0])
    grades = torch.zeros(2, 14, dtype=torch.long)
    widths = torch.ones(2, 14, 2)
    whole = HandBatch(images, 1 - images, centres, grades, grades, widths, torch.ones(2), torch.zeros(2, 2))
    part = part_of_canvas(whole, rng)
    assert part.images.shape == (2, *PART)
    assert torch.allclose(part.eroded, 1 - part.images)
    everywhere, there = with_coordinates(images, whole.origin), with_coordinates(part.images, part.origin)
    for k, (x, y) in enumerate(part.centres[:, 5].int().tolist()):
        wholly = tuple(centres[k, 5].int().tolist())
        assert torch.allclose(there[k, :, y, x], everywhere[k, :, wholly[1], wholly[0]], atol=1e-6)


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    images, eroded = torch.from_numpy(rng.random((2, 1, 96, 64), dtype=np.float32))
    centres = torch.from_numpy(rng.uniform(10, 60, (1, 14, 2)).astype(np.float32))
    grades = torch.tensor([[k % 5 for k in range(14)]])
    return HandBatch(
        images, eroded, centres, grades, grades, torch.ones(1, 14, 2), torch.tensor([1.0]), torch.zeros(1, 2)
    )


def test_the_loss_of_a_training_step_is_finite_and_has_gradients(batch):
    task = OneStageTask(hands=(batch, batch))
    network = task.network()
    loss = task.loss(network, next(iter(task.training_batches(0, 0))))
    loss.backward()
    assert torch.isfinite(loss)
    regions = [each.head[-1] for each in network.regions.kinds.values()]
    for head in (network.joint, network.narrowing[-1], *regions, network.eroded, network.widths):
        assert head.weight.grad.abs().sum() > 0
    figures = task.measures(network.eval(), batch)
    assert list(figures)[0] == "exact"
    assert figures["placed"].shape == (1,)
    assert task.card()["inner_mm"] < task.card()["outer_mm"]


def test_a_further_training_changes_the_networks_of_regions_alone(batch):
    task = OneStageTask(hands=(batch, batch))
    task.fine_tuned = True
    network = task.network().train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    optimizer, _ = task.optimizer(network, 4)
    task.loss(network, batch).backward()
    optimizer.step()
    changed = {key.split(".")[0] for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {"regions"}


def test_the_loss_of_a_validation_does_not_differ_by_chance(batch):
    task = OneStageTask(hands=(batch, batch))
    task.fine_tuned = True
    network = task.network().eval()
    with torch.no_grad():
        assert task.loss(network, batch) == task.loss(network, batch)
    assert task.loss(network, batch) != task.loss(network, batch)


@pytest.mark.parametrize("unknown", ["widths", "jsn"])
def test_what_is_not_known_is_not_learned(batch, unknown):
    value = getattr(batch, unknown)
    without = batch._replace(**{unknown: torch.full_like(value, torch.nan if value.is_floating_point() else -1)})
    task = OneStageTask(hands=(without, without))
    network = task.network()
    loss = task.loss(network, without)
    loss.backward()
    assert torch.isfinite(loss)
    heads = [network.widths] if unknown == "widths" else [network.narrowing[-1], network.regions.kinds["jsn"].head[-1]]
    for head in heads:
        assert head.weight.grad is None or not head.weight.grad.any()


def test_the_last_epochs_show_whole_hands_only(batch, monkeypatch):
    task = OneStageTask()
    task.optimizer(task.network(), 20)
    whole = HandBatch(*(torch.cat([each] * 40) for each in batch))
    whole = whole._replace(images=torch.rand(40, *CANVAS), eroded=torch.rand(40, *CANVAS))
    monkeypatch.setattr(one_stage_task, "_drawn", lambda *given: whole)
    shapes = [{tuple(each.images.shape[1:]) for each in task.training_batches(epoch, 0)} for epoch in (0, 16, 17, 19)]
    assert shapes[:2] == [{CANVAS, PART}] * 2
    assert shapes[2:] == [{CANVAS}] * 2


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="no preset"):
        OneStageTask("huge")


def test_own_scores_are_refused(tmp_path):
    with pytest.raises(InputError, match="preset default"):
        OneStageTask.from_folder(tmp_path, "one-stage", tmp_path / "scores.csv")
