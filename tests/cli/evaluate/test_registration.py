import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_jsn.cli import main
from napari_jsn.common.output_folder import problems_of_set
from napari_jsn.evaluation.registration.known_errors import LEVELS
from napari_jsn.evaluation.registration.report import MOTIONS


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["evaluate", "registration", *map(str, words)])
    return left.value.code


@pytest.fixture
def folder(tmp_path, simulated):
    """A joint at two visits."""
    inside = tmp_path / "data" / "MCP2"
    inside.mkdir(parents=True)
    for name, image, masks in (
        ("a", simulated.fixed, simulated.fixed_masks),
        ("b", simulated.moving, simulated.moving_masks),
    ):
        Image.fromarray(np.rint(255 * image).astype(np.uint8)).save(inside / f"{name}.png")
        Image.fromarray(masks.labels).save(inside / f"{name}_mask.png")
    return inside.parent


def test_a_folder_is_evaluated_into_tables_plots_panels_and_a_page(tmp_path, folder, capsys, monkeypatch):
    for kind in LEVELS:
        monkeypatch.setitem(LEVELS, kind, (1.0,))
    page, out = tmp_path / "docs" / "page.md", tmp_path / "out"
    words = ("--spacing-mm", 0.175, "--method", "pipoc", "--pairs", 1, "--simulated", 1, "--out", out, "--page", page)
    assert run(folder, *words) == 0
    output = capsys.readouterr().out
    assert "| `pipoc` | 1 |" in output and "2 images of 1 joints" in output
    assert "nan" not in output and "No joint has three visits" in output
    assert "Table 7" in page.read_text() or "Tables 8 and 9" in page.read_text()
    assert str(tmp_path) not in page.read_text() and "images/registration-losses.png" in page.read_text()
    assert {path.name for path in page.parent.joinpath("images").iterdir()} == {
        "registration-losses.png",
        "registration-robustness.png",
    }
    assert {path.name for path in out.iterdir()} >= {"registration.md", "panels-best.png", "panels-worst.png"}


def test_figures_as_json(tmp_path, folder, capsys, monkeypatch):
    for kind in LEVELS:
        monkeypatch.setitem(LEVELS, kind, (1.0,))
    words = ("--spacing-mm", 0.175, "--method", "pipoc", "--pairs", 1, "--simulated", 0, "--out", tmp_path / "out")
    assert run(folder, *words, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    figures = content["methods"]["pipoc"]
    assert figures["closure"]["all"]["joints"] == 1 and set(figures["known_motion"]) == set(MOTIONS)
    assert all(each["pairs"] == 1 for each in figures["known_motion"].values()) and figures["simulated"] is None
    assert {kind: len(levels) for kind, levels in figures["robustness"].items()} == dict.fromkeys(LEVELS, 1)
    assert all(Path(file).is_file() for file in content["files"]) and problems_of_set(tmp_path / "out") == []
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["command"] == "evaluate registration" and record["options"]["pairs"] == 1
    assert record["inputs"][0]["hash_of"] == "the sorted hashes of 4 files" and str(tmp_path) not in json.dumps(record)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--simulated", "0"], "DATA: There are no images to measure"),
        (["--method", "magic"], "There is no registration method 'magic'"),
    ],
)
def test_what_cannot_be_evaluated_is_reported(tmp_path, capsys, words, message):
    assert run("--out", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_pixel_size_is_asked_for(tmp_path, folder, capsys):
    assert run(folder, "--out", tmp_path / "out") == 2
    assert "--spacing-mm: The pixel size of these images is not known" in capsys.readouterr().err
