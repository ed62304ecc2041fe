"""The dock widget "Segment joint": the two bones of a joint image as labels that can be corrected by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_jsn.common.progress import Progress
from napari_jsn.viewer import functions
from napari_jsn.viewer.forms.run_panel import RunPanel, viewer_or_current
from napari_jsn.viewer.forms.style import text_label
from napari_jsn.viewer.inputs.segment import SegmentForm
from napari_jsn.viewer.layers.bones import bones_entry, check_not_edited, show_found_bones
from napari_jsn.viewer.layers.registration import placement_of

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QLabel

    from napari_jsn.segmentation.found_bones import FoundBones

_SUMMARY = "Bones of {}. Correct them with napari's brush where they are wrong. Register joint pair uses them as masks."


class SegmentJoint(RunPanel):
    """Find the two bones of a joint image and show them as labels.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer, optional
        By default the current one.
    """

    work_name = "segmentation"

    def __init__(self, napari_viewer: napari.viewer.Viewer | None = None) -> None:
        viewer = viewer_or_current(napari_viewer)
        self._image: Any = None
        self.summary: QLabel = text_label("summary")
        self.warning: QLabel = text_label("reason")
        self.summary.hide()
        self.warning.hide()
        super().__init__(
            viewer,
            SegmentForm(),
            self.warning,
            self.summary,
            button="Segment",
            tips=("Find the two bones", "Stop and add nothing"),
            function=functions.segment,
        )
        self.form.changed.connect(self._on_form_change)

    def begin(self) -> tuple[Callable[[Progress], FoundBones], dict[str, Any]]:
        """Segment the image in the form, unless its bones were corrected by hand: these are never replaced."""
        inputs = self.form.inputs()
        layer = self._image = inputs.joint_image
        check_not_edited(self._viewer.layers, layer)
        self._show_texts("", "")
        return inputs.work(), {"entry": bones_entry(layer, model=inputs.model), "placement": placement_of(layer)}

    def finish(self, result: FoundBones, context: dict[str, Any]) -> None:
        """Add the labels, or update those of an earlier run on this image."""
        entry, reason = context["entry"], result.reason
        show_found_bones(self._viewer.layers, result, entry, context["placement"])
        self._show_texts(_SUMMARY.format(entry["image"]), f"Check these bones: {reason}" if reason else "")

    def _on_form_change(self) -> None:
        """Remove the texts about an image when the form holds another one."""
        if self.form.inputs().joint_image is not self._image:
            self._show_texts("", "")

    def _show_texts(self, summary: str, warning: str) -> None:
        for label, text in ((self.summary, summary), (self.warning, warning)):
            label.setText(text)
            label.setVisible(bool(text))
