"""The panel with the results of a measurement: summary, visit, table, reason, trend and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from napari_jsn.common.notes import counted
from napari_jsn.progression.labels import visit_labels, visit_times, visit_weeks
from napari_jsn.viewer.forms.style import text_label
from napari_jsn.viewer.hands_widget.table import JointTable, Legend
from napari_jsn.viewer.hands_widget.trend import Trend, TrendPlot

if TYPE_CHECKING:
    import napari

    from napari_jsn.progression.narrowing import Narrowing
    from napari_jsn.viewer.hands_widget.layers import HandLayers


class ProgressionPanel(QFrame):
    """Table, trend and notes of a progression.

    ``chosen`` is emitted with side and name of a joint that the user chooses, ``visit_chosen`` with a visit, ``save``
    when the user asks to write files.
    """

    chosen: Signal = Signal(str, str)
    visit_chosen: Signal = Signal(int)
    save: Signal = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._shown: HandLayers | None = None
        self._summary, self._reason, self._notes = text_label("summary"), text_label("reason"), text_label("note")
        self._visit_label = QLabel("Up to visit")
        self.visit: QComboBox = QComboBox()
        self.legend: Legend = Legend()
        self.table: JointTable = JointTable()
        self.trend: TrendPlot = TrendPlot(viewer)
        self.save_button: QPushButton = QPushButton("Save table and report")
        self.save_button.setToolTip("Write the files of the command napari-jsn measure into a folder")
        self._layout, row = QVBoxLayout(self), QHBoxLayout()
        self._layout.setContentsMargins(0, 4, 0, 0)
        row.addWidget(self._visit_label)
        row.addWidget(self.visit, 1)
        self._layout.addWidget(self._summary)
        self._layout.addLayout(row)
        for widget in (self.legend, self.table, self._reason, self.trend, self.save_button, self._notes):
            self._layout.addWidget(widget)
        self.table.chosen.connect(self._choose)
        self.visit.activated.connect(lambda index: self.visit_chosen.emit(self.visit.itemData(index)))
        self.save_button.clicked.connect(self.save)
        self.hide()

    @property
    def filled(self) -> bool:
        """Whether there are results to show."""
        return self._shown is not None

    def clear(self) -> None:
        """Remove the results, because they are not those of the boxes in the viewer."""
        self._shown = None
        self.hide()

    def show_results(self, shown: HandLayers) -> None:
        """Show the results of the progression that these layers show."""
        self._shown = shown
        self.visit.clear()
        labels = visit_labels(shown.progression)
        for number in shown.visits:
            self.visit.addItem(labels[number], number)
        self.visit.setCurrentIndex(self.visit.findData(shown.visit))
        for widget in (self._visit_label, self.visit):
            widget.setVisible(len(shown.visits) > 1)
        self._notes.setText("\n".join(_notes(shown)))
        self._notes.setVisible(bool(self._notes.text()))
        self.legend.show_scale(shown.end, shown.unit.name)
        self.show_visit()
        self.show()
        self._layout.activate()  # labels may have other heights than when the panel was hidden

    def show_visit(self) -> None:
        """Show the visit that the layers show."""
        shown = self._shown
        if shown is None:
            return
        rows = [row for row in shown.progression.narrowings if row.visit == shown.visit]
        measured = [row for row in rows if shown.unit.jsn(row).known]
        failed = len(measured) - sum(row.reliable for row in measured)
        summary = f"{len(measured)} of {counted(len(rows), 'joint')} measured"
        self._summary.setText(f"{summary}, {failed} failed" if failed else summary)
        self.table.show_rows(rows, shown.unit, shown.end)
        if rows:
            most = max(measured or rows, key=lambda row: shown.unit.jsn(row).value if row.reliable else -1e9)
            self.show_joint(most.side, most.joint, select=False)

    def show_joint(self, side: str, joint: str, select: bool = True) -> None:
        """Show reason and trend of one joint, and select its row."""
        shown = self._shown
        if shown is None:
            return
        if select:
            self.table.choose(side, joint)
        row = shown.narrowing(side, joint)
        self._reason.setText(f"{joint}: {row.reason}" if select and row is not None and row.reason else "")
        self._reason.setVisible(bool(self._reason.text()))
        by_joint: dict[str, list[Narrowing]] = {}
        for each in shown.progression.narrowings:
            if each.side == side:
                by_joint.setdefault(each.joint, []).append(each)
        rows = by_joint.pop(joint, None)
        if rows is not None and len(shown.visits) > 1:
            axis = "weeks since baseline" if visit_weeks(shown.progression) else "visit"
            others = list(by_joint.values())
            self.trend.show_trend(Trend(rows, others, shown.unit, shown.end, visit_times(shown.progression), axis))
        else:
            self.trend.hide()

    def _choose(self, side: str, joint: str) -> None:
        self.show_joint(side, joint)
        self.chosen.emit(side, joint)


def _notes(shown: HandLayers) -> list[str]:
    """Return the notes of the progression and of its hands, each once."""
    notes = [*shown.progression.notes]
    notes += [str(reason) for hand in shown.progression.hands for reason in hand.reasons]
    return list(dict.fromkeys(notes))
