"""Read pixels, pixel size, metadata and role of a layer.

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

#: Key of this plugin's entry in a layer's metadata.
KEY = "napari_jsn"

#: Roles of layers that can be registered. Results have other roles.
FIXED, MOVING, FIXED_MASKS, MOVING_MASKS = "fixed", "moving", "fixed_masks", "moving_masks"

_FIXED_WORDS = re.compile(r"fixed|baseline", re.IGNORECASE)
_MOVING_WORDS = re.compile(r"moving|follow[-_ ]?up", re.IGNORECASE)


def pixels_of(layer: Any) -> Any:
    """Return the array of an image or labels layer at full resolution."""
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
        raise InputError(
            f"The pixels of {name!r} cannot be read ({type(error).__name__}: {error}). Check where they are stored, "
            "then open the image again.",
            argument,
        ) from error


def spacing_of(layer: Any) -> Spacing:
    """Return the pixel size of a 2-D layer in mm; None where its units are not lengths."""
    sides = [unit * float(scale) for unit, scale in zip(layer.units, layer.scale)]
    if layer.ndim != 2 or not all(side.check("[length]") for side in sides):
        return None
    return check_spacing([float(f"{side.to('mm').magnitude:.6g}") for side in sides])


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
