"""Ask for a patient of a store: where the store is, who reads, in which session, and which item."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
)

from napari_jsn.common.errors import InputError
from napari_jsn.reading import Reading
from napari_jsn.store import open_store

_STATES = {"open": "", "begun": "begun", "done": "done"}


class StoreDialog(QDialog):
    """Store, reader, session and item."""

    def __init__(self, parent: Any, reader: str, place: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("Patient of a store")
        self.place, self.reader = QLineEdit(place), QLineEdit(reader)
        self.sessions, self.items = QComboBox(), QListWidget()
        self.message = QLabel()
        self.message.setWordWrap(True)
        browse = QPushButton("…")
        row, form, layout = QHBoxLayout(), QFormLayout(), QVBoxLayout(self)
        row.addWidget(self.place, 1)
        row.addWidget(browse)
        form.addRow("Store", row)
        form.addRow("Reader", self.reader)
        form.addRow("Session", self.sessions)
        layout.addLayout(form)
        layout.addWidget(self.items, 1)
        layout.addWidget(self.message)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        layout.addWidget(buttons)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        browse.clicked.connect(self._browse)
        self.items.itemDoubleClicked.connect(lambda _: self.accept())
        for field in (self.place, self.reader):
            field.editingFinished.connect(self.show_sessions)
        self.sessions.activated.connect(lambda _: self.show_items())
        self.resize(440, 420)
        self.show_sessions()

    def _browse(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Store of readings", "", "Stores (*.db);;All files (*)")
        if file:
            self.place.setText(file)
            self.show_sessions()

    def show_sessions(self) -> None:
        """List the sessions of the reader, and the items of the first one."""
        self.sessions.clear()
        self.items.clear()
        self.message.setText("")
        if not self.place.text().strip() or not self.reader.text().strip():
            return
        try:
            with open_store(self.place.text().strip(), self.reader.text().strip(), create=False) as store:
                own = store.sessions()
                names = own[own["reader"] == store.reader]["session"].tolist() if len(own) else []
        except InputError as error:
            self.message.setText(str(error))
            return
        self.sessions.addItem("without a session", "")
        for name in names:
            if not name.endswith(" (repeated)"):
                self.sessions.addItem(name, name)
        self.show_items()

    def show_items(self) -> None:
        """List the items of the chosen session."""
        self.items.clear()
        try:
            with open_store(self.place.text().strip(), self.reader.text().strip(), create=False) as store:
                reading = Reading(store, self.sessions.currentData() or "")
                work, last = reading.work_list(), reading.resume()
        except InputError as error:
            self.message.setText(str(error))
            return
        for each in work:
            state = _STATES[each.state]
            item = QListWidgetItem(f"{each.title}    {state}".rstrip())
            item.setData(256, each.code)
            self.items.addItem(item)
            if last is not None and each.code == last[0].code:
                self.items.setCurrentItem(item)

    def chosen(self) -> tuple[str, str, str, str] | None:
        """Return store, reader, session and code of the chosen item; None if none is chosen."""
        item = self.items.currentItem()
        if item is None:
            return None
        place, reader = self.place.text().strip(), self.reader.text().strip()
        return place, reader, self.sessions.currentData() or "", str(item.data(256))


def ask_for_item(parent: Any, reader: str, place: str = "") -> tuple[str, str, str, str] | None:
    """Return store, reader, session and code of the item that the user chooses; None if none."""
    dialog = StoreDialog(parent, reader, place)
    return dialog.chosen() if dialog.exec() else None
