"""Read pixels, position, pixel size, metadata and role of a layer.

A role says which part a layer or a file has in a joint pair. It is read from the metadata, else from the name.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.spacing import Spacing, check_spacing

log: logging.Logger = logging.getLogger(__name__)

Matrix = NDArray[np.float64]

#: Key of this plugin's entry in a layer's metadata.
KEY = "napari_jsn"

#: Roles of layers that can be registered. Results have other roles.
FIXED, MOVING, FIXED_MASKS, MOVING_MASKS = "fixed", "moving", "fixed_masks", "moving_masks"
#: Role of the pictures of the dock Read patient, which no form offers: they are copies, and empty at times.
READING = "reading"

#: Cosine of the angle between rows and columns, above which pixels are no rectangles.
_MAX_COSINE = 0.01

_FIXED_WORDS = re.compile(r"fixed|baseline", re.IGNORECASE)
_MOVING_WORDS = re.compile(r"moving|follow[-_ ]?up", re.IGNORECASE)


def pixels_of(layer: Any) -> Any:
    """Return the array of an image or labels layer at full resolution; it may be lazy, as those of dask."""
    return layer.data[0] if layer.multiscale else layer.data


def frozen_pixels(layer: Any) -> Any:
    """Return the pixels of a layer as they are now, for :func:`load_pixels` in a worker thread.

    An array in memory is copied, because the user can edit it. One that is read from elsewhere (dask, zarr, a memory
    map) is returned as it is: reading it may take long.
    """
    pixels = pixels_of(layer)
    return pixels.copy() if type(pixels) is np.ndarray else pixels


def load_pixels(pixels: Any, name: str, argument: str | None = None) -> NDArray[Any]:
    """Return pixels as an array in memory. Call it in a worker thread.

    Parameters
    ----------
    pixels : array
        Of :func:`frozen_pixels`.
    name : str
        Of the layer, for messages.
    argument : str, optional
        The argument, or the field, that an error names.

    Raises
    ------
    InputError
        If a lazy array cannot be read.
    """
    if type(pixels) is np.ndarray:
        return pixels
    try:
        return np.array(pixels)
    except Exception as error:  # what reads a lazy array can raise anything
        log.exception("the pixels of a layer could not be read")
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"The pixels of {name!r} cannot be read ({cause}). Check where they are stored, then open the image again.",
            argument,
        ) from error


def dimension_problem(layer: Any) -> str:
    """Return why an image layer is no single image; empty where it is one. A colour image is converted to greyscale."""
    return "" if layer.ndim == 2 else f"This image has {layer.ndim} dimensions. Choose a 2-D image."


def spacing_of(layer: Any) -> Spacing:
    """Return the pixel size of a 2-D layer in mm, however the layer is scaled, rotated or mirrored.

    None where its units are no lengths, or where its pixels are no rectangles because it is sheared.
    """
    factors = [mm_per(unit) for unit in layer.units]
    if layer.ndim != 2 or None in factors:
        return None
    columns = world_matrix(layer)[:2, :2] * np.array(factors, dtype=float)[:, np.newaxis]
    sides = np.hypot(*columns)
    if not np.isfinite(sides).all() or not (sides > 0).all():
        return None
    if abs(columns[:, 0] @ columns[:, 1]) > _MAX_COSINE * sides.prod():
        return None
    return check_spacing([float(f"{side:.6g}") for side in sides])


def world_matrix(layer: Any) -> Matrix:
    """Return the 3 x 3 matrix from ``(row, col, 1)`` of a 2-D layer's data to world coordinates, in its own units."""
    origin, down, right = (np.asarray(layer.data_to_world(point)) for point in ((0, 0), (1, 0), (0, 1)))
    matrix = np.eye(3)
    matrix[:2] = np.stack([down - origin, right - origin, origin], axis=1)
    return matrix


def mm_per(unit: Any) -> float | None:
    """Return the length of a unit in mm; None where it is no length."""
    return float((1 * unit).to("mm").magnitude) if (1 * unit).check("[length]") else None


def unit_factors(units: Any, wanted: Any) -> Matrix:
    """Return the factors (row, col) that convert world coordinates of 2-D layers from units to others.

    1 where one is no length. ``wanted`` is None where the viewer has no common units: napari converts nothing then.
    """
    if wanted is None:
        return np.ones(2)
    pairs = [(mm_per(unit), mm_per(other)) for unit, other in zip(tuple(units)[-2:], tuple(wanted)[-2:], strict=True)]
    return np.array([1.0 if one is None or other is None else one / other for one, other in pairs])


def shown_otherwise(layer: Any) -> str:
    """Return how a layer is shown otherwise than its pixels are stored: mirrored, or rotated by a right angle or more.

    Only the pixels are measured, not how they are shown.
    """
    linear = world_matrix(layer)[:2, :2]
    if np.linalg.det(linear) < 0:
        return "mirrored"
    return "rotated" if min(linear[0, 0], linear[1, 1]) <= 1e-9 * np.abs(linear).max() else ""


def layer_metadata(layer: Any) -> dict[str, Any]:
    """Return this plugin's entry in the metadata of a layer; empty where there is none."""
    entry = layer.metadata.get(KEY)
    return entry if isinstance(entry, dict) else {}


def role_of(layer: Any, mask: bool) -> str | None:
    """Return the role of a layer, from its metadata or else from its name."""
    return layer_metadata(layer).get("role") or role_in_name(layer.name, mask)


def role_in_name(name: str, mask: bool) -> str | None:
    """Return the role that a name states; None where it states none or two.

    Parameters
    ----------
    name : str
        Of a layer or a file.
    mask : bool
        Whether it holds bone masks.
    """
    fixed, moving = _FIXED_WORDS.search(name), _MOVING_WORDS.search(name)
    if bool(fixed) == bool(moving):
        return None
    if mask:
        return FIXED_MASKS if fixed else MOVING_MASKS
    return FIXED if fixed else MOVING


def found_in(labels: Any, image: Any) -> bool:
    """Return whether these bones were found in this image, also where one of the layers was renamed."""
    entry = layer_metadata(labels)
    return image is not None and entry.get("role") == "bones" and entry.get("of") == str(image.unique_id)
