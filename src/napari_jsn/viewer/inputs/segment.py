"""Inputs and form of the widget "Segment joint"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_jsn.common.progress import Progress
from napari_jsn.viewer.forms.fields import LayerField, ModelField
from napari_jsn.viewer.forms.form import (
    DEVICE_TIP,
    DEVICES,
    Form,
    device_of,
    form_field,
    image_problem,
    layer_reader,
)
from napari_jsn.viewer.layers.read_layer import FIXED, MOVING, role_of

if TYPE_CHECKING:
    from napari_jsn.segmentation.found_bones import FoundBones


@dataclass(frozen=True)
class SegmentInputs:
    """The image to segment, and the model; each field has the name of an argument of :func:`napari_jsn.segment`."""

    joint_image: Any = form_field(
        "Image", "image", "image", "Joint image: 2-D, greyscale, bone bright, finger axis vertical, distal end up."
    )
    model: str | None = form_field(
        "Model", ModelField, "image", "The network that finds the bones. The widget Train makes your own models."
    )
    device: str = form_field("Device", "choice", "image", DEVICE_TIP, "auto", DEVICES)

    def problems(self) -> dict[str, str]:
        """Return why nothing can be segmented: field name to a sentence; empty where it can."""
        image = self.joint_image
        found = {"joint_image": "Open a joint image." if image is None else image_problem(image)}
        if self.model is None:
            found["model"] = "There is no model yet. Make one with the widget Train."
        return {name: problem for name, problem in found.items() if problem}

    def work(self) -> Callable[[Progress], FoundBones]:
        """Return the segmentation of the image as it is now; call it in any thread."""
        image, model, device = layer_reader(self.joint_image, "joint_image"), str(self.model), device_of(self.device)

        def segment(progress: Progress) -> FoundBones:
            import napari_jsn

            progress.update(0, 0, "Segmenting")
            found: FoundBones = napari_jsn.segment(image(), model, device)
            return found

        return segment


class SegmentForm(Form):
    """The form of one joint image."""

    def __init__(self) -> None:
        super().__init__(SegmentInputs, {"image": ("Joint image", "")})

    def set_choices(self, layers: Any) -> None:
        """Update the choices of images; by default the first that is no result."""
        images = [layer for layer in layers if isinstance(layer, Image)]
        plain = (i for i in images if role_of(i, False) in (None, FIXED, MOVING) and i.ndim == 2)
        self.field("joint_image", LayerField).set_choices(images, next(plain, None))
        self._on_change()
