"""Show the bones that were found in a joint image as labels, which are never replaced once a person corrected them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from napari.layers import Labels

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.layers.read_layer import found_in, layer_metadata
from napari_jsn.viewer.layers.registration import BONES, BONES_STYLE, add_or_update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import LayerList

    from napari_jsn.joint import BoneMasks


def bones_entry(image: Any, **about: Any) -> dict[str, Any]:
    """Return the metadata entry of the bones that are found in an image layer."""
    return {"role": BONES, "of": str(image.unique_id), "image": image.name, **about}


def check_not_edited(layers: LayerList, image: Any) -> None:
    """Raise an InputError if the bones of this image were corrected by hand."""
    for labels in layers:
        if isinstance(labels, Labels) and found_in(labels, image) and is_edited(labels):
            problem = f"{labels.name!r} was corrected by hand. Remove that layer to find the bones again."
            raise InputError(problem, "joint_image")


def show_found_bones(
    layers: LayerList, bones: BoneMasks, entry: Mapping[str, Any], placement: Mapping[str, Any]
) -> Labels:
    """Add the bones that were found in an image as labels, or update those of an earlier run on this image.

    Parameters
    ----------
    layers : napari.components.LayerList
    bones : BoneMasks
    entry : mapping
        Of :func:`bones_entry`.
    placement : mapping
        Options that place the labels where the image lies.
    """
    labels, reason = bones.labels, getattr(bones, "reason", "")
    full = {**entry, "reason": reason, "found": crc32(labels.tobytes())}
    layer: Labels = add_or_update(
        layers, f"bones of {entry['image']}", labels, full, placement, BONES_STYLE, Labels, keys=("role", "of")
    )
    layers.selection.active = layer
    return layer


def is_edited(layer: Labels) -> bool:
    """Return whether labels that were found were painted on since."""
    return layer_metadata(layer).get("found") != crc32(np.ascontiguousarray(layer.data).tobytes())
