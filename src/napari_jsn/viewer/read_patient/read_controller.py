"""What the step Read does: it shows the joint of a position, and passes keys and clicks to the position."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_jsn.common.errors import InputError
from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour, scale_end
from napari_jsn.patient.patient import Patient
from napari_jsn.progression.labels import Unit, visit_labels, visit_times, visit_weeks
from napari_jsn.reading import Item, JointLine, Panel, Position, joint_picture
from napari_jsn.viewer.hands_widget.trend import Trend
from napari_jsn.viewer.read_patient.canvas.fitted_camera import FittedCamera
from napari_jsn.viewer.read_patient.canvas.hand_map import HandMap, MapImage, hand_image
from napari_jsn.viewer.read_patient.canvas.joint_canvas import JointCanvas
from napari_jsn.viewer.read_patient.canvas.picture_layers import PictureLayers
from napari_jsn.viewer.read_patient.opened import Measured
from napari_jsn.viewer.read_patient.steps.read import ReadStep

#: Wait before the trend is drawn, so that it does not delay the next joint, in ms.
_TREND_MS = 250
#: A mouse that moved by no more than this, in canvas pixels, was clicked and not dragged.
_CLICK_PX = 3


class ReadController(QObject):
    """Connects a position with the step, the canvas and the map.

    ``moved`` is emitted after everything that :meth:`napari_jsn.reading.Reading.show` should save, ``changed`` after a
    decision, a score or a comment, ``edited`` after an undo or redo, which may concern a box, ``shown`` when
    the pictures were shown again; ``failed`` carries a sentence.
    """

    moved: Signal = Signal()
    changed: Signal = Signal()
    edited: Signal = Signal()
    shown: Signal = Signal()
    failed: Signal = Signal(str)

    def __init__(self, viewer: Any, step: ReadStep, pictures: PictureLayers) -> None:
        super().__init__()
        self._viewer, self._step, self._pictures = viewer, step, pictures
        self._camera = FittedCamera(viewer)
        self.canvas = JointCanvas(viewer, pictures, self._camera)
        self.map = HandMap(viewer, pictures, self._camera)
        self.position: Position | None = None
        self.title = ""
        self._last_view = "side by side"
        self._shown_patient: Patient | None = None
        self._trend = QTimer(self)
        self._trend.setSingleShot(True)
        self._trend.setInterval(_TREND_MS)
        self._trend.timeout.connect(self._show_trend)
        #: Called with a place that is clicked on the map while a joint is added; returns whether it took the click.
        self.on_map_click: Callable[[Any], bool] | None = None
        viewer.mouse_drag_callbacks.append(self._on_press)
        step.table.chosen.connect(self.go_to)
        step.table.sort.connect(lambda column: self._do(lambda position: position.sort(column)))
        step.scores.chosen.connect(self.choose_site)
        step.decide.connect(self.decide)
        step.comment.connect(self.comment)
        step.view.connect(self.show_view)
        step.align.connect(lambda name: self._do(lambda position: setattr(position, "align", name)))
        step.filter.connect(lambda name: self._do(lambda position: setattr(position, "filter", name)))
        step.image.connect(lambda number: self._do(lambda position: position.show_image(number)))
        step.undo.connect(self.undo)
        step.score_mode.connect(self.set_scoring)

    def stop(self) -> None:
        """Disconnect from the viewer."""
        self._trend.stop()
        self._camera.stop()
        self.canvas.stop()
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def open(self, item: Item, title: str, saved: Any = None) -> None:
        """Show an item, at the position that was saved of it."""
        self.position, self._shown_patient, self.title = Position(item), None, title
        self.position.restore(saved)
        self._last_view = "side by side" if self.position.view == "hand" else self.position.view
        self._step.set_images(_choices(item))
        self._step.trend.hide()
        self.canvas.forget_layout()
        self.map.forget_layout()
        self.refresh()

    def close(self) -> None:
        """Show nothing."""
        self.position, self._shown_patient, self.title = None, None, ""
        self._trend.stop()
        self._step.trend.hide()
        self._viewer.canvas.overlays.text.text = ""

    # ------------------------------------------------------------------------------------------------------------- show

    def show_patient(self, patient: Patient, row: int = -1, measured: Measured | None = None) -> None:
        """Show the first and the last radiograph of a patient, or that of a row, with the joints found so far.

        ``measured`` is what is known of them.
        """
        self._shown_patient = patient
        chosen = patient.hands[row] if 0 <= row < len(patient.hands) else None
        side = (chosen or patient.hands[0]).side
        hands = [hand for hand in patient.hands if hand.side == side]
        last = hands[-1] if chosen is None or chosen is hands[0] else chosen
        self.canvas.pause()
        self.map.forget_layout()
        self.map.show([hand_image(hand, measured) for hand in dict.fromkeys((hands[0], last))])

    def show_measured(self, measured: Measured) -> None:
        """Show what is known so far of the joints of the patient that is measured."""
        if self._shown_patient is not None:
            self.show_patient(self._shown_patient, measured=measured)

    def refresh(self, list_only: bool = False) -> None:
        """Show the position again."""
        position = self.position
        if position is None:
            return
        try:
            if not list_only:
                self._show_pictures(position)
        except InputError as error:
            self.failed.emit(str(error))
        self._step.show_position(position)
        self._trend.start()
        if not list_only:
            self.shown.emit()

    def _show_pictures(self, position: Position) -> None:
        item = position.item
        if position.view == "hand":
            self.canvas.pause()
            self.map.show(map_images(position), position.joint)
        else:
            compared = position.image if position.image > 1 else 0  # the last one where the first is chosen
            picture = joint_picture(item, position.side, position.joint, position.align, compared)
            self.canvas.show_picture(picture, position, partial(self._caption, position))
        overlay = self._viewer.canvas.overlays.text
        title = self.title if item.blinded else f"{self.title}   {position.side} {position.joint}".rstrip()
        if overlay.text != title:
            overlay.text = title
        overlay.visible = True

    def _caption(self, position: Position, panel: Panel) -> str:
        return panel.label if position.item.blinded else caption(position.item, panel.image)

    def _show_trend(self) -> None:
        position = self.position
        if position is None or position.item.blinded or len(position.item.images) < 3:
            return
        if position.scoring:  # the sites of a hand need the room
            self._step.trend.hide()
            return
        progression = position.item.progression
        of_side = [row for row in progression.narrowings if row.side == position.side]
        own = [row for row in of_side if row.joint == position.joint]
        visits = {row.visit for row in of_side}
        if not own or len(visits) < 2:
            self._step.trend.hide()
            return
        names = dict.fromkeys(row.joint for row in of_side if row.joint != position.joint)
        others = [[row for row in of_side if row.joint == name] for name in names]
        unit = Unit.of(progression)
        end = scale_end([unit.jsn(row).value for row in of_side])
        axis = "weeks since baseline" if visit_weeks(progression) else "visit"
        self._step.trend.show_trend(Trend(own, others, unit, end, visit_times(progression), axis))

    # -------------------------------------------------------------------------------------------- what the reader does

    def _do(self, action: Callable[[Position], Any], list_only: bool = False) -> None:
        if self.position is None:
            return
        try:
            self._save_comment()
            action(self.position)
        except InputError as error:
            self.failed.emit(str(error))
            return
        self.refresh(list_only)
        self.moved.emit()

    def go_to(self, side: str, joint: str) -> None:
        """Show a joint."""
        self._do(lambda position: position.go_to(side, joint))

    def next(self, step: int = 1, doubtful: bool = False) -> None:
        """Show the next joint, or the one before."""
        self._do(lambda position: position.next(step, doubtful))
        if doubtful and self.position is not None and not any(line.doubtful for line in self.position.lines):
            self.failed.emit("No joint is doubtful.")

    def decide(self, decision: str) -> None:
        """Save a decision and show the next joint."""
        self._do(lambda position: position.decide(decision))
        self.changed.emit()

    def comment(self, text: str) -> None:
        """Save a comment."""
        self._step.comment_field.setModified(False)
        if self.position is not None and self.position.line is not None and self.position.line.comment != text:
            self._do(lambda position: position.comment(text), list_only=True)
            self.changed.emit()

    def _save_comment(self) -> None:
        """Save the comment that is being typed, before another joint is shown."""
        position, field = self.position, self._step.comment_field
        if position is not None and field.isModified() and position.line is not None:
            field.setModified(False)
            position.comment(field.text())

    def undo(self) -> None:
        """Take back the last decision, score, comment, box or mask, and return to its joint."""
        self._do(lambda position: position.undo())
        self.changed.emit()
        self.edited.emit()

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._do(lambda position: position.redo())
        self.changed.emit()
        self.edited.emit()

    def show_view(self, name: str) -> None:
        """Show the joint in another view, if there is a button for it: not the spectra of a blinded session."""
        if self._step.view_buttons[name].isHidden():
            return
        if self.position is not None and self.position.view != "hand":
            self._last_view = self.position.view
        self.map.forget_layout()
        if name == "hand" or (self.position is not None and self.position.view == "hand"):
            self.canvas.forget_layout()
        self._do(lambda position: setattr(position, "view", name))

    def toggle_view(self, name: str) -> None:
        """Show a view, or return to the one before."""
        if self.position is not None:
            before = self._last_view if self._last_view != name else "side by side"
            self.show_view(before if self.position.view == name else name)

    def set_scoring(self, on: bool) -> None:
        """Begin or end score mode."""
        if self.position is None or self.position.scoring == on:
            return

        def change(position: Position) -> None:
            position.scoring = on
            if on:
                position.go_to(position.side, position.joint)

        self._do(change)

    def choose_site(self, site: str, kind: str) -> None:
        """Grade this site and kind next."""

        def choose(position: Position) -> None:
            position.go_to(position.side, site)
            position.site, position.kind = site, kind

        self._do(choose)

    def digit(self, grade: int) -> None:
        """Set a grade in score mode."""
        if self.position is not None and self.position.scoring:
            self._do(lambda position: position.score(grade))
            self.changed.emit()

    def switch_kind(self) -> None:
        """Switch between narrowing and erosion in score mode."""
        if self.position is not None and self.position.scoring:
            self._do(lambda position: position.switch_kind())

    def reset_view(self) -> None:
        """Fit what is shown, the joint or the whole hand, and show all intensities."""
        self.canvas.reset_view()
        if self.position is not None and self.position.view == "hand":
            self.map.forget_layout()
            self.refresh()

    def toggle_outlines(self) -> None:
        """Show or hide outlines, margins and callipers."""
        self.canvas.toggle_outlines()
        self.refresh()

    def _on_press(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Choose the joint that is clicked on the map, unless a tool of a layer is in use."""
        position = self.position
        if position is None or position.view != "hand" or event.button != 1:
            return
        active = viewer.layers.selection.active
        if active is not None and str(active.mode) != "pan_zoom" and self.on_map_click is None:
            return
        pressed, at = np.array(event.pos), tuple(event.position)
        yield
        while event.type == "mouse_move":
            yield
        if np.hypot(*(np.array(event.pos) - pressed)) > _CLICK_PX:
            return  # a drag
        if self.on_map_click is not None and self.on_map_click(at):
            return
        place = self.map.place_at(at)
        if place is not None:
            self._do(lambda current: current.go_to(*place[1:]))
            self.show_view(self._last_view)


def caption(item: Item, image: int) -> str:
    """Return what stands above an image: baseline or visit, with the week."""
    label = visit_labels(item.progression)[item.visit(image)]
    return "baseline" if item.visit(image) == 1 else f"visit {label}"


def _choices(item: Item) -> list[tuple[int, str]]:
    numbers = sorted({one.number for one in item.images})
    labels = {one.number: one.label for one in item.images}
    return [(number, labels[number] if item.blinded else caption(item, number)) for number in numbers]


def map_images(position: Position) -> list[MapImage]:
    """Return the hands of the position's side that the map shows: the first image, and the chosen one."""
    item = position.item
    of_side = [one for one in item.images if one.side == position.side]
    if not of_side:
        return []
    chosen = next((one for one in of_side[1:] if one.number == position.image), of_side[-1])
    shown = [of_side[0], *([chosen] if chosen is not of_side[0] else [])]
    figures = {line.joint: line for line in position.lines if line.side == position.side}
    end = scale_end([line.jsn.value for line in figures.values()])
    colours = {
        name: jsn_colour(line.jsn.value, end) if line.state in ("good", "wide") and line.jsn.known else UNRELIABLE
        for name, line in figures.items()
    }
    if item.blinded or all(not line.jsn.known for line in figures.values()):
        colours = {}
    return [
        MapImage(
            one.number,
            one.label if item.blinded else caption(item, one.number),
            one.side,
            one.radiograph,
            {name: now.joint for name, now in one.joints.items() if now.joint is not None},
            colours,
            {} if item.blinded else {name: _features(line) for name, line in figures.items()},
        )
        for one in shown
    ]


def _features(line: JointLine) -> dict[str, Any]:
    """Return what napari's features table lists of a joint."""
    low, high = line.jsn.ci95
    figures = {f"jsn_{line.unit}": line.jsn.value, f"ci_low_{line.unit}": low, f"ci_high_{line.unit}": high}
    known = figures if line.state != "out of date" else dict.fromkeys(figures, float("nan"))
    return {"state": line.state, **known, f"jsw_{line.unit}": line.jsw, "decision": line.decision}
