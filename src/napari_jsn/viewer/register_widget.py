"""The dock widget "Register joint pair"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QSize, Qt, QTimer
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_jsn.errors import InputError
from napari_jsn.export import words
from napari_jsn.viewer.form import PairForm
from napari_jsn.viewer.layers import Pair, show, show_bones
from napari_jsn.viewer.results import ResultsPanel
from napari_jsn.viewer.side_by_side import SideBySide
from napari_jsn.viewer.style import style_sheet
from napari_jsn.viewer.work import WorkerProgress, register_in_worker

if TYPE_CHECKING:
    import napari


@dataclass(frozen=True)
class _Run:
    """A registration under way, and what it was started with."""

    progress: WorkerProgress
    pair: Pair
    panels: Sequence[Any]
    facts: dict[str, Any]


class RegisterPair(QScrollArea):
    """Register the two bones of a joint between two visits and show its narrowing.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._run: _Run | None = None
        self._panels: Sequence[Any] = ()
        self._result: tuple[Any, Pair] | None = None
        self._grid = SideBySide(napari_viewer)
        self.form, self.results = PairForm(), ResultsPanel()
        self.run_button, self.abort_button = QPushButton("Run"), QPushButton("Abort")
        self.bar, self.status, self.failure = QProgressBar(), QLabel(), QLabel()
        self._lay_out()
        self.form.changed.connect(self._refresh)
        self.run_button.clicked.connect(self.run)
        self.abort_button.clicked.connect(self.abort)
        self.results.compare.connect(self._compare)
        self.results.bones_wanted.connect(self._show_bones)
        napari_viewer.canvas.grid.events.enabled.connect(self._grid_toggled)
        napari_viewer.events.theme.connect(self._restyle)
        self._restyle()
        self.reset_choices()

    def _lay_out(self) -> None:
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(8, 2, 8, 8)
        layout.setSpacing(8)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 2)
        buttons.addWidget(self.abort_button, 1)
        layout.addWidget(self.form)
        layout.addLayout(buttons)
        for widget in (self.bar, self.status, self.failure, self.results):
            layout.addWidget(widget)
        layout.addStretch(1)
        for label, name in ((self.status, "note"), (self.failure, "failure")):
            label.setObjectName(name)
            label.setWordWrap(True)
            label.hide()
        self.run_button.setObjectName("run")
        self.run_button.setToolTip("Register the pair (Enter)")
        self.abort_button.setToolTip("Stop and add nothing (Esc)")
        self.bar.setTextVisible(False)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(290)

    def sizeHint(self) -> QSize:
        """As wide as the form needs: the images deserve the room."""
        return QSize(320, self.widget().sizeHint().height())

    def reset_choices(self, event: Any = None) -> None:
        """Follow the viewer's layers; napari calls this whenever they come, go or get another name."""
        for layer in self._viewer.layers:
            for place in (layer.events.scale, layer.events.units):
                place.disconnect(self.reset_choices)
                place.connect(self.reset_choices)
        self.form.offer(self._viewer.layers)

    def keyPressEvent(self, event: Any) -> None:
        """Enter runs and Escape aborts, from any field."""
        keys = {Qt.Key.Key_Return: self.run, Qt.Key.Key_Enter: self.run, Qt.Key.Key_Escape: self.abort}
        act = keys.get(event.key(), lambda: super(RegisterPair, self).keyPressEvent(event))
        act()

    def event(self, event: Any) -> bool:
        """Stop and clear up when the dock is closed, which takes the widget out of the window."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.abort()
            self._grid.leave()
        return super().event(event)

    def run(self) -> None:
        """Register the pair in the form, unless a field is invalid or a run is under way."""
        if self._run is not None or not self.form.check():
            return
        inputs, progress = self.form.inputs(), WorkerProgress()
        panels = [layer for layer in (inputs.fixed, inputs.fixed_masks, inputs.moving) if layer is not None]
        facts = {
            "spacing_source": self.form.spacing_source("fixed"),
            "moving_spacing_mm": inputs.moving_spacing_mm,
            "moving_spacing_source": self.form.spacing_source("moving"),
        }
        pair = Pair.of(inputs.fixed, inputs.moving, inputs.spacing_mm)
        run = self._run = _Run(progress, pair, panels, facts)
        worker = progress.worker = register_in_worker(inputs.as_core_arguments(), progress)
        progress.updated.connect(self._show_progress)
        worker.returned.connect(lambda answer: self._finish(run, *answer))
        worker.finished.connect(lambda: self._finish(run))
        self.results.clear()
        self._say(failure="")
        self._show_progress(0, 0, "Loading")
        self._refresh()
        worker.start()

    def abort(self) -> None:
        """Stop; whatever the worker still answers is dropped."""
        if self._run is None:
            return
        self._run.progress.abort()
        self._run = None
        self._say("Aborted. No layer was added or changed.")
        self._refresh()

    def _finish(self, run: _Run, result: Any = None, error: Exception | None = None) -> None:
        """Take the worker's answer, unless the run was aborted or is already done."""
        if self._run is not run:
            return
        self._run = None
        self._say()
        self._refresh()
        if result is not None:
            shown = show(self._viewer.layers, result, run.pair, run.facts)
            self._panels = (*run.panels, *shown)
            self._result = result, run.pair
            source = run.facts["spacing_source"]
            spacing = words.spacing_words(result.spacing_mm) + (f" ({source})" if source else "")
            self.results.show_result(result, f"{run.pair.moving} against {run.pair.fixed}", spacing)
            QTimer.singleShot(0, self._compare)  # figures first, then the panels
        elif isinstance(error, InputError) and error.argument in self.form.fields:
            self.form.fields[error.argument].show_problem(str(error))
        elif isinstance(error, InputError):
            self._say(failure=str(error))
        elif error is not None:
            self._say(failure=f"The registration failed, which it should not: {type(error).__name__}: {error}")

    def _show_progress(self, done: int, total: int, message: str) -> None:
        if self._run is not None:
            self.bar.setRange(0, total)  # 0 of 0: busy
            self.bar.setValue(done)
            self._say(message)

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
        """Enable what can be used now."""
        running = self._run is not None
        self.run_button.setEnabled(not running and not self.form.inputs().problems())
        self.abort_button.setEnabled(running)
        self.bar.setVisible(running)
        self.results.setVisible(not running)

    def _say(self, status: str = "", failure: str = "") -> None:
        for label, text in ((self.status, status), (self.failure, failure)):
            label.setText(text)
            label.setVisible(bool(text))

    def _restyle(self, event: Any = None) -> None:
        self.setStyleSheet(style_sheet(self._viewer.theme))
