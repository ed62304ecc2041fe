"""Check joint images and their masks: why they cannot be learned from, in words that say how to correct them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.segmentation.segment import LEAST_SIDE

#: Largest overlap (intersection over union) of the masks of two bones.
_SAME_REGION = 0.5
#: The least share of an image that a bone covers; in the public and the simulated joint images it is 5 %.
_LEAST_SHARE = 0.01
#: An image of so few intensities, or fewer, is a mask.
_FEW_INTENSITIES = 4

_TWO_FILES = "or save two black and white masks, NAME_upper.png and NAME_lower.png"
_LABELS = f"give the labels 1 (upper bone), 2 (lower bone) and 3 (both), {_TWO_FILES}"


def bones_of_labels(labels: NDArray[Any]) -> BoneMasks:
    """Return masks of two bones from labels 1, 2 and 3; halves of an image are no bones.

    Raises
    ------
    InputError
        With a phrase that says what the labels are instead, and how to convert them.
    """
    values = {float(value) for value in np.unique(labels)}
    if values == {0.0}:
        raise InputError("its mask is empty; draw both bones")
    if values <= {0.0, 1.0}:
        raise InputError("its mask has the upper bone only (label 1); draw the lower bone as label 2")
    if values <= {0.0, 2.0}:
        raise InputError("its mask has the lower bone only (label 2); draw the upper bone as label 1")
    if values <= {0.0, 1.0, 255.0, 65535.0}:
        raise InputError(f"its mask is black and white and does not say which bone is which; {_LABELS}")
    if not values <= {0.0, 1.0, 2.0, 3.0}:
        shown = ", ".join(f"{value:g}" for value in sorted(values)[:5])
        raise InputError(f"its mask has the values {shown}{', ...' if len(values) > 5 else ''}; {_LABELS}")
    return BoneMasks.from_labels(labels)


def one_bone(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the region of a black and white mask of one bone."""
    values = np.unique(labels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise InputError(f"the mask of a bone is not black and white; {_LABELS}")
    return np.asarray(labels != 0)


def image_problem(image: NDArray[np.float32]) -> str:
    """Return why a joint image cannot be learned from; empty where it can."""
    if min(image.shape) < LEAST_SIDE:
        return f"the image has less than {LEAST_SIDE} pixels each way; cut a larger crop around the joint"
    count = len(np.unique(image))
    if count <= _FEW_INTENSITIES:
        return f"the image has {count} {'intensity' if count == 1 else 'intensities'} only, as a mask has"
    return ""


def masks_problem(masks: BoneMasks, image: NDArray[np.float32]) -> str:
    """Return why the masks of an image cannot be learned from; empty where they can."""
    if masks.shape != image.shape:
        return f"its mask has another shape, {masks.shape} instead of {image.shape}; save both at the same size"
    if problem := _bones_problem(masks):
        return problem
    share = min(float(masks.upper.mean()), float(masks.lower.mean()))
    if share < _LEAST_SHARE:
        return f"the mask of a bone covers only {share:.1%} of the image; draw the whole bone"
    upper, lower = (float(np.nonzero(mask)[0].mean()) for mask in (masks.upper, masks.lower))
    if upper >= lower:
        return (
            "its upper (distal) bone does not lie above the lower one; exchange labels 1 and 2, or turn image and mask"
        )
    return ""


def _bones_problem(masks: BoneMasks) -> str:
    if not (masks.upper.any() and masks.lower.any()):
        return "a bone has no mask; draw both bones"
    union = int((masks.upper | masks.lower).sum())
    both = int((masks.upper & masks.lower).sum())
    if both > _SAME_REGION * union:
        return "the masks of both bones are the same region; draw each bone alone"
    if union == masks.upper.size:
        return "its masks are halves of the image; draw the outlines of the bones"
    return ""
