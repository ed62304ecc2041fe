"""The base of all dock widgets: a form of magicgui with the buttons Run and Abort, progress, errors, and results."""

from __future__ import annotations

import inspect
import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import napari
from magicgui.widgets import FunctionGui, PushButton
from napari.qt import get_qapp
from napari.settings import get_settings
from qtpy.compat import isalive
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.forms.body import Body
from napari_jsn.viewer.forms.form import FieldsOf
from napari_jsn.viewer.forms.scroll import ContentScroll
from napari_jsn.viewer.forms.status import Status
from napari_jsn.viewer.forms.style import style_sheet, text_label
from napari_jsn.viewer.forms.worker import WorkerProgress, do_work, return_memory_soon, start_worker
from napari_jsn.viewer.layers.read_layer import READING, layer_metadata

if TYPE_CHECKING:
    from napari_jsn.viewer.forms.form import Form

log: logging.Logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """Work that is running, and what :meth:`RunPanel.finish` needs to know about it."""

    progress: WorkerProgress
    context: Any
    #: Whether ``called`` is emitted with its result.
    announced: bool = True


class RunPanel(FunctionGui[..., Any]):
    """The form of a function, whose button calls it in a thread.

    It is a FunctionGui of magicgui: fields are attributes, ``widget.fixed.value = layer``; calling the widget does the
    same as its button, and waits; ``called`` is emitted with each result, after its layers were added. A subclass
    defines the work in :meth:`begin` and shows its result in :meth:`finish`.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    form : Form
        With one field for each argument of the function.
    below : widgets
        Shown under the buttons.
    function : callable, optional
        By default a function that returns the inputs of the form.
    button, tips : str
        The text of the run button; what Run and Abort do.
    """

    #: Packages to import in the worker before the work begins, one at a time, so that the window can repaint.
    modules: tuple[str, ...] = ("torch",)
    #: Name of the work in an error message.
    work_name = "run"
    form: Form

    def __init__(
        self,
        viewer: Any,
        form: Form,
        *below: QWidget,
        button: str,
        tips: tuple[str, str],
        function: Callable[..., Any] | None = None,
    ) -> None:
        self._viewer = viewer
        self._run: Run | None = None
        self.form = form
        super().__init__(
            function or _function_of(form), call_button=False, labels=False, tooltips=False, type_map=FieldsOf(form)
        )
        self._call_button = PushButton(gui_only=True, text=button, name="call_button")
        self.run_button: QPushButton = self._call_button.native
        self.abort_button: QPushButton = QPushButton("Abort")
        self.bar: QProgressBar = QProgressBar()
        self.status: QLabel = text_label("status")
        self.failure: QLabel = text_label("failure")
        self._progress_text = Status()
        self._add_widgets(below, tips)
        form.changed.connect(self._update_buttons)
        self.run_button.clicked.connect(self.run)
        self.abort_button.clicked.connect(self.abort)
        self.native_parent_changed.connect(self._on_parent_change)
        self._watch_viewer()
        self._apply_theme()
        self.reset_choices()

    def __call__(self, *arguments: Any, update_widget: bool = True, **values: Any) -> Any:
        """Set the fields that are given, compute in this thread, show the result as the button does, and return it.

        Parameters
        ----------
        *arguments
            Values of the first fields, in the order of the function's arguments.
        update_widget : bool
            As in magicgui; the form keeps the values in any case.
        **values
            Values of fields by name.

        Raises
        ------
        InputError
            If a field is invalid, or the input cannot be used. No layer is added or changed then.
        """
        if self._run is not None:
            raise InputError(f"A {self.work_name} is running in this widget. Wait for it, or abort it.")
        names = [each.name for each in self if each.name in self.form.fields]
        self.form.set_values({**dict(zip(names, arguments, strict=False)), **values})
        if not self.form.check():
            name, problem = next(iter(self.form.inputs().problems().items()))
            raise InputError(f"{name}: {problem}", name)
        work, context = self.begin()
        run = self._prepare_run(context, True)
        try:
            returned, error = do_work([work], run.progress, self.modules)
        except BaseException:  # an interrupt from the keyboard
            self.close_run()
            raise
        self._on_finish(run, returned, error)
        return_memory_soon()
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

    def reset_choices(self, *_: Any) -> None:
        """Update the choices of layers. napari calls this when layers are added, removed or renamed."""
        for layer in self._viewer.layers:
            for changed in (layer.events.scale, layer.events.units):
                changed.disconnect(self.reset_choices)
                changed.connect(self.reset_choices)
        self.form.set_choices([la for la in self._viewer.layers if layer_metadata(la).get("role") != READING])

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
        except Exception as error:  # any error is shown in the window
            self._show_error(error)
            return
        run = self._prepare_run(context, announced)
        panel, progress = weakref.ref(self), run.progress
        start_worker(work, progress, self.modules, partial(_finish, panel, progress))

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

    def close(self) -> None:
        """Stop, and close the widget."""
        self.close_run()
        super().close()

    def _insert_widget(self, index: int, widget: Any) -> None:
        """Keep a field in the list only: it lies in the form."""
        self._list.insert(index, widget)

    def _watch_viewer(self) -> None:
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered, events.renamed):
            event.connect(self.reset_choices)  # as napari does for a dock; a second connection is ignored
        self._viewer.events.theme.connect(self._apply_theme)
        get_settings().appearance.events.font_size.connect(self._apply_theme)

    def _add_widgets(self, below: tuple[QWidget, ...], tips: tuple[str, str]) -> None:
        """Put the form, the buttons with progress and messages, and the results below each other.

        Form and results can be scrolled; the buttons are always in view.
        """
        self.body: QWidget = Body(self)
        above, under = ContentScroll(), ContentScroll()
        above.rows.addWidget(self.form)
        for widget in below:
            under.rows.addWidget(widget)
        self.buttons: QHBoxLayout = QHBoxLayout()
        self.buttons.addWidget(self.run_button, 2)
        self.buttons.addWidget(self.abort_button, 1)
        footer = QVBoxLayout()
        footer.addLayout(self.buttons)
        for label in (self.bar, self.status, self.failure):
            footer.addWidget(label)
        layout = QVBoxLayout(self.body)
        layout.addWidget(above)
        layout.addLayout(footer)
        layout.addWidget(under)
        layout.addStretch(1)
        for each, margins in ((layout, (0, 0, 0, 0)), (footer, (9, 0, 9, 0)), (under.rows, (9, 0, 9, 9))):
            each.setContentsMargins(*margins)
        self.status.hide()
        self.failure.hide()
        self.run_button.setObjectName("run")
        self.run_button.setToolTip(f"{tips[0]} (Enter)")
        self.abort_button.setToolTip(f"{tips[1]} (Esc)")
        self.bar.setTextVisible(False)
        outer = self.native.layout()
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.body)

    def _on_parent_change(self, parent: Any) -> None:
        """Stop when the dock is closed, which removes the widget from its parent."""
        if parent is None:
            self.close_run()

    def _prepare_run(self, context: Any, announced: bool) -> Run:
        run = self._run = Run(WorkerProgress(), context, announced)
        run.progress.updated.connect(self._show_progress)
        run.progress.intermediate.connect(self._on_intermediate)
        run.progress.warned.connect(self._on_warning)
        self._warnings: list[str] = []
        self.native.destroyed.connect(run.progress.abort)  # with the window
        self._set_status(failure="")
        self._progress_text = Status()
        self._show_progress(0, 0, "Loading")
        self._update_buttons()
        return run

    def _on_finish(self, run: Run, result: Any = None, error: Exception | None = None) -> None:
        """Show result or error of the worker, unless the run was aborted or has finished already."""
        if self._run is not run:
            return
        self._run = None
        if not isalive(self.native):  # its window was closed
            return
        self._set_status(" ".join(self._warnings))
        self._update_buttons()
        if error is not None:
            self._show_error(error)
        elif result is not None:
            try:
                self.finish(result, run.context)
            except Exception as problem:  # any error is shown in the window
                self._show_error(problem)
                return
            self._fit()
            if run.announced:
                self.called.emit(self.result_of(result))

    def _fit(self) -> None:
        """Give the results their room before napari draws new layers, which can take seconds."""
        for scroll in self.body.findChildren(ContentScroll):
            scroll.fit()
        layout = self.body.layout()
        if layout is not None:
            layout.activate()

    def _show_error(self, error: Exception) -> None:
        """Show an error, at the field of the argument where it names one; an unexpected one goes to the log too."""
        if isinstance(error, InputError) and error.argument in self.form.fields:
            text = self.form.in_words_of_the_form(str(error))
            self.form.fields[error.argument].show_problem(text)
        elif isinstance(error, InputError):
            self._set_status(failure=self.form.in_words_of_the_form(str(error)))
        else:
            log.error("The %s failed", self.work_name, exc_info=error)
            what = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
            self._set_status(failure=f"The {self.work_name} failed: {what}. The log of napari_jsn has the details.")

    def _show_progress(self, done: int, total: int, message: str) -> None:
        if self._run is not None and isalive(self.native):
            # A range of 0 would start an animation, which makes napari repaint its canvas all the time.
            self.bar.setRange(0, max(total, 1))
            self.bar.setValue(done if total else 0)
            self._set_status(self._progress_text.text(done, total, message))

    def _on_intermediate(self, result: Any) -> None:
        if self._run is not None and isalive(self.native):
            self.show_intermediate(result, self._run.context)

    def _on_warning(self, sentence: str) -> None:
        self._warnings.append(sentence)

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
        if isalive(self.native):
            self.native.setStyleSheet(style_sheet(self._viewer.theme))


def _finish(
    panel: Callable[[], RunPanel | None], progress: WorkerProgress, result: Any = None, error: Exception | None = None
) -> None:
    """Show what a worker returned, if its run is still that of the panel."""
    found = panel()
    run = None if found is None else found._run
    if found is not None and run is not None and run.progress is progress:
        found._on_finish(run, result, error)


def viewer_or_current(viewer: Any) -> Any:
    """Return the viewer, or the current one where none is given.

    Raises
    ------
    InputError
        If there is none.
    """
    if viewer is None:
        viewer = napari.current_viewer()
    if viewer is None:
        raise InputError("There is no viewer. Open one with napari.Viewer(), or give one.", "viewer")
    get_qapp()
    return viewer


def _function_of(form: Form) -> Callable[..., Any]:
    """Return a function of the fields of a form, which returns its inputs."""
    kind = form.inputs_class

    def inputs(**values: Any) -> Any:
        return kind(**values)

    parameters = [inspect.Parameter(item.name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for item in fields(kind)]
    inputs.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect reads
    return inputs
