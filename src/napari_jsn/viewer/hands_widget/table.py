"""The narrowing of every joint at one visit as a table, and what its colours mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableWidget, QTableWidgetItem

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.viewer.hands_widget.boxes import signed

if TYPE_CHECKING:
    from napari_jsn.progression.labels import Unit
    from napari_jsn.progression.progression import Narrowing

#: Columns and what each tells; the unit stands beneath the first line.
_COLUMNS = {
    "joint": "Choosing one moves the view there.",
    "JSN": "Joint space narrowing since baseline; positive is narrower.",
    "95 % interval": "Of the narrowing.",
    "ΔJSW": "Change of the joint space width between the margins, positive is narrower: an independent check.",
    "ok": "Whether the narrowing can be trusted; the reason stands below when the joint is chosen.",
}
_ROW, _MOST_ROWS = 21, 12


class JointTable(QTableWidget):
    """One row a joint; ``chosen`` tells side and joint when the user chooses one."""

    chosen = Signal(str, str)

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        self.setObjectName("joints")
        self._rows: list[Narrowing] = []
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.setWordWrap(False)
        self.setIconSize(QSize(8, 8))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.verticalHeader().setMinimumSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(24)
        header.setHighlightSections(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemSelectionChanged.connect(self._choose)

    def show_rows(self, rows: Sequence[Narrowing], unit: Unit, end: float) -> None:
        """Show these narrowings; ``end`` is where the colours end."""
        self.blockSignals(True)
        self.clearContents()
        self._rows = list(rows)
        self.setRowCount(len(rows))
        self.setHorizontalHeaderLabels(list(_COLUMNS))
        for column, tip in enumerate(_COLUMNS.values()):
            unit_told = f" In {unit.name}." if 0 < column < 4 else ""
            self.horizontalHeaderItem(column).setToolTip(tip + unit_told)
        both = len({row.side for row in rows}) > 1
        for number, row in enumerate(rows):
            for column, words in enumerate(_words(row, unit, both)):
                item = QTableWidgetItem(words)
                item.setToolTip(row.reason)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                else:
                    item.setIcon(_swatch(jsn_colour(unit.jsn(row).value, end) if row.reliable else UNRELIABLE))
                if not row.reliable:
                    item.setForeground(QColor(UNRELIABLE))
                self.setItem(number, column, item)
        shown = min(len(rows), _MOST_ROWS)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + shown * _ROW + 4)
        self.blockSignals(False)

    def choose(self, side: str, joint: str) -> None:
        """Mark the row of a joint, without telling it."""
        self.blockSignals(True)
        number = next((k for k, row in enumerate(self._rows) if (row.side, row.joint) == (side, joint)), -1)
        if number < 0:
            self.clearSelection()
        else:
            self.selectRow(number)
        self.blockSignals(False)

    def _choose(self) -> None:
        rows = {item.row() for item in self.selectedItems()}
        if len(rows) == 1:
            row = self._rows[rows.pop()]
            self.chosen.emit(row.side, row.joint)


class Legend(QLabel):
    """The colours of the narrowing from widest to narrowest."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("legend")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setToolTip("Colour of boxes and rows; grey ones should not be trusted or were not measured.")

    def show_scale(self, end: float, unit: str) -> None:
        """Draw the scale up to ``end`` on both sides."""
        stops = ", ".join(f"stop:{k / 8} {jsn_colour(end * (k - 4) / 4, end)}" for k in range(9))
        self.setText(f"−{end:g}  wider   ·   narrower  +{end:g} {unit}")
        gradient = f"qlineargradient(x1:0, y1:0, x2:1, y2:0, {stops})"
        self.setStyleSheet(f"QLabel#legend {{ background: {gradient}; color: #1a1a1a; padding: 2px; }}")


def _words(row: Narrowing, unit: Unit, both: bool) -> list[str]:
    jsn, change, digits = unit.jsn(row), unit.jsw_change(row), unit.decimals
    name = f"{row.side} {row.joint}" if both else row.joint
    low, high = jsn.ci95
    interval = f"{signed(low, digits)}…{signed(high, digits)}" if math.isfinite(low) else "–"
    value, check = (signed(each.value, digits) if each.known else "–" for each in (jsn, change))
    return [name, value, interval, check, "✓" if row.reliable else "no"]


def _swatch(colour: str) -> QIcon:
    pixmap = QPixmap(8, 8)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
