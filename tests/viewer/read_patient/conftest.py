"""A real window with the dock "Read patient", and a patient that was measured once for all tests."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

import napari_jsn as jsn
from napari_jsn.store import open_store
from napari_jsn.viewer.read_patient import dock as dock_module
from napari_jsn.viewer.read_patient.canvas.picture_layers import PictureLayers

NAMES = ["MCP2", "PIP3", "IP1"]


@pytest.fixture(scope="session")
def measured_patient():
    """Three joints of the shipped hand at two visits, measured once."""
    return jsn.measure(jsn.sample_folder("hand_pair"), joints=NAMES, patient_id="SIM-01")


@pytest.fixture
def place(measured_patient, tmp_path):
    """A store with two patients of the same radiographs."""
    path = tmp_path / "trial.db"
    with open_store(path, "A") as store:
        store.save(measured_patient)
        store.save(replace(measured_patient, patient_id="SIM-02"))
    return str(path)


class Window:
    """A viewer with the dock, and what a reader does with mouse and keys."""

    def __init__(self, viewer, qtbot):
        self.viewer, self.qtbot = viewer, qtbot
        self.show()

    def show(self):
        self.dock, self.widget = self.viewer.window.add_plugin_dock_widget("napari-jsn", "Read patient")
        self.qtbot.wait_until(lambda: self.widget.is_ready, timeout=60_000)

    def reopen(self, closed=lambda: None):
        """Close the dock with its x and open it again."""
        self.dock.title.close_button.click()
        closed()
        self.qtbot.wait(10)
        self.show()
        self.wait()

    def same_after_reopening(self):
        """Check that the next dock shows the same."""
        before = self.position.saved(), self.shown()
        self.reopen()
        assert (self.position.saved(), self.shown()) == before

    def shown(self):
        """Return what the table, the corner and the layers show."""
        lines = [(line.joint, line.state, line.decision, line.comment) for line in self.position.shown_lines]
        visible = [layer.name for layer in self.viewer.layers if layer.visible and layer.name != "follow-up aligned"]
        return lines, self.viewer.canvas.overlays.text.text, visible

    @property
    def canvas(self):
        return self.viewer.window._qt_viewer.canvas.native

    @property
    def position(self):
        return self.widget.controller.position

    def wait(self, timeout=60_000):
        self.qtbot.wait_until(lambda: not self.widget.flow.jobs.running, timeout=timeout)

    def open(self, place, patient="SIM-01", session="", reader="A"):
        self.widget.flow.open_stored(place, reader, patient, session)
        self.wait()
        assert self.widget.flow.patient is not None, self.widget.radiographs.message.text()

    def keys(self, text, target=None):
        for letter in text:
            QTest.keyClick(target or self.canvas, getattr(Qt.Key, f"Key_{letter}"))

    def at(self, point):
        """Return where a point of the world ``(row, column)`` lies in the canvas."""
        camera, (rows, columns) = self.viewer.scene.camera, self.viewer.canvas.size
        offset = (np.array(point) - np.array(camera.center[-2:])) * camera.zoom
        return QPoint(round(columns / 2 + offset[1]), round(rows / 2 + offset[0]))

    def drag(self, points, button=Qt.MouseButton.LeftButton):
        """Press the mouse at the first point of the world, move along the others, and release it at the last one."""
        places = [self.at(point) for point in points]
        self.move(places[0])
        QTest.mousePress(self.canvas, button, pos=places[0])
        for place in places[1:]:
            self.move(place, button)
        QTest.mouseRelease(self.canvas, button, pos=places[-1])
        self.qtbot.wait(20)

    def move(self, place, button=Qt.MouseButton.NoButton):
        """Move the mouse over the canvas with a button held: QTest.mouseMove holds none."""
        canvas = self.canvas
        position = QPointF(place)
        event = QMouseEvent(
            QEvent.Type.MouseMove, position, QPointF(canvas.mapToGlobal(place)), button, button,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(canvas, event)
        self.qtbot.wait(20)  # vispy leaves out a movement within 10 ms of the one before

    def texts(self):
        """Return all texts that the window shows, with the names of layers and their metadata."""
        from qtpy.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QTableWidget

        found = [self.viewer.title, self.viewer.canvas.overlays.text.text]
        for label in self.widget.findChildren(QLabel) + self.widget.findChildren(QAbstractButton):
            found += [label.text(), label.toolTip()]
        found += [field.text() for field in self.widget.findChildren(QLineEdit)]
        found += [box.itemText(k) for box in self.widget.findChildren(QComboBox) for k in range(box.count())]
        for table in self.widget.findChildren(QTableWidget):
            cells = [table.item(r, c) for r in range(table.rowCount()) for c in range(table.columnCount())]
            found += [text for cell in cells if cell is not None for text in (cell.text(), cell.toolTip())]
        for layer in self.viewer.layers:
            found += [layer.name, repr(layer.metadata)]
            if hasattr(layer, "features"):
                found.append(layer.features.to_csv())
        return "\n".join(found)


@pytest.fixture
def window(make_napari_viewer, qtbot, monkeypatch):
    monkeypatch.setattr(dock_module, "MODULES", ())  # nothing is computed, and drawing takes its time in any case
    monkeypatch.setattr("napari_jsn.viewer.read_patient.flow.warm_up", lambda: None)
    monkeypatch.setattr(PictureLayers, "warm_up", lambda self: None)
    viewer = make_napari_viewer()
    opened = Window(viewer, qtbot)
    yield opened
    opened.widget.flow.jobs.drop()
    viewer.window.remove_dock_widget("all")
    qtbot.wait(50)
    opened.__dict__.clear()  # pytest keeps the fixture longer than napari allows a window to be kept


@pytest.fixture
def hand_folder(tmp_path):
    """A copy of the shipped hand, beside which a store can lie."""
    return shutil.copytree(jsn.sample_folder("hand_pair"), tmp_path / "SIM-01")


@pytest.fixture
def measured_again(monkeypatch):
    """The places of the joints that are measured again, a list each time; nothing is computed."""
    calls = []

    def measure_again(progression, joints, **options):
        calls.append(sorted(joints))
        return progression

    monkeypatch.setattr("napari_jsn.reading.item.measure_again", measure_again)
    return calls
