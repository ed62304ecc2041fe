import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_jsn import InputError
from napari_jsn.networks import weights
from napari_jsn.training.epoch import Epoch
from napari_jsn.training.train import train


class Asked:
    """A progress that is aborted once a test says so."""

    def __init__(self, stop_at=None):
        self.updates, self.stop_at, self.aborted = [], stop_at, False

    def update(self, done, total, message=""):
        self.updates.append((done, total, message))
        self.aborted = self.stop_at is not None and done >= self.stop_at


def state(trained):
    return weights.load("segmentation", str(trained.path))[0]


def same(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[key], other[key]) for key in one)


def plain(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_training_leaves_weights_card_and_curves(toy, tmp_path):
    trained = train(toy(), out=tmp_path)
    assert trained.finished and trained.resume is None
    assert files(tmp_path) == [f"segmentation-toy.{end}" for end in ("csv", "json", "png", "safetensors")]
    card = json.loads((tmp_path / "segmentation-toy.json").read_text())
    assert set(weights.FIELDS) <= set(card)
    assert (card["seed"], card["preset"], card["epochs"]["trained"]) == (0, "toy", 4)
    assert card["device"] == "cpu" and card["threads"] > 0 and card["seconds"] >= 0
    assert {"napari-jsn", "python", "torch", "lightning", "numpy"} <= set(card["versions"])
    best = max(row["dsc"] for row in trained.history)
    assert card["figures"]["dsc"]["mean"] == pytest.approx(best, abs=1e-6) and card["figures"]["samples"] == 6
    lines = (tmp_path / "segmentation-toy.csv").read_text().splitlines()
    assert lines[0] == "epoch,train_loss,val_loss,dsc,worst,rate,seconds" and len(lines) == 5


def test_it_learns(toy, tmp_path):
    history = train(toy(rate=0.05, batches=10), 6, out=tmp_path).history
    assert history[-1]["val_loss"] < 0.5 * history[0]["val_loss"] and history[-1]["dsc"] > 0.8


def test_the_rate_follows_the_tasks_schedule(toy, tmp_path):
    rates = [row["rate"] for row in train(toy(patience=None), out=tmp_path).history]
    assert rates == pytest.approx([0.02 * (1 + math.cos(math.pi * k / 4)) / 2 for k in range(4)])


def test_the_same_seed_gives_the_same_weights_and_another_others(toy, tmp_path):
    one, two, three = (train(toy(), 2, out=tmp_path / str(k), seed=seed) for k, seed in enumerate((5, 5, 6)))
    assert same(state(one), state(two)) and plain(one.history) == plain(two.history)
    assert not same(state(one), state(three))


@pytest.mark.parametrize("keep_last", [False, True])
def test_a_card_states_whether_validation_chose_the_epoch(toy, tmp_path, keep_last):
    card = train(toy(keep_last=keep_last), 2, out=tmp_path).card
    assert ("chose the best epoch" in card["figures"]["measured_on"]) != keep_last
    assert "were not trained on" in card["figures"]["measured_on"]
    assert not keep_last or card["epochs"]["best"] == 2
    assert card["epochs"]["kept"] == ("last" if keep_last else "best")


def test_torchs_generator_is_left_as_it_was(toy, tmp_path):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    train(toy(), 1, out=tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(("ema", "stop_at"), [(None, 4), (0.8, 6), (0.8, 7)])
def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(toy, tmp_path, ema, stop_at):
    whole = train(toy(ema=ema, rate=0.05), out=tmp_path / "whole", seed=3)
    part = train(toy(ema=ema, rate=0.05), out=tmp_path / "part", seed=3, progress=Asked(stop_at))
    assert not part.finished and len(part.history) == (stop_at - 1) // 3
    assert part.path.exists()  # the best so far
    rest = train(toy(ema=ema, rate=0.05), resume=part.resume)
    assert rest.finished and not part.resume.exists() and rest.path == part.path
    assert plain(rest.history) == plain(whole.history)
    assert same(state(rest), state(whole))
    for entry in ("figures", "command", "seed", "epochs"):
        assert rest.card[entry] == whole.card[entry]


KILLED = """
import os, signal, sys
import torch
torch.set_num_threads({threads})  # sums come out alike only where they are split alike
sys.path.insert(0, {tests!r})
from conftest import ToyTask
from napari_jsn.training.train import train

class Killer:
    aborted = False
    def update(self, done, total, message=""):
        if done == 7:  # in the middle of the third epoch
            os.kill(os.getpid(), signal.SIGKILL)

train(ToyTask(ema=0.8), out={out!r}, seed=3, progress=Killer())
"""


def test_a_killed_training_loses_no_epoch(toy, tmp_path):
    places = {"tests": str(Path(__file__).parent), "out": str(tmp_path / "killed")}
    code = KILLED.format(**places, threads=torch.get_num_threads())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert files(tmp_path / "killed") == [".segmentation-toy.lock", "segmentation-toy.ckpt"]
    progress = Asked()
    rest = train(toy(ema=0.8), resume=tmp_path / "killed" / "segmentation-toy.ckpt", progress=progress)
    whole = train(toy(ema=0.8), out=tmp_path / "whole", seed=3)
    assert progress.updates[0][2].startswith("Epoch 3 of 4")
    assert plain(rest.history) == plain(whole.history) and same(state(rest), state(whole))


def test_the_average_is_what_is_saved(toy, tmp_path):
    averaged, plain_one = (train(toy(ema=ema), 1, out=tmp_path / str(ema)) for ema in (0.9, None))
    assert not same(state(averaged), state(plain_one))
    toy().network().load_state_dict(state(averaged))


def test_news_of_every_epoch(toy, tmp_path):
    news: list[Epoch] = []
    train(toy(), out=tmp_path, on_epoch=news.append)
    assert [len(epoch.history) for epoch in news] == [1, 2, 3, 4]
    assert news[-1].measure == "dsc" and 1 <= news[-1].best <= 4
    assert {key: array.shape for key, array in news[-1].worst.items()} == dict.fromkeys(
        ("image", "truth", "found"), (16, 16)
    )


def test_progress_counts_batches(toy, tmp_path):
    progress = Asked()
    train(toy(), 2, out=tmp_path, progress=progress)
    assert progress.updates[-1][:2] == (6, 6)
    assert "Epoch 2 of 2; dsc " in progress.updates[-1][2]


def test_stopped_before_anything_was_learnt(toy, tmp_path):
    trained = train(toy(), out=tmp_path / "new", progress=Asked(0))
    assert (trained.path, trained.finished, trained.resume) == (None, False, None)
    assert not (tmp_path / "new").exists()


def test_it_stops_when_nothing_gets_better(toy, tmp_path):
    trained = train(toy(rate=0.0, patience=2, measures=lambda *_: {"dsc": torch.zeros(3)}), 9, out=tmp_path)
    assert trained.finished and len(trained.history) == 3
    assert trained.card["epochs"] == {"trained": 3, "asked": 9, "best": 1, "kept": "best"}


def test_a_loss_that_is_no_number(toy, tmp_path):
    def loss(network, batch):
        return torch.nn.functional.mse_loss(network(batch[0]), batch[1]) * math.nan

    with pytest.raises(InputError, match="not finite in epoch 1"):
        train(toy(loss=loss), out=tmp_path)
    assert files(tmp_path) == []


def test_a_loss_that_is_no_number_later_keeps_what_was_good(toy, tmp_path):
    calls = []

    def loss(network, batch):
        calls.append(1)
        return toy().loss(network, batch) * (math.nan if len(calls) > 6 else 1)

    trained = train(toy(loss=loss), out=tmp_path)
    assert not trained.finished and "not finite in epoch 2" in trained.reason
    assert trained.path.exists() and trained.resume is None and not list(tmp_path.glob("*.ckpt"))
    assert all(value.isfinite().all() for value in state(trained).values())


def test_starting_weights(toy, tmp_path, models):
    first = train(toy(), 1)
    assert first.path == models / "segmentation-my-toy.safetensors"
    second = train(toy(rate=0.0), 1, start="my-toy", out=tmp_path / "two")
    learnt = [key for key in state(first) if "weight" in key]
    assert all(torch.equal(state(first)[key], state(second)[key]) for key in learnt)
    assert second.card["start"] == "my-toy" and "--start my-toy" in second.card["command"]
    with pytest.raises(InputError, match="has another network") as error:
        train(toy(width=5), 1, start="my-toy", out=tmp_path)
    assert error.value.argument == "start"


def test_a_users_model_replaces_no_other(toy, models):
    assert [train(toy(), 1).card["name"] for _ in range(2)] == ["my-toy", "my-toy-2"]
    assert weights.names("segmentation")[-2:] == ["my-toy", "my-toy-2"]
    with pytest.raises(InputError, match="already"):
        train(toy(), 1, name="my-toy")


def test_a_resume_file_of_another_training(toy, tmp_path):
    resume = train(toy(), out=tmp_path, progress=Asked(4)).resume
    for other, message in (
        (toy(name="localisation"), "task is 'segmentation', not 'localisation'"),
        (toy(preset="paper"), "preset is 'toy', not 'paper'"),
        (toy(width=5), "architecture"),
    ):
        with pytest.raises(InputError, match=message) as error:
            train(other, resume=resume)
        assert error.value.argument == "resume"
    with pytest.raises(InputError, match="epochs 4, not 9"):
        train(toy(), 9, resume=resume)
    with pytest.raises(InputError, match="seed 0, not 1"):
        train(toy(), resume=resume, seed=1)
    with pytest.raises(InputError, match="is not finished"):
        train(toy(), out=tmp_path, name="toy")


@pytest.mark.parametrize(
    "content", [b"", b"no such thing", b"a,b\n1,2\n", b".", b"\x80\x04]q\x00", b"PK\x03\x04 cut short", None]
)
def test_what_is_no_resume_file(toy, tmp_path, content):
    path = tmp_path / "a.ckpt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="no resume file"):
        train(toy(), resume=path)


def test_a_resume_file_runs_no_code(toy, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "bang"),)

    torch.save({"napari_jsn": Bomb()}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="no resume file"):
        train(toy(), resume=tmp_path / "a.ckpt")
    assert not (tmp_path / "bang").exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "the disk is full"),
        (RuntimeError("[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0"), "may be full"),
        (PermissionError(13, "Permission denied"), "permission denied"),
        (OSError(30, "Read-only file system"), "read-only file system"),
    ],
)
@pytest.mark.parametrize("epoch", [1, 2])
def test_a_folder_that_cannot_be_written_is_named_with_what_is_kept(toy, tmp_path, monkeypatch, error, words, epoch):
    save, calls = torch.save, []

    def full(*args, **options):
        calls.append(1)
        if len(calls) == epoch:
            raise error
        save(*args, **options)

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(InputError) as raised:
        train(toy(), out=tmp_path)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path} cannot be written to in epoch {epoch}: ") and words in message
    assert (
        "inline_container" not in message and "Kept: the best epoch so far as segmentation-toy.safetensors" in message
    )
    assert ("segmentation-toy.ckpt, which can be resumed" in message) == (epoch == 2)
    assert "segmentation-toy.safetensors" in files(tmp_path)


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system limits no sizes of files")
def test_files_that_may_not_grow_keep_nothing_half_written(toy, tmp_path):
    code = SIZE_LIMIT.format(tests=str(Path(__file__).parent), out=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert f"{tmp_path} cannot be written to in epoch 1: " in done.stdout and "Kept: nothing." in done.stdout
    assert files(tmp_path) == []


SIZE_LIMIT = """
import resource, signal, sys
sys.path.insert(0, {tests!r})
from conftest import ToyTask
from napari_jsn import InputError
from napari_jsn.training.train import train
import lightning.pytorch, napari_jsn.training.module, scipy, matplotlib.figure
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    train(ToyTask(), out={out!r})
except InputError as error:
    print(error)
"""


def test_arguments_that_are_wrong(toy, tmp_path):
    (tmp_path / "file").write_text("")
    for options, message in (
        ({"epochs": 0}, "1 or more"),
        ({"device": "toaster"}, "no device 'toaster'"),
        ({"out": tmp_path / "file"}, "is a file"),
        ({"name": "../up"}, "cannot be called"),
        ({"start": "nothing"}, "no segmentation model 'nothing'"),
    ):
        with pytest.raises(InputError, match=message):
            train(toy(), **{"out": tmp_path, **options})
    for batches in ({"batches": 0}, {"validation": 0}):
        with pytest.raises(InputError, match="There is no image to"):
            train(toy(**batches), out=tmp_path)
    assert files(tmp_path) == ["file"]


def test_without_lightning(toy, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    with pytest.raises(InputError, match=r"pip install 'napari-jsn\[train\]'"):
        train(toy())


def test_the_worst_case_is_found(toy, tmp_path):
    def measures(network, batch):
        return {"dsc": batch[0].flatten(1).mean(1)}

    news = []
    train(toy(measures=measures), 1, out=tmp_path, on_epoch=news.append)
    images = np.concatenate([images.numpy() for images, _ in toy().validation_batches()])[:, 0]
    worst = images[images.mean((1, 2)).argmin()]
    np.testing.assert_array_equal(news[0].worst["image"], worst)
