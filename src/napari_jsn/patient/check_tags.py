"""Check what files and tags state, before hands are searched: views, dates and pixel spacing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise

from napari_jsn.common.errors import InputError
from napari_jsn.patient.patient import Patient
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.radiograph import Radiograph

#: View Position codes of lateral and oblique views.
_CODES = {"LL", "RL", "LLD", "RLD", "ML", "LM", "LLO", "RLO", "LPO", "RPO", "LAO", "RAO"}
#: Beginnings of words that mean such a view in codes, free text and View Code Sequence.
_OBLIQUE_WORDS = ("LAT", "OBL", "NORG", "N\u00d8RG", "BALLCATCHER")
_ANTEROPOSTERIOR = re.compile(r"^ap$|antero-?posterior", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s_/,;.-]+")


def is_oblique(radiograph: Radiograph) -> bool:
    """Return whether the file states a lateral or an oblique view: by View Position, else by View Code Sequence."""
    return _states_oblique(radiograph.view or radiograph.view_code)


def is_anteroposterior(radiograph: Radiograph) -> bool:
    """Return whether the file states an anteroposterior view, on which a left hand looks like a right one."""
    return bool(_ANTEROPOSTERIOR.search(radiograph.view or radiograph.view_code))


def _states_oblique(view: str) -> bool:
    words = [word for word in _SEPARATORS.split(view.upper()) if word]
    joined = "".join(words)
    return any(word in _CODES or word.startswith(_OBLIQUE_WORDS) for word in words) or "BALLCATCHER" in joined


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
        With notes on visits on the same day, and on unknown or mixed pixel spacing.

    Raises
    ------
    InputError
        If a radiograph is a lateral or oblique view, if visits are out of order, or if only some radiographs state
        their pixel spacing.
    """
    for hand in patient.hands:
        if is_oblique(hand.radiograph):
            view = hand.radiograph.view or hand.radiograph.view_code
            raise InputError(
                f"{hand.label.capitalize()} is a lateral or oblique view ({view}), on which joint spaces cannot be "
                "measured. Give the posteroanterior view.",
                "followup",
            )
    notes = [*_check_views(patient), *_check_dates(patient), *_check_spacing(patient)]
    return replace(patient, notes=tuple(dict.fromkeys((*patient.notes, *notes))))


def leave_out_oblique(patient: Patient) -> Patient:
    """Return the patient without the lateral and oblique views of visits that have another radiograph, with a note."""
    kept, notes = {}, []
    for visit in patient.visits:
        not_oblique = [hand for hand in visit.hands if not is_oblique(hand.radiograph)]
        kept[visit.number] = list(visit.hands)
        if not_oblique and len(not_oblique) < len(visit.hands):
            views = sorted({r.view or r.view_code for r in visit.radiographs if is_oblique(r)})
            notes.append(f"Visit {visit.number}: lateral or oblique views were left out ({', '.join(views)}).")
            kept[visit.number] = not_oblique
    return replace(patient.with_hands(kept), notes=tuple(dict.fromkeys((*patient.notes, *notes))))


def _check_views(patient: Patient) -> Iterator[str]:
    """Yield a note where View Position and View Code Sequence contradict each other."""
    for hand in patient.hands:
        position, code = hand.radiograph.view, hand.radiograph.view_code
        if position and code and _states_oblique(position) != _states_oblique(code):
            yield (
                f"{hand.label.capitalize()}: View Position states {position}, but View Code Sequence states {code}; "
                "check that it is a posteroanterior view."
            )


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
        if one.day == other.day:
            yield f"Visits {one.number} and {other.number} were taken on the same day ({one.day})."


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
    sources: dict[str, str] = {}
    for name, radiograph in radiographs.items():
        sources.setdefault(radiograph.spacing_source, name)
    if len(sources) > 1:
        listed = ", ".join(f"{source} ({name})" for source, name in sources.items())
        yield f"Pixel spacings are of different kinds, so that sizes may differ by some per cent: {listed}."
