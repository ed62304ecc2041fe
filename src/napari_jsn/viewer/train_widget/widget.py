"""The dock widget "Train": a network that learns from the user's own labels, watched while it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.theme import get_theme
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.viewer.forms.models import models
from napari_jsn.viewer.forms.run_panel import RunPanel
from napari_jsn.viewer.layers.read_layer import pixels_of
from napari_jsn.viewer.layers.registration import BONES_LOOK, SPECTRUM_COLORMAP, put
from napari_jsn.viewer.train_widget.inputs import FOLDER, GO_ON, LAYERS, NEW, TrainForm, labels_of

if TYPE_CHECKING:
    import napari

    from napari_jsn.training.train import Trained
    from napari_jsn.training.watch import Epoch
    from napari_jsn.viewer.forms.worker import WorkerProgress

#: The three layers of the validation case that came out worst, by what a task shows: name, look and kind.
_WORST = {
    "image": ("worst validation case", {}, Image),
    "truth": ("worst validation case: labels given", BONES_LOOK, Labels),
    "found": ("worst validation case: bones found", BONES_LOOK, Labels),
    "fixed": ("worst validation pair: fixed", {}, Image),
    "transformed": ("worst validation pair: transformed", {}, Image),
    "spectrum": (
        "worst validation pair: loss spectrum",
        {"colormap": SPECTRUM_COLORMAP, "blending": "additive"},
        Image,
    ),
}


class Curves(QWidget):
    """The losses and the deciding figure, epoch by epoch."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer, self._canvas, self._shown = viewer, None, None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        self.hide()

    def show_epochs(self, history: list[dict[str, float]], best: int) -> None:
        """Draw them anew."""
        self._shown = history, best
        if self._canvas is None:
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
            from matplotlib.figure import Figure

            self._canvas = FigureCanvasQTAgg(Figure(layout="constrained"))
            self._canvas.setFixedHeight(290)
            self.layout().addWidget(self._canvas)
        self.redraw()
        self.show()

    def redraw(self) -> None:
        """Take up the colours of napari's theme."""
        if self._canvas is not None and self._shown is not None:
            from napari_jsn.training.curves import draw_curves

            theme = get_theme(self._viewer.theme)
            self._canvas.figure.set_facecolor(theme.background.as_hex())
            draw_curves(self._canvas.figure, *self._shown, ink=theme.text.as_hex())
            self._canvas.draw_idle()


class Train(RunPanel):
    """Train a network on pairs of image and labels layers, or on a folder of them.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    modules = ("torch", "monai.networks.nets")
    what = "training"

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self.curves, self.told = Curves(napari_viewer), QLabel()
        self.told.setObjectName("told")
        self.told.setWordWrap(True)
        tips = ("Train a new model", "Stop, and keep the best weights so far")
        super().__init__(napari_viewer, TrainForm(), self.told, self.curves, button="Train", tips=tips)

    def begin(self) -> tuple[Callable[[WorkerProgress], Trained], Any]:
        """Train on what the form says; the arrays are copies, safe from further painting."""
        inputs = self.form.inputs()
        what, given = inputs.what, inputs.pairs if inputs.source == LAYERS else ()
        if what == "segmentation":
            pairs = [_pair(*layers) for layers in given]
        else:
            pairs = [visit for layers in given for visit in self._visits(*layers)]
        folder = inputs.data if inputs.source == FOLDER else None
        resume, preset, epochs, name = inputs.resume, inputs.preset, inputs.epochs, inputs.name
        # several GPUs would each open a window of their own
        device = {"auto": None, "cuda": "cuda:0"}.get(inputs.device, inputs.device)
        start = None if inputs.start == NEW or inputs.start.startswith(GO_ON) else inputs.start
        self.told.setText("")
        self.curves.hide()

        def work(progress: WorkerProgress) -> Trained:
            from napari_jsn.training.tasks import task_from_folder, task_from_pairs
            from napari_jsn.training.train import check_lightning, train

            check_lightning()
            chosen, asked = preset, {"epochs": epochs, "name": name, "start": start}
            if resume is not None:
                from napari_jsn.training.resume import read_run

                chosen, asked = read_run(resume)["preset"], {"resume": resume}
            progress.update(0, 0, "Preparing the images")
            task = task_from_pairs(what, pairs, chosen) if pairs else task_from_folder(what, folder, chosen)
            return train(task, device=device, progress=progress, on_epoch=progress.news.emit, **asked)

        return work, {**self._free_place(), "task": what}

    def news(self, news: Epoch, notes: Mapping[str, Any]) -> None:
        """Show the curves, and the validation case that came out worst in this epoch."""
        self.curves.show_epochs(news.history, news.best)
        size = notes["size"] / max(next(iter(news.worst.values())).shape)
        place = {"scale": (size, size), "translate": notes["translate"], "units": notes["units"]}
        for role, data in news.worst.items():
            name, look, kind = _WORST[role]
            entry = {"role": f"worst_{role}", "fixed": "", "moving": ""}
            layer = put(self._viewer.layers, entry["role"], name, data, entry, place, look, kind)
            if len(news.history) == 1:
                layer.visible = role != "truth"

    def abort(self) -> None:
        """Stop after the batch under way; the best weights so far come as the result."""
        if self._run is not None:
            self._run.progress.abort()
            self.abort_button.setEnabled(False)
            self._say("Stopping after this batch")

    def finish(self, result: Trained, notes: Any) -> None:
        """Say what was learned and under which name it is found."""
        if result.path is None:
            self.told.setText("Stopped before the first epoch was done: there is nothing to keep.")
            return
        card = result.card
        measure, figure = next((name, each) for name, each in card["figures"].items() if isinstance(each, dict))
        state = "Trained." if result.finished else result.reason
        self.told.setText(
            f"{state} Model <b>{card['name']}</b>, best in epoch {card['epochs']['best']} of "
            f"{card['epochs']['trained']}: {measure.upper()} {figure['mean']:.4f}, worst case {figure['least']:.4f} "
            f"({card['figures']['samples']} validation images). It is in the menus now."
        )
        self.told.setToolTip(str(result.path))
        self.form.fields["name"].set("")  # taken now
        models.changed.emit(notes["task"], card["name"])

    def _finish(self, *answer: Any) -> None:
        super()._finish(*answer)
        self.form.offer_starts()  # a training that was stopped can go on

    def _refresh(self) -> None:
        self.form.setEnabled(self._run is None)
        super()._refresh()

    def _visits(self, *images: Any) -> list[tuple[str, Any, BoneMasks | None]]:
        """Name of the joint, grey levels, and masks where there are labels, of each visit."""
        joint, found = " and ".join(image.name for image in images), []
        for image in images:
            labels = labels_of(image, self._viewer.layers)
            masks = None if labels is None else _pair(image, labels)[2]
            found.append((joint, to_intensities(np.array(pixels_of(image)), "pairs", image.name), masks))
        return found

    def _free_place(self) -> dict[str, Any]:
        """A place right of all layers for the worst case, as high as the first of them."""
        layers = [layer for layer in self._viewer.layers if layer.metadata.get("napari_jsn", {}).get("fixed") != ""]
        if not layers:
            return {"translate": (0, 0), "size": 128, "units": ("pixel", "pixel")}
        first = layers[0].extent.world[:, -2:]
        size = float(np.ptp(first, axis=0).max())
        right = max(la.extent.world[1, -1] for la in layers)
        return {"translate": (float(first[0, 0]), right + 0.05 * size), "size": size, "units": layers[0].units[-2:]}

    def _restyle(self, event: Any = None) -> None:
        super()._restyle(event)
        self.curves.redraw()


def _pair(image: Any, labels: Any) -> tuple[str, Any, BoneMasks]:
    """Name, grey levels and masks of two layers."""
    try:
        masks = BoneMasks.from_labels(np.array(pixels_of(labels)))
    except InputError as error:
        raise InputError(f"{labels.name}: {error}", "pairs") from error
    return image.name, to_intensities(np.array(pixels_of(image)), "pairs", image.name), masks
