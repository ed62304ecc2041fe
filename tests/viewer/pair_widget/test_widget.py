"""The widget "Register joint pair", with a fake engine and a viewer model in place of a window."""

import threading

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog, QLabel

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.layers.read_layer import KEY
from napari_jsn.viewer.layers.side_by_side import round_length
from napari_jsn.viewer.pair_widget.widget import RegisterPair

MM = {"scale": (0.2, 0.2), "units": ("mm", "mm")}
RESULTS = ["transformed moving", "original loss spectrum", "transformed loss spectrum"]


@pytest.fixture
def viewer(images):
    viewer = ViewerModel()
    viewer.add_image(images[0], name="fixed", translate=(3, 4), **MM)
    viewer.add_image(images[1], name="moving", **MM)
    viewer.add_labels(images[2], name="fixed mask", **MM)
    return viewer


@pytest.fixture
def widget(viewer, engine, dock, qtbot):
    """The widget; no run continues after the test."""
    widget = dock(RegisterPair(viewer), viewer)
    yield widget
    engine.go_on.set()
    widget.abort()
    qtbot.wait(20)


def names(viewer):
    return [layer.name for layer in viewer.layers]


def run(widget, qtbot):
    widget.run_button.click()
    qtbot.wait_until(widget.run_button.isEnabled)
    qtbot.wait(5)  # the view side by side comes after the figures


def test_a_run_adds_three_layers_on_the_fixed_grid(viewer, widget, engine, qtbot):
    run(widget, qtbot)
    assert names(viewer)[3:] == RESULTS
    fixed = viewer.layers["fixed"]
    for layer in viewer.layers[3:]:
        np.testing.assert_allclose(layer.scale, (0.2, 0.2))
        np.testing.assert_allclose(layer.translate, (3, 4))
        assert layer.units == fixed.units
        assert layer.data.shape == fixed.data.shape
    original, transformed = (viewer.layers[name] for name in RESULTS[1:])
    assert original.contrast_limits == transformed.contrast_limits == [0, 0.5]
    assert original.colormap.name == transformed.colormap.name == "inferno"
    original.contrast_limits = (0, 0.3)
    assert transformed.contrast_limits == [0, 0.3]


def test_the_engine_gets_the_inputs_of_the_form(widget, engine, images, qtbot):
    run(widget, qtbot)
    call = engine.calls[0]
    np.testing.assert_array_equal(call["fixed"], images[0])
    np.testing.assert_array_equal(call["fixed_masks"], images[2])
    assert call["moving_masks"] is None
    assert call["spacing_mm"] == call["moving_spacing_mm"] == 0.2
    assert (call["method"], call["device"]) == ("refined", None)


def test_figures_are_shown_and_kept_as_plain_data(viewer, widget, qtbot):
    run(widget, qtbot)
    shown = widget.results.text()
    for text in ("+0.300 mm", "narrower", "+0.260 to +0.340 mm", "moving against fixed", "0.2 mm (layer scale)"):
        assert text in shown
    assert "Failed" not in shown
    kept = viewer.layers[RESULTS[0]].metadata[KEY]
    assert kept["role"] == "transformed"
    assert kept["jsn_mm"] == pytest.approx(0.3)
    assert all(isinstance(value, (str, bool, int, float, type(None))) for value in kept.values())


def test_an_unreliable_figure_is_grey_and_has_its_reason(widget, engine, qtbot):
    engine.reliable = False
    run(widget, qtbot)
    assert "+0.300 mm" in widget.results.text()
    assert "Failed: The motion models disagree by 0.31 mm." in widget.results.text()
    figure = widget.results.findChild(QLabel, "figure")
    greyed = figure.palette().color(figure.foregroundRole())
    engine.reliable = True
    run(widget, qtbot)
    assert figure.palette().color(figure.foregroundRole()) != greyed


def test_without_a_pixel_size_figures_are_in_pixels(viewer, widget, qtbot):
    for name in ("fixed", "moving"):
        viewer.layers[name].units = ("pixel", "pixel")
    run(widget, qtbot)
    assert "+1.50 px" in widget.results.text()
    assert "mm" not in widget.results.text().replace("Pixel size", "")
    assert [str(unit) for unit in viewer.layers[RESULTS[0]].units] == ["pixel", "pixel"]


def test_a_second_run_updates_the_layers(viewer, widget, qtbot):
    run(widget, qtbot)
    layer = viewer.layers[RESULTS[0]]
    viewer.layers["fixed"].scale = (0.4, 0.4)
    layer.name, layer.metadata["mine"] = "my name", 1
    run(widget, qtbot)
    assert len(viewer.layers) == 6
    np.testing.assert_allclose(layer.scale, (0.4, 0.4))
    assert (layer.name, layer.metadata["mine"]) == ("my name", 1)


def test_inputs_of_another_name_get_layers_of_their_own(viewer, widget, qtbot):
    run(widget, qtbot)
    viewer.layers["moving"].name = "moving 2"
    run(widget, qtbot)
    assert names(viewer)[6:] == ["transformed moving 2", "original loss spectrum [1]", "transformed loss spectrum [1]"]


def test_the_progress_bar_is_never_animated(widget, qtbot):
    ranges = []
    widget.bar.setRange = lambda low, high: ranges.append((low, high))
    run(widget, qtbot)
    assert (0, 1) in ranges and (0, 4) in ranges and (0, 0) not in ranges


def test_abort_frees_the_widget_at_once_and_adds_nothing(viewer, widget, engine, qtbot):
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    assert not widget.run_button.isEnabled()
    qtbot.wait_until(lambda: widget.status.text() == "Halfway there: 1 of 4")
    assert (widget.bar.value(), widget.bar.maximum()) == (1, 4)
    widget.abort_button.click()
    assert widget.run_button.isEnabled()
    assert not widget.abort_button.isEnabled()
    engine.go_on.set()
    qtbot.wait_until(engine.saw_abort.is_set)
    qtbot.wait(100)
    assert len(viewer.layers) == 3
    assert widget.results.text() == ""
    run(widget, qtbot)
    assert names(viewer)[3:] == RESULTS


def test_an_aborted_run_that_ends_late_does_not_disturb_the_next(viewer, widget, engine, qtbot):
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    widget.abort_button.click()
    widget.run_button.click()
    qtbot.wait_until(lambda: len(engine.calls) == 2)
    engine.go_on.set()
    qtbot.wait_until(widget.run_button.isEnabled)
    qtbot.wait(100)
    assert names(viewer)[3:] == RESULTS


def test_when_napari_stops_its_workers_the_widget_is_free_again(viewer, widget, engine, qtbot):
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    widget._run.progress.worker.quit()
    engine.go_on.set()
    qtbot.wait_until(widget.run_button.isEnabled)
    assert engine.saw_abort.is_set()
    assert len(viewer.layers) == 3


def test_layers_removed_while_running_do_not_matter(viewer, widget, engine, qtbot):
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    viewer.layers.clear()
    engine.go_on.set()
    qtbot.wait_until(lambda: len(viewer.layers) == 3)
    assert names(viewer) == RESULTS
    np.testing.assert_allclose(viewer.layers[0].translate, (3, 4))


@pytest.mark.parametrize("field", ["fixed", "moving_masks", "spacing_mm", "device"])
def test_an_error_of_the_engine_is_shown_at_its_field(viewer, widget, engine, qtbot, field):
    engine.error = InputError("There is something wrong with it. Do that.", field)
    run(widget, qtbot)
    message = widget.form.fields[field].message
    assert not message.isHidden()
    assert message.text() == "There is something wrong with it. Do that."
    assert len(viewer.layers) == 3
    engine.error = None
    run(widget, qtbot)
    assert message.isHidden()


@pytest.mark.parametrize(
    ("error", "text"),
    [(InputError("Too small a joint."), "Too small a joint."), (RuntimeError("out of memory"), "out of memory")],
)
def test_any_other_error_is_shown_as_a_sentence(widget, engine, qtbot, error, text):
    engine.error = error
    run(widget, qtbot)
    assert text in widget.failure.text()
    assert not widget.failure.isHidden()
    assert "Traceback" not in widget.failure.text()


def test_run_waits_for_valid_fields(viewer, widget, engine, qtbot):
    assert widget.run_button.isEnabled()
    edit = widget.form.fields["spacing_mm"].input_widget
    edit.clear()
    qtbot.keyClicks(edit, "0")
    assert not widget.run_button.isEnabled()
    widget.run()
    assert engine.calls == []
    viewer.layers.remove("moving")
    assert "second image" in widget.form.fields["moving"].message.text()


def test_enter_runs_and_escape_aborts(widget, engine, qtbot):
    edit = widget.form.fields["spacing_mm"].input_widget
    engine.go_on.clear()
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    qtbot.wait_until(engine.started.is_set)
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    assert "Aborted" in widget.status.text()


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a", b"\x89PNG")])
def test_the_six_panel_figure_is_saved(widget, qtbot, tmp_path, monkeypatch, name, begins):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / name), ""))
    widget.results.figure.click()  # nothing is shown yet
    assert not list(tmp_path.iterdir())
    run(widget, qtbot)
    qtbot.mouseClick(widget.results.figure, Qt.MouseButton.LeftButton)
    qtbot.wait_until(lambda: widget._run is None)
    (written,) = tmp_path.iterdir()
    assert written.read_bytes()[: len(begins)] == begins and widget.status.text() == f"Saved {written}."
    assert widget.results.isVisibleTo(widget.native) and widget.results.text()


@pytest.mark.parametrize("cause", [OSError("the server is gone"), ValueError("x\ny"), MemoryError(), None])
def test_a_figure_that_cannot_be_drawn_or_written_is_a_sentence(viewer, widget, qtbot, tmp_path, monkeypatch, cause):
    da = pytest.importorskip("dask.array")
    place = tmp_path / "a.png" if cause else tmp_path / "file" / "a.png"
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(place), ""))
    fixed, reading, caller = widget.fixed.value, [], threading.get_ident()

    def read(block):
        reading.append(threading.get_ident())
        if widget._shown is not None and cause is not None and threading.get_ident() != caller:
            raise cause
        return block

    fixed.data = da.map_blocks(read, da.from_array(fixed.data, chunks=-1), dtype=fixed.dtype, meta=fixed.data[:0, :0])
    run(widget, qtbot)
    reading.clear()
    qtbot.mouseClick(widget.results.figure, Qt.MouseButton.LeftButton)
    assert caller not in reading
    qtbot.wait_until(lambda: widget._run is None)
    message = widget.failure.text() + widget.form.fields["fixed"].message.text()
    assert ("'fixed'" in message if cause else "file" in message) and "\n" not in message.strip()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_result_is_shown_whole_or_not_at_all(viewer, widget, qtbot, failing):
    before, count = list(viewer.layers), len(viewer.layers)

    def refuse(event):
        if len(viewer.layers) == count + 1 + failing:
            raise OSError("no room")

    viewer.layers.events.inserted.connect(refuse)
    widget.run()
    qtbot.wait_until(lambda: widget._run is None)
    assert list(viewer.layers) == before and "no room" in widget.failure.text() and not widget.results.text()
    viewer.layers.events.inserted.disconnect(refuse)
    run(widget, qtbot)
    assert len(viewer.layers) == count + 3


def test_both_loss_spectra_are_visible_on_one_scale(viewer, widget, qtbot):
    run(widget, qtbot)
    spectra = [layer for layer in viewer.layers if "spectrum" in layer.name]
    assert len(spectra) == 2 and all(layer.visible for layer in spectra)
    assert tuple(spectra[0].contrast_limits) == tuple(spectra[1].contrast_limits)


def test_side_by_side_shows_the_layers_and_restores_the_view(viewer, widget, qtbot):
    viewer.layers["moving"].visible = False
    button = widget.results.side_by_side
    run(widget, qtbot)
    assert viewer.canvas.grid.enabled
    shown = {layer.name for layer in viewer.layers if layer.visible}
    assert shown == {"fixed", "fixed mask", "moving", *RESULTS}
    button.click()
    assert not viewer.canvas.grid.enabled
    assert not viewer.canvas.overlays.scale_bar.visible
    assert [layer.name for layer in viewer.layers if layer.visible] == ["fixed", "fixed mask", RESULTS[0]]
    run(widget, qtbot)
    assert not viewer.canvas.grid.enabled
    button.click()
    viewer.canvas.grid.enabled = False  # napari's own button
    assert not button.isChecked()
    assert not viewer.layers["moving"].visible


@pytest.mark.parametrize(("longest", "length"), [(5.56, 5), (31.75, 20), (1, 1), (0.3, 0.2)])
def test_the_scale_bar_has_a_round_length(longest, length):
    assert round_length(longest) == pytest.approx(length)


def test_side_by_side_survives_a_layer_that_was_removed(viewer, widget, qtbot):
    run(widget, qtbot)
    viewer.layers.remove(RESULTS[1])
    widget.results.side_by_side.click()
    widget.results.side_by_side.click()
    assert viewer.canvas.grid.enabled
    run(widget, qtbot)
    assert RESULTS[1] in names(viewer)


def test_the_bones_that_were_measured_are_added_on_request(viewer, widget, qtbot):
    run(widget, qtbot)
    widget.results.bones.click()
    widget.results.bones.click()
    assert names(viewer)[6:] == ["bones of fixed"]
    bones = viewer.layers["bones of fixed"]
    assert np.unique(bones.data).tolist() == [1, 2]
    np.testing.assert_allclose(bones.scale, (0.2, 0.2))
    assert widget.form.inputs().fixed_masks.name == "fixed mask"


def test_figures_can_be_copied(widget, qtbot):
    run(widget, qtbot)
    widget.results.copy.click()
    assert "+0.300 mm" in QApplication.clipboard().text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_theme_has_its_colours(viewer, widget, theme):
    viewer.theme = theme
    assert "QLabel#figure" in widget.native.styleSheet()


def test_result_layers_are_not_chosen_as_inputs(viewer, widget, qtbot):
    run(widget, qtbot)
    viewer.layers.remove("moving")
    assert widget.form.inputs().moving is None
    assert isinstance(viewer.layers[RESULTS[0]], Image)
