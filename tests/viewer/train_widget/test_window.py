"""A real training in a real window: live curve, abort and resume, and use of the new model."""

import pytest

from napari_jsn.segmentation.training import data, task
from napari_jsn.simulation.joint_pair import joint_pair
from napari_jsn.training.epoch import Epoch, Step
from napari_jsn.viewer import segment_joint
from napari_jsn.viewer.inputs.train import RESUME, SIMULATED
from napari_jsn.viewer.train_widget.widget import Train


@pytest.fixture
def opened(make_napari_viewer, monkeypatch, tmp_path):
    """A window with two labelled joints and the widget; an epoch has two batches of four images."""
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(task, "_LEAST_BATCHES", 2)
    init = task.SegmentationTask.__init__

    def small_batches(self, *arguments, **options):
        init(self, *arguments, **options)
        self._batch = 4

    monkeypatch.setattr(task.SegmentationTask, "__init__", small_batches)
    viewer = make_napari_viewer()
    for seed, joint in enumerate(("MCP2", "PIP3")):
        pair = joint_pair(joint, 0.2, seed=seed, shape=(96, 96), spacing_mm=0.23)
        viewer.add_image(pair.fixed, name=joint)
        viewer.add_labels(pair.fixed_masks.labels, name=f"{joint} mask")
    _, widget = viewer.window.add_plugin_dock_widget("napari-jsn", "Train")
    yield viewer, widget
    widget.close_run()


def test_a_training_is_followed_aborted_resumed_and_used(opened, qtbot, monkeypatch):
    viewer, widget = opened
    seen, show = [], Train.show_intermediate

    def abort_in_the_second_epoch(self, result, context):
        show(self, result, context)
        seen.append((result, self.curves.isHidden()))
        if isinstance(result, Epoch) and len(result.history) == 1 and not widget.start.value.startswith(RESUME):
            self.abort_button.click()

    monkeypatch.setattr(Train, "show_intermediate", abort_in_the_second_epoch)
    widget.epochs.value, widget.name.value, widget.device.value = 2, "mine", "cpu"
    widget.run_button.click()
    qtbot.wait_until(lambda: widget._run is None, timeout=120_000)
    assert widget.failure.text() == ""
    # the curve begins within the first epoch, where the loss of its first batch is known
    assert isinstance(seen[0][0], Step) and 0 < seen[0][0].epoch < 1 and not seen[0][1]
    assert len(widget.curves._shown[0]) == 1 and "Stopped in epoch 2" in widget.summary.text()

    widget.start.value = f"{RESUME}mine"
    widget.run_button.click()
    qtbot.wait_until(lambda: widget._run is None, timeout=120_000)
    assert widget.failure.text() == "" and widget.summary.text().startswith("Trained. Model <b>mine</b>")
    assert len(widget.curves._shown[0]) == 2 and "worst validation case" in viewer.layers

    segment = segment_joint(viewer)
    assert "mine" in segment.model.choices
    bones = segment(joint_image=viewer.layers["MCP2"], model="mine")
    assert bones.shape == (96, 96) and "bones of MCP2" in viewer.layers
    segment.close()


def test_simulated_joints_are_offered_counted_and_aborted_at_once(opened, qtbot, monkeypatch):
    _, widget = opened
    assert widget.simulated.value is False
    made = []
    joints = data.simulated_joints

    def few(count, seed, *arguments, **options):
        for joint in joints(count, seed, *arguments, **options):
            made.append(joint)
            yield joint

    monkeypatch.setattr(data, "simulated_joints", few)
    widget.simulated.value = True
    widget.run_button.click()
    worker = widget._run.progress.worker
    qtbot.wait_until(lambda: widget.status.text().startswith("Simulating joints: "), timeout=60_000)
    assert " of 2800" in widget.status.text() and widget.bar.maximum() == 2800
    widget.abort_button.click()
    assert widget._run is None and widget.run_button.isEnabled() and "No model was saved" in widget.status.text()
    qtbot.wait_until(lambda: not worker.is_running, timeout=30_000)
    assert len(made) < 100
    widget.source.value = SIMULATED  # simulated joints alone are no choice of their own
    assert widget.form.fields["simulated"].editor.isHidden()
