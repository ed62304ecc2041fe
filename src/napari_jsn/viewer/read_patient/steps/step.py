"""One step of the dock: a header that folds it to one line, and its content."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Step(QWidget):
    """A numbered step; ``opened`` is emitted when the user opens it.

    Parameters
    ----------
    number : int
    title : str
    content : QWidget
    """

    opened: Signal = Signal(object)

    def __init__(self, number: int, title: str, content: QWidget) -> None:
        super().__init__()
        self.content = content
        self._title = f"{number}  {title}"
        self.header: QToolButton = QToolButton()
        self.header.setObjectName("step")
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.header.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.header.setIconSize(QSize(9, 9))
        self.header.clicked.connect(lambda: self.opened.emit(self))
        self._summary = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.header)
        layout.addWidget(content, 1)
        self.set_open(False)

    @property
    def is_open(self) -> bool:
        """Whether the content is shown."""
        return not self.content.isHidden()

    def set_open(self, is_open: bool) -> None:
        """Show the content, or fold the step to its line."""
        self.content.setVisible(is_open)
        self.header.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.header.setProperty("open", is_open)
        vertical = QSizePolicy.Policy.Expanding if is_open else QSizePolicy.Policy.Fixed
        self.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self._show_text()

    def set_summary(self, text: str) -> None:
        """Set what the line says when the step is folded."""
        self._summary = text
        self._show_text()

    def set_usable(self, usable: bool) -> None:
        """Set whether the step can be opened."""
        self.header.setEnabled(usable)

    def resizeEvent(self, event: Any) -> None:
        """Cut the line to the new width."""
        super().resizeEvent(event)
        self._show_text()

    def _show_text(self) -> None:
        text = f"{self._title}    {self._summary}" if self._summary else self._title
        room = max(80, self.header.width() - 34)
        shown = self.header.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
        self.header.setText(shown)
        self.header.setToolTip(text if shown != text else "")


class ElidedLabel(QLabel):
    """One line of text that is cut with dots where there is no room; the tip has all of it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._whole = ""
        self.setMinimumWidth(40)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def setText(self, text: str | None) -> None:
        """Show a text."""
        self._whole = text or ""
        self._cut()

    def resizeEvent(self, event: Any) -> None:
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        super().setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")
