"""The widget "Measure hands", with fake functions of the core and a viewer model in place of a window."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.theme import get_theme
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.hands_widget.inputs import PATIENT, TWO_IMAGES
from napari_jsn.viewer.hands_widget.widget import MeasureHands
from napari_jsn.viewer.layers.read_layer import KEY
from tests.progression.made_up import progression


def run(widget, qtbot, button=None):
    (button or widget.run_button).click()
    qtbot.wait_until(lambda: widget._run is None, timeout=20000)
    qtbot.wait(5)  # the view follows the layers


def names(viewer):
    return [layer.name for layer in viewer.layers]


def cells(widget, row):
    table = widget.results.table
    return [table.item(row, column).text() for column in range(table.columnCount())]


def test_the_opened_patient_is_measured(viewer, widget, engine, qtbot):
    assert widget.form.inputs().source == PATIENT
    assert widget.form.fields["patient"].editor.text() == "2 visits"
    run(widget, qtbot)
    (call,) = engine.calls
    patient = call["patient"]
    assert [visit.number for visit in patient.visits] == [1, 2] and str(patient.visits[0].day) == "2020-01-15"
    followup = patient.visits[1].radiographs[0]
    assert (followup.side, followup.spacing_source) == ("L", "magnification corrected")
    np.testing.assert_array_equal(followup.pixels, viewer.layers["left, week 52"].data)
    assert followup.spacing_mm == pytest.approx(0.138402, abs=1e-6)
    assert (call["method"], call["device"], call["boxes"], call["masks"]) == ("refined", None, {}, {})
    assert len(viewer.layers) == 10 and viewer.layers.selection.active is viewer.layers["joints"]


def test_the_table_shows_the_figures(widget, engine, qtbot):
    run(widget, qtbot)
    panel, row = widget.results, next(row for row in engine.result.narrowings if row.joint == "MCP2")
    assert panel._summary.text() == "9 of 10 joints measured, 2 failed"
    low, high = row.ci95_mm
    assert cells(widget, 2) == [
        "MCP2", f"{row.jsn_mm:+.2f}", f"{low:+.2f}…{high:+.2f}", f"{row.jsw_change_mm:+.2f}", "good"
    ]  # fmt: skip
    assert cells(widget, 9) == ["PIP5", "–", "–", "–", "failed"]
    assert "narrower  +0.5 mm" in panel.legend.text()
    assert "Pixel sizes are uncalibrated." in panel._notes.text()
    assert panel.visit.isHidden() and panel.trend.isHidden()


def test_choosing_a_row_or_a_box_moves_the_camera(viewer, widget, qtbot):
    run(widget, qtbot)
    widget.results.table.selectRow(0)
    joints = viewer.layers["joints"]
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], joints.data[0].mean(axis=0))
    assert "forward and backward disagree" in widget.results._reason.text()
    side = np.hypot(*(joints.data[0][1] - joints.data[0][0]))
    assert min(viewer.canvas.size) / viewer.scene.camera.zoom == pytest.approx(2.4 * side)
    followup = viewer.layers["joints at follow-up"]
    followup.selected_data = {2}
    qtbot.wait_until(lambda: widget.results.table.currentRow() == 2)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], followup.data[2].mean(axis=0))
    assert widget.results._reason.isHidden()
    viewer.scene.camera.center = (0, 0)
    followup.selected_data = {1, 3}  # no single one
    qtbot.wait(30)
    assert viewer.scene.camera.center[-2:] == (0, 0)


def test_a_box_that_is_dragged_does_not_move_the_camera(viewer, widget, qtbot):
    run(widget, qtbot)
    joints, before = viewer.layers["joints"], viewer.scene.camera.center
    joints.selected_data = {4}
    boxes = [np.array(box) for box in joints.data]
    boxes[4] += 3
    joints._data_view.edit(4, boxes[4])
    qtbot.wait(30)
    assert viewer.scene.camera.center == before


class Mouse:
    """A press of the mouse button at a place, and its release ``moved_px`` away."""

    def __init__(self, position, moved_px=0):
        self.position, self.pos, self.moved_px = position, np.zeros(2), moved_px
        self.type = "mouse_press"

    def play(self, viewer, callback):
        steps = callback(viewer, self)
        for kind in ("mouse_move", "mouse_release"):
            next(steps, None)
            self.type, self.pos = kind, np.array([0, self.moved_px])
        next(steps, None)


def test_a_click_on_a_box_chooses_it_and_a_drag_does_not(viewer, widget, qtbot):
    run(widget, qtbot)
    press, joints = viewer.mouse_drag_callbacks[-1], viewer.layers["joints"]
    viewer.layers.selection.active = viewer.layers["left, baseline"]
    place = joints.data[5].mean(axis=0)
    Mouse(place, moved_px=20).play(viewer, press)
    assert not joints.selected_data
    Mouse(place, moved_px=1).play(viewer, press)
    assert joints.selected_data == {5}
    Mouse((1, 1)).play(viewer, press)
    viewer.layers.selection.active, joints.mode = joints, "select"  # its own tool is at work
    Mouse(joints.data[2].mean(axis=0)).play(viewer, press)
    assert joints.selected_data == {5}


def test_text_is_never_longer_than_its_box(viewer, widget, qtbot):
    run(widget, qtbot)
    joints, sizes = viewer.layers["joints"], []
    for zoom in (0.5, 2, 60):
        viewer.scene.camera.zoom = zoom
        sizes.append(joints.text.size)
    assert sizes[0] < sizes[1] < sizes[2] == 9


def test_corrections_by_hand_are_measured_and_kept(viewer, widget, engine, qtbot):
    run(widget, qtbot)
    joints, bones = viewer.layers["joints"], viewer.layers["bones, visit 2"]
    joints.data = [(np.array(box) + (k == 4), "rectangle") for k, box in enumerate(joints.data)]
    box = viewer.layers["joints at follow-up"].data[1]
    at = np.round((box.mean(axis=0) - bones.translate) / bones.scale).astype(int)
    bones.data[at[0] : at[0] + 4, at[1] : at[1] + 4] = 3
    for _ in range(2):  # the made-up result does not have the moved box; masks are kept by the widget
        run(widget, qtbot)
    first, second = engine.calls[1:]
    assert set(first["boxes"]) == {(1, "L"), (2, "L")} and set(first["masks"]) == {(2, "L", "IP1")}
    assert [joint.name for joint in first["boxes"][1, "L"] if joint.edited] == ["MCP3"]
    assert set(second["masks"]) == {(2, "L", "IP1")}
    run(widget, qtbot, widget.find_button)
    assert "remove the layers" in widget.failure.text()
    for name in ("joints", "joints at follow-up", "bones, visit 2", "bones, baseline"):
        viewer.layers.remove(name)
    run(widget, qtbot)
    assert engine.calls[-1]["boxes"] == engine.calls[-1]["masks"] == {}


def test_boxes_are_found_and_corrected_before_measuring(viewer, widget, engine, qtbot):
    run(widget, qtbot, widget.find_button)
    assert names(viewer)[3:] == ["joints at follow-up", "joints"]
    assert widget.status.text() == "19 joints found. Not in view: PIP5 (left, week 52)."
    joints = viewer.layers["joints"]
    joints.data = [(np.array(box) + (k == 0), "rectangle") for k, box in enumerate(joints.data)]
    run(widget, qtbot)
    (call,) = engine.calls
    assert list(call["boxes"]) == [(1, "L")] and call["boxes"][1, "L"][0].edited
    assert len(viewer.layers) == 10


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_boxes_are_found_on_the_chosen_device(widget, engine, qtbot, device):
    widget.form.fields["device"].editor.setCurrentText(device)
    run(widget, qtbot, widget.find_button)
    assert engine.found_on == device


def test_abort_adds_nothing_and_keeps_the_figures(viewer, widget, engine, qtbot):
    run(widget, qtbot)
    engine.started.clear()
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    qtbot.wait_until(lambda: widget.status.text().startswith("Finding the joints"))
    assert widget.results.isHidden() and not widget.find_button.isEnabled()
    before = names(viewer)
    widget.abort_button.click()
    engine.go_on.set()
    qtbot.wait_until(engine.saw_abort.is_set)
    qtbot.wait(50)
    assert names(viewer) == before and not widget.results.isHidden()


@pytest.mark.parametrize(
    ("argument", "field"), [("followup", "patient"), ("spacing_mm", "spacing_mm"), ("method", "method")]
)
def test_an_error_is_shown_at_its_field(widget, engine, qtbot, argument, field):
    engine.error = InputError("The radiographs show two patients. Leave one out.", argument)
    run(widget, qtbot)
    assert widget.form.fields[field].message.text() == "The radiographs show two patients. Leave one out."
    engine.error = RuntimeError("odd")
    run(widget, qtbot)
    assert "The measurement failed" in widget.failure.text()


def test_two_images_without_a_pixel_size(hand_layers, engine, qtbot):
    viewer = ViewerModel()
    for name, (pixels, _, _) in zip(("before", "after"), hand_layers[1:]):
        viewer.add_image(pixels, name=name)
    widget = MeasureHands(viewer)
    qtbot.addWidget(widget.native)
    inputs = widget.form.inputs()
    assert (inputs.source, inputs.baseline.name, inputs.followup.name) == (TWO_IMAGES, "before", "after")
    spacing = widget.form.fields["spacing_mm"]
    assert spacing.input_widget.placeholderText() == "not known"
    run(widget, qtbot)
    patient = engine.calls[0]["patient"]
    assert [each.spacing_mm for visit in patient.visits for each in visit.radiographs] == [None, None]
    before, after = (viewer.layers[name].extent.world for name in ("before", "after"))
    assert after[0][1] > before[1][1]  # separated
    qtbot.keyClicks(spacing.input_widget, "0.15")
    run(widget, qtbot)
    followup = engine.calls[1]["patient"].visits[1].radiographs[0]
    assert (followup.spacing_mm, followup.spacing_source) == (0.15, "given")
    qtbot.keyClicks(spacing.input_widget, "x")
    assert not widget.run_button.isEnabled() and not widget.find_button.isEnabled()
    widget.close_run()


def test_a_second_visit_is_needed(viewer, widget):
    viewer.layers.remove("left, week 52")
    assert "one visit only" in widget.form.fields["patient"].message.text()
    assert not widget.run_button.isEnabled()
    viewer.layers.clear()
    assert "Open a patient's folder" in widget.form.fields["baseline"].message.text()


def test_a_layer_that_was_scaled_by_hand(viewer, widget, engine, qtbot):
    viewer.layers["left, baseline"].scale = (0.3, 0.3)
    run(widget, qtbot)
    baseline = engine.calls[0]["patient"].visits[0].radiographs[0]
    assert (baseline.spacing_mm, baseline.spacing_source) == (0.3, "layer scale")


def test_another_visit_and_the_trend_of_a_joint(viewer, widget, engine, qtbot):
    engine.result = progression(3, ("L",))
    third = viewer.add_image(viewer.layers[-1].data, name="left, week 104")
    third.metadata[KEY] = {**viewer.layers["left, week 52"].metadata[KEY], "visit": 3, "acquired": "2022-01-12"}
    widget.reset_choices()
    run(widget, qtbot)
    panel = widget.results
    assert panel.visit.count() == 2 and panel.visit.currentText() == "3 (week\xa0104)"
    assert not panel.trend.isHidden()
    vertical = [line for line in panel.trend._canvas.figure.axes[0].lines if len(set(line.get_xdata())) == 1]
    assert sum(len(line.get_xdata()) == 2 for line in vertical) > len(panel.trend._trend.others)  # intervals
    before = cells(widget, 2)
    panel.visit.setCurrentIndex(0)
    panel.visit.activated.emit(0)
    assert cells(widget, 2) != before
    assert set(viewer.layers["joints"].features["visit"]) == {2}
    for theme in ("light", "dark"):
        viewer.theme = theme
        face = panel.trend._canvas.figure.get_facecolor()
        np.testing.assert_allclose(face[:3], get_theme(theme).background.as_rgb_tuple(alpha=False) / np.array(255))


def test_save_writes_the_files_of_the_command(widget, qtbot, tmp_path, monkeypatch):
    run(widget, qtbot)
    questions = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(tmp_path))
    monkeypatch.setattr(
        QMessageBox, "question", lambda *arguments: questions.append(arguments[-1]) or QMessageBox.StandardButton.No
    )
    run(widget, qtbot, widget.results.save_button)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["joints.csv", "report.html", "run.json"]
    assert widget.status.text().startswith("Saved joints.csv, report.html, run.json in")
    (tmp_path / "joints.csv").write_text("mine")
    run(widget, qtbot, widget.results.save_button)
    assert questions == [f"Replace joints.csv and report.html in {tmp_path}?"]
    assert (tmp_path / "joints.csv").read_text() == "mine"
