"""The dock widget "Train": train a network on labelled joint images, and follow its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.theme import Theme
from qtpy.QtWidgets import QLabel

from napari_jsn.networks.weights import STATEMENT
from napari_jsn.training.epoch import Step
from napari_jsn.viewer import functions
from napari_jsn.viewer.forms.fields import TextField, models
from napari_jsn.viewer.forms.plot import ThemedPlot
from napari_jsn.viewer.forms.run_panel import Run, RunPanel, viewer_or_current
from napari_jsn.viewer.forms.style import text_label
from napari_jsn.viewer.inputs.train import TrainForm
from napari_jsn.viewer.layers.read_layer import layer_metadata
from napari_jsn.viewer.layers.registration import BONES_STYLE, SPECTRUM_COLORMAP, add_or_update

if TYPE_CHECKING:
    import napari
    from matplotlib.figure import Figure

    from napari_jsn.training.epoch import Epoch
    from napari_jsn.training.train import Trained
    from napari_jsn.viewer.forms.worker import WorkerProgress

#: Layers of the worst validation case by their key in an epoch's result: name, style and class.
_WORST_CASE: dict[str, tuple[str, dict[str, Any], type[Layer]]] = {
    "image": ("worst validation case", {}, Image),
    "truth": ("worst validation case: labels given", BONES_STYLE, Labels),
    "found": ("worst validation case: bones found", BONES_STYLE, Labels),
    "fixed": ("worst validation pair: fixed", {}, Image),
    "transformed": ("worst validation pair: transformed", {}, Image),
    "spectrum": (
        "worst validation pair: loss spectrum",
        {"colormap": SPECTRUM_COLORMAP, "blending": "additive"},
        Image,
    ),
}
#: The same of a training of scoring, whose labels are joints or bars of grades: napari's colours show all of them.
_WORST_GRADED: dict[str, tuple[str, dict[str, Any], type[Layer]]] = {
    **_WORST_CASE,
    "truth": ("worst validation case: grades given", {"opacity": 0.7}, Labels),
    "found": ("worst validation case: grades found", {"opacity": 0.7}, Labels),
}

_NO_MODEL = "Stopped before the first epoch was finished. No model was saved."
_AS_BEFORE = "Stopped before the next epoch was finished. The model of the earlier run stays, and can still be resumed."


class Curves(ThemedPlot):
    """Plot of the losses, and of the first measure of the validation."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer, height=290)
        self._shown: tuple[list[dict[str, float]], int] = [], 0
        self._steps: list[Step] = []

    def clear(self) -> None:
        """Remove the curves, before a training."""
        self._shown, self._steps = ([], 0), []
        self.hide()

    def show_step(self, step: Step) -> None:
        """Add the training loss of the last batches."""
        self._steps.append(step)
        self.update_plot()

    def show_epochs(self, history: list[dict[str, float]], best: int) -> None:
        """Show these epochs."""
        self._shown = history, best
        self.update_plot()

    def draw(self, figure: Figure, theme: Theme) -> None:
        """Draw the curves."""
        from napari_jsn.training.curves import draw_curves

        draw_curves(figure, *self._shown, ink=theme.text.as_hex(), steps=self._steps)


class Train(RunPanel):
    """Train a network on pairs of image and labels layers, or on a folder of images and masks.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer, optional
        By default the current one.
    """

    modules: tuple[str, ...] = ("torch", "monai.networks.nets")
    work_name = "training"
    form: TrainForm

    def __init__(self, napari_viewer: napari.viewer.Viewer | None = None) -> None:
        viewer = viewer_or_current(napari_viewer)
        self.curves: Curves = Curves(viewer)
        self.summary: QLabel = text_label("summary")
        self.summary.hide()
        self._has_weights = self._resumed = False
        tips = ("Train a new model", "Stop, and keep the weights so far")
        super().__init__(
            viewer, TrainForm(), self.summary, self.curves, button="Train", tips=tips, function=functions.train
        )

    @property
    def name(self) -> Any:
        """The field "Name"; a widget of magicgui has a text here, which names it in another form."""
        return self._list.get_by_name("name")

    @name.setter
    def name(self, name: str) -> None:
        """Do nothing: magicgui sets its text."""

    def begin(self) -> tuple[Callable[[WorkerProgress], Trained], Any]:
        """Train with the inputs of the form; arrays are copied, because layers may be painted on."""
        inputs = self.form.inputs()
        work = inputs.work(self._viewer.layers)
        self._has_weights, self._resumed = False, inputs.resume is not None
        self._say("")
        self.curves.clear()

        def train(progress: WorkerProgress) -> Trained:
            return work(progress, progress.intermediate.emit)

        return train, {**self._free_place(), "task": inputs.task_id}

    def show_intermediate(self, result: Step | Epoch, context: Mapping[str, Any]) -> None:
        """Show the curves, and the worst validation case of an epoch."""
        if isinstance(result, Step):
            self.curves.show_step(result)
            return
        self.curves.show_epochs(result.history, result.best)
        size = context["size"] / max(next(iter(result.worst.values())).shape)
        placement = {"scale": (size, size), "translate": context["translate"], "units": context["units"]}
        graded = context.get("task") == "scoring"
        for key, data in result.worst.items():
            name, style, kind = (_WORST_GRADED if graded else _WORST_CASE)[key]
            entry = {"role": f"worst_{key}{'_graded' * graded}", "fixed": "", "moving": ""}
            layer = add_or_update(self._viewer.layers, name, data, entry, placement, style, kind)
            if len(result.history) == 1:
                layer.visible = key != "truth"

    def abort(self) -> None:
        """Stop; the weights so far are the result. Before the run's first epoch is finished there are none."""
        if self._run is None:
            return
        if self._has_weights:
            self._run.progress.abort()
            self.abort_button.setEnabled(False)
            self._set_status("Stopping")
        else:
            self.close_run()
            self._set_status(_AS_BEFORE if self._resumed else _NO_MODEL)

    def finish(self, result: Trained, context: Mapping[str, Any]) -> None:
        """Show name and figures of the model."""
        if result.path is None:
            self._say(_AS_BEFORE if self._resumed else _NO_MODEL)
            return
        card = result.card
        measure, figure = next((name, each) for name, each in card["figures"].items() if isinstance(each, dict))
        state = "Trained." if result.finished else result.reason
        self._say(
            f"{state} Model <b>{card['name']}</b>, best in epoch {card['epochs']['best']} of "
            f"{card['epochs']['trained']}: {measure.upper()} {figure['mean']:.4f}, worst case {figure['least']:.4f} "
            f"({card['figures']['samples']} validation images). You can now choose it in every list of models."
            + (f"<br>{card[STATEMENT]}" if STATEMENT in card else "")  # of a network that grades damage
        )
        self.summary.setToolTip(str(result.path))
        self.form.field("name", TextField).value = None  # the name is in use now
        models.changed.emit(context["task"], card["name"])

    def _say(self, text: str) -> None:
        self.summary.setText(text)
        self.summary.setVisible(bool(text))

    def _on_intermediate(self, result: Any) -> None:
        self._has_weights |= not isinstance(result, Step)
        super()._on_intermediate(result)

    def _on_finish(self, run: Run, result: Any = None, error: Exception | None = None) -> None:
        is_current = self._run is run  # else the widget may have been closed
        super()._on_finish(run, result, error)
        if is_current:
            self.form.update_starts()  # a training that was stopped can be resumed

    def _update_buttons(self) -> None:
        self.form.setEnabled(self._run is None)  # the data of a training do not change while it runs
        super()._update_buttons()

    def _free_place(self) -> dict[str, Any]:
        """Return a place for the worst case at the right of all layers, as high as the first of them."""
        layers = [layer for layer in self._viewer.layers if layer_metadata(layer).get("fixed") != ""]
        if not layers:
            return {"translate": (0, 0), "size": 128, "units": ("pixel", "pixel")}
        first = layers[0].extent.world[:, -2:]
        size = float(np.ptp(first, axis=0).max())
        right = max(layer.extent.world[1, -1] for layer in layers)
        return {"translate": (float(first[0, 0]), right + 0.05 * size), "size": size, "units": layers[0].units[-2:]}

    def _apply_theme(self, event: Any = None) -> None:
        super()._apply_theme(event)
        self.curves.redraw()
