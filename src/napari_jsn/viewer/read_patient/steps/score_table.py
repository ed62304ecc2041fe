"""The list of sites in score mode: both grades of each, the model's beside, and running totals."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QFont
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from napari_jsn.reading import ScoreLine, running_totals

_COLUMNS = {"site": "site", "jsn": "narrowing", "erosion": "erosion", "model": "model (narrowing / erosion)"}
_NAMES = {"jsn": "narrowing", "erosion": "erosion", "total": "total"}
_ROW_HEIGHT = 20


class ScoreTable(QWidget):
    """Sites and grades of one hand; ``chosen`` carries site and kind of the cell that the user clicks."""

    chosen: Signal = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.table: QTableWidget = QTableWidget(0, len(_COLUMNS))
        self.totals: QLabel = QLabel()
        self.totals.setWordWrap(True)  # a wider dock would cut off the pictures
        self._sites: list[str] = []
        table = self.table
        table.setHorizontalHeaderLabels(["site", "narrowing", "erosion", "model"])
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.setShowGrid(False)
        rows, columns = table.verticalHeader(), table.horizontalHeader()
        assert rows is not None and columns is not None
        rows.hide()
        rows.setDefaultSectionSize(_ROW_HEIGHT)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        columns.setHighlightSections(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(table, 1)
        layout.addWidget(self.totals)
        table.cellClicked.connect(self._on_click)

    def sizeHint(self) -> QSize:
        """Return the room of the fingers of a hand."""
        return QSize(320, 13 * _ROW_HEIGHT)

    def show_lines(self, lines: Sequence[ScoreLine], site: str, kind: str) -> None:
        """Show the sites, and select the cell that the next digit sets."""
        self._sites = [line.site for line in lines]
        self.table.setRowCount(len(lines))
        self.table.setColumnHidden(3, not any(line.model for line in lines))
        for number, line in enumerate(lines):
            model = " / ".join(f"{line.model[each]:.0f}" if each in line.model else "-" for each in ("jsn", "erosion"))
            texts = [line.site, _grade(line, "jsn"), _grade(line, "erosion"), model if line.model else ""]
            for column, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                if column:
                    cell.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                if text == "X":
                    cell.setForeground(QBrush(QColor("#8a8a8a")))
                self.table.setItem(number, column, cell)
        if site in self._sites:
            row, column = self._sites.index(site), 2 if kind == "erosion" else 1
            self.table.setCurrentCell(row, column)
            chosen = self.table.item(row, column)
            if chosen is not None:
                bold = QFont(self.table.font())
                bold.setBold(True)
                chosen.setFont(bold)
        found = running_totals(lines)
        order = sorted(found, key=lambda name: list(_NAMES).index(name) if name in _NAMES else 1)
        parts = [f"{_NAMES.get(name, name)} {found[name][0]} ({found[name][1]} of {found[name][2]})" for name in order]
        self.totals.setText("   ".join(part.replace(" ", "\u00a0") for part in parts))  # broken between them only

    def _on_click(self, row: int, column: int) -> None:
        if row < len(self._sites):
            self.chosen.emit(self._sites[row], "erosion" if column == 2 else "jsn")


def _grade(line: ScoreLine, kind: str) -> str:
    if kind not in line.grades:
        return "X"
    grade = line.grades[kind]
    return line.not_scored.get(kind, "").replace("_", " ") if grade is None else f"{grade:.0f}"
