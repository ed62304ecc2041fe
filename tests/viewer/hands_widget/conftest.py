"""Fake functions of the core, and a viewer model with the shipped hand in place of a window."""

import sys
import threading
import types

import pytest
from napari.components import ViewerModel

import napari_jsn.localization.find_joints
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.viewer.file_readers import samples
from napari_jsn.viewer.hands_widget.widget import MeasureHands
from tests.progression.made_up import progression


class Engine:
    """Replaces ``napari_jsn.progression.measure`` and records its calls."""

    def __init__(self):
        self.calls, self.error, self.result = [], None, progression()
        self.started, self.go_on, self.saw_abort = threading.Event(), threading.Event(), threading.Event()
        self.go_on.set()

    def measure(self, patient, progress, **options):
        self.calls.append({"patient": patient, **options})
        progress.update(1, 4, "Finding the joints")
        self.started.set()
        self.go_on.wait(10)
        if progress.aborted:
            self.saw_abort.set()
        if self.error:
            raise self.error
        return self.result

    def find(self, radiographs, device, progress):
        self.found_on = device
        hands = self.result.hands[: len(radiographs)]
        if self.error:
            raise self.error
        return [
            FoundJoints(tuple(v.joint for v in hand.joints), tuple(("L", name) for name in hand.missing), ("L",))
            for hand in hands
        ]


@pytest.fixture
def engine(monkeypatch):
    engine = Engine()
    module = types.ModuleType("napari_jsn.progression.measure")
    module.measure = engine.measure
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(napari_jsn.localization.find_joints, "find_joints_many", engine.find)
    monkeypatch.setattr(MeasureHands, "modules", ())
    yield engine
    engine.go_on.set()


@pytest.fixture(scope="session")
def hand_layers():
    """The layers of the shipped hand: frames, baseline and follow-up."""
    return samples.hand_pair()


@pytest.fixture
def viewer(hand_layers):
    viewer = ViewerModel()
    for data, options, kind in hand_layers:
        getattr(viewer, f"add_{kind}")(data, **options)
    return viewer


@pytest.fixture
def widget(viewer, engine, dock, qtbot):
    """The widget; no run continues after the test."""
    widget = dock(MeasureHands(viewer), viewer)
    yield widget
    engine.go_on.set()
    widget.abort()
    qtbot.wait(20)
