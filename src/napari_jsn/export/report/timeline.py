"""When the visits were, told without a date: dates may tell who the patient is."""

from __future__ import annotations

from napari_jsn.progression.progression import Progression


def weeks(progression: Progression) -> dict[int, float]:
    """Weeks from baseline to each visit; empty where a visit's day is not known."""
    days = {film.visit: film.day for film in reversed(progression.films)}
    first = days.get(1)
    if first is None or any(day is None for day in days.values()):
        return {}
    return {visit: (day - first).days / 7 for visit, day in sorted(days.items()) if day is not None}


def times(progression: Progression) -> dict[int, float]:
    """Where visits stand on an axis: in weeks, or as their numbers."""
    return weeks(progression) or {visit: float(visit) for visit in sorted({film.visit for film in progression.films})}


def visit_labels(progression: Progression) -> dict[int, str]:
    """What to call each visit: ``"2 (week\u00a052)"``."""
    known = weeks(progression)
    visits = sorted({film.visit for film in progression.films})
    return {visit: f"{visit} (week\u00a0{round(known[visit])})" if visit in known else str(visit) for visit in visits}
