"""The dock widgets in a script, in a real window and with real computing."""

import re
from pathlib import Path

import napari
import numpy as np
import pytest
from napari.components import ViewerModel

import napari_jsn
from napari_jsn.viewer import measure_hands, register_pair, segment_joint, train
from napari_jsn.viewer.file_readers.samples import joint_pair_mcp

PAGE = Path(__file__).parents[2] / "docs" / "viewer.md"
RESULTS = ["transformed follow-up", "original loss spectrum", "transformed loss spectrum"]
MAKERS = {each.__name__: each for each in (register_pair, segment_joint, train, measure_hands)}


@pytest.fixture
def pair(make_napari_viewer):
    viewer = make_napari_viewer()
    for data, options, kind in joint_pair_mcp():
        getattr(viewer, f"add_{kind}")(data, **options)
    return viewer


@pytest.fixture
def model():
    """A viewer without a window, with the shipped joint pair."""
    viewer = ViewerModel()
    for data, options, kind in joint_pair_mcp():
        getattr(viewer, f"add_{kind}")(data, **options)
    return viewer


@pytest.fixture
def made(qtbot):
    """Return a function that makes a widget, which is closed after the test."""

    def make(maker, *arguments):
        widget = maker(*arguments)
        qtbot.addWidget(widget.native)
        return widget

    return make


def names(viewer):
    return [layer.name for layer in viewer.layers]


def expected(viewer, **options):
    fixed, moving = viewer.layers["baseline"], viewer.layers["follow-up"]
    masks = {"fixed_masks": viewer.layers["baseline bones"].data, "moving_masks": viewer.layers["follow-up bones"].data}
    return napari_jsn.register(fixed.data, moving.data, spacing_mm=0.1, **masks, **options)


@pytest.mark.parametrize("docked", [True, False])
def test_a_call_returns_the_registration_and_adds_its_layers(pair, made, docked, qtbot):
    widget = made(register_pair)
    if docked:
        pair.window.add_dock_widget(widget, name="Register joint pair")
    results = []
    widget.called.connect(results.append)
    found = widget(fixed=pair.layers["baseline"], moving=pair.layers["follow-up"])
    assert results == [found]
    assert found.jsn_mm == pytest.approx(expected(pair).jsn_mm, abs=1e-9)
    assert names(pair)[4:] == RESULTS and all(pair.layers[name].visible for name in RESULTS)
    for layer, attribute in zip(pair.layers[4:], ("transformed", "original_spectrum", "transformed_spectrum")):
        np.testing.assert_array_equal(layer.data, getattr(found, attribute))
    qtbot.wait(20)  # the view side by side comes after the figures
    assert all(pair.layers[name].visible for name in RESULTS)
    assert f"{found.jsn_mm:+.3f}" in widget.results.text()
    assert widget.run_button.isEnabled() and not widget.abort_button.isEnabled()


def test_fields_are_set_and_the_button_does_the_same_in_a_thread(pair, made, qtbot):
    widget = made(register_pair, pair)
    widget.fixed.value, widget.moving.value = pair.layers["follow-up"], pair.layers["baseline"]
    widget.fixed_masks.value, widget.moving_masks.value = pair.layers["follow-up bones"], None
    widget.spacing_mm.value, widget.method.value, widget.device.value = 0.2, "pipoc", "cpu"
    called = widget()
    assert (called.method, called.spacing_mm) == ("pipoc", 0.2)
    assert names(pair)[4] == "transformed baseline"
    results = []
    widget.called.connect(results.append)
    widget.run_button.click()
    assert results == []
    qtbot.wait_until(lambda: results != [], timeout=20_000)
    assert results[0].jsn_mm == pytest.approx(called.jsn_mm, abs=1e-9)
    assert len(pair.layers) == 7


def test_a_new_layer_can_be_chosen_at_once(model, made):
    widget = made(register_pair, model)
    late = model.add_image(np.zeros((40, 40)), name="late")
    widget.moving.value = late
    assert widget.moving.value is late
    model.layers.remove(late)
    assert widget.moving.value is model.layers["follow-up"]


def test_masks_of_other_images_are_never_used(model, made):
    """A call with other images finds their bones, where the form had masks of the images before."""
    widget = made(register_pair, model)
    images = [model.add_image(model.layers[name].data.copy(), name=name[::-1]) for name in ("baseline", "follow-up")]
    widget.form.set_values({"fixed": images[0], "moving": images[1]})
    assert widget.fixed_masks.value is widget.moving_masks.value is None
    widget.form.set_values({"fixed": model.layers["baseline"]})
    assert widget.fixed_masks.value is model.layers["baseline bones"]
    widget.form.set_values({"fixed": images[1], "fixed_masks": model.layers["follow-up bones"], "moving": images[0]})
    assert widget.fixed_masks.value is model.layers["follow-up bones"] and widget.moving_masks.value is None


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (lambda layers: {"fixed": layers[0], "moving": layers[0]}, "moving: This is the fixed image"),
        (lambda layers: {"fixed": layers[1]}, "fixed: 'baseline bones' is no layer of this viewer that can be chosen"),
        (lambda layers: {"moving": np.zeros((9, 9))}, "moving: 'ndarray' is no layer"),
        (lambda layers: {"spacing_mm": -1}, "spacing_mm: Give a number of mm above 0"),
        (lambda layers: {"spacing_mm": [0.1, "x"]}, r"spacing_mm: \[0.1, 'x'\] is no pixel size"),
        (lambda layers: {"method": "elastix"}, "method: There is no choice 'elastix'. Choose one of: refined"),
        (lambda layers: {"model": "default"}, "There is no field 'model'. Choose one of: fixed"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(model, made, values, problem):
    widget = made(register_pair, model)
    with pytest.raises(napari_jsn.InputError, match=problem):
        widget(**values(model.layers))
    assert len(model.layers) == 4


def test_an_error_of_the_computation_is_raised_and_shown(model, made):
    black = model.add_image(np.zeros((60, 60)), name="black", scale=(0.1, 0.1), units=("mm", "mm"))
    widget = made(register_pair, model)
    results = []
    widget.called.connect(results.append)
    with pytest.raises(napari_jsn.InputError) as caught:
        widget(fixed=black)
    assert widget.fixed.message.text() == str(caught.value)
    assert len(model.layers) == 5 and results == []
    assert widget(fixed=model.layers["baseline"]).reliable


def test_a_call_while_the_widget_runs_is_refused(model, made, qtbot):
    widget = made(segment_joint, model)
    results = []
    widget.called.connect(results.append)
    widget.run_button.click()
    with pytest.raises(napari_jsn.InputError, match="A segmentation is running"):
        widget()
    qtbot.wait_until(lambda: results != [], timeout=20_000)


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_work_that_ends_after_the_widget_was_closed_touches_nothing(model, made, maker, monkeypatch):
    widget = made(maker, model)
    run = widget._prepare_run(None, True)
    widget.close_run()
    assert run.progress.aborted
    monkeypatch.setattr(widget, "form", None)  # its fields are deleted with the window
    widget._on_finish(run, None, ValueError("late"))
    widget._on_finish(run)


def test_an_interrupt_ends_the_run(model, made, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    widget = made(segment_joint, model)
    monkeypatch.setattr(napari_jsn, "segment", interrupt, raising=False)
    with pytest.raises(KeyboardInterrupt):
        widget()
    assert widget.run_button.isEnabled() and len(model.layers) == 4


def test_an_error_of_a_callback_is_raised_after_the_layers_were_added(model, made):
    def fail(result):
        raise ZeroDivisionError("mine")

    widget = made(segment_joint, model)
    widget.called.connect(fail)
    with pytest.raises(Exception, match="mine"):
        widget()
    assert "bones of baseline" in names(model) and widget.run_button.isEnabled()


def test_segment_joint(pair, made):
    widget = made(segment_joint)
    found = widget(joint_image=pair.layers["follow-up"], model="default", device="cpu")
    np.testing.assert_array_equal(pair.layers["bones of follow-up"].data, found.labels)
    np.testing.assert_array_equal(found.labels, napari_jsn.segment(pair.layers["follow-up"].data).labels)


def test_measure_hands(make_napari_viewer, made):
    viewer = make_napari_viewer()
    viewer.open_sample("napari-jsn", "hand_pair")
    widget = made(measure_hands)
    progression = widget(device="cpu")
    assert isinstance(progression, napari_jsn.Progression) and len(progression.narrowings) == 10
    assert {"joints", "joints at follow-up", "bones, baseline", *RESULTS[1:]} <= {*names(viewer)}
    with pytest.raises(napari_jsn.InputError, match="These are the radiographs of the patient that is open"):
        widget.form.fields["patient"].value = ()


def test_train(model, made, tmp_path, monkeypatch):
    from napari_jsn.training import tasks
    from tests.training.conftest import ToyTask

    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path))
    monkeypatch.setattr(tasks, "task_from_pairs", lambda name, *_: ToyTask(name=name))
    widget = made(train, model)
    baseline, bones, followup, followup_bones = model.layers
    widget.pairs.value = [(baseline, bones)]
    assert widget.pairs.value == ((baseline, bones),)
    widget.pairs.value = [(baseline, bones), (followup, bones)]
    assert len(widget.pairs.value) == 2
    with pytest.raises(napari_jsn.InputError, match="pairs: Give pairs of two layers"):
        widget.pairs.value = [(baseline, None)]
    trained = widget(epochs=2, name="mine", device="cpu")
    assert trained.finished and trained.path.is_file() and len(trained.history) == 2
    assert "mine" in widget.summary.text() and "worst validation case" in names(model)
    with pytest.raises(napari_jsn.InputError, match="name: There is a model of that name"):
        widget(name="mine")


def test_the_sessions_of_the_page_run_as_printed(make_napari_viewer, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)  # the session of the dock writes its store there
    monkeypatch.setattr(napari, "Viewer", make_napari_viewer)
    monkeypatch.setattr(napari, "run", lambda: None)
    session = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    names: dict = {}
    exec(compile(session, str(PAGE), "exec"), names)
    assert re.match(r"<Registration: JSN \+0\.\d+ mm .*, refined, good>\n0\.\d+", capsys.readouterr().out)
    assert names["registration"].jsn_mm == pytest.approx(0.3, abs=0.1)
    found = names["register_reversed"](first=names["baseline"], second=names["followup"])
    assert found.method == "network" and "transformed baseline" in names["viewer"].layers
    names["widget"].close()


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_every_field_is_an_attribute_of_its_widget(model, made, maker):
    widget = made(maker, model)
    for name, field in widget.form.fields.items():
        if (maker, name) != (measure_hands, "patient"):  # the method that returns the patient
            assert getattr(widget, name) is field
    with pytest.raises(AttributeError, match="nothing"):
        _ = widget.nothing


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_without_a_viewer_a_widget_is_refused(maker, monkeypatch):
    monkeypatch.setattr(napari, "current_viewer", lambda: None)
    with pytest.raises(napari_jsn.InputError, match="There is no viewer"):
        maker()
