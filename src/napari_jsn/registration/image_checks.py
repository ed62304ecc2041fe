"""Check one joint image before registration: polarity, orientation, saturation, and the position of given masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import are_halves, facing_margins
from napari_jsn.registration.mask_position import are_off_bones
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.segmentation.segment import segment_many

#: Smallest and largest side of a joint image in mm; a joint image is about 22 mm wide.
_SIDES_MM = (4.0, 130.0)
#: Most pixels of a joint image, and of one that is resampled to square pixels or to those of the other image.
MAX_JOINT_PIXELS = 16_000_000
#: Share of a bone, and of the joint space, that may be saturated. With 3 % of the pixels white, 98 % of the joints have
#: bones with a share below 0.045 (pixels of 0.175 mm; below 0.03 at 0.1 mm); with 20 % it is 0.05 at least.
_MAX_CLIPPED, _MAX_CLIPPED_GAP = 0.045, 0.12
#: Smallest saturated part that counts, as a share of the larger side, and the largest difference of its intensities.
_CLIPPED_SIDE, _SAME_INTENSITY = 0.04, 0.004
#: Least area of a joint space, in pixels.
_LEAST_GAP = 20
#: Width of the rims inside and outside an outline whose intensities are compared, as a share of the larger side, and
#: the distance of the outer rim from the outline in pixels.
_RIM, _RIM_DISTANCE_PX = 0.05, 2
#: Confidence of the segmentation below which, and curvature of the joint line below which, the orientation is checked.
#: In 160 images that were upside down, the confidence was 0.986 at most, and in 98 % of them below 0.984.
_CERTAIN_CONFIDENCE, _LEAST_CURVATURE = 0.984, 0.04
#: An image is upside down if its bones are found with a confidence higher by this when it is turned over: by 0.003 at
#: least for 80 images that were upside down.
_TURNED_GAIN = 0.002


def check_pixels(shape: tuple[float, ...], name: str, argument: str, resampled: bool = False) -> None:
    """Refuse an image that has too many pixels to be the image of one joint, or would have once it is resampled.

    Raises
    ------
    InputError
    """
    if shape[0] * shape[1] <= MAX_JOINT_PIXELS:
        return
    size, limit = f"{shape[0]:.0f} x {shape[1]:.0f} pixels", f"at most {MAX_JOINT_PIXELS / 1e6:.0f} megapixels"
    if resampled:
        raise InputError(
            f"With these pixel sizes, the {name} image would be resampled to {size}; an image of one joint has "
            f"{limit}. Check the sizes of a pixel.",
            argument,
        )
    raise InputError(
        f"The {name} image has {size}; an image of one joint has {limit}. Cut out the joint, or give whole radiographs "
        "to measure.",
        argument,
    )


def check_size(shape: tuple[int, ...], spacing_mm: float | None, name: str, argument: str) -> None:
    """Refuse a pixel size at which the image cannot show one finger joint.

    Raises
    ------
    InputError
    """
    if spacing_mm is None:
        return
    height, width = (length * spacing_mm for length in shape)
    if min(height, width) < _SIDES_MM[0] or max(height, width) > _SIDES_MM[1]:
        raise InputError(
            f"With pixels of {spacing_mm:g} mm, the {name} image is {height:.3g} x {width:.3g} mm; an image of a "
            f"finger joint has {_SIDES_MM[0]:g} to {_SIDES_MM[1]:g} mm. Give the size of a pixel in mm.",
            argument,
        )


def looks_inverted(pixels: NDArray[np.float32], masks: BoneMasks) -> bool:
    """Return whether bone is dark: inside the outlines of the bones it is darker than outside.

    Only what lies near the outlines counts: a page or a mask of the display beside the finger may be white.
    """
    bone = masks.upper | masks.lower
    rim = max(2, round(_RIM * max(pixels.shape)))
    inside = bone & ~ndimage.binary_erosion(bone, iterations=rim, border_value=1)
    near = ndimage.binary_dilation(bone, iterations=_RIM_DISTANCE_PX)
    outside = ndimage.binary_dilation(near, iterations=rim) & ~near
    if not (inside.any() and outside.any()):
        return False
    return bool(np.median(pixels[inside]) < np.median(pixels[outside]))


def middle_is_dark(pixels: NDArray[np.float32]) -> bool:
    """Return whether the middle columns, where the bones are, are darker than the others."""
    third = pixels.shape[1] // 3
    middle = pixels[:, third:-third]
    others = np.delete(pixels, slice(third - _RIM_DISTANCE_PX, pixels.shape[1] - third + _RIM_DISTANCE_PX), axis=1)
    return bool(others.size and np.median(middle) < np.median(others))


def upside_down(
    images: Sequence[NDArray[np.float32]], masks: Sequence[BoneMasks], device: str | None = None
) -> list[bool]:
    """Return of each image whether its proximal end is up.

    The head of the proximal bone is convex, so the joint line of an upright image is curved upwards. Only images whose
    joint line is not, or whose bones the network found with less confidence than usual, are turned over and segmented
    again.
    """
    doubtful = [k for k, each in enumerate(masks) if orientation_doubtful(each)]
    found = [False] * len(images)
    given = segment_many([images[k] for k in doubtful], device=device)
    turned = segment_many([np.ascontiguousarray(images[k][::-1]) for k in doubtful], device=device)
    for k, a, b in zip(doubtful, given, turned, strict=True):
        found[k] = b.confidence > a.confidence + _TURNED_GAIN
    return found


def orientation_doubtful(masks: BoneMasks) -> bool:
    """Return whether bones must be segmented again to see which end of the image is up."""
    if are_halves(masks):
        return False
    confidence = masks.confidence if isinstance(masks, FoundBones) else 1.0
    return confidence < _CERTAIN_CONFIDENCE or joint_line_curvature(masks) < _LEAST_CURVATURE


def joint_line_curvature(masks: BoneMasks) -> float:
    """Return the curvature of both facing margins, as a share of the facing width; above 0 where the middle is higher.

    0 where the bones hardly face each other.
    """
    bottom, top = facing_margins(masks)
    columns = np.flatnonzero(np.isfinite(bottom) & np.isfinite(top))
    cut = len(columns) // 10
    inner = columns[cut : len(columns) - cut]
    if len(inner) < 8:
        return 0.0
    across = (inner - inner.mean()) / (len(inner) / 2)
    return float(sum(np.polyfit(across, margin[inner], 2)[0] for margin in (bottom, top)) / len(inner))


def image_reasons(pixels: NDArray[np.float32], masks: BoneMasks, masks_given: bool) -> list[Reason]:
    """Return why a figure from this image has failed; ``masks_given`` is False for masks that the network found."""
    reasons = []
    if masks_given and are_off_bones(pixels, masks):
        reasons.append(Reason(ReasonCode.MASKS_OFF_BONES, "The masks do not lie on the bones."))
    bones, gap = clipped_shares(pixels, masks)
    if bones > _MAX_CLIPPED:
        reasons.append(Reason(ReasonCode.CLIPPED, f"Parts of a bone have one intensity ({100 * bones:.0f} %)."))
    elif gap > _MAX_CLIPPED_GAP:
        reasons.append(Reason(ReasonCode.CLIPPED, f"Parts of the joint space have one intensity ({100 * gap:.0f} %)."))
    return reasons


def clipped_shares(pixels: NDArray[np.float32], masks: BoneMasks) -> tuple[float, float]:
    """Return the shares of the more affected bone and of the joint space that are saturated: saturation, or metal.

    Saturated is a square part whose intensity is the brightest, or the darkest in a bone.
    """
    size = max(3, round(_CLIPPED_SIDE * max(pixels.shape)))
    bright = ndimage.minimum_filter(pixels, size) >= float(pixels.max()) - _SAME_INTENSITY
    dark = ndimage.maximum_filter(pixels, size) <= float(pixels.min()) + _SAME_INTENSITY
    bones = max(float((bright | dark)[mask].mean()) if mask.any() else 0.0 for mask in (masks.upper, masks.lower))
    bottom, top = facing_margins(masks)
    rows = np.arange(pixels.shape[0])[:, None]
    gap = (rows > bottom) & (rows < top)
    any_bright = ndimage.minimum_filter(pixels, 3) >= float(pixels.max()) - _SAME_INTENSITY
    return bones, float(any_bright[gap].mean()) if gap.sum() >= _LEAST_GAP else 0.0
