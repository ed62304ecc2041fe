"""Boxes and masks that a reader changes, blinded sessions, and pictures that somebody else disturbs."""

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.reading import Reading
from napari_jsn.store import open_store
from napari_jsn.viewer.reading_dock.opened import open_stored


def again(measured, changed):
    """Return what measuring single joints returns, without computing."""
    calls = []

    def measure_again(progression, joints, **options):
        calls.append(sorted(joints))
        return progression

    return calls, measure_again


@pytest.fixture
def measured_again(monkeypatch):
    calls, function = again(None, None)
    monkeypatch.setattr("napari_jsn.reading.item.measure_again", function)
    return calls


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


@pytest.mark.parametrize(
    "disturb",
    [
        lambda viewer: viewer.layers.remove("baseline"),
        lambda viewer: viewer.layers.clear(),
        lambda viewer: viewer.add_image(np.zeros((8, 8)), name="another patient"),
        lambda viewer: setattr(viewer.layers["follow-up"], "data", np.ones((8, 8), np.float32)),
        lambda viewer: viewer.open_sample("napari-jsn", "joint_pair_mcp"),
    ],
    ids=["removed", "cleared", "image added", "replaced", "sample opened"],
)
def test_no_figure_stays_beside_other_images(window, place, disturb, qtbot):
    window.open(place)
    window.keys("A")
    disturb(window.viewer)
    qtbot.wait(30)
    widget = window.widget
    assert widget.flow.patient is None and widget.controller.position is None
    assert widget.steps[0].is_open and "closed" in widget.radiographs.message.text()
    assert "SIM-01" not in window.texts() and widget.reading.table.rowCount() == 0
    assert not any(
        layer.visible for layer in window.viewer.layers if layer.metadata.get("napari_jsn", {}).get("role") == "reading"
    )
    window.open(place)  # and nothing is lost
    assert window.position.lines[0].decision == "accepted" and window.viewer.layers["baseline"].visible


def test_another_patient_replaces_the_first(window, place):
    window.open(place)
    window.open(place, "SIM-02")
    assert "SIM-01" not in window.texts() and "SIM-02" in window.texts()
    assert not any(line.decision for line in window.position.lines)


@pytest.mark.parametrize("order", ["paired", "single"])
def test_a_blinded_session_shows_no_patient_visit_date_or_figure(window, place, order, caplog):
    with open_store(place, "A") as store:
        reading = Reading.new(store, "first", order, seed=2)
        code = reading.work_list()[0].code
    window.open(place, code, "first")
    window.keys("AN")
    shown = window.texts() + caplog.text
    for word in ("SIM-0", "2020", "2021", "week", "visit 2", "baseline 2", "+0.", "mm ["):
        assert word not in shown, word
    assert f"item {code}" in window.viewer.canvas.overlays.text.text
    figures = jsn.open_store(place).measurements()["jsn_mm"]
    assert not any(f"{figure:.2f}" in shown for figure in figures)
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
