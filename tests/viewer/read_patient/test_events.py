"""Real mouse and key events: boxes with their handles, window and level, a key that is held, and text fields."""

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_jsn.viewer.read_patient.steps.radiographs import RadiographsStep

RIGHT = Qt.MouseButton.RightButton


def box(window, joint="MCP2"):
    """Return the corners of a joint at the first image, in mm."""
    image = window.position.item.images[0]
    return image.joints[joint].joint.box * image.radiograph.spacing_mm


def test_boxes_are_moved_and_resized_with_the_mouse(window, place, measured_again):
    window.open(place)
    widget, layer = window.widget, window.viewer.layers["joints"]
    widget.open_step(widget.steps[1])
    widget.joints.boxes_button.click()
    before = box(window)
    centre = before.mean(0)
    window.drag([centre, centre + (2, 1), centre + (4, 3)])
    window.qtbot.wait_until(lambda: len(measured_again) == 1)
    window.wait()
    pixel = 1 / window.viewer.scene.camera.zoom
    np.testing.assert_allclose(box(window), before + (4, 3), atol=2 * pixel)

    # a handle of the box, which stays selected
    number = list(layer.features["joint"]).index("MCP2")
    assert layer.selected_data == {number}
    camera = window.viewer.scene.camera
    camera.center, camera.zoom = (*camera.center[:-2], *box(window).mean(0)), 8.0
    window.qtbot.wait(50)
    before = box(window)
    corner = layer.interaction_box({number})[4]
    window.drag([corner, corner + (2, 2), corner + (5, 5)])
    window.qtbot.wait_until(lambda: len(measured_again) == 2)
    window.wait()
    sizes = [np.hypot(*(each[1] - each[0])) for each in (before, box(window))]
    assert sizes[1] > sizes[0] + 1
    assert all(calls == [(1, "L", "MCP2")] for calls in measured_again)
    window.keys("N")  # napari's keys apply while boxes are changed
    assert window.position.joint == "MCP2"
    widget.joints.boxes_button.click()
    assert not layer.selected_data
    window.drag([centre, centre + (9, 9)])  # not by accident
    assert len(measured_again) == 2

    # a click on the map shows the joint
    widget.open_step(widget.steps[2])
    QTest.keyClick(window.canvas, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert window.position.view == "hand" and camera.zoom < 4  # the whole hand again
    spot = window.at(box(window, "PIP3").mean(0))
    window.move(spot)
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=spot)
    window.qtbot.wait_until(lambda: window.position.joint == "PIP3" and window.position.view == "side by side")


def test_window_level_and_a_held_key(window, place):
    window.open(place)
    layers, camera = window.viewer.layers, window.viewer.scene.camera
    baseline, aligned = layers["baseline"], layers["follow-up aligned"]
    middle = np.array(camera.center[-2:])
    before = tuple(camera.center), camera.zoom
    window.drag([middle, middle + np.array((0, 60)) / camera.zoom], RIGHT)
    low, high = baseline.contrast_limits
    assert high - low > 1.1 and (low + high) / 2 == abs(low + high) / 2  # wider
    window.drag([middle, middle + np.array((60, 0)) / camera.zoom], RIGHT)
    assert sum(baseline.contrast_limits) > low + high + 0.05  # a higher level
    assert (tuple(camera.center), camera.zoom) == before
    for name in ("follow-up", "follow-up aligned", "transformed"):
        assert tuple(layers[name].contrast_limits) == tuple(baseline.contrast_limits)
    QTest.keyClick(window.canvas, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert tuple(baseline.contrast_limits) == (0, 1)
    camera.zoom *= 1.5
    zoom = camera.zoom
    window.keys("N")
    assert camera.zoom == zoom  # from joint to joint

    assert not aligned.visible
    QTest.keyPress(window.canvas, Qt.Key.Key_Space)
    assert aligned.visible and str(baseline.mode) == "pan_zoom"
    QTest.keyRelease(window.canvas, Qt.Key.Key_Space)
    assert not aligned.visible


def test_letters_in_text_fields_are_letters(window, place):
    window.open(place)
    widget, other = window.widget, window.widget.radiographs.patient.native
    assert not window.widget.radiographs.reader.native.isEnabled()  # the reader of an open patient stays
    joint, decisions = window.position.joint, window.position.item.decisions()
    field = widget.reading.comment_field
    field.setFocus()
    QTest.keyClicks(field, "nap 10 hu")
    assert field.text() == "nap 10 hu" and window.position.joint == joint
    QTest.keyClick(field, Qt.Key.Key_Return)
    window.keys("N")  # a key of the reading again
    assert window.position.joint != joint
    window.keys("P")
    assert window.position.joint == joint and field.text() == "nap 10 hu"
    field.setFocus()
    QTest.keyClicks(field, "!")
    window.widget.reading.table.cellClicked.emit(2, 0)  # another joint: the comment stays with the first one
    assert window.position.joint != joint and field.text() == ""
    lines = {line.joint: line.comment for line in window.position.lines}
    assert lines[joint] == "nap 10 hu!" and sum(bool(text) for text in lines.values()) == 1
    widget.open_step(widget.steps[0])
    other.setFocus()
    QTest.keyClicks(other, "RAUZ")
    assert other.text().endswith("RAUZ")
    assert window.position.item.decisions().keys() == {*decisions, (2, "L", joint)}
    assert isinstance(widget.radiographs, RadiographsStep)


def test_pictures_are_fitted_to_a_canvas_of_another_size(window, place):
    window.viewer.window.show()
    window.open(place)
    camera, canvas = window.viewer.scene.camera, window.viewer.canvas

    def shown():
        """Whether all pictures lie in the canvas, and fill it in one direction."""
        world = np.array([layer.extent.world for layer in window.viewer.layers if layer.visible])[..., -2:]
        low, high = world[:, 0].min(0), world[:, 1].max(0)
        half = np.array(canvas.size) / 2 / camera.zoom
        inside = (low > camera.center[-2:] - half).all() and (high < camera.center[-2:] + half).all()
        return inside and ((high - low) / (2 * half)).max() > 0.85

    for key in "SH":
        window.keys(key)
        assert shown()
        for _ in range(2):  # napari's layer docks take room, and give it back
            size = tuple(canvas.size)
            window.keys("Y")
            window.qtbot.wait_until(lambda before=size: tuple(canvas.size) != before)
            window.qtbot.wait(50)
            assert shown()
    camera.zoom *= 2
    zoom = camera.zoom
    size = tuple(canvas.size)
    window.keys("Y")
    window.qtbot.wait_until(lambda: tuple(canvas.size) != size)
    assert camera.zoom == zoom  # where the reader looks stays
