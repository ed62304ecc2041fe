"""What stays of a run and of a window: nothing in memory, and no error where the window is closed in mid-run."""

import gc
import logging
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

from napari_jsn.viewer.read_patient import dock as dock_module
from napari_jsn.viewer.read_patient.canvas.picture_layers import PictureLayers
from napari_jsn.viewer.read_patient.dock import ReadPatient
from napari_jsn.viewer.read_patient.flow import MEASURING


def error(progress):
    raise RuntimeError("odd")


class Work:
    """Work that waits until it may go on, with pixels that nothing should keep."""

    def __init__(self, outcome):
        self.outcome, self.pixels = outcome, np.zeros(1000)
        self.started, self.go_on, self.done = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, progress):
        progress.update(1, 2, "Working")
        self.started.set()
        self.go_on.wait(20)
        progress.update(2, 2, "Done")
        self.done.set()
        return self.outcome(progress)


def begin(widget, outcome, qtbot):
    """Start work in a widget; return what controls it, and weak references to it and its pixels."""
    work = Work(outcome)
    if isinstance(widget, ReadPatient):
        qtbot.wait_until(lambda: widget.is_ready, timeout=30_000)
        widget.flow.jobs.start(MEASURING, work, print)
    else:
        widget.modules = ()
        widget.start_work(lambda: (work, print))
    qtbot.wait_until(work.started.is_set)
    return work, weakref.ref(work)


def collected(qtbot, *references):
    def gone():
        gc.collect()
        assert [each() for each in references] == [None] * len(references)

    qtbot.wait_until(gone, timeout=5000)


@pytest.mark.parametrize(
    ("title", "outcome"), [("Segment joint", vars), ("Segment joint", error), ("Register joint pair", vars)]
)
def test_a_finished_run_keeps_nothing(make_napari_viewer, qtbot, monkeypatch, title, outcome):
    monkeypatch.setattr(logging.getLogger("napari_jsn"), "propagate", False)  # pytest keeps what is logged
    widget = make_napari_viewer().window.add_plugin_dock_widget("napari-jsn", title)[1]
    work, reference = begin(widget, outcome, qtbot)
    work.go_on.set()
    qtbot.wait_until(lambda: widget._run is None)
    del work
    collected(qtbot, reference)


@pytest.mark.parametrize(
    ("title", "closed", "outcome"),
    [
        ("Segment joint", "window", vars),
        ("Register joint pair", "dock", vars),
        ("Register joint pair", "window, aborted before", error),
        ("Register joint pair", "window", error),
        ("Segment joint", "dock", error),
        ("Read patient", "dock", vars),
        ("Read patient", "window", vars),
        ("Read patient", "window, aborted before", error),
    ],
)
def test_a_window_closed_in_mid_run(make_napari_viewer, qtbot, monkeypatch, title, closed, outcome):
    monkeypatch.setattr(dock_module, "MODULES", ())
    monkeypatch.setattr("napari_jsn.viewer.read_patient.flow.warm_up", lambda: None)
    monkeypatch.setattr(PictureLayers, "warm_up", lambda self: None)
    make_napari_viewer()  # another window stays
    viewer = make_napari_viewer()
    widget = viewer.window.add_plugin_dock_widget("napari-jsn", title)[1]
    work, reference = begin(widget, outcome, qtbot)
    if closed == "dock":
        viewer.window.remove_dock_widget("all")
    else:
        if "aborted" in closed:
            (widget.flow.jobs if isinstance(widget, ReadPatient) else widget).abort()
        viewer.close()
    qtbot.wait(20)
    window, panel = weakref.ref(viewer), weakref.ref(widget)
    del widget, viewer
    work.go_on.set()
    qtbot.wait_until(work.done.is_set)
    del work
    qtbot.wait(20)  # pytest-qt reports errors of callbacks
    collected(qtbot, reference, panel, *([] if closed == "dock" else [window]))


SCRIPT = """
import time
import napari
from qtpy.QtCore import QTimer

from napari_jsn.viewer.read_patient import dock as dock_module, flow
from napari_jsn.viewer.read_patient.canvas.picture_layers import PictureLayers

viewer = napari.Viewer(show=False)
_, widget = viewer.window.add_plugin_dock_widget("napari-jsn", {title!r})
dock_module.MODULES = ()
flow.warm_up = lambda: None
PictureLayers.warm_up = lambda self: None

def work(progress):
    while not progress.aborted:
        time.sleep(0.01)
        progress.update(1, 2, "Working")
    return 1

def begin():
    if {title!r} == "Read patient":
        widget.flow.jobs.start("Measuring", work, print)
    else:
        widget.modules = ()
        widget.start_work(lambda: (work, print))
    QTimer.singleShot(100, viewer.close)
    QTimer.singleShot(200, napari.qt.get_qapp().quit)

widget.ready.connect(begin) if {title!r} == "Read patient" else QTimer.singleShot(0, begin)
napari.run(force=True)
print("ended")
"""


@pytest.mark.skipif(sys.platform == "linux" and not os.environ.get("DISPLAY"), reason="needs a display")
@pytest.mark.parametrize("title", ["Segment joint", "Read patient"])
def test_the_process_ends_well_where_its_last_window_is_closed_in_mid_run(tmp_path, title):
    environment = {**os.environ, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")}
    script = SCRIPT.format(title=title)
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, "ended\n")
    assert "deleted" not in run.stderr and "Traceback" not in run.stderr
