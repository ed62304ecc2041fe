"""From what a user hands over to pairs that a method can register, on grids of one pixel size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import are_halves, joint_frame
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.radiograph.spacing import Spacing, check_spacing
from napari_jsn.registration.methods import Pair
from napari_jsn.segmentation.classical import bone_within
from napari_jsn.segmentation.segment import segment_many

#: The smallest image side and the smallest bone region that can be measured, in pixels.
_LEAST_SIDE, _LEAST_REGION = 24, 60
#: Two pixel sizes closer than this, relatively, are one.
_SAME_SIZE = 1e-4


@dataclass(frozen=True)
class Side:
    """One image of a pair with square pixels: ``masks`` are the bones, ``regions`` what was handed over for them."""

    image: NDArray[np.float32]
    masks: BoneMasks
    regions: BoneMasks
    spacing_mm: float | None


@dataclass(frozen=True)
class _Opened:
    """One image with square pixels, bone bright, before its bones are known; ``regions`` None where none were given."""

    pixels: NDArray[np.float32]
    regions: BoneMasks | None
    spacing_mm: float | None
    name: str


Prepared = tuple[Side, Side, Pair, tuple[float, float]]


def prepare_many(
    rows: Sequence[Sequence[Any]], device: str | None = None, progress: Progress | None = None
) -> list[Prepared]:
    """Check the inputs of many pairs, find the bones that are not given, and bring both images to one pixel size.

    Parameters
    ----------
    rows : sequence of (fixed, moving, fixed_masks, moving_masks, spacing_mm, moving_spacing_mm)
    device : str, optional
        Where the bones are looked for, all in batches.
    progress : Progress, optional

    Returns
    -------
    list of (fixed, moving, pair, steps), empty if aborted
        fixed, moving : Side
            As given, but with square pixels, bone bright.
        pair : Pair
            Both at the finer of their pixel sizes.
        steps : tuple of float
            Pixels of ``pair`` in one pixel of ``fixed`` and of ``moving`` (1 or more); see :func:`native_map`.
    """

    def each(k: int, row: Sequence[Any]) -> tuple[_Opened, _Opened]:
        with _told_as(k, len(rows)):
            return _open_pair(*row)

    opened = [image for k, row in enumerate(rows) for image in each(k, row)]
    bare = [k for k, image in enumerate(opened) if image.regions is None]
    found = segment_many([opened[k].pixels for k in bare], device=device, progress=progress)
    if len(found) < len(bare):
        return []
    for k, bones in zip(bare, found, strict=True):
        opened[k] = replace(opened[k], regions=bones)
    prepared = []
    for k in range(len(rows)):
        with _told_as(k, len(rows)):
            prepared.append(_pair(*(_side(image) for image in opened[2 * k : 2 * k + 2])))
    return prepared


@contextmanager
def _told_as(number: int, pairs: int) -> Iterator[None]:
    """Say of which pair an error speaks, where there are several."""
    try:
        yield
    except InputError as error:
        if pairs == 1:
            raise
        raise InputError(f"Pair {number} (of {pairs}, the first is 0): {error}", error.argument) from error


def _open_pair(
    fixed: Any, moving: Any, fixed_masks: Any, moving_masks: Any, spacing_mm: Any, moving_spacing_mm: Any
) -> tuple[_Opened, _Opened]:
    here = _open(fixed, fixed_masks, spacing_mm, "fixed")
    inherited = spacing_mm if moving_spacing_mm is None and getattr(moving, "spacing_mm", None) is None else None
    there = _open(moving, moving_masks, moving_spacing_mm if inherited is None else inherited, "moving")
    if (here.spacing_mm is None) != (there.spacing_mm is None):
        known, unknown = ("fixed", "moving") if there.spacing_mm is None else ("moving", "fixed")
        raise InputError(
            f"The {known} image has a pixel spacing and the {unknown} image has none. "
            f"Give {SPACING_ARGUMENT[unknown]}, or take both without spacing to measure in pixels.",
            SPACING_ARGUMENT[unknown],
        )
    return here, there


def _pair(fixed: Side, moving: Side) -> Prepared:
    """Both images at the finer of their pixel sizes."""
    point, axis = joint_frame(fixed.masks)
    if fixed.spacing_mm is None or moving.spacing_mm is None:
        finest, steps = None, (1.0, 1.0)
    else:
        finest = min(fixed.spacing_mm, moving.spacing_mm)
        ratios = (fixed.spacing_mm / finest, moving.spacing_mm / finest)
        steps = (ratios[0] if ratios[0] > 1 + _SAME_SIZE else 1.0, ratios[1] if ratios[1] > 1 + _SAME_SIZE else 1.0)
    images, bones = zip(*(_finer(side, step) for side, step in zip((fixed, moving), steps, strict=True)), strict=True)
    fine_point = point * steps[0] + (steps[0] - 1) / 2
    return fixed, moving, Pair(images[0], images[1], bones[0], bones[1], fine_point, axis, finest), steps


#: The argument that carries each image's pixel spacing.
SPACING_ARGUMENT = {"fixed": "spacing_mm", "moving": "moving_spacing_mm"}


def native_map(matrix: NDArray[np.float64], fixed_step: float, moving_step: float) -> NDArray[np.float64]:
    """A map between finer grids as a map between the images as given."""
    up, down = (np.array([[s, 0, (s - 1) / 2], [0, s, (s - 1) / 2], [0, 0, 1.0]]) for s in (fixed_step, moving_step))
    return np.linalg.inv(down) @ matrix @ up


def _open(image: Any, masks: Any, spacing_mm: Any, name: str) -> _Opened:
    spacing = check_spacing(spacing_mm, SPACING_ARGUMENT[name])
    if spacing is None:
        spacing = check_spacing(getattr(image, "spacing_mm", None), SPACING_ARGUMENT[name])
    pixels = to_intensities(getattr(image, "pixels", image), name, f"The {name} image")
    if min(pixels.shape) < _LEAST_SIDE:
        raise InputError(
            f"The {name} image is only {pixels.shape[0]} x {pixels.shape[1]} pixels; a joint image needs at least "
            f"{_LEAST_SIDE} each way. Cut a larger crop around the joint.",
            name,
        )
    regions = None if masks is None else _bones(masks, pixels.shape, name)
    pixels, regions, isotropic = _square(pixels, regions, spacing)
    if _is_inverted(pixels, regions):
        pixels = 1 - pixels
    return _Opened(pixels, regions, isotropic, name)


def _side(opened: _Opened) -> Side:
    pixels, regions, name = opened.pixels, opened.regions, opened.name
    assert regions is not None
    bones = regions
    if are_halves(regions):
        bones = BoneMasks(bone_within(pixels, regions.upper), bone_within(pixels, regions.lower))
    for which in ("upper", "lower"):
        if getattr(bones, which).sum() < _LEAST_REGION:
            raise InputError(
                f"The {which} bone could not be told from its surroundings in the {name} image. "
                "Give masks of both bones.",
                f"{name}_masks",
            )
    return Side(pixels, bones, regions, opened.spacing_mm)


def _bones(masks: Any, shape: tuple[int, ...], name: str) -> BoneMasks:
    """Masks in any accepted form, checked against their image."""
    argument = f"{name}_masks"
    if not isinstance(masks, BoneMasks):
        masks = _read_masks(masks, name)
    if masks.shape != shape:
        raise InputError(
            f"The {name} masks have shape {masks.shape} but the {name} image has shape {shape}. "
            "Draw the masks on that image.",
            argument,
        )
    for which in ("upper", "lower"):
        area = int(getattr(masks, which).sum())
        if area < _LEAST_REGION:
            found = "is empty" if area == 0 else f"has only {area} pixels"
            raise InputError(
                f"The {which} bone's mask of the {name} image {found}; at least {_LEAST_REGION} are needed. "
                "Draw the whole bone.",
                argument,
            )
    return masks


def _read_masks(masks: Any, name: str) -> BoneMasks:
    argument = f"{name}_masks"
    try:
        if isinstance(masks, (tuple, list)) and len(masks) == 2:
            upper, lower = (np.asarray(mask) for mask in masks)
            if any(mask.dtype.kind == "f" and np.isnan(mask).any() for mask in (upper, lower)):
                raise InputError(f"The {name} masks hold NaN. Give 0 outside and 1 inside each bone.")
            return BoneMasks(upper != 0, lower != 0)
        array = np.asarray(masks)
        if array.ndim != 2 or array.dtype.kind not in "buif":
            raise InputError(
                f"The {name} masks must be one labels image or an upper and a lower mask, but have shape {array.shape}."
            )
        return BoneMasks.from_labels(array)
    except InputError as error:
        raise InputError(str(error), argument) from None
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists; tensors on a GPU
        raise InputError(f"The {name} masks cannot be read as arrays. Give 2-D arrays.", argument) from error


def _square(
    pixels: NDArray[np.float32], bones: BoneMasks | None, spacing: Spacing
) -> tuple[NDArray[np.float32], BoneMasks | None, float | None]:
    """The image with square pixels of the finer spacing, where row and column spacing differ."""
    if spacing is None or isinstance(spacing, float):
        return pixels, bones, spacing
    finest = min(spacing)
    zoom = tuple(each / finest for each in spacing)
    if max(zoom) <= 1 + _SAME_SIZE:
        return pixels, bones, finest
    if bones is not None:
        bones = _zoom_masks(bones, zoom)
    return _zoom(pixels, zoom), bones, finest


def _finer(side: Side, step: float) -> tuple[NDArray[np.float32], BoneMasks]:
    if step == 1:
        return side.image, side.masks
    zoom = (step, step)
    return _zoom(side.image, zoom), _zoom_masks(side.masks, zoom)


def _zoom_masks(masks: BoneMasks, zoom: tuple[float, ...]) -> BoneMasks:
    return BoneMasks(_zoom(masks.upper, zoom) >= 0.5, _zoom(masks.lower, zoom) >= 0.5)


def _zoom(values: NDArray[Any], zoom: tuple[float, ...]) -> NDArray[np.float32]:
    """Resample so that the new pixel k covers ``[k, k + 1) / zoom`` of the old grid; cubic, masks linear."""
    order = 1 if values.dtype == bool else 3
    centres = [
        (np.arange(round(length * factor)) + 0.5) / factor - 0.5
        for length, factor in zip(values.shape, zoom, strict=True)
    ]
    grid = np.meshgrid(*centres, indexing="ij")
    out = ndimage.map_coordinates(values.astype(np.float32), grid, order=order, mode="nearest")
    return np.clip(out, 0, 1).astype(np.float32)


def _is_inverted(pixels: NDArray[np.float32], bones: BoneMasks | None) -> bool:
    """Whether bone is dark: the bones (or the middle columns, for halves) darker than what is beside them."""
    if bones is None or are_halves(bones):
        bone = np.zeros(pixels.shape, bool)
        third = pixels.shape[1] // 3
        bone[:, third:-third] = True
    else:
        bone = bones.upper | bones.lower
    if bone.all():
        return False
    beside = ~ndimage.binary_dilation(bone, iterations=2)
    if not beside.any():
        return False
    return bool(np.median(pixels[bone]) < np.median(pixels[beside]))
