"""Check that the hands of a patient can be compared: which hands there are, and what was found on them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import sentences
from napari_jsn.patient.check_tags import is_palm_up
from napari_jsn.patient.hand_size import check_hand_sizes
from napari_jsn.patient.labels import side_label
from napari_jsn.patient.patient import Hand, Patient, Visit

_OTHER_SIDE = {"L": "R", "R": "L"}


def check_sides(patient: Patient) -> list[str]:
    """Check which hands there are, after radiographs of both hands were split and before joints are searched.

    Refused: two radiographs of one hand in a visit; visits that share no hand; one image for two hands.

    Parameters
    ----------
    patient : Patient
        One hand a radiograph.

    Returns
    -------
    list of str
        Notes on hands that some visits do not show, and on equal images.

    Raises
    ------
    InputError
        It names visits and sides, and says what to do.
    """
    for visit in patient.visits:
        _check_one_radiograph_a_hand(visit)
    return [*_check_common_hands(patient), *_check_different_images(patient)]


def check_hands(patient: Patient) -> list[str]:
    """Check that the hands which were found can be compared.

    Refused: a radiograph that shows no hand, a follow-up that shows the other hand (or is mirrored), hands whose size
    is impossible by their pixel spacing, and hands whose size differs between visits.

    Parameters
    ----------
    patient : Patient
        One hand a radiograph, its joints found.

    Returns
    -------
    list of str
        Notes on what is doubtful about the hands.

    Raises
    ------
    InputError
        It names visits and sides, and says what to do.
    """
    notes = []
    for hand in patient.hands:
        found, name = hand.found, hand.label.capitalize()
        if found is None:
            continue
        _check_is_hand(hand)
        notes += [f"{name}: {reason}" for reason in found.reasons]
        if len(found.sides) == 2 and hand.radiograph.side_source != found.side_source:
            notes.append(f"{name}: the file states one hand, but both are seen; that one is measured.")
        if is_palm_up(hand.radiograph) and hand.radiograph.side_source.startswith("anatomy"):
            notes.append(
                f"{name}: the file states an anteroposterior view, on which left and right look exchanged; its side "
                "was determined as on a posteroanterior view."
            )
    return [*notes, *_check_same_hand(patient), *check_hand_sizes(patient)]


def _check_one_radiograph_a_hand(visit: Visit) -> None:
    for one, other in combinations(visit.radiographs, 2):
        if one.side == other.side:
            files = [str(each.path) for each in (one, other) if each.path is not None]
            which = f" ({' and '.join(files)})" if len(files) == 2 else ""
            when = f" ({visit.day})" if visit.day else ""
            hand = f"of the {side_label(one.side)} hand" if one.side else "without a known side"
            raise InputError(
                f"Visit {visit.number}{when} has two radiographs {hand}{which}. Leave out the one that is not to be "
                "measured; if they are two visits, name them after the visits (v01, v02).",
                "followup",
            )


def _check_common_hands(patient: Patient) -> Iterator[str]:
    baseline, *followups = patient.visits
    first = _sides(baseline)
    for visit in followups:
        now = _sides(visit)
        if not first & now and None not in first | now:
            raise InputError(
                f"Visit {baseline.number} shows the {_listed(first)} hand and visit {visit.number} the {_listed(now)}: "
                "nothing can be compared. Give radiographs of the same hand; if a side is stated wrongly, correct it.",
                "followup",
            )
        for side in sorted(filter(None, first ^ now), reverse=True):
            absent = baseline if side in now else visit
            yield f"Visit {absent.number} does not show the {side_label(side)} hand."


def _sides(visit: Visit) -> set[str | None]:
    return {hand.side for hand in visit.hands}


def _listed(sides: set[str | None]) -> str:
    return " and ".join(side_label(side) for side in sorted(filter(None, sides), reverse=True))


def _check_different_images(patient: Patient) -> Iterator[str]:
    for one, other in combinations(patient.hands, 2):
        here, there = one.radiograph, other.radiograph
        if here.origin != there.origin or not np.array_equal(here.pixels, there.pixels):
            continue
        names = f"{one.label.capitalize()} and {other.label}"
        if one.side != other.side:
            raise InputError(
                f"{names} are the same image, which cannot show two hands. Give the radiograph of each.", "followup"
            )
        yield f"{names} are the same image."


def _check_is_hand(hand: Hand) -> None:
    if hand.found:
        return
    why = sentences(hand.reasons) or "No finger joint was found on it."
    file = f" ({hand.radiograph.path})" if hand.radiograph.path is not None else ""
    raise InputError(
        f"{hand.label.capitalize()}{file} shows no hand that can be measured. {why} Give a posteroanterior radiograph "
        "of a whole hand.",
        "followup",
    )


def _check_same_hand(patient: Patient) -> Iterator[str]:
    """Refuse the other hand at some visits; note a wrong or mirrored tag where all visits show the other hand."""
    for side in sorted({hand.side for hand in patient.hands if hand.side}, reverse=True):
        contradicts = {
            hand.visit: hand.found.contradicts for hand in patient.hands if hand.side == side and hand.found is not None
        }
        if not any(contradicts.values()):
            continue
        words, other = side_label(side), side_label(_OTHER_SIDE[side])
        if not all(contradicts.values()):
            which = ", ".join(str(visit) for visit, contradicted in contradicts.items() if contradicted)
            raise InputError(
                f"Visit {which} looks like the {other} hand, but is said to be the {words} one as at the other visits: "
                "another hand, or a mirrored image. Give radiographs of the same hand, all mirrored or none.",
                "followup",
            )
        yield (
            f"The hand said to be the {words} one looks like the {other}: the side is stated wrongly, the palm "
            "faces up, or the images are mirrored."
        )
