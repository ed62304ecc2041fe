"""The dock widget "Measure hands": from radiographs of whole hands to the narrowing of every joint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from napari_jsn.common.errors import InputError
from napari_jsn.export.progression_files import is_progression_file
from napari_jsn.viewer.forms.run_panel import RunPanel
from napari_jsn.viewer.hands_widget.boxes import (
    FOLLOWUP_JOINTS,
    JOINTS,
    Box,
    box_layer,
    boxes_now,
    edited_boxes,
    on_hands,
)
from napari_jsn.viewer.hands_widget.camera import BoxWatcher, look_at
from napari_jsn.viewer.hands_widget.inputs import STUDY, MeasureForm
from napari_jsn.viewer.hands_widget.layers import HandLayers, show_found
from napari_jsn.viewer.hands_widget.results import ProgressionPanel
from napari_jsn.viewer.layers.radiograph import FilmLayer, lay_apart, study_from
from napari_jsn.viewer.layers.roles import notes

if TYPE_CHECKING:
    import napari

    from napari_jsn.patient.patient import Patient
    from napari_jsn.progression.progression import Progression
    from napari_jsn.viewer.forms.worker import WorkerProgress

#: Work for the worker, and what to do with what comes of it.
Job = tuple["Callable[[WorkerProgress], Any]", Callable[[Any], None]]


class MeasureHands(RunPanel):
    """Find the finger joints on radiographs of hands, measure how much each narrowed, and show it in place.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    modules = ("torch", "monai.networks.nets", "matplotlib.backends.backend_agg")
    what = "measurement"

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self.find_button = QPushButton("Find joints")
        self.find_button.setToolTip("Find the joints only, to look at their boxes before measuring")
        self.results = ProgressionPanel(napari_viewer)
        self._watcher = BoxWatcher(napari_viewer)
        self._hand: HandLayers | None = None
        self._drawn: Sequence[Box] = ()
        self._fitted = False
        tips = ("Measure every joint; boxes and bones that you corrected are used", "Stop and add nothing")
        super().__init__(napari_viewer, MeasureForm(), self.results, button="Measure", tips=tips)
        self.buttons.insertWidget(0, self.find_button, 2)
        self.setMinimumWidth(330)  # the table beside its scroll bar
        self.find_button.clicked.connect(self.find)
        self._watcher.chosen.connect(self._box_chosen)
        self.results.chosen.connect(self._row_chosen)
        self.results.visit_chosen.connect(self._show_visit)
        self.results.save.connect(self.save)

    def sizeHint(self) -> QSize:
        """As wide as the table needs."""
        return QSize(350, super().sizeHint().height())

    def close_run(self) -> None:
        """Stop; a widget that leaves the window looks at boxes no more."""
        super().close_run()
        if self.parent() is None:
            self._watcher.stop()

    def find(self) -> None:
        """Find the joints and show their boxes, unless a field is invalid."""
        if self.form.check():
            self.start(self._begin_finding)

    def begin(self) -> Job:
        """Measure the radiographs in the form, with the boxes and masks that were corrected by hand."""
        films, about = self._films()
        boxes, masks = self._corrections(films)
        inputs = self.form.inputs()
        device = None if inputs.device == "auto" else inputs.device

        def work(progress: WorkerProgress) -> HandLayers | None:
            from napari_jsn.progression.measure import measure

            # hands on one film are told apart here only where boxes are to be laid on each
            study = study_from(films, split=bool(boxes), device=device, progress=progress, **about)
            if progress.aborted:
                return None
            told = {"boxes": on_hands(boxes, study), "masks": masks, "device": device, "progress": progress}
            progression = measure(study, method=inputs.method, **told)
            return None if progress.aborted else HandLayers(self._viewer.layers, progression, films, masks)

        return work, self._show_hand

    def finish(self, result: Any, notes: Callable[[Any], None]) -> None:
        """Do with the result what was meant to be done with it."""
        notes(result)

    def show_progression(
        self, progression: Progression, films: Sequence[FilmLayer] | None = None, painted: Any = ()
    ) -> None:
        """Show the layers and figures of a progression.

        Parameters
        ----------
        progression : Progression
        films : sequence of FilmLayer, optional
            The radiographs that were measured; by default those in the form.
        painted : collection of (visit, side, joint)
            Joints whose masks were drawn by hand.
        """
        films = self.form.inputs().films() if films is None else films
        self._show_hand(HandLayers(self._viewer.layers, progression, films, painted))

    def study(self) -> Patient:
        """The radiographs in the form, for :func:`napari_jsn.measure` in a script."""
        films, about = self._films()
        return study_from(films, split=False, **about)

    def save(self) -> None:
        """Ask for a folder, and write there what the command writes."""
        if self._hand is None:
            return
        folder = QFileDialog.getExistingDirectory(self, "Folder for the table and the report")
        if not folder or not self._may_replace(Path(folder)):
            return
        progression = self._hand.progression

        def work(progress: WorkerProgress) -> list[Path]:
            from napari_jsn.export.progression_files import write_progression

            progress.update(0, 0, "Writing table and report")
            return write_progression(folder, progression)

        self.start(
            lambda: (work, lambda files: self._say(f"Saved {' and '.join(file.name for file in files)} in {folder}."))
        )

    def _show_hand(self, hand: HandLayers) -> None:
        self._hand, self._drawn = hand, hand.boxes
        hand.show()
        self._to_boxes()
        self.results.show_hand(hand)

    def _begin_finding(self) -> Job:
        films, _ = self._films()
        boxes, masks = self._corrections(films)
        if boxes or masks:
            raise InputError(
                "Boxes or bones were corrected by hand. Measure uses them; to find the joints anew, remove the layers "
                "of the joints and the bones first."
            )

        def work(progress: WorkerProgress) -> list[Any]:
            from napari_jsn.localization.find_joints import find_joints_many

            return find_joints_many([film.radiograph() for film in films], progress=progress)

        return work, lambda found: self._show_found(films, found)

    def _films(self) -> tuple[list[FilmLayer], dict[str, Any]]:
        """The radiographs in the form, and what is told of the patient they show."""
        inputs = self.form.inputs()
        lay_apart(inputs.layers)
        noted = next((notes(la) for la in self._viewer.layers if notes(la).get("role") == "films"), {})
        told = noted if inputs.source == STUDY else {}
        return inputs.films(), {"patient": told.get("patient"), "notes": told.get("notes", ())}

    def _corrections(self, films: Sequence[FilmLayer]) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Boxes and masks that were corrected since they were found on these radiographs."""
        drawn = {(box.film.of, box.visit) for box in self._drawn}
        if not drawn <= {(film.of, film.visit) for film in films}:
            return {}, {}
        now = boxes_now(self._viewer.layers, self._drawn)
        masks = {} if self._hand is None or self._hand.boxes is not self._drawn else self._hand.painted(now)
        return edited_boxes(now, self._drawn, masks), masks

    def _show_found(self, films: Sequence[FilmLayer], found: Sequence[Any]) -> None:
        self._drawn = [
            Box(film.visit, joint, film) for film, joints in zip(films, found, strict=True) for joint in joints
        ]
        self._hand = None
        self.results.clear()
        show_found(self._viewer.layers, self._drawn)
        self._to_boxes()
        missing = [f"{name} ({film.name})" for film, each in zip(films, found, strict=True) for _, name in each.missing]
        told = [f"{len(self._drawn)} joints found."]
        told += [f"Not in view: {', '.join(missing)}."] if missing else []
        told += [f"{film.name}: {why}" for film, each in zip(films, found, strict=True) for why in each.reasons]
        self._say(" ".join(told))

    def _to_boxes(self) -> None:
        """Look at the boxes: the features table shows their figures, and choosing one moves the camera."""
        if not self._fitted:  # docks took room from the canvas since the films were opened
            QTimer.singleShot(0, self._viewer.reset_view)
            self._fitted = True
        self._watcher.watch()
        layer = box_layer(self._viewer.layers, JOINTS) or box_layer(self._viewer.layers, FOLLOWUP_JOINTS)
        if layer is not None:
            self._viewer.layers.selection.active = layer

    def _box_chosen(self, side: str, joint: str, corners: Any) -> None:
        self.results.show_joint(side, joint)
        look_at(self._viewer, corners)

    def _row_chosen(self, side: str, joint: str) -> None:
        """Choose the box of a joint, or where its layer is gone look at the place."""
        corners = None if self._hand is None else self._hand.corners(side, joint)
        if corners is not None:
            look_at(self._viewer, corners)

    def _show_visit(self, visit: int) -> None:
        if self._hand is not None:
            self._hand.show_visit(visit)
            self.results.show_visit()

    def _may_replace(self, folder: Path) -> bool:
        """Ask before results of another measurement are replaced."""
        there = sorted(path.name for path in folder.iterdir() if is_progression_file(path.name))
        asked = f"Replace {' and '.join(there)} in {folder}?"
        return not there or QMessageBox.question(self, "Save", asked) == QMessageBox.StandardButton.Yes

    def _refuse(self, error: Exception) -> None:
        """Tell it at the field that holds what was wrong."""
        if isinstance(error, InputError):
            error = InputError(str(error), self.form.place_of(error.argument))
        super()._refuse(error)

    def _refresh(self) -> None:
        super()._refresh()
        self.find_button.setEnabled(self.run_button.isEnabled())
        self.results.setVisible(self._run is None and self.results.filled)

    def _restyle(self, event: Any = None) -> None:
        super()._restyle(event)
        self.results.trend.redraw()
