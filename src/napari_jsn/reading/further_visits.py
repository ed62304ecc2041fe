"""Add radiographs to a patient whom the store knows: the visits so far keep numbers, boxes and masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from napari_jsn.anatomy import JOINTS, MEASURED_JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.joint import BoneMasks
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.patient.find_hands import split_hands
from napari_jsn.patient.identity import check_one_patient, identity_codes
from napari_jsn.patient.labels import radiograph_label, side_label
from napari_jsn.patient.list_files import header_of, may_be_dicom
from napari_jsn.patient.patient import Hand, Patient, Visit
from napari_jsn.progression.narrowing import MeasuredHand
from napari_jsn.progression.notes import progression_notes
from napari_jsn.progression.progression import Progression
from napari_jsn.reading.item import Item, ItemImage
from napari_jsn.reading.measuring_patient import measure_patient


def measure_with_further(
    item: Item,
    added: Patient,
    numbers: Sequence[int] | None = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> Progression:
    """Return the measurement of a patient with radiographs that were added.

    Boxes and masks of the visits so far are used as they are now, so that what a person changed is kept. All figures
    are computed again, because a joint is registered between all pairs of visits. When aborted, what was measured is
    returned.

    Parameters
    ----------
    item : Item
        The patient so far, in a reading that hides nothing.
    added : Patient
        What is added.
    numbers : sequence of int, optional
        Number of each visit of ``added``, where a person stated them instead of dates.
    device : str, optional
    progress : Progress, optional

    Raises
    ------
    InputError
        If the radiographs are those of another patient, lie before the last visit, or show a hand that their visit has
        already; or as :func:`napari_jsn.measure`.
    """
    progress = progress or Silent()
    before = item.progression
    _check_same_patient(before, added)
    images = {(item.visit(image.number), image.side): image for image in item.images}
    localized_by = before.models.get("localization", "")
    old = [_hand(hand, images[hand.visit, hand.side or ""], localized_by) for hand in before.hands]
    visits = {number: [hand for hand in old if hand.visit == number] for number in {hand.visit for hand in old}}
    places = _places(visits, added, numbers)
    _check_new_hands(visits, added, places)  # before the hands are searched, where sides are stated
    numbered = [_renumbered(visit, number) for visit, number in zip(added.visits, places, strict=True)]
    added = split_hands(replace(added, visits=tuple(numbered)), device=device, progress=progress)
    if not added.hands_split:  # aborted
        return before
    _check_new_hands(visits, added, places)
    for visit in added.visits:
        visits.setdefault(visit.number, []).extend(visit.hands)
    computed = set(progression_notes(old, before.narrowings))
    patient = Patient(
        tuple(Visit(number, _day(hands), tuple(hands)) for number, hands in sorted(visits.items())),
        before.patient_id,
        tuple(dict.fromkeys((*(note for note in before.notes if note not in computed), *added.notes))),
        hands_split=True,
        identity=added.identity,
    )
    patient = patient.with_hands({visit.number: visit.hands for visit in patient.visits})  # right before left
    painted: dict[tuple[int, str | None, str], BoneMasks] = {
        (visit, side or None, name): one.masks
        for (visit, side), image in images.items()
        for name, one in image.joints.items()
        if one.masks is not None
    }
    return measure_patient(patient, _joints(before), before.method, device, progress, masks=painted)


def _check_same_patient(before: Progression, added: Patient) -> None:
    paths = {hand.radiograph.path for hand in before.hands if hand.radiograph.path is not None}
    known = identity_codes(header_of(path, path.name)[0].identity for path in sorted(paths) if may_be_dicom(path))
    identities = {"the visits so far": known, "what was added": added.identity}
    check_one_patient(identities, f"{before.patient_id} with what was added", "files")


def _joints(before: Progression) -> tuple[str, ...]:
    """Return the joints that were measured so far."""
    names = {view.joint.name for hand in before.hands for view in hand.joints}
    names |= {name for hand in before.hands for name in hand.missing}
    return tuple(name for name in JOINTS if name in (names or MEASURED_JOINTS))


def _hand(hand: MeasuredHand, image: ItemImage, model: str) -> Hand:
    """Return a hand whose joints are those of the measurement, as a person changed them since."""
    joints = {name: one.joint for name, one in image.joints.items() if one.joint is not None}
    side = hand.side or ""
    found = FoundJoints(
        tuple(joints[name] for name in JOINTS if name in joints),
        tuple((side, name) for name in JOINTS if name not in joints),
        (side,) if side else (),
        hand.radiograph.side_source,
        reasons=hand.reasons,
        model=model,
    )
    return Hand(hand.visit, hand.day, hand.radiograph, found)


def _places(visits: Mapping[int, Sequence[Hand]], added: Patient, numbers: Sequence[int] | None) -> list[int]:
    """Return the number of each visit that is added: that of the same day, or the next ones."""
    last = max(visits)
    days = {number: _day(hands) for number, hands in visits.items()}
    places: list[int] = []
    for k, visit in enumerate(added.visits):
        following = max(last, *places, 0) + 1
        if numbers is not None:
            number = numbers[k]
            if number not in visits and number != following:
                raise InputError(
                    f"Visit {number} was stated, but the patient has visits 1 to {last}. State {following} for a new "
                    "visit, or one of the others for the other hand.",
                    "facts",
                )
        elif visit.day is None or None in days.values():
            which = "what was added" if visit.day is None else "a visit so far"
            raise InputError(f"The date of {which} is not known. State the number of the visit.", "facts")
        else:
            number = next((number for number, day in days.items() if day == visit.day), following)
        later = [day for other, day in days.items() if other < number and day is not None]
        if visit.day is not None and number not in visits and later and visit.day <= max(later):
            raise InputError(
                "A radiograph is older than the last visit. Visits keep their numbers, so only later ones can be "
                "added: delete the patient, and give all radiographs together.",
                "files",
            )
        places.append(number)
    return places


def _check_new_hands(visits: Mapping[int, Sequence[Hand]], added: Patient, places: Sequence[int]) -> None:
    for number, visit in zip(places, added.visits, strict=True):
        sides = {hand.side for hand in visits.get(number, ())}
        twice = next((hand for hand in visit.hands if hand.side is not None and hand.side in sides), None)
        if twice is not None:
            raise InputError(
                f"Visit {number} has a radiograph of the {side_label(twice.side)} hand already. Give that of another "
                "day, or state its visit.",
                "files",
            )


def _renumbered(visit: Visit, number: int) -> Visit:
    """Return a visit with another number, which its notes and the names of its radiographs state from now on."""
    hands = (
        replace(hand, visit=number, radiograph=replace(hand.radiograph, name=radiograph_label(number, hand.side)))
        for hand in visit.hands
    )
    return Visit(number, visit.day, tuple(hands))


def _day(hands: Iterable[Hand]) -> date | None:
    return min((hand.day for hand in hands if hand.day is not None), default=None)
