"""Read pixels and pixel size from a layer."""

from __future__ import annotations

from typing import Any

from napari_jsn.radiograph.spacing import Spacing, check_spacing


def pixels_of(layer: Any) -> Any:
    """The layer's array at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def spacing_of(layer: Any) -> Spacing:
    """Pixel size of a layer in mm where its units are lengths; else None."""
    sides = [unit * float(scale) for unit, scale in zip(layer.units, layer.scale)]
    if layer.ndim != 2 or not all(side.check("[length]") for side in sides):
        return None
    return check_spacing([float(f"{side.to('mm').magnitude:.6g}") for side in sides])
