"""The dock widget "Score hands": grades of joint damage by a network, as circles on the radiographs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import STEPS, Stages
from napari_jsn.viewer.forms.run_panel import RunPanel, viewer_or_current
from napari_jsn.viewer.forms.style import text_label
from napari_jsn.viewer.hands_widget.inputs import radiographs_of_form
from napari_jsn.viewer.layers.radiograph import (
    RadiographLayer,
    patient_from_layers,
)
from napari_jsn.viewer.score_widget.inputs import MAPS, ScoreForm
from napari_jsn.viewer.score_widget.layers import NAMES, remove_scores, show_scores

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QLabel

    from napari_jsn.common.progress import Progress
    from napari_jsn.scoring.automatic.result import Scores
    from napari_jsn.viewer.forms.worker import WorkerProgress

#: Share of the time that is needed to score, where maps are asked for.
_SCORING = 0.3


@dataclass(frozen=True)
class ScoredLayers:
    """What the worker returns: the scores, the radiographs that were scored, and maps."""

    scores: Scores
    radiographs: list[RadiographLayer]
    maps: dict[tuple[int, str, str], NDArray[np.float32]]


class ScoreHands(RunPanel):
    """Grade narrowing and erosion of the finger joints, and show the grades on the radiographs.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer, optional
        By default the current one.
    """

    modules: tuple[str, ...] = ("torch", "monai.networks.nets")
    work_name = "scoring"
    form: ScoreForm

    def __init__(self, napari_viewer: napari.viewer.Viewer | None = None) -> None:
        viewer = viewer_or_current(napari_viewer)
        self._scored: Sequence[RadiographLayer] = ()
        self.statement: QLabel = text_label("reason")
        self.summary: QLabel = text_label("summary")
        self.notes: QLabel = text_label("note")
        for label in (self.statement, self.summary, self.notes):
            label.hide()
        tips = ("Grade every joint", "Stop and add nothing")
        super().__init__(viewer, ScoreForm(), self.statement, self.summary, self.notes, button="Score", tips=tips)

    def begin(self) -> tuple[Callable[[WorkerProgress], ScoredLayers | None], None]:
        """Score the radiographs in the form."""
        inputs = self.form.inputs()
        radiographs, about = self._radiographs()
        method, device = inputs.method, None if inputs.device == "auto" else inputs.device
        kinds = MAPS[inputs.maps]

        def work(progress: WorkerProgress) -> ScoredLayers | None:
            from napari_jsn.scoring.automatic.score import score

            stages = Stages(progress, (_SCORING, 1 - _SCORING) if kinds else (1.0,))
            loaded = [each.loaded() for each in radiographs]
            patient = patient_from_layers(loaded, split=False, device=device, **about)
            scores = score(patient, method, device=device, progress=stages.next("Scoring"))
            if progress.aborted:
                return None
            maps = _maps(scores, kinds, stages.next("Computing maps")) if kinds else {}
            return None if progress.aborted else ScoredLayers(scores, loaded, maps)

        return work, None

    def result_of(self, returned: ScoredLayers) -> Scores:
        """Return the scores that the layers show."""
        return returned.scores

    def finish(self, result: ScoredLayers, context: None) -> None:
        """Show circles, maps, and the sums, with what the network learned on and the notes."""
        if not all(each.is_open(self._viewer.layers) for each in result.radiographs):
            raise InputError(
                "A radiograph that was scored is no longer open, so the result was dropped. Press the button again for "
                "the radiographs that are open now."
            )
        self._scored = result.radiographs
        show_scores(self._viewer.layers, result.scores, result.radiographs, result.maps)
        notes = [note for note in dict.fromkeys(result.scores.notes) if note != result.scores.statement]
        self._show_texts(result.scores.statement, _summary(result.scores), "\n".join(notes))

    def reset_choices(self, *event: Any) -> None:
        """Update the choices of layers; remove the results where a radiograph that was scored is no longer open."""
        super().reset_choices(*event)
        if self._scored and not all(each.is_open(self._viewer.layers) for each in self._scored):
            from qtpy.QtCore import QTimer

            self._scored = ()
            self._show_texts("", "", "")
            self._set_status("A radiograph of the results is no longer open. The results were removed.")
            QTimer.singleShot(0, lambda: remove_scores(self._viewer.layers))  # not while napari removes layers

    def _show_error(self, error: Exception) -> None:
        if isinstance(error, InputError):  # of an argument of the core
            error = InputError(str(error), self.form.field_of_argument(error.argument))
        super()._show_error(error)

    def _radiographs(self) -> tuple[list[RadiographLayer], dict[str, Any]]:
        """Return the radiographs in the form, and patient and notes of the folder they were read from."""
        return radiographs_of_form(self.form.inputs(), self._viewer.layers, "patient")

    def _show_texts(self, statement: str, summary: str, notes: str) -> None:
        for label, text in ((self.statement, statement), (self.summary, summary), (self.notes, notes)):
            label.setText(text)
            label.setVisible(bool(text))


def _maps(scores: Scores, kinds: Sequence[str], progress: Progress) -> dict[tuple[int, str, str], NDArray[np.float32]]:
    """Return the maps of all scored sites of each hand together, by visit, side and kind; some only if aborted."""
    wanted = [one for one in scores.sites if one.kind in kinds and one.grade is not None]
    found: dict[tuple[int, str, str], NDArray[np.float32]] = {}
    for done, one in enumerate(wanted):
        if progress.aborted:
            break
        progress.update(STEPS * done // len(wanted), STEPS, f"Computing the map of {one.site}")
        values = scores.maps(one.site, one.kind, one.side, one.visit)
        key = (one.visit, one.side, one.kind)
        found[key] = np.maximum(found[key], values) if key in found else values
    return found


def _summary(scores: Scores) -> str:
    """Return the sums of each visit, and how many sites were not scored."""
    lines = []
    for row in scores.totals().itertuples():
        name = NAMES.get(str(row.kind), str(row.kind))
        interval = "" if math.isnan(row.total) else f" ({row.ci_low:.1f} to {row.ci_high:.1f})"
        figure = "none scored" if math.isnan(row.total) else f"{row.total:.1f}{interval}"
        lines.append(f"Visit {row.visit}, {name}: {figure}, {row.sites_scored} of {row.sites} sites.")
    return "\n".join(lines)
