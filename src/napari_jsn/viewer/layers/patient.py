"""The radiographs of a study as layers, laid out visit by visit like films on a light box."""

from __future__ import annotations

from datetime import date
from math import ceil, log
from typing import Any

from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.radiograph import Radiograph
from napari_jsn.viewer.layers.roles import KEY

#: Role of a whole radiograph: no joint image, so not offered as one.
RADIOGRAPH = "radiograph"

#: Width over height that the light box comes near to; spaces between films as shares of their height: beside, and
#: above, where the caption stands.
_ASPECT, _BESIDE, _ABOVE = 1.4, 0.02, 0.1

_SIDES = {"L": "left", "R": "right"}


def study_layers(study: Patient) -> list[tuple[Any, dict[str, Any], str]]:
    """One image layer a radiograph, in mm where all say how large their pixels are, else in pixels.

    Before them, a shapes layer of their frames and captions, whose features list them all. Coming first, it also
    brings the whole light box into napari's view, which fits the first layer.
    """
    films = [(visit, number, film) for visit in study.visits for number, film in enumerate(visit.radiographs)]
    in_mm = all(film.spacing_mm is not None for _, _, film in films)
    height, width = (max(side) for side in zip(*(_size(film, in_mm) for _, _, film in films)))
    across, down = width + _BESIDE * height, (1 + _ABOVE) * height
    most = max(len(visit.radiographs) for visit in study.visits)
    columns = _columns(len(study.visits), most * across, down)
    layers, frames, facts = [], [], []
    for visit, number, film in films:
        row, column = divmod(visit.number - 1, columns)
        top, left = row * down, (column * most + number) * across
        name, note = _name(study, visit, film), noted(film, RADIOGRAPH)
        frames.append([[top, left], [top + height, left + width]])
        facts.append({"film": name, "visit": visit.number, **{key: note.get(key) for key in _LISTED}})
        options = {
            "name": name,
            "translate": (top, left),
            "metadata": {KEY: {"visit": visit.number, **note}},
            **(world(film) if in_mm else {}),
        }
        if film.display_range is not None:
            options["contrast_limits"] = film.display_range
        layers.append((film.pixels, options, "image"))
    about = {"role": "films", "patient": study.patient, "notes": list(study.notes)}
    return [_frames(frames, facts, about, in_mm, height), *layers]


#: What the features of the frames tell of each radiograph.
_LISTED = ("acquired", "side", "spacing_mm", "spacing_source")


def _frames(
    frames: list[Any], facts: list[dict[str, Any]], about: dict[str, Any], in_mm: bool, height: float
) -> tuple[Any, Any, str]:
    """A rectangle around each film and its caption above it."""
    import pandas as pd

    options = {
        "name": "films",
        "shape_type": "rectangle",
        "features": pd.DataFrame(facts),
        "text": {"string": "{film}", "anchor": "upper_left", "size": 8, "color": "#8f8f8f"},
        "face_color": "transparent",
        "edge_color": "#505050",
        "edge_width": 0.002 * height,
        "metadata": {KEY: about},
    }
    return frames, {**options, **({"units": ("mm", "mm")} if in_mm else {})}, "shapes"


def world(radiograph: Radiograph) -> dict[str, Any]:
    """Scale and units of a layer; nothing where the spacing is not known."""
    if radiograph.spacing_mm is None:
        return {}
    return {"scale": _pixel(radiograph), "units": ("mm", "mm")}


def noted(radiograph: Radiograph, role: str | None) -> dict[str, Any]:
    """What is known about the image, plain data only."""
    known = {
        "role": role,
        "side": radiograph.side,
        "acquired": radiograph.acquired and str(radiograph.acquired),
        "spacing_mm": radiograph.spacing_mm,
        "spacing_source": radiograph.spacing_source or None,
        "side_source": radiograph.side_source or None,
        "acquired_source": radiograph.acquired_source or None,
        "view": radiograph.view or None,
        "file": radiograph.name or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _pixel(radiograph: Radiograph) -> tuple[float, float]:
    spacing = radiograph.spacing_mm
    if spacing is None:
        return 1.0, 1.0
    return spacing if isinstance(spacing, tuple) else (spacing, spacing)


def _size(radiograph: Radiograph, in_mm: bool) -> tuple[float, float]:
    pixel = _pixel(radiograph) if in_mm else (1.0, 1.0)
    return radiograph.shape[0] * pixel[0], radiograph.shape[1] * pixel[1]


def _columns(visits: int, width: float, height: float) -> int:
    """How many visits stand side by side, so that the whole fits a screen."""
    return min(range(1, visits + 1), key=lambda n: abs(log(n * width / (ceil(visits / n) * height) / _ASPECT)))


def _name(study: Patient, visit: Visit, film: Radiograph) -> str:
    """What it shows and when, for instance "left, week 52"."""
    both = film.side is None and film.side_source != ""  # stated, and no single one
    shown = "both" if both else _SIDES.get(film.side or "", "radiograph")
    return f"{shown}, {_when(visit, study.visits[0].day)}"


def _when(visit: Visit, baseline: date | None) -> str:
    if visit.day is None or baseline is None:
        return "baseline" if visit.number == 1 else f"visit {visit.number}"
    days = (visit.day - baseline).days
    if days == 0:
        return "baseline"
    return f"day {days}" if days % 7 else f"week {days // 7}"
