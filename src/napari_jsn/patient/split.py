"""Split a radiograph of both hands into two radiographs, and determine the side of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.patient.labels import radiograph_label, side_label
from napari_jsn.patient.patient import Hand
from napari_jsn.patient.side_marker import Marker, read_marker
from napari_jsn.radiograph import Radiograph

if TYPE_CHECKING:
    from napari_jsn.localization.found_joints import FoundJoints

#: Source of a side that a lead letter states.
MARKER = "marker"

_OTHER = {"L": "R", "R": "L"}
#: Share of a hand's length that must lie beside its outermost joint boxes, for finger tips and skin.
_MARGIN = 0.08
#: The space between two hands is searched on a profile smoothed by this share of the radiograph's width.
_SMOOTH = 0.01


def hands_of(hand: Hand, found: FoundJoints) -> tuple[list[Hand], list[str]]:
    """Return the hands of one radiograph of unknown side, each with its side, and notes on what the sides rest on.

    Lead letters beside the hands come before anatomy, where they can be read.

    Parameters
    ----------
    hand : Hand
        Its radiograph may show both hands.
    found : FoundJoints
        On this radiograph. A radiograph without a hand stays as it is; that of a single hand keeps these joints.

    Raises
    ------
    InputError
        If two hands overlap.
    """
    if not found.sides:
        return [replace(hand, found=found)], []
    parts, doubts = by_marker(split(hand.radiograph, found, hand.label), found)
    notes = _notes(hand, parts) + [f"Visit {hand.visit}: {doubt}." for doubt in doubts]
    hands = []
    for part in parts:
        named = replace(part, name=radiograph_label(hand.visit, part.side))
        whole = len(parts) == 1 and found.sides == (part.side,)
        hands.append(Hand(hand.visit, hand.day, named, found if whole else None))
    return hands, notes


def split(radiograph: Radiograph, found: FoundJoints, name: str = "") -> tuple[Radiograph, ...]:
    """Return the hands of one radiograph, the right one first, each with its side and what the side rests on.

    Two hands are cut apart where least lies between them. Where their joints come near each other both parts keep
    the joints whole, and a strip of the radiograph is in both.

    Parameters
    ----------
    radiograph : Radiograph
    found : FoundJoints
        On this radiograph.
    name : str
        Name of the radiograph in a refusal; by default its own.

    Returns
    -------
    tuple of Radiograph
        The radiograph itself with its side where there is one hand, unchanged where there is none. ``origin`` of a
        part is its place on the whole radiograph.

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
        cuts = _cuts({side: box[..., along] for side, box in boxes.items()}, radiograph.pixels, along, found.hand_px)
        if cuts:
            return tuple(
                replace(_part(radiograph, along, *cuts[side]), side=side, side_source=found.side_source)
                for side in ("R", "L")
            )
    raise InputError(
        f"The two hands on {name or radiograph.name or 'the radiograph'} overlap and cannot be separated. "
        "Cut the image into one of each hand, or leave this radiograph out.",
        "folder",
    )


def _cuts(
    boxes: dict[str, NDArray[np.float64]], pixels: NDArray[np.float32], along: int, hand_px: float
) -> dict[str, tuple[int, int]] | None:
    """Return the first and last row or column of each hand's part; None where the joints' centres overlap."""
    centres = {side: box.mean(axis=1) for side, box in boxes.items()}
    first, last = sorted(boxes, key=lambda side: float(centres[side].mean()))
    if centres[first].max() >= centres[last].min():
        return None
    size = pixels.shape[along]
    low, high = float(boxes[first].max()), float(boxes[last].min())
    inner = sorted((centres[first].max(), centres[last].min()) if low >= high else (low, high))
    cut = _emptiest(pixels, along, *inner)
    margin = _MARGIN * hand_px if np.isfinite(hand_px) else 0.0
    # neither part may cut a joint's box, nor reach into the other hand's joints for the sake of its margin
    end = max(cut, min(low + margin, centres[last].min()), low)
    start = min(cut, max(high - margin, centres[first].max()), high)
    return {first: (0, min(int(np.ceil(end)), size)), last: (max(int(start), 0), size)}


def _emptiest(pixels: NDArray[np.float32], along: int, start: float, stop: float) -> float:
    """Return the row or column between two others with the least attenuation; near the middle where all is air."""
    places = np.arange(max(int(np.ceil(start)), 0), min(int(stop), pixels.shape[along] - 1) + 1)
    if places.size < 2:
        return (start + stop) / 2
    profile = ndimage.gaussian_filter1d(pixels.mean(axis=1 - along), _SMOOTH * pixels.shape[along])[places]
    away = np.abs(places - (start + stop) / 2) / (stop - start)
    return float(places[np.argmin(profile + 0.1 * np.ptp(profile) * away)])


def _part(radiograph: Radiograph, along: int, start: int, stop: int) -> Radiograph:
    where = (slice(None), slice(start, stop)) if along else (slice(start, stop), slice(None))
    row, col = radiograph.origin
    origin = (row, col + start) if along else (row + start, col)
    return replace(radiograph, pixels=radiograph.pixels[where], origin=origin)


def _notes(hand: Hand, parts: tuple[Radiograph, ...]) -> list[str]:
    """Return what was done with one radiograph."""
    if len(parts) == 2:
        return [f"Visit {hand.visit}: both hands on one radiograph were distinguished by {parts[0].side_source}."]
    words = side_label(parts[0].side)
    if hand.radiograph.side_source:  # it states both
        return [f"Visit {hand.visit}: the radiograph is said to show both hands, but only the {words} hand was found."]
    return [f"Visit {hand.visit}: no side is stated; {words} by {parts[0].side_source}."]


def by_marker(hands: Sequence[Radiograph], found: FoundJoints) -> tuple[tuple[Radiograph, ...], list[str]]:
    """Return hands with the side that lead letters state, where these can be read; else with the side by anatomy.

    A person placed the letter; anatomy gives the side only on a posteroanterior view that is not mirrored. Of two
    hands on one radiograph both letters must be read, one beside each.

    Parameters
    ----------
    hands : sequence of Radiograph
        One or two, cut out of one radiograph.
    found : FoundJoints
        On that radiograph.

    Returns
    -------
    tuple of Radiograph
    list of str
        Where letters and anatomy disagree, to be put after the visit's number.
    """
    from napari_jsn.localization.mean_hand import HAND_MM

    letters: list[Marker] = []
    for hand in hands:
        letter = read_marker(hand.pixels, HAND_MM / found.hand_px)  # the hand measures better than some headers
        if letter is None:
            return tuple(hands), []
        letters.append(letter)
    agree = {letter.side == hand.side for letter, hand in zip(letters, hands)}
    if len(agree) > 1:
        return tuple(hands), ["the markers name the same side for both hands; the sides rest on anatomy"]
    marked = tuple(replace(hand, side=letter.side, side_source=MARKER) for letter, hand in zip(letters, hands))
    if agree == {True}:
        return marked, []
    why = (
        "the letter reads backwards, so the image is mirrored"
        if all(letter.mirrored for letter in letters)
        else "the palm faces up, or the marker is wrong"
    )
    words = ((side_label(letter.side), side_label(_OTHER[letter.side])) for letter in letters)
    return marked, [f"the marker says {said}, but the hand looks like a {looks} one: {why}" for said, looks in words]
