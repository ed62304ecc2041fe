"""Check what files and tags state, before hands are searched: views, dates and pixel spacing."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import Note
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.patient.patient import Hand, Patient, Visit
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.radiograph.radiograph import VIEW_SEPARATORS, Radiograph, kind_of_view

#: Words beside or in place of a view: the part of the body, the side, or that nothing is known.
_NO_VIEW = re.compile(
    r"\W*|HANDS?|LEFT|RIGHT|[LRB]|LT|RT|BOTH|(?:BI|UNI|IPSI|CONTRA)LAT\w*|UNKNOWN|NONE|OTHER|VIEW|PROJECTION"
)

#: Values of Presentation Intent Type; the first is preferred.
_INTENTS = ("FOR PRESENTATION", "FOR PROCESSING")

#: Longest time between two visits that needs no note, in years.
_MOST_YEARS = 40

#: The note on radiographs without a pixel size.
NO_SPACING = "No pixel spacing is known: lengths are in pixels, not in mm."


def check_tags(patient: Patient) -> Patient:
    """Return the patient with notes on views, dates and pixel spacing.

    Parameters
    ----------
    patient : Patient

    Returns
    -------
    Patient
        With notes on visits on the same day, on unknown or mixed pixel spacing, and on mixed Presentation Intent Types.

    Raises
    ------
    InputError
        If a radiograph is a lateral or oblique view, if visits are out of order, or if only some radiographs state
        their pixel spacing.
    """
    for hand in patient.hands:
        if hand.radiograph.is_oblique:
            view = hand.radiograph.stated_view
            raise InputError(
                f"{hand.label.capitalize()} is a lateral or oblique view ({view}), on which joint spaces cannot be "
                "measured. Give the posteroanterior view.",
                "followup",
            )
    notes = [*_check_views(patient), *_check_intents(patient), *_check_dates(patient), *_check_spacing(patient)]
    return replace(patient, notes=tuple(dict.fromkeys((*patient.notes, *notes))))


def leave_out_oblique(patient: Patient) -> Patient:
    """Return the patient without the lateral and oblique views of visits that have another radiograph, with a note."""
    kept, notes = {}, []
    for visit in patient.visits:
        not_oblique = [hand for hand in visit.hands if not hand.radiograph.is_oblique]
        kept[visit.number] = list(visit.hands)
        if not_oblique and len(not_oblique) < len(visit.hands):
            views = sorted({r.stated_view for r in visit.radiographs if r.is_oblique})
            text = f"Visit {visit.number}: lateral or oblique views were left out"
            notes.append(Note(f"{text} ({', '.join(views)}).", public=f"{text}."))
            kept[visit.number] = not_oblique
    return replace(patient.with_hands(kept), notes=tuple(dict.fromkeys((*patient.notes, *notes))))


def keep_one_intent(patient: Patient) -> Patient:
    """Return the patient without the second radiographs of exposures that are stored for processing and presentation.

    Where a visit has both kinds of a hand, the kind that all visits have is kept, for presentation if both are; a note
    says so.
    """
    kept: dict[int, list[Hand]] = {visit.number: list(visit.hands) for visit in patient.visits}
    notes = []
    for side in dict.fromkeys(hand.side for hand in patient.hands):
        intents = {visit.number: _intents(visit, side) for visit in patient.visits}
        stated = [intent for intent in intents.values() if intent]
        if not any(map(_is_pair, stated)):
            continue
        kind = next((kind for kind in _INTENTS if all(kind in intent for intent in stated)), _INTENTS[0])
        for number, intent in intents.items():
            if _is_pair(intent):
                kept[number] = [hand for hand in kept[number] if not _is_of_other_kind(hand, side, kind)]
                notes.append(
                    f"{radiograph_label(number, side).capitalize()}: the file {kind} was used, and that of the same "
                    "exposure with the other Presentation Intent Type was left out."
                )
    return replace(patient.with_hands(kept), notes=tuple(dict.fromkeys((*patient.notes, *notes))))


def _intents(visit: Visit, side: str | None) -> Counter[str]:
    """Return how many radiographs of a hand are of each kind."""
    stated = (hand.radiograph.presentation_intent for hand in visit.hands if hand.side == side)
    return Counter(intent for intent in stated if intent)


def _is_pair(intents: Counter[str]) -> bool:
    """Return whether radiographs are stored in both kinds, as many of one as of the other."""
    return len(intents) == 2 and len(set(intents.values())) == 1


def _is_of_other_kind(hand: Hand, side: str | None, kind: str) -> bool:
    return hand.side == side and hand.radiograph.presentation_intent not in ("", kind)


def _check_intents(patient: Patient) -> Iterator[str]:
    """Yield a note for each hand whose visits are of different kinds."""
    for side in dict.fromkeys(hand.side for hand in patient.hands):
        hands = [hand for hand in patient.hands if hand.side == side and hand.radiograph.presentation_intent]
        kinds = {hand.radiograph.presentation_intent: hand.label for hand in reversed(hands)}
        if len(kinds) > 1:
            listed = ", ".join(f"{kind} ({label})" for kind, label in sorted(kinds.items()))
            yield (
                f"Radiographs are of different kinds: {listed}. Edge enhancement for presentation can change the "
                "measured narrowing of all joints; give radiographs of one kind."
            )


def _check_views(patient: Patient) -> Iterator[str]:
    """Yield a note where View Position, View Code Sequence and descriptions contradict each other or are not known."""
    for hand in patient.hands:
        position, code = hand.radiograph.view, hand.radiograph.view_code
        kinds = kind_of_view(position), kind_of_view(code)
        if all(kinds) and kinds[0] != kinds[1]:
            name, check = hand.label.capitalize(), "check that it is a posteroanterior view."
            yield Note(
                f"{name}: View Position states {position}, but View Code Sequence states {code}; {check}",
                public=f"{name}: View Position and View Code Sequence contradict each other; {check}",
            )
        elif hand.radiograph.described_oblique and not hand.radiograph.is_oblique:
            yield (
                f"{hand.label.capitalize()}: the description of its series names a lateral or oblique view; check that "
                "it is a posteroanterior view."
            )
        elif not any(kinds) and _may_name_view(position or code):
            attribute = "View Position" if position else "View Code Sequence"
            name, check = hand.label.capitalize(), "check that it is a posteroanterior view."
            yield Note(
                f"{name}: {attribute} states {position or code}, which is not a known view; {check}",
                public=f"{name}: {attribute} does not state a known view; {check}",
            )


def _may_name_view(text: str) -> bool:
    """Return whether a text that names no known view has a word that may be one."""
    return any(not _NO_VIEW.fullmatch(word) for word in VIEW_SEPARATORS.split(text.upper()) if word)


def _check_dates(patient: Patient) -> Iterator[str]:
    dated = [visit for visit in patient.visits if visit.day is not None]
    for one, other in pairwise(dated):
        last = max((each for each in one.radiographs if each.day), key=_day, default=None)
        first = min((each for each in other.radiographs if each.day), key=_day, default=None)
        if last and first and _day(last) > _day(first):
            raise InputError(
                f"The visits are out of order: visit {other.number} ({first.day}) was taken before visit {one.number} "
                f"({last.day}). Give the baseline first. If a date is wrong, give the folder of both, with the right "
                f"date in {RADIOGRAPHS_TABLE}: a first line file,acquired and a line like NAME.dcm,2020-01-31.",
                "followup",
            )
        if last and first and (years := (_day(first) - _day(last)).days / 365.25) > _MOST_YEARS:
            yield (
                f"Visits {one.number} and {other.number} lie {years:.0f} years apart: a date is probably wrong, and "
                "with it the order of the visits."
            )
        if one.day == other.day:
            text = f"Visits {one.number} and {other.number} were taken on the same day"
            yield Note(f"{text} ({one.day}).", public=f"{text}.")


def _day(radiograph: Radiograph) -> date:
    return radiograph.day or date.min


def _check_spacing(patient: Patient) -> Iterator[str]:
    radiographs = {hand.label: hand.radiograph for hand in patient.hands}
    unknown = [name for name, radiograph in radiographs.items() if radiograph.spacing_mm is None]
    if len(unknown) == len(radiographs):
        for name, radiograph in radiographs.items():
            if radiograph.pixel_aspect != 1.0:
                raise InputError(
                    f"The pixels of {name} are not square (Pixel Aspect Ratio {radiograph.pixel_aspect:.4g}), and "
                    "their size is not known. Give spacing_mm.",
                    "spacing_mm",
                )
        yield NO_SPACING
        return
    if unknown:
        known = next(name for name in radiographs if name not in unknown)
        raise InputError(
            f"{unknown[0].capitalize()} does not state its pixel spacing, but {known} does. Give spacing_mm, or state "
            "it for each file in radiographs.csv.",
            "spacing_mm",
        )
    for name, radiograph in radiographs.items():
        row, col = np.broadcast_to(np.asarray(radiograph.spacing_mm), 2)
        if radiograph.pixel_aspect != 1.0 and math.isclose(row / col, radiograph.pixel_aspect, rel_tol=1e-3):
            yield (
                f"{name.capitalize()}: pixels are not square, as its file states: {row:.4g} x {col:.4g} mm (row, col)."
            )
    sources: dict[str, str] = {}
    for name, radiograph in radiographs.items():
        sources.setdefault(radiograph.spacing_source, name)
    if len(sources) > 1:
        listed = ", ".join(f"{source} ({name})" for source, name in sources.items())
        yield f"Pixel spacings are of different kinds, so that sizes may differ by some per cent: {listed}."
