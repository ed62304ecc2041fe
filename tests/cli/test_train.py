import os
import signal
import sys
from importlib import import_module

import pytest

from napari_jsn import InputError
from napari_jsn.cli import main
from napari_jsn.cli.train import typed_command
from napari_jsn.common.progress import Aborted
from napari_jsn.networks.inputs import Inputs, LeftOut, UsedImage
from napari_jsn.training.train import train
from tests.training.conftest import ToyTask, models  # noqa: F401


class FromFolder(ToyTask):
    """Made as the command makes a task."""

    asked = []

    @classmethod
    def from_folder(cls, folder, preset, groups=None, progress=None):
        cls.asked.append((folder, preset))
        if groups is not None and folder is None:
            raise InputError("A table of patients belongs to a folder.", "data")
        return cls(preset=preset)


@pytest.fixture
def run(capsys, monkeypatch, models):  # noqa: F811
    """Run the command in this process; return its exit code and its output."""
    monkeypatch.setattr("napari_jsn.training.tasks.task_class", lambda name, preset: FromFolder)
    FromFolder.asked = []

    def run(*words):
        words = ["train", "segmentation", *map(str, words)]
        monkeypatch.setattr(sys, "argv", ["/somewhere/napari-jsn", *words])
        with pytest.raises(SystemExit) as left:
            main(words)
        printed = capsys.readouterr()
        return left.value.code or 0, printed.out, printed.err

    return run


def test_a_model_is_trained_and_named(run, tmp_path, models):  # noqa: F811
    code, out, err = run("--data", tmp_path, "--epochs", 2, "--device", "cpu")
    assert (code, err) == (0, "")
    assert FromFolder.asked == [(tmp_path, "default")]
    assert "Trained 2 epochs." in out and f"Model 'my-default': {models}" in out and "(n = 6)" in out
    card = (models / "segmentation-my-default.json").read_text()
    assert f'"command": "napari-jsn train segmentation --data {tmp_path.name} --epochs 2 --device cpu"' in card


def test_ctrl_c_keeps_the_best_and_tells_how_to_go_on(run, tmp_path, monkeypatch):
    real, calls = FromFolder.loss, []

    def loss(self, network, batch):
        calls.append(1)
        if len(calls) == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return real(self, network, batch)

    monkeypatch.setattr(FromFolder, "loss", loss)
    before = signal.getsignal(signal.SIGINT)
    code, out, _ = run("--preset", "small", "--out", tmp_path, "--name", "it")
    assert code == 130 and "Stopped in epoch 2." in out and "Best epoch: 1" in out
    assert signal.getsignal(signal.SIGINT) is before
    resume = tmp_path / "segmentation-it.ckpt"
    assert f"--resume {resume}" in out
    code, out, _ = run("--resume", resume)
    assert code == 0 and "Trained 4 epochs." in out and not resume.exists()
    assert FromFolder.asked[-1] == (None, "small")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("napari_jsn.training.train.check_lightning", "Stopped before the training began. Nothing was written.\n"),
        ("napari_jsn.training.options.check_options", "Stopped before the training began. Nothing was written.\n"),
        ("napari_jsn.cli.train._print_validation", "validation patients was stopped. The model above is kept.\n"),
    ],
)
def test_ctrl_c_outside_of_the_training_says_what_was_kept(run, tmp_path, monkeypatch, where, said):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    module, _, name = where.rpartition(".")
    monkeypatch.setattr(import_module(module), name, interrupted)
    code, out, err = run("--out", tmp_path, "--epochs", 1, "--name", "it")
    assert (code, err) == (130, "") and out.endswith(said)
    assert (tmp_path / "segmentation-it.safetensors").exists() is ("model" in said)


def test_ctrl_c_while_patients_are_simulated_says_that_nothing_was_written(run, tmp_path, monkeypatch):
    def simulated(self):
        os.kill(os.getpid(), signal.SIGINT)
        raise Aborted

    monkeypatch.setattr(FromFolder, "validation_batches", simulated)
    code, out, err = run("--out", tmp_path, "--name", "it")
    assert (code, err) == (130, "") and out == "Stopped before the training began. Nothing was written.\n"
    assert not list(tmp_path.glob("*it*"))


def test_ctrl_c_keeps_a_model_whose_calibration_needs_simulated_patients(run, tmp_path, monkeypatch):
    def calibration(self, network):
        raise Aborted

    monkeypatch.setattr(FromFolder, "calibration", calibration, raising=False)
    code, out, _ = run("--out", tmp_path, "--name", "it", "--epochs", 1)
    assert code == 0 and (tmp_path / "segmentation-it.safetensors").is_file()


def test_ctrl_c_before_a_resumed_training_goes_on_keeps_its_file(run, tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_jsn.training.options.check_options", interrupted)
    code, out, _ = run("--resume", tmp_path / "segmentation-it.ckpt")
    assert (code, out) == (130, "Stopped before the training went on. segmentation-it.ckpt is kept.\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("at", [4, 7, 12])
def test_a_signal_keeps_the_best_epoch_and_is_the_exit_code(run, tmp_path, monkeypatch, number, code, at):
    real, calls = FromFolder.loss, []

    def loss(self, network, batch):
        calls.append(1)
        if len(calls) == at:
            os.kill(os.getpid(), number)
        return real(self, network, batch)

    monkeypatch.setattr(FromFolder, "loss", loss)
    before = signal.getsignal(number)
    found, out, _ = run("--out", tmp_path)
    path = tmp_path / "segmentation-default.ckpt"
    assert found == code and "Stopped in epoch" in out and signal.getsignal(number) is before
    assert path.exists() == (at > 5) and (f"--resume {path}" in out) == (at > 5)
    assert (tmp_path / "segmentation-default.safetensors").exists() == (at > 5)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("second", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(("at", "kept"), [(2, False), (7, True)])
def test_a_second_signal_stops_at_once_and_says_so(run, tmp_path, monkeypatch, second, code, at, kept):
    real, calls = FromFolder.loss, []

    def loss(self, network, batch):
        calls.append(1)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), second)
        return real(self, network, batch)

    monkeypatch.setattr(FromFolder, "loss", loss)
    found, out, err = run("--out", tmp_path)
    assert (found, err) == (code, "") and "Stopped at once, in the middle of an epoch. No model was saved." in out
    path = tmp_path / "segmentation-default.ckpt"
    assert path.exists() == kept and (f"Resume with: napari-jsn train --resume {path}" in out) == kept
    assert not list(tmp_path.glob("*.safetensors")) and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_images_are_prepared_stops_at_once(run, tmp_path, monkeypatch, number, code):
    def from_folder(folder, preset, progress):
        os.kill(os.getpid(), number)
        raise AssertionError("it went on")

    monkeypatch.setattr(FromFolder, "from_folder", from_folder)
    found, out, err = run("--out", tmp_path / "out")
    assert (found, err) == (code, "") and out == "Stopped before the training began. Nothing was written.\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("at", [4, 7, 12])
def test_a_script_that_is_terminated_gets_the_signal_after_its_model_is_saved(tmp_path, at):
    heard = []

    class Terminated:
        aborted = False

        def update(self, done, total, message=""):
            if done == at:
                os.kill(os.getpid(), signal.SIGTERM)

    def handler(number, frame):
        heard.append((tmp_path / "segmentation-toy.safetensors").exists())

    before = signal.signal(signal.SIGTERM, handler)
    try:
        trained = train(ToyTask(), out=tmp_path, progress=Terminated())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [False, True] and trained.path.exists() and not trained.finished


def test_the_images_that_are_used_are_said_first(run, tmp_path, monkeypatch):
    used = [UsedImage(f"{k}.png", str(k), "", str(k), k == 0) for k in range(3)]
    inputs = Inputs(tuple(used), (LeftOut("bad\x1b.png", "its mask is empty"),), ("They are few.",))
    monkeypatch.setattr(FromFolder, "inputs", inputs, raising=False)
    code, out, _ = run("--out", tmp_path, "--epochs", 1)
    assert code == 0 and out.splitlines()[:4] == [
        "Images for training: 2 of 2 groups",
        "Images for validation: 1 of 1 group",
        "Left out: 1 (bad\\x1b.png): its mask is empty",
        "Note: They are few.",
    ]
    assert run("--out", tmp_path, "--epochs", 1, "--name", "more", "--quiet")[1].startswith("Trained")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_cache_is_emptied(run, tmp_path, monkeypatch, count):
    monkeypatch.setattr("napari_jsn.networks.cached_arrays.cache_folder", lambda: tmp_path)
    for k in range(count):
        (tmp_path / f"joints-{k}.npz").write_bytes(bytes(2_000_000))
    (tmp_path / "other.txt").write_text("stays")
    code, out, _ = run("--clear-cache")
    files = "1 file" if count == 1 else f"{count} files"
    assert code == 0 and out == f"Removed {files} ({2 * count} MB) from {tmp_path}.\n"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["other.txt"]


def test_refusals_name_the_option(run, tmp_path):
    (tmp_path / "no.ckpt").write_text("")
    for words, message in (
        (["--epochs", "0"], "--epochs: "),
        (["--resume", tmp_path / "no.ckpt"], "--resume: "),
        (["--resume", tmp_path / "missing.ckpt"], "--resume: There is no resume file"),
        (["--start", "nothing"], "nothing"),
        (["--device", "toaster"], "--device: "),
        (["--name", "a/b"], "--name: "),
        (["--name", "default", "--replace"], "--name: The segmentation model 'default' comes with the program"),
        (["--start", "nothing", "--seed", 99999999999999], "--start: There is no segmentation model"),
        (["--groups", tmp_path / "none.csv"], "--data: A table of patients belongs to a folder"),
    ):
        code, out, err = run(*words)
        assert (code, out) == (2, "") and err.startswith("Error: ") and message in err and err.count("\n") == 1, err


@pytest.mark.parametrize("words", [("--name", "default"), ("--name", "a/b"), ("--out", "file"), ("--start", "nothing")])
def test_what_cannot_be_used_is_refused_before_images_are_prepared(run, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    code, _, err = run("--data", tmp_path, *words)
    assert code == 2 and err.startswith(f"Error: {words[0]}: ") and not FromFolder.asked
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_lightning(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    code, _, err = run()
    assert code == 2 and "pip install 'napari-jsn[train]'" in err


def test_an_unknown_task(capsys):
    with pytest.raises(SystemExit) as left:
        main(["train", "dancing"])
    assert left.value.code == 2
    assert "Choose one of: segmentation" in capsys.readouterr().err


def test_the_command_on_a_card_tells_no_whole_path():
    words = ["/usr/bin/napari-jsn", "train", "--data", "/home/me/patients", "--out=/home/me/x y", "--seed", "3"]
    assert typed_command(words) == "napari-jsn train --data patients '--out=x y' --seed 3"


def test_one_kind_needs_a_model_to_start_from_before_anything_is_read(capsys, tmp_path):
    with pytest.raises(SystemExit) as left:
        main(["train", "scoring", "--kind", "erosion", "--data", str(tmp_path / "nothing")])
    assert left.value.code == 2
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith("--start: One kind alone is trained from the weights of a model. Give it with --start.")
    )
