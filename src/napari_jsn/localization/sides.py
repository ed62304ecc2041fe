"""Convert located hands into joints with boxes and sides, and list what is doubtful about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import JOINT_IMAGE_MM, Joint
from napari_jsn.localization.found_joints import ANATOMY, FoundJoints
from napari_jsn.localization.hands import LocatedHand
from napari_jsn.localization.mean_hand import HAND_MM, joint_axes, mean_hand, transform_points
from napari_jsn.localization.search import missing_inside
from napari_jsn.localization.views import exposed_box
from napari_jsn.radiograph import Radiograph

#: The least length of a hand that can be measured, in pixels.
LEAST_HAND_PX = 250
#: The least ratio of the palm's width (MCP2 to MCP5) to the middle finger's length (MCP3 to DIP3), as a share of the
#: mean hand's; below it the view is taken for an oblique or lateral one.
_NARROW = 0.6
#: From so many missing joints inside the picture on, a hand is not reliable; nor below this mean probability.
_MANY_MISSING, _LEAST_MEAN = 5, 0.68
#: The largest rotation of a hand that the network was trained for.
_MOST_TURN_DEG = 50.0


def no_hand(turn_deg: int) -> FoundJoints:
    """Return the result for a radiograph without a hand, or with a hand rotated clockwise by so many degrees."""
    if turn_deg:
        way = {90: "90 degrees counter-clockwise", 180: "upside down", 270: "90 degrees clockwise"}[turn_deg]
        sentence = f"The fingers do not point up. Rotate the radiograph {way}."
        return FoundJoints(reasons=(Reason(ReasonCode.HAND_ROTATED, sentence),))
    sentence = "This does not look like a hand: no finger joints were found on it."
    return FoundJoints(reasons=(Reason(ReasonCode.NO_HAND, sentence),))


def joints_of_hands(
    hands: list[LocatedHand],
    to_radiograph: NDArray[np.float64],
    radiograph: Radiograph,
    sides: Sequence[str] | None = None,
    others: Sequence[LocatedHand] = (),
    beside: bool = False,
) -> FoundJoints:
    """Return the joints of the hands found.

    Parameters
    ----------
    hands : list of LocatedHand
        One or two, on the square that shows the whole radiograph.
    to_radiograph : (3, 3) array
        From that square to the radiograph.
    radiograph : Radiograph
        Its side, where it is stated, is the hand's.
    sides : sequence of {"L", "R"}, optional
        The sides, if the caller knows them.
    others : sequence of LocatedHand, optional
        Further hands on the radiograph, whose joints are left out; a note counts them.
    beside : bool
        Whether something else as large as a hand lies beside them; a note says so.
    """
    # pixels of the radiograph, in its finer direction, per pixel of the square
    step = float(max(to_radiograph[0, 0], to_radiograph[1, 1]))
    stated, source = _stated_side(radiograph, sides)
    shown = ["R" if hand.right else "L" for hand in hands]
    contradicts = False
    if stated is not None and len(hands) == 1:
        contradicts, names = shown[0] != stated, [stated]
    else:
        names, source = shown, ANATOMY
    joints: list[Joint] = []
    missing: list[tuple[str, str]] = []
    reasons: list[Reason] = []
    notes: list[str] = []
    exposed = exposed_box(radiograph.pixels)
    order = sorted(range(len(hands)), key=lambda k: names[k] != "R")
    for hand, side in ((hands[k], names[k]) for k in order):
        in_view = _joints(hand, side, radiograph, to_radiograph, step)
        joints += in_view
        missing += [(side, name) for name in JOINTS if name not in {joint.name for joint in in_view}]
        lost = [JOINTS[k] for k in np.flatnonzero(missing_inside(hand, to_radiograph, exposed))]
        whose = f"The {'right' if side == 'R' else 'left'} hand" if len(hands) > 1 else "The hand"
        reasons += _doubts(hand, whose, step, lost)
        if 0 < len(lost) < _MANY_MISSING:
            they = "it was" if len(lost) == 1 else "they were"
            notes.append(f"{whose} should show {', '.join(lost)} in the picture, but {they} not found.")
    if others:
        number, them = (
            ("Another hand was", "its joints")
            if len(others) == 1
            else (f"{len(others)} further hands were", "their joints")
        )
        notes.append(
            f"{number} found on this radiograph; {them} are left out. At most one hand of each side is measured: to "
            "measure the other ones, cut the radiograph into one image for each hand."
        )
    if beside:
        notes.append(
            "Something as large as a hand, for example another view, lies beside it on this radiograph. It was not "
            "recognised as a hand and is not measured."
        )
    hand_px = HAND_MM * step * max(hand.scale for hand in hands)
    found_sides = tuple(names[k] for k in order)
    return FoundJoints(
        tuple(joints), tuple(missing), found_sides, source, contradicts, tuple(reasons), hand_px, notes=tuple(notes)
    )


def _stated_side(radiograph: Radiograph, sides: Sequence[str] | None) -> tuple[str | None, str]:
    """Return the single side that is stated, and its source."""
    if sides is not None:
        return (sides[0], "given") if len(set(sides)) == 1 else (None, "")
    return radiograph.side, radiograph.side_source


def _joints(
    hand: LocatedHand, side: str, radiograph: Radiograph, to_radiograph: NDArray[np.float64], step: float
) -> list[Joint]:
    """Return the joints in view, in pixels of the radiograph."""
    axes = joint_axes(hand.points, hand.from_mean, hand.right)
    centres = transform_points(to_radiograph, hand.points)
    if radiograph.spacing_mm is None:
        size: tuple[float, float] = (JOINT_IMAGE_MM * hand.scale * step,) * 2
    else:
        row_mm, col_mm = np.broadcast_to(radiograph.spacing_mm, (2,))
        size = JOINT_IMAGE_MM / float(row_mm), JOINT_IMAGE_MM / float(col_mm)
    return [
        Joint.around(
            JOINTS[k],
            side,
            (float(centres[k, 1]), float(centres[k, 0])),
            (float(axes[k, 1]), float(axes[k, 0])),
            size,
            min(1.0, float(hand.probability[k])),
        )
        for k in np.flatnonzero(hand.seen)
    ]


def _doubts(hand: LocatedHand, whose: str, step: float, lost: list[str]) -> list[Reason]:
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
    if len(lost) >= _MANY_MISSING:
        sentence = (
            f"{whose} should show {', '.join(lost)} in the picture, but {len(lost)} joints were not found. Give a "
            "posteroanterior view with flat fingers, or correct the joints by hand."
        )
        reasons.append(Reason(ReasonCode.HAND_INCOMPLETE, sentence))
    mean = hand.sureness / max(1, int(hand.seen.sum()))
    if mean < _LEAST_MEAN:
        sentence = f"{whose} was recognised with a mean confidence of {mean:.2f} only. Check its joints by hand."
        reasons.append(Reason(ReasonCode.JOINTS_UNCERTAIN, sentence))
    if hand.ambiguous:
        sentence = f"{whose} got two sets of joint names from views of two sizes. Check its joints by hand."
        reasons.append(Reason(ReasonCode.NAMES_AMBIGUOUS, sentence))
    return reasons


def _ratio(points: NDArray[np.float64], palm: list[int], finger: list[int]) -> float:
    width, length = (float(np.hypot(*(points[pair[0]] - points[pair[1]]))) for pair in (palm, finger))
    return width / max(length, 1e-6)
