"""Read radiographs from layers: pixels, pixel size, attributes and the position in the viewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.notes import Note
from napari_jsn.patient.identity import ComparableIdentity, check_one_patient
from napari_jsn.patient.patient import Patient
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.intensity import to_intensities, value_range
from napari_jsn.radiograph.radiograph import GIVEN
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.viewer.layers.read_layer import (
    Matrix,
    frozen_pixels,
    layer_metadata,
    load_pixels,
    pixels_of,
    shown_otherwise,
    spacing_of,
    unit_factors,
    world_matrix,
)

#: Key of the identity's codes in the metadata of a layer.
IDENTITY = "identity"


@dataclass(frozen=True)
class RadiographLayer:
    """State of an image layer that shows a radiograph, at the time it was read.

    Attributes
    ----------
    name : str
        Of the layer.
    visit : int
    pixels : (H, W) or (H, W, 3 or 4) array
        May be lazy, or in colour, until :meth:`loaded`.
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
    source : array
        The layer's own array, by which it is recognised that another one was put in its place.
    shown : str
        How the layer is shown otherwise than its pixels are stored, as ``"mirrored"``; "" where it is not.
    argument : str
        What errors about the pixels name: ``"baseline"`` or ``"followup"``.
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
    source: Any = field(default=None, repr=False)
    shown: str = ""

    @property
    def argument(self) -> str:
        """The argument of a measurement that the radiograph is given as."""
        return "baseline" if self.visit == 1 else "followup"

    def loaded(self) -> RadiographLayer:
        """Return the same with its pixels in memory, as intensities in [0, 1]. Call it in a worker thread.

        Raises
        ------
        InputError
            If the pixels cannot be read, or are no image; the message names the layer.
        """
        pixels = load_pixels(self.pixels, self.name, self.argument)
        intensities = to_intensities(pixels, self.argument, f"The image {self.name!r}")
        low, high = value_range(pixels)
        limits = tuple((limit - low) / (high - low) for limit in self.contrast_limits)
        return replace(self, pixels=intensities, contrast_limits=limits)

    def radiograph(self) -> Radiograph:
        """Return the radiograph. Call it in a worker thread: all pixels are checked."""
        return Radiograph(self.pixels, self.spacing_mm, **self.attributes)

    def to_world_in(self, units: Any) -> Matrix:
        """Return ``to_world`` in other units of the world coordinates."""
        converted = self.to_world.copy()
        converted[:2] *= unit_factors(self.units, units)[:, np.newaxis]
        return converted

    def is_open(self, layers: Iterable[Any]) -> bool:
        """Return whether the layer is among these, with the pixels that were read."""
        layer = next((each for each in layers if str(each.unique_id) == self.layer_id), None)
        return layer is not None and pixels_of(layer) is self.source


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
    pixels = frozen_pixels(layer) if copy else pixels_of(layer)
    placement = world_matrix(layer), layer.units, tuple(layer.contrast_limits)
    known = str(layer.unique_id), pixels_of(layer), shown_otherwise(layer)
    return RadiographLayer(layer.name, visit, pixels, used, attributes, *placement, *known)


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
    return replace(patient, notes=(*notes, *_notes_on_layers(layers), *patient.notes))


def identity_of(layer: Any) -> ComparableIdentity:
    """Return the codes of the identity that the file of a layer states; empty where it states none."""
    entry = layer_metadata(layer).get(IDENTITY)
    return ComparableIdentity(**entry) if isinstance(entry, dict) else ComparableIdentity()


def check_layers_of_one_patient(layers: Sequence[Any], argument: str) -> list[str]:
    """Refuse layers of more than one patient, as :func:`napari_jsn.patient.identity.check_one_patient` does for files.

    Parameters
    ----------
    layers : sequence of napari.layers.Image
    argument : str
        What the error names.

    Returns
    -------
    list of str
        A note if the name differs.

    Raises
    ------
    InputError
        If they are of several patients. The message names two layers.
    """
    return check_one_patient({repr(layer.name): identity_of(layer) for layer in layers}, "The choice", argument)


def _notes_on_layers(layers: Sequence[RadiographLayer]) -> list[str]:
    """Return a note on each layer that is shown otherwise than its pixels are stored."""
    text = "{} shown {} in the viewer. It was measured as it is stored; left and right are those of the stored image."
    return [
        Note(text.format(f"{layer.name!r} is", layer.shown), public=text.format("An image was", layer.shown))
        for layer in layers
        if layer.shown
    ]


def separate_layers(layers: Sequence[Any], units: Any) -> None:
    """Move layers that overlap so that they lie side by side.

    Parameters
    ----------
    layers : sequence of napari.layers.Layer
    units : tuple or None
        Of the world coordinates of the viewer, ``viewer.layers.units``.
    """
    placed: list[Any] = []
    for layer in layers:
        factors = unit_factors(layer.units, units)
        low, high = layer.extent.world * factors
        if any((low < other[1]).all() and (other[0] < high).all() for other in placed):
            right = max(other[1][1] for other in placed) + 0.02 * (high - low)[1]
            layer.translate = layer.translate + (0, (right - low[1]) / factors[1])
        placed.append(layer.extent.world * factors)


def transform_points(matrix: NDArray[np.floating[Any]], points: ArrayLike) -> Matrix:
    """Map points of shape (..., 2) by a 3 x 3 matrix."""
    mapped: Matrix = np.asarray(points, dtype=float) @ matrix[:2, :2].T + matrix[:2, 2]
    return mapped
