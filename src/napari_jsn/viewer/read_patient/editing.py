"""Change boxes and masks: on the map with handles, and on the joint with the brush."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.joint import JOINT_IMAGE_MM, UPPER, Joint
from napari_jsn.joint.crop import pixel_size
from napari_jsn.viewer.read_patient.canvas.picture_layers import BONES, JOINTS, PictureLayers
from napari_jsn.viewer.read_patient.read_controller import ReadController
from napari_jsn.viewer.read_patient.steps.joints import JointsStep

#: Time after which the mouse button is looked at again while a box or a brush is dragged, in ms.
_DRAGGED_MS = 10
#: Events of the layer of boxes after which boxes may lie elsewhere.
_BOX_EVENTS = ("data", "scale", "translate", "rotate", "shear", "affine")
#: Events of the layer of bones after which labels may be others; napari's own undo emits only the last one.
_BONE_EVENTS = ("paint", "labels_update", "set_data")


class Editing(QObject):
    """The tools of the step Joints; ``changed`` is emitted when a box or mask was saved, ``failed`` with a sentence.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    pictures : PictureLayers
    controller : ReadController
    step : JointsStep
    """

    changed: Signal = Signal()
    failed: Signal = Signal(str)
    _released: Signal = Signal()

    def __init__(self, viewer: Any, pictures: PictureLayers, controller: ReadController, step: JointsStep) -> None:
        super().__init__()
        self._viewer, self._pictures, self._controller, self._step = viewer, pictures, controller, step
        self.mode: str = ""
        #: What is painted: the joint, where its panels lie, and its labels by panel as they were shown or saved.
        self._painted: tuple[str, str] = ("", "")
        self._arranged = controller.canvas.arrangement
        self._labels: dict[int, NDArray[np.uint8]] = {}
        #: What the reader chose to align to; nothing is aligned while bones are painted.
        self.align: str = "lower"
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)  # after the other changes of the same action
        self._settle.timeout.connect(self._on_settled)
        # Qt delivers a queued signal before it draws, and a timer after that
        self._released.connect(self._on_released, Qt.ConnectionType.QueuedConnection)
        step.boxes.connect(lambda on: self.begin("boxes") if on else self.stop("boxes"))
        step.masks.connect(lambda on: self.begin("masks") if on else self.stop("masks"))
        step.add.connect(self.add)
        step.reset.connect(self.reset)
        step.label.connect(self.paint_label)
        step.undo.connect(controller.undo)
        step.redo.connect(controller.redo)
        controller.shown.connect(self._update_bones)

    @property
    def active(self) -> bool:
        """Whether boxes or masks are edited: napari's keys apply then."""
        return bool(self.mode)

    def saved(self) -> dict[str, str]:
        """Return what is saved with a position in place of what is shown while bones are painted."""
        return {"align": self.align} if self.mode == "masks" else {}

    def begin(self, mode: str) -> None:
        """Begin to edit ``"boxes"`` on the map, or ``"masks"`` on the joint."""
        position = self._controller.position
        if position is None:
            self._step.stop_editing(mode)
            return
        self.stop_adding()
        if self.mode and self.mode != mode:
            self.stop(self.mode)
        self.mode = mode
        if mode == "boxes":
            self._controller.show_view("hand")
            layer = self._pictures[JOINTS]
            self._viewer.layers.selection = {layer}
            self._pictures.movable.add(JOINTS)
            layer.editable = True
            layer.mode = "select"
            for event in _BOX_EVENTS:
                getattr(layer.events, event).connect(self._on_change)
            return
        self.align = position.align
        position.align = "none"  # the panel then has the pixels of the joint image
        self._controller.show_view("side by side")
        self._pictures.kept.add(BONES)
        self.show_bones()
        layer = self._pictures[BONES]
        self._viewer.layers.selection = {layer}
        layer.editable = True
        layer.events.selected_label.connect(self._show_label)
        self.paint_label(UPPER)
        self._show_label()
        layer.brush_size = 6
        for event in _BONE_EVENTS:
            getattr(layer.events, event).connect(self._on_change)

    def stop(self, mode: str = "") -> None:
        """End to edit; do nothing if this is not being edited."""
        self.stop_adding()
        if not self.mode or (mode and mode != self.mode):
            return
        self.save_now()
        mode, self.mode = self.mode, ""
        self._pictures.kept.clear()
        self._pictures.movable.clear()
        if not self._pictures.layers:
            return
        layer = self._pictures[JOINTS if mode == "boxes" else BONES]
        layer.mode = "pan_zoom"
        layer.editable = False
        if mode == "boxes":
            layer.selected_data = set()
            for event in _BOX_EVENTS:
                getattr(layer.events, event).disconnect(self._on_change)
        else:
            layer.events.selected_label.disconnect(self._show_label)
            for event in _BONE_EVENTS:
                getattr(layer.events, event).disconnect(self._on_change)
            if self._controller.position is not None:
                self._controller.position.align = self.align
        self._step.stop_editing(mode)
        self._controller.refresh()

    def paint_label(self, label: int) -> None:
        """Paint with a label from now on: 1 upper bone, 2 lower bone, 3 both, 0 none."""
        if self.mode == "masks":
            layer = self._pictures[BONES]
            layer.selected_label, layer.mode = label, "paint"

    def _show_label(self, event: Any = None) -> None:
        self._step.show_label(int(self._pictures[BONES].selected_label))

    def save_now(self) -> None:
        """Save a change for which the dock still waits."""
        if self._settle.isActive():
            self._settle.stop()
            self.read_changes()

    def show_bones(self) -> None:
        """Put the bones of all panels into their layer, to be painted."""
        picture, arranged = self._controller.canvas.picture, self._controller.canvas.arrangement
        position = self._controller.position
        if picture is None or position is None:
            return
        self._painted, self._arranged = (position.side, position.joint), arranged
        self._labels = {number: panel.labels() for number, panel in enumerate(picture.panels)}
        whole = arranged.mosaic({k: each.astype(np.float32) for k, each in self._labels.items()}).astype(np.uint8)
        self._pictures.set_image(BONES, lambda: whole, arranged.pixel, (0.0, 0.0), True)
        with self._pictures.changing():
            self._pictures[BONES].visible = True

    def _update_bones(self) -> None:
        """Show the bones again if they or their place changed: after undo, reset, or a change of the box."""
        picture, position = self._controller.canvas.picture, self._controller.position
        if self.mode != "masks" or picture is None or position is None or self._settle.isActive():
            return
        arranged = self._controller.canvas.arrangement
        same = self._painted == (position.side, position.joint) and self._arranged == arranged
        if same and all(np.array_equal(one.labels(), self._labels[k]) for k, one in enumerate(picture.panels)):
            return
        layer = self._pictures[BONES]
        mode = str(layer.mode)
        layer.editable = False  # napari forgets its undo, which is of the bones before
        self.show_bones()
        layer.editable = True
        layer.mode = mode

    def read_changes(self) -> None:
        """Save the boxes or masks that were changed since they were shown."""
        try:
            saved = self._save_boxes() if self.mode == "boxes" else self._save_masks()
        except InputError as error:
            if self.mode == "masks":
                self.show_bones()  # as they were saved last
            else:
                self._controller.refresh()
            self.failed.emit(str(error))
            return
        if saved:
            self._step.show_message("")
            self.changed.emit()

    def _save_boxes(self) -> bool:
        position = self._controller.position
        changes = self._controller.map.changes()
        if position is None or not changes:
            return False
        problems: list[InputError] = []
        for (image, side, joint), box in changes.items():
            try:
                position.item.set_box(image, side, joint, box)
                position.go_to(side, joint)
            except InputError as error:  # the others are saved
                problems.append(error)
        position.refresh()
        if problems:
            if len(problems) < len(changes):
                self.changed.emit()
            raise problems[0]
        return True

    def _save_masks(self) -> bool:
        position, picture = self._controller.position, self._controller.canvas.picture
        if position is None or picture is None or self._painted != (position.side, position.joint):
            return False
        arranged, data = self._arranged, np.asarray(self._pictures[BONES].data)
        saved = False
        for number, panel in enumerate(picture.panels):
            top, left = arranged.corner(number)
            now = data[top : top + arranged.shape[0], left : left + arranged.shape[1]].astype(np.uint8)
            if np.array_equal(now, self._labels[number]):
                continue
            position.item.set_masks(panel.image, position.side, position.joint, panel.painted(now))
            self._labels[number] = now.copy()
            saved = True
        position.refresh()
        return saved

    def add(self, joint: str) -> None:
        """Add a joint where the reader clicks next on the map: its box is as large as the others of the hand."""
        self.stop()
        self._controller.show_view("hand")
        self._step.show_message(f"Click on the joint space of {joint}.", is_hint=True)

        def take(at: Any) -> bool:
            found = self._controller.map.on_hand(at)
            position = self._controller.position
            if found is None or position is None:
                return False
            hand, point = found
            self.stop_adding()
            box = box_like(list(hand.joints.values()), joint, point, hand.radiograph.spacing_mm)
            try:
                position.item.set_box(hand.number, hand.side, joint, box)
            except InputError as error:
                self.failed.emit(str(error))
                return True
            position.refresh()
            position.go_to(hand.side, joint)
            self._controller.refresh()
            self.changed.emit()
            return True

        self._controller.on_map_click = take

    def stop_adding(self) -> bool:
        """Wait no longer for a click that adds a joint; return whether one was waited for."""
        waiting = self._controller.on_map_click is not None
        if waiting:
            self._controller.on_map_click = None
            self._step.show_message("")
        return waiting

    def reset(self) -> None:
        """Return box and masks of the joint to what the program found, at all images."""
        position = self._controller.position
        if position is None:
            return
        for image in {one.number for one in position.item.images if one.side == position.side}:
            position.item.reset(image, position.side, position.joint)
        position.refresh()
        self._controller.refresh()
        self.changed.emit()

    def update_missing(self) -> None:
        """Offer the joints that an image of the hand does not show."""
        position = self._controller.position
        shown: list[set[str]] = []
        if position is not None:
            shown = [set(one.joints) for one in position.item.images if one.side == position.side]
        everywhere = set.intersection(*shown) if shown else set()
        self._step.show_missing([name for name in MEASURED_JOINTS if name not in everywhere] if shown else [])

    def _on_settled(self) -> None:
        """Save what was changed, as soon as the mouse button is up."""
        if QApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._settle.start(_DRAGGED_MS)
        else:
            self.read_changes()

    def _on_change(self, event: Any = None) -> None:
        if not self.mode or self._pictures.is_changing:
            return
        self._settle.start(0)
        if QApplication.mouseButtons() == Qt.MouseButton.NoButton:
            if getattr(event, "type", "") == "paint":  # the last of a stroke
                self._on_released()
            else:
                self._released.emit()

    def _on_released(self) -> None:
        """Save what was changed, after the other changes of the same action."""
        if isalive(self) and self._settle.isActive():
            self._settle.stop()
            self._on_settled()


def box_like(others: list[Joint], name: str, centre: NDArray[np.float64], spacing_mm: Any) -> NDArray[np.float64]:
    """Return a box at a point ``(row, col)``: as large as the others, in the direction of the same finger's."""
    pixel = pixel_size(spacing_mm)
    same = [joint for joint in others if joint.name[-1] == name[-1]] or others
    if not same:
        return Joint.around(
            name, None, (float(centre[0]), float(centre[1])), (1.0, 0.0), _size(JOINT_IMAGE_MM / pixel)
        ).box
    size = np.mean([np.hypot(*((joint.box[1] - joint.box[0]) * pixel)) for joint in same])
    axis = np.mean([joint.axis * pixel for joint in same], axis=0)
    return Joint.around(
        name, None, (float(centre[0]), float(centre[1])), (float(axis[0]), float(axis[1])), _size(size / pixel)
    ).box


def _size(sides: NDArray[np.float64]) -> tuple[float, float]:
    return float(sides[0]), float(sides[1])
