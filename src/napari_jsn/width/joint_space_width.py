"""Measure the joint space width (JSW) on one joint image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint import JOINT_IMAGE_MM, BoneMasks, JointImage
from napari_jsn.joint.geometry import are_halves, joint_frame, joint_normal
from napari_jsn.width.margins import Margins, find_margins, grid
from napari_jsn.width.result import JointSpaceWidth
from napari_jsn.width.uncertainty import width_sd_mm

#: Smallest median gradient at which the lower and the upper margin count as found, relative to the typical gradient
#: inside bone. The limit of the upper margin is higher because its search range is larger: on pure noise, 10 % of the
#: upper margins have a gradient of 1.9 or more.
_MIN_GRADIENTS = (0.8, 1.9)
#: Largest plausible width in mm, and smallest width that an image resolves, in pixels.
_WIDEST_MM, _NARROWEST_PX = 4.0, 2.0
#: Largest sd in mm of the widths about a parabola fitted to them across the finger.
_SCATTER_MM = 0.3


def joint_space_width(
    image: JointImage, masks: BoneMasks, point: ArrayLike | None = None, axis: ArrayLike | None = None
) -> JointSpaceWidth:
    """Return the joint space width: the mean distance between the margins of the two bones.

    The upper margin is the lower edge of the dense subchondral line in the base of the upper bone. The lower margin is
    the outline of the head of the lower bone. The distance is measured along the joint's axis and averaged over the
    articulating width: the middle half of the columns where the bones face each other.

    Parameters
    ----------
    image : JointImage
        Finger axis vertical, distal end up.
    masks : BoneMasks
        The two bones, segmented or drawn; the masks may overlap.
    point, axis : (2,) arrays, optional
        ``(x, y)`` of the joint's reference point in pixels, and direction ``(x, y)`` from upper to lower bone. By
        default computed from the masks.

    Returns
    -------
    JointSpaceWidth
        If no margins are found, the width is NaN and ``reasons`` states why.

    Raises
    ------
    InputError
        If image and masks have different shapes, or the axis is not a finite vector ``(x, y)`` of positive length.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> image = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> jsn.joint_space_width(image, jsn.segment(image))
    <JointSpaceWidth: 1.40 mm, sd 0.05>
    """
    pixels = np.asarray(image.pixels, dtype=np.float32)
    if pixels.shape != masks.shape:
        raise InputError(
            f"The shape of the joint image is {pixels.shape}, but that of the masks is {masks.shape}. "
            "Give the masks of this image.",
            "masks",
        )
    if are_halves(masks):
        return _not_measured(image, ReasonCode.MASKS_ARE_HALVES)
    if not (masks.upper.any() and masks.lower.any()):
        return _not_measured(image, ReasonCode.BONE_NOT_FOUND)
    centre = joint_frame(masks)[0] if point is None else np.asarray(point, dtype=float)
    direction = joint_normal(masks) if axis is None else _unit(axis)
    pixel_mm = image.spacing_mm or JOINT_IMAGE_MM / pixels.shape[0]  # assumed where it is unknown
    margins = find_margins(pixels, masks, pixel_mm, centre, direction)
    if margins is None:
        return _not_measured(image, ReasonCode.BONES_NOT_FACING)
    width_px, sd_px = float(margins.widths.mean()) / pixel_mm, width_sd_mm(margins) / pixel_mm
    upper, lower = (
        np.stack(grid(edge, margins.across, pixel_mm, centre, direction), axis=1)
        for edge in (margins.upper, margins.lower)
    )
    return JointSpaceWidth(Estimate(width_px, sd_px), image.spacing_mm, upper, lower, _failures(margins, pixel_mm))


def _failures(margins: Margins, pixel_mm: float) -> tuple[Reason, ...]:
    """Return the reasons why the margins have failed; empty if all checks are passed."""
    gradients = (margins.lower_edge, margins.upper_edge)
    for bone, gradient, minimum in zip(("lower", "upper"), gradients, _MIN_GRADIENTS, strict=True):
        if np.median(gradient) < minimum:
            sentence = f"The margin of the {bone} bone cannot be distinguished from the structure of the bone."
            return (Reason(ReasonCode.MARGIN_NOT_FOUND, sentence),)
    width = float(margins.widths.mean())
    if width < _NARROWEST_PX * pixel_mm:
        return (Reason(ReasonCode.NARROWER_THAN_RESOLVED),)
    if width > _WIDEST_MM:
        return (Reason(ReasonCode.WIDTH_IMPLAUSIBLE, f"A joint space of {width:.1f} mm is not plausible."),)
    parabola = np.polyval(np.polyfit(margins.across, margins.widths, 2), margins.across)
    if float(np.std(margins.widths - parabola)) > _SCATTER_MM:
        return (Reason(ReasonCode.MARGINS_UNEVEN),)
    return ()


def _unit(axis: ArrayLike) -> NDArray[np.float64]:
    vector = np.asarray(axis, dtype=float)
    length = float(np.hypot(*vector)) if vector.shape == (2,) else 0.0
    if not (np.isfinite(length) and length > 0):
        raise InputError("The joint's axis must be a vector (x, y) that is finite and not zero.", "axis")
    return vector / length


def _not_measured(image: JointImage, code: ReasonCode) -> JointSpaceWidth:
    no_points = np.empty((0, 2))
    return JointSpaceWidth(Estimate(), image.spacing_mm, no_points, no_points, (Reason(code),))
