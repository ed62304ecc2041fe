"""The dock widget "Measure hands": find and measure all finger joints on radiographs of whole hands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.export.progression_files import is_progression_file
from napari_jsn.viewer.forms.run_panel import RunPanel, viewer_or_current
from napari_jsn.viewer.forms.style import inks
from napari_jsn.viewer.hands_widget.boxes import (
    FOLLOWUP_JOINTS,
    JOINTS,
    Box,
    box_layer,
    edited_joints,
    on_split_radiographs,
    read_boxes,
)
from napari_jsn.viewer.hands_widget.camera import BoxWatcher, centre_on_box
from napari_jsn.viewer.hands_widget.inputs import MeasureForm, radiographs_of_form
from napari_jsn.viewer.hands_widget.layers import HandLayers, result_layers, show_found
from napari_jsn.viewer.hands_widget.results import ProgressionPanel
from napari_jsn.viewer.layers.radiograph import (
    RadiographLayer,
    patient_from_layers,
)

if TYPE_CHECKING:
    import napari

    from napari_jsn.patient.patient import Patient
    from napari_jsn.progression.progression import Progression
    from napari_jsn.viewer.forms.worker import WorkerProgress

#: Work for the worker, and the function that shows its result.
Job = tuple["Callable[[WorkerProgress], Any]", Callable[[Any], None]]


class MeasureHands(RunPanel):
    """Find the finger joints on radiographs of hands, measure how much each narrowed, and show it on the radiographs.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer, optional
        By default the current one.
    """

    modules: tuple[str, ...] = ("torch", "matplotlib.backends.backend_agg")
    work_name = "measurement"
    form: MeasureForm

    def __init__(self, napari_viewer: napari.viewer.Viewer | None = None) -> None:
        viewer = viewer_or_current(napari_viewer)
        self.find_button: QPushButton = QPushButton("Find joints")
        self.find_button.setToolTip("Find the joints only, to check their boxes before measuring")
        self.results: ProgressionPanel = ProgressionPanel(viewer)
        self._watcher = BoxWatcher(viewer)
        self._shown: HandLayers | None = None
        self._drawn: Sequence[Box] = ()
        self._outdated: Sequence[Any] = ()
        self._view_fitted = False
        tips = ("Measure every joint; boxes and bones that you corrected are used", "Stop and add nothing")
        super().__init__(viewer, MeasureForm(), self.results, button="Measure", tips=tips)
        self.buttons.insertWidget(0, self.find_button, 2)
        self.find_button.clicked.connect(self.find_joints)
        self._watcher.chosen.connect(self._on_box_chosen)
        self.results.chosen.connect(self._on_row_chosen)
        self.results.visit_chosen.connect(self._show_visit)
        self.results.save.connect(self.save)

    def close_run(self) -> None:
        """Stop; disconnect from the boxes when the widget is closed."""
        super().close_run()
        if self.native.parent() is None:
            self._watcher.stop()

    def find_joints(self) -> None:
        """Find the joints and show their boxes, unless a field is invalid."""
        if self.form.check():
            self.start_work(self._begin_finding)

    def begin(self) -> Job:
        """Measure the radiographs in the form, with the boxes and masks that were corrected by hand."""
        radiographs, about = self._radiographs()
        boxes, masks = self._corrections(radiographs)
        inputs = self.form.inputs()
        device = None if inputs.device == "auto" else inputs.device

        layers = self._viewer.layers

        def work(progress: WorkerProgress) -> HandLayers | None:
            from napari_jsn.progression.measure import measure

            loaded = [each.loaded() for each in radiographs]
            # radiographs of both hands are split here only where corrected boxes must be placed on each hand
            patient = patient_from_layers(loaded, split=bool(boxes), device=device, progress=progress, **about)
            if progress.aborted:
                return None
            progression = measure(
                patient,
                method=inputs.method,
                boxes=on_split_radiographs(boxes, patient),
                masks=masks,
                device=device,
                progress=progress,
            )
            return None if progress.aborted else HandLayers(layers, progression, loaded, masks)

        return work, self._show_measured

    def result_of(self, returned: HandLayers) -> Progression:
        """Return the progression that the layers show."""
        return returned.progression

    def finish(self, result: Any, context: Callable[[Any], None]) -> None:
        """Show the result with the function of its job."""
        context(result)

    def show_progression(
        self, progression: Progression, radiographs: Sequence[RadiographLayer] | None = None, painted: Any = ()
    ) -> None:
        """Show the layers and figures of a progression.

        Parameters
        ----------
        progression : Progression
        radiographs : sequence of RadiographLayer, optional
            The radiographs that were measured; by default those in the form.
        painted : collection of (visit, side, joint)
            Joints whose masks were painted by hand.
        """
        if radiographs is None:
            radiographs = [each.loaded() for each in self.form.inputs().radiographs()]
        self._show(HandLayers(self._viewer.layers, progression, radiographs, painted))

    def patient(self) -> Patient:
        """Return the radiographs in the form, for :func:`napari_jsn.measure` in a script."""
        radiographs, about = self._radiographs()
        return patient_from_layers([each.loaded() for each in radiographs], split=False, **about)

    def save(self) -> None:
        """Ask for a folder, and write the files that the command ``napari-jsn measure`` writes."""
        if self._shown is None:
            return
        folder = QFileDialog.getExistingDirectory(self.native, "Folder for the table and the report")
        if not folder or not self._may_replace(Path(folder)):
            return
        progression = self._shown.progression

        def work(progress: WorkerProgress) -> list[Path]:
            from napari_jsn.export.progression_files import write_progression

            progress.update(0, 0, "Writing table and report")
            return write_progression(folder, progression)

        def show_saved(files: list[Path]) -> None:
            self._set_status(f"Saved {', '.join(file.name for file in files)} in {folder}.")

        self.start_work(lambda: (work, show_saved))

    def reset_choices(self, *event: Any) -> None:
        """Update the choices of layers; drop the results where a radiograph that was measured is no longer open."""
        super().reset_choices(*event)
        shown = () if self._shown is None else self._shown.radiographs
        measured = [*shown, *(box.radiograph for box in self._drawn)]
        if not self._all_open(measured):
            self._drop_results()

    def _all_open(self, radiographs: Iterable[RadiographLayer]) -> bool:
        return all(each.is_open(self._viewer.layers) for each in radiographs)

    def _drop_results(self) -> None:
        """Remove results and their layers, because a radiograph was removed, or its pixels were replaced."""
        kept = [] if self._shown is None else self._shown.release_corrected_bones()
        self._shown, self._drawn = None, ()
        self.results.clear()
        self._outdated = result_layers(self._viewer.layers)
        QTimer.singleShot(0, self._remove_outdated)  # not while napari removes layers
        text = "A radiograph of the results is no longer open. The results were removed."
        self._set_status(f"{text} The bones that you corrected stay: {', '.join(kept)}." if kept else text)

    def _remove_outdated(self) -> None:
        outdated, self._outdated = self._outdated, ()
        for layer in outdated:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def _show_measured(self, shown: HandLayers) -> None:
        self._check_open(shown.radiographs)
        self._show(shown)
        if not self._in_form(shown.radiographs):
            names = " and ".join(each.name for each in shown.radiographs)
            self._set_status(f"{names} were measured. Choose them in the form to see the figures.")

    def _check_open(self, radiographs: Iterable[RadiographLayer]) -> None:
        if not self._all_open(radiographs):
            raise InputError(
                "A radiograph that was measured is no longer open, so the result was dropped. Press the button again "
                "for the radiographs that are open now."
            )

    def _in_form(self, radiographs: Iterable[RadiographLayer]) -> bool:
        """Return whether the form has these radiographs and no others."""
        chosen = {str(layer.unique_id) for layer in self.form.inputs().layers if layer is not None}
        return chosen == {each.layer_id for each in radiographs}

    def _show(self, shown: HandLayers) -> None:
        self._remove_outdated()
        self._shown, self._drawn = shown, shown.boxes
        shown.show()
        self._activate_boxes()
        self.results.show_results(shown)
        for radiograph in shown.radiographs:
            self._watch_pixels(radiograph)
        self._update_buttons()

    def _watch_pixels(self, radiograph: RadiographLayer) -> None:
        """Drop the results when other pixels are put in the layer of a radiograph."""
        for layer in self._viewer.layers:
            if str(layer.unique_id) == radiograph.layer_id:
                layer.events.data.disconnect(self.reset_choices)
                layer.events.data.connect(self.reset_choices)

    def _begin_finding(self) -> Job:
        radiographs, _ = self._radiographs()
        boxes, masks = self._corrections(radiographs)
        device = self.form.inputs().device
        if boxes or masks:
            raise InputError(
                "You corrected boxes or bones by hand. Measure uses them. To find the joints again, remove the layers "
                "of the joints and the bones first."
            )

        def work(progress: WorkerProgress) -> tuple[list[RadiographLayer], list[Any]]:
            from napari_jsn.localization.find_joints import find_joints_many

            loaded = [each.loaded() for each in radiographs]
            return loaded, find_joints_many([each.radiograph() for each in loaded], device=device, progress=progress)

        return work, lambda found: self._show_found(*found)

    def _radiographs(self) -> tuple[list[RadiographLayer], dict[str, Any]]:
        """Return the radiographs in the form, and patient and notes of the folder they were read from."""
        return radiographs_of_form(self.form.inputs(), self._viewer.layers, "followup")

    def _corrections(self, radiographs: Sequence[RadiographLayer]) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Return boxes and masks that were corrected since they were found on these radiographs."""
        self._remove_outdated()
        drawn_on = {(box.radiograph.layer_id, box.visit) for box in self._drawn}
        if not drawn_on <= {(each.layer_id, each.visit) for each in radiographs}:
            return {}, {}
        boxes = read_boxes(self._viewer.layers, self._drawn)
        masks = {} if self._shown is None or self._shown.boxes is not self._drawn else self._shown.painted_masks(boxes)
        return edited_joints(boxes, self._drawn, masks), masks

    def _show_found(self, radiographs: Sequence[RadiographLayer], found: Sequence[Any]) -> None:
        self._check_open(radiographs)
        self._remove_outdated()
        pairs = list(zip(radiographs, found, strict=True))
        self._drawn = [Box(radiograph.visit, joint, radiograph) for radiograph, joints in pairs for joint in joints]
        self._shown = None
        self.results.clear()
        show_found(self._viewer.layers, self._drawn)
        self._activate_boxes()
        missing = [f"{name} ({radiograph.name})" for radiograph, each in pairs for _, name in each.missing]
        sentences = [f"{counted(len(self._drawn), 'joint')} found."]
        sentences += [f"Not in view: {', '.join(missing)}."] if missing else []
        sentences += [f"{radiograph.name}: {reason}" for radiograph, each in pairs for reason in each.reasons]
        self._set_status(" ".join(sentences))

    def _activate_boxes(self) -> None:
        """Make the layer of boxes active, so that napari's features table shows the figures of the joints."""
        if not self._view_fitted:  # opening docks made the canvas smaller since the radiographs were opened
            QTimer.singleShot(0, self._viewer.reset_view)
            self._view_fitted = True
        self._watcher.watch()
        layer = box_layer(self._viewer.layers, JOINTS) or box_layer(self._viewer.layers, FOLLOWUP_JOINTS)
        if layer is not None:
            self._viewer.layers.selection.active = layer

    def _on_box_chosen(self, side: str, joint: str, corners: Any) -> None:
        self.results.show_joint(side, joint)
        centre_on_box(self._viewer, corners)

    def _on_row_chosen(self, side: str, joint: str) -> None:
        corners = None if self._shown is None else self._shown.corners(side, joint)
        if corners is not None:
            centre_on_box(self._viewer, corners)

    def _show_visit(self, visit: int) -> None:
        if self._shown is not None:
            self._shown.show_visit(visit)
            self.results.show_visit()

    def _may_replace(self, folder: Path) -> bool:
        """Ask the user before files of another measurement are replaced; return True where none are."""
        existing = sorted(path.name for path in folder.iterdir() if is_progression_file(path.name))
        question = f"Replace {' and '.join(existing)} in {folder}?"
        return not existing or QMessageBox.question(self.native, "Save", question) == QMessageBox.StandardButton.Yes

    def _show_error(self, error: Exception) -> None:
        if isinstance(error, InputError):
            error = InputError(str(error), self.form.field_of_argument(error.argument))
        super()._show_error(error)

    def _update_buttons(self) -> None:
        super()._update_buttons()
        self.find_button.setEnabled(self.run_button.isEnabled())
        shown = self._shown
        self.results.setVisible(self._run is None and shown is not None and self._in_form(shown.radiographs))

    def _apply_theme(self, event: Any = None) -> None:
        super()._apply_theme(event)
        self.results.table.set_failed_ink(inks(self._viewer.theme).muted)
        self.results.trend.redraw()
