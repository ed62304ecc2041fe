"""The dock "Read patient" in a real window, with real keys and clicks."""

import gc
import weakref

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_jsn.store import open_store
from napari_jsn.viewer.read_patient.canvas.picture_layers import NAMES


def test_a_folder_is_measured_read_and_reported(window, hand_folder, measured_patient, monkeypatch, tmp_path):
    """From the folder to the report: six clicks and a key for each joint."""
    from qtpy.QtWidgets import QFileDialog

    import napari_jsn.viewer.read_patient.opened as opened

    monkeypatch.setattr(opened, "measure_patient", lambda patient, progress, found, **how: measured_patient)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(hand_folder))
    widget = window.widget
    QTest.mouseClick(widget.radiographs.folder_button, Qt.MouseButton.LeftButton)
    window.wait()
    assert widget.radiographs.table.rowCount() == 2
    assert widget.radiographs.table.item(0, 1).text() == "2020-01-15"
    QTest.mouseClick(widget.radiographs.measure_button, Qt.MouseButton.LeftButton)
    assert "name or code" in widget.radiographs.message.text()  # the reader is asked for, not guessed
    QTest.keyClicks(widget.radiographs.reader.native, "A")
    QTest.mouseClick(widget.radiographs.measure_button, Qt.MouseButton.LeftButton)
    window.wait()
    assert widget.steps[2].is_open and [step.is_open for step in widget.steps].count(True) == 1
    assert widget.reading.table.rowCount() == 3
    window.keys("ARU")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "out"))
    QTest.mouseClick(widget.steps[3].header, Qt.MouseButton.LeftButton)
    assert "1 accepted, 1 rejected, 1 unsure" in widget.report.counts.text()
    QTest.mouseClick(widget.report.write_button, Qt.MouseButton.LeftButton)
    window.wait()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"joints.csv", "report.html", "run.json"}
    with open_store(tmp_path / "readings.db") as store:  # beside the folder
        assert store.decisions()[["joint", "decision", "reader"]].values.tolist() == [
            ["IP1", "accepted", "A"], ["MCP2", "rejected", "A"], ["PIP3", "unsure", "A"],
        ]  # fmt: skip


def test_keys_pictures_and_scores_of_a_reading(window, place):
    window.open(place)
    check_pictures(window)
    check_keys(window)
    check_scores(window)


def check_keys(window):
    """Keys of the reading come before those of napari, wherever the focus is."""
    widget, viewer = window.widget, window.viewer
    layers = list(viewer.layers)
    assert tuple(layer.name for layer in layers) == NAMES
    for key in "NNP":
        window.keys(key)
    assert window.position.joint == "MCP2"
    for target in (window.canvas, widget.reading.table, widget, viewer.window._qt_window):
        window.keys("A", target)
    assert [line.decision for line in window.position.lines] == ["accepted"] * 3
    window.keys("Z")
    assert window.position.joint == "PIP3" or window.position.line.decision != "accepted"
    for key, view in (("D", "difference"), ("L", "loss spectra"), ("H", "hand"), ("S", "side by side")):
        window.keys(key)
        assert window.position.view == view and widget.reading.view_buttons[view].isChecked()
    window.keys("O")
    assert not viewer.layers["outlines"].visible
    window.keys("I")
    assert viewer.layers["follow-up"].colormap.name == "gray_r"
    assert list(viewer.layers) == layers and viewer.dims.ndisplay == 2
    window.keys("C")  # a text field takes its letters itself
    QTest.keyClicks(widget.reading.comment_field, "narrow")
    QTest.keyClick(widget.reading.comment_field, Qt.Key.Key_Return)
    assert window.position.line.comment == "narrow"
    widget.open_step(widget.steps[1])
    before = window.position.joint
    window.keys("N")  # another step is open
    assert window.position.joint == before


def check_pictures(window):
    """Both visits lie side by side on one scale."""
    baseline, followup = window.viewer.layers["baseline"], window.viewer.layers["follow-up"]
    pictures = {}
    for _ in range(3):
        pictures[window.position.joint] = baseline.data, followup.data
        np.testing.assert_allclose(baseline.scale, followup.scale)
        assert baseline.visible and followup.visible and baseline.units == followup.units
        picture = window.widget.controller.canvas.picture
        row, column = window.widget.controller.canvas.arrangement.corner(1)
        height, width = picture.panels[1].pixels.shape
        np.testing.assert_array_equal(
            followup.data[row : row + height, column : column + width], picture.panels[1].pixels
        )
        window.keys("N")
    assert len(pictures) == 3
    baseline.contrast_limits = (0.2, 0.7)
    assert tuple(followup.contrast_limits) == (0.2, 0.7)
    assert "SIM-01" in window.viewer.canvas.overlays.text.text


def check_scores(window):
    """A hand is scored with a digit a site."""
    window.widget.open_step(window.widget.steps[2])
    window.keys("G")
    position = window.position
    window.widget.controller.choose_site("MCP1", "jsn")
    window.keys("1" * 9 + "2" * 10)
    assert position.score_lines() and all(line.done(kind) for line in position.score_lines() for kind in line.grades)
    assert "total 29 (19 of 19)" in window.widget.reading.scores.totals.text().replace("\u00a0", " ")
    window.keys("Z")
    assert len(position.item.scores()) == 18
    window.keys("9")
    assert "whole number from 0 to 5" in window.widget.status.text()
    window.keys("2")
    assert len(position.item.scores()) == 19 and not window.widget.status.text()  # the error of the key before is gone
    step = window.widget.reading
    assert not step.model_button.isHidden() and step.scores.table.isColumnHidden(3)
    step.model_button.click()  # also while a joint is measured again
    window.qtbot.wait_until(step.model_button.isHidden, timeout=60_000)
    window.wait()
    graded = {line.site for line in position.score_lines() if line.model}
    assert graded == {view.joint.name for view in window.widget.flow.patient.item.progression.hands[0].joints}
    assert step.model_button.isHidden() and not step.scores.table.isColumnHidden(3)
    assert len(position.item.scores()) == 19  # the reader's own grades are not changed


def test_reopening_restores_everything(window, place, qtbot):
    window.open(place)
    window.keys("AND")
    joint, view = window.position.joint, window.position.view
    window.dock.title.close_button.click()
    qtbot.wait(50)
    dock, widget = window.viewer.window.add_plugin_dock_widget("napari-jsn", "Read patient")
    qtbot.wait_until(lambda: widget.is_ready and widget.flow.patient is not None, timeout=60_000)
    position = widget.controller.position
    assert (position.joint, position.view) == (joint, view) and position.lines[0].decision == "accepted"
    assert tuple(layer.name for layer in window.viewer.layers) == NAMES


def test_the_window_keeps_its_size(window, place):
    """All steps, with everything that they can show, fit a small screen."""
    shown, widget = window.viewer.window._qt_window, window.widget
    window.viewer.window.show()
    shown.resize(1366, 768)
    window.qtbot.wait(50)
    window.open(place)
    widget.reading.reason.setText("The two images are not similar enough. " * 3)
    widget.reading.reason.show()
    widget.radiographs.show_warning(
        "The pixel sizes come from different sources. Check them before you compare visits."
    )
    for number in (0, 1, 2, 3, 2, 1, 0, 3, 0, 2, 0):
        widget.open_step(widget.steps[number])
        window.qtbot.wait(10)
        assert (shown.width(), shown.height()) == (1366, 768), number


def test_garbage_is_collected_again_when_the_dock_is_ready_and_all_of_it_when_it_is_closed(window, place):
    assert gc.isenabled() and gc.get_freeze_count() > 0  # what was loaded is left out
    window.open(place)
    layer = weakref.ref(window.viewer.add_image(np.zeros((8, 8))))
    window.viewer.layers.remove(layer())
    window.qtbot.wait(50)
    gc.collect()
    assert layer() is None
    window.dock.title.close_button.click()
    window.qtbot.wait(10)
    assert gc.isenabled() and gc.get_freeze_count() == 0


def test_units_of_layers_that_are_open(make_napari_viewer, qtbot, place):
    """Layers of the user in pixels: napari warns of inconsistent units at most once, when figures in mm are shown."""
    from napari.utils.notifications import notification_manager

    from .conftest import Window

    viewer = make_napari_viewer()
    viewer.add_points([[900, 700]], name="marks")
    notification_manager.records.clear()
    window = Window(viewer, qtbot)
    assert {str(unit) for layer in viewer.layers for unit in layer.units} == {"pixel"}
    window.open(place)
    assert {str(unit) for layer in viewer.layers if layer.name in NAMES for unit in layer.units} == {"millimeter"}
    found = [each for each in notification_manager.records if "nconsistent units" in each.message]
    assert len(found) <= 1
    window.widget.flow.close()  # the layers are empty again
    assert {str(unit) for layer in viewer.layers for unit in layer.units} == {"pixel"}
    window.__dict__.clear()


def test_images_opened_beside_an_empty_dock_warn_of_units_once(window, qtbot):
    from napari.utils.notifications import notification_manager

    viewer = window.viewer
    notification_manager.records.clear()
    for shape in ((64, 48), (3, 64, 48), (64, 48)):
        viewer.add_image(np.zeros(shape), name="plain")
        assert {str(unit) for layer in viewer.layers for unit in layer.units} == {"pixel"}
    found = [each for each in notification_manager.records if "nconsistent units" in each.message]
    assert len(found) <= 1  # napari draws the first picture before it emits the event


def test_the_next_joint_is_drawn_once(window, place, monkeypatch):
    """All layers show the next joint, and napari works out their extent once and draws the lines once."""
    from napari.components import ViewerModel

    extents, drawn, work_out = [], [], ViewerModel._on_layers_change
    monkeypatch.setattr(ViewerModel, "_on_layers_change", lambda self: (extents.append(1), work_out(self))[1])
    window.open(place)
    window.qtbot.wait(1000)  # until hidden layers have their data
    layers = {name: window.viewer.layers[name] for name in ("baseline", "outlines", "margins")}
    for name in ("outlines", "margins"):
        layers[name].events.set_data.connect(lambda event, name=name: drawn.append(name))
    before = {name: np.concatenate([np.ravel(part) for part in layer.data]) for name, layer in layers.items()}
    extents.clear()
    window.keys("N")
    assert len(extents) == 1 and sorted(drawn) == ["margins", "outlines"]
    for name, layer in layers.items():
        now = np.concatenate([np.ravel(part) for part in layer.data])
        assert now.shape != before[name].shape or (now != before[name]).any(), name
    line = layers["outlines"]
    assert len(line._view_data) == len(line.data) == len(line.edge_color) == len(line._view_face_color) / 2
    assert len(layers["margins"].text.values) == layers["margins"].nshapes
