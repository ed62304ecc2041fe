"""Step 1: where the radiographs come from, and a row for each with its date, side and pixel size."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.types import FileDialogMode
from magicgui.widgets import ComboBox, Container, FileEdit, LineEdit
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QImage, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_jsn.registration import method_names
from napari_jsn.viewer.forms.form import DEVICE_TIP, DEVICES, device_of
from napari_jsn.viewer.forms.style import set_property, text_label

if TYPE_CHECKING:
    from napari_jsn.reading.radiograph_rows import RadiographRow

_COLUMNS = ("", "date", "side", "pixel size, mm", "source")
_THUMBNAIL = 34
#: Columns of a table row that the user can edit.
DATE, PIXEL = 1, 3
SOURCE = 4
_READER_TIP = "Your name or code; it stands with all you decide"
_READER_STAYS = "Who reads the open patient; open the radiographs again to read under another name"
EXAMPLES = {"hand_pair": "Left hand, 2 visits", "both_hands": "Both hands, 4 visits"}


class RadiographsStep(QWidget):
    """Source, reader and store; ``measure`` is emitted by the button.

    ``open_folder``, ``open_files``, ``open_stored`` are emitted when a button is clicked, ``open_example`` with the
    name of a sample; ``date_edited`` and ``spacing_edited`` with row and text; ``row_chosen`` and ``known_length`` with
    a row.
    """

    open_folder: Signal = Signal()
    open_files: Signal = Signal()
    open_stored: Signal = Signal()
    open_example: Signal = Signal(str)
    measure: Signal = Signal()
    date_edited: Signal = Signal(int, str)
    spacing_edited: Signal = Signal(int, str)
    row_chosen: Signal = Signal(int)
    known_length: Signal = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.folder_button: QPushButton = QPushButton("Open folder…")
        self.files_button: QPushButton = QPushButton("Files…")
        self.example_button: QPushButton = QPushButton("Example")
        self.stored_button: QPushButton = QPushButton("From a store…")
        menu = QMenu(self.example_button)
        for name, title in EXAMPLES.items():
            menu.addAction(title, lambda name=name: self.open_example.emit(name))
        self.example_button.setMenu(menu)
        self.reader: LineEdit = LineEdit(label="Reader", tooltip=_READER_TIP)
        self.patient: LineEdit = LineEdit(label="Patient", tooltip="The pseudonym of the patient in tables and reports")
        self.store: FileEdit = FileEdit(
            label="Readings", mode=FileDialogMode.OPTIONAL_FILE, filter="*.db", nullable=True,
            tooltip="The store in which everything is saved at once; empty: readings.db beside the folder",
        )  # fmt: skip
        self.method: ComboBox = ComboBox(label="Method", choices=method_names.choices(), tooltip="Of registration")
        self.device: ComboBox = ComboBox(label="Device", choices=list(DEVICES), tooltip=DEVICE_TIP)
        fields: list[Any] = [self.reader, self.patient, self.store, self.method, self.device]
        self.form: Container[Any] = Container(widgets=fields, labels=True)
        self.form.margins = (0, 0, 0, 0)
        self.form.native.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.table: QTableWidget = _table()
        self.message, self.warning = text_label("failure"), text_label("reason")
        self.length_button: QPushButton = QPushButton("Pixel size by a known length…")
        self.length_button.setToolTip("Draw a line on the chosen radiograph, and type how long it is in mm")
        self.measure_button: QPushButton = QPushButton("Measure")
        self.measure_button.setObjectName("run")
        self.measure_button.setEnabled(False)
        buttons = QHBoxLayout()
        for button, signal in (
            (self.folder_button, self.open_folder), (self.files_button, self.open_files),
            (self.example_button, None), (self.stored_button, self.open_stored),
        ):  # fmt: skip
            buttons.addWidget(button)
            if signal is not None:
                button.clicked.connect(signal)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(9, 2, 9, 4)
        layout.addLayout(buttons)
        layout.addWidget(self.form.native)
        layout.addWidget(self.table, 1)
        layout.addStretch()  # where there is no table
        layout.addWidget(self.length_button)
        layout.addWidget(self.warning)
        layout.addWidget(self.message)
        layout.addWidget(self.measure_button)
        self.measure_button.clicked.connect(self.measure)
        self.table.cellChanged.connect(self._on_cell)
        self.table.currentCellChanged.connect(self._on_row)
        self.length_button.clicked.connect(lambda: self.known_length.emit(max(0, self.table.currentRow())))
        self._filling = False
        self.show_rows([])
        self.show_message("")

    def filled(self) -> tuple[str, str, str]:
        """Return what was typed: reader, patient and store."""
        return self.reader.value, self.patient.value, "" if self.store.value is None else str(self.store.value)

    @property
    def computing(self) -> dict[str, Any]:
        """Method and device, as arguments of the package."""
        return {"method": str(self.method.value), "device": device_of(str(self.device.value))}

    def show_method(self, name: str) -> None:
        """Choose the method that a measurement was made with."""
        if name in self.method.choices:
            self.method.value = name

    def fill(self, reader: str, patient: str, store: str) -> None:
        """Fill the fields with what was typed before."""
        self.reader.value, self.patient.value = reader, patient
        self.store.value = Path(store) if store else None

    def show_default_store(self, place: str) -> None:
        """Show where everything is saved as long as no other store is named."""
        path, home = Path(place), Path.home()
        self.store.line_edit.native.setPlaceholderText(
            str("~" / path.relative_to(home)) if path.is_relative_to(home) else place
        )

    def show_rows(self, rows: list[RadiographRow]) -> None:
        """Show a row for each radiograph."""
        self._filling = True
        self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            texts = ("", row.date, row.side, row.pixel_size, row.source)
            for column, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                editable = column in (DATE, PIXEL)
                flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
                cell.setFlags(flags | Qt.ItemFlag.ItemIsEditable if editable else flags)
                about = "Double-click to change it" if editable else row.warning or row.about_source or text
                cell.setToolTip(about)
                if row.warning and column:
                    cell.setForeground(QColor("#d99000"))
                self.table.setItem(number, column, cell)
            first = self.table.item(number, 0)
            if first is not None:
                first.setIcon(QIcon(_pixmap(row.thumbnail)))
                first.setToolTip(row.name)
        self._filling = False
        self.table.setVisible(bool(rows))
        self.length_button.setVisible(bool(rows))
        warnings = list(dict.fromkeys(row.warning for row in rows if row.warning))
        self.show_warning("\n".join(warnings))

    def choose_row(self, row: int) -> None:
        """Choose a radiograph, without a signal."""
        self._filling = True
        self.table.setCurrentCell(row, DATE)
        self._filling = False

    def show_warning(self, text: str) -> None:
        """Show what may be wrong with the radiographs, in amber."""
        self.warning.setText(text)
        self.warning.setVisible(bool(text))

    def show_message(self, text: str, is_hint: bool = False) -> None:
        """Show an error, or what the user does next."""
        set_property(self.message, "hint", is_hint)
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def set_busy(self, busy: bool, found: bool, measured: bool) -> None:
        """Set which buttons can be used; the reader of a patient that is open stays."""
        for button in (self.folder_button, self.files_button, self.example_button, self.stored_button):
            button.setEnabled(not busy)
        self.measure_button.setEnabled(found and not busy)
        self.length_button.setEnabled(found and not busy)
        self.reader.enabled = not measured
        self.reader.tooltip = _READER_STAYS if measured else _READER_TIP
        self.measure_button.setText("Measure all again" if measured else "Measure")

    def focus_next(self) -> None:
        """Put the focus where the user goes on: to the reader's name, or to Measure."""
        (self.measure_button if self.reader.value.strip() else self.reader.native).setFocus()

    def _on_row(self, row: int, column: int, before: int, column_before: int) -> None:
        if not self._filling and row >= 0 and row != before:
            self.row_chosen.emit(row)

    def _on_cell(self, row: int, column: int) -> None:
        cell = self.table.item(row, column)
        if self._filling or cell is None:
            return
        if column == DATE:
            self.date_edited.emit(row, cell.text())
        elif column == PIXEL:
            self.spacing_edited.emit(row, cell.text())


def _table() -> QTableWidget:
    table = QTableWidget(0, len(_COLUMNS))
    table.setObjectName("radiographs")
    table.setHorizontalHeaderLabels(list(_COLUMNS))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setShowGrid(False)
    table.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
    table.setMinimumHeight(90)
    rows, columns = table.verticalHeader(), table.horizontalHeader()
    assert rows is not None and columns is not None
    rows.hide()
    rows.setDefaultSectionSize(_THUMBNAIL + 4)
    columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    columns.setSectionResizeMode(SOURCE, QHeaderView.ResizeMode.Stretch)  # what is left of the width; the tip has all
    columns.setMinimumSectionSize(24)
    table.setWordWrap(False)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    columns.setHighlightSections(False)
    return table


def _pixmap(thumbnail: NDArray[np.uint8]) -> QPixmap:
    height, width = thumbnail.shape
    data = np.ascontiguousarray(thumbnail)
    return QPixmap.fromImage(QImage(data.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy())


def parsed_date(text: str) -> date | None:
    """Return a date of the form 2021-03-05; None for anything else."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
