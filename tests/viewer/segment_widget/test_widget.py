"""The widget "Segment joint", with a fake segmentation."""

import numpy as np
import pytest
from napari.components import ViewerModel

import napari_jsn
from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.viewer.forms import fields
from napari_jsn.viewer.inputs.pair import PairForm
from napari_jsn.viewer.layers.read_layer import KEY
from napari_jsn.viewer.segment_widget.widget import SegmentJoint

MM = {"scale": (0.2, 0.2), "units": ("mm", "mm")}


class Segmenter:
    """Replaces ``napari_jsn.segment``: halves of the image; the row between them is both bones."""

    def __init__(self):
        self.calls, self.error, self.reasons = [], None, ()

    def __call__(self, image, model, device):
        self.calls.append((image, model, device))
        if self.error:
            raise self.error
        upper = np.zeros(image.shape, bool)
        upper[:8] = True
        lower = np.roll(~upper, -1, axis=0) & (np.arange(len(image)) < 15)[:, None]
        return FoundBones(upper, lower, self.reasons)


@pytest.fixture
def segmenter(monkeypatch):
    segmenter = Segmenter()
    monkeypatch.setattr(napari_jsn, "segment", segmenter, raising=False)
    monkeypatch.setattr(SegmentJoint, "modules", ())
    monkeypatch.setattr(fields, "described", lambda task: dict.fromkeys(["default", "mine"], "About it."))
    return segmenter


@pytest.fixture
def viewer(images):
    viewer = ViewerModel()
    viewer.add_image(images[0], name="baseline", translate=(3, 4), **MM)
    viewer.add_image(images[1], name="follow-up", **MM)
    return viewer


@pytest.fixture
def widget(viewer, segmenter, qtbot):
    widget = SegmentJoint(viewer)
    qtbot.addWidget(widget.native)
    viewer.layers.events.inserted.connect(widget.reset_choices)
    yield widget
    widget.close_run()
    qtbot.wait(20)


def run(widget, qtbot):
    widget.run_button.click()
    qtbot.wait_until(lambda: widget._run is None)


def test_bones_come_as_labels_on_the_image(viewer, widget, segmenter, images, qtbot):
    run(widget, qtbot)
    np.testing.assert_array_equal(segmenter.calls[0][0], images[0])
    assert segmenter.calls[0][1:] == ("default", None)
    bones = viewer.layers["bones of baseline"]
    assert np.unique(bones.data).tolist() == [0, 1, 2, 3] and bones.editable
    np.testing.assert_allclose(bones.translate, (3, 4))
    assert bones.units == viewer.layers["baseline"].units
    assert viewer.layers.selection.active is bones
    assert bones.metadata[KEY]["model"] == "default" and "brush" in widget.summary.text()
    run(widget, qtbot)
    assert len(viewer.layers) == 3


def test_corrected_bones_are_what_registration_uses_and_never_replaced(viewer, widget, qtbot):
    run(widget, qtbot)
    bones = viewer.layers["bones of baseline"]
    bones.data[0, 0] = 2
    bones.refresh()
    run(widget, qtbot)
    assert "corrected by hand" in widget.form.fields["joint_image"].message.text()
    assert bones.data[0, 0] == 2
    viewer.layers["baseline"].name = "MCP2 left"
    form = PairForm()
    form.set_choices(viewer.layers)
    inputs = form.inputs()
    assert inputs.fixed.name == "MCP2 left" and inputs.fixed_masks is bones
    assert inputs.as_core_arguments()["fixed_masks"]()[0, 0] == 2
    assert inputs.moving_masks is None


def test_an_input_error_and_another_error(widget, segmenter, qtbot):
    segmenter.error = InputError("There is no segmentation model 'x'.", "model")
    run(widget, qtbot)
    assert "no segmentation model" in widget.form.fields["model"].message.text()
    segmenter.error = RuntimeError("odd")
    run(widget, qtbot)
    assert "The segmentation failed" in widget.failure.text()


def test_a_warning_is_shown(viewer, widget, segmenter, qtbot):
    segmenter.reasons = (Reason(ReasonCode.BONE_UNCERTAIN, "The lower bone is uncertain."),)
    run(widget, qtbot)
    assert "The lower bone is uncertain." in widget.warning.text()
    assert viewer.layers["bones of baseline"].metadata[KEY]["reason"]


def test_without_an_image_run_is_off(viewer, widget):
    viewer.layers.clear()
    widget.reset_choices()
    assert not widget.run_button.isEnabled()
    assert "Open a joint image" in widget.form.fields["joint_image"].message.text()


def test_a_new_model_is_in_the_menu_at_once(widget, monkeypatch):
    monkeypatch.setattr(fields, "described", lambda task: dict.fromkeys(["default", "mine", "newest"], "New."))
    fields.models.changed.emit("segmentation", "newest")
    menu = widget.form.fields["model"].native
    assert [menu.itemText(k) for k in range(menu.count())] == ["default", "mine", "newest"]
