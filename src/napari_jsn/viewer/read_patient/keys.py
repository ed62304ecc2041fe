"""Keys of the step Read: they come before napari's, wherever the focus is, except in a text field."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet, ref

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

_TEXT_FIELDS = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
_MODIFIERS = (
    (Qt.KeyboardModifier.ControlModifier, "Ctrl+"),
    (Qt.KeyboardModifier.AltModifier, "Alt+"),
    (Qt.KeyboardModifier.MetaModifier, "Meta+"),
    (Qt.KeyboardModifier.ShiftModifier, "Shift+"),
)
#: Filters that are installed. At the end of the process Qt would call those that are gone.
_filters: WeakSet[ReadingKeys] = WeakSet()
_NAMES = {Qt.Key.Key_Space: "Space", Qt.Key.Key_Question: "?", Qt.Key.Key_Tab: "Tab", Qt.Key.Key_Escape: "Escape"}


@atexit.register
def _stop_all() -> None:
    for each in list(_filters):
        each.stop()


def key_name(event: Any) -> str:
    """Return the name of a key that was pressed: ``"A"``, ``"Shift+N"``, ``"Space"``; ``""`` for others."""
    key = event.key()
    if key in _NAMES:
        name = _NAMES[key]
    elif Qt.Key.Key_A <= key <= Qt.Key.Key_Z or Qt.Key.Key_0 <= key <= Qt.Key.Key_9 or key in (0x3F,):
        name = chr(key)
    else:
        return ""
    pressed = event.modifiers()
    words = "".join(word for flag, word in _MODIFIERS if pressed & flag)
    return name if name == "?" else words + name


class ReadingKeys(QObject):
    """Calls functions for keys of one window, before napari gets them.

    Parameters
    ----------
    window : QWidget
        The main window.
    actions : mapping
        From the name of a key to the function to call.
    active : callable
        Whether the keys are those of the reading now.
    held : mapping
        From the name of a key to the function to call with True when it is pressed and False when it is released.
    on_close : callable
        Called when the window is asked to close.
    abort : callable
        Called when Escape is pressed, in a text field too; returns whether there was something to abort.
    """

    def __init__(
        self,
        window: QWidget,
        actions: Mapping[str, Callable[[], None]],
        active: Callable[[], bool],
        held: Mapping[str, Callable[[bool], None]],
        on_close: Callable[[], None],
        abort: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._on_close, self._abort = on_close, abort
        self._window, self._actions, self._active, self._held = ref(window), actions, active, held
        self._down: set[str] = set()
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)
        _filters.add(self)

    def stop(self) -> None:
        """Leave all keys to napari."""
        _filters.discard(self)
        application = QApplication.instance()
        if application is not None and isalive(self):
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: Any) -> bool:
        """Take a key of the reading; pass on all else."""
        if event is not None and event.type() == QEvent.Type.Close and watched is self._window():
            self._on_close()
        if event is None or event.type() not in (
            QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride,
        ):  # fmt: skip
            return False
        name = key_name(event)
        if name == "Escape" and event.type() == QEvent.Type.KeyPress and self._in_window(watched):
            return self._abort()
        if name not in self._actions and name not in self._held:
            return False
        if event.type() == QEvent.Type.KeyRelease:
            return self._release(name, event)
        if not self._mine(watched) or not self._active():
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # no shortcut of a menu takes it; it comes as a key press next
            return True
        if name in self._held:
            if not event.isAutoRepeat() and name not in self._down:
                self._down.add(name)
                self._held[name](True)
        else:
            self._actions[name]()
        event.accept()
        return True

    def _release(self, name: str, event: Any) -> bool:
        if name not in self._down:
            return False
        if not event.isAutoRepeat():
            self._down.discard(name)
            self._held[name](False)
        return True

    def _in_window(self, watched: QObject | None) -> bool:
        """Return whether an event is for this window, or for a dock of it that floats."""
        return self._window_of(watched) is not None

    def _window_of(self, watched: QObject | None) -> QWidget | None:
        """Return the window that an event is for: this one, or a dock of it that floats; None for others."""
        window = self._window()
        if window is None or not isalive(window):
            return None
        at = watched.window() if isinstance(watched, QWidget) else watched
        if at is window or (at is not None and at is window.windowHandle()):
            return window  # without a search of its many children, which takes time at every key
        for each in (dock for dock in window.findChildren(QDockWidget) if dock.isFloating()):
            if watched.window() is each if isinstance(watched, QWidget) else watched is each.windowHandle():
                return each
        return None

    def _mine(self, watched: QObject | None) -> bool:
        """Return whether an event is for this window, and the focus is not in a text field."""
        window = self._window_of(watched)
        if window is None or isinstance(watched, _TEXT_FIELDS):
            return False
        focused = window.focusWidget()
        if isinstance(focused, QComboBox) and focused.isEditable():
            return False
        return not (isinstance(focused, _TEXT_FIELDS) and focused.isEnabled() and focused.isVisible())
