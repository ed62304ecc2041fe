"""What the dock widgets have in common: a form, Run and Abort, news and refusals, and what a run shows below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QSize, Qt
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

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.forms.style import style_sheet
from napari_jsn.viewer.forms.worker import WorkerProgress, in_worker

if TYPE_CHECKING:
    import napari

    from napari_jsn.viewer.forms.form import Form


@dataclass(frozen=True)
class Run:
    """Work under way, and what it was started with."""

    progress: WorkerProgress
    notes: Any


class RunPanel(QScrollArea):
    """A form whose work is done off the window's thread.

    A subclass says what the work is (:meth:`begin`) and shows what comes of it (:meth:`finish`).

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    form : Form
    below : widgets
        Shown under the buttons.
    button, tips : str
        The word on the run button; what Run and Abort do.
    """

    #: Packages to import in the worker before the work begins: one at a time keeps the window moving.
    modules: tuple[str, ...] = ("torch",)
    #: What the work is called in a sentence.
    what = "run"

    def __init__(
        self, viewer: napari.viewer.Viewer, form: Form, *below: QWidget, button: str, tips: tuple[str, str]
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._run: Run | None = None
        self.form = form
        self.run_button, self.abort_button = QPushButton(button), QPushButton("Abort")
        self.bar, self.status, self.failure = QProgressBar(), QLabel(), QLabel()
        self._lay_out(below, tips)
        form.changed.connect(self._refresh)
        self.run_button.clicked.connect(self.run)
        self.abort_button.clicked.connect(self.abort)
        viewer.events.theme.connect(self._restyle)
        self._restyle()
        self.reset_choices()

    def begin(self) -> tuple[Callable[[WorkerProgress], Any], Any]:
        """The work, called in the worker with its progress; and what :meth:`finish` will want to know."""
        raise NotImplementedError

    def finish(self, result: Any, notes: Any) -> None:
        """Show a result, in the window's thread."""
        raise NotImplementedError

    def news(self, news: Any, notes: Any) -> None:
        """Show what the work tells on its way, in the window's thread."""

    def _lay_out(self, below: tuple[QWidget, ...], tips: tuple[str, str]) -> None:
        body = QWidget()
        layout = QVBoxLayout(body)
        self.buttons = QHBoxLayout()
        self.buttons.addWidget(self.run_button, 2)
        self.buttons.addWidget(self.abort_button, 1)
        layout.addWidget(self.form)
        layout.addLayout(self.buttons)
        for widget in (self.bar, self.status, self.failure, *below):
            layout.addWidget(widget)
        layout.addStretch(1)
        for label, name in ((self.status, "status"), (self.failure, "failure")):
            label.setObjectName(name)
            label.setWordWrap(True)
            label.hide()
        self.run_button.setObjectName("run")
        self.run_button.setToolTip(f"{tips[0]} (Enter)")
        self.abort_button.setToolTip(f"{tips[1]} (Esc)")
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
        act = keys.get(event.key(), lambda: super(RunPanel, self).keyPressEvent(event))
        act()

    def event(self, event: Any) -> bool:
        """Stop and clear up when the dock is closed, which takes the widget out of the window."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.close_run()
        return super().event(event)

    def run(self) -> None:
        """Start the work, unless a field is invalid or a run is under way."""
        if self._run is None and self.form.check():
            self.start(self.begin)

    def start(self, begin: Callable[[], tuple[Callable[[WorkerProgress], Any], Any]]) -> None:
        """Start work that :meth:`begin`, or another function like it, describes, unless a run is under way."""
        if self._run is not None:
            return
        try:
            work, notes = begin()
        except InputError as error:
            self._refuse(error)
            return
        run = self._run = Run(WorkerProgress(), notes)
        worker = run.progress.worker = in_worker(work, run.progress, self.modules)
        run.progress.updated.connect(self._show_progress)
        run.progress.news.connect(self._show_news)
        worker.returned.connect(lambda answer: self._finish(run, *answer))
        worker.finished.connect(lambda: self._finish(run))
        self._say(failure="")
        self._show_progress(0, 0, "Loading")
        self._refresh()
        worker.start()

    def abort(self) -> None:
        """Stop; whatever the worker still answers is dropped."""
        if self._run is not None:
            self.close_run()
            self._say("Aborted. No layer was added or changed.")

    def close_run(self) -> None:
        """Ask the worker to stop, and listen to it no longer."""
        if self._run is not None:
            self._run.progress.abort()
            self._run = None
            self._refresh()

    def _finish(self, run: Run, result: Any = None, error: Exception | None = None) -> None:
        """Take the worker's answer, unless the run was aborted or is already done."""
        if self._run is not run:
            return
        self._run = None
        self._say()
        self._refresh()
        if result is not None:
            self.finish(result, run.notes)
        elif error is not None:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        """Say what went wrong, at the field it speaks of."""
        if isinstance(error, InputError) and error.argument in self.form.fields:
            self.form.fields[error.argument].show_problem(str(error))
        elif isinstance(error, InputError):
            self._say(failure=str(error))
        else:
            told = f"{type(error).__name__}: {error}"
            self._say(failure=f"The {self.what} failed, which it should not: {told}")

    def _show_progress(self, done: int, total: int, message: str) -> None:
        if self._run is not None:
            self.bar.setRange(0, total)  # 0 of 0: busy
            self.bar.setValue(done)
            self._say(message)

    def _show_news(self, news: Any) -> None:
        if self._run is not None:
            self.news(news, self._run.notes)

    def _refresh(self) -> None:
        """Enable what can be used now."""
        running = self._run is not None
        self.run_button.setEnabled(not running and not self.form.inputs().problems())
        self.abort_button.setEnabled(running)
        self.bar.setVisible(running)

    def _say(self, status: str = "", failure: str = "") -> None:
        for label, text in ((self.status, status), (self.failure, failure)):
            label.setText(text)
            label.setVisible(bool(text))

    def _restyle(self, event: Any = None) -> None:
        self.setStyleSheet(style_sheet(self._viewer.theme))
