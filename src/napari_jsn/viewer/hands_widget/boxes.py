"""The boxes of joints as shapes on the screen, turned with the fingers, that can be moved, turned and read back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes

from napari_jsn.common.errors import InputError
from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.joint import Joint
from napari_jsn.viewer.layers.radiograph import FilmLayer, Matrix, apply
from napari_jsn.viewer.layers.roles import KEY, notes

if TYPE_CHECKING:
    import pandas as pd

    from napari_jsn.patient.patient import Patient
    from napari_jsn.progression.labels import Unit
    from napari_jsn.progression.progression import Narrowing

#: Roles of the two layers of boxes.
JOINTS, FOLLOWUP_JOINTS = "joints", "followup_joints"
NAMES = {JOINTS: "joints", FOLLOWUP_JOINTS: "joints at follow-up"}
#: Colour of boxes that were found and not measured yet.
FOUND = "#5ad1c8"
#: A corner is taken for moved beyond this, in pixels of its film.
_MOVED_PX = 0.05

#: Visit, side ("" where it is not known) and joint.
Key = tuple[int, str, str]
#: Visit and side.
Hand = tuple[int, str | None]


@dataclass(frozen=True)
class Box:
    """A joint on a film that lies in the viewer."""

    visit: int
    joint: Joint
    film: FilmLayer
    #: Row and column of the film at which the hand that the joint was found on was cut out.
    origin: tuple[int, int] = (0, 0)

    @property
    def key(self) -> Key:
        """Visit, side and name."""
        return self.visit, self.joint.side or "", self.joint.name

    @property
    def corners(self) -> Any:
        """(4, 2) corners on the screen."""
        return apply(self.to_world, self.joint.box)

    @property
    def to_world(self) -> Matrix:
        """From ``(row, col, 1)`` of the joint's hand to the screen."""
        moved = np.eye(3)
        moved[:2, 2] = self.origin
        return self.film.to_world @ moved


@dataclass(frozen=True)
class Look:
    """How a box is drawn."""

    text: str
    colour: str

    @classmethod
    def of(cls, joint: str, narrowing: Narrowing | None, unit: Unit, end: float) -> Look:
        """Text and colour of a joint that was measured; grey where it was not, or should not be trusted."""
        if narrowing is None or not unit.jsn(narrowing).known:
            return cls(joint, UNRELIABLE)
        jsn = unit.jsn(narrowing).value
        text = f"{joint} {signed(jsn, unit.decimals)}"
        return cls(text, jsn_colour(jsn, end) if narrowing.reliable else UNRELIABLE)


def signed(value: float, decimals: int) -> str:
    """A figure with its sign; what rounds to nothing is no less than nothing."""
    return f"{round(value, decimals) + 0.0:+.{decimals}f}"


def show_boxes(layers: Any, role: str, boxes: Sequence[Box], features: pd.DataFrame, look: Sequence[Look]) -> Shapes:
    """Add the boxes of one role as shapes, or renew the layer that holds them.

    Parameters
    ----------
    layers : napari.components.LayerList
    role : str
        ``JOINTS`` or ``FOLLOWUP_JOINTS``.
    boxes : sequence of Box
    features : DataFrame
        What is known of each box, a row each.
    look : sequence of Look
        Text and colour of each box.
    """
    corners = [box.corners for box in boxes]
    colours = [each.colour for each in look]
    options = {
        "features": features.reset_index(drop=True),
        "edge_color": colours,
        "face_color": "transparent",
        "opacity": 1.0,
        "text": {"string": [each.text for each in look], "color": colours, "anchor": "upper_left", "size": 7},
        "units": boxes[0].film.units,
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


def box_layer(layers: Any, role: str) -> Any:
    """The layer of boxes of this role; None where there is none."""
    return next((layer for layer in layers if isinstance(layer, Shapes) and notes(layer).get("role") == role), None)


def boxes_now(layers: Any, drawn: Sequence[Box]) -> list[Box]:
    """The boxes as they lie on the screen now: those that the user moved are marked as edited, those removed are gone.

    Where a layer of boxes is missing, nothing of it is told: its joints are to be found anew.

    Raises
    ------
    InputError
        If two boxes claim to be one joint, or one is no rectangle.
    """
    known = {box.key: box for box in drawn}
    films = {(box.visit, box.key[1]): box for box in drawn}
    now: dict[Key, Box] = {}
    for role in (JOINTS, FOLLOWUP_JOINTS):
        layer = box_layer(layers, role)
        if layer is None:
            continue
        for corners, (_, row) in zip(layer.data, layer.features.iterrows()):
            key = (1 if role == JOINTS else int(row["visit"]), str(row["side"]), str(row["joint"]))
            if key in now:
                raise InputError(
                    f"Two boxes of {layer.name!r} are called {key[2]}. Remove one, or give it the name of its joint in "
                    "the features table."
                )
            now[key] = _read(known.get(key), films.get(key[:2]), key, corners)
    return list(now.values())


def _read(box: Box | None, other: Box | None, key: Key, corners: Any) -> Box:
    """The box as drawn, or with the corners that it has now."""
    near = box or other
    if near is None:
        raise InputError(f"The box of {key[2]} is on no film that is measured. Remove it.")
    on_film = apply(np.linalg.inv(near.to_world), np.asarray(corners)[:, -2:])
    if box is not None and on_film.shape == (4, 2) and np.abs(on_film - box.joint.box).max() <= _MOVED_PX:
        return box
    side = near.joint.side
    joint = replace(box.joint, box=on_film) if box else Joint(key[2], side, on_film)
    return replace(near, joint=replace(joint, edited=True))


def edited_boxes(now: Sequence[Box], drawn: Sequence[Box], painted: Collection[Any]) -> dict[Hand, list[Joint]]:
    """The joints of every hand that the user corrected: what is measured in place of what would be found.

    Parameters
    ----------
    now, drawn : sequence of Box
        As they lie now, and as they were found.
    painted : collection of (visit, side, joint)
        Joints with masks of the user's own: these fit the boxes on show only.

    Returns
    -------
    dict
        Visit and side to joints, in pixels of the whole film.
    """
    hands: dict[Hand, list[Box]] = {}
    for box in now:
        hands.setdefault((box.visit, box.joint.side), []).append(box)
    names = [{(box.visit, box.joint.side, box.joint.name) for box in boxes} for boxes in (now, drawn)]
    corrected = {key[:2] for key in (*(names[0] ^ names[1]), *painted)}
    corrected |= {(box.visit, box.joint.side) for box in now if box.joint.edited}
    return {hand: [whole_film(box) for box in boxes] for hand, boxes in hands.items() if hand in corrected}


def whole_film(box: Box) -> Joint:
    """The joint in pixels of the whole film."""
    return replace(box.joint, box=box.joint.box + np.array(box.origin))


def on_hands(boxes: Mapping[Hand, Sequence[Joint]], study: Patient) -> dict[Hand, list[Joint]]:
    """The same in pixels of each hand's radiograph, which may be a part of the film."""
    origins = {(visit.number, film.side): film.origin for visit in study.visits for film in visit.radiographs}
    return {
        hand: [replace(joint, box=joint.box - np.array(origins.get(hand, (0, 0)))) for joint in joints]
        for hand, joints in boxes.items()
    }
