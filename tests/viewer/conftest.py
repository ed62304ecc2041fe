"""A fake registration engine, which returns, waits or raises as a test needs, and small images."""

import os
import sys
import threading
import types

import numpy as np
import pytest

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import Similarity
from napari_jsn.registration.result import Registration

NO_DISPLAY = sys.platform == "linux" and not os.environ.get("DISPLAY")


def pytest_collection_modifyitems(items):
    for item in items:
        if NO_DISPLAY and "make_napari_viewer" in item.fixturenames:
            item.add_marker(pytest.mark.skip(reason="needs a display: run under xvfb-run"))


def registration(fixed, spacing_mm=0.2, reliable=True, jsn_px=1.5):
    """Return a registration with made-up figures."""
    half = np.zeros(fixed.shape, dtype=bool)
    half[: fixed.shape[0] // 2] = True
    image = np.linspace(0, 1, fixed.size, dtype=np.float32).reshape(fixed.shape)
    return Registration(
        upper=Similarity(dy=jsn_px), lower=Similarity(), method="refined",
        narrowing_px=Estimate(jsn_px, 0.2 / 1.959964),
        point=np.array([5.0, 6.0]), axis=np.array([0.0, 1.0]),
        reasons=() if reliable else (Reason(ReasonCode.MODELS_DISAGREE, "The motion models disagree by 0.31 mm."),),
        original_loss=0.02, transformed_loss=0.002,
        transformed=image, original_spectrum=0.5 * image, transformed_spectrum=0.1 * image,
        fixed_masks=BoneMasks(half, ~half), spacing_mm=spacing_mm,
    )  # fmt: skip


class Engine:
    """Replaces ``napari_jsn.registration.register`` and records its calls."""

    def __init__(self):
        self.calls, self.error, self.reliable = [], None, True
        self.started, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.saw_abort = threading.Event()

    def register(self, fixed, moving, progress=None, **options):
        self.calls.append({"fixed": fixed, "moving": moving, **options})
        progress.update(1, 4, "Halfway there")
        self.started.set()
        self.go_on.wait(10)
        if progress.aborted:
            self.saw_abort.set()
        if self.error is not None:
            raise self.error
        return registration(fixed, options["spacing_mm"], self.reliable)


@pytest.fixture
def engine(monkeypatch):
    engine = Engine()
    module = types.ModuleType("napari_jsn.registration.register")
    module.register = engine.register
    monkeypatch.setitem(sys.modules, module.__name__, module)
    torch = types.ModuleType("torch")  # importing torch takes 2 s
    torch.get_num_threads, torch.set_num_threads = lambda: 1, lambda threads: None
    monkeypatch.setitem(sys.modules, "torch", torch)
    yield engine
    engine.go_on.set()


@pytest.fixture
def images():
    """A pair of greyscale images and the labels of two bones."""
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 2], 8)[:, None] * np.ones((16, 12), dtype=np.uint8)
    return rng.random((16, 12), dtype=np.float32), rng.random((16, 12), dtype=np.float32), labels.astype(np.uint8)


@pytest.fixture
def dock(qtbot):
    """Return a function that connects a widget to the layers of a viewer, as napari connects a dock widget."""

    def connect(widget, viewer):
        qtbot.addWidget(widget.native)
        for event in ("inserted", "removed", "reordered", "renamed"):
            getattr(viewer.layers.events, event).connect(widget.reset_choices)
        return widget

    return connect
