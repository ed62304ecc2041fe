"""The table of all joints' narrowing at one visit, and its colour scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableWidget, QTableWidgetItem

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.viewer.hands_widget.boxes import signed

if TYPE_CHECKING:
    from napari_jsn.progression.labels import Unit
    from napari_jsn.progression.narrowing import Narrowing

#: Columns and their tips.
_COLUMNS = {
    "joint": "Choosing a row moves the view to the joint.",
    "JSN": "Joint space narrowing since baseline; positive is narrower.",
    "95 % interval": "Of the narrowing.",
    "ΔJSW": "Change of the joint space width between the margins, positive is narrower: an independent check.",
    "state": "good; wide: a wide interval; failed: choosing the row shows the reason below the table.",
}
_ROW_HEIGHT, _MAX_ROWS = 21, 12


class JointTable(QTableWidget):
    """One row a joint; ``chosen`` is emitted with side and joint when the user chooses a row."""

    chosen: Signal = Signal(str, str)

    def __init__(self) -> None:
        self._rows: list[Narrowing] = []
        self._failed_ink = UNRELIABLE
        super().__init__(0, len(_COLUMNS))
        self.setObjectName("joints")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.setWordWrap(False)
        self.setIconSize(QSize(8, 8))
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None and columns is not None
        self._column_header = columns
        rows.hide()
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        columns.setMinimumSectionSize(24)
        columns.setHighlightSections(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)  # Tab leaves the table; the arrow keys move in it
        self.itemSelectionChanged.connect(self._on_selection)

    def show_rows(self, rows: Sequence[Narrowing], unit: Unit, end: float) -> None:
        """Show these narrowings; ``end`` is the narrowing at which the colour scale ends."""
        self.blockSignals(True)
        self.clearContents()
        self._rows = list(rows)
        self.setRowCount(len(rows))
        for column, (title, tip) in enumerate(_COLUMNS.items()):
            header = QTableWidgetItem(title)
            header.setToolTip(f"{tip} In {unit.name}." if 0 < column < 4 else tip)
            self.setHorizontalHeaderItem(column, header)
        both = len({row.side for row in rows}) > 1
        for number, row in enumerate(rows):
            for column, text in enumerate(_cell_texts(row, unit, both)):
                item = QTableWidgetItem(text)
                item.setToolTip(row.reason)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                else:
                    item.setIcon(_colour_icon(jsn_colour(unit.jsn(row).value, end) if row.reliable else UNRELIABLE))
                if not row.reliable:
                    item.setForeground(QColor(self._failed_ink))
                self.setItem(number, column, item)
        self._fit_rows()
        self.blockSignals(False)

    def set_failed_ink(self, colour: str) -> None:
        """Set the colour of the texts of figures that have failed; it depends on the theme."""
        self._failed_ink = colour
        for number, row in enumerate(self._rows):
            cells = () if row.reliable else (self.item(number, column) for column in range(len(_COLUMNS)))
            for item in filter(None, cells):
                item.setForeground(QColor(colour))

    def changeEvent(self, event: QEvent | None) -> None:
        """Fit the rows to another font."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_rows()

    def _fit_rows(self) -> None:
        height = max(_ROW_HEIGHT, self.fontMetrics().height() + 6)
        rows = self.verticalHeader()
        if rows is None or not hasattr(self, "_column_header"):  # while the table is being made
            return
        rows.setMinimumSectionSize(height)
        rows.setDefaultSectionSize(height)
        visible = min(len(self._rows), _MAX_ROWS)
        self.setFixedHeight(self._column_header.sizeHint().height() + visible * height + 4)

    def choose(self, side: str, joint: str) -> None:
        """Select the row of a joint without emitting ``chosen``."""
        self.blockSignals(True)
        number = next((k for k, row in enumerate(self._rows) if (row.side, row.joint) == (side, joint)), -1)
        if number < 0:
            self.clearSelection()
        else:
            self.selectRow(number)
        self.blockSignals(False)

    def _on_selection(self) -> None:
        rows = {item.row() for item in self.selectedItems()}
        if len(rows) == 1:
            row = self._rows[rows.pop()]
            self.chosen.emit(row.side, row.joint)


class Legend(QLabel):
    """The colour scale of the narrowing, from wider to narrower."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("legend")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setToolTip("Colour of boxes and rows. Grey: failed, or not measured.")

    def show_scale(self, end: float, unit: str) -> None:
        """Draw the scale from ``-end`` to ``end``."""
        stops = ", ".join(f"stop:{k / 8} {jsn_colour(end * (k - 4) / 4, end)}" for k in range(9))
        self.setText(f"−{end:g}  wider   ·   narrower  +{end:g} {unit}")
        gradient = f"qlineargradient(x1:0, y1:0, x2:1, y2:0, {stops})"
        self.setStyleSheet(f"QLabel#legend {{ background: {gradient}; color: #000000; padding: 2px; }}")


def _cell_texts(row: Narrowing, unit: Unit, both: bool) -> list[str]:
    jsn, change, digits = unit.jsn(row), unit.jsw_change(row), unit.decimals
    name = f"{row.side} {row.joint}" if both else row.joint
    low, high = jsn.ci95
    interval = f"{signed(low, digits)}…{signed(high, digits)}" if math.isfinite(low) else "–"
    value, check = (signed(each.value, digits) if each.known else "–" for each in (jsn, change))
    return [name, value, interval, check, row.state]


def _colour_icon(colour: str) -> QIcon:
    pixmap = QPixmap(8, 8)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
