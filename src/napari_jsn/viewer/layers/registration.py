"""Show a registration as layers on the grid of the fixed image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.record import flat_record
from napari_jsn.viewer.layers.read_layer import KEY, layer_metadata

if TYPE_CHECKING:
    from napari.components import LayerList

    from napari_jsn.registration.result import Registration

#: Attributes of a layer that say where it lies; its affine matrix comes besides.
_PLACEMENT = ("scale", "translate", "rotate", "shear", "units", "axis_labels")

#: Roles of result layers.
TRANSFORMED, ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM = "transformed", "original_spectrum", "transformed_spectrum"
BONES = "bones"

#: The colours of the bones are the same in every layer: 1 upper, 2 lower, 3 both.
BONES_STYLE: dict[str, Any] = {
    "colormap": {0: "transparent", 1: "#ffa62b", 2: "#3fb8ff", 3: "#ffffff", None: "transparent"},
    "features": {"index": [0, 1, 2, 3], "bone": ["none", "upper (distal)", "lower (proximal)", "both"]},
    "opacity": 0.25,
}

#: Perceptually uniform and coloured, to distinguish loss spectra from radiographs.
SPECTRUM_COLORMAP = "inferno"


@dataclass(frozen=True)
class PairLayers:
    """Names of the two image layers of a pair, and the placement of the fixed one, when the run was started."""

    fixed: str
    moving: str
    placement: Mapping[str, Any]

    @classmethod
    def of(cls, fixed: Any, moving: Any, spacing_mm: Spacing = None) -> PairLayers:
        """Read two image layers; where pixels are not square, the results have square ones."""
        placement = placement_of(fixed)
        if isinstance(spacing_mm, tuple):
            zoom = np.divide(spacing_mm, min(spacing_mm))
            placement["translate"] = placement["translate"] + placement["scale"] * (1 / zoom - 1) / 2
            placement["scale"] = placement["scale"] / zoom
        return cls(fixed.name, moving.name, placement)


def placement_of(layer: Any) -> dict[str, Any]:
    """Return the options that place another layer of the same shape where this one lies."""
    placement = {name: copy(getattr(layer, name)) for name in _PLACEMENT}
    return {**placement, "affine": layer.affine.affine_matrix.copy()}


@contextmanager
def all_or_none(layers: LayerList) -> Iterator[None]:
    """Remove the layers that the block added if it ends with an error: a result is shown whole or not at all."""
    before = set(layers)
    try:
        yield
    except BaseException:
        for layer in [each for each in layers if each not in before]:
            with suppress(Exception):  # what raised before may raise again
                layers.remove(layer)
        raise


def show_registration(
    layers: LayerList, registration: Registration, pair: PairLayers, extra: Mapping[str, Any]
) -> list[Image]:
    """Add the transformed image and both loss spectra, or update those of an earlier run of the same pair.

    Parameters
    ----------
    layers : napari.components.LayerList
    registration : Registration
    pair : PairLayers
    extra : mapping
        Further plain data for the layers' metadata.

    Returns
    -------
    list of napari.layers.Image
        Transformed image, original and transformed loss spectrum.
    """
    entry = {"fixed": pair.fixed, "moving": pair.moving, **extra, **flat_record(registration)}
    both = np.stack([registration.original_spectrum, registration.transformed_spectrum])
    top = float(np.nanmax(both, initial=0.0)) or 1.0
    spectrum = {"colormap": SPECTRUM_COLORMAP, "blending": "additive", "contrast_limits": (0.0, top), "visible": True}
    wanted: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (TRANSFORMED, f"transformed {pair.moving}", {}),
        (ORIGINAL_SPECTRUM, "original loss spectrum", spectrum),
        (TRANSFORMED_SPECTRUM, "transformed loss spectrum", spectrum),
    )
    with all_or_none(layers):
        shown = [
            add_or_update(layers, name, getattr(registration, role), {**entry, "role": role}, pair.placement, style)
            for role, name, style in wanted
        ]
        layers.link_layers(shown[1:], ("contrast_limits", "gamma", "colormap"))
    return shown


def show_bones(layers: LayerList, registration: Registration, pair: PairLayers) -> Labels:
    """Add the bones that were measured as labels, or update them; they can be painted and chosen as masks."""
    entry = {"fixed": pair.fixed, "moving": pair.moving, "role": BONES}
    masks = registration.fixed_masks
    bones: Labels = add_or_update(
        layers, f"bones of {pair.fixed}", masks.labels, entry, pair.placement, BONES_STYLE, Labels
    )
    return bones


def add_or_update(
    layers: LayerList,
    name: str,
    data: Any,
    entry: dict[str, Any],
    placement: Mapping[str, Any],
    style: Mapping[str, Any],
    kind: type[Layer] = Image,
    keys: tuple[str, ...] = ("role", "fixed", "moving"),
) -> Any:
    """Return the result layer with this metadata entry: updated where there is one already, else added.

    Parameters
    ----------
    layers : napari.components.LayerList
    name : str
        Of a new layer.
    data : array
    entry : dict
        This plugin's entry in the layer's metadata, with its role.
    placement, style : mapping
        Options of the layer.
    kind : type
        Class of the layer.
    keys : tuple of str
        The keys of the entry that identify the layer.
    """
    for layer in layers:
        before = layer_metadata(layer)
        if isinstance(layer, kind) and all(before.get(key) == entry[key] for key in keys):
            layer.data = data
            layer.metadata = {**layer.metadata, KEY: entry}
            for attribute, value in {**placement, **style}.items():
                setattr(layer, attribute, value)
            return layer
    visible = {"visible": entry["role"] in (TRANSFORMED, BONES)}
    layer = kind(data, name=name, metadata={KEY: entry}, **{**visible, **placement, **style})
    layers.append(layer)
    return layer
