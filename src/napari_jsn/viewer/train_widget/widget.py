"""The dock widget "Train": train a network on labelled joint images, and follow its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.theme import Theme
from qtpy.QtWidgets import QLabel

from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.viewer.forms.fields import TextField, models
from napari_jsn.viewer.forms.plot import ThemedPlot
from napari_jsn.viewer.forms.run_panel import Run, RunPanel
from napari_jsn.viewer.forms.style import text_label
from napari_jsn.viewer.layers.read_layer import layer_metadata, pixels_of
from napari_jsn.viewer.layers.registration import BONES_STYLE, SPECTRUM_COLORMAP, add_or_update
from napari_jsn.viewer.train_widget.inputs import FOLDER, LAYERS, RANDOM_WEIGHTS, RESUME, TrainForm, labels_of

if TYPE_CHECKING:
    import napari
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QLabel

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

#: Name, intensities and masks of a joint image.
_TrainingImage = tuple[str, "NDArray[np.float32]", BoneMasks | None]


class Curves(ThemedPlot):
    """Plot of the losses, and of the measure that selects the best epoch."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer, height=290)
        self._shown: tuple[list[dict[str, float]], int] = [], 0

    def show_epochs(self, history: list[dict[str, float]], best: int) -> None:
        """Show these epochs."""
        self._shown = history, best
        self.update_plot()

    def draw(self, figure: Figure, theme: Theme) -> None:
        """Draw the curves."""
        from napari_jsn.training.curves import draw_curves

        draw_curves(figure, *self._shown, ink=theme.text.as_hex())


class Train(RunPanel):
    """Train a network on pairs of image and labels layers, or on a folder of images and masks.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    modules: tuple[str, ...] = ("torch", "monai.networks.nets")
    work_name = "training"
    form: TrainForm

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self.curves: Curves = Curves(napari_viewer)
        self.summary: QLabel = text_label("summary")
        tips = ("Train a new model", "Stop, and keep the best weights so far")
        super().__init__(napari_viewer, TrainForm(), self.summary, self.curves, button="Train", tips=tips)

    def begin(self) -> tuple[Callable[[WorkerProgress], Trained], Any]:
        """Train with the inputs of the form; arrays are copied, because layers may be painted on."""
        inputs = self.form.inputs()
        task_id, layer_pairs = inputs.task_id, inputs.pairs if inputs.source == LAYERS else ()
        pairs: list[_TrainingImage]
        if task_id == "segmentation":
            pairs = [_labelled_image(*layers) for layers in layer_pairs]
        else:
            pairs = [visit for layers in layer_pairs for visit in self._visits(*layers)]
        folder = inputs.data if inputs.source == FOLDER else None
        resume, preset, epochs, name = inputs.resume, inputs.preset, inputs.epochs, inputs.name
        # with several GPUs, Lightning would start a process with a window for each
        device = {"auto": None, "cuda": "cuda:0"}.get(inputs.device, inputs.device)
        new = inputs.start == RANDOM_WEIGHTS or inputs.start.startswith(RESUME)
        start = None if new else inputs.start
        self.summary.setText("")
        self.curves.hide()

        def work(progress: WorkerProgress) -> Trained:
            from napari_jsn.training.tasks import task_from_folder, task_from_pairs
            from napari_jsn.training.train import check_lightning, train

            check_lightning()
            used_preset, options = preset, {"epochs": epochs, "name": name, "start": start}
            if resume is not None:
                from napari_jsn.training.resume import read_run

                used_preset, options = read_run(resume)["preset"], {"resume": resume}
            progress.update(0, 0, "Preparing the images")
            task = (
                task_from_pairs(task_id, pairs, used_preset)
                if pairs
                else task_from_folder(task_id, folder, used_preset)
            )
            return train(task, device=device, progress=progress, on_epoch=progress.intermediate.emit, **options)

        return work, {**self._free_place(), "task": task_id}

    def show_intermediate(self, result: Epoch, context: Mapping[str, Any]) -> None:
        """Show the curves, and the worst validation case of the epoch."""
        self.curves.show_epochs(result.history, result.best)
        size = context["size"] / max(next(iter(result.worst.values())).shape)
        placement = {"scale": (size, size), "translate": context["translate"], "units": context["units"]}
        for key, data in result.worst.items():
            name, style, kind = _WORST_CASE[key]
            entry = {"role": f"worst_{key}", "fixed": "", "moving": ""}
            layer = add_or_update(self._viewer.layers, name, data, entry, placement, style, kind)
            if len(result.history) == 1:
                layer.visible = key != "truth"

    def abort(self) -> None:
        """Stop after the current batch; the best weights so far are the result."""
        if self._run is not None:
            self._run.progress.abort()
            self.abort_button.setEnabled(False)
            self._set_status("Stopping after this batch")

    def finish(self, result: Trained, context: Mapping[str, Any]) -> None:
        """Show name and figures of the model."""
        if result.path is None:
            self.summary.setText("Stopped before the first epoch was finished. No model was saved.")
            return
        card = result.card
        measure, figure = next((name, each) for name, each in card["figures"].items() if isinstance(each, dict))
        state = "Trained." if result.finished else result.reason
        self.summary.setText(
            f"{state} Model <b>{card['name']}</b>, best in epoch {card['epochs']['best']} of "
            f"{card['epochs']['trained']}: {measure.upper()} {figure['mean']:.4f}, worst case {figure['least']:.4f} "
            f"({card['figures']['samples']} validation images). You can now choose it in every list of models."
        )
        self.summary.setToolTip(str(result.path))
        self.form.field("name", TextField).set_text("")  # the name is in use now
        models.changed.emit(context["task"], card["name"])

    def _on_finish(self, run: Run, result: Any = None, error: Exception | None = None) -> None:
        is_current = self._run is run  # else the widget may have been closed
        super()._on_finish(run, result, error)
        if is_current:
            self.form.update_starts()  # a training that was stopped can be resumed

    def _update_buttons(self) -> None:
        self.form.setEnabled(self._run is None)
        super()._update_buttons()

    def _visits(self, *images: Any) -> list[_TrainingImage]:
        """Return name of the joint, intensities, and masks where there are labels, of each visit."""
        joint, visits = " and ".join(image.name for image in images), []
        for image in images:
            labels = labels_of(image, self._viewer.layers)
            masks = None if labels is None else _labelled_image(image, labels)[2]
            visits.append((joint, to_intensities(np.array(pixels_of(image)), "pairs", image.name), masks))
        return visits

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


def _labelled_image(image: Any, labels: Any) -> _TrainingImage:
    """Return name, intensities and masks of an image and a labels layer."""
    try:
        masks = BoneMasks.from_labels(np.array(pixels_of(labels)))
    except InputError as error:
        raise InputError(f"{labels.name}: {error}", "pairs") from error
    return image.name, to_intensities(np.array(pixels_of(image)), "pairs", image.name), masks
