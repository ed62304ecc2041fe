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
    buttons = widget.joints.label_buttons
    assert bones.selected_label == 1 and buttons[1].isChecked() and not buttons[1].parentWidget().isHidden()
    for label in (2, 0, 3):
        bones.mode = "pan_zoom"
        buttons[label].click()
        assert bones.selected_label == label and str(bones.mode) == "paint"
    bones.selected_label = 2  # in napari's layer controls
    assert buttons[2].isChecked()
    bones.brush_size = 14
    bones.paint((30, 30), 3)
    qtbot.wait_until(lambda: len(measured_again) >= 2 and measured_again[-1] == [(1, "L", "IP1")], timeout=10_000)
    window.wait()
    with open_store(place, "A") as store:
        masks = store.joint("SIM-01", 1, "L", "IP1").masks
    assert (masks.labels[27:34, 27:34] == 3).all()
    widget.joints.masks_button.click()
    assert not bones.visible and window.position.align == "lower" and buttons[1].parentWidget().isHidden()


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
        window.keys("H")  # the whole hand, with the caption above it
        camera, margins = window.viewer.scene.camera, window.viewer.layers["margins"]
        top = min(corner[-2] for corners in margins.data for corner in corners)
        assert (top - camera.center[-2]) * camera.zoom + window.viewer.canvas.size[0] / 2 > 15  # canvas pixels


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


def masks_of(window, joint, image=1):
    """Return the labels that the store has of a joint; None where nothing was painted."""
    patient = window.widget.flow.patient
    masks = patient.store.joint(patient.item.code, image, "L", joint).masks
    return None if masks is None else masks.labels


def test_what_is_painted_belongs_to_the_joint_that_is_shown(window, place, measured_again, qtbot):
    """While bones are painted, Undo, Reset and napari's own undo show and save what was there before."""
    window.open(place)
    widget, item = window.widget, window.position.item
    joints, bones = widget.joints, window.viewer.layers["bones"]
    found = item.progression.hands[0]
    found = {view.joint.name: view.masks.labels for view in found.joints}
    widget.controller.go_to("L", "MCP2")
    item.set_box(1, "L", "MCP2", item.images[0].joints["MCP2"].joint.box + 3)  # which Undo takes back at last
    widget.controller.go_to("L", "IP1")
    widget.open_step(widget.steps[1])
    joints.masks_button.click()

    def paint(label=2):
        bones.selected_label = label
        bones.paint((30, 30), label)
        qtbot.wait_until(lambda: masks_of(window, "IP1") is not None)
        window.wait()

    shown = bones.data.copy()
    for back in (joints.undo_button.click, joints.reset_button.click):
        paint()
        assert (bones.data != shown).any() and str(bones.mode) == "paint"
        back()
        window.wait()
        assert masks_of(window, "IP1") is None
        np.testing.assert_array_equal(bones.data, shown)
        assert str(bones.mode) == "paint"
        bones.undo()  # of napari, which has forgotten the stroke
        qtbot.wait(30)
        np.testing.assert_array_equal(bones.data, shown)
        assert masks_of(window, "IP1") is None

    paint()
    bones.undo()
    qtbot.wait_until(lambda: np.array_equal(masks_of(window, "IP1"), found["IP1"]))
    while window.position.joint == "IP1":
        joints.undo_button.click()
        window.wait()
    assert window.position.joint == "MCP2"
    np.testing.assert_array_equal(bones.data[: found["MCP2"].shape[0], : found["MCP2"].shape[1]], found["MCP2"])
    bones.paint((30, 30), 3)
    qtbot.wait_until(lambda: masks_of(window, "MCP2") is not None)
    changed = masks_of(window, "MCP2") != found["MCP2"]
    rows, columns = np.nonzero(changed)
    assert changed.any() and np.hypot(rows - 30, columns - 30).max() < bones.brush_size
    assert masks_of(window, "IP1") is None


def test_bones_that_are_painted_in_a_blinded_session(window, place):
    """They are measured later; painting goes on from what was painted."""
    with open_store(place, "A") as store:
        code = Reading.new(store, "first", "paired", seed=2).work_list()[0].code
    window.open(place, code, "first")
    widget, bones = window.widget, window.viewer.layers["bones"]
    widget.open_step(widget.steps[1])
    for spot in ((20, 20), (60, 60)):
        widget.joints.masks_button.click()
        bones.paint(spot, 1)
        widget.joints.masks_button.click()
    masks = window.position.item.images[0].joints[window.position.joint].masks.labels
    assert masks[20, 20] == masks[60, 60] == 1 and masks[100, 20] == 0


def test_keys_of_a_dock_that_floats(window, place):
    window.open(place)
    joints = [window.position.joint]
    window.dock.setFloating(True)
    window.qtbot.wait(20)
    for target in (window.widget, window.widget.reading.table, window.canvas):
        window.keys("N", target)
        joints.append(window.position.joint)
    assert all(first != second for first, second in zip(joints, joints[1:], strict=False))
    QTest.keyClick(window.widget, Qt.Key.Key_N, Qt.KeyboardModifier.MetaModifier)
    assert window.position.joint == joints[-1]
    window.widget.reading.comment_field.setFocus()
    QTest.keyClicks(window.widget.reading.comment_field, "nap")
    assert window.position.joint == joints[-1] and window.widget.reading.comment_field.text() == "nap"
    window.dock.setFloating(False)


def test_what_cannot_be_saved_goes_back(window, place, measured_again, qtbot):
    """A box outside the radiograph, or a label that is of no bone: all else is saved."""
    window.open(place)
    widget, joints, bones = window.widget, window.viewer.layers["joints"], window.viewer.layers["bones"]
    widget.open_step(widget.steps[1])
    widget.joints.boxes_button.click()
    names = list(joints.features["joint"])
    before = [corners.copy() for corners in joints.data]

    def move(**shifts):
        data = [corners.copy() for corners in joints.data]
        for name, shift in shifts.items():
            data[names.index(name)] += shift
        joints.data = data
        qtbot.wait(50)
        window.wait()

    move(IP1=-900.0, PIP3=1.0)
    assert "box of IP1 lies outside" in widget.joints.message.text()
    assert measured_again == [[(1, "L", "PIP3")]]
    np.testing.assert_allclose(joints.data[names.index("IP1")], before[names.index("IP1")])
    np.testing.assert_allclose(joints.data[names.index("PIP3")], before[names.index("PIP3")] + 1, atol=1e-3)
    move(IP1=2.0)
    assert widget.joints.message.text() == "" and measured_again[-1][0] == (1, "L", "IP1")

    widget.joints.masks_button.click()
    shown = bones.data.copy()
    bones.paint((30, 30), 7)
    qtbot.wait(50)
    assert "label 7" in widget.joints.message.text()
    np.testing.assert_array_equal(bones.data, shown)
    bones.paint((30, 30), 2)
    qtbot.wait(50)
    window.wait()
    assert widget.joints.message.text() == "" and (bones.data != shown).any()
