"""The widget "Measure hands" with radiographs of two patients, and with radiographs that change while it measures."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_jsn.common.errors import InputError
from napari_jsn.patient.identity import Identity, identity_codes
from napari_jsn.viewer.hands_widget.inputs import PATIENT, TWO_IMAGES
from napari_jsn.viewer.hands_widget.widget import MeasureHands
from napari_jsn.viewer.layers.patient import OPENED, identity_entry
from napari_jsn.viewer.layers.read_layer import KEY

RESULTS = {"joints", "joints at follow-up", "bones, baseline", "bones, visit 2", "transformed"}


def names(viewer):
    return {layer.name for layer in viewer.layers}


def add(viewer, hand_layers, patient, **entry):
    """Add the radiographs of a hand as those of another folder, of the patient with this number."""
    added = []
    for data, options, _ in hand_layers[1:]:
        about = {**options["metadata"][KEY], OPENED: f"folder of {patient}", **entry}
        about.pop("identity", None)
        about |= identity_entry(identity_codes([Identity(patient)]))
        added.append(viewer.add_image(data.copy(), **{**options, "metadata": {KEY: about}}))
    return added


def remove(viewer, *layers):
    for layer in layers or tuple(viewer.layers):
        viewer.layers.remove(layer)


def wait(widget, qtbot):
    qtbot.wait_until(lambda: widget._run is None, timeout=20000)
    qtbot.wait(10)


@pytest.fixture
def singles(viewer, hand_layers):
    """The radiographs as files that were opened one by one, without visits and without identity."""
    viewer.layers.clear()
    for data, options, _ in hand_layers[1:]:
        known = {key: options["metadata"][KEY][key] for key in ("side", "acquired", "spacing_mm", "spacing_source")}
        viewer.add_image(data, **{**options, "metadata": {KEY: known}})
    return viewer.layers[0], viewer.layers[1]


@pytest.mark.parametrize("patients", [("1", "2"), ("", ""), ("1", "1"), ("1", "")])
def test_two_folders_are_never_one_patient(hand_layers, engine, dock, qtbot, patients):
    viewer = ViewerModel()
    for number, patient in enumerate(patients):
        add(viewer, hand_layers, patient, **{OPENED: number})
    widget = dock(MeasureHands(viewer), viewer)
    assert widget.form.inputs().source == PATIENT and not widget.run_button.isEnabled()
    text = widget.form.fields["patient"].message.text()
    assert "more than one patient: the Patient ID" in text if patients == ("1", "2") else "2 folders are open" in text
    with pytest.raises(InputError):
        widget()
    remove(viewer, *viewer.layers[2:])
    assert widget.run_button.isEnabled()
    assert engine.calls == []


@pytest.mark.parametrize(
    ("one", "other", "refused"), [("1", "2", True), ("1", " 1 ", False), ("1", "", False), ("", "", False)]
)
def test_two_files_of_two_patients_are_refused_at_the_follow_up(singles, widget, one, other, refused):
    for layer, patient in zip(singles, (one, other)):
        layer.metadata[KEY] |= identity_entry(identity_codes([Identity(patient)]))
    widget.reset_choices()
    assert widget.form.inputs().source == TWO_IMAGES
    message = widget.form.fields["followup"].message.text()
    assert widget.run_button.isEnabled() is not refused
    assert ("more than one patient: the Patient ID" in message) is refused


def cleared(viewer, hand_layers):
    viewer.layers.clear()


def cleared_and_another_opened(viewer, hand_layers):
    viewer.layers.clear()
    add(viewer, hand_layers, "2")


def another_opened_and_the_first_removed(viewer, hand_layers):
    first = tuple(viewer.layers)
    add(viewer, hand_layers, "2")
    remove(viewer, *first)


def one_radiograph_exchanged(viewer, hand_layers):
    remove(viewer, "left, baseline")
    added = add(viewer, hand_layers, "2")
    remove(viewer, added[1])


def pixels_exchanged(viewer, hand_layers):
    viewer.layers["left, baseline"].data = hand_layers[2][0] * 0.9


def removed_by_selection(viewer, hand_layers):
    viewer.layers.selection = {viewer.layers["left, week 52"], viewer.layers["radiographs"]}
    viewer.layers.remove_selected()
    add(viewer, hand_layers, "1")


CHANGES = [
    cleared, cleared_and_another_opened, another_opened_and_the_first_removed, one_radiograph_exchanged,
    pixels_exchanged, removed_by_selection,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("button", ["run_button", "find_button"])
def test_a_patient_changed_in_mid_run_gets_no_figures_of_the_other(
    viewer, widget, engine, hand_layers, qtbot, change, button
):
    announced = []
    widget.called.connect(announced.append)
    engine.started.clear()
    engine.go_on.clear()
    getattr(widget, button).click()
    if button == "run_button":
        qtbot.wait_until(engine.started.is_set)
    change(viewer, hand_layers)
    engine.go_on.set()
    wait(widget, qtbot)
    assert not RESULTS & names(viewer)
    assert announced == [] and widget.results.isHidden() and widget.results.table.rowCount() == 0
    assert "no longer open, so the result was dropped" in widget.failure.text()


@pytest.mark.parametrize("change", CHANGES)
def test_results_whose_radiographs_are_gone_are_removed(viewer, widget, hand_layers, qtbot, change):
    widget.run_button.click()
    wait(widget, qtbot)
    assert names(viewer) >= RESULTS and not widget.results.isHidden()
    painted = viewer.layers["bones, baseline"]
    painted.data[10:20, 10:20] = 1
    change(viewer, hand_layers)
    qtbot.wait(20)
    assert RESULTS & names(viewer) <= {"bones, baseline"}
    assert widget.results.isHidden() and "The results were removed." in widget.status.text()
    if painted in viewer.layers:  # the user's work is kept, and belongs to no result
        assert "bones, baseline" in widget.status.text() and KEY not in painted.metadata


def test_a_new_result_is_not_removed_with_the_old_one(viewer, widget, hand_layers, qtbot):
    widget.run_button.click()
    wait(widget, qtbot)
    remove(viewer, "left, baseline", "left, week 52", "radiographs")
    add(viewer, hand_layers, "2")
    widget()  # before the event loop runs
    qtbot.wait(20)
    assert names(viewer) >= RESULTS and not widget.results.isHidden()


def test_figures_are_shown_only_while_the_form_has_their_radiographs(singles, viewer, widget, qtbot):
    widget.run_button.click()
    wait(widget, qtbot)
    assert not widget.results.isHidden()
    third = viewer.add_image(singles[1].data.copy(), name="third", metadata={KEY: {"side": "L"}})
    widget.form.fields["followup"].value = third
    assert widget.results.isHidden() and names(viewer) >= RESULTS
    widget.form.fields["followup"].value = singles[1]
    assert not widget.results.isHidden()


def test_other_images_are_chosen_in_mid_run(singles, viewer, widget, engine, qtbot):
    third = viewer.add_image(singles[1].data.copy(), name="third", metadata={KEY: {"side": "L"}})
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    widget.form.fields["followup"].value = third
    engine.go_on.set()
    wait(widget, qtbot)
    assert widget.results.isHidden() and names(viewer) >= RESULTS
    assert "left, baseline and left, week 52 were measured. Choose them" in widget.status.text()


@pytest.mark.parametrize("dated_by", ["file", "name"])
def test_the_earlier_of_two_files_is_the_baseline(singles, viewer, hand_layers, widget, dated_by):
    late, early = singles[1], singles[0]
    viewer.layers.clear()
    for layer, day in ((late, "2021-01-13"), (early, "2020-01-15")):
        if dated_by == "name":
            layer.metadata = {}
            layer.name = f"hand {day}"
        viewer.add_layer(layer)
    inputs = widget.form.inputs()
    assert (inputs.baseline, inputs.followup) == (early, late) and widget.run_button.isEnabled()
    widget.form.fields["baseline"].value = late
    widget.form.fields["followup"].value = early
    assert "of 2020-01-15, before the baseline of 2021-01-13" in widget.form.fields["followup"].message.text()
    assert not widget.run_button.isEnabled()


def test_files_without_dates_stay_in_their_order(singles, viewer, widget):
    for number, layer in enumerate(singles):
        del layer.metadata[KEY]["acquired"]
        layer.name = f"hand {number}"
    widget.reset_choices()
    assert widget.form.inputs().layers == singles
    viewer.layers.reverse()
    widget.reset_choices()
    assert widget.form.inputs().layers == singles[::-1]


@pytest.mark.parametrize("kind", ["rgb", "rgba", "float"])
def test_grey_radiographs_stored_in_colour_are_measured(singles, viewer, widget, engine, qtbot, kind):
    viewer.layers.clear()
    for number, layer in enumerate(singles):
        grey = layer.data if kind == "float" else np.rint(255 * layer.data).astype(np.uint8)
        viewer.add_image(np.stack([grey] * (4 if kind == "rgba" else 3), axis=-1), rgb=True, name=f"hand {number}")
    assert widget.form.inputs().layers == tuple(viewer.layers) and widget.run_button.isEnabled()
    widget.run_button.click()
    wait(widget, qtbot)
    measured = engine.calls[0]["patient"].visits[0].radiographs[0].pixels
    np.testing.assert_allclose(measured, singles[0].data, atol=0.003)
    assert names(viewer) >= RESULTS
