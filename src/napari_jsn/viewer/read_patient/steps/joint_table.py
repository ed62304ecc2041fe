"""The list of joints in the step Read: state, narrowing, interval as a bar, width and decision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QPainter, QPen
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QStyledItemDelegate, QTableWidget, QTableWidgetItem

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour, scale_end
from napari_jsn.reading import JointLine

#: Columns of the table, what sorts by them, and their tips.
_COLUMNS = (
    ("joint", "joint", "The joint; * was changed by hand"),
    ("state", "state", "good; wide: a wide interval; failed; out of date: changed since it was measured"),
    ("JSN", "jsn", "Joint space narrowing since baseline; positive is narrower"),
    ("95 %", "jsn", "The 95 % interval of the narrowing"),
    ("JSW", "jsw", "Joint space width at this visit"),
    ("decision", "decision", "Of the reader; ” has a comment"),
)
BAR = 3
_DECISIONS = {"accepted": "✓ accepted", "rejected": "✗ rejected", "unsure": "? unsure", "": ""}
_ROW_HEIGHT = 20
#: Key of the line in a cell.
_LINE = int(Qt.ItemDataRole.UserRole)


class JointTable(QTableWidget):
    """One row a joint; ``chosen`` carries side and joint, ``sort`` the column to sort by."""

    chosen: Signal = Signal(str, str)
    sort: Signal = Signal(str)

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        self._keys: list[tuple[str, str]] = []
        self._shown: list[JointLine] = []
        self.muted = UNRELIABLE
        self.setObjectName("joints")
        self.setHorizontalHeaderLabels([title for title, _, _ in _COLUMNS])
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setItemDelegateForColumn(BAR, _IntervalBar(self))
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None and columns is not None
        rows.hide()
        rows.setDefaultSectionSize(_ROW_HEIGHT)
        rows.setMinimumSectionSize(_ROW_HEIGHT)
        columns.setHighlightSections(False)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(BAR, QHeaderView.ResizeMode.Stretch)
        columns.setMinimumSectionSize(34)
        columns.sectionClicked.connect(lambda column: self.sort.emit(_COLUMNS[column][1]))
        for column, (_, _, tip) in enumerate(_COLUMNS):
            item = self.horizontalHeaderItem(column)
            if item is not None:
                item.setToolTip(tip)
        self.cellClicked.connect(self._on_click)

    def sizeHint(self) -> QSize:
        """Return a width that leaves room to the images."""
        return QSize(340, 8 * _ROW_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Return the room of four rows."""
        return QSize(300, 5 * _ROW_HEIGHT)

    def resizeEvent(self, event: Any) -> None:
        """Keep the current joint in view where a plot or a note below takes room."""
        super().resizeEvent(event)
        if (current := self.currentItem()) is not None:
            self.scrollToItem(current)

    def set_muted_ink(self, colour: str) -> None:
        """Set the colour of figures that have failed, and of the frames of bars, which may be white."""
        self.muted = colour
        if (rows := self.viewport()) is not None:
            rows.update()

    def show_lines(self, lines: Sequence[JointLine], current: tuple[str, str], hide_figures: bool) -> None:
        """Show the lines, and select the current one."""
        keys = [line.key for line in lines]
        sides = len({line.side for line in lines}) > 1
        end = scale_end([each for line in lines for each in line.jsn.ci95 if line.state in ("good", "wide")])
        for column in (1, 2, BAR, 4):
            self.setColumnHidden(column, hide_figures)
        if keys != self._keys:
            self._keys = keys
            self.setRowCount(len(lines))
        for number, line in enumerate(lines):
            if number >= len(self._shown) or self._shown[number] != line or self.item(number, 0) is None:
                self._show_line(number, line, sides, end)
        self._shown = list(lines)
        if current in keys and self.currentRow() != keys.index(current):
            self.setCurrentCell(keys.index(current), 0)

    def _show_line(self, number: int, line: JointLine, sides: bool, end: float) -> None:
        digits = 2 if line.unit == "mm" else 1
        jsn = (
            f"{round(line.jsn.value, digits) + 0.0:+.{digits}f}"
            if line.jsn.known and line.state != "out of date"
            else ""
        )
        texts = (
            (line.title if sides else line.joint) + (" *" if line.changed_by_hand else ""),
            line.state,
            jsn,
            "",
            f"{line.jsw:.{digits}f}" if math.isfinite(line.jsw) else "",
            _DECISIONS.get(line.decision, line.decision) + (" ”" if line.comment else ""),
        )
        for column, text in enumerate(texts):
            cell = QTableWidgetItem(text)
            if column in (2, 4):
                cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if column in (1, 2) and line.state not in ("good", "wide"):
                cell.setForeground(QBrush(QColor(self.muted)))
            if column == BAR:
                cell.setData(_LINE, (line.jsn.value, *line.jsn.ci95, end, line.state))
            tip = {1: line.reason, 2: line.reason, 4: line.jsw_reason, 5: line.comment}.get(column, "")
            cell.setToolTip(tip)
            self.setItem(number, column, cell)

    def _on_click(self, row: int, column: int) -> None:
        if row < len(self._keys):
            self.chosen.emit(*self._keys[row])


class _IntervalBar(QStyledItemDelegate):
    """Draws an interval on the scale of all joints, with a mark at zero."""

    def __init__(self, table: JointTable) -> None:
        super().__init__(table)
        self._table = table

    def paint(self, painter: QPainter | None, option: Any, index: Any) -> None:
        """Draw one cell."""
        super().paint(painter, option, index)
        values = index.data(_LINE)
        if painter is None or values is None:
            return
        value, low, high, end, state = values
        rect = QRectF(option.rect).adjusted(4, 0, -4, 0)

        def at(figure: float) -> float:
            share = (min(max(figure / end, -1.0), 1.0) + 1) / 2
            return float(rect.left() + share * rect.width())

        painter.save()
        painter.setPen(QPen(QColor(UNRELIABLE), 1, Qt.PenStyle.DotLine))
        painter.drawLine(int(at(0)), int(rect.top()) + 2, int(at(0)), int(rect.bottom()) - 2)
        if math.isfinite(value) and state != "out of date":
            colour = QColor(jsn_colour(value, end) if state in ("good", "wide") else UNRELIABLE)
            middle = rect.center().y()
            painter.setPen(QPen(QColor(self._table.muted), 1))
            painter.setBrush(colour)
            painter.drawRect(QRectF(at(low), middle - 2.5, max(2.0, at(high) - at(low)), 5))
            painter.drawRect(QRectF(at(value) - 1.2, middle - 5.5, 2.4, 11))
        painter.restore()
