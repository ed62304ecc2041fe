"""A dock that is closed and opened again at any moment: nothing is lost, and nothing is strange."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_jsn.progression.measure import ABORTED
from napari_jsn.store import open_store
from napari_jsn.viewer.read_patient import opened
from napari_jsn.viewer.read_patient.canvas.picture_layers import NAMES

NAMES_OF_JOINTS = ("MCP2", "PIP3", "IP1")


@pytest.fixture
def gate(monkeypatch, measured_patient):
    """Measuring waits until the gate is opened; it returns the measurement of the sample under the given name."""
    go_on, name = threading.Event(), []

    def measure_patient(patient, progress, found, on_widths, on_registered, **how):
        found(patient)
        views = {(hand.visit, hand.side, v.joint.name): v for hand in measured_patient.hands for v in hand.joints}
        on_widths(views)
        rows = [row for row in measured_patient.narrowings if row.joint != "IP1"]
        on_registered({(row.visit, row.side, row.joint): row.registration for row in rows})
        go_on.wait(20)
        name.append(patient.patient_id)
        notes = (ABORTED,) if progress.aborted else ()
        return replace(measured_patient, patient_id=patient.patient_id, notes=notes)

    def measure_again(progression, joints, **options):
        go_on.wait(20)
        return progression

    monkeypatch.setattr(opened, "measure_patient", measure_patient)
    monkeypatch.setattr("napari_jsn.reading.item.measure_again", measure_again)
    yield go_on
    go_on.set()


def move_box(window):
    """Move the box of MCP2 as a drag does, and return where it should lie then."""
    window.widget.joints.boxes_button.click()
    joints = window.viewer.layers["joints"]
    number = list(joints.features["joint"]).index("MCP2")
    image = window.position.item.images[int(joints.features["image"][number]) - 1]
    data = list(joints.data)
    data[number] = data[number] + 1.0
    joints.data = data
    return image.joints["MCP2"].joint.box + 1.0 / image.radiograph.spacing_mm


def box_now(window):
    return window.position.item.images[0].joints["MCP2"].joint.box


def test_closed_and_opened_again_at_any_moment(window, place, hand_folder, gate, qtbot):
    widget = window.widget
    # while nothing is open, and while a folder is read
    window.reopen()
    assert window.widget.flow.patient is None and window.widget.flow.found is None
    window.widget.flow.open_paths([hand_folder])
    window.reopen()
    assert window.widget.radiographs.table.rowCount() == 2

    # radiographs with a date and a pixel size that were typed, not measured yet
    widget = window.widget
    widget.radiographs.reader.value, widget.radiographs.store.value = "A", place
    widget.radiographs.table.item(1, 3).setText("0.2")
    widget.radiographs.patient.value = "P9"
    window.reopen()
    radiographs = window.widget.radiographs
    assert radiographs.table.item(1, 3).text() == "0.2" and radiographs.filled() == ("A", "P9", place)

    # while it is measured: what comes too late is not saved
    window.widget.sources.measure()
    qtbot.wait_until(lambda: window.widget.steps[1].is_open)
    window.reopen(gate.set)
    assert window.widget.flow.patient is None and window.widget.radiographs.table.item(1, 3).text() == "0.2"
    qtbot.wait(100)
    with open_store(place, "A") as store:
        assert "P9" not in store.visits()

    # while a patient is opened
    window.widget.flow.open_stored(place, "A", "SIM-01")
    window.reopen()
    assert window.widget.flow.patient.title == "SIM-01" and window.widget.reading.table.rowCount() == 3

    # a decision, another view, image and order
    window.keys("AD")
    window.position.sort("jsn")
    window.same_after_reopening()

    # a comment that is being typed
    window.keys("C")
    QTest.keyClicks(window.widget.reading.comment_field, "narrow")
    key = window.position.joint
    window.reopen()
    assert {line.joint: line.comment for line in window.position.lines}[key] == "narrow"

    # score mode
    window.keys("G12")
    window.same_after_reopening()
    assert window.position.scoring and len(window.position.item.scores()) == 2
    window.keys("G")

    # while a box is changed, which is then measured again
    gate.clear()
    window.widget.open_step(window.widget.steps[1])
    expected = move_box(window)
    window.reopen(gate.set)
    np.testing.assert_allclose(box_now(window), expected, atol=1e-3)
    assert window.widget.steps[1].is_open and not window.viewer.layers["joints"].editable
    assert ("MCP2", "L", 2) in window.position.item.out_of_date or not window.widget.flow.jobs.running

    # while bones are painted
    window.widget.controller.go_to("L", "IP1")
    window.widget.joints.masks_button.click()
    bones = window.viewer.layers["bones"]
    bones.brush_size = 14
    bones.paint((30, 30), 3)
    window.reopen()
    masks = window.position.item.images[0].joints["IP1"].masks
    assert (masks.labels[27:34, 27:34] == 3).all()
    assert window.position.align == "lower" and str(window.viewer.layers["bones"].mode) == "pan_zoom"

    # while images blink, with the report open
    window.keys("B", window.widget)
    window.widget.open_step(window.widget.steps[2])
    window.keys("B")
    window.widget.open_step(window.widget.steps[3])
    window.same_after_reopening()
    assert window.widget.steps[3].is_open

    # nothing strange is left: one layer of each name, and none that is changed by accident
    assert tuple(layer.name for layer in window.viewer.layers) == NAMES
    assert not any(layer.editable for layer in window.viewer.layers)


def test_an_aborted_measurement_keeps_what_is_done_and_is_completed_later(
    window, hand_folder, gate, tmp_path, qtbot, measured_patient
):
    widget = window.widget
    widget.radiographs.reader.value, widget.radiographs.store.value = "A", tmp_path / "r.db"
    widget.flow.open_paths([hand_folder])
    window.wait()
    widget.sources.measure()
    qtbot.wait_until(lambda: "Found at" in widget.joints.notes.text())
    qtbot.wait(50)
    texts = list(window.viewer.layers["joints"].features["text"])  # the widths that are known so far
    assert len(texts) == 6 and all(text.split()[0] in NAMES_OF_JOINTS for text in texts)
    assert sum(" mm" in text for text in texts) >= 4  # widths
    first = window.viewer.layers["joints"].features["image"].tolist().count(1)
    jsn = {text.split()[0]: float(text.split()[-1]) for text in texts if "JSN" in text}
    assert not any("JSN" in text for text in texts[:first])  # at the follow-up only
    final = {row.joint: row.jsn_mm for row in measured_patient.narrowings}
    assert set(jsn) == {"MCP2", "PIP3"} and all(abs(jsn[name] - final[name]) < 0.06 for name in jsn)
    QTest.keyClick(widget.radiographs.reader.native, Qt.Key.Key_Escape)  # in a text field too
    gate.set()
    window.wait()
    assert widget.reading.table.rowCount() == 3 and ABORTED in widget.joints.notes.text()
    window.reopen()
    assert ABORTED in window.widget.joints.notes.text()
    window.keys("A")
    decided = window.position.lines[0].decision
    widget = window.widget
    widget.flow.open_paths([hand_folder])
    window.wait()
    widget.sources.measure()  # measures the rest
    window.wait()
    assert ABORTED not in widget.joints.notes.text() and window.position.lines[0].decision == decided == "accepted"
    gate.clear()
    widget.sources.measure()  # all again, aborted: the complete measurement stays
    qtbot.wait_until(lambda: "Found at" in widget.joints.notes.text())
    widget.joints.abort_button.click()
    gate.set()
    window.wait()
    assert ABORTED not in widget.joints.notes.text() and widget.reading.table.rowCount() == 3


def test_layers_of_the_user_are_shown_again(make_napari_viewer, qtbot, place):
    from .conftest import Window

    viewer = make_napari_viewer()
    mine = viewer.add_points([[900, 700]], name="marks")
    hidden = viewer.add_points([[1, 1]], name="hidden", visible=False)
    film = viewer.add_image(np.zeros((9, 9)), name="film", translate=(3, 4))
    window = Window(viewer, qtbot)
    assert not mine.visible and not film.visible
    window.open(place)
    window.dock.title.close_button.click()
    assert mine.visible and film.visible and not hidden.visible
    assert tuple(film.translate) == (3, 4) and not viewer.layers["margins"].visible
    window.__dict__.clear()


MOVED = {
    "moved": lambda layer: setattr(layer, "translate", (3.0, -2.0)),
    "enlarged": lambda layer: setattr(layer, "scale", (1.01, 1.01)),
    "rotated": lambda layer: setattr(layer, "rotate", 3),
    "affine": lambda layer: setattr(layer, "affine", np.array([[1, 0.02, 1], [0, 1, 2], [0, 0, 1.0]])),
}


def test_layers_that_are_moved_or_transformed(window, place, gate, qtbot):
    """Boxes are read where they are seen; radiographs return to their place."""
    gate.set()
    window.open(place)
    widget, layers = window.widget, window.viewer.layers
    widget.open_step(widget.steps[1])
    for way, change in MOVED.items():
        widget.joints.boxes_button.click()
        joints = layers["joints"]
        image = window.position.item.images[0]
        before = image.joints["PIP3"].joint.box
        change(joints)
        matrix = joints.affine.affine_matrix @ joints._transforms[1].affine_matrix
        seen = (before * image.radiograph.spacing_mm) @ matrix[:2, :2].T + matrix[:2, 2]
        qtbot.wait(100)
        window.wait()
        now = window.position.item.images[0].joints["PIP3"].joint.box
        np.testing.assert_allclose(now * image.radiograph.spacing_mm, seen, atol=0.05, err_msg=way)
        np.testing.assert_allclose(joints.affine.affine_matrix, np.eye(3))
        widget.joints.boxes_button.click()
        change(layers["joints"])  # not while boxes are changed
        change(layers["baseline"])
        for layer in (layers["joints"], layers["baseline"]):
            np.testing.assert_allclose(layer.affine.affine_matrix, np.eye(3))
            np.testing.assert_allclose(layer.translate, 0)
        np.testing.assert_allclose(window.position.item.images[0].joints["PIP3"].joint.box, now)
