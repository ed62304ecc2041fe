"""The base of all dock widgets: a form, the buttons Run and Abort, progress, errors, and results below."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psygnal import Signal
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
from napari_jsn.viewer.forms.style import style_sheet, text_label
from napari_jsn.viewer.forms.worker import WorkerProgress, do_work, start_worker

if TYPE_CHECKING:
    import napari

    from napari_jsn.viewer.forms.fields import FormField
    from napari_jsn.viewer.forms.form import Form


@dataclass(frozen=True)
class Run:
    """Work that is running, and what :meth:`RunPanel.finish` needs to know about it."""

    progress: WorkerProgress
    context: Any
    #: Whether ``called`` is emitted with its result.
    announced: bool = True


class RunPanel(QScrollArea):
    """A form whose work runs in a thread of its own.

    A subclass defines the work in :meth:`begin` and shows its result in :meth:`finish`. The fields of the form are
    attributes: ``widget.fixed.value = layer``. Calling the widget does the same as its button, and waits.
    ``called`` is emitted with each result, after its layers were added.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    form : Form
    below : widgets
        Shown under the buttons.
    button, tips : str
        The text of the run button; what Run and Abort do.
    """

    #: Not a signal of Qt, in which an error of a callback would end the process.
    called = Signal(object)

    #: Packages to import in the worker before the work begins, one at a time, so that the window can repaint.
    modules: tuple[str, ...] = ("torch",)
    #: Name of the work in an error message.
    work_name = "run"

    def __init__(
        self, viewer: napari.viewer.Viewer, form: Form, *below: QWidget, button: str, tips: tuple[str, str]
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._run: Run | None = None
        self.form = form
        self.run_button: QPushButton = QPushButton(button)
        self.abort_button: QPushButton = QPushButton("Abort")
        self.bar: QProgressBar = QProgressBar()
        self.status: QLabel = text_label("status")
        self.failure: QLabel = text_label("failure")
        self._add_widgets(below, tips)
        form.changed.connect(self._update_buttons)
        self.run_button.clicked.connect(self.run)
        self.abort_button.clicked.connect(self.abort)
        panel = weakref.ref(self)
        self.destroyed.connect(lambda: _forget_run(panel))  # with the window
        viewer.events.theme.connect(self._apply_theme)
        self._apply_theme()
        self.reset_choices()

    def __getattr__(self, name: str) -> FormField:
        """Return a field of the form; this is called only for names that are no attribute."""
        form = self.__dict__.get("form")
        if form is None or name not in form.fields:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        field: FormField = form.fields[name]
        return field

    def __call__(self, **values: Any) -> Any:
        """Set the fields that are given, compute in this thread, show the result as the button does, and return it.

        Parameters
        ----------
        **values
            Values of fields by name. The form keeps them.

        Raises
        ------
        InputError
            If a field is invalid, or the input cannot be used. No layer is added or changed then.
        """
        if self._run is not None:
            raise InputError(f"A {self.work_name} is running in this widget. Wait for it, or abort it.")
        self.form.set_values(values)
        if not self.form.check():
            name, problem = next(iter(self.form.inputs().problems().items()))
            raise InputError(f"{name}: {problem}", name)
        work, context = self.begin()
        run = self._prepare_run(context, True)
        try:
            returned, error = do_work(work, run.progress, self.modules)
        except BaseException:  # an interrupt from the keyboard
            self.close_run()
            raise
        self._on_finish(run, returned, error)
        if error is not None:
            raise error
        return None if returned is None else self.result_of(returned)

    def begin(self) -> tuple[Callable[[WorkerProgress], Any], Any]:
        """Return the work, which is called in the worker with its progress, and the context for :meth:`finish`."""
        raise NotImplementedError

    def finish(self, result: Any, context: Any) -> None:
        """Show the result. Called in the window's thread."""
        raise NotImplementedError

    def result_of(self, returned: Any) -> Any:
        """Return the result of the package's function from what the work returned."""
        return returned

    def show_intermediate(self, result: Any, context: Any) -> None:
        """Show an intermediate result of the work. Called in the window's thread."""

    def _add_widgets(self, below: tuple[QWidget, ...], tips: tuple[str, str]) -> None:
        self._body = QWidget()
        layout = QVBoxLayout(self._body)
        self.buttons: QHBoxLayout = QHBoxLayout()
        self.buttons.addWidget(self.run_button, 2)
        self.buttons.addWidget(self.abort_button, 1)
        layout.addWidget(self.form)
        layout.addLayout(self.buttons)
        for widget in (self.bar, self.status, self.failure, *below):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.status.hide()
        self.failure.hide()
        self.run_button.setObjectName("run")
        self.run_button.setToolTip(f"{tips[0]} (Enter)")
        self.abort_button.setToolTip(f"{tips[1]} (Esc)")
        self.bar.setTextVisible(False)
        self.setWidget(self._body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(290)

    def sizeHint(self) -> QSize:
        """Return the width that the form needs, to leave the rest to the images."""
        return QSize(320, self._body.sizeHint().height())

    def reset_choices(self, event: Any = None) -> None:
        """Update the choices of layers. napari calls this when layers are added, removed or renamed."""
        for layer in self._viewer.layers:
            for changed in (layer.events.scale, layer.events.units):
                changed.disconnect(self.reset_choices)
                changed.connect(self.reset_choices)
        self.form.set_choices(self._viewer.layers)

    def keyPressEvent(self, event: Any) -> None:
        """Run on Enter and abort on Escape, in any field."""
        keys = {Qt.Key.Key_Return: self.run, Qt.Key.Key_Enter: self.run, Qt.Key.Key_Escape: self.abort}
        action = keys.get(event.key(), lambda: super(RunPanel, self).keyPressEvent(event))
        action()

    def event(self, event: Any) -> bool:
        """Stop when the dock is closed, which removes the widget from its parent."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.close_run()
        return super().event(event)

    def run(self) -> None:
        """Start the work, unless a field is invalid or work is running."""
        if self._run is None and self.form.check():
            self.start_work(self.begin, announced=True)

    def start_work(
        self, begin: Callable[[], tuple[Callable[[WorkerProgress], Any], Any]], announced: bool = False
    ) -> None:
        """Start the work that :meth:`begin`, or a function like it, returns, unless work is running."""
        if self._run is not None:
            return
        try:
            work, context = begin()
        except InputError as error:
            self._show_error(error)
            return
        run = self._prepare_run(context, announced)
        finish = weakref.WeakMethod(self._on_finish)

        def on_finish(result: Any, error: Exception | None) -> None:
            if (method := finish()) is not None:
                method(run, result, error)

        start_worker(work, run.progress, self.modules, on_finish)

    def _prepare_run(self, context: Any, announced: bool) -> Run:
        run = self._run = Run(WorkerProgress(), context, announced)
        run.progress.updated.connect(self._show_progress)
        run.progress.intermediate.connect(self._on_intermediate)
        self._set_status(failure="")
        self._show_progress(0, 0, "Loading")
        self._update_buttons()
        return run

    def abort(self) -> None:
        """Stop; a result that the worker still returns is ignored."""
        if self._run is not None:
            self.close_run()
            self._set_status("Aborted. No layer was added or changed.")

    def close_run(self) -> None:
        """Ask the worker to stop, and ignore what it returns."""
        if self._run is not None:
            self._run.progress.abort()
            self._run = None
            self._update_buttons()

    def _on_finish(self, run: Run, result: Any = None, error: Exception | None = None) -> None:
        """Show result or error of the worker, unless the run was aborted or has finished already."""
        if self._run is not run:
            return
        self._run = None
        self._set_status()
        self._update_buttons()
        if result is not None:
            try:
                self.finish(result, run.context)
            except Exception as problem:  # any error is shown in the window
                self._show_error(problem)
                return
            if run.announced:
                self.called.emit(self.result_of(result))
        elif error is not None:
            self._show_error(error)

    def _show_error(self, error: Exception) -> None:
        """Show an error, at the field of the argument where it names one."""
        if isinstance(error, InputError) and error.argument in self.form.fields:
            self.form.fields[error.argument].show_problem(str(error))
        elif isinstance(error, InputError):
            self._set_status(failure=str(error))
        else:
            kind = type(error).__name__
            self._set_status(failure=f"The {self.work_name} failed with an unexpected error. {kind}: {error}")

    def _show_progress(self, done: int, total: int, message: str) -> None:
        if self._run is not None:
            # A range of 0 would start an animation, which makes napari repaint its canvas all the time.
            self.bar.setRange(0, max(total, 1))
            self.bar.setValue(done if total else 0)
            self._set_status(message)

    def _on_intermediate(self, result: Any) -> None:
        if self._run is not None:
            self.show_intermediate(result, self._run.context)

    def _update_buttons(self) -> None:
        """Enable the buttons that can be used now."""
        running = self._run is not None
        self.run_button.setEnabled(not running and not self.form.inputs().problems())
        self.abort_button.setEnabled(running)
        self.bar.setVisible(running)

    def _set_status(self, status: str = "", failure: str = "") -> None:
        for label, text in ((self.status, status), (self.failure, failure)):
            label.setText(text)
            label.setVisible(bool(text))

    def _apply_theme(self, event: Any = None) -> None:
        self.setStyleSheet(style_sheet(self._viewer.theme))


def _forget_run(panel: Callable[[], RunPanel | None]) -> None:
    """Stop the run of a panel whose window is gone: its widgets no longer exist."""
    found = panel()
    if found is not None and found._run is not None:
        found._run.progress.abort()
        found._run = None
