"""Check what files and tags state, before hands are searched: views, dates and pixel spacing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from napari_jsn.common.errors import InputError
from napari_jsn.patient.patient import Patient
from napari_jsn.radiograph import Radiograph

#: View Position codes of lateral and oblique views.
_CODES = {"LL", "RL", "LLD", "RLD", "ML", "LM", "MLO", "LMO", "LLO", "RLO", "LPO", "RPO", "LAO", "RAO"}
#: Parts of words that mean such a view in codes and free text of several languages, and in View Code Sequence.
_OBLIQUE = re.compile(
    r"^LAT|(?<!BI)(?<!UNI)(?<!IPSI)(?<!CONTRA)LAT(?:ERAL\w*)?$|OBL|^SEITL|^SCHR(?:AE|\u00c4|A)G|PROFIL|SAGIT|AXIAL|TANGENT|"
    r"N(?:O|\u00d8)RG|BREWERTON|BALLCATCHER|ZITHER"
)
_ANTEROPOSTERIOR = re.compile(r"^AP\b|ANTERO-?\s?POSTERIOR")
_POSTEROANTERIOR = re.compile(r"^(?:PA|DP)\b|POSTERO-?\s?ANTERIOR|DORSO-?\s?(?:PALMAR|VOLAR)")
_SEPARATORS = re.compile(r"[\s_/,;.()-]+")


def is_oblique(radiograph: Radiograph) -> bool:
    """Return whether the file states a lateral or an oblique view: by View Position, else by View Code Sequence."""
    return _stated_view(radiograph) == "oblique"


def is_anteroposterior(radiograph: Radiograph) -> bool:
    """Return whether the file states an anteroposterior view, on which a left hand looks like a right one."""
    return _stated_view(radiograph) == "AP"


def _stated_view(radiograph: Radiograph) -> str:
    return _kind_of_view(radiograph.view) or _kind_of_view(radiograph.view_code)


def _text_of_oblique(radiograph: Radiograph) -> str:
    return radiograph.view if _kind_of_view(radiograph.view) else radiograph.view_code


def _kind_of_view(view: str) -> str:
    """Return ``"oblique"`` (or lateral), ``"AP"``, ``"PA"``, or ``""`` for a text that names no view."""
    text = view.upper().replace("_", " ")
    words = [word for word in _SEPARATORS.split(text) if word]
    if any(word in _CODES or _OBLIQUE.search(word) for word in (*words, "".join(words))):
        return "oblique"
    if _ANTEROPOSTERIOR.search(text):
        return "AP"
    return "PA" if _POSTEROANTERIOR.search(text) else ""


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
            view = _text_of_oblique(hand.radiograph)
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
            views = sorted({_text_of_oblique(r) for r in visit.radiographs if is_oblique(r)})
            notes.append(f"Visit {visit.number}: lateral or oblique views were left out ({', '.join(views)}).")
            kept[visit.number] = not_oblique
    return replace(patient.with_hands(kept), notes=tuple(dict.fromkeys((*patient.notes, *notes))))


def _check_views(patient: Patient) -> Iterator[str]:
    """Yield a note where View Position, View Code Sequence and descriptions contradict each other."""
    for hand in patient.hands:
        position, code = hand.radiograph.view, hand.radiograph.view_code
        kinds = _kind_of_view(position), _kind_of_view(code)
        if all(kinds) and kinds[0] != kinds[1]:
            yield (
                f"{hand.label.capitalize()}: View Position states {position}, but View Code Sequence states {code}; "
                "check that it is a posteroanterior view."
            )
        elif hand.radiograph.described_oblique and not is_oblique(hand.radiograph):
            yield (
                f"{hand.label.capitalize()}: the description of its series names a lateral or oblique view; check that "
                "it is a posteroanterior view."
            )


def _check_dates(patient: Patient) -> Iterator[str]:
    dated = [visit for visit in patient.visits if visit.day is not None]
    for one, other in pairwise(dated):
        if one.day > other.day:  # type: ignore[operator]
            raise InputError(
                f"The visits are out of order: visit {other.number} ({other.day}) was taken before visit {one.number} "
                f"({one.day}). Give the baseline first.",
                "followup",
            )
        if one.day == other.day:
            yield f"Visits {one.number} and {other.number} were taken on the same day ({one.day})."


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
