"""Check that the hands of a patient can be compared: their sides, joints and sizes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import sentences
from napari_jsn.patient.hand_size import check_hand_sizes
from napari_jsn.patient.labels import side_label
from napari_jsn.patient.patient import Hand, Patient, Visit
from napari_jsn.radiograph.intensity import same_pixels

_OTHER_SIDE = {"L": "R", "R": "L"}


def check_sides(patient: Patient, compared: bool = True) -> list[str]:
    """Check the sides of the hands, after radiographs of both hands are split and before joints are searched.

    Errors are: two radiographs of one hand at one visit; visits without a common hand; the same image for two hands.

    Parameters
    ----------
    patient : Patient
        Each radiograph shows one hand.
    compared : bool
        Whether visits are compared, so that they must have a common hand.

    Returns
    -------
    list of str
        Notes on hands that are missing at some visits, and on identical images.

    Raises
    ------
    InputError
        If a check fails. The message names visits and sides, and says what to do.
    """
    for visit in patient.visits:
        _check_one_radiograph_per_hand(visit)
    return [*_check_common_hands(patient, compared), *_check_different_images(patient)]


def check_hands(patient: Patient, compared: bool = True) -> list[str]:
    """Check that the hands which were found can be compared.

    Errors are: a radiograph without a hand; a follow-up of the other hand (or a mirrored one); a size of the hand that
    is impossible, by its pixel spacing; a size of the hand that differs between visits.

    Parameters
    ----------
    patient : Patient
        Each radiograph shows one hand, whose joints have been searched.
    compared : bool
        Whether visits are compared; else a radiograph without a hand is no error.

    Returns
    -------
    list of str
        Notes on possible errors.

    Raises
    ------
    InputError
        If a check fails. The message names visits and sides, and says what to do.
    """
    notes = []
    for hand in patient.hands:
        found, name = hand.found, hand.label.capitalize()
        if found is None or not (found or compared):
            continue
        _check_is_hand(hand)
        notes += [f"{name}: {text}" for text in (*found.reasons, *found.notes)]
        if len(found.sides) == 2 and hand.radiograph.side_source != found.side_source:
            notes.append(f"{name}: one hand is stated, but the radiograph shows both; only that one is measured.")
        if hand.radiograph.is_anteroposterior and hand.radiograph.side_source.startswith("anatomy"):
            notes.append(
                f"{name}: the file states an anteroposterior view, on which left and right look exchanged; its side "
                "was determined as if the view were posteroanterior."
            )
    return [*notes, *_check_same_hand(patient), *check_hand_sizes(patient)]


def _check_one_radiograph_per_hand(visit: Visit) -> None:
    for one, other in combinations(visit.radiographs, 2):
        if one.side == other.side:
            files = [str(each.path) for each in (one, other) if each.path is not None]
            which = f" ({' and '.join(files)})" if len(files) == 2 else ""
            when = f" ({visit.day})" if visit.day else ""
            hand = f"of the {side_label(one.side)} hand" if one.side else "without a known side"
            raise InputError(
                f"Visit {visit.number}{when} has two radiographs {hand}{which}. Leave out the one that should not be "
                "measured. If they are of two visits, put the visits into the file names (v01, v02).",
                "followup",
            )


def _check_common_hands(patient: Patient, compared: bool) -> Iterator[str]:
    baseline, *followups = patient.visits
    baseline_sides = _sides(baseline)
    for visit in followups:
        sides = _sides(visit)
        if compared and not baseline_sides & sides and None not in baseline_sides | sides:
            raise InputError(
                f"Visit {baseline.number} shows the {_side_list(baseline_sides)} hand and visit {visit.number} the "
                f"{_side_list(sides)}: nothing can be compared. Give radiographs of the same hand; if a "
                "stated side is wrong, correct it.",
                "followup",
            )
        for side in sorted(filter(None, baseline_sides ^ sides), reverse=True):
            absent = baseline if side in sides else visit
            yield f"Visit {absent.number} does not show the {side_label(side)} hand."


def _sides(visit: Visit) -> set[str | None]:
    return {hand.side for hand in visit.hands}


def _side_list(sides: set[str | None]) -> str:
    return " and ".join(side_label(side) for side in sorted(filter(None, sides), reverse=True))


def _check_different_images(patient: Patient) -> Iterator[str]:
    for one, other in combinations(patient.hands, 2):
        first, second = one.radiograph, other.radiograph
        if first.origin != second.origin or not same_pixels(first.pixels, second.pixels):
            continue
        names = f"{one.label.capitalize()} and {other.label}"
        if one.side != other.side:
            raise InputError(
                f"{names} are the same image, which cannot show two hands. Give one radiograph for each.", "followup"
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
    """Refuse a patient whose visits show different hands; yield a note if all visits contradict the stated side."""
    for side in sorted({hand.side for hand in patient.hands if hand.side}, reverse=True):
        contradicts = {
            hand.visit: hand.found.contradicts for hand in patient.hands if hand.side == side and hand.found is not None
        }
        if not any(contradicts.values()):
            continue
        stated, other = side_label(side), side_label(_OTHER_SIDE[side])
        if not all(contradicts.values()):
            which = ", ".join(str(visit) for visit, contradicted in contradicts.items() if contradicted)
            raise InputError(
                f"Visit {which} looks like the {other} hand, but its stated side is {stated}, and the other visits "
                f"look like the {stated} hand. It is another hand, or the image is mirrored. Give radiographs of the "
                "same hand, either all mirrored or none.",
                "followup",
            )
        yield (
            f"The stated side is {stated}, but the radiographs look like the {other} hand: the stated side is wrong, "
            "the palm faces up, or the images are mirrored."
        )
