"""The folder sample/: opened by the command ``napari``, and by its script."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import napari
import pytest
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog

from napari_jsn.viewer.read_patient.canvas.picture_layers import NAMES

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample"
LAYERS = ["radiographs", "left, baseline", "left, week 52"]
READERS = ["Joint space narrowing", "napari builtins"]

NO_DISPLAY = sys.platform == "linux" and not os.environ.get("DISPLAY")

#: Run by napari as its startup script: accepts the dialog "Choose reader" and writes what it offered, waits for the
#: layers, writes their names, and closes the window.
STARTUP_SCRIPT = """
import json
import os
from pathlib import Path

import napari
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QRadioButton

found = {"readers": [], "preselected": [], "layers": []}


def check():
    dialog = QApplication.activeModalWidget()
    if dialog is not None and dialog.objectName() == "Choose reader":
        buttons = dialog.findChildren(QRadioButton)
        found["readers"].append(sorted(button.text() for button in buttons))
        found["preselected"] += [button.text() for button in buttons if button.isChecked()]
        dialog.accept()
    viewer = napari.current_viewer()
    if dialog is None and viewer is not None and viewer.layers and viewer.window._qt_window.isVisible():
        timer.stop()
        found["layers"] = [layer.name for layer in viewer.layers]
        Path(os.environ["FOUND"]).write_text(json.dumps(found))
        viewer.window._qt_window.close(quit_app=True, confirm_need=False)


timer = QTimer()
timer.timeout.connect(check)
timer.start(100)
"""


@pytest.mark.skipif(NO_DISPLAY, reason="needs a display: run under xvfb-run")
@pytest.mark.parametrize(("options", "readers"), [(["--plugin", "napari-jsn"], []), ([], [READERS])])
def test_the_command_opens_the_hand(tmp_path, options, readers):
    script, settings, found = (tmp_path / name for name in ("startup.py", "settings.yaml", "found.json"))
    script.write_text(STARTUP_SCRIPT)
    settings.write_text(f"application:\n  startup_script: {script}\n  first_time: false\n")
    environment = {**os.environ, "NAPARI_CONFIG": str(settings), "FOUND": str(found)}
    command = [str(Path(sys.executable).with_name("napari")), *options, "sample/"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and found.exists(), done.stderr
    preselected = ["Joint space narrowing"] * len(readers)
    assert json.loads(found.read_text()) == {"readers": readers, "preselected": preselected, "layers": LAYERS}


@pytest.fixture
def reader_dialogs(monkeypatch):
    """Accept napari's dialog "Choose reader" and let it remember the choice; list the readers that it offered."""
    offered = []

    def accept(dialog):
        offered.append(sorted(button.text() for button in dialog.reader_btn_group.buttons()))
        dialog.persist_checkbox.setChecked(True)
        return True

    monkeypatch.setattr(QtReaderDialog, "exec_", accept)
    return offered


def open_sample_folder(viewer, plugin=None):
    """Open the folder as the command does; return the names of the layers."""
    viewer.window._qt_viewer._qt_open([str(SAMPLE)], stack=False, plugin=plugin)
    names = [layer.name for layer in viewer.layers]
    viewer.layers.clear()
    return names


def test_napari_asks_for_the_reader_once_and_never_with_the_plugin_named(make_napari_viewer, reader_dialogs):
    viewer = make_napari_viewer()
    assert open_sample_folder(viewer, "napari-jsn") == LAYERS
    assert reader_dialogs == []
    assert open_sample_folder(viewer) == LAYERS
    assert open_sample_folder(viewer) == LAYERS
    assert reader_dialogs == [READERS]


@pytest.fixture
def run_session(make_napari_viewer, monkeypatch, capsys):
    """Return a function that runs a script of sample/ in a window and returns viewer and printed lines."""

    def run(name):
        viewer = make_napari_viewer()
        monkeypatch.setattr(napari, "run", lambda: None)
        names = runpy.run_path(str(SAMPLE / name))
        return viewer, names, capsys.readouterr().out.splitlines()

    return run


def test_the_session_of_the_hand(run_session):
    viewer, names, printed = run_session("session.py")
    assert len(names["progression"].narrowings) == 10 and len(printed) == 11
    assert printed[0].split()[:3] == ["joint", "side", "jsn_mm"]
    assert [layer.name for layer in viewer.layers] == list(NAMES)
    assert viewer.layers["baseline"].visible and viewer.layers["baseline"].data.max() > 0.5
    assert {"Joint space narrowing", "Read patient"} <= {*viewer.window.dock_widgets}
    assert names["store"].is_file()


def test_the_session_of_a_joint_pair(run_session):
    viewer, names, printed = run_session("joint_pair.py")
    assert names["registration"].reliable
    assert names["registration"].jsn_mm == pytest.approx(names["truth"], abs=0.05)
    assert f"narrowing {names['registration'].jsn_mm:+.3f} mm" in printed[2] and printed[3].startswith("loss 0.0")
    assert "transformed follow-up" in viewer.layers


def test_the_session_of_a_training(run_session, monkeypatch, tmp_path):
    from napari_jsn.segmentation.training import task

    monkeypatch.setattr(task, "_LEAST_BATCHES", 1)  # an epoch takes seconds instead of a minute
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path))  # restored after the test
    viewer, names, printed = run_session("training.py")
    assert names["trained"].finished and len(names["trained"].history) == 2
    assert [line.split(":")[0] for line in printed[:2]] == ["epoch 1", "epoch 2"]
    assert printed[2].startswith("bones found with segmentation-sample.safetensors")
    assert "bones of MCP2" in viewer.layers and "worst validation case" in viewer.layers
    names["models"].cleanup()


def test_the_hand_is_a_link_to_a_small_sample():
    hand = SAMPLE / "hand"
    assert hand.is_symlink() and hand.resolve() == ROOT / "src" / "napari_jsn" / "samples" / "hand_pair"
    assert sum(path.stat().st_size for path in hand.resolve().rglob("*") if path.is_file()) < 6e6
