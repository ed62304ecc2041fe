"""What all forms share: keys, errors, notes, progress, and the time of the figures that they show."""

import gc
import logging
import sys
import time
import weakref

import numpy as np
import pytest
from magicgui.widgets import FunctionGui
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLabel, QPushButton

from napari_jsn.common.errors import InputError
from napari_jsn.viewer import functions
from napari_jsn.viewer.forms.status import Status, duration
from napari_jsn.viewer.inputs.train import FOLDER
from napari_jsn.viewer.pair_widget.widget import RegisterPair
from napari_jsn.viewer.segment_widget.widget import SegmentJoint
from napari_jsn.viewer.train_widget.widget import Train

MM = {"scale": (0.2, 0.2), "units": ("mm", "mm")}


@pytest.fixture
def viewer(images):
    viewer = ViewerModel()
    viewer.add_image(images[0], name="fixed", **MM)
    viewer.add_image(images[1], name="moving", **MM)
    return viewer


@pytest.fixture
def widget(viewer, engine, dock, qtbot):
    widget = dock(RegisterPair(viewer), viewer)
    yield widget
    engine.go_on.set()
    widget.abort()
    qtbot.wait(20)


@pytest.fixture
def trainer(viewer, dock, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path / "models"))
    return dock(Train(viewer), viewer)


def run(widget, qtbot):
    widget.run_button.click()
    qtbot.wait_until(lambda: widget._run is None)
    qtbot.wait(5)


def press_enter(widget, qtbot):
    widget.setFocus()
    qtbot.keyClick(widget, Qt.Key.Key_Return)


@pytest.mark.parametrize("kind", [RegisterPair, SegmentJoint, Train])
def test_a_widget_is_the_form_of_its_function(viewer, dock, kind, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path))
    widget = dock(kind(viewer), viewer)
    function = {RegisterPair: functions.register, SegmentJoint: functions.segment, Train: functions.train}[kind]
    assert isinstance(widget, FunctionGui)
    assert widget.__wrapped__ is function and widget.return_annotation is function.__annotations__["return"]
    assert list(widget.__signature__.parameters) == list(widget.asdict()) == [each.name for each in widget]
    assert set(widget.asdict()) == set(widget.form.fields)


@pytest.mark.parametrize("name", ["copy", "bones", "figure", "side_by_side"])
def test_enter_on_a_button_presses_it_and_starts_no_run(widget, engine, qtbot, name, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: ("", ""))
    run(widget, qtbot)
    button, pressed = getattr(widget.results, name), []
    button.clicked.connect(lambda: pressed.append(name))
    press_enter(button, qtbot)
    assert pressed == [name] and len(engine.calls) == 1 and widget._run is None


def test_enter_on_browse_opens_the_dialog_and_starts_no_training(trainer, qtbot, tmp_path, monkeypatch):
    folder = trainer.form.fields["data"]
    monkeypatch.setattr(folder, "_show_file_dialog", lambda *arguments, **options: str(tmp_path))
    trainer.source.value, folder.value = FOLDER, "/"
    browse = next(each for each in trainer.form.findChildren(QPushButton) if each.text() == "Browse")
    press_enter(browse, qtbot)
    assert trainer._run is None and folder.value == str(tmp_path)


def test_enter_in_a_list_starts_no_training(trainer, viewer, images, qtbot):
    viewer.add_labels(images[2], name="fixed mask")
    assert trainer.run_button.isEnabled()
    press_enter(trainer.pairs.native, qtbot)
    assert trainer._run is None


def test_enter_on_abort_aborts(widget, engine, qtbot):
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    press_enter(widget.abort_button, qtbot)
    assert widget._run is None and "Aborted" in widget.status.text()


def test_figures_are_hidden_while_the_form_holds_another_input(viewer, widget, images, qtbot):
    run(widget, qtbot)
    shown = widget.results.text()
    assert "+0.300 mm" in shown
    other = viewer.add_image(images[1], name="other", **MM)
    mask = viewer.add_labels(images[2], name="mask", **MM)
    before = widget.form.inputs()
    for name, value in {"moving": other, "fixed": other, "fixed_masks": mask, "spacing_mm": 0.3}.items():
        widget.form.fields[name].value = value
        assert widget.results.text() == "", name
        widget.form.fields[name].value = getattr(before, name)
        assert widget.results.text() == shown, name
    widget.device.value = "cpu"
    assert widget.results.text() == shown


@pytest.mark.parametrize("where", ["begin", "work", "finish"])
def test_an_unexpected_error_is_a_sentence_in_the_window_and_a_traceback_in_the_log(
    widget, engine, qtbot, where, monkeypatch, caplog
):
    def fail(*arguments):
        raise ZeroDivisionError("of the test")

    if where == "work":
        engine.error = ZeroDivisionError("of the test")
    else:
        monkeypatch.setattr(RegisterPair, where, fail)
    with caplog.at_level(logging.ERROR, logger="napari_jsn"):
        run(widget, qtbot)
    assert widget.failure.text().startswith("The registration failed: ZeroDivisionError: of the test.")
    assert widget.run_button.isEnabled() and not widget.bar.isVisible()
    (record,) = caplog.records
    assert record.name.startswith("napari_jsn.") and record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (InputError("The image is 0.2 mm wide. Give the true spacing_mm.", "spacing_mm"), "Give the true pixel size."),
        (InputError("Give moving_spacing_mm too.", "moving_spacing_mm"), "Give the pixel size too."),
        (InputError("The fixed_masks are empty."), "The bone masks are empty."),
    ],
)
def test_errors_of_the_package_use_the_words_of_the_form(widget, engine, qtbot, error, shown):
    engine.error = error
    run(widget, qtbot)
    place = widget.form.fields[error.argument].message if error.argument else widget.failure
    assert shown in place.text()
    assert "_" not in place.text()


def test_warnings_of_the_package_are_shown_after_the_run(widget, engine, qtbot, monkeypatch):
    module = sys.modules["napari_jsn.registration.register"]

    def register(*arguments, **options):
        logging.getLogger("napari_jsn.common.device").warning("The memory of the GPU is full: %d at once.", 8)
        return engine.register(*arguments, **options)

    monkeypatch.setattr(module, "register", register)
    run(widget, qtbot)
    assert widget.status.text() == "The memory of the GPU is full: 8 at once." and not widget.status.isHidden()
    monkeypatch.setattr(module, "register", engine.register)
    run(widget, qtbot)
    assert widget.status.text() == ""


def test_the_status_has_count_and_remaining_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    status = Status()
    assert status.text(0, 0, "Loading") == "Loading"
    assert status.text(0, 2800, "Simulating joints") == "Simulating joints: 0 of 2800"
    now[0] = 10.0
    assert status.text(40, 2800, "Simulating joints") == "Simulating joints: 40 of 2800, about 12 min left"
    assert status.text(0, 4, "Epoch 1") == "Epoch 1: 0 of 4"
    now[0] = 70.0
    assert status.text(3, 4, "Epoch 1") == "Epoch 1: 3 of 4, about 20 s left"
    assert status.text(500, 1000, "Registering") == "Registering: 50 %"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "about 1 s"), (59, "about 59 s"), (125, "about 2 min"), (9000, "about 2.5 h")]
)
def test_durations_are_rounded(seconds, words):
    assert duration(seconds) == words


def test_a_widget_whose_window_was_closed_is_not_touched(viewer, engine, qtbot):
    widget = RegisterPair(viewer)
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    progress = widget._run.progress
    widget.native.deleteLater()
    qtbot.wait_until(lambda: progress.aborted)
    engine.go_on.set()
    qtbot.wait_until(lambda: widget._run is None)
    assert len(viewer.layers) == 2


def test_labels_of_forms_are_no_words_of_the_library(widget, trainer):
    for panel in (widget, trainer):
        texts = [label.text() for label in panel.body.findChildren(QLabel)]
        assert not [text for text in texts if "_" in text]
        assert np.all([field.label_widget.toolTip() for field in panel.form.fields.values()])


@pytest.mark.parametrize("kind", [RegisterPair, SegmentJoint, Train])
def test_a_widget_that_is_gone_leaves_no_layers_in_memory(images, engine, qtbot, kind, tmp_path, monkeypatch):
    def begin_with_layers(self):
        layers = [*self._viewer.layers]
        return lambda progress: layers and None, layers

    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path))
    viewer = ViewerModel()
    for data, name in zip(images[:2], ("fixed", "moving")):
        viewer.add_image(data.copy(), name=name, **MM)
    viewer.add_labels(images[2], name="fixed mask", **MM)
    widget = kind(viewer)
    monkeypatch.setattr(kind, "begin", begin_with_layers)
    monkeypatch.setattr(kind, "modules", ())
    for _ in range(2):
        run(widget, qtbot)
    qtbot.wait(100)
    gone = [weakref.ref(each) for each in (widget, widget.form, viewer, *viewer.layers)]
    widget.close()
    monkeypatch.undo()
    del widget, viewer

    def all_gone():
        gc.collect()
        assert [ref() for ref in gone if ref() is not None] == []

    qtbot.wait_until(all_gone)
