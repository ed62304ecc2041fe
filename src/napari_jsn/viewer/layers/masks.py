"""Find the labels layer that holds the bones of an image: masks belong to the image that they were made for."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from napari.layers import Image, Labels

from napari_jsn.viewer.layers.bones import is_edited
from napari_jsn.viewer.layers.read_layer import (
    FIXED,
    FIXED_MASKS,
    MOVING,
    MOVING_MASKS,
    found_in,
    layer_metadata,
    pixels_of,
    role_of,
)
from napari_jsn.viewer.layers.registration import BONES

#: Words in the name of a labels layer that are left out to compare it with the name of an image.
_LABELS_WORDS = re.compile(r"bones of|masks?|labels?|bones?|[-_ ]+", re.IGNORECASE)
#: Roles of images that were opened, and of labels that were opened or found; results have other roles.
_IMAGES, _MASKS = (None, FIXED, MOVING), (None, FIXED_MASKS, MOVING_MASKS, BONES)
_MASKS_OF = {FIXED: FIXED_MASKS, MOVING: MOVING_MASKS}


def masks_of(image: Any, layers: Any) -> Any:
    """Return the labels layer with the bones of an image; None where no layer is known to hold them.

    In this order: bones that were found in the image; labels of the image's name; labels whose role (fixed, moving) is
    that of the image, if no other image in the viewer has it. Their shape may be wrong, which the form says.
    """
    return max(_candidates(image, layers), key=lambda each: _rank(image, each, layers), default=None)


def labels_for_training(image: Any, layers: Any) -> Any:
    """Return the labels layer that a person made or corrected for an image, else bones that were found; or None.

    Parameters
    ----------
    image : napari.layers.Image
        Results, such as a transformed image, have no labels.
    layers : iterable of Layer
    """
    if not is_opened(image):
        return None
    shape = np.shape(pixels_of(image))
    candidates = [each for each in _candidates(image, layers) if np.shape(pixels_of(each)) == shape]
    return max(candidates, key=lambda each: (is_by_hand(each), _rank(image, each, layers)), default=None)


def is_opened(image: Any) -> bool:
    """Return whether an image layer was opened, and is no result of this plugin and no whole radiograph."""
    return layer_metadata(image).get("role") in _IMAGES


def is_by_hand(labels: Any) -> bool:
    """Return whether a person made these labels, or corrected them after they were found."""
    entry = layer_metadata(labels)
    return entry.get("role") != BONES or ("found" in entry and is_edited(labels))


def _candidates(image: Any, layers: Any) -> list[Any]:
    """Return the labels that belong to an image, as far as is known."""
    if image is None:
        return []
    labels = [each for each in layers if isinstance(each, Labels) and layer_metadata(each).get("role") in _MASKS]
    return [each for each in labels if _rank(image, each, layers)]


def _rank(image: Any, labels: Any, layers: Any) -> int:
    """Return 3 for labels found in the image, 2 for the same name, 1 for the same role, 0 for others."""
    entry = layer_metadata(labels)
    if entry.get("of") is not None:
        return 3 if found_in(labels, image) else 0
    image_name, labels_name = (_LABELS_WORDS.sub("", layer.name).casefold() for layer in (image, labels))
    if image_name == labels_name:
        return 2
    role = role_of(image, False)
    others = [each for each in layers if isinstance(each, Image) and each is not image and role_of(each, False) == role]
    return int(role in _MASKS_OF and not others and role_of(labels, True) == _MASKS_OF[role])
