"""The dock widget "Register joint pair"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_jsn.registration import labels as words
from napari_jsn.viewer.forms.form import PairForm
from napari_jsn.viewer.forms.run_panel import RunPanel
from napari_jsn.viewer.layers.registration import Pair, show, show_bones
from napari_jsn.viewer.layers.side_by_side import SideBySide
from napari_jsn.viewer.pair_widget.results import ResultsPanel

if TYPE_CHECKING:
    import napari

    from napari_jsn.viewer.forms.worker import WorkerProgress

_ENGINE = "napari_jsn.registration.register"


@dataclass(frozen=True)
class _Notes:
    """What a registration was started with."""

    pair: Pair
    panels: Sequence[Any]
    facts: dict[str, Any]


class RegisterPair(RunPanel):
    """Register the two bones of a joint between two visits and show its narrowing.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    modules = ("torch", _ENGINE)
    what = "registration"

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self._panels: Sequence[Any] = ()
        self._result: tuple[Any, Pair] | None = None
        self._grid = SideBySide(napari_viewer)
        self.results = ResultsPanel()
        tips = ("Register the pair", "Stop and add nothing")
        super().__init__(napari_viewer, PairForm(), self.results, button="Run", tips=tips)
        self.results.compare.connect(self._compare)
        self.results.bones_wanted.connect(self._show_bones)
        napari_viewer.canvas.grid.events.enabled.connect(self._grid_toggled)

    def begin(self) -> tuple[Callable[[WorkerProgress], Any], _Notes]:
        """Register the pair in the form."""
        inputs = self.form.inputs()
        panels = [layer for layer in (inputs.fixed, inputs.fixed_masks, inputs.moving) if layer is not None]
        facts = {
            "spacing_source": self.form.spacing_source("fixed"),
            "moving_spacing_mm": inputs.moving_spacing_mm,
            "moving_spacing_source": self.form.spacing_source("moving"),
        }
        arguments = inputs.as_core_arguments()

        def work(progress: WorkerProgress) -> Any:
            progress.update(0, 0, "Registering")
            return import_module(_ENGINE).register(**arguments, progress=progress)

        self.results.clear()
        return work, _Notes(Pair.of(inputs.fixed, inputs.moving, inputs.spacing_mm), panels, facts)

    def finish(self, result: Any, notes: _Notes) -> None:
        """Show the layers and figures of a registration."""
        shown = show(self._viewer.layers, result, notes.pair, notes.facts)
        self._panels = (*notes.panels, *shown)
        self._result = result, notes.pair
        source = notes.facts["spacing_source"]
        spacing = words.spacing_label(result.spacing_mm) + (f" ({source})" if source else "")
        self.results.show_result(result, f"{notes.pair.moving} against {notes.pair.fixed}", spacing)
        QTimer.singleShot(0, self._compare)  # figures first, then the panels

    def close_run(self) -> None:
        """Stop; a widget that leaves the window gives the view back."""
        super().close_run()
        if self.parent() is None:
            self._grid.leave()

    def _compare(self) -> None:
        """Show the panels of the last result side by side, or leave that view, as the button says."""
        panels = [layer for layer in self._panels if layer in self._viewer.layers]
        if self.results.side_by_side.isChecked() and panels:
            self._grid.show(panels)
        else:
            self._grid.leave()

    def _show_bones(self) -> None:
        """Add the bones of the figures on show."""
        if self._result is not None:
            show_bones(self._viewer.layers, *self._result)

    def _grid_toggled(self, event: Any = None) -> None:
        """Leave the side-by-side view as a whole when napari's own button turns its grid off."""
        if self._grid.active and not self._viewer.canvas.grid.enabled:
            self.results.side_by_side.setChecked(False)

    def _refresh(self) -> None:
        super()._refresh()
        self.results.setVisible(self._run is None)
