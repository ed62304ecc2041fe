"""A scroll area that is as high as its content where there is room, and never narrower than its content."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt
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

    def minimumSizeHint(self) -> QSize:
        """Return the width of the content with a scroll bar, and the height of some lines."""
        least = _LEAST_LINES * self.fontMetrics().lineSpacing()
        return QSize(self._content.minimumSizeHint().width() + self._bar_width(), min(least, self._content_height()))

    def sizeHint(self) -> QSize:
        """Return the size of the content."""
        return QSize(self._content.sizeHint().width() + self._bar_width(), self._content_height())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Ask for another height when the content has one."""
        if event is not None and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._update_height()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: Any) -> None:
        """Ask for another height when lines wrap at another width."""
        super().resizeEvent(event)
        self._update_height()

    def _update_height(self) -> None:
        height = self._content_height()
        if height != self._height:
            self._height = height
            self.updateGeometry()

    def _content_height(self) -> int:
        layout, viewport = self._content.layout(), self.viewport()
        assert layout is not None and viewport is not None
        least = self._content.minimumSizeHint()
        if layout.hasHeightForWidth():
            return max(layout.totalHeightForWidth(max(viewport.width(), least.width())), least.height())
        return max(self._content.sizeHint().height(), least.height())

    def _bar_width(self) -> int:
        bar = self.verticalScrollBar()
        return 0 if bar is None else int(bar.sizeHint().width())
