"""What a dock shows of a form: it takes the keys, and fits its fields to the font."""

from __future__ import annotations

import weakref
from typing import Any

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtWidgets import QAbstractButton, QAbstractItemView, QWidget

#: Events after which texts may have another size.
_OTHER_FONT = (QEvent.Type.FontChange, QEvent.Type.StyleChange)


class Body(QWidget):
    """What the dock shows. Enter in a field runs, Enter on a button presses it, Esc aborts.

    Parameters
    ----------
    panel : RunPanel
        Its ``run``, ``abort`` and ``form`` are used.
    """

    def __init__(self, panel: Any) -> None:
        super().__init__()
        self._panel = weakref.ref(panel)  # the panel holds this widget

    def sizeHint(self) -> QSize:
        """Return the width that the form needs, to leave the rest to the images."""
        hint = super().sizeHint()
        return QSize(max(320, self.minimumSizeHint().width()), hint.height())

    def changeEvent(self, event: QEvent | None) -> None:
        """Fit the form to another font."""
        super().changeEvent(event)
        panel = self._panel()
        if panel is not None and event is not None and event.type() in _OTHER_FONT:
            for field in panel.form.fields.values():
                field.fit()

    def keyPressEvent(self, event: Any) -> None:
        """Run or abort, in a field; press the button that has the focus."""
        panel, focused = self._panel(), self.focusWidget()  # also where the window is not active
        if panel is None or event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            panel.abort()
        elif isinstance(focused, QAbstractButton):
            focused.click()
        elif not isinstance(focused, QAbstractItemView):
            panel.run()
