"""Show grades as circles on the radiographs, coloured by grade, and maps of what raised them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Points
from numpy.typing import NDArray

from napari_jsn.drawing.colours import grade_colour
from napari_jsn.patient.patient import Hand
from napari_jsn.scoring.automatic.result import Scores
from napari_jsn.viewer.hands_widget.layers import layer_of
from napari_jsn.viewer.layers.radiograph import RadiographLayer, transform_points
from napari_jsn.viewer.layers.read_layer import KEY, Matrix, layer_metadata
from napari_jsn.viewer.layers.registration import SPECTRUM_COLORMAP, add_or_update

if TYPE_CHECKING:
    from napari.components import LayerList

#: Role of the circles and of the maps in the metadata of their layers.
GRADES, MAP = "grades", "grade_map"
NAMES = {"jsn": "narrowing", "erosion": "erosion"}
#: Diameter of a circle as a share of the joint's box; circles of both kinds are concentric.
_SHARE = {"jsn": 0.62, "erosion": 0.86}
#: Letter before a grade, and where it stands, not between two fingers: distance below the centre as a share of the box.
_LETTER = {"jsn": ("J", -0.66), "erosion": ("E", 0.66)}
#: Visit, side and kind to the map on the radiograph of this hand.
Maps = Mapping[tuple[int, str, str], NDArray[np.float32]]


def show_scores(layers: LayerList, scores: Scores, radiographs: Sequence[RadiographLayer], maps: Maps) -> None:
    """Add a layer of circles for each kind of damage, and one for each map, or update those of an earlier run.

    The features of a circle are the row of :meth:`Scores.table`: grade, expected grade, SD and the probabilities. Sites
    that have no box, such as those of the wrist, have no circle.

    Parameters
    ----------
    layers : napari.components.LayerList
    scores : Scores
    radiographs : sequence of RadiographLayer
        What was scored.
    maps : mapping
    """
    remove_scores(layers)
    for (visit, side, kind), values in maps.items():
        hand = next(hand for hand in scores.hands if (hand.visit, _side(hand)) == (visit, side))
        placed = layer_of(hand, radiographs)
        if placed is not None:
            _show_map(layers, hand, placed, kind, values, scores.statement)
    for kind in scores.scheme.kinds:
        _show_circles(layers, scores, radiographs, kind)


def remove_scores(layers: LayerList) -> None:
    """Remove circles and maps of an earlier run."""
    for layer in [layer for layer in layers if layer_metadata(layer).get("role") in (GRADES, MAP)]:
        layers.remove(layer)


def _show_circles(layers: LayerList, scores: Scores, radiographs: Sequence[RadiographLayer], kind: str) -> None:
    table = scores.table()
    table = table[table["kind"] == kind].assign(statement=scores.statement)
    rows, places, sides = [], [], []
    units: Any = None
    for hand in scores.hands:
        placed = layer_of(hand, radiographs)
        if placed is None:
            continue
        units = placed.units if units is None else units
        to_world = _to_world(hand, placed, units)
        joints = {joint.name: joint for joint in hand.joints}
        of_hand = table[(table["visit"] == hand.visit) & (table["side"] == _side(hand))]
        for number, site in zip(of_hand.index, of_hand["site"]):
            if site not in joints:
                continue
            corners = transform_points(to_world, joints[site].box)
            rows.append(number)
            places.append(corners.mean(axis=0))
            sides.append(float(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).mean()))
    if not rows:
        return
    features = table.loc[rows].reset_index(drop=True)
    grades = [None if np.isnan(grade) else int(grade) for grade in features["grade"].astype(float)]
    colours = [grade_colour(grade) for grade in grades]
    letter, share = _LETTER[kind]
    text = {
        "string": [f"{letter}{'X' if grade is None else grade}" for grade in grades], "color": colours, "size": 9,
        "translation": (share * float(np.mean(sides)), 0.0),
    }  # fmt: skip
    layers.append(
        Points(
            np.array(places), name=f"grades of {NAMES[kind]}", metadata={KEY: {"role": GRADES, "kind": kind}},
            features=features, size=[_SHARE[kind] * side for side in sides], symbol="disc",
            face_color="transparent", border_color=colours, border_width=0.07, border_width_is_relative=True, text=text,
            units=units,
        )
    )  # fmt: skip


def _show_map(
    layers: LayerList, hand: Hand, placed: RadiographLayer, kind: str, values: NDArray[np.float32], statement: str
) -> None:
    affine = _to_world(hand, placed, placed.units)
    name = f"map of {NAMES[kind]}, {hand.label}"
    entry = {"role": MAP, "kind": kind, "visit": hand.visit, "side": _side(hand), "statement": statement}
    style = {
        "colormap": SPECTRUM_COLORMAP, "blending": "additive", "opacity": 0.8,
        "contrast_limits": (0.0, float(values.max()) or 1.0), "visible": True,
    }  # fmt: skip
    placement = {"affine": affine, "units": placed.units}
    add_or_update(layers, name, values, entry, placement, style, Image, ("role", "kind", "visit", "side"))


def _to_world(hand: Hand, placed: RadiographLayer, units: Any) -> Matrix:
    """Return the matrix from (row, col, 1) of a hand's radiograph to world coordinates of the viewer."""
    offset = np.eye(3)
    offset[:2, 2] = hand.radiograph.origin
    return placed.to_world_in(units) @ offset


def _side(hand: Hand) -> str:
    """Return the side under which a hand is scored."""
    return hand.side or next(iter(hand.found.sides if hand.found else ()), "")
