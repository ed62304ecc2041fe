"""Which layer or file plays which part in a joint pair: told by its metadata, else by its name."""

from __future__ import annotations

import re
from typing import Any

#: Key of this plugin's entry in a layer's metadata.
KEY = "napari_jsn"

#: Parts that can be registered; results carry other roles.
FIXED, MOVING, FIXED_MASKS, MOVING_MASKS = "fixed", "moving", "fixed_masks", "moving_masks"

_FIXED_WORDS = re.compile(r"fixed|baseline", re.IGNORECASE)
_MOVING_WORDS = re.compile(r"moving|follow[-_ ]?up", re.IGNORECASE)


def role_in_name(name: str, mask: bool) -> str | None:
    """The role that a name tells, or None where it tells none or two.

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


def notes(layer: Any) -> dict[str, Any]:
    """What this plugin noted in the layer's metadata; empty where it noted nothing."""
    found = layer.metadata.get(KEY)
    return found if isinstance(found, dict) else {}


def role_of(layer: Any, mask: bool) -> str | None:
    """The role of a layer; metadata comes before the name."""
    return notes(layer).get("role") or role_in_name(layer.name, mask)


def is_of(labels: Any, image: Any) -> bool:
    """Whether these bones were found in this image, whatever both are called now."""
    found = notes(labels)
    return image is not None and found.get("role") == "bones" and found.get("of") == str(image.unique_id)
