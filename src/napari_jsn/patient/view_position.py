"""Views of a hand that show its joint spaces foreshortened: told from the tag alone."""

from __future__ import annotations

import re
from dataclasses import replace

from napari_jsn.patient.patient import Patient
from napari_jsn.radiograph import Radiograph

#: View Position codes of lateral and oblique views, and the words of free text and of View Code Sequence.
_CODES = {"LL", "RL", "LLD", "RLD", "ML", "LM", "LLO", "RLO", "LPO", "RPO", "LAO", "RAO"}
_WORDS = re.compile(r"\blat(eral)?\b|\bobl(ique)?\b|ball.?catcher|n[oø]rg", re.IGNORECASE)
_PALM_UP = re.compile(r"^ap$|antero-?posterior", re.IGNORECASE)


def is_oblique(film: Radiograph) -> bool:
    """Whether the file states a lateral or an oblique view."""
    return film.view.upper() in _CODES or bool(_WORDS.search(film.view))


def is_palm_up(film: Radiograph) -> bool:
    """Whether the file states an anteroposterior view, on which a left hand looks like a right one."""
    return bool(_PALM_UP.search(film.view))


def without_oblique(study: Patient) -> Patient:
    """Leave lateral and oblique views out where their visit has another one; a visit without stays as it is."""
    visits, notes = [], []
    for visit in study.visits:
        flat = tuple(film for film in visit.radiographs if not is_oblique(film))
        if flat and len(flat) < len(visit.radiographs):
            views = sorted({film.view for film in visit.radiographs if is_oblique(film)})
            notes.append(f"Visit {visit.number}: lateral or oblique views were left out ({', '.join(views)}).")
            visit = replace(visit, radiographs=flat)
        visits.append(visit)
    return replace(study, visits=tuple(visits), notes=(*study.notes, *notes))
