"""The widget "Train", with a small task in place of a real network."""

from threading import Event

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Aborted
from napari_jsn.networks.patients import patient_named
from napari_jsn.training import tasks
from napari_jsn.training import train as training
from napari_jsn.training.epoch import Epoch
from napari_jsn.viewer.forms.fields import ModelField
from napari_jsn.viewer.inputs.train import (
    FOLDER,
    LAYERS,
    RANDOM_WEIGHTS,
    RESUME,
    SIMULATED,
    TrainInputs,
    labelled_images,
    visit_pairs,
)
from napari_jsn.viewer.train_widget.widget import Train
from tests.training.conftest import ToyTask

MM = {"scale": (0.2, 0.2), "units": ("mm", "mm")}


@pytest.fixture
def models(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(folder))
    return folder


@pytest.fixture
def task_options(monkeypatch):
    """Record how the widget makes its task, and replace the task by a small one."""
    task_options = {}

    def from_pairs(name, pairs, preset, simulated, progress):
        task_options.update(name=name, pairs=list(pairs), preset=preset, simulated=simulated)
        return ToyTask(name=name)

    def from_folder(
        name, folder, preset, pairs=None, groups=None, simulated=True, progress=None, kind=None, layout=None
    ):
        task_options.update(folder=folder, preset=preset, simulated=simulated)
        return ToyTask(preset=preset)

    monkeypatch.setattr(tasks, "task_from_pairs", from_pairs)
    monkeypatch.setattr(tasks, "task_from_folder", from_folder)
    return task_options


@pytest.fixture
def viewer(images):
    viewer = ViewerModel()
    viewer.add_image(images[0], name="MCP2", **MM)
    viewer.add_labels(images[2], name="MCP2 mask", **MM)
    viewer.add_image(images[1], name="fixed", **MM)
    viewer.add_labels(images[2], name="bones of fixed", **MM)
    return viewer


@pytest.fixture
def widget(viewer, models, task_options, dock, qtbot):
    widget = dock(Train(viewer), viewer)
    yield widget
    widget.close_run()
    qtbot.wait(20)


def choose(widget, name, value):
    combo = widget.form.fields[name].native
    combo.setCurrentText(value)
    combo.activated.emit(combo.currentIndex())


def run(widget, qtbot):
    widget.run_button.click()
    qtbot.wait_until(lambda: widget._run is None, timeout=60_000)


def test_training_shows_curves_and_adds_a_model_to_the_menus(viewer, widget, task_options, models, qtbot):
    menu = ModelField("Model", "")
    qtbot.addWidget(menu.editor)
    widget.form.fields["name"].value = "mine"
    run(widget, qtbot)
    assert widget.failure.text() == "" and widget.run_button.isEnabled()
    assert [name for name, _, _ in task_options["pairs"]] == ["MCP2", "fixed"]
    assert all(image.dtype == np.float32 and masks.shape == (16, 12) for _, image, masks in task_options["pairs"])
    assert (models / "segmentation-mine.safetensors").exists()
    assert "<b>mine</b>" in widget.summary.text() and "DSC" in widget.summary.text()
    assert "mine" in [menu.native.itemText(k) for k in range(menu.native.count())]
    assert not widget.curves.isHidden() and len(widget.curves._shown[0]) == 4
    case = viewer.layers["worst validation case"]
    assert case.units == viewer.layers["MCP2"].units
    assert case.extent.world[0, 1] > viewer.layers["fixed"].extent.world[1, 1]  # beside the other layers
    assert [layer.name for layer in viewer.layers][4:] == [
        "worst validation case",
        "worst validation case: labels given",
        "worst validation case: bones found",
    ]
    widget.form.fields["name"].value = "mine"
    assert "There is a model of that name" in widget.form.fields["name"].message.text()
    assert not widget.run_button.isEnabled()
    widget.form.fields["name"].value = ""
    run(widget, qtbot)
    assert (models / "segmentation-my-toy.safetensors").exists()
    assert len(viewer.layers) == 7


def test_abort_keeps_the_best_epoch_and_the_training_can_be_resumed(widget, models, task_options, qtbot, monkeypatch):
    def abort_after_two_epochs(widget, result, context):
        assert widget.form.fields["name"].message.isHidden()
        if isinstance(result, Epoch) and len(result.history) == 2:
            widget.abort_button.click()

    monkeypatch.setattr(Train, "show_intermediate", abort_after_two_epochs)
    monkeypatch.setattr(ToyTask, "epochs", 300)
    widget.form.fields["name"].value = "my-toy"
    run(widget, qtbot)
    assert "Stopped in epoch" in widget.summary.text() and "<b>my-toy</b>" in widget.summary.text()
    assert (models / "segmentation-my-toy.safetensors").exists()
    choose(widget, "start", f"{RESUME}my-toy")
    assert widget.form.fields["name"].editor.isHidden() and widget.form.fields["simulated"].editor.isHidden()
    widget.form.fields["pairs"].value = ()  # the training knows its images
    assert widget.run_button.isEnabled()
    done = []
    monkeypatch.setattr(training, "train", lambda task, **options: done.append(options) or training.Trained(None))
    run(widget, qtbot)
    assert done[0]["resume"] == models / "segmentation-my-toy.ckpt" and "epochs" not in done[0]
    assert task_options["preset"] == "toy" and task_options["folder"] is None
    assert "The model of the earlier run stays" in widget.summary.text()
    leave = Event()
    monkeypatch.setattr(training, "train", lambda *_, **__: leave.wait(60) and None)
    widget.run_button.click()
    worker = widget._run.progress.worker
    widget.abort_button.click()  # before an epoch of this run: nothing is waited for
    assert widget._run is None and "can still be resumed" in widget.status.text()
    leave.set()
    qtbot.wait_until(lambda: not worker.is_running, timeout=30_000)


def test_closing_the_dock_stops_the_training(widget, qtbot, monkeypatch):
    seen = []
    monkeypatch.setattr(ToyTask, "epochs", 300)
    monkeypatch.setattr(Train, "show_intermediate", lambda *arguments: seen.append(1))
    widget.run_button.click()
    progress = widget._run.progress
    worker = progress.worker
    qtbot.wait_until(lambda: bool(seen), timeout=60_000)
    widget.close_run()
    assert progress.aborted and widget.run_button.isEnabled()
    qtbot.wait_until(lambda: not worker.is_running, timeout=10_000)


def test_the_form_shows_what_is_missing(viewer, widget, tmp_path):
    assert widget.run_button.isEnabled()
    choose(widget, "source", FOLDER)
    assert widget.form.fields["pairs"].editor.isHidden() and not widget.run_button.isEnabled()
    widget.form.fields["data"].value = str(tmp_path / "nothing")
    assert "no such folder" in widget.form.fields["data"].message.text()
    widget.form.fields["data"].value = str(tmp_path)
    assert widget.run_button.isEnabled()
    widget.form.fields["epochs"].value = "many"
    assert "whole number" in widget.form.fields["epochs"].message.text()
    widget.form.fields["epochs"].value = "3"
    widget.form.fields["name"].value = "a/b"
    assert "cannot be called" in widget.form.fields["name"].message.text()
    widget.form.fields["name"].value = ""
    choose(widget, "source", SIMULATED)
    assert widget.run_button.isEnabled()
    viewer.layers.clear()
    choose(widget, "source", LAYERS)
    assert "Open joint images" in widget.form.fields["pairs"].message.text() and not widget.run_button.isEnabled()


def test_the_folder_is_passed_to_the_task(widget, task_options, tmp_path, qtbot):
    choose(widget, "source", FOLDER)
    widget.form.fields["data"].value = str(tmp_path)
    choose(widget, "preset", "paper")
    widget.form.fields["epochs"].value = "1"
    run(widget, qtbot)
    assert (task_options["folder"], task_options["preset"]) == (str(tmp_path), "paper")
    assert len(widget.curves._shown[0]) == 1
    assert widget.form.inputs().start == RANDOM_WEIGHTS


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (InputError("That folder is empty. Choose another.", "data"), "data"),
        (InputError("Training needs Lightning."), None),
    ],
)
def test_errors_are_shown(widget, qtbot, monkeypatch, error, place):
    def refuse(*args, **options):
        raise error

    monkeypatch.setattr(tasks, "task_from_pairs", refuse)
    run(widget, qtbot)
    label = widget.failure if place is None else widget.form.fields[place].message
    assert label.text() == str(error)


def test_invalid_labels_are_refused_with_their_name(viewer, widget, qtbot):
    viewer.layers["MCP2 mask"].data = np.full((16, 12), 9, np.uint8)
    run(widget, qtbot)
    assert "MCP2 mask" in widget.form.fields["pairs"].message.text()


def test_pairs_are_found_by_name_and_size(viewer):
    viewer.add_labels(np.zeros((5, 5), np.uint8), name="fixed mask")
    viewer.add_image(np.zeros((5, 5)), name="alone")
    viewer.add_image(np.zeros((16, 12, 3)), name="colour", rgb=True)
    assert [(image.name, labels.name) for image, labels in labelled_images(viewer.layers)] == [
        ("MCP2", "MCP2 mask"),
        ("fixed", "bones of fixed"),
    ]


def test_an_unticked_pair_stays_out(viewer, widget, images):
    from qtpy.QtCore import Qt

    widget.form.fields["pairs"].native.item(0).setCheckState(Qt.CheckState.Unchecked)
    viewer.add_image(images[0], name="new")
    assert [image.name for image, _ in widget.form.inputs().pairs] == ["fixed"]


def test_registration_learns_from_pairs_of_images_without_labels(viewer, widget, task_options, models, images, qtbot):
    viewer.add_image(images[1], name="PIP3 visit 2", **MM)
    viewer.add_image(images[0], name="PIP3 visit 1", **MM)
    choose(widget, "task", "register")
    assert [(a.name, b.name) for a, b in widget.form.inputs().pairs] == [("PIP3 visit 2", "PIP3 visit 1")]
    run(widget, qtbot)
    assert widget.failure.text() == "" and task_options["name"] == "registration"
    assert [(name, masks) for name, _, masks in task_options["pairs"]] == [("PIP3", None)] * 2
    assert (models / "registration-my-toy.safetensors").exists()
    choose(widget, "task", "find bones")
    assert [image.name for image, _ in widget.form.inputs().pairs] == ["MCP2", "fixed"]


def test_grades_are_learned_from_a_folder_or_from_simulated_hands(widget, task_options, models, tmp_path, qtbot):
    choose(widget, "task", "grade joints")
    assert "Choose a folder" in widget.form.fields["pairs"].message.text() and widget.form.inputs().pairs == ()
    choose(widget, "source", FOLDER)
    assert "scores.csv" in widget.form.fields["data"].message.text()
    widget.form.fields["data"].value = str(tmp_path)
    assert widget.form.inputs().problems() == {} and widget.form.inputs().task_id == "scoring"
    run(widget, qtbot)
    assert widget.failure.text() == "" and task_options["folder"] == str(tmp_path)
    choose(widget, "source", SIMULATED)
    assert widget.form.inputs().problems() == {}


def test_the_presets_are_those_of_the_task(widget, task_options, models, qtbot):
    assert tuple(widget.form.fields["preset"].choices) == ("default", "paper")
    choose(widget, "task", "grade joints")
    assert tuple(widget.form.fields["preset"].choices) == ("default", "one-stage", "paper")
    choose(widget, "source", SIMULATED)
    choose(widget, "preset", "one-stage")
    run(widget, qtbot)
    assert task_options["preset"] == "one-stage" and task_options["folder"] is None
    choose(widget, "task", "find bones")
    assert tuple(widget.form.fields["preset"].choices) == ("default", "paper")
    assert widget.form.inputs().preset == "default"


def test_a_training_of_scoring_shows_grades_and_what_was_learned_on(
    viewer, widget, task_options, models, qtbot, monkeypatch
):
    made = ToyTask.card
    monkeypatch.setattr(ToyTask, "card", lambda self: {**made(self), "statement": "Learned on squares."})
    choose(widget, "task", "grade joints")
    choose(widget, "source", SIMULATED)
    run(widget, qtbot)
    assert "Learned on squares." in widget.summary.text()
    names = [layer.name for layer in viewer.layers]
    assert "worst validation case: grades found" in names and "worst validation case: bones found" not in names
    found = viewer.layers["worst validation case: grades found"]
    assert all(found.get_color(label)[3] > 0 for label in range(1, 15))


def test_an_abort_while_patients_are_simulated_is_no_error(widget, task_options, models, tmp_path, qtbot, monkeypatch):
    def simulated(self):
        raise Aborted

    monkeypatch.setattr(ToyTask, "validation_batches", simulated)
    choose(widget, "task", "grade joints")
    choose(widget, "source", SIMULATED)
    run(widget, qtbot)
    assert widget.failure.text() == "" and not list(models.glob("*.safetensors"))


def test_the_worst_pair_of_a_registration_is_shown(viewer, widget):
    epoch = type("Epoch", (), {})()
    epoch.history, epoch.best = [{"epoch": 1.0, "train_loss": 1.0, "val_loss": 1.0, "near": 0.5, "worst": 0.1}], 1
    epoch.worst = {name: np.zeros((32, 32), np.float32) for name in ("fixed", "transformed", "spectrum")}
    widget.show_intermediate(epoch, widget._free_place())
    shown = [layer.name for layer in viewer.layers][4:]
    assert shown == [f"worst validation pair: {name}" for name in ("fixed", "transformed", "loss spectrum")]


@pytest.mark.parametrize(
    ("names", "patients"),
    [
        (("MCP2 fixed", "MCP2 moving", "PIP3 fixed", "PIP3 moving"), {"MCP2", "PIP3"}),
        (("P7_L_MCP2 visit 1", "P7_L_MCP2 visit 2", "P8_L_MCP2 visit 1", "P8_L_MCP2 visit 2"), {"P7", "P8"}),
        (("baseline MCP2", "follow-up MCP2", "baseline MCP3", "follow-up MCP3"), {"MCP2", "MCP3"}),
        (("MCP2_1", "MCP2_2", "DIP4_1", "DIP4_2"), {"MCP2", "DIP4"}),
    ],
)
def test_joints_of_several_patients_are_not_taken_for_one(viewer, images, names, patients):
    viewer.layers.clear()
    for name in names:
        viewer.add_image(images[0], name=name)
    pairs = visit_pairs(viewer.layers)
    assert [(a.name, b.name) for a, b in pairs] == [names[:2], names[2:]]
    inputs = TrainInputs(task="register", pairs=tuple(pairs))
    assert {patient_named(read()[0]) for read in inputs._readers(viewer.layers)} == patients


@pytest.mark.parametrize("names", [("MCP2", "MCP3"), ("L MCP 2", "L MCP 3"), ("pip2", "pip5"), ("DIP_2", "DIP_3")])
def test_two_joints_are_no_visits_of_one(viewer, images, names):
    viewer.layers.clear()
    for name in names:
        viewer.add_image(images[0], name=name)
    assert visit_pairs(viewer.layers) == []


def test_visits_are_paired_by_name(viewer, images):
    viewer.layers.clear()
    for name in ("MCP2 visit 1", "MCP2 visit 2", "MCP3 visit 1", "fixed", "moving"):
        viewer.add_image(images[0], name=name)
    viewer.add_image(images[0], name="transformed moving", metadata={"napari_jsn": {"role": "transformed"}})
    assert [(a.name, b.name) for a, b in visit_pairs(viewer.layers)] == [
        ("MCP2 visit 1", "MCP2 visit 2"),
        ("fixed", "moving"),
    ]
