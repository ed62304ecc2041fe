"""Boxes and masks that a reader changes, blinded sessions, and pictures that somebody else disturbs."""

import threading
from dataclasses import replace

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

import napari_jsn as jsn
from napari_jsn.reading import Reading
from napari_jsn.store import open_store
from napari_jsn.viewer.read_patient import opened
from napari_jsn.viewer.read_patient.opened import open_stored


def test_boxes_and_masks_are_saved_and_only_their_joint_is_measured_again(window, place, measured_again, qtbot):
    window.open(place)
    widget, layers = window.widget, window.viewer.layers
    widget.open_step(widget.steps[1])
    widget.joints.boxes_button.click()
    joints = layers["joints"]
    assert window.position.view == "hand" and str(joints.mode) == "select"
    number = list(joints.features["joint"]).index("MCP2")
    image = int(joints.features["image"][number])
    before = window.position.item.images[image - 1].joints["MCP2"].joint.box
    data = list(joints.data)
    data[number] = data[number] + 2.0  # in mm
    joints.data = data
    qtbot.wait_until(lambda: bool(measured_again), timeout=10_000)
    window.wait()
    assert measured_again == [[(image, "L", "MCP2")]]
    with open_store(place, "A") as store:
        box = store.joint("SIM-01", image, "L", "MCP2").joint.box
    spacing = window.position.item.images[image - 1].radiograph.spacing_mm
    np.testing.assert_allclose((box - before) * spacing, 2.0, atol=1e-3)
    widget.joints.undo_button.click()
    window.wait()
    with open_store(place, "A") as store:
        np.testing.assert_allclose(store.joint("SIM-01", image, "L", "MCP2").joint.box, before)

    widget.controller.go_to("L", "IP1")
    widget.joints.masks_button.click()
    bones = layers["bones"]
    assert bones.visible and str(bones.mode) == "paint" and not widget.joints.boxes_button.isChecked()
    bones.brush_size = 14
    bones.paint((30, 30), 3)
    qtbot.wait_until(lambda: len(measured_again) >= 2 and measured_again[-1] == [(1, "L", "IP1")], timeout=10_000)
    window.wait()
    with open_store(place, "A") as store:
        masks = store.joint("SIM-01", 1, "L", "IP1").masks
    assert (masks.labels[27:34, 27:34] == 3).all()
    widget.joints.masks_button.click()
    assert not bones.visible and window.position.align == "lower"


#: Ways in which radiographs change while a patient is open, or is measured.
DISTURBED = {
    "removed": lambda window: window.viewer.layers.remove("baseline"),
    "cleared": lambda window: window.viewer.layers.clear(),
    "image added": lambda window: window.viewer.add_image(np.zeros((8, 8)), name="another patient"),
    "replaced": lambda window: setattr(window.viewer.layers["follow-up"], "data", np.ones((8, 8), np.float32)),
    "sample opened": lambda window: window.viewer.open_sample("napari-jsn", "joint_pair_mcp"),
}


def assert_nothing_of_the_patient(window, closed=True):
    widget = window.widget
    assert widget.flow.patient is None and widget.controller.position is None
    assert widget.steps[0].is_open and (not closed or "closed" in widget.radiographs.message.text())
    assert "SIM-01" not in window.texts() and widget.reading.table.rowCount() == 0
    pictures = [
        layer for layer in window.viewer.layers if layer.metadata.get("napari_jsn", {}).get("role") == "reading"
    ]
    assert not closed or not any(layer.visible for layer in pictures)  # else those are of the new radiographs


def test_no_figure_stays_beside_other_images(window, place, qtbot, hand_folder, measured_patient, monkeypatch):
    widget, go_on = window.widget, threading.Event()

    def slow(patient, progress, found, **how):
        go_on.wait(20)
        return replace(measured_patient, patient_id="SIM-01")

    monkeypatch.setattr(opened, "measure_patient", slow)
    for number, (way, disturb) in enumerate(DISTURBED.items()):
        window.open(place)
        if number == 0:
            window.keys("A")
        assert window.position.lines[0].decision == "accepted", way  # nothing is lost
        disturb(window)
        qtbot.wait(30)
        assert_nothing_of_the_patient(window)
    widget.radiographs.reader.value, widget.radiographs.store.value = "A", place
    for way in (
        "removed",
        "cleared",
        "image added",
        "another folder",
        "another patient",
        "pixel size typed",
        "date typed",
    ):
        go_on.clear()
        widget.flow.open_paths([hand_folder])
        window.wait()
        widget.radiographs.patient.value = f"P {way}"
        widget.sources.measure()
        assert widget.flow.jobs.running
        if way in DISTURBED:
            DISTURBED[way](window)
        elif way == "another folder":
            widget.flow.open_paths([hand_folder])
        elif way == "another patient":
            widget.flow.open_stored(place, "A", "SIM-02")
        else:
            widget.radiographs.table.item(1, 1 if way == "date typed" else 3).setText(
                "2022-02-02" if way == "date typed" else "0.2"
            )
        go_on.set()
        window.wait()
        qtbot.wait(30)
        if way == "another patient":
            assert widget.flow.patient.title == "SIM-02" and "SIM-01" not in window.texts()
            widget.flow.close()
        assert_nothing_of_the_patient(window, closed=way in DISTURBED)


def test_blinded_sessions_show_no_patient_visit_date_or_figure(window, place, caplog):
    figures = [f"{figure:.2f}" for figure in jsn.open_store(place).measurements()["jsn_mm"]]
    for order in ("paired", "single"):
        with open_store(place, "A") as store:
            code = Reading.new(store, order, order, seed=2).work_list()[0].code
        window.open(place, code, order)
        window.keys("AN")
        shown = window.texts() + caplog.text
        for word in ("SIM-0", "2020", "2021", "week", "visit 1", "visit 2", "+0.", "mm [", *figures):
            assert word not in shown, word
        assert f"item {code}" in window.viewer.canvas.overlays.text.text
        window.keys("G123")
        assert len(window.position.item.scores()) == 3


def test_a_reading_killed_and_opened_again(place):
    """What is restored without a window: position, decisions, comments, scores."""
    first = open_stored(place, "A", "SIM-01")
    from napari_jsn.reading import Position

    position = Position(first.item)
    position.decide("unsure")
    position.comment("check")
    position.score(2)
    first.save_position(position.saved())
    again = open_stored(place, "A")  # the patient that was used last
    restored = Position(again.item)
    restored.restore(again.saved)
    assert restored.saved() == position.saved()
    assert [(line.decision, line.comment) for line in restored.lines] == [
        (line.decision, line.comment) for line in position.lines
    ]
    first.close()
    again.close()


#: What a reader does in place of the click that adds a joint.
LEAVE = {
    "Escape": lambda window: QTest.keyClick(window.canvas, Qt.Key.Key_Escape),
    "another step": lambda window: window.widget.open_step(window.widget.steps[2]),
    "another tool": lambda window: window.widget.joints.masks_button.click(),
}


def test_a_joint_is_added_with_one_click_or_not_at_all(window, place, measured_again):
    window.open(place)
    widget, control = window.widget, window.widget.controller
    image = window.position.item.images[0]
    spacing, box = image.radiograph.spacing_mm, image.joints["MCP2"].joint.box
    at = box.mean(0) * spacing
    window.position.item.set_box(1, "L", "MCP2", None)
    control.refresh()

    def boxes():
        return set(window.position.item.images[0].joints)

    for name, leave in LEAVE.items():
        widget.open_step(widget.steps[1])
        widget.joints.add.emit("MCP2")
        assert "Click on the joint space of MCP2" in widget.joints.message.text()
        leave(window)
        assert widget.joints.message.text() == "" and control.on_map_click is None, name
        widget.editing.stop()
        control.show_view("hand")
        window.drag([at, at])
        assert "MCP2" not in boxes(), name
    widget.open_step(widget.steps[1])
    widget.joints.boxes_button.click()
    widget.joints.add.emit("MCP2")  # ends the other tool
    assert not widget.joints.boxes_button.isChecked() and not window.viewer.layers["joints"].editable
    window.drag([at, at])
    window.wait()
    added = window.position.item.images[0].joints["MCP2"].joint
    assert added.edited and window.position.joint == "MCP2" and measured_again[-1] == [(1, "L", "MCP2")]
    np.testing.assert_allclose(added.centre * np.array(spacing), at, atol=1.0)
    widget.joints.reset_button.click()
    window.wait()
    np.testing.assert_array_equal(window.position.item.images[0].joints["MCP2"].joint.box, box)
