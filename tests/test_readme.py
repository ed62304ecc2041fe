"""What README promises, run as it is written, on a simulated pair."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from skimage.io import imsave
from skimage.util import img_as_ubyte

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


@pytest.fixture
def images(simulated, tmp_path, monkeypatch) -> Path:
    for name, pixels in {"baseline": simulated.fixed, "followup": simulated.moving}.items():
        imsave(tmp_path / f"{name}.png", img_as_ubyte(pixels), check_contrast=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_lines_of_python(images, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(code, {})
    assert float(capsys.readouterr().out.split()[0]) == pytest.approx(0.3, abs=0.1)


def test_the_register_command(images):
    (line,) = re.findall(r"^\.venv/bin/(napari-jsn register .*)$", README, re.MULTILINE)
    command, *words = shlex.split(line)
    done = subprocess.run([Path(sys.executable).parent / command, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((images / "results").iterdir())
