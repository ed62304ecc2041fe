"""Hands as rulers: a pixel spacing by which a hand has no hand's size, or another size at each visit, is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.patient.labels import radiograph_label, side_label
from napari_jsn.patient.patient import Patient
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.radiograph import GIVEN

if TYPE_CHECKING:
    from napari_jsn.localization.found_joints import FoundJoints

Distances = dict[tuple[str, str], float]

#: From MCP to PIP joint in mm: shorter than a small child's, longer than any.
_SHORTEST_MM, _LONGEST_MM = 15.0, 75.0
#: Change of the distances between the joints of a finger that no posture, magnification or localiser explains.
MOST_CHANGE = 0.08
#: Fewer distances than this tell no size.
_FEWEST = 3


def check_hand_sizes(study: Patient, found: Mapping[tuple[int, str | None], FoundJoints]) -> Iterator[str]:
    """Compare the distances between joints of one finger with those of any hand, and with those of the baseline.

    Parameters
    ----------
    study : Patient
    found : mapping of (visit, side) to FoundJoints

    Yields
    ------
    str
        A size that differs by more than 8 % where the spacing was given by the user, who knows.

    Raises
    ------
    InputError
        If a hand is no hand's size by its pixel spacing, or differs by more than 8 % between visits.
    """
    first: dict[str | None, tuple[int, Radiograph, Distances]] = {}
    for visit in study.visits:
        for film in visit.radiographs:
            joints = found.get((visit.number, film.side))
            if film.spacing_mm is None or joints is None:
                continue
            now = distances_mm(film, joints)
            _check_size(radiograph_label(visit.number, film.side), film, now)
            if film.side not in first:
                first[film.side] = visit.number, film, now
                continue
            number, before, then = first[film.side]
            change = size_change(then, now)
            if abs(change) <= MOST_CHANGE or np.isnan(change):
                continue
            kinds, how = f"{before.spacing_source}, {film.spacing_source}", "larger" if change > 0 else "smaller"
            told = (
                f"By the pixel spacings ({kinds}) the {side_label(film.side)} hand is {abs(change):.0%} {how} at visit "
                f"{visit.number} than at visit {number}"
            )
            if before.spacing_source != GIVEN or film.spacing_source != GIVEN:
                raise InputError(
                    f"{told}: one of them is wrong. State the right ones in radiographs.csv, or give spacing_mm.",
                    "spacing_mm",
                )
            yield f"{told}."


def distances_mm(film: Radiograph, joints: FoundJoints) -> Distances:
    """Distances between the joints of each finger; posture hardly changes them.

    Parameters
    ----------
    film : Radiograph
        With a spacing.
    joints : FoundJoints

    Returns
    -------
    dict of (joint, joint) to float
        In mm.
    """
    spacing = np.broadcast_to(np.asarray(film.spacing_mm, dtype=float), (2,))
    mine = [joint for joint in joints if joint.side == film.side] or joints  # the film may show both hands
    centres = {joint.name: np.array(joint.centre) * spacing for joint in mine}
    pairs = [(one, other) for one, other in combinations(centres, 2) if one[-1] == other[-1]]
    return {(one, other): float(np.hypot(*(centres[one] - centres[other]))) for one, other in pairs}


def size_change(before: Distances, now: Distances) -> float:
    """By which share a hand is larger now: the median over the distances known both times; NaN with fewer than 3."""
    ratios = [now[pair] / before[pair] for pair in before.keys() & now.keys() if before[pair] > 0]
    return float(np.median(ratios)) - 1 if len(ratios) >= _FEWEST else float("nan")


def _check_size(name: str, film: Radiograph, distances: Distances) -> None:
    lengths = [mm for (one, other), mm in distances.items() if one.startswith("MCP") and other.startswith("PIP")]
    if not lengths or _SHORTEST_MM <= (length := float(np.median(lengths))) <= _LONGEST_MM:
        return
    raise InputError(
        f"By its pixel spacing ({film.spacing_mm} mm, {film.spacing_source}) the fingers of {name} have {length:.0f} "
        "mm from MCP to PIP joint, which no hand has. Give the true spacing_mm.",
        "spacing_mm",
    )
