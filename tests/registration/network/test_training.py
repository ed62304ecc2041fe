import re

import numpy as np
import pytest
import torch
from PIL import Image

from napari_jsn import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.networks import weights
from napari_jsn.registration.network.pose_net import PoseNet
from napari_jsn.registration.network.training import data
from napari_jsn.registration.network.training import task as module
from napari_jsn.registration.network.training.task import RegistrationTask, error_px
from napari_jsn.segmentation import segment
from napari_jsn.segmentation.training.data import LabelledJoint

TINY = {"kind": "default", "coarse": (8, 8, 8, 8), "fine": (8, 8, 8, 8), "passes": (1, 1)}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(module, "_BATCHES", 2)
    monkeypatch.setattr(module, "_VALIDATION_PAIRS", 6)


@pytest.fixture
def task(joints, monkeypatch):
    monkeypatch.setitem(module.ARCHITECTURES, "default", TINY)
    made = RegistrationTask(joints, simulated=0)
    made._batch = 4
    return made


def test_it_satisfies_the_card(task):
    about = dict.fromkeys(("task", "name", "preset", "figures", "command", "seed", "versions"), "")
    weights.check_fields({**task.card(), **about})
    assert task.card()["training_data"][0]["images"] == 2 and "known motion" in task.card()["supervision"]


def test_batches_are_the_same_for_the_same_epoch_and_seed(task):
    first, again = (list(task.training_batches(3, 1)) for _ in range(2))
    assert len(first) == 2
    for one, other in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not torch.equal(first[0][0], next(iter(task.training_batches(4, 1)))[0])


def test_made_pairs_fit_through_their_own_maps(task):
    fixed, moving, fixed_masks, _, maps, known = task.validation_batches()[0]
    assert known.all()
    identity = torch.eye(3).expand_as(maps)
    moved = error_px(identity, maps, fixed_masks) > 1
    losses = [module.masked_loss(each, (fixed, moving, fixed_masks))[moved] for each in (identity, maps)]
    assert moved.any() and losses[1].mean() < losses[0].mean()
    assert error_px(maps, maps, fixed_masks).max() == 0


def test_a_shift_is_an_error_of_its_length(task):
    maps = torch.eye(3).expand(1, 2, 3, 3).clone()
    moved = maps.clone()
    moved[..., 0, 2] += 3.0
    torch.testing.assert_close(error_px(moved, maps, torch.ones(1, 2, 128, 128)), torch.tensor([3.0]))


def test_two_visits_of_unknown_motion_are_trained_on_by_their_correlation(task):
    chosen = [(task._real, 0, True)] * 4
    batch = task._make_batch(chosen, np.random.default_rng(0))
    assert not batch[5].any() and torch.isfinite(batch[4]).all()
    loss = task.loss(task.network(), batch)
    assert torch.isfinite(loss) and 0 < loss < 3


def test_a_few_steps_lower_the_loss(task):
    torch.manual_seed(0)
    network, losses = task.network(), []
    optimizer, scheduler = task.optimizer(network, 10)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR)
    optimizer.param_groups[0]["lr"] = 0.01
    batch = next(iter(task.training_batches(0, 0)))
    for _ in range(12):
        torch.manual_seed(1)
        loss = task.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_measures_and_example(task):
    network = task.network().eval()
    batch = task.validation_batches()[0]
    measures = task.measures(network, batch)
    assert list(measures) == ["near", "error_px", "original_loss", "transformed_loss"]
    assert all(len(each) == len(batch[0]) for each in measures.values())
    shown = task.example(network, 1)
    assert {name: image.shape for name, image in shown.items()} == dict.fromkeys(
        ("fixed", "transformed", "spectrum"), (128, 128)
    )


def test_what_cannot_be_learned_from_is_reported(joints):
    with pytest.raises(InputError, match="one of: default"):
        RegistrationTask(joints, "huge")
    for pairs in ("", "foo", "All"):  # also where no real images are paired
        with pytest.raises(InputError, match="no pairs.*one of: all, paper"):
            RegistrationTask((), pairs=pairs)
    with pytest.raises(InputError, match="too few"):
        RegistrationTask(joints[:2], simulated=0)
    with pytest.raises(InputError, match="empty"):
        nothing = BoneMasks(np.zeros((64, 64), bool), np.ones((64, 64), bool))
        RegistrationTask([LabelledJoint(np.zeros((64, 64), np.float32), nothing, "a")], simulated=0)


LAYOUTS = {
    "joints in folders": (["P1/MCP2/1", "P1/MCP2/2", "P1/MCP3/1", "P1/MCP3/2", "P2/MCP2/1"], 2, ""),
    "joints and sides in names": (["P1/L_MCP2_1", "P1/R_MCP2_1", "P1/L_MCP2_2", "P1/L_PIP3_1", "P2/L_MCP2_1"], 1, ""),
    "visits in folders": (["P1/v1/left/MCP2", "P1/v1/left/IP1", "P1/v2/left/mcp2", "P2/v1/MCP2"], 1, ""),
    "one joint a folder": (["A/1", "A/2", "A/3", "B/1", "B/2"], 4, ""),
    "not named": (
        ["P1/a/1", "P1/a/2", "P1/b/1", "P2/a/1"],
        3,
        r"The images of 2 \(P1/a, P1/b\) folders count as visits",
    ),
    "no visits": (["P1_L_MCP2", "P1_L_MCP3", "P2_L_MCP2"], 0, "No joint has images of two visits, so none are paired"),
}


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize(("names", "pairs", "note"), LAYOUTS.values(), ids=LAYOUTS)
def test_only_visits_of_one_joint_are_paired(tmp_path, monkeypatch, names, pairs, note, masks):
    labels = np.zeros((64, 64), np.uint8)
    labels[:28, 20:44], labels[34:, 20:44] = 1, 2
    monkeypatch.setattr(segment, "segment_many", lambda images: [BoneMasks.from_labels(labels)] * len(images))
    rng = np.random.default_rng(0)
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, labels.shape).astype(np.uint8)).save(tmp_path / f"{name}.png")
        if masks:
            Image.fromarray(labels).save(tmp_path / f"{name}_mask.png")
    found = data.read_visits(tmp_path)
    joints = [each.group for each in found.joints]
    assert len(found.joints) == len(names) and len(data.pairs_of_visits(joints)) == pairs
    notes = data.notes_on_visits(found)
    assert len(notes) == bool(note) and re.search(note, " ".join(notes))
    assert len({each.patient for each in found.joints}) == 2


def test_the_default_network_is_small():
    from napari_jsn.registration.network.architectures import build_registration_net, count_parameters

    network = build_registration_net("default")
    assert isinstance(network, PoseNet) and count_parameters(network) <= 3_000_000
