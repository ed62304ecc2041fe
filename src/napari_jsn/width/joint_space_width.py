"""``joint_space_width``: the absolute width of a joint space on one joint image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint import BoneMasks, JointImage
from napari_jsn.joint.geometry import are_halves, joint_frame, joint_normal
from napari_jsn.width.margins import Margins, find_margins, grid
from napari_jsn.width.result import JointSpaceWidth
from napari_jsn.width.uncertainty import width_sd_mm

#: Where no pixel size is known, the joint image is taken to be as high as those in use, to know where to look.
_NOMINAL_HEIGHT_MM = 22.2
#: Least median steepness of the lower and the upper margin, against the usual steepness inside bone, with which they
#: count as seen. In noise alone the upper one, chosen from more places, comes to 1.9 in one case of ten.
_LEAST_EDGES = (0.8, 1.9)
#: The widest plausible joint space, in mm, and the narrowest that an image resolves, in its pixels.
_WIDEST_MM, _NARROWEST_PX = 4.0, 2.0
#: The most that widths may scatter about their course across the finger, in mm.
_SCATTER_MM = 0.3


def joint_space_width(
    image: JointImage, masks: BoneMasks, point: ArrayLike | None = None, axis: ArrayLike | None = None
) -> JointSpaceWidth:
    """Measure how wide a joint space is, between the margins of its two bones.

    Over the articulating width, the middle half of where the bones face each other, the distance from the lower edge of
    the dense subchondral line of the upper bone's base to the outline of the lower bone's head is taken along the
    joint's axis, and averaged.

    Parameters
    ----------
    image : JointImage
        Finger axis vertical, distal end up.
    masks : BoneMasks
        Its two bones, found or drawn; they may overlap.
    point, axis : (2,) arrays, optional
        ``(x, y)`` of the joint's point in pixels, and direction ``(x, y)`` from upper to lower bone; from the masks by
        default.

    Returns
    -------
    JointSpaceWidth
        NaN, with the reason, where no margins are found.

    Raises
    ------
    InputError
        If image and masks are of different shapes, or the axis has no direction.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> from napari_jsn.simulation.joint_pair import joint_pair
    >>> pair = joint_pair("MCP2", 0.3, seed=1)
    >>> width = jsn.joint_space_width(jsn.JointImage(pair.fixed, pair.spacing_mm), pair.fixed_masks)
    >>> 0.5 < width.mm < 3
    True
    """
    pixels = np.asarray(image.pixels, dtype=np.float32)
    if pixels.shape != masks.shape:
        raise InputError(
            f"The joint image has {pixels.shape} pixels, but its masks {masks.shape}. Give the masks of this image.",
            "masks",
        )
    if are_halves(masks):
        return _not_measured(image, ReasonCode.MASKS_ARE_HALVES)
    if not (masks.upper.any() and masks.lower.any()):
        return _not_measured(image, ReasonCode.BONE_NOT_FOUND)
    at = joint_frame(masks)[0] if point is None else np.asarray(point, dtype=float)
    along = joint_normal(masks) if axis is None else _unit(axis)
    pixel_mm = image.spacing_mm or _NOMINAL_HEIGHT_MM / pixels.shape[0]
    margins = find_margins(pixels, masks, pixel_mm, at, along)
    if margins is None:
        return _not_measured(image, ReasonCode.BONES_NOT_FACING)
    width_px, sd_px = float(margins.widths.mean()) / pixel_mm, width_sd_mm(margins) / pixel_mm
    upper, lower = (
        np.stack(grid(edge, margins.across, pixel_mm, at, along), axis=1) for edge in (margins.upper, margins.lower)
    )
    return JointSpaceWidth(Estimate(width_px, sd_px), image.spacing_mm, upper, lower, _doubts(margins, pixel_mm))


def _doubts(margins: Margins, pixel_mm: float) -> tuple[Reason, ...]:
    """Return why the margins have failed; empty where nothing shows that."""
    edges = (margins.lower_edge, margins.upper_edge)
    for bone, edge, least in zip(("lower", "upper"), edges, _LEAST_EDGES, strict=True):
        if np.median(edge) < least:
            sentence = f"The margin of the {bone} bone cannot be distinguished from the structure of the bone."
            return (Reason(ReasonCode.MARGIN_NOT_FOUND, sentence),)
    width = float(margins.widths.mean())
    if width < _NARROWEST_PX * pixel_mm:
        return (Reason(ReasonCode.NARROWER_THAN_RESOLVED),)
    if width > _WIDEST_MM:
        return (Reason(ReasonCode.WIDTH_IMPLAUSIBLE, f"A joint space of {width:.1f} mm is not plausible."),)
    course = np.polyval(np.polyfit(margins.across, margins.widths, 2), margins.across)
    if float(np.std(margins.widths - course)) > _SCATTER_MM:
        return (Reason(ReasonCode.MARGINS_UNEVEN),)
    return ()


def _unit(axis: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(axis, dtype=float)
    length = float(np.hypot(*given)) if given.shape == (2,) else 0.0
    if not (np.isfinite(length) and length > 0):
        raise InputError("The joint's axis must be a direction (x, y).", "axis")
    return given / length


def _not_measured(image: JointImage, code: ReasonCode) -> JointSpaceWidth:
    nowhere = np.empty((0, 2))
    return JointSpaceWidth(Estimate(), image.spacing_mm, nowhere, nowhere, (Reason(code),))
