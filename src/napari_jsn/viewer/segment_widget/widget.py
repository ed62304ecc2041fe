"""The dock widget "Segment joint": the two bones of a joint image as labels that can be corrected by hand."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtWidgets import QLabel

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.forms.form import Form
from napari_jsn.viewer.forms.inputs import DEVICES, ask, ask_with, image_problem
from napari_jsn.viewer.forms.models import ModelField
from napari_jsn.viewer.forms.run_panel import RunPanel
from napari_jsn.viewer.layers.read_layer import pixels_of
from napari_jsn.viewer.layers.registration import BONES, BONES_LOOK, PLACE, put
from napari_jsn.viewer.layers.roles import is_of, notes, role_of

if TYPE_CHECKING:
    import napari

    from napari_jsn.segmentation.found_bones import FoundBones
    from napari_jsn.viewer.forms.worker import WorkerProgress

_DONE = "Bones of {}. Correct them with napari's brush where they are wrong; a registration of this image uses them."


@dataclass(frozen=True)
class SegmentInputs:
    """What to segment, and with what."""

    joint_image: Any = ask(
        "Image", "image", "image", "Joint image: 2-D, grey, bone bright, finger axis vertical, distal end up."
    )
    model: str | None = ask_with(
        ModelField, "Model", "image", "The network that finds the bones; your own are made by the widget Train."
    )
    device: str = ask("Device", "choice", "image", "auto takes a CUDA GPU if there is one.", DEVICES[0], DEVICES)

    def problems(self) -> dict[str, str]:
        """Why nothing can be segmented: field name to a sentence; empty when it can."""
        image = self.joint_image
        found = {"joint_image": "Open a joint image." if image is None else image_problem(image)}
        if self.model is None:
            found["model"] = "There is no model yet. The widget Train makes one."
        return {name: problem for name, problem in found.items() if problem}


class SegmentForm(Form):
    """The form of one joint image."""

    def __init__(self) -> None:
        super().__init__(SegmentInputs, {"image": ("Joint image", "")})

    def offer(self, layers: Any) -> None:
        """Take up the viewer's layers: by default the first that is no result."""
        images = [layer for layer in layers if isinstance(layer, Image)]
        plain = (i for i in images if role_of(i, False) in (None, "fixed", "moving") and i.ndim == 2 and not i.rgb)
        self.fields["joint_image"].offer(images, next(plain, None))
        self._changed()


class SegmentJoint(RunPanel):
    """Find the two bones of a joint image and show them as labels.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    modules = ("torch", "monai.networks.nets")
    what = "segmentation"

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self.told, self.doubt = QLabel(), QLabel()
        for label, name in ((self.told, "told"), (self.doubt, "reason")):
            label.setObjectName(name)
            label.setWordWrap(True)
            label.hide()
        tips = ("Find the two bones", "Stop and add nothing")
        super().__init__(napari_viewer, SegmentForm(), self.doubt, self.told, button="Segment", tips=tips)

    def begin(self) -> tuple[Callable[[WorkerProgress], FoundBones], dict[str, Any]]:
        """Segment the image in the form; bones that were corrected by hand are never replaced."""
        inputs = self.form.inputs()
        layer = inputs.joint_image
        for found in self._viewer.layers:
            if isinstance(found, Labels) and is_of(found, layer) and _is_edited(found):
                told = f"{found.name!r} was corrected by hand. Remove that layer to find the bones anew."
                raise InputError(told, "joint_image")
        image = np.array(pixels_of(layer))
        device = None if inputs.device == "auto" else inputs.device
        place = {name: copy(getattr(layer, name)) for name in PLACE}
        place["affine"] = layer.affine.affine_matrix.copy()
        entry = {"role": BONES, "of": str(layer.unique_id), "image": layer.name, "model": inputs.model}
        self._tell("", "")

        def work(progress: WorkerProgress) -> FoundBones:
            import napari_jsn

            progress.update(0, 0, "Segmenting")
            masks: FoundBones = napari_jsn.segment(image, inputs.model, device)
            return masks

        return work, {"entry": entry, "place": place}

    def finish(self, result: FoundBones, notes: dict[str, Any]) -> None:
        """Add the labels, or renew those of an earlier run on this image."""
        labels, reason = result.labels, result.reason
        entry = {**notes["entry"], "reason": reason, "found": crc32(labels.tobytes())}
        name, place = f"bones of {entry['image']}", notes["place"]
        layers, same = self._viewer.layers, ("role", "of")
        layer = put(layers, BONES, name, labels, entry, place, BONES_LOOK, Labels, same)
        layers.selection.active = layer
        self._tell(_DONE.format(entry["image"]), f"Look closely: {reason}" if reason else "")

    def _tell(self, told: str, doubt: str) -> None:
        for label, text in ((self.told, told), (self.doubt, doubt)):
            label.setText(text)
            label.setVisible(bool(text))


def _is_edited(layer: Labels) -> bool:
    """Whether somebody painted on labels that were found."""
    return notes(layer).get("found") != crc32(np.ascontiguousarray(layer.data).tobytes())
