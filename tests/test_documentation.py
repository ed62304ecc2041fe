"""The Python and shell blocks of README and docs run as printed.

A block is skipped where the line before it is ``<!-- not run: reason -->``. The blocks of one page run in order, in one
folder, and its Python blocks share their names. Training and evaluation are shortened by ``SHORT_COMMAND``.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import napari_jsn as jsn
from napari_jsn.export.simulated.joint_pair import pair_files
from napari_jsn.simulation.joint_pair import joint_pair

ROOT = Path(__file__).parents[1]
PAGES = {
    path.name: path for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
}
LANGUAGES = {"python", "sh", "text"}
TIMEOUT_S = 120

#: The command napari-jsn, with two steps of training on few simulated images, and small evaluations.
SHORT_COMMAND = """\
import sys
from itertools import islice
from napari_jsn.cli import main
from napari_jsn.training import tasks

SIMULATED = {"segmentation": 6, "localization": 1, "registration": 4}
OPTIONS = {
    "train": ["--epochs", "1", "--device", "cpu"],
    "evaluate localization": ["--simulated", "0", "--feet", "0"],
    "evaluate segmentation": ["--simulated", "0", "--damaged", "0"],
    "evaluate registration": ["--simulated", "1", "--pairs", "2", "--method", "pipoc"],
}
task_class = tasks.task_class


def short_task_class(name, preset):
    class ShortTask(task_class(name, preset)):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **{**options, "simulated": SIMULATED[name]})
            self._batch = 4

        def training_batches(self, epoch, seed):
            return islice(super().training_batches(epoch, seed), 2)

        def validation_batches(self):
            return list(islice(super().validation_batches(), 1))

    return ShortTask


tasks.task_class = short_task_class
words = sys.argv[1:]
main(words + [word for start, options in OPTIONS.items() if " ".join(words).startswith(start) for word in options])
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: where it starts, its language, its code, and why it is not run."""

    page: str
    line: int
    language: str
    code: str
    not_run: str | None


def blocks(page: str) -> list[Block]:
    lines = PAGES[page].read_text("utf-8").splitlines()
    found, start = [], None
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("```"):
            continue
        if start is None:
            start = number
            continue
        reason = re.fullmatch(r"<!-- not run: (.+) -->", lines[start - 1].strip())
        language = lines[start].strip().removeprefix("```")
        code = "\n".join(lines[start + 1 : number]) + "\n"
        found.append(Block(page, start + 1, language, code, reason and reason.group(1)))
        start = None
    assert start is None, f"{page}: a block is not closed"
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with the radiographs and tables that the pages name, and short commands first in PATH."""
    sample = jsn.sample_folder("hand_pair")
    shutil.copytree(sample, tmp_path / "PATIENT_FOLDER")
    radiographs = sorted(sample.glob("*.dcm"))
    for name, radiograph in zip(("baseline", "followup"), radiographs, strict=True):
        shutil.copy(radiograph, tmp_path / f"{name}.dcm")
    shutil.copy(radiographs[0], tmp_path / "hand.dcm")
    _joint_folder(tmp_path / "FOLDER")
    _hand_folder(tmp_path / "HANDS_FOLDER", radiographs, sample.parent / "truth.csv")
    rows = [("P1", "MCP2", 0.3, 1), ("P1", "MCP3", 0.1, 0), ("P2", "MCP2", 0.2, 1), ("P2", "MCP3", -0.1, 0)]
    table = pd.DataFrame(rows, columns=["patient", "joint", "jsn_mm", "score_change"]).assign(side="L")
    table.to_csv(tmp_path / "scored.csv", index=False)
    _own_model(tmp_path / "models")
    short = tmp_path / ".venv" / "bin" / "napari-jsn"
    short.parent.mkdir(parents=True)
    short.write_text(f"#!{sys.executable}\n{SHORT_COMMAND}")
    short.chmod(0o755)
    path = os.pathsep.join([str(short.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _joint_folder(folder: Path) -> None:
    """Write two joints with their masks, a subfolder each."""
    for seed, joint in enumerate(("MCP2", "PIP3")):
        target = folder / f"joint{seed}"
        target.mkdir(parents=True)
        for name, content in pair_files(joint_pair(joint, 0.2, seed=seed)).items():
            (target / name).write_bytes(content)


def _hand_folder(folder: Path, radiographs: list[Path], truth: Path) -> None:
    """Write radiographs as images, and joints.csv with the true positions of their joints."""
    folder.mkdir()
    tables = []
    for path in radiographs:
        rows = pd.read_csv(truth).query("file.str.endswith(@path.name)")
        Image.fromarray(np.uint8(255 * jsn.read_radiograph(path).pixels)).save(folder / f"{path.stem}.png")
        columns = {"joint": rows.joint, "x": rows.centre_x_px, "y": rows.centre_y_px}
        tables.append(pd.DataFrame({"file": f"{path.stem}.png", "side": "L", **columns}))
    pd.concat(tables).to_csv(folder / "joints.csv", index=False)


def _own_model(folder: Path) -> None:
    """Copy the shipped network of registration as a model of the user's own, called ``mine``."""
    folder.mkdir()
    for path in (ROOT / "models").glob("registration-default.*"):
        shutil.copy(path, folder / f"registration-mine{path.suffix}")


def run(block: Block, names: dict) -> None:
    if block.language == "python":
        # as many lines above as on the page, so that a traceback shows the line of the page
        exec(compile("\n" * block.line + block.code, PAGES[block.page], "exec"), names)
        return
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code], capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, f"{block.page}:{block.line}\n{done.stdout}{done.stderr}"


def run_page(page: str) -> dict:
    names: dict = {}
    for block in blocks(page):
        if block.language in ("python", "sh") and not block.not_run:
            run(block, names)
    return names


@pytest.mark.parametrize("page", PAGES)
def test_every_block_names_its_language(page):
    assert {f"{page}:{block.line}" for block in blocks(page) if block.language not in LANGUAGES} == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_blocks_run_as_printed(page, request):
    if not any(block.language in ("python", "sh") and not block.not_run for block in blocks(page)):
        return
    request.getfixturevalue("folder")
    run_page(page)


def test_readme_runs_as_printed(folder, capsys):
    names = run_page("README.md")
    assert "MCP2" in capsys.readouterr().out
    assert len(names["table"]) == 10 and names["table"].reliable.sum() >= 7
    assert sorted(path.name for path in (folder / "results").iterdir()) == ["joints.csv", "report.html", "run.json"]
    assert len(pd.read_csv(folder / "results" / "joints.csv")) == 10
