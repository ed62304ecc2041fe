"""The step Radiographs: where radiographs come from, pixel sizes, warnings, method, and real mouse events."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QInputDialog

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Silent
from napari_jsn.reading.radiograph_rows import (
    KNOWN_LENGTH,
    radiograph_rows,
    typed_spacing,
    with_date,
    with_known_length,
)
from napari_jsn.store import open_store
from napari_jsn.viewer.read_patient import opened
from napari_jsn.viewer.read_patient.canvas.known_length import drawn_length


def patient_of(*radiographs):
    from napari_jsn.patient.read import patient_from_radiographs

    return patient_from_radiographs(*radiographs, patient_id="P1", split=False)


def film(spacing_mm=None, source="", aspect=1.0):
    pixels = np.linspace(0, 1, 80 * 64, dtype=np.float32).reshape(80, 64)
    one = jsn.Radiograph(pixels, pixel_aspect=aspect)
    return one if spacing_mm is None else replace(one.with_spacing(spacing_mm), spacing_source=source)


@pytest.mark.parametrize(
    ("sources", "warns"),
    [
        (("at detector", "at detector"), False),
        (("at detector", "calibrated"), True),
        (("magnification corrected", "at detector"), True),
        (("given", "uncalibrated"), True),
    ],
)
def test_sources_of_pixel_sizes(sources, warns):
    rows = radiograph_rows(patient_of(*(film(0.15, source) for source in sources)))
    assert all(("different sources" in row.warning) == warns for row in rows)
    assert all(row.about_source for row in rows) and len({row.source for row in rows}) == len(set(sources))


@pytest.mark.parametrize(
    ("ends", "aspect", "spacing"),
    [
        (((10, 10), (10, 60)), 1.0, 0.2),
        (((0, 5), (50, 5)), 1.0, 0.2),
        (((0, 0), (30, 40)), 1.0, 0.2),
        (((0, 0), (25, 0)), 2.0, (0.4, 0.2)),
    ],
)
def test_a_known_length_gives_the_pixel_size(ends, aspect, spacing):
    length_px = drawn_length(*map(np.array, ends), aspect)
    patient = with_known_length(patient_of(film(aspect=aspect), film()), 0, length_px, 10.0)
    radiograph = patient.hands[0].radiograph
    np.testing.assert_allclose(radiograph.spacing_mm, spacing)
    assert radiograph.spacing_source == KNOWN_LENGTH and patient.hands[1].radiograph.spacing_mm is None
    assert radiograph_rows(patient)[0].source == "known length"


@pytest.mark.parametrize("length_px", [0.0, -1.0, float("nan")])
def test_a_length_that_is_none_is_refused(length_px):
    with pytest.raises(jsn.InputError, match="Draw a line"):
        with_known_length(patient_of(film(), film()), 0, length_px, 10.0)


def test_a_line_is_drawn_on_the_radiograph(window, hand_folder, monkeypatch):
    asked = []

    def length(parent, title, text, *numbers):
        asked.append(text)
        assert tuple(window.viewer.scene.camera.center) == centre  # the view was not panned
        return 20.0, True

    monkeypatch.setattr(QInputDialog, "getDouble", length)
    widget, table = window.widget, window.widget.radiographs.table
    widget.flow.open_paths([hand_folder])
    window.wait()
    widget.radiographs.patient.value = "P9"
    table.setCurrentCell(1, 1)
    QTest.mouseClick(widget.radiographs.length_button, Qt.MouseButton.LeftButton)
    assert "Draw a line" in widget.radiographs.message.text()
    layer = window.viewer.layers["baseline"]
    spacing = layer.scale[0]
    middle = np.array(layer.data.shape) * spacing / 2
    centre, zoom = tuple(window.viewer.scene.camera.center), window.viewer.scene.camera.zoom
    window.drag([middle, middle + (0, 10), middle + (0, 30)])
    pixels = float(asked[0].split("is ")[1].split()[0])
    assert pixels == pytest.approx(30 / spacing, abs=2 / zoom / spacing)
    assert float(table.item(1, 3).text()) == pytest.approx(20 / pixels, rel=1e-3)
    assert table.item(1, 4).text() == "known length" and "different sources" in widget.radiographs.warning.text()
    window.drag([middle, middle + (0, 30)])
    assert len(asked) == 1  # once
    assert table.currentRow() == 1 and widget.radiographs.patient.value == "P9"  # the row and the pseudonym stay

    # while the question is open, the mouse goes on moving, and Cancel removes the line
    def cancelled(parent, title, text, *numbers):
        asked.append(text)
        window.move(window.at(middle))
        return 20.0, False

    monkeypatch.setattr(QInputDialog, "getDouble", cancelled)
    QTest.mouseClick(widget.radiographs.length_button, Qt.MouseButton.LeftButton)
    window.drag([middle, middle + (0, 10), middle + (0, 30)])
    assert len(asked) == 2 and "line" not in window.viewer.layers["margins"].shape_type
    assert table.item(1, 3).text() == f"{20 / pixels:.4g}"

    # nothing is waited for after Escape, another row, a typed size or another step
    for leave in (
        lambda: QTest.keyClick(window.canvas, Qt.Key.Key_Escape),
        lambda: table.setCurrentCell(0, 1),
        lambda: table.item(1, 3).setText("0.15"),
    ):
        table.setCurrentCell(1, 1)
        QTest.mouseClick(widget.radiographs.length_button, Qt.MouseButton.LeftButton)
        assert "Draw a line" in widget.radiographs.message.text()
        leave()
        assert widget.radiographs.message.text() == ""
        window.drag([middle, middle + (0, 10), middle + (0, 30)])
        assert len(asked) == 2


@pytest.mark.parametrize(
    ("text", "size"), [("0,144", 0.144), (" 0.2 x 0.15", (0.2, 0.15)), ("0.1 × 0.1", 0.1), ("1e-1", 0.1)]
)
def test_a_pixel_size_that_is_typed(text, size):
    assert typed_spacing(text) == size


@pytest.mark.parametrize("text", ["", "-1", "0", "nan", "inf", "0.1 mm", "0.1 x 0.2 x 0.3", "0.1 x"])
def test_a_pixel_size_that_is_refused(text):
    with pytest.raises(jsn.InputError, match="is no pixel size"):
        typed_spacing(text)


def test_layers_that_are_open_are_offered_and_a_stored_patient_lists_its_radiographs(
    make_napari_viewer, qtbot, place, monkeypatch, measured_patient
):
    from .conftest import Window

    how = {}

    def measure_patient(patient, progress, found, on_widths, on_registered, **options):
        how.update(options)
        return replace(measured_patient, patient_id=patient.patient_id)

    monkeypatch.setattr(opened, "measure_patient", measure_patient)
    viewer = make_napari_viewer()
    viewer.open_sample("napari-jsn", "hand_pair")
    window = Window(viewer, qtbot)
    window.wait()
    radiographs = window.widget.radiographs
    assert radiographs.table.rowCount() == 2 and radiographs.patient.value.startswith("P")
    window.open(place)
    assert radiographs.table.rowCount() == 2 and radiographs.patient.value == "SIM-01"
    assert radiographs.method.value == "refined"
    radiographs.reader.value, radiographs.store.value = "A", place
    radiographs.method.value, radiographs.device.value = "pipoc", "cpu"
    radiographs.measure_button.click()  # all again
    window.wait()
    assert how == {"method": "pipoc", "device": "cpu"} and window.widget.flow.patient is not None
    window.__dict__.clear()


def test_the_table_of_radiographs_fits_and_the_reader_of_an_open_patient_stays(window, hand_folder, place):
    window.viewer.window.resize(1366, 768)
    widget = window.widget
    widget.flow.open_paths([hand_folder])
    window.wait()
    window.qtbot.wait(50)
    table, reader = widget.radiographs.table, widget.radiographs.reader
    columns = table.horizontalHeader()
    assert table.horizontalScrollBar().maximum() == 0 and columns.length() <= table.viewport().width()
    assert columns.sectionSize(4) > 50 and reader.native.isEnabled()
    window.open(place)
    assert not reader.native.isEnabled() and "open patient" in reader.tooltip
    widget.flow.close()
    assert reader.native.isEnabled()


@pytest.mark.parametrize("names", [("first.png", "later.png"), ("hand b.jpg", "hand a.jpg"), ("x/1.png", "y/2.png")])
@pytest.mark.parametrize("as_folder", [True, False])
def test_images_without_dates_become_rows_that_say_that_nothing_states_their_order(names, as_folder, tmp_path):
    rng = np.random.default_rng(5)
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (90, 70), np.uint8)).save(tmp_path / name)
    paths = [tmp_path] if as_folder else sorted(tmp_path / name for name in names)
    found = opened.find(paths)
    assert [row.date for row in found.rows] == ["visit 1", "visit 2"]
    assert all("the names do not give the order of the visits" in row.warning for row in found.rows)
    first = found.patient.hands[0].radiograph
    for number, day in enumerate((date(2021, 3, 1), date(2020, 3, 1))):
        found = found.with_patient(with_date(found.patient, number, day))
    assert [row.date for row in found.rows] == ["2020-03-01", "2021-03-01"]
    assert found.patient.hands[1].radiograph.path == first.path
    assert found.patient.notes == () and not any("order of the visits" in row.warning for row in found.rows)


@pytest.mark.parametrize("names", [("v01.png", "v02.png"), ("baseline.png", "followup.png"), ("only.png",)])
def test_images_whose_names_state_the_order_have_no_such_warning(names, tmp_path):
    for k, name in enumerate(names):
        Image.fromarray(np.full((90, 70), 20, np.uint8) + np.arange(70, dtype=np.uint8) + k).save(tmp_path / name)
    for paths in ([tmp_path], [tmp_path / name for name in names]):
        assert not any("order of the visits" in row.warning for row in opened.find(paths).rows)


def test_a_patient_who_cannot_be_saved_is_refused_before_anything_is_measured(measured_patient, tmp_path, monkeypatch):
    place = str(tmp_path / "trial.db")
    with open_store(place, "A") as store:
        bare = [replace(hand, radiograph=replace(hand.radiograph, path=None)) for hand in measured_patient.hands]
        store.save(replace(measured_patient, hands=tuple(bare), patient_id="anonymous"))
    monkeypatch.setattr(opened, "measure_patient", lambda *_, **__: pytest.fail("measured"))
    image = np.random.default_rng(6).integers(0, 255, (90, 70), np.uint8)
    Image.fromarray(image).save(tmp_path / "other.png")
    found = opened.find([tmp_path / "other.png"])
    with pytest.raises(InputError, match="already has a patient without a pseudonym") as refused:
        opened.measured(found, place, "A", False, Silent(), print)
    assert refused.value.argument == "patient_id"


def test_a_folder_whose_table_states_no_order_is_refused_because_its_facts_would_be_lost(tmp_path):
    for name in ("one.png", "other.png"):
        Image.fromarray(np.random.default_rng(len(name)).integers(0, 255, (90, 70), np.uint8)).save(tmp_path / name)
    (tmp_path / "radiographs.csv").write_text("file,acquired,visit,side\none.png,2020-01-31,,L\nother.png,,2,L\n")
    with pytest.raises(InputError, match="do not give the order of the visits"):
        opened.find([tmp_path])
