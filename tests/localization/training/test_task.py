import numpy as np
import pytest
import torch
from PIL import Image

from napari_jsn import InputError
from napari_jsn.anatomy import JOINTS
from napari_jsn.evaluation.localization.detections import RadiographTruth
from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.localization.network import CELL, CHANNELS, build_joint_net
from napari_jsn.localization.training import data, public_hands
from napari_jsn.localization.training import task as module
from napari_jsn.localization.training.data import LabelledRadiograph, TrainingHand, simulated_hands, training_hand
from napari_jsn.localization.training.task import LocalizationTask
from napari_jsn.networks import weights


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Short epochs."""
    monkeypatch.setattr(module, "_SCENES", 8)
    monkeypatch.setattr(module, "_BATCH", 4)


def made_hand(seed=0):
    points = 1.4 * mean_hand() + (115, 120)
    image = np.full((330, 235), 40, np.uint8)
    for x, y in np.rint(points).astype(int):
        image[y - 3 : y + 4, x - 3 : x + 4] = 250
    return TrainingHand(image, points, group=str(seed), name=str(seed))


@pytest.fixture
def task():
    return LocalizationTask([made_hand(seed) for seed in range(4)], simulated=0)


def test_it_satisfies_the_card(task):
    weights.check_fields({**task.card(), **dict.fromkeys(("task", "name", "preset", "figures", "command", "seed"), ""),
                          "versions": {}})  # fmt: skip
    assert task.card()["training_data"][0] == {
        "source": "radiographs of the user", "terms": "as the user has them", "radiographs": 3, "hands": 3,
    }  # fmt: skip
    assert task.card()["validation"]["radiographs not trained on"] == ["0"]


def test_batches_are_the_same_for_the_same_epoch_and_seed(task):
    first, again = (list(task.training_batches(3, 1)) for _ in range(2))
    assert len(first) == 2 and first[0][0].shape == (4, 2, 256, 256) and first[0][1].shape == (4, CHANNELS, 2)
    for one, other in zip(first, again, strict=True):
        assert all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(one, other, strict=True))
    assert not torch.equal(first[0][0], next(iter(task.training_batches(4, 1)))[0])


def test_a_network_that_knows_gets_full_marks(task):
    batch = task.validation_batches()[0]
    points, cells = batch[1], torch.arange(128)

    class Perfect(torch.nn.Module):
        def forward(self, images):
            at = (points.nan_to_num(-1e3) + 0.5) / CELL - 0.5
            away = (cells - at[..., None, :1]) ** 2 + (cells[:, None] - at[..., 1:, None]) ** 2
            seen = torch.isfinite(points[..., 0])
            return torch.where(seen, -30.0, 30.0), -away / 2

    measures = task.measures(Perfect(), batch)
    assert list(measures)[0] == "right"
    torch.testing.assert_close(measures["right"], torch.ones(len(points)))
    torch.testing.assert_close(measures["not_invented"], torch.ones(len(points)))
    assert (measures["precise"] > 0.9).all()
    random = task.network()
    assert task.loss(Perfect(), batch) < 0.3 * task.loss(random, batch)


def test_a_few_steps_lower_the_loss(task):
    torch.manual_seed(0)
    network = build_joint_net({"features": (8, 8, 8, 8, 8)})
    optimizer, scheduler = task.optimizer(network, 4)
    batch = next(iter(task.training_batches(0, 0)))
    losses = []
    for _ in range(8):
        loss = task.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0] and scheduler is not None
    shown = task.example(network, 0)
    assert shown["image"].shape == shown["truth"].shape == shown["found"].shape == (256, 256)
    assert shown["truth"].max() > 0


def test_an_unknown_preset_and_too_few_hands_are_refused():
    with pytest.raises(InputError, match="default"):
        LocalizationTask([made_hand()], "huge")
    with pytest.raises(InputError, match="too few"):
        LocalizationTask([made_hand()], simulated=0)


def test_simulated_hands_are_kept_on_disk(tmp_path, monkeypatch):
    drawn = []

    def draw(seed, count, difficulty):
        drawn.append((seed, count, difficulty))
        return [made_hand(seed)] * count

    monkeypatch.setattr(data, "draw_chunk", draw)
    first = simulated_hands(23, 5, tmp_path, processes=1)
    assert drawn == [(5, 20, 1), (6, 3, 1)] and len(first) == 23
    again = simulated_hands(23, 5, tmp_path, processes=1)
    assert len(drawn) == 2
    simulated_hands(23, 5, tmp_path, processes=1, difficulty=3)
    assert drawn[2:] == [(5, 20, 3), (6, 3, 3)]
    np.testing.assert_array_equal(first[22].image, again[22].image)


def test_a_simulated_hand_is_reduced_with_its_joints():
    (hand,) = data.draw_chunk(3, 1)
    assert hand.points.shape == (14, 2) and hand.image.dtype == np.uint8
    assert (hand.points > 0).all() and (hand.points < hand.image.shape[::-1]).all()


def test_a_right_hand_is_turned_round():
    left = made_hand()
    pixels = np.ascontiguousarray(left.image[:, ::-1] / np.float32(255))
    points = (left.points - (pixels.shape[1] - 1, 0)) * (-1, 1)
    turned = training_hand(LabelledRadiograph(pixels, points, "R", 1.4))
    np.testing.assert_allclose(turned.points, left.points, atol=0.6)
    np.testing.assert_allclose(turned.image[100:200, 50:150], left.image[100:200, 50:150], atol=60)


def test_a_users_own_table_is_read(tmp_path):
    hand = made_hand()
    Image.fromarray(hand.image).save(tmp_path / "hand.png")
    lines = [f"hand.png,L,{joint},{x},{y}" for joint, (x, y) in zip(JOINTS, hand.points, strict=True)]
    (tmp_path / "joints.csv").write_text("\n".join(["file,side,joint,x,y", *lines[:-1]]))
    (read,) = public_hands.training_hands(tmp_path)
    np.testing.assert_allclose(read.points[:-1], hand.points[:-1], atol=1)
    assert np.isnan(read.points[-1]).all()
    (tmp_path / "joints.csv").write_text("file,side,joint,x\nhand.png,L,MCP2,3")
    with pytest.raises(InputError, match="Line 2 of"):
        public_hands.training_hands(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no joints\.csv"):
        public_hands.training_hands(tmp_path / "empty")


@pytest.mark.parametrize(("visible", "unplaced"), [(13, 0), (14, 1), (None, 0)])
def test_radiographs_of_adults_are_measured_but_not_trained_on(tmp_path, visible, unplaced):
    hand = made_hand()
    Image.fromarray(hand.image).save(tmp_path / "film.png")
    lines = [f"film.png,{joint},L,{y},{x}" for joint, (x, y) in zip(JOINTS, hand.points, strict=True)]
    (tmp_path / "joints.csv").write_text("\n".join(["file,joint,side,row,col", *lines[:-1]]))
    if visible is not None:
        (tmp_path / "films.csv").write_text(f"file,shows,visible\nfilm.png,adult,{visible}\n")
    (sets,) = public_hands.evaluation_radiographs(tmp_path).items()
    assert sets[0] == ("own radiographs" if visible is None else "radiographs of adults")
    np.testing.assert_allclose(sets[1][0].points[:-1], hand.points[:-1])
    assert len(RadiographTruth.from_labelled(sets[1][0]).unplaced) == unplaced
    assert len(public_hands.training_hands(tmp_path)) == (visible is None)


def test_feet_are_trained_on_beside_simulated_hands(monkeypatch):
    monkeypatch.setattr(module, "simulated_hands", lambda count, seed, cache, **_: [made_hand(seed)] * count)
    asked = []
    monkeypatch.setattr(
        module,
        "simulated_feet",
        lambda count, seed, cache, **_: asked.append((count, seed)) or [made_hand(seed)] * count,
    )
    monkeypatch.setattr(module, "_FEET", 1.0)
    task = LocalizationTask(simulated=20)
    assert [count for count, _ in asked] == [3, 3] and len({seed for _, seed in asked}) == 2
    assert torch.isnan(next(iter(task.training_batches(0, 0)))[1]).all()
    points = torch.cat([batch[1] for batch in task.validation_batches()])
    assert torch.isnan(points[-3:]).all() and torch.isfinite(points[:-3]).any()
    assert task.card()["training_data"][0]["feet"] == 3


def test_public_tables_are_read(tmp_path):
    hand = made_hand()
    Image.fromarray(hand.image).save(tmp_path / "7.png")
    points = np.zeros((37, 2))
    points[0], points[4] = (50, 300), (120, 300)
    points[list(public_hands.LANDMARKS)] = hand.points
    (tmp_path / "landmarks.csv").write_text("7," + ",".join(map(str, points.ravel())) + "\n")
    rows = ["file,label,xmin,ymin,xmax,ymax"]
    for joint, (x, y) in zip(JOINTS, hand.points, strict=True):
        kind = "PIP" if joint == "IP1" else joint[:3]
        rows.append(f"7.png,{kind},{x - 5},{y - 5},{x + 5},{y + 5}")
    (tmp_path / "joint-boxes.csv").write_text("\n".join(rows))
    boxes, marks = sorted(public_hands.labelled_radiographs(tmp_path), key=lambda each: -each.label_mm)
    np.testing.assert_allclose(boxes.points, hand.points)
    np.testing.assert_allclose(marks.points, hand.points)
    assert marks.px_mm == pytest.approx(70 / 50)
