"""Check pixel spacings by the size of the hands: the size must be possible, and the same at every visit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.patient.labels import side_label
from napari_jsn.patient.patient import Hand, Patient
from napari_jsn.radiograph.radiograph import GIVEN

Distances = dict[tuple[str, str], float]

#: Limits of the distance from MCP to PIP joint in mm: below that of a small child, above that of any hand.
_SHORTEST_MM, _LONGEST_MM = 15.0, 75.0
#: Largest relative change of the distances between joints of a finger that posture, magnification and errors of
#: localization can cause.
MAX_CHANGE = 0.08
#: Largest difference of the changes of size along the fingers and across the palm that positioning can cause; up to
#: 0.03 at nine simulated follow-ups.
MAX_STRETCH = 0.05
#: Smallest number of distances from which a size is computed.
_MIN_DISTANCES = 3


def check_hand_sizes(patient: Patient) -> Iterator[str]:
    """Compare the distances between joints of one finger with those of any hand, and with those of the baseline.

    Parameters
    ----------
    patient : Patient
        Hands without a pixel size or without joints are skipped.

    Yields
    ------
    str
        A note on a size that differs by more than 8 %, if the user gave the spacing; and a note on a hand that was
        stretched by more than 5 % since baseline, along the fingers or across the palm.

    Raises
    ------
    InputError
        If the size of a hand is impossible, by its pixel spacing, or differs by more than 8 % between visits.
    """
    first: dict[str | None, tuple[Hand, Distances]] = {}
    for hand in patient.hands:
        if hand.radiograph.spacing_mm is None or not hand.found:
            continue
        distances = distances_mm(hand)
        _check_size(hand, distances)
        if hand.side not in first:
            first[hand.side] = hand, distances
            continue
        baseline, baseline_distances = first[hand.side]
        change = size_change(baseline_distances, distances)
        across = size_change(_across_palm_mm(baseline), _across_palm_mm(hand))
        if abs(change - across) > MAX_STRETCH:
            yield (
                f"{hand.label.capitalize()}: since baseline, the lengths of the fingers changed by {change:+z.0%}, but "
                f"the width of the palm by {across:+z.0%}. The pixels of a radiograph are not square, it was "
                "photographed at an angle, or the hand was tilted: narrowings are wrong."
            )
        if abs(change) <= MAX_CHANGE or np.isnan(change):
            continue
        sources = baseline.radiograph.spacing_source, hand.radiograph.spacing_source
        difference = (
            f"According to the pixel spacings ({', '.join(sources)}) the {side_label(hand.side)} hand is "
            f"{abs(change):.0%} {'larger' if change > 0 else 'smaller'} at visit {hand.visit} than "
            f"at visit {baseline.visit}"
        )
        if set(sources) != {GIVEN}:
            raise InputError(
                f"{difference}: one of the spacings is wrong. State the correct ones in radiographs.csv, or give "
                "spacing_mm.",
                "spacing_mm",
            )
        yield f"{difference}."


def distances_mm(hand: Hand) -> Distances:
    """Return the distances between the joints of each finger, in mm; posture hardly changes them.

    Parameters
    ----------
    hand : Hand
        With a pixel spacing.
    """
    return {pair: mm for pair, mm in _all_distances_mm(hand).items() if pair[0][-1] == pair[1][-1]}


def _across_palm_mm(hand: Hand) -> Distances:
    """Return the distances between the MCP joints of the fingers 2 to 5, in mm."""
    palm = {f"MCP{finger}" for finger in range(2, 6)}
    return {pair: mm for pair, mm in _all_distances_mm(hand).items() if palm.issuperset(pair)}


def _all_distances_mm(hand: Hand) -> Distances:
    spacing = np.broadcast_to(np.asarray(hand.radiograph.spacing_mm, dtype=float), (2,))
    centres = {joint.name: np.array(joint.centre) * spacing for joint in hand.joints}
    return {pair: float(np.hypot(*(centres[pair[0]] - centres[pair[1]]))) for pair in combinations(centres, 2)}


def size_change(before: Distances, now: Distances) -> float:
    """Return the relative change of size, positive if larger now: median over at least 3 common distances, or NaN."""
    ratios = [now[pair] / before[pair] for pair in before.keys() & now.keys() if before[pair] > 0]
    return float(np.median(ratios)) - 1 if len(ratios) >= _MIN_DISTANCES else float("nan")


def _check_size(hand: Hand, distances: Distances) -> None:
    lengths = [mm for (one, other), mm in distances.items() if one.startswith("MCP") and other.startswith("PIP")]
    if not lengths or _SHORTEST_MM <= (length := float(np.median(lengths))) <= _LONGEST_MM:
        return
    raise InputError(
        f"{hand.label.capitalize()}: with its pixel spacing ({hand.radiograph.spacing_mm} mm, "
        f"{hand.radiograph.spacing_source}) the distance from MCP to PIP joint is {length:.0f} mm, which is "
        "impossible. Give the correct spacing_mm.",
        "spacing_mm",
    )
