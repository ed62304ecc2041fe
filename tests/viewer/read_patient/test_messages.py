"""What the dock says: counts of the chosen visit, messages that come and go, and where readings are kept."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

import napari_jsn as jsn
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.reading import JointLine, Reading
from napari_jsn.store import open_store
from napari_jsn.viewer.forms.fields import LayerField
from napari_jsn.viewer.read_patient import opened


def choose_image(window, name):
    images = window.widget.reading.images
    index = next(k for k in range(images.count()) if images.itemText(k).startswith(name))
    images.setCurrentIndex(index)
    images.activated.emit(index)


def test_counts_are_those_of_the_chosen_visit(window, place):
    window.open(place)
    window.keys("AA")
    widget = window.widget
    choose_image(window, "baseline")
    assert "0 of 3 read" in widget.steps[2].header.text()
    widget.open_step(widget.steps[3])
    assert widget.report.counts.text().startswith("3 joints at baseline: none decided.")
    choose_image(window, "visit 2")
    assert "2 accepted" in widget.report.counts.text()


def test_where_no_joint_is_doubtful_the_key_says_so(window, place, monkeypatch):
    window.open(place)
    monkeypatch.setattr(JointLine, "doubtful", False)
    QTest.keyClick(window.canvas, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert window.widget.status.text() == "No joint is doubtful."
    window.keys("N")
    assert window.widget.status.text() == ""


def test_what_applies_to_all_figures_and_why_a_width_is_missing_is_shown(window, tmp_path, measured_patient):
    hand, *others = measured_patient.hands
    view = hand.joints[0]
    failed = replace(view, jsw=replace(view.jsw, reasons=(Reason(ReasonCode.OUTLINE_UNCERTAIN, "Blurred margin."),)))
    hands = (replace(hand, joints=(failed, *hand.joints[1:])), *others)
    with open_store(tmp_path / "notes.db", "A") as store:
        store.save(replace(measured_patient, hands=hands, notes=("The hand was tilted: narrowings are wrong.",)))
    window.open(str(tmp_path / "notes.db"))
    reading = window.widget.reading
    assert not reading.notes.isHidden() and reading.notes.text().startswith("The hand was tilted")
    choose_image(window, "baseline")
    row = [line.joint for line in window.position.shown_lines].index(view.joint.name)
    assert (reading.table.item(row, 4).text(), reading.table.item(row, 4).toolTip()) == ("", "Blurred margin.")
    window.widget.flow.close()
    assert reading.notes.isHidden() and not reading.notes.text()


def test_nothing_is_said_of_grades_that_are_there(window, place, monkeypatch):
    def graded(patient, device, progress):
        progress.update(1, 2, "Scoring")
        window.qtbot.wait(50)
        return patient

    monkeypatch.setattr(opened, "graded_by_model", graded)
    window.open(place)
    window.widget.flow.grade_by_model()
    window.wait()
    window.qtbot.wait(20)
    assert window.widget.status.text() == ""


def test_a_stored_patient_is_measured_again_into_its_store(window, place, measured_patient, monkeypatch):
    measured = replace(measured_patient, patient_id="SIM-01")
    monkeypatch.setattr(opened, "measure_patient", lambda patient, **how: measured)
    window.open(place)
    radiographs = window.widget.radiographs
    assert radiographs.store.line_edit.native.placeholderText() == place and not radiographs.store.value
    window.keys("A")
    radiographs.table.item(0, 3).setText("0.2")  # closes the patient
    radiographs.table.item(0, 3).setText("0.14")
    radiographs.reader.value = "A"
    window.widget.sources.measure()
    window.wait()
    assert opened.place_of(window.widget.flow.patient.store) == place
    with open_store(place) as store:
        assert store.decisions()["decision"].tolist() == ["accepted"]


def test_a_report_of_a_blinded_session_is_refused_before_a_folder_is_asked_for(window, place, monkeypatch):
    with open_store(place, "A") as store:
        code = Reading.new(store, "first", "paired", seed=1).work_list()[0].code
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: pytest.fail("a folder was asked for"))
    window.open(place, code, "first")
    window.widget.open_step(window.widget.steps[3])
    QTest.mouseClick(window.widget.report.write_button, Qt.MouseButton.LeftButton)
    assert "hidden until the session is locked" in window.widget.report.message.text()


def test_dates_that_are_typed_are_shown_and_the_radiograph_stays_chosen(window, tmp_path):
    from PIL import Image

    folder = tmp_path / "films"
    folder.mkdir()
    for k, name in enumerate(("hand_v01.png", "hand_v02.png")):
        pixels = np.arange(120 * 90).reshape(120, 90) % (200 + k)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
    radiographs = window.widget.radiographs
    window.widget.flow.open_paths([folder])
    window.wait()
    table = radiographs.table
    assert [table.item(k, 1).text() for k in range(2)] == ["visit 1", "visit 2"]
    table.item(0, 1).setText("2021-03-05")
    assert [table.item(k, 1).text() for k in range(2)] == ["2021-03-05", "visit 2"]
    assert "Some dates are not known" in radiographs.warning.text()
    table.item(1, 1).setText("2020-01-31")
    assert [table.item(k, 1).text() for k in range(2)] == ["2020-01-31", "2021-03-05"]
    assert table.currentRow() == 0 and "dates" not in radiographs.warning.text()


def test_radiographs_opened_after_a_dock_was_closed_are_taken_over(window):
    window.dock.title.close_button.click()
    window.qtbot.wait(10)
    window.viewer.open(jsn.sample_folder("hand_pair"), plugin="napari-jsn")
    window.show()
    window.wait()
    assert window.widget.radiographs.table.rowCount() == 2


@pytest.mark.parametrize("name", ["Register joint pair", "Segment joint", "Score hands", "Train"])
def test_other_widgets_do_not_offer_the_pictures_of_the_dock(window, place, name):
    window.open(place)
    own = window.viewer.add_image(np.eye(64), name="my joint")
    _, panel = window.viewer.window.add_plugin_dock_widget("napari-jsn", name)
    pictures = set(map(id, window.widget.pictures.layers.values()))
    offered = [
        layer for field in panel.form.fields.values() if isinstance(field, LayerField) for layer in field._layers
    ]
    assert not pictures & set(map(id, offered))
    assert name == "Train" or any(layer is own for layer in offered)


def test_an_error_names_the_column_of_the_list_and_not_the_argument(window):
    window.widget.show_error("Visit 1 does not state its pixel spacing. Give spacing_mm.", "spacing_mm")
    assert window.widget.radiographs.message.text() == (
        "Visit 1 does not state its pixel spacing. Give the pixel size in the list."
    )
