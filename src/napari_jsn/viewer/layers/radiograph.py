"""Read radiographs from layers: pixels, pixel size, attributes and the position in the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.patient.patient import Patient
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.radiograph import GIVEN
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.viewer.layers.read_layer import layer_metadata, pixels_of, spacing_of

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class RadiographLayer:
    """State of an image layer that shows a radiograph, at the time it was read.

    Attributes
    ----------
    name : str
        Of the layer.
    visit : int
    pixels : (H, W) array
    spacing_mm : float, (row, col) pair, or None
    attributes : dict
        Further arguments of :class:`~napari_jsn.radiograph.Radiograph`.
    to_world : (3, 3) array
        Maps ``(row, col, 1)`` of the pixels to world coordinates of the viewer.
    units : tuple
        Of the world coordinates.
    contrast_limits : (float, float)
        The intensities shown black and white.
    layer_id : str
        Identifies the layer, also after it was renamed.
    """

    name: str
    visit: int
    pixels: Any = field(repr=False)
    spacing_mm: Spacing
    attributes: dict[str, Any]
    to_world: Matrix
    units: Any
    contrast_limits: Any = (0.0, 1.0)
    layer_id: str = ""

    def radiograph(self) -> Radiograph:
        """Return the radiograph. Call it in a worker thread: all pixels are checked."""
        return Radiograph(self.pixels, self.spacing_mm, **self.attributes)


def read_radiograph_layer(layer: Any, visit: int, spacing_mm: Spacing = None, copy: bool = True) -> RadiographLayer:
    """Read a radiograph from an image layer; a given spacing comes before the layer's own."""
    entry = layer_metadata(layer)
    in_file, source = entry.get("spacing_mm"), str(entry.get("spacing_source") or "")
    in_file = tuple(in_file) if isinstance(in_file, list) else in_file
    in_layer = spacing_of(layer)
    used: Spacing
    if spacing_mm is not None:
        used, source = spacing_mm, GIVEN
    elif in_layer is None or (in_file is not None and np.allclose(in_file, in_layer, rtol=1e-4, atol=0)):
        used = in_file  # the spacing of the file, unless the layer was scaled after reading
    else:
        used, source = in_layer, "layer scale"
    acquired = entry.get("acquired")
    attributes = {
        "side": entry.get("side"),
        "acquired": datetime.fromisoformat(acquired) if acquired else None,
        "spacing_source": source if used is not None else "",
        "name": entry.get("file") or layer.name,
        **{name: entry.get(name) or "" for name in ("side_source", "acquired_source", "view")},
    }
    pixels = np.array(pixels_of(layer)) if copy else pixels_of(layer)
    placement = world_matrix(layer), layer.units, tuple(layer.contrast_limits)
    return RadiographLayer(layer.name, visit, pixels, used, attributes, *placement, str(layer.unique_id))


def patient_from_layers(layers: Sequence[RadiographLayer], notes: Sequence[str], **options: Any) -> Patient:
    """Return a patient with these radiographs. Call it in a worker thread.

    Parameters
    ----------
    layers : sequence of RadiographLayer
        In the order of their visits.
    notes : sequence of str
        Notes of the patient that come before those of reading.
    **options
        Of :func:`napari_jsn.patient.read.patient_from_radiographs`.
    """
    from napari_jsn.patient.read import patient_from_radiographs

    visits = ([layer.radiograph() for layer in group] for _, group in groupby(layers, key=lambda layer: layer.visit))
    patient = patient_from_radiographs(*visits, **options)
    return replace(patient, notes=(*notes, *patient.notes))


def separate_layers(layers: Sequence[Any]) -> None:
    """Move layers that overlap so that they lie side by side."""
    placed: list[Any] = []
    for layer in layers:
        low, high = layer.extent.world
        if any((low < other[1]).all() and (other[0] < high).all() for other in placed):
            right = max(other[1][1] for other in placed) + 0.02 * (high - low)[1]
            layer.translate = layer.translate + (0, right - low[1])
        placed.append(layer.extent.world)


def world_matrix(layer: Any) -> Matrix:
    """Return the 3 x 3 matrix from ``(row, col, 1)`` of a 2-D layer's data to world coordinates."""
    origin, down, right = (np.asarray(layer.data_to_world(point)) for point in ((0, 0), (1, 0), (0, 1)))
    matrix = np.eye(3)
    matrix[:2] = np.stack([down - origin, right - origin, origin], axis=1)
    return matrix


def transform_points(matrix: NDArray[np.floating[Any]], points: ArrayLike) -> Matrix:
    """Map points of shape (..., 2) by a 3 x 3 matrix."""
    mapped: Matrix = np.asarray(points, dtype=float) @ matrix[:2, :2].T + matrix[:2, 2]
    return mapped
