"""Determine the side of hands by the lead letters beside them and by anatomy; note where these disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_jsn.patient.labels import side_label
from napari_jsn.patient.side_marker import Marker, read_marker
from napari_jsn.radiograph import Radiograph

if TYPE_CHECKING:
    from napari_jsn.localization.found_joints import FoundJoints

#: Source of a side that a lead letter states.
MARKER = "marker"

_OTHER = {"L": "R", "R": "L"}


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
