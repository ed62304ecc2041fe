"""A radiograph on the screen: what its layer tells of it, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.patient.patient import Patient
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.radiograph import GIVEN
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.viewer.layers.read_layer import pixels_of, spacing_of
from napari_jsn.viewer.layers.roles import notes

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class FilmLayer:
    """A radiograph that lies in the viewer, as it was when it was looked at.

    Attributes
    ----------
    name : str
        Of the layer.
    visit : int
    pixels : (H, W) array
    spacing_mm : float, (row, col) pair, or None
    facts : dict
        What else a :class:`~napari_jsn.radiograph.Radiograph` knows.
    to_world : (3, 3) array
        Maps ``(row, col, 1)`` of the pixels to the screen.
    units : tuple
        Of the screen.
    contrast : (float, float)
        The grey levels shown black and white.
    of : str
        The layer's identity, whatever it is called.
    """

    name: str
    visit: int
    pixels: Any = field(repr=False)
    spacing_mm: Spacing
    facts: dict[str, Any]
    to_world: Matrix
    units: Any
    contrast: Any = (0.0, 1.0)
    of: str = ""

    def radiograph(self) -> Radiograph:
        """The radiograph; not for the window's thread, as every pixel is looked at."""
        return Radiograph(self.pixels, self.spacing_mm, **self.facts)


def film_layer(layer: Any, visit: int, spacing_mm: Spacing = None, copy: bool = True) -> FilmLayer:
    """Take note of an image layer; a spacing that is given comes before what the layer says."""
    noted = notes(layer)
    known, source = noted.get("spacing_mm"), str(noted.get("spacing_source") or "")
    known = tuple(known) if isinstance(known, list) else known
    seen = spacing_of(layer)
    if spacing_mm is not None:
        found, source = spacing_mm, GIVEN
    elif seen is None or (known is not None and np.allclose(known, seen, rtol=1e-4, atol=0)):
        found = known  # a file's own pixel size, unless the layer was scaled since
    else:
        found, source = seen, "layer scale"
    acquired = noted.get("acquired")
    facts = {
        "side": noted.get("side"),
        "acquired": datetime.fromisoformat(acquired) if acquired else None,
        "spacing_source": source if found is not None else "",
        "name": noted.get("file") or layer.name,
        **{name: noted.get(name) or "" for name in ("side_source", "acquired_source", "view")},
    }
    pixels = np.array(pixels_of(layer)) if copy else pixels_of(layer)
    place = world_matrix(layer), layer.units, tuple(layer.contrast_limits)
    return FilmLayer(layer.name, visit, pixels, found, facts, *place, str(layer.unique_id))


def study_from(films: Sequence[FilmLayer], notes: Sequence[str], **options: Any) -> Patient:
    """The radiographs as a study with each hand apart; not for the window's thread.

    ``options`` are those of :func:`napari_jsn.patient.read.patient_of`.
    """
    from napari_jsn.patient.read import patient_of

    visits = ([film.radiograph() for film in group] for _, group in groupby(films, key=lambda film: film.visit))
    study = patient_of(*visits, **options)
    return replace(study, notes=(*notes, *study.notes))


def lay_apart(layers: Sequence[Any]) -> None:
    """Lay radiographs that lie over each other side by side."""
    done: list[Any] = []
    for layer in layers:
        low, high = layer.extent.world
        if any((low < there[1]).all() and (there[0] < high).all() for there in done):
            right = max(there[1][1] for there in done) + 0.02 * (high - low)[1]
            layer.translate = layer.translate + (0, right - low[1])
        done.append(layer.extent.world)


def world_matrix(layer: Any) -> Matrix:
    """3 x 3 matrix from ``(row, col, 1)`` of a 2-D layer's data to the screen, whatever was done to the layer."""
    origin, down, right = (np.asarray(layer.data_to_world(at)) for at in ((0, 0), (1, 0), (0, 1)))
    matrix = np.eye(3)
    matrix[:2] = np.stack([down - origin, right - origin, origin], axis=1)
    return matrix


def apply(matrix: Matrix, points: Any) -> Matrix:
    """Points (..., 2) through a 3 x 3 matrix."""
    return np.asarray(points, dtype=float) @ matrix[:2, :2].T + matrix[:2, 2]
