import tempfile

import numpy as np
import pytest
import torch
from PIL import Image

from napari_jsn.anatomy import JOINTS
from napari_jsn.cli import main
from napari_jsn.evaluation.localization import report
from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.localization.network import build_joint_net
from napari_jsn.networks import weights


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A model with random weights."""
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path / "models"))
    torch.manual_seed(0)
    arguments = {"features": (4, 4, 4, 4, 4)}
    about = dict.fromkeys(weights.FIELDS, "")
    about |= {"task": "localization", "name": "tiny", "architecture": arguments, "figures": {"right": {"mean": 0.5}}}
    about |= {"input_size_px": [256, 256], "images": {"trained_on": [], "validated_on": [], "all_known": True}}
    weights.save(tmp_path / "models", build_joint_net(arguments).state_dict(), about)
    return "tiny"


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["evaluate", "localization", *map(str, words)])
    return left.value.code


def test_a_folder_is_evaluated_into_a_table_a_page_and_pictures(tmp_path, tiny, capsys):
    (tmp_path / "data").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (400, 300)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "data" / "a.png")
    points = 1.8 * mean_hand() + (140, 180)
    lines = [f"a.png,L,{joint},{x},{y}" for joint, (x, y) in zip(JOINTS, points, strict=True)]
    (tmp_path / "data" / "joints.csv").write_text("\n".join(["file,side,joint,x,y", *lines]))
    page, out = tmp_path / "page.md", tmp_path / "out"
    words = (
        "--data",
        tmp_path / "data",
        "--simulated",
        0,
        "--feet",
        0,
        "--model",
        tiny,
        "--out",
        out,
        "--page",
        page,
        "--card",
    )
    assert run(*words) == 0
    assert "| **own radiographs** | 1 | 14 |" in capsys.readouterr().out
    assert "own radiographs: negative" in page.read_text() and str(tmp_path) not in page.read_text()
    assert {path.name for path in out.iterdir()} >= {"localization.md", "own-radiographs-0.png"}
    _, card = weights.load("localization", tiny)
    assert card["figures"]["right"] == {"mean": 0.5}
    assert card["figures"]["never_learned_from"]["own radiographs, as they are"]["joints"] == 14


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--simulated", "0", "--feet", "0"], "--data: There are no radiographs to measure"),
        (["--model", "none"], "--model: There is no localization model 'none'"),
    ],
)
def test_what_cannot_be_evaluated_is_reported(tmp_path, tiny, capsys, words, message):
    assert run("--out", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_card_that_cannot_be_written_is_reported_before_the_computation(tmp_path, tiny, capsys, monkeypatch):
    opened = tempfile.TemporaryFile

    def refuse(*args, dir=None, **options):
        if dir == tmp_path / "models":
            raise OSError(30, "Read-only file system")
        return opened(*args, dir=dir, **options)

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(report, "evaluate_localization", lambda *_, **__: pytest.fail("the computation has begun"))
    assert run("--out", tmp_path / "out", "--simulated", 1, "--model", tiny, "--card") == 2
    assert "--model: " in (message := capsys.readouterr().err) and "models cannot be written to" in message
