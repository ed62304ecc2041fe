"""A training is resumed only with the images that it began with."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_jsn import InputError
from napari_jsn.networks import weights
from napari_jsn.networks.inputs import Inputs, UsedImage
from napari_jsn.segmentation.training import task as module
from napari_jsn.segmentation.training.task import SegmentationTask
from napari_jsn.training import tasks
from napari_jsn.training.resume import check_inputs, read_run
from napari_jsn.training.tasks import task_from_folder, task_to_resume
from napari_jsn.training.train import train

IMAGES = tuple(UsedImage(f"{k}.png", f"i{k}", f"m{k}", f"P{k}", k == 0) for k in range(4))


class StopAt:
    def __init__(self, at):
        self.at, self.aborted = at, False

    def update(self, done, total, message=""):
        self.aborted = done >= self.at


@pytest.fixture
def stopped(toy, tmp_path):
    def given(images=IMAGES):
        return toy(inputs=Inputs(tuple(images), folder="/films"))

    part = train(given(), out=tmp_path, seed=1, progress=StopAt(4))
    return part.resume, given


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i: (), "4 (0.png, 1.png, 2.png, ...) are not there"),
        (lambda i: i[:3], "1 (3.png) are not there"),
        (lambda i: (*i, replace(i[0], name="new.png", image="other")), "1 (new.png) are new"),
        (lambda i: (*i[:3], replace(i[3], image="other")), "are not there and 1 (3.png) are new"),
        (lambda i: (*i[:3], replace(i[3], labels="other")), "the masks or points of 1 (3.png) were changed"),
        (lambda i: i[::-1], "their order is another"),
        (lambda i: (replace(i[0], validated=False), *i[1:]), "their groups were others"),
    ],
)
def test_other_images_are_refused(stopped, change, words):
    resume, given = stopped
    with pytest.raises(InputError) as error:
        train(given(change(IMAGES)), resume=resume)
    assert words in str(error.value) and "This training began with 4 images of /films" in str(error.value)
    assert error.value.argument in ("data", "groups") and resume.exists()
    moved = [replace(each, name=f"moved/{each.name}") for each in IMAGES]
    assert train(given(moved), resume=resume).finished


@pytest.mark.parametrize(
    ("task", "what", "argument"),
    [("scoring", "the scores of 1 (2.png)", "scores"), ("localization", "the masks or points of 1 (2.png)", "data")],
)
def test_changed_labels_are_named_as_what_they_are(task, what, argument):
    changed = [*IMAGES[:2], replace(IMAGES[2], labels="other"), IMAGES[3]]
    before, now = (
        {"task": task, "simulator": "s", "simulated": 0, "inputs": Inputs(tuple(each), folder="/x").record()}
        for each in (IMAGES, changed)
    )
    with pytest.raises(InputError) as error:
        check_inputs(before, now)
    assert what in str(error.value) and error.value.argument == argument


def test_another_simulator_is_refused(stopped, monkeypatch):
    resume, given = stopped
    monkeypatch.setattr("napari_jsn.training.train.simulator_version", lambda: "other")
    with pytest.raises(InputError, match="simulates other images"):
        train(given(), resume=resume)


def test_another_kind_is_refused(stopped):
    resume, given = stopped
    task = given()
    task.kind = "jsn"
    with pytest.raises(InputError, match="began with both kinds"):
        train(task, resume=resume)


@pytest.mark.parametrize(("began", "now"), [(0, 2800), (2800, 0), (700, 2800)])
def test_other_simulated_images_are_refused(toy, tmp_path, began, now):
    part = train(toy(simulated=began), 2, out=tmp_path, progress=StopAt(4))
    with pytest.raises(InputError, match=f"began with {began or 'no'} simulated images, not with {now or 'none'}"):
        train(toy(simulated=now), resume=part.resume)
    assert train(toy(simulated=began), resume=part.resume).finished


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize("simulated", [0, 5])
def test_simulated_images_and_layers_are_those_that_it_began_with(toy, tmp_path, monkeypatch, folder, simulated):
    inputs = Inputs((UsedImage("a", "1", "2", "a", False),), folder=str(tmp_path) if folder else "")
    part = train(toy(simulated=simulated, inputs=inputs), 2, out=tmp_path / "out", progress=StopAt(4))
    made = []
    monkeypatch.setattr(tasks, "task_from_folder", lambda *given: made.append(given))
    monkeypatch.setattr(tasks, "task_from_pairs", lambda *given: made.append(given))
    tasks.task_to_resume(part.resume, layers=iter("ab"))
    if folder:
        assert made == [("segmentation", str(tmp_path), "toy", None, None, simulated != 0, None, None, None)]
    else:
        assert made == [("segmentation", ["a", "b"], "toy", simulated != 0, None)]
    if not folder:
        with pytest.raises(InputError, match="images of layers in napari"):
            tasks.task_to_resume(part.resume)


@pytest.mark.parametrize("start", ["default", "my-toy", "nothing"])
def test_a_start_is_not_ignored_on_resume(stopped, start):
    resume, given = stopped
    with pytest.raises(InputError, match=f"started from random weights, not from '{start}'") as error:
        train(given(), resume=resume, start=start)
    assert error.value.argument == "start"


def test_the_same_start_may_be_given_again(toy, tmp_path, models):
    train(toy(), 1)
    part = train(toy(), out=tmp_path, start="my-toy", progress=StopAt(4))
    with pytest.raises(InputError, match="started from 'my-toy', not from 'other'"):
        train(toy(), resume=part.resume, start="other")
    rest = train(toy(), resume=part.resume, start="my-toy")
    first = weights.load("segmentation", "my-toy")[1]
    assert rest.card["images"]["start_sha256"] == first["sha256"]


@pytest.mark.parametrize("seed", [10**13, 99_999_999_999_999, 2**63 + 5, 2**70])
def test_long_seeds(toy, tmp_path, seed):
    whole = train(toy(), 2, out=tmp_path / "a", seed=seed)
    part = train(toy(), 2, out=tmp_path / "b", seed=seed, progress=StopAt(4))
    rest = train(toy(), resume=part.resume)
    states = [weights.load("segmentation", str(each.path))[0] for each in (whole, rest)]
    assert all(states[0][key].equal(states[1][key]) for key in states[0])
    assert rest.card["seed"] == seed
    with pytest.raises(InputError, match="0 or more"):
        train(toy(), 1, out=tmp_path, seed=-1)


@pytest.fixture
def joints(tmp_path, monkeypatch):
    """A folder of eight joint images of as many patients, which tiny tasks train on without simulated images."""
    monkeypatch.setitem(module.ARCHITECTURES, "default", {"features": (4,) * 6, "fold": 2})
    monkeypatch.setattr(module, "_LEAST_BATCHES", 1)
    whole = SegmentationTask.__init__
    monkeypatch.setattr(SegmentationTask, "__init__", lambda self, *a, **o: whole(self, *a, **{**o, "simulated": 0}))
    monkeypatch.setattr(SegmentationTask, "validation_share", 0.25)
    folder = tmp_path / "joints"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(8):
        labels = np.zeros((64, 64), np.uint8)
        labels[: 28 + k % 3, 20:44], labels[34:, 20:44] = 1, 2
        Image.fromarray((90 * (labels > 0) + rng.integers(20, 60, labels.shape)).astype(np.uint8)).save(
            folder / f"p{k}.png"
        )
        Image.fromarray(labels).save(folder / f"p{k}_mask.png")
    return folder


def test_a_folder_is_found_again_and_checked(joints, tmp_path):
    made = task_from_folder("segmentation", joints, "default")
    part = train(made, 3, out=tmp_path / "out", progress=StopAt(1))
    if part.resume is None:  # stopped inside the first epoch
        part = train(made, 3, out=tmp_path / "out2", progress=StopAt(2))
    run = read_run(part.resume)
    assert run["inputs"]["folder"] == str(joints) and len(run["inputs"]["images"]) == 8
    assert task_to_resume(part.resume).inputs == made.inputs
    with pytest.raises(InputError, match="its task is 'segmentation', not 'registration'"):
        task_to_resume(part.resume, "registration")
    other = shutil.copytree(joints, tmp_path / "other")
    assert task_to_resume(part.resume, folder=other).inputs.images == made.inputs.images
    (other / "p3.png").unlink()
    (other / "p3_mask.png").unlink()
    with pytest.raises(InputError, match=r"1 \(p3/p3\) are not there"):
        train(task_to_resume(part.resume, folder=other), resume=part.resume)
    away = joints.rename(tmp_path / "away")
    with pytest.raises(InputError, match="which is not there. Give their folder") as error:
        task_to_resume(part.resume)
    assert error.value.argument == "data"
    rest = train(task_to_resume(part.resume, folder=away), resume=part.resume)
    images = rest.card["images"]
    assert len(images["trained_on"]) == 6 and len(images["validated_on"]) == 2 and images["all_known"]
    assert json.loads(rest.path.with_suffix(".json").read_text())["training_data"][0]["images"] == 6


def test_a_model_that_started_from_another_keeps_what_that_one_learned(joints, tmp_path, models):
    first = train(task_from_folder("segmentation", joints, "default"), 1, name="first")
    others = tmp_path / "others"
    others.mkdir()
    for k in range(4):
        for end in ("", "_mask"):
            image = np.array(Image.open(joints / f"p{k}{end}.png"))[:, ::-1]
            Image.fromarray(np.ascontiguousarray(image)).save(others / f"q{k}{end}.png")
    second = train(task_from_folder("segmentation", others, "default"), 1, start="first", name="second")
    learned = {*first.card["images"]["trained_on"], *first.card["images"]["validated_on"]}
    assert learned < set(second.card["images"]["trained_on"]) and second.card["images"]["all_known"]
