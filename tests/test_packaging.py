"""What a user gets: sdist -> wheel -> a new environment outside the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: object, cwd: Path) -> str:
    """Run a command as a user's shell would, without this checkout on the path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The scripts folder of a new environment that holds the wheel; its dependencies are borrowed from this one."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    # A copy, because what an earlier build left in the checkout would hide a file that a fresh one loses.
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    # build makes the wheel from the sdist, so a file lost by either is missed below.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source, cwd=folder)
    run(sys.executable, "-m", "venv", "--without-pip", "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index",
        *folder.glob("*.whl"), cwd=folder)  # fmt: skip
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_the_wheel_is_what_is_imported(installed):
    where = run(installed / "python", "-c", "import napari_jsn; print(napari_jsn.__file__)", cwd=installed)
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_a_model_card_is_in_the_wheel(installed):
    code = "from napari_jsn.networks.weights import card; print(card('registration-refined')['method'])"
    assert run(installed / "python", "-c", code, cwd=installed).strip() == "refined"


def test_the_samples_are_in_the_wheel(installed):
    samples = "from napari_jsn.viewer.file_readers.samples import both_hands, hand_pair"
    code = f"{samples}; print(len(hand_pair()), len(both_hands()))"
    assert run(installed / "python", "-c", code, cwd=installed).split() == ["3", "5"]  # the frames and the films


def test_the_manifest_is_valid_and_all_it_names_can_be_imported(installed):
    npe2 = "from npe2.cli import main; main()"
    said = run(installed / "python", "-c", npe2, "validate", "--imports", "napari-jsn", cwd=installed)
    assert "valid" in said


def test_the_command_is_installed(installed):
    assert "register" in run(installed / "napari-jsn", "--help", cwd=installed)
