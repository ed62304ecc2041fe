"""Show a registration as layers on the fixed image's grid."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.record import flat_record
from napari_jsn.viewer.layers.roles import KEY, notes

if TYPE_CHECKING:
    from napari_jsn.registration.result import Registration

PLACE = ("scale", "translate", "rotate", "shear", "units", "axis_labels")

TRANSFORMED, ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM = "transformed", "original_spectrum", "transformed_spectrum"
BONES = "bones"

#: Bones keep one colour each in every window: 1 upper, 2 lower, 3 both.
BONES_LOOK = {
    "colormap": {0: "transparent", 1: "#ffa62b", 2: "#3fb8ff", 3: "#ffffff", None: "transparent"},
    "features": {"index": [0, 1, 2, 3], "bone": ["none", "upper (distal)", "lower (proximal)", "both"]},
    "opacity": 0.25,
}

#: Perceptually uniform, and no grey in it: never taken for a radiograph.
SPECTRUM_COLORMAP = "inferno"


@dataclass(frozen=True)
class Pair:
    """Names of two layers and the place of the fixed one, as they were when Run was pressed."""

    fixed: str
    moving: str
    place: Mapping[str, Any]

    @classmethod
    def of(cls, fixed: Any, moving: Any, spacing_mm: Spacing = None) -> Pair:
        """Take note of two image layers; where pixels are not square, results lie on square ones."""
        place = {name: copy(getattr(fixed, name)) for name in PLACE}
        if isinstance(spacing_mm, tuple):
            zoom = np.divide(spacing_mm, min(spacing_mm))
            place["translate"] = place["translate"] + place["scale"] * (1 / zoom - 1) / 2
            place["scale"] = place["scale"] / zoom
        return cls(fixed.name, moving.name, {**place, "affine": fixed.affine.affine_matrix.copy()})


def show(layers: Any, registration: Registration, pair: Pair, extra: Mapping[str, Any]) -> list[Image]:
    """Add the transformed image and both loss spectra, or renew those of an earlier run of the same pair.

    Parameters
    ----------
    layers : napari.components.LayerList
    registration : Registration
    pair : Pair
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
    spectrum = {"colormap": SPECTRUM_COLORMAP, "blending": "additive", "contrast_limits": (0.0, top)}
    wanted = (
        (TRANSFORMED, f"transformed {pair.moving}", {}),
        (ORIGINAL_SPECTRUM, "original loss spectrum", spectrum),
        (TRANSFORMED_SPECTRUM, "transformed loss spectrum", spectrum),
    )
    shown = [
        put(layers, role, name, getattr(registration, role), {**entry, "role": role}, pair.place, look)
        for role, name, look in wanted
    ]
    layers.link_layers(shown[1:], ("contrast_limits", "gamma", "colormap"))
    return shown


def show_bones(layers: Any, registration: Registration, pair: Pair) -> Labels:
    """Add the bones that were measured, or renew them, as labels that can be painted and chosen as masks."""
    entry = {"fixed": pair.fixed, "moving": pair.moving, "role": BONES}
    labels = registration.fixed_masks.labels
    return put(layers, BONES, f"bones of {pair.fixed}", labels, entry, pair.place, BONES_LOOK, Labels)


def put(
    layers: Any,
    role: str,
    name: str,
    data: Any,
    entry: dict[str, Any],
    place: Mapping[str, Any],
    look: Mapping[str, Any],
    kind: type[Layer] = Image,
    same: tuple[str, ...] = ("role", "fixed", "moving"),
) -> Any:
    """The result layer of this role and pair, renewed or added; ``same`` names the notes that tell it."""
    for layer in layers:
        old = notes(layer)
        if isinstance(layer, kind) and all(old.get(key) == entry[key] for key in same):
            layer.data = data
            layer.metadata = {**layer.metadata, KEY: entry}
            for attribute, value in {**place, **look}.items():
                setattr(layer, attribute, value)
            return layer
    # spectra would cover the images; they come out side by side
    seen = role in (TRANSFORMED, BONES)
    layer = kind(data, name=name, metadata={KEY: entry}, visible=seen, **place, **look)
    layers.append(layer)
    return layer
