"""Split a radiograph of both hands into two radiographs, and determine the side of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.localization.found_joints import ANATOMY
from napari_jsn.patient.labels import radiograph_label, side_label
from napari_jsn.patient.patient import Hand
from napari_jsn.patient.side_marker import Marker, read_marker
from napari_jsn.radiograph import Radiograph

if TYPE_CHECKING:
    from napari_jsn.localization.found_joints import FoundJoints

#: Source of a side that was read from a lead letter.
MARKER = "marker"
#: The same of a letter that is mirrored.
MIRRORED_MARKER = "mirrored marker"
#: Source of sides where the letters of two hands name the same side.
MARKERS_DISAGREE = f"{ANATOMY}; markers disagree"

_OTHER = {"L": "R", "R": "L"}
#: Margin around the outermost joint boxes, for finger tips and skin, as a share of the hand's length.
_MARGIN = 0.08
#: The space between two hands is searched on a profile smoothed by this share of the radiograph's width.
_SMOOTH = 0.01


def hands_of(hand: Hand, found: FoundJoints) -> tuple[list[Hand], list[str]]:
    """Return the hands of one radiograph of unknown side, each with its side, and notes on how sides were determined.

    If lead letters beside the hands can be read, they have priority over anatomy.

    Parameters
    ----------
    hand : Hand
        Its radiograph may show both hands.
    found : FoundJoints
        Joints on this radiograph. If there are none, the radiograph is not changed; a single hand keeps these joints.

    Raises
    ------
    InputError
        If two hands overlap.
    """
    if not found.sides:
        return [replace(hand, found=found)], []
    parts, contradictions = by_marker(split(hand.radiograph, found, hand.label), found)
    notes = _notes(hand, parts) + [f"Visit {hand.visit}: {contradiction}." for contradiction in contradictions]
    hands = []
    for part in parts:
        named = replace(part, name=radiograph_label(hand.visit, part.side))
        whole = len(parts) == 1 and found.sides == (part.side,)
        hands.append(Hand(hand.visit, hand.day, named, found if whole else None))
    return hands, notes


def split(radiograph: Radiograph, found: FoundJoints, name: str = "") -> tuple[Radiograph, ...]:
    """Return the hands of one radiograph, the right one first, each with its side and the source of the side.

    Two hands are separated at the row or column between them with the least attenuation. If their joints are close
    together, no joint is cut: both parts then contain a common strip of the radiograph.

    Parameters
    ----------
    radiograph : Radiograph
    found : FoundJoints
        Joints on this radiograph.
    name : str
        Name of the radiograph in an error message; by default its own.

    Returns
    -------
    tuple of Radiograph
        With one hand, the whole radiograph with its side; without a hand, the radiograph unchanged. ``origin`` of a
        part is its position on the whole radiograph.

    Raises
    ------
    InputError
        If the hands overlap.
    """
    if not found.sides:
        return (radiograph,)
    if len(found.sides) == 1:
        return (replace(radiograph, side=found.sides[0], side_source=found.side_source),)
    boxes = {side: np.array([joint.box for joint in found.of(side)]) for side in found.sides}
    for along in (1, 0):  # hands beside each other, or one above the other
        limits = _part_limits(
            {side: box[..., along] for side, box in boxes.items()}, radiograph.pixels, along, found.hand_px
        )
        if limits:
            return tuple(
                replace(_part(radiograph, along, *limits[side]), side=side, side_source=found.side_source)
                for side in ("R", "L")
            )
    raise InputError(
        f"The two hands on {name or radiograph.name or 'the radiograph'} overlap and cannot be separated. "
        "Cut the image into two, one for each hand, or leave this radiograph out.",
        "folder",
    )


def _part_limits(
    boxes: dict[str, NDArray[np.float64]], pixels: NDArray[np.float32], along: int, hand_px: float
) -> dict[str, tuple[int, int]] | None:
    """Return the first row or column of each hand's part, and that after its last; None if joint centres overlap."""
    centres = {side: box.mean(axis=1) for side, box in boxes.items()}
    first, last = sorted(boxes, key=lambda side: float(centres[side].mean()))
    if centres[first].max() >= centres[last].min():
        return None
    size = pixels.shape[along]
    low, high = float(boxes[first].max()), float(boxes[last].min())
    inner = sorted((centres[first].max(), centres[last].min()) if low >= high else (low, high))
    cut = _least_attenuation(pixels, along, *inner)
    margin = _MARGIN * hand_px if np.isfinite(hand_px) else 0.0
    # no part may cut a joint box of its hand, and no margin may extend to joint centres of the other hand
    end = max(cut, min(low + margin, centres[last].min()), low)
    start = min(cut, max(high - margin, centres[first].max()), high)
    return {first: (0, min(int(np.ceil(end)), size)), last: (max(int(start), 0), size)}


def _least_attenuation(pixels: NDArray[np.float32], along: int, start: float, stop: float) -> float:
    """Return the row or column between two others with the least attenuation; near the middle if all is air."""
    positions = np.arange(max(int(np.ceil(start)), 0), min(int(stop), pixels.shape[along] - 1) + 1)
    if positions.size < 2:
        return (start + stop) / 2
    profile = ndimage.gaussian_filter1d(pixels.mean(axis=1 - along), _SMOOTH * pixels.shape[along])[positions]
    distance = np.abs(positions - (start + stop) / 2) / (stop - start)
    return float(positions[np.argmin(profile + 0.1 * np.ptp(profile) * distance)])


def _part(radiograph: Radiograph, along: int, start: int, stop: int) -> Radiograph:
    where = (slice(None), slice(start, stop)) if along else (slice(start, stop), slice(None))
    row, col = radiograph.origin
    origin = (row, col + start) if along else (row + start, col)
    return replace(radiograph, pixels=radiograph.pixels[where], origin=origin)


def _notes(hand: Hand, parts: tuple[Radiograph, ...]) -> list[str]:
    """Return notes on how one radiograph was split, and how its sides were determined."""
    if len(parts) == 2:
        return [f"Visit {hand.visit}: both hands on one radiograph were distinguished by {parts[0].side_source}."]
    label = side_label(parts[0].side)
    if hand.radiograph.side_source:  # both hands are stated
        return [f"Visit {hand.visit}: both hands are stated, but only the {label} hand was found."]
    return [f"Visit {hand.visit}: no side is stated; the {label} hand was recognised by {parts[0].side_source}."]


def by_marker(hands: Sequence[Radiograph], found: FoundJoints) -> tuple[tuple[Radiograph, ...], list[str]]:
    """Return hands with the side that lead letters state; if these cannot be read, with the side by anatomy.

    Letters have priority because a person placed them, while anatomy gives the side only on a posteroanterior view that
    is not mirrored. Of two hands on one radiograph, a letter beside one suffices: the other hand has the other side.

    Parameters
    ----------
    hands : sequence of Radiograph
        One or two, cut out of one radiograph.
    found : FoundJoints
        Joints on that radiograph.

    Returns
    -------
    tuple of Radiograph
        ``side_source`` is :data:`MARKER`, :data:`MIRRORED_MARKER`, :data:`MARKERS_DISAGREE`, or unchanged where no
        letter is read.
    list of str
        Notes on mirrored letters, and on letters and anatomy that disagree; the caller adds the visit's number.
    """
    from napari_jsn.localization.mean_hand import HAND_MM

    # the pixel size follows from the length of the hand, because some headers state a wrong one
    letters = [read_marker(hand.pixels, HAND_MM / found.hand_px) for hand in hands]
    exchanged = {letter.side != hand.side for letter, hand in zip(letters, hands) if letter is not None}
    if not exchanged:
        return tuple(hands), []
    if len(exchanged) > 1:
        doubt = "the markers name the same side for both hands; the sides were determined by anatomy"
        return tuple(replace(hand, side_source=MARKERS_DISAGREE) for hand in hands), [doubt]
    mirrored = {letter.mirrored for letter in letters if letter is not None}
    source = MIRRORED_MARKER if mirrored == {True} else MARKER
    sides = [_OTHER[str(hand.side)] if exchanged == {True} else hand.side for hand in hands]
    marked = tuple(replace(hand, side=side, side_source=source) for hand, side in zip(hands, sides))
    if exchanged == {False}:
        return marked, _mirrored_although_agreeing(letters) if True in mirrored else []
    cause = {
        frozenset({True}): "the letter is mirrored, so the image is mirrored",
        frozenset({False}): "the palm faces up, or the marker is wrong",
    }.get(frozenset(mirrored), "one of the letters is mirrored, the other is not")
    return marked, [
        f"the marker states {side_label(letter.side)}, but the hand looks like a {side_label(_OTHER[letter.side])} "
        f"one: {cause}"
        for letter in letters
        if letter is not None
    ]


def _mirrored_although_agreeing(letters: Sequence[Marker | None]) -> list[str]:
    return [
        f"the letter of the {side_label(letter.side)} hand is mirrored, although the hand looks like a "
        f"{side_label(letter.side)} one: the marker lay face down, or the image is mirrored and the palm faces up"
        for letter in letters
        if letter is not None and letter.mirrored
    ]


def with_side_reason(hand: Hand) -> Hand:
    """Return the hand with a reason if its lead letter contradicts its anatomy and nothing explains it.

    A mirrored letter is explained by a mirrored image, and an exchanged side by an anteroposterior view.
    """
    if hand.found is None:
        return hand
    contradicts = hand.found.contradicts and hand.radiograph.side_source == MARKER
    if hand.radiograph.side_source != MARKERS_DISAGREE and not (contradicts and not hand.radiograph.is_anteroposterior):
        return hand
    sentence = "" if contradicts else "The lead letters name the same side for both hands."
    reason = Reason(ReasonCode.SIDE_CONTRADICTED, sentence)
    return replace(hand, found=replace(hand.found, reasons=(*hand.found.reasons, reason)))
