"""From hands found to joints with their boxes, sides and doubts, as users see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import Joint
from napari_jsn.localization.found_joints import ANATOMY, FoundJoints
from napari_jsn.localization.hands import Hand
from napari_jsn.localization.shape import BOX_MM, HAND_MM, axes, mean_hand, moved
from napari_jsn.radiograph import Radiograph

#: A hand shorter than this is too coarse to measure, in pixels.
LEAST_HAND_PX = 250
#: Width of the palm (MCP2 to MCP5) against the middle finger's length (MCP3 to DIP3), as a share of the mean hand's,
#: below which the view is taken for an oblique or lateral one.
_NARROW = 0.6
#: Turned by more the network was not meant for.
_MOST_TURN_DEG = 50.0


def no_hand(turn_deg: int) -> FoundJoints:
    """What is told of a film without a hand, or with one that lies turned by so many degrees clockwise."""
    if turn_deg:
        way = {90: "90 degrees counter-clockwise", 180: "upside down", 270: "90 degrees clockwise"}[turn_deg]
        sentence = f"The fingers do not point up. Rotate the radiograph {way}."
        return FoundJoints(reasons=(Reason(ReasonCode.HAND_ROTATED, sentence),))
    sentence = "This does not look like a hand: no finger joints were found on it."
    return FoundJoints(reasons=(Reason(ReasonCode.NO_HAND, sentence),))


def told(
    hands: list[Hand], to_film: NDArray[np.float64], film: Radiograph, sides: Sequence[str] | None = None
) -> FoundJoints:
    """The joints of the hands found.

    Parameters
    ----------
    hands : list of Hand
        One or two, on the square that shows the whole film.
    to_film : (3, 3) array
        From that square to the film.
    film : Radiograph
        Its side, where it is stated, is the hand's.
    sides : sequence of {"L", "R"}, optional
        What the caller knows of the sides.
    """
    step = float(max(to_film[0, 0], to_film[1, 1]))  # pixels of the finer direction a pixel of the square
    stated, source = _stated(film, sides)
    seen = ["R" if hand.right else "L" for hand in hands]
    contradicts = False
    if stated is not None and len(hands) == 1:
        contradicts, names = seen[0] != stated, [stated]
    else:
        names, source = seen, ANATOMY
    joints: list[Joint] = []
    missing: list[tuple[str, str]] = []
    reasons: list[Reason] = []
    order = sorted(range(len(hands)), key=lambda k: names[k] != "R")
    for hand, side in ((hands[k], names[k]) for k in order):
        boxes = _joints(hand, side, film, to_film, step)
        joints += boxes
        missing += [(side, joint) for joint in JOINTS if joint not in {box.name for box in boxes}]
        reasons += _doubts(hand, side, step, len(hands) > 1)
    hand_px = HAND_MM * step * max(hand.scale for hand in hands)
    told_sides = tuple(names[k] for k in order)
    return FoundJoints(tuple(joints), tuple(missing), told_sides, source, contradicts, tuple(reasons), hand_px)


def _stated(film: Radiograph, sides: Sequence[str] | None) -> tuple[str | None, str]:
    """The one side that is stated, and by what."""
    if sides is not None:
        return (sides[0], "given") if len(set(sides)) == 1 else (None, "")
    return film.side, film.side_source


def _joints(hand: Hand, side: str, film: Radiograph, to_film: NDArray[np.float64], step: float) -> list[Joint]:
    directions = axes(hand.points, hand.laid, hand.right)
    centres = moved(to_film, hand.points)
    if film.spacing_mm is None:
        size: tuple[float, float] = (BOX_MM * hand.scale * step,) * 2
    else:
        row_mm, col_mm = np.broadcast_to(film.spacing_mm, (2,))
        size = BOX_MM / float(row_mm), BOX_MM / float(col_mm)
    return [
        Joint.around(
            JOINTS[k],
            side,
            (float(centres[k, 1]), float(centres[k, 0])),
            (float(directions[k, 1]), float(directions[k, 0])),
            size,
            min(1.0, float(hand.sure[k])),
        )
        for k in np.flatnonzero(hand.seen)
    ]


def _doubts(hand: Hand, side: str, step: float, both: bool) -> list[Reason]:
    whose = f"The {'right' if side == 'R' else 'left'} hand" if both else "The hand"
    reasons: list[Reason] = []
    length = HAND_MM * hand.scale * step
    if length < LEAST_HAND_PX:
        sentence = f"{whose} is only {length:.0f} pixels long, too few to measure its joints. Give a finer radiograph."
        reasons.append(Reason(ReasonCode.HAND_TOO_COARSE, sentence))
    palm, finger = ([JOINTS.index(joint) for joint in pair] for pair in (("MCP2", "MCP5"), ("MCP3", "DIP3")))
    if hand.seen[palm + finger].all() and _ratio(hand.points, palm, finger) < _NARROW * _ratio(
        mean_hand(), palm, finger
    ):
        sentence = f"{whose} seems to be seen from the side or obliquely. Give a posteroanterior view."
        reasons.append(Reason(ReasonCode.VIEW_OBLIQUE, sentence))
    if abs(hand.turn_deg) > _MOST_TURN_DEG:
        sentence = f"{whose} is rotated by {abs(hand.turn_deg):.0f} degrees. Rotate the radiograph, fingers up."
        reasons.append(Reason(ReasonCode.HAND_ROTATED, sentence))
    return reasons


def _ratio(points: NDArray[np.float64], palm: list[int], finger: list[int]) -> float:
    width, length = (float(np.hypot(*(points[pair[0]] - points[pair[1]]))) for pair in (palm, finger))
    return width / max(length, 1e-6)
