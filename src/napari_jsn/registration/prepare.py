"""Prepare the inputs of a registration: check images, masks and spacing, find bones, resample to one pixel size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import are_halves, joint_frame
from napari_jsn.joint.similarity import pixel_scaling
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.radiograph.resampling import resample
from napari_jsn.radiograph.spacing import Spacing, check_spacing
from napari_jsn.registration.halves import bones_of_pair, contradiction
from napari_jsn.registration.image_checks import (
    check_pixels,
    check_size,
    image_reasons,
    looks_inverted,
    middle_is_dark,
    orientation_doubtful,
    upside_down,
)
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.segmentation.found_bones import FoundBones, segmentation_reasons
from napari_jsn.segmentation.segment import segment_many

#: The smallest image side and the smallest bone region that can be measured, in pixels.
_MIN_SIDE, MIN_REGION = 24, 60
#: Relative difference below which two pixel sizes count as equal.
_SAME_SIZE = 1e-4


@dataclass(frozen=True)
class PreparedImage:
    """One image of a pair with square pixels, bone bright.

    Parameters
    ----------
    image : (H, W) float32 array
    masks : BoneMasks
        The bones.
    regions : BoneMasks
        The given masks, which may be halves of the image; if none were given, the bones.
    spacing_mm : float or None
    reasons : tuple of Reason
        Why a figure from this image has failed.
    segmented : bool
        Whether the network was asked for the bones.
    """

    image: NDArray[np.float32]
    masks: BoneMasks
    regions: BoneMasks
    spacing_mm: float | None
    reasons: tuple[Reason, ...] = ()
    segmented: bool = False


@dataclass(frozen=True)
class _CheckedImage:
    """One image with square pixels; ``regions`` are the given masks, ``found`` the bones that the network found."""

    pixels: NDArray[np.float32]
    regions: BoneMasks | None
    spacing_mm: float | None
    name: str
    found: FoundBones | None = None
    upside_down: bool = False

    @property
    def bones_wanted(self) -> bool:
        """Whether the bones must be found: no masks were given, or halves of the image."""
        return self.regions is None or are_halves(self.regions)


#: Fixed image, moving image, the pair at one pixel size, and for each image the ratio of its pixel size to that of the
#: pair.
Prepared = tuple[PreparedImage, PreparedImage, PreparedPair, tuple[float, float]]


def prepare_many(
    rows: Sequence[Sequence[Any]], device: str | None = None, progress: Progress | None = None
) -> list[Prepared]:
    """Check the inputs of many pairs, find the bones without masks, and resample both images to one pixel size.

    Parameters
    ----------
    rows : sequence of (fixed, moving, fixed_masks, moving_masks, spacing_mm, moving_spacing_mm)
    device : str, optional
        Where the bones are segmented.
    progress : Progress, optional

    Returns
    -------
    list of (fixed, moving, pair, steps), empty if aborted
        fixed, moving : PreparedImage
            The given images with square pixels, bone bright.
        pair : PreparedPair
            Both images at the finer of the two pixel sizes.
        steps : tuple of float
            Pixels of ``pair`` per pixel of ``fixed`` and of ``moving`` (1 or more); see :func:`native_map`.

    Raises
    ------
    InputError
        If an input cannot be registered; the message names the pair where there are several.
    """

    def check(k: int, row: Sequence[Any]) -> tuple[_CheckedImage, _CheckedImage]:
        with _pair_number_in_errors(k, len(rows)):
            return _check_pair(*row)

    checked = [image for k, row in enumerate(rows) for image in check(k, row)]
    if not _find_bones(checked, [k for k, image in enumerate(checked) if image.bones_wanted], device, progress):
        return []
    _invert_negatives(checked, device)
    # boxes whose masks the network found before this call have the direction of a finger
    unknown = [k for k, image in enumerate(checked) if not isinstance(image.regions, FoundBones)]
    masks = [checked[k].regions or checked[k].found for k in unknown]
    turned = upside_down([checked[k].pixels for k in unknown], [each for each in masks if each is not None], device)
    for k, is_turned in zip(unknown, turned, strict=True):
        checked[k] = replace(checked[k], upside_down=is_turned)
    prepared = []
    for k in range(len(rows)):
        with _pair_number_in_errors(k, len(rows)):
            prepared.append(_prepare_pair(*_with_bones(*checked[2 * k : 2 * k + 2])))
    return prepared


def _find_bones(
    checked: list[_CheckedImage], chosen: Sequence[int], device: str | None, progress: Progress | None = None
) -> bool:
    """Put the bones that the network finds into the chosen images; return False if aborted."""
    found = segment_many([checked[k].pixels for k in chosen], device=device, progress=progress)
    for k, bones in zip(chosen, found, strict=False):
        checked[k] = replace(checked[k], found=bones)
    return len(found) == len(chosen)


def _invert_negatives(checked: list[_CheckedImage], device: str | None) -> None:
    """Invert the images in which bone is dark; where the network finds the bones, it finds them again."""
    negative = []
    for k, image in enumerate(checked):
        masks = image.found or image.regions
        bright = image.regions is not None and image.found is not None and not middle_is_dark(image.pixels)
        if masks is not None and not bright and looks_inverted(image.pixels, masks):
            negative.append(k)
            checked[k] = replace(image, pixels=1 - image.pixels)
    _find_bones(checked, [k for k in negative if checked[k].bones_wanted], device)


@contextmanager
def _pair_number_in_errors(number: int, pairs: int) -> Iterator[None]:
    """Add the number of the pair to the message of an InputError, if there are several pairs."""
    try:
        yield
    except InputError as error:
        if pairs == 1:
            raise
        raise InputError(f"Pair {number} (of {pairs}, the first is 0): {error}", error.argument) from error


def _check_pair(
    fixed: Any, moving: Any, fixed_masks: Any, moving_masks: Any, spacing_mm: Any, moving_spacing_mm: Any
) -> tuple[_CheckedImage, _CheckedImage]:
    checked_fixed = _check_image(fixed, fixed_masks, spacing_mm, "fixed")
    # a moving image without a pixel spacing has that of the fixed image
    inherited = spacing_mm if moving_spacing_mm is None and getattr(moving, "spacing_mm", None) is None else None
    checked_moving = _check_image(moving, moving_masks, moving_spacing_mm if inherited is None else inherited, "moving")
    if (checked_fixed.spacing_mm is None) != (checked_moving.spacing_mm is None):
        known, unknown = ("fixed", "moving") if checked_moving.spacing_mm is None else ("moving", "fixed")
        raise InputError(
            f"The {known} image has a pixel spacing and the {unknown} image has none. "
            f"Give {SPACING_ARGUMENT[unknown]}, or give both images without spacing to measure in pixels.",
            SPACING_ARGUMENT[unknown],
        )
    return checked_fixed, checked_moving


def _prepare_pair(fixed: PreparedImage, moving: PreparedImage) -> Prepared:
    """Resample both images to the finer of their pixel sizes."""
    point, axis = joint_frame(fixed.masks)
    finest, steps = finest_pixels(fixed.spacing_mm, moving.spacing_mm)
    for name, image, step in (("fixed", fixed, steps[0]), ("moving", moving, steps[1])):
        shape = (image.image.shape[0] * step, image.image.shape[1] * step)
        check_pixels(shape, name, SPACING_ARGUMENT[name], resampled=True)
    images, bones = zip(
        *(_resample(image, step) for image, step in zip((fixed, moving), steps, strict=True)), strict=True
    )
    fine_point = (pixel_scaling(steps[0]) @ (*point, 1.0))[:2]
    return fixed, moving, PreparedPair(images[0], images[1], bones[0], bones[1], fine_point, axis, finest), steps


def finest_pixels(fixed_mm: float | None, moving_mm: float | None) -> tuple[float | None, tuple[float, float]]:
    """Return the finer of two pixel sizes, and how many of such pixels a pixel of each image has along one side."""
    if fixed_mm is None or moving_mm is None:
        return None, (1.0, 1.0)
    finest = min(fixed_mm, moving_mm)
    ratios = (fixed_mm / finest, moving_mm / finest)
    return finest, (ratios[0] if ratios[0] > 1 + _SAME_SIZE else 1.0, ratios[1] if ratios[1] > 1 + _SAME_SIZE else 1.0)


#: The argument with the pixel spacing of each image.
SPACING_ARGUMENT = {"fixed": "spacing_mm", "moving": "moving_spacing_mm"}


def native_map(matrix: NDArray[np.float64], fixed_step: float, moving_step: float) -> NDArray[np.float64]:
    """Return a map between the images of a prepared pair as a map between the given images."""
    return np.linalg.inv(pixel_scaling(moving_step)) @ matrix @ pixel_scaling(fixed_step)


def _check_image(image: Any, masks: Any, spacing_mm: Any, name: str) -> _CheckedImage:
    spacing = check_spacing(spacing_mm, SPACING_ARGUMENT[name])
    if spacing is None:
        spacing = check_spacing(getattr(image, "spacing_mm", None), SPACING_ARGUMENT[name])
    pixels = to_intensities(getattr(image, "pixels", image), name, f"The {name} image")
    check_pixels(pixels.shape, name, name)
    if min(pixels.shape) < _MIN_SIDE:
        raise InputError(
            f"The {name} image has only {pixels.shape[0]} x {pixels.shape[1]} pixels; a joint image needs at least "
            f"{_MIN_SIDE} x {_MIN_SIDE}. Give a larger crop around the joint.",
            name,
        )
    regions = None if masks is None else _check_masks(masks, pixels.shape, name)
    pixels, regions, isotropic = _square(pixels, regions, spacing, name)
    check_size(pixels.shape, isotropic, name, SPACING_ARGUMENT[name])
    return _CheckedImage(pixels, regions, isotropic, name)


def _with_bones(*pair: _CheckedImage) -> tuple[PreparedImage, PreparedImage]:
    """Return both images of a pair with their bones; refuse a missing bone."""
    bones = bones_of_pair(
        [image.pixels for image in pair], [image.regions for image in pair], [image.found for image in pair], MIN_REGION
    )
    fixed, moving = (_with_reasons(image, masks) for image, masks in zip(pair, bones, strict=True))
    return fixed, moving


def _with_reasons(checked: _CheckedImage, bones: BoneMasks) -> PreparedImage:
    for bone in ("upper", "lower"):
        if getattr(bones, bone).sum() < MIN_REGION:
            raise InputError(
                f"The {bone} bone was not found in the {checked.name} image. Give masks of both bones.",
                f"{checked.name}_masks",
            )
    given = bones is checked.regions and not isinstance(bones, FoundBones)
    reasons = [*segmentation_reasons(checked.found or bones), *image_reasons(checked.pixels, bones, given)]
    contradicted = (
        contradiction(checked.regions, bones) if checked.regions is not None and checked.bones_wanted else None
    )
    if contradicted is not None:
        reasons.insert(0, contradicted)
    if checked.upside_down:
        reasons.append(Reason(ReasonCode.UPSIDE_DOWN))
    regions = bones if checked.regions is None else checked.regions
    segmented = checked.found is not None or (not isinstance(bones, FoundBones) and orientation_doubtful(bones))
    return PreparedImage(checked.pixels, bones, regions, checked.spacing_mm, tuple(reasons), segmented)


def _check_masks(masks: Any, shape: tuple[int, ...], name: str) -> BoneMasks:
    """Return the given masks as BoneMasks; refuse masks that do not fit the image or are too small."""
    argument = f"{name}_masks"
    if not isinstance(masks, BoneMasks):
        masks = _read_masks(masks, name)
    if masks.shape != shape:
        raise InputError(
            f"The {name} masks have shape {masks.shape} but the {name} image has shape {shape}. "
            "Draw the masks on that image.",
            argument,
        )
    for bone in ("upper", "lower"):
        area = int(getattr(masks, bone).sum())
        if area < MIN_REGION:
            problem = "is empty" if area == 0 else f"has only {area} pixels"
            raise InputError(
                f"The {bone} bone's mask of the {name} image {problem}; it needs at least {MIN_REGION} pixels. "
                "Draw the whole bone.",
                argument,
            )
    return masks


def _read_masks(masks: Any, name: str) -> BoneMasks:
    argument = f"{name}_masks"
    try:
        if isinstance(masks, (tuple, list)) and len(masks) == 2:
            return BoneMasks(*(np.asarray(mask) for mask in masks))
        array = np.asarray(masks)
        if array.ndim != 2 or array.dtype.kind not in "buif":
            raise InputError(
                f"The {name} masks have shape {array.shape} and type {array.dtype}. Give one 2-D labels image, or an "
                "upper and a lower mask."
            )
        return BoneMasks.from_labels(array)
    except InputError as error:
        raise InputError(str(error), argument) from None
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists; tensors on a GPU
        raise InputError(f"The {name} masks cannot be read as arrays. Give 2-D arrays.", argument) from error


def _square(
    pixels: NDArray[np.float32], bones: BoneMasks | None, spacing: Spacing, name: str
) -> tuple[NDArray[np.float32], BoneMasks | None, float | None]:
    """Return image, masks and spacing with square pixels, whose side is the smaller of row and column spacing."""
    if spacing is None or isinstance(spacing, float):
        return pixels, bones, spacing
    finest = min(spacing)
    zoom = tuple(each / finest for each in spacing)
    if max(zoom) <= 1 + _SAME_SIZE:
        return pixels, bones, finest
    check_pixels((pixels.shape[0] * zoom[0], pixels.shape[1] * zoom[1]), name, SPACING_ARGUMENT[name], resampled=True)
    if bones is not None:
        bones = _resample_masks(bones, zoom)
    return resample(pixels, zoom), bones, finest


def _resample(image: PreparedImage, step: float) -> tuple[NDArray[np.float32], BoneMasks]:
    """Return image and masks with ``step`` times as many rows and columns."""
    if step == 1:
        return image.image, image.masks
    zoom = (step, step)
    return resample(image.image, zoom), _resample_masks(image.masks, zoom)


def _resample_masks(masks: BoneMasks, zoom: tuple[float, ...]) -> BoneMasks:
    return BoneMasks(resample(masks.upper, zoom) >= 0.5, resample(masks.lower, zoom) >= 0.5)
