"""A scroll area that is as high as its content where there is room, and never narrower than its content."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

#: Least height in lines of text, so that a part of a form can be scrolled in the smallest window.
_LEAST_LINES = 4


class ContentScroll(QScrollArea):
    """A scroll area around a widget with a layout.

    Parameters
    ----------
    content : QWidget
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content, self._height = content, -1
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        content.installEventFilter(self)
        self._later = QTimer(self)  # an event comes before the layout has done what it asks for
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._update_height)

    def minimumSizeHint(self) -> QSize:
        """Return the width of the content with a scroll bar, and the height of some lines."""
        least = _LEAST_LINES * self.fontMetrics().lineSpacing()
        width = self._content.minimumSizeHint().width() + self._bar_width() + self._border()
        return QSize(width, min(least, self._content_height()))

    def sizeHint(self) -> QSize:
        """Return the size of the content."""
        return QSize(self._content.sizeHint().width() + self._bar_width(), self._content_height())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Ask for another height when the content has one."""
        if event is not None and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._later.start(0)
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: Any) -> None:
        """Ask for another height when lines wrap at another width."""
        super().resizeEvent(event)
        self._later.start(0)

    def _update_height(self) -> None:
        height = self._content_height()
        if height != self._height:
            self._height = height
            self.updateGeometry()

    def _content_height(self) -> int:
        layout, viewport = self._content.layout(), self.viewport()
        assert layout is not None and viewport is not None
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
