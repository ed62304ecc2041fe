"""Show the radiographs of a patient as layers, in rows and columns by visit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from math import ceil, log
from typing import Any
from uuid import uuid4

from napari_jsn.patient.identity import ComparableIdentity
from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.radiograph import Radiograph
from napari_jsn.viewer.layers.radiograph import IDENTITY
from napari_jsn.viewer.layers.read_layer import KEY

LayerData = tuple[Any, dict[str, Any], str]

#: Role of a whole radiograph, which is not offered as a joint image; and of the layer of frames around radiographs.
RADIOGRAPH, FRAMES = "radiograph", "frames"
#: Key of the metadata of radiographs and frames that were opened together: layers of one patient have one value.
OPENED = "opened"

#: Width over height that the rows of visits should have together.
_ASPECT = 1.4
#: Space between radiographs as shares of their height: beside, and above, where the caption is.
_SPACE_BESIDE, _SPACE_ABOVE = 0.02, 0.1

_SIDES = {"L": "left", "R": "right"}

#: Entries of a radiograph's metadata that the features table of the frames lists.
_LISTED = ("acquired", "side", "spacing_mm", "spacing_source")


def patient_layers(patient: Patient) -> list[LayerData]:
    """Return a layer of frames and one image layer a radiograph, in mm where all state their pixel size.

    The frames have the captions; their features list all radiographs. The frames come first because napari fits the
    view to the first layer, so that all radiographs are in view.
    """
    placed = [(visit, number, each) for visit in patient.visits for number, each in enumerate(visit.radiographs)]
    in_mm = all(radiograph.spacing_mm is not None for _, _, radiograph in placed)
    height, width = (max(side) for side in zip(*(_size(radiograph, in_mm) for _, _, radiograph in placed)))
    across, down = width + _SPACE_BESIDE * height, (1 + _SPACE_ABOVE) * height
    most = max(len(visit.radiographs) for visit in patient.visits)
    columns = _columns(len(patient.visits), most * across, down)
    layers: list[LayerData] = []
    frames, features = [], []
    opened = {OPENED: uuid4().hex}
    common = {**opened, "patient_id": patient.patient_id, **identity_entry(patient.identity)}
    for visit, number, radiograph in placed:
        row, column = divmod(visit.number - 1, columns)
        top, left = row * down, (column * most + number) * across
        name, entry = _layer_name(patient, visit, radiograph), radiograph_metadata(radiograph, RADIOGRAPH)
        frames.append([[top, left], [top + height, left + width]])
        features.append({"radiograph": name, "visit": visit.number, **{key: entry.get(key) for key in _LISTED}})
        options = {
            "name": name,
            "translate": (top, left),
            "metadata": {KEY: {"visit": visit.number, **entry, **common}},
            **(scale_and_units(radiograph) if in_mm else {}),
        }
        if radiograph.display_range is not None:
            options["contrast_limits"] = radiograph.display_range
        layers.append((radiograph.pixels, options, "image"))
    about = {"role": FRAMES, "notes": list(patient.notes), **opened}
    return [_frames(frames, features, about, in_mm, height), *layers]


def radiograph_metadata(radiograph: Radiograph, role: str | None) -> dict[str, Any]:
    """Return what is known about a radiograph as plain data for a layer's metadata."""
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


def identity_entry(codes: ComparableIdentity) -> dict[str, Any]:
    """Return the codes of an identity as an entry of a layer's metadata; empty where none is stated."""
    return {IDENTITY: asdict(codes)} if codes != ComparableIdentity() else {}


def scale_and_units(radiograph: Radiograph) -> dict[str, Any]:
    """Return scale and units of a radiograph's layer; empty where its pixel size is not known."""
    if radiograph.spacing_mm is None:
        return {}
    return {"scale": _pixel_size(radiograph), "units": ("mm", "mm")}


def _frames(
    frames: list[Any], features: list[dict[str, Any]], about: dict[str, Any], in_mm: bool, height: float
) -> LayerData:
    """Return a rectangle around each radiograph with a caption above it."""
    import pandas as pd

    options = {
        "name": "radiographs",
        "shape_type": "rectangle",
        "features": pd.DataFrame(features),
        "text": {"string": "{radiograph}", "anchor": "upper_left", "size": 8, "color": "#8f8f8f"},
        "face_color": "transparent",
        "edge_color": "#505050",
        "edge_width": 0.002 * height,
        "metadata": {KEY: about},
    }
    return frames, {**options, **({"units": ("mm", "mm")} if in_mm else {})}, "shapes"


def _pixel_size(radiograph: Radiograph) -> tuple[float, float]:
    spacing = radiograph.spacing_mm
    if spacing is None:
        return 1.0, 1.0
    return spacing if isinstance(spacing, tuple) else (spacing, spacing)


def _size(radiograph: Radiograph, in_mm: bool) -> tuple[float, float]:
    pixel = _pixel_size(radiograph) if in_mm else (1.0, 1.0)
    return radiograph.shape[0] * pixel[0], radiograph.shape[1] * pixel[1]


def _columns(visits: int, width: float, height: float) -> int:
    """Return how many visits to put side by side to come nearest to the wanted aspect."""
    return min(range(1, visits + 1), key=lambda n: abs(log(n * width / (ceil(visits / n) * height) / _ASPECT)))


def _layer_name(patient: Patient, visit: Visit, radiograph: Radiograph) -> str:
    """Return side and time of a radiograph, for instance "left, week 52"."""
    both = radiograph.side is None and radiograph.side_source != ""  # a side is stated, but not a single one
    side = "both" if both else _SIDES.get(radiograph.side or "", "radiograph")
    return f"{side}, {_time_label(visit, patient.visits[0].day)}"


def _time_label(visit: Visit, baseline: date | None) -> str:
    if visit.day is None or baseline is None:
        return "baseline" if visit.number == 1 else f"visit {visit.number}"
    days = (visit.day - baseline).days
    if days == 0:
        return "baseline"
    return f"day {days}" if days % 7 else f"week {days // 7}"
