import os
import signal
import sys

import pytest

from napari_jsn.cli import main
from napari_jsn.cli.train import typed_command
from tests.training.conftest import ToyTask, models  # noqa: F401


class FromFolder(ToyTask):
    """Made as the command makes a task."""

    asked = []

    @classmethod
    def from_folder(cls, folder, preset):
        cls.asked.append((folder, preset))
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


def test_refusals_name_the_option(run, tmp_path):
    (tmp_path / "no.ckpt").write_text("")
    for words, message in (
        (["--epochs", "0"], "--epochs: "),
        (["--resume", tmp_path / "no.ckpt"], "--resume: "),
        (["--resume", tmp_path / "missing.ckpt"], "--resume: There is no resume file"),
        (["--start", "nothing"], "nothing"),
        (["--device", "toaster"], "--device: "),
        (["--name", "a/b"], "--name: "),
    ):
        code, out, err = run(*words)
        assert (code, out) == (2, "") and err.startswith("Error: ") and message in err and err.count("\n") == 1, err


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
