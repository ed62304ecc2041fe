"""The dock widget "Register joint pair"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog

from napari_jsn.common.files import write_files
from napari_jsn.common.progress import Progress
from napari_jsn.registration import labels
from napari_jsn.viewer import functions
from napari_jsn.viewer.forms.run_panel import RunPanel, viewer_or_current
from napari_jsn.viewer.inputs.pair import REGISTER_MODULE, PairForm, PairInputs
from napari_jsn.viewer.layers.read_layer import layer_metadata
from napari_jsn.viewer.layers.registration import (
    ORIGINAL_SPECTRUM,
    TRANSFORMED_SPECTRUM,
    PairLayers,
    show_bones,
    show_registration,
)
from napari_jsn.viewer.layers.side_by_side import SideBySide
from napari_jsn.viewer.pair_widget.results import ResultsPanel

if TYPE_CHECKING:
    import napari

    from napari_jsn.registration.result import Registration


@dataclass(frozen=True)
class _Context:
    """What a registration was started with."""

    pair: PairLayers
    panels: Sequence[Any]
    facts: dict[str, Any]
    inputs: PairInputs
    #: The arguments of the figure, which needs the images as they were.
    arguments: dict[str, Any]


class RegisterPair(RunPanel):
    """Register the two bones of a joint between two visits and show how much the joint space narrowed.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer, optional
        By default the current one.
    """

    modules: tuple[str, ...] = ("torch", REGISTER_MODULE)
    work_name = "registration"
    form: PairForm

    def __init__(self, napari_viewer: napari.viewer.Viewer | None = None) -> None:
        viewer = viewer_or_current(napari_viewer)
        self._panels: Sequence[Any] = ()
        self._shown: tuple[Any, _Context] | None = None
        self._side_by_side = SideBySide(viewer)
        self.results: ResultsPanel = ResultsPanel()
        tips = ("Register the pair", "Stop and add nothing")
        super().__init__(viewer, PairForm(), self.results, button="Run", tips=tips, function=functions.register)
        self.form.changed.connect(self._show_figures_of_form)
        self.results.side_by_side_toggled.connect(self._update_side_by_side)
        self.results.bones_requested.connect(self._show_bones)
        self.results.figure_requested.connect(self._save_figure)
        viewer.canvas.grid.events.enabled.connect(self._on_grid_toggled)

    def begin(self) -> tuple[Callable[[Progress], Registration], _Context]:
        """Register the pair in the form."""
        inputs = self.form.inputs()
        panels = [layer for layer in (inputs.fixed, inputs.fixed_masks, inputs.moving) if layer is not None]
        facts = {
            "spacing_source": self.form.spacing_source("fixed"),
            "moving_spacing_mm": inputs.moving_spacing_mm,
            "moving_spacing_source": self.form.spacing_source("moving"),
        }
        pair = PairLayers.of(inputs.fixed, inputs.moving, inputs.spacing_mm)
        arguments = inputs.as_core_arguments()
        self._shown = None
        self.results.clear()
        return inputs.work(arguments), _Context(pair, panels, facts, inputs, arguments)

    def finish(self, result: Any, context: _Context | Callable[[Any], None]) -> None:
        """Show the layers and figures of a registration, or that its figure was saved."""
        if not isinstance(context, _Context):
            context(result)
            return
        shown = show_registration(self._viewer.layers, result, context.pair, context.facts)
        self._panels = (*context.panels, *shown)
        self._shown = result, context
        source = context.facts["spacing_source"]
        spacing = labels.spacing_label(result.spacing_mm) + (f" ({source})" if source else "")
        self.results.show_result(result, f"{context.pair.moving} against {context.pair.fixed}", spacing)
        self._show_figures_of_form()
        QTimer.singleShot(0, self._update_side_by_side)  # after the figures were painted

    def close_run(self) -> None:
        """Stop; restore the view when the widget is closed."""
        super().close_run()
        if self.native.parent() is None:
            self._side_by_side.restore()

    def _update_side_by_side(self) -> None:
        """Show the layers of the last result side by side, or restore the view, according to the button."""
        panels = [layer for layer in self._panels if layer in self._viewer.layers]
        if self.results.side_by_side.isChecked() and panels:
            self._side_by_side.show(panels)
        else:
            self._side_by_side.restore()
            for layer in panels:
                if layer_metadata(layer).get("role") in (ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM):
                    layer.visible = False  # it would cover the images

    def _show_figures_of_form(self) -> None:
        """Show the figures while the form holds what they were measured from, and hide them while it does not."""
        if self._shown is not None:
            measured, now = self._shown[1].inputs, self.form.inputs()
            self.results.set_current(replace(now, device=measured.device) == measured)

    def _show_bones(self) -> None:
        """Add the bones of the registration that is shown."""
        if self._shown is not None:
            show_bones(self._viewer.layers, self._shown[0], self._shown[1].pair)

    def _save_figure(self) -> None:
        """Save the six-panel figure of the registration that is shown as a file that the user chooses."""
        if self._shown is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(self.native, "Save figure", "registration.png", "Figures (*.png *.svg)")
        if not chosen:
            return
        self.start_work(partial(self._figure_work, *self._shown, Path(chosen)))

    def _figure_work(self, result: Registration, context: _Context, path: Path) -> tuple[Callable[..., Path], Any]:
        """Return the work that draws and writes the figure, and the function that shows where it is."""
        given, names = context.arguments, f"{context.pair.moving} against {context.pair.fixed}"
        sizes = given["spacing_mm"], given["moving_spacing_mm"]
        as_svg = path.suffix.lower() == ".svg"
        path = path if as_svg else path.with_suffix(".png")

        def draw(progress: Progress) -> Path:
            from napari_jsn.export.figure import png_bytes, registration_figure, svg_bytes

            progress.update(0, 0, "Drawing the figure")
            figure = registration_figure(given["fixed"](), given["moving"](), result, *sizes, names)
            write_files(path.parent, {path.name: svg_bytes(figure) if as_svg else png_bytes(figure)})
            return path

        return draw, lambda written: self._set_status(f"Saved {written}.")

    def _on_grid_toggled(self, event: Any = None) -> None:
        """Restore the whole view when napari's own button switches its grid off."""
        if self._side_by_side.active and not self._viewer.canvas.grid.enabled:
            self.results.side_by_side.setChecked(False)

    def _update_buttons(self) -> None:
        super()._update_buttons()
        self.results.setVisible(self._run is None)
