"""A scroll area that is as high as its content where there is room, and never narrower than its content."""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

#: Least height in lines of text, so that a part of a form can be scrolled in the smallest window.
_LEAST_LINES = 4


class _Rows(QVBoxLayout):
    """A layout that starts a timer whenever one of its widgets has another size, is shown or is hidden.

    The widget of a layout gets no event of that while it has no height.
    """

    def __init__(self, content: QWidget, changed: QTimer) -> None:
        super().__init__(content)
        self._changed = changed

    def invalidate(self) -> None:
        """Forget the sizes, and start the timer."""
        super().invalidate()
        if hasattr(self, "_changed") and isalive(self._changed):
            self._changed.start(0)


class ContentScroll(QScrollArea):
    """A scroll area whose content is the widgets that are added to its ``rows``."""

    def __init__(self) -> None:
        super().__init__()
        self._content, self._height = QWidget(), -1
        self._later = QTimer(self)  # the layout has to do first what it asks for
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._update_height)
        self.rows: QVBoxLayout = _Rows(self._content, self._later)
        self.setWidget(self._content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def minimumSizeHint(self) -> QSize:
        """Return the width of the content with a scroll bar, and the height of some lines."""
        least = _LEAST_LINES * self.fontMetrics().lineSpacing()
        width = self._content.minimumSizeHint().width() + self._bar_width() + self._border()
        return QSize(width, min(least, self._content_height()))

    def sizeHint(self) -> QSize:
        """Return the size of the content."""
        return QSize(self._content.sizeHint().width() + self._bar_width(), self._content_height())

    def resizeEvent(self, event: Any) -> None:
        """Ask for another height when lines wrap at another width."""
        super().resizeEvent(event)
        self._later.start(0)

    def fit(self) -> None:
        """Take the height of the content at once, before what is drawn next."""
        self.rows.activate()
        self._update_height()

    def _update_height(self) -> None:
        height = self._content_height()
        if height != self._height:
            self._height = height
            self.updateGeometry()

    def _content_height(self) -> int:
        layout, viewport = self.rows, self.viewport()
        assert viewport is not None
        if layout.isEmpty():  # nothing is visible in it
            return 0
        least = self._content.minimumSizeHint()
        height = self._content.sizeHint().height()
        if layout.hasHeightForWidth():
            height = layout.totalHeightForWidth(max(viewport.width(), least.width()))
        return max(height, least.height()) + self._border()

    def _border(self) -> int:
        """Return what the style sheet of napari adds around the content."""
        viewport = self.viewport()
        return 0 if viewport is None else max(0, self.height() - viewport.height())

    def _bar_width(self) -> int:
        bar = self.verticalScrollBar()
        return 0 if bar is None else int(bar.sizeHint().width())
