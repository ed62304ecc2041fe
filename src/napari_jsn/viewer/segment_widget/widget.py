"""The dock widget "Segment joint": the two bones of a joint image as labels that can be corrected by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QLabel

from napari_jsn.viewer.forms.fields import LayerField, ModelField
from napari_jsn.viewer.forms.form import DEVICES, Form, form_field, image_problem
from napari_jsn.viewer.forms.run_panel import RunPanel
from napari_jsn.viewer.forms.style import text_label
from napari_jsn.viewer.layers.bones import bones_entry, check_not_edited, show_found_bones
from napari_jsn.viewer.layers.read_layer import FIXED, MOVING, pixels_of, role_of
from napari_jsn.viewer.layers.registration import placement_of

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QLabel

    from napari_jsn.segmentation.found_bones import FoundBones
    from napari_jsn.viewer.forms.worker import WorkerProgress

_SUMMARY = "Bones of {}. Correct them with napari's brush where they are wrong. Register joint pair uses them as masks."


@dataclass(frozen=True)
class SegmentInputs:
    """The image to segment, and the model."""

    joint_image: Any = form_field(
        "Image", "image", "image", "Joint image: 2-D, greyscale, bone bright, finger axis vertical, distal end up."
    )
    model: str | None = form_field(
        "Model", ModelField, "image", "The network that finds the bones. The widget Train makes your own models."
    )
    device: str = form_field("Device", "choice", "image", "auto takes a CUDA GPU if there is one.", DEVICES[0], DEVICES)

    def problems(self) -> dict[str, str]:
        """Return why nothing can be segmented: field name to a sentence; empty where it can."""
        image = self.joint_image
        found = {"joint_image": "Open a joint image." if image is None else image_problem(image)}
        if self.model is None:
            found["model"] = "There is no model yet. Make one with the widget Train."
        return {name: problem for name, problem in found.items() if problem}


class SegmentForm(Form):
    """The form of one joint image."""

    def __init__(self) -> None:
        super().__init__(SegmentInputs, {"image": ("Joint image", "")})

    def set_choices(self, layers: Any) -> None:
        """Update the choices of images; by default the first that is no result."""
        images = [layer for layer in layers if isinstance(layer, Image)]
        plain = (i for i in images if role_of(i, False) in (None, FIXED, MOVING) and i.ndim == 2 and not i.rgb)
        self.field("joint_image", LayerField).set_choices(images, next(plain, None))
        self._on_change()


class SegmentJoint(RunPanel):
    """Find the two bones of a joint image and show them as labels.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    modules: tuple[str, ...] = ("torch", "monai.networks.nets")
    work_name = "segmentation"

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self.summary: QLabel = text_label("summary")
        self.warning: QLabel = text_label("reason")
        self.summary.hide()
        self.warning.hide()
        tips = ("Find the two bones", "Stop and add nothing")
        super().__init__(napari_viewer, SegmentForm(), self.warning, self.summary, button="Segment", tips=tips)

    def begin(self) -> tuple[Callable[[WorkerProgress], FoundBones], dict[str, Any]]:
        """Segment the image in the form, unless its bones were corrected by hand: these are never replaced."""
        inputs = self.form.inputs()
        layer = inputs.joint_image
        check_not_edited(self._viewer.layers, layer)
        image = np.array(pixels_of(layer))
        device = None if inputs.device == "auto" else inputs.device
        entry = bones_entry(layer, model=inputs.model)
        self._show_texts("", "")

        def work(progress: WorkerProgress) -> FoundBones:
            import napari_jsn

            progress.update(0, 0, "Segmenting")
            masks: FoundBones = napari_jsn.segment(image, inputs.model, device)
            return masks

        return work, {"entry": entry, "placement": placement_of(layer)}

    def finish(self, result: FoundBones, context: dict[str, Any]) -> None:
        """Add the labels, or update those of an earlier run on this image."""
        entry, reason = context["entry"], result.reason
        show_found_bones(self._viewer.layers, result, entry, context["placement"])
        self._show_texts(_SUMMARY.format(entry["image"]), f"Check these bones: {reason}" if reason else "")

    def _show_texts(self, summary: str, warning: str) -> None:
        for label, text in ((self.summary, summary), (self.warning, warning)):
            label.setText(text)
            label.setVisible(bool(text))
