"""The boxes of joints as shapes on the screen, turned with the fingers, that can be moved, turned and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes

from napari_jsn.errors import InputError
from napari_jsn.export.colours import UNRELIABLE, jsn_colour
from napari_jsn.joint import Joint
from napari_jsn.viewer.film_layers import FilmLayer, apply
from napari_jsn.viewer.roles import KEY, notes

if TYPE_CHECKING:
    import pandas as pd

    from napari_jsn.export.report.unit import Unit
    from napari_jsn.study.progression import Narrowing

#: Roles of the two layers of boxes.
JOINTS, FOLLOWUP_JOINTS = "joints", "followup_joints"
NAMES = {JOINTS: "joints", FOLLOWUP_JOINTS: "joints at follow-up"}
#: Colour of boxes that were found and not measured yet.
FOUND = "#5ad1c8"
#: A corner is taken for moved beyond this, in pixels of its film.
_MOVED_PX = 0.05

#: Side ("" where it is not known), joint and visit.
Key = tuple[int, str, str]


@dataclass(frozen=True)
class Box:
    """A joint on a film that lies in the viewer."""

    visit: int
    joint: Joint
    film: FilmLayer

    @property
    def key(self) -> Key:
        """Visit, side and name."""
        return self.visit, self.joint.side or "", self.joint.name

    @property
    def corners(self) -> Any:
        """(4, 2) corners on the screen."""
        return apply(self.film.to_world, self.joint.box)


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
        return cls(f"{joint} {jsn:+.{unit.decimals}f}", jsn_colour(jsn, end) if narrowing.reliable else UNRELIABLE)


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
    side = float(np.median([np.hypot(*(each[1] - each[0])) for each in corners]))
    # text of a length that grows with the boxes: at no zoom does it run over its neighbour's
    text = {"string": [each.text for each in look], "color": colours, "anchor": "upper_left"}
    options = {
        "features": features.reset_index(drop=True),
        "edge_color": colours,
        "face_color": "transparent",
        "edge_width": 0.03 * side,
        "opacity": 1.0,
        "text": {**text, "size": side / 9, "scaling": True},
        "units": boxes[0].film.units,
    }
    layer = box_layer(layers, role)
    if layer is None:
        layer = Shapes(corners, shape_type="rectangle", name=NAMES[role], metadata={KEY: {"role": role}}, **options)
        layers.append(layer)
    else:
        layer.data = [(each, "rectangle") for each in corners]
        for name, value in options.items():
            setattr(layer, name, value)
    layer.mode = "select"
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
    on_film = apply(np.linalg.inv(near.film.to_world), np.asarray(corners)[:, -2:])
    if box is not None and on_film.shape == (4, 2) and np.abs(on_film - box.joint.box).max() <= _MOVED_PX:
        return box
    side = near.joint.side
    joint = replace(box.joint, box=on_film) if box else Joint(key[2], side, on_film)
    return replace(near, joint=replace(joint, edited=True))


def edited_boxes(now: Sequence[Box], drawn: Sequence[Box]) -> dict[tuple[int, str | None], list[Joint]]:
    """The joints of every film of which one was moved, added or removed: what is measured in place of what is found."""
    films: dict[tuple[int, str | None], list[Joint]] = {}
    for box in now:
        films.setdefault((box.visit, box.joint.side), []).append(box.joint)
    before: Mapping[tuple[int, str | None], set[str]] = {
        film: {box.joint.name for box in drawn if (box.visit, box.joint.side) == film} for film in films
    }
    return {
        film: joints
        for film, joints in films.items()
        if any(joint.edited for joint in joints) or {joint.name for joint in joints} != before[film]
    }
