import json
from dataclasses import replace
from shutil import copyfile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.scoring.own import notes_of, read_own, readers_table
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.training.augment import augment, centred, textures_of
from napari_jsn.scoring.training.simulated_patients import DIFFICULTY, REASONS, GradedPatients
from napari_jsn.scoring.training.task import DISCLAIMER, LEARNED_ON_GIVEN, ScoringTask
from napari_jsn.scoring.training.undamaged import read_undamaged
from napari_jsn.scoring.two_stage.network import build_patient_net
from napari_jsn.training.tasks import task_from_folder
from napari_jsn.training.train import train


def patients(count, seed):
    """Return joints whose mean intensity on the left side grows with their grade."""
    rng = np.random.default_rng(seed)
    shape = (count, 2, 14)
    grades = np.stack([rng.integers(0, 5, shape), rng.integers(0, 6, shape)], -1).astype(np.int8)
    grades[:, 0, 0] = -1
    images = rng.integers(0, 40, (*shape, 120, 120))
    images[..., 40:80, 20:100] += (40 * grades[..., :1, None].clip(0)).astype(int)
    there = np.ones(shape, bool)
    there[0, 1] = False
    zeros = np.zeros(shape, np.int8)
    reasons = zeros.copy()
    reasons[:, 0, 0] = REASONS.index("surgery")
    widths = np.stack([1.5 - 0.3 * grades[..., 0]] * 2 + [np.full(shape, 1.5)], -1).astype(np.float32)
    names = tuple(f"{seed}/{k}" for k in range(count))
    return GradedPatients(images.astype(np.uint8), there, grades, reasons, zeros, widths, names)


def few_joints(count, seed):
    """Return the same with three joints a hand, which are trained on in less time."""
    every = patients(count, seed)
    there = every.there.copy()
    there[..., 3:] = False
    return replace(every, there=there)


@pytest.fixture(scope="module")
def task():
    return ScoringTask(patients=(patients(4, 0), patients(2, 1)))


def test_batches_of_an_epoch_are_always_the_same(task):
    first, again, other = (next(iter(task.training_batches(epoch, 5))) for epoch in (0, 0, 1))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


def test_joints_without_a_grade_are_not_learned(task):
    (batch,) = task.validation_batches()
    assert batch.jsn[:, 0].sum() == batch.erosion[:, 0].sum() == 0
    assert (batch.scored[:, 0] == 0).all()
    assert batch.jsn[:, 1:].sum() == 2 * 27


def test_a_few_steps_lower_the_loss(task):
    torch.manual_seed(0)
    network = build_patient_net({"features": (6, 8), "width": 16, "layers": 1})
    optimizer, _ = task.optimizer(network, 5)
    (batch,) = task.validation_batches()
    losses = []
    for _ in range(8):
        loss = task.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    figures = task.measures(network.eval(), batch)
    assert list(figures)[0] == "exact"
    assert all(((each >= 0) & (each <= 1)).all() for each in figures.values())


@pytest.mark.parametrize(("given", "fine_tuned"), [(True, True), (True, False), (False, True)])
def test_only_a_trained_network_on_given_patients_learns_its_last_layers_faster(given, fine_tuned):
    made = ScoringTask(patients=(patients(4, 0), patients(2, 1)) if given else None)
    made.fine_tuned = fine_tuned
    network = build_patient_net({"features": (6, 8), "width": 16, "layers": 1})
    optimizer, scheduler = made.optimizer(network, 5)
    groups = optimizer.param_groups
    assert sum(each.numel() for group in groups for each in group["params"]) == sum(
        each.numel() for each in network.parameters()
    )
    assert len(groups) == (2 if given and fine_tuned else 1)
    if len(groups) == 2:
        ends = {id(each) for net in network.kinds.values() for each in net.head[-1].parameters()}
        assert {id(each) for each in groups[1]["params"]} == ends
        assert groups[1]["lr"] > 10 * groups[0]["lr"]


@pytest.mark.parametrize("counts", [(80, 10, 5, 5, 0), (20, 20, 20, 20, 20), (500, 1, 1, 1, 1)])
def test_rare_grades_count_more_and_joints_count_one_on_average(counts):
    some = patients(-(-sum(counts) // 28), 7)
    flat = some.grades.reshape(-1, 2)
    flat[:] = -1
    flat[: sum(counts), 0] = np.repeat(np.arange(5), counts)
    some.there[:] = True
    weights = ScoringTask(patients=(some, some))._grade_weights["jsn"].numpy()
    known = np.array(counts) > 0
    assert (weights * counts).sum() == pytest.approx(sum(counts), rel=1e-4)
    assert (np.diff(weights[known][np.argsort(counts)[::-1][: known.sum()]]) >= 0).all()
    assert weights[known].max() <= 2.01 * weights[known].min()


def test_the_card_says_what_was_learned(task):
    about = task.card()
    assert about["training_data"] == [
        {"source": "radiographs of the user", "terms": "as the user has them", "patients": 4, "visits": 4}
    ]
    assert about["statement"] == LEARNED_ON_GIVEN


@pytest.mark.parametrize(("kind", "other"), [("erosion", "jsn"), ("jsn", "erosion")])
def test_the_network_for_one_kind_is_trained_and_the_other_one_stays(tmp_path, monkeypatch, kind, other):
    monkeypatch.setattr(ScoringTask, "architectures", {"default": {"features": (6, 8), "width": 16, "layers": 1}})
    data = {"patients": (few_joints(2, 0), few_joints(1, 1))}
    begun = train(ScoringTask(**data), 1, "cpu", tmp_path, "begun")
    made = train(ScoringTask(**data, kind=kind), 1, "cpu", tmp_path, "made", start=str(begun.path))
    before, after = (load_file(each.path) for each in (begun, made))
    same = {name: torch.equal(before[name], after[name]) for name in before}
    assert all(is_same for name, is_same in same.items() if f"kinds.{other}." in name)
    assert not all(is_same for name, is_same in same.items() if f"kinds.{kind}." in name)
    assert json.loads(made.path.with_suffix(".json").read_text())["trained_kind"] == kind


def test_one_kind_is_not_trained_from_random_weights_nor_unknown_nor_of_another_task(tmp_path):
    with pytest.raises(InputError, match="Give it with --start"):
        train(ScoringTask(patients=(patients(4, 0), patients(2, 1)), kind="erosion"), 1, "cpu", tmp_path)
    with pytest.raises(InputError, match="no kind 'width'"):
        ScoringTask(kind="width")
    for name, preset in (("segmentation", "default"), ("scoring", "one-stage")):
        with pytest.raises(InputError, match="Leave --kind out"):
            task_from_folder(name, None, preset, kind="jsn")


def of_one_kind(some, kind, but=()):
    """Return the patients with the grades of one kind; those at some places have no grade at all."""
    grades = some.grades.copy()
    grades[..., list(HIGHEST).index(kind) - 1] = -1
    grades[list(but)] = -1
    return replace(some, grades=grades)


@pytest.mark.parametrize(("kind", "other"), [("erosion", "jsn"), ("jsn", "erosion")])
def test_a_kind_without_grades_and_a_patient_without_grades_do_not_count(tmp_path, monkeypatch, kind, other):
    monkeypatch.setattr(ScoringTask, "architectures", {"default": {"features": (4, 6), "width": 8, "layers": 1}})
    task = ScoringTask(patients=(of_one_kind(few_joints(2, 0), kind), of_one_kind(few_joints(3, 1), kind, but=[1])))
    assert f"--kind {kind}" in task.inputs.notes[0]
    figures = task.measures(task.network().eval(), task.validation_batches()[0])
    assert figures[f"exact_{other}"].isnan().all() and figures["exact"].isnan().tolist() == [False, True, False]
    made = train(task, 1, "cpu", tmp_path, "one")
    means = {name: each["mean"] for name, each in made.card["figures"].items() if isinstance(each, dict)}
    assert set(means) == {"exact", f"exact_{kind}", f"within_one_{kind}"}
    assert means["exact"] == means[f"exact_{kind}"] == pytest.approx(made.history[0]["exact"], abs=1e-5)
    assert not any(each != each for each in made.history[0].values())


@pytest.mark.parametrize(("kind", "other"), [("erosion", "jsn"), ("jsn", "erosion")])
@pytest.mark.parametrize("place", [0, 1])
def test_a_kind_without_grades_is_not_trained(kind, other, place):
    parts = [patients(2, 0), patients(2, 1)]
    parts[place] = of_one_kind(parts[place], other)
    with pytest.raises(InputError, match="has a grade of") as caught:
        ScoringTask(patients=tuple(parts), kind=kind)
    assert caught.value.argument == "kind"
    parts[place] = of_one_kind(parts[place], kind)
    with pytest.raises(InputError, match="has a grade"):
        ScoringTask(patients=tuple(parts))


def test_changed_images_show_the_same_joint():
    place = torch.linspace(-1, 1, 120)
    pictures = torch.exp(
        -4 * (place[:, None] - 0.3) ** 2 - 4 * (place[None] + torch.linspace(-0.5, 0.5, 6)[:, None, None]) ** 2
    )
    images = (200 * pictures).to(torch.uint8)
    changed, _ = augment(images, torch.Generator().manual_seed(0))
    assert changed.shape == centred(images).shape
    for one, other in zip(centred(images), changed):
        alike = [torch.corrcoef(torch.stack([one.flatten(), each.flatten()]))[0, 1] for each in (other, other.flip(1))]
        assert max(alike) > 0.85


def test_textures_of_real_joints_change_few_grey_levels():
    images = torch.from_numpy(patients(1, 3).images[0, 0])
    textures = textures_of(images)
    assert textures.shape == images.shape
    assert textures.abs().max() < 0.1
    plain, textured = (
        augment(torch.full_like(images, 100), torch.Generator().manual_seed(1), None, each)[0]
        for each in (None, textures)
    )
    assert not torch.equal(plain, textured)


def test_undamaged_hands_are_learned_beside_simulated_ones_and_named_in_the_card(tmp_path, left_hand):
    radiograph, _ = left_hand
    folder = tmp_path / "undamaged" / "some"
    folder.mkdir(parents=True)
    for name in ("one", "two"):
        copyfile(radiograph.path, folder / f"{name}.dcm")
    made = task_from_folder("scoring", folder.parent, "default")
    (used,), (left_out,) = made.inputs.images, made.inputs.left_out
    assert {used.patient, left_out.name} == {"some/one.dcm", "some/two.dcm"}
    about = made.card()
    assert about["difficulty"]["version"] == DIFFICULTY and about["simulator"] and about["statement"] == DISCLAIMER
    data = about["training_data"]
    assert data[0]["hands"] == 1 and data[0]["joints"] == 14 and "grades 0" in data[0]["source"]
    undamaged, _ = read_undamaged(folder.parent, tested=True)
    assert undamaged.names == (left_out.name,)
    assert (undamaged.grades[undamaged.there] == 0).all() and (undamaged.grades[~undamaged.there] == -1).all()
    read = read_own(folder.parent, None)
    assert read.patients.names == undamaged.names and readers_table(read) == []
    assert "not shown" in notes_of(read)[-1]


def test_a_folder_without_hands_is_refused(tmp_path):
    folder = tmp_path / "undamaged"
    folder.mkdir()
    with pytest.raises(InputError, match="No hand in"):
        task_from_folder("scoring", folder, "default")
