"""What measuring told, under the buttons: the visit, the table, the course of a joint, and what to know about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from napari_jsn.progression.labels import visit_labels, visit_times, visit_weeks
from napari_jsn.viewer.hands_widget.table import JointTable, Legend
from napari_jsn.viewer.hands_widget.trend import TrendPlot

if TYPE_CHECKING:
    import napari

    from napari_jsn.viewer.hands_widget.layers import HandLayers


class ProgressionPanel(QFrame):
    """Table, trend and notes of a progression.

    ``chosen`` tells side and name of a joint that the user chose, ``visit_chosen`` a visit; ``save`` asks for files.
    """

    chosen = Signal(str, str)
    visit_chosen = Signal(int)
    save = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._hand: HandLayers | None = None
        self._summary, self._reason, self._notes = _label("told"), _label("reason"), _label("note")
        self._visit_label, self.visit = QLabel("Up to visit"), QComboBox()
        self.legend, self.table, self.trend = Legend(), JointTable(), TrendPlot(viewer)
        self.save_button = QPushButton("Save table and report")
        self.save_button.setToolTip("Write the files of the command napari-jsn measure into a folder")
        layout, row = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(0, 4, 0, 0)
        row.addWidget(self._visit_label)
        row.addWidget(self.visit, 1)
        layout.addWidget(self._summary)
        layout.addLayout(row)
        for widget in (self.legend, self.table, self._reason, self.trend, self.save_button, self._notes):
            layout.addWidget(widget)
        self.table.chosen.connect(self._choose)
        self.visit.activated.connect(lambda index: self.visit_chosen.emit(self.visit.itemData(index)))
        self.save_button.clicked.connect(self.save)
        self.hide()

    @property
    def filled(self) -> bool:
        """Whether there are figures to show."""
        return self._hand is not None

    def clear(self) -> None:
        """Show no figures: old ones must not be taken for new."""
        self._hand = None
        self.hide()

    def show_hand(self, hand: HandLayers) -> None:
        """Show the figures of a progression."""
        self._hand = hand
        self.visit.clear()
        names = visit_labels(hand.progression)
        for number in hand.visits:
            self.visit.addItem(names[number], number)
        self.visit.setCurrentIndex(self.visit.findData(hand.visit))
        for widget in (self._visit_label, self.visit):
            widget.setVisible(len(hand.visits) > 1)
        self._notes.setText("\n".join(_notes(hand)))
        self._notes.setVisible(bool(self._notes.text()))
        self.legend.show_scale(hand.end, hand.unit.name)
        self.show_visit()
        self.show()
        self.layout().activate()  # labels took more or fewer lines while it was hidden

    def show_visit(self) -> None:
        """Show the visit that the layers show."""
        hand = self._hand
        if hand is None:
            return
        rows = [row for row in hand.progression.narrowings if row.visit == hand.visit]
        measured = [row for row in rows if hand.unit.jsn(row).known]
        doubted = len(measured) - sum(row.reliable for row in measured)
        told = f"{len(measured)} of {len(rows)} joints measured"
        self._summary.setText(f"{told}, {doubted} not reliable" if doubted else told)
        self.table.show_rows(rows, hand.unit, hand.end)
        if rows:
            most = max(measured or rows, key=lambda row: hand.unit.jsn(row).value if row.reliable else -1e9)
            self.show_joint(most.side, most.joint, mark=False)

    def show_joint(self, side: str, joint: str, mark: bool = True) -> None:
        """Show what is known of one joint, and mark its row."""
        hand = self._hand
        if hand is None:
            return
        if mark:
            self.table.choose(side, joint)
        row = hand.narrowing(side, joint)
        self._reason.setText(f"{joint}: {row.reason}" if mark and row is not None and row.reason else "")
        self._reason.setVisible(bool(self._reason.text()))
        courses: dict[str, list] = {}
        for each in hand.progression.narrowings:
            if each.side == side:
                courses.setdefault(each.joint, []).append(each)
        mine = courses.pop(joint, None)
        if mine is not None and len(hand.visits) > 1:
            axis = "weeks since baseline" if visit_weeks(hand.progression) else "visit"
            times = visit_times(hand.progression)
            self.trend.show_joint(mine, list(courses.values()), hand.unit, hand.end, times, axis)
        else:
            self.trend.hide()

    def _choose(self, side: str, joint: str) -> None:
        self.show_joint(side, joint)
        self.chosen.emit(side, joint)


def _notes(hand: HandLayers) -> list[str]:
    """What holds for all figures, once each."""
    told = [*hand.progression.notes]
    told += [note for film in hand.progression.films for note in film.notes]
    return list(dict.fromkeys(told))


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    return label
