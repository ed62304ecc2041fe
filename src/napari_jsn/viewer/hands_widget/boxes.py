"""Show the boxes of joints as shapes, rotated with the fingers, and read the user's changes of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes

from napari_jsn.common.errors import InputError
from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.joint import Joint
from napari_jsn.viewer.layers.radiograph import RadiographLayer, transform_points
from napari_jsn.viewer.layers.read_layer import KEY, Matrix, layer_metadata

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import LayerList

    from napari_jsn.patient.patient import Patient
    from napari_jsn.progression.labels import Unit
    from napari_jsn.progression.narrowing import Narrowing

#: Roles of the two layers of boxes, and their names.
JOINTS, FOLLOWUP_JOINTS = "joints", "followup_joints"
NAMES = {JOINTS: "joints", FOLLOWUP_JOINTS: "joints at follow-up"}
#: Colour of boxes that were found and are not measured yet.
FOUND = "#5ad1c8"
#: A box counts as moved where a corner moved by more than this, in pixels of its radiograph.
_MOVED_PX = 0.05

#: Visit, side ("" where it is not known) and joint.
Key = tuple[int, str, str]
#: Visit and side.
HandKey = tuple[int, str | None]


@dataclass(frozen=True)
class Box:
    """A joint on a radiograph in the viewer."""

    visit: int
    joint: Joint
    radiograph: RadiographLayer
    #: Row and column of the radiograph at which the image of the joint's hand begins.
    origin: tuple[int, int] = (0, 0)

    @property
    def key(self) -> Key:
        """Visit, side and name."""
        return self.visit, self.joint.side or "", self.joint.name

    def corners_in(self, units: Any) -> Matrix:
        """Return the four corners in world coordinates of these units, (4, 2)."""
        return transform_points(self.to_world_in(units), self.joint.box)

    def to_world_in(self, units: Any) -> Matrix:
        """Return the matrix from ``(row, col, 1)`` of the joint's hand to world coordinates of these units."""
        offset = np.eye(3)
        offset[:2, 2] = self.origin
        return self.radiograph.to_world_in(units) @ offset


@dataclass(frozen=True)
class BoxStyle:
    """Text and colour of a box."""

    text: str
    colour: str

    @classmethod
    def of(cls, joint: str, narrowing: Narrowing | None, unit: Unit, end: float) -> BoxStyle:
        """Return the style of a joint by its narrowing; grey where it was not measured or has failed."""
        if narrowing is None or not unit.jsn(narrowing).known:
            return cls(joint, UNRELIABLE)
        jsn = unit.jsn(narrowing).value
        text = f"{joint} {signed(jsn, unit.decimals)}"
        return cls(text, jsn_colour(jsn, end) if narrowing.reliable else UNRELIABLE)


def signed(value: float, decimals: int) -> str:
    """Return a figure with its sign; what rounds to zero is positive."""
    return f"{round(value, decimals) + 0.0:+.{decimals}f}"


def show_boxes(
    layers: LayerList, role: str, boxes: Sequence[Box], features: pd.DataFrame, styles: Sequence[BoxStyle]
) -> Shapes:
    """Add the boxes of one role as shapes, or update the layer that holds them.

    Parameters
    ----------
    layers : napari.components.LayerList
    role : str
        ``JOINTS`` or ``FOLLOWUP_JOINTS``.
    boxes : sequence of Box
    features : DataFrame
        A row for each box.
    styles : sequence of BoxStyle
    """
    units = boxes[0].radiograph.units
    corners = [box.corners_in(units) for box in boxes]
    colours = [style.colour for style in styles]
    options = {
        "features": features.reset_index(drop=True),
        "edge_color": colours,
        "face_color": "transparent",
        "opacity": 1.0,
        "text": {"string": [style.text for style in styles], "color": colours, "anchor": "upper_left", "size": 7},
        "units": units,
    }
    layer = box_layer(layers, role)
    if layer is None:
        layer = Shapes(corners, shape_type="rectangle", name=NAMES[role], metadata={KEY: {"role": role}}, **options)
        layers.append(layer)
        layer.mode = "pan_zoom"
    else:
        layer.data = [(each, "rectangle") for each in corners]
        for name, value in options.items():
            setattr(layer, name, value)
    return layer


def box_layer(layers: LayerList, role: str) -> Shapes | None:
    """Return the layer of boxes of this role; None where there is none."""
    shapes = (layer for layer in layers if isinstance(layer, Shapes))
    return next((layer for layer in shapes if layer_metadata(layer).get("role") == role), None)


def read_boxes(layers: LayerList, drawn: Sequence[Box]) -> list[Box]:
    """Return the boxes as they are in the viewer now; those that the user moved are marked as edited.

    Boxes that the user removed are left out. Where a layer of boxes was removed, so are all its boxes: its joints are
    found again.

    Parameters
    ----------
    layers : napari.components.LayerList
    drawn : sequence of Box
        The boxes as they were shown.

    Raises
    ------
    InputError
        If two boxes have the name of one joint, or one is no rectangle.
    """
    known = {box.key: box for box in drawn}
    of_hand = {box.key[:2]: box for box in drawn}
    current: dict[Key, Box] = {}
    for role in (JOINTS, FOLLOWUP_JOINTS):
        layer = box_layer(layers, role)
        if layer is None:
            continue
        for corners, (_, row) in zip(layer.data, layer.features.iterrows()):
            key = (1 if role == JOINTS else int(row["visit"]), str(row["side"]), str(row["joint"]))
            if key in current:
                raise InputError(
                    f"Two boxes of {layer.name!r} are called {key[2]}. Remove one, or give it the name of its joint in "
                    "the features table."
                )
            current[key] = _read_box(known.get(key), of_hand.get(key[:2]), key, corners, layer.units)
    return list(current.values())


def _read_box(box: Box | None, of_hand: Box | None, key: Key, corners: Any, units: Any) -> Box:
    """Return the box as it was shown, or with its present corners where the user moved it."""
    reference = box or of_hand
    if reference is None:
        raise InputError(f"The box of {key[2]} is on no radiograph that is measured. Remove it.")
    on_hand = transform_points(np.linalg.inv(reference.to_world_in(units)), np.asarray(corners)[:, -2:])
    if box is not None and on_hand.shape == (4, 2) and np.abs(on_hand - box.joint.box).max() <= _MOVED_PX:
        return box
    joint = replace(box.joint, box=on_hand) if box else Joint(key[2], reference.joint.side, on_hand)
    return replace(reference, joint=replace(joint, edited=True))


def edited_joints(current: Sequence[Box], drawn: Sequence[Box], painted: Collection[Any]) -> dict[HandKey, list[Joint]]:
    """Return the joints of every hand that the user changed; they are measured in place of joints that are found.

    Parameters
    ----------
    current, drawn : sequence of Box
        The boxes now, and as they were shown.
    painted : collection of (visit, side, joint)
        Joints with masks that the user painted; these fit the present boxes only.

    Returns
    -------
    dict
        Visit and side to joints, in pixels of the whole radiograph.
    """
    hands: dict[HandKey, list[Box]] = {}
    for box in current:
        hands.setdefault((box.visit, box.joint.side), []).append(box)
    before, after = ({(box.visit, box.joint.side, box.joint.name) for box in boxes} for boxes in (drawn, current))
    edited = {key[:2] for key in (*(before ^ after), *painted)}
    edited |= {(box.visit, box.joint.side) for box in current if box.joint.edited}
    return {hand: [on_whole_radiograph(box) for box in boxes] for hand, boxes in hands.items() if hand in edited}


def on_whole_radiograph(box: Box) -> Joint:
    """Return the joint with its box in pixels of the whole radiograph."""
    return replace(box.joint, box=box.joint.box + np.array(box.origin))


def on_split_radiographs(boxes: Mapping[HandKey, Sequence[Joint]], patient: Patient) -> dict[HandKey, list[Joint]]:
    """Return the joints with their boxes in pixels of each hand's radiograph, which may be a part of a whole one."""
    origins = {(visit.number, each.side): each.origin for visit in patient.visits for each in visit.radiographs}
    return {
        hand: [replace(joint, box=joint.box - np.array(origins.get(hand, (0, 0)))) for joint in joints]
        for hand, joints in boxes.items()
    }
