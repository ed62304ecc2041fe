"""What README promises, run as it is written, on the shipped hand."""

import re
import shlex
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
FILMS = sorted((Path(str(files("napari_jsn"))) / "samples" / "hand_pair").rglob("*.dcm"))


@pytest.fixture
def films(tmp_path, monkeypatch) -> Path:
    for name, film in zip(("baseline", "followup"), FILMS, strict=True):
        shutil.copy(film, tmp_path / f"{name}.dcm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_lines_of_python(films, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    held = {}
    exec(code, held)
    assert "MCP2" in capsys.readouterr().out
    assert len(held["table"]) == 10 and held["table"].reliable.sum() >= 7


def test_the_measure_command(films):
    (line,) = re.findall(r"^\.venv/bin/(napari-jsn measure .*)$", README, re.MULTILINE)
    command, *words = shlex.split(line)
    done = subprocess.run([Path(sys.executable).parent / command, *words], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in (films / "results").iterdir()) == ["joints.csv", "report.html"]
    assert len(pd.read_csv(films / "results" / "joints.csv")) == 10
