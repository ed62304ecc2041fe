"""Choose the bones of both images of a pair, of which some may have masks that are halves of the image, or none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import are_halves, facing_margins, joint_frame
from napari_jsn.segmentation.classical import bone_within
from napari_jsn.segmentation.found_bones import FoundBones

#: Width of the border that is left out of halves that are used on another image, as a share of the image's height.
_BORDER = 1 / 32
#: Share of a bone in the other half (the larger one of the two bones). Below the first one the border between the
#: halves may be drawn along the joint space; above the second one the network may have confused the bones; above the
#: third one the halves contradict the bones that were found. On 1,189 real and 60 simulated images it is 0.02 in the
#: median and 0.08 at most for half-planes that are fitted to the joint space, 0.05 to 0.10 in the median for lines
#: 1.2 mm beside it or inclined by 25 degrees to it, 0.18 to 0.29 for lines 3 mm beside it, and 0.06 to 0.14 where the
#: network took a part of one bone for the other.
_DRAWN, _CONFUSED, _CONTRADICTING = 0.02, 0.04, 0.2
#: A border is drawn along the joint space if it follows its curve: less than this share of the curve is left between
#: them.
_CURVE_LEFT = 0.5
#: The network has confused the bones if the border is darker than the bone on either side, and more so than the joint
#: space that was found, by this share of the contrast in the bones. It is 0.39 and 0.40 where the network took a part
#: of one bone for the other, and 0.27 at most for lines and curves beside the joint space, or inclined to it, on the
#: same 1,249 images.
_DARKER = 0.33
#: Distance within which bone on either side is compared, and smoothing of the image, as shares of its larger side.
_SIDES, _SMOOTHING = 0.08, 0.005
#: The least columns in which the border crosses a bone.
_LEAST_COLUMNS = 4


def bones_of_pair(
    images: Sequence[NDArray[np.float32]],
    given: Sequence[BoneMasks | None],
    found: Sequence[FoundBones | None],
    least_area: int,
) -> tuple[BoneMasks, BoneMasks]:
    """Return the bones of both images of a pair.

    - Given bones are used as they are.
    - Given halves state which of the bones that were found is which. These bones are used as they are, with two
      exceptions, in which each pixel of bone belongs to the bone of its half: the border between the halves is drawn
      along the joint space, or the image shows that the network confused the bones.
    - Where the bones were not found, the bone is searched in each half by its intensity; without success it is the
      half.
    - An image without masks has the bones that were found. If the network confused the bones of the other image, the
      halves label the bones here too, moved as the joint is; if the halves were used as they are, so are they here,
      without their border.

    Parameters
    ----------
    images : two (H, W) float32 arrays
    given : two BoneMasks or None
        Bones, or halves of the image.
    found : two FoundBones or None
        What the network found; None for an image whose bones are given.
    least_area : int
        Of a bone, in pixels; smaller ones count as not found.
    """
    halves = [masks if masks is not None and are_halves(masks) else None for masks in given]
    reliable = [bones if bones is not None and _both_found(bones, least_area) else None for bones in found]
    chosen: list[BoneMasks | None] = [
        masks if half is None else _within(image, half, bones)
        for image, masks, half, bones in zip(images, given, halves, reliable, strict=True)
    ]
    for k, other in ((0, 1), (1, 0)):
        half, bones, other_bones = halves[other], reliable[k], reliable[other]
        if chosen[k] is not None:
            continue
        if half is not None and bones is not None and other_bones is not None:
            confused = are_confused(images[other], half, other_bones)
            chosen[k] = label_by_halves(bones, move_halves(half, other_bones, bones)) if confused else bones
        elif half is not None and chosen[other] is half and half.shape == images[k].shape:
            upright = BoneMasks(half.lower, half.upper) if _exchanged(half) else half
            chosen[k] = without_border(upright, max(1, round(_BORDER * half.shape[0])))
        else:
            chosen[k] = found[k]
    assert chosen[0] is not None and chosen[1] is not None
    return chosen[0], chosen[1]


def _both_found(bones: FoundBones, least_area: int) -> bool:
    if any(reason.code is ReasonCode.BONE_NOT_FOUND for reason in bones.reasons):
        return False
    return min(int(bones.upper.sum()), int(bones.lower.sum())) >= least_area


def _within(image: NDArray[np.float32], halves: BoneMasks, bones: FoundBones | None) -> BoneMasks:
    """Return the bones inside the halves; the same halves where no bone can be distinguished in either."""
    if bones is not None:
        by_halves = _follows_joint_space(halves, bones) or are_confused(image, halves, bones)
        return label_by_halves(bones, halves) if by_halves else bones
    parts = [bone_within(image, half) for half in (halves.upper, halves.lower)]
    return halves if parts[0] is halves.upper and parts[1] is halves.lower else BoneMasks(*parts)


def contradiction(halves: BoneMasks, bones: BoneMasks) -> Reason | None:
    """Return that the halves contradict the bones; None where each bone lies in its half, but for a part of it.

    A line between the halves that cuts a bone, leaves both bones on one side, or exchanges them, shows that the mask or
    the bones are wrong.
    """
    shares = _shares_in_other_half(halves, bones)
    if min(shares) > 0.5:
        return Reason(ReasonCode.MASKS_EXCHANGED, "The mask of the upper half lies on the lower bone.")
    if max(shares) <= _CONTRADICTING:
        return None
    (bone, other), share = (
        (("upper", "lower"), shares[0]) if shares[0] >= shares[1] else (("lower", "upper"), shares[1])
    )
    sentence = (
        f"The masks contradict the bones that were found: {100 * share:.0f} % of the {bone} bone lies in the {other} "
        "half."
    )
    return Reason(ReasonCode.MASKS_CONTRADICT_BONES, sentence)


def _shares_in_other_half(halves: BoneMasks, bones: BoneMasks) -> tuple[float, float]:
    """Return the share of each bone that lies in the other half, without the part where the bones overlap."""
    only_upper, only_lower = bones.upper & ~bones.lower, bones.lower & ~bones.upper
    upper, lower = (
        float((bone & other).sum() / max(1, bone.sum()))
        for bone, other in ((only_upper, halves.lower), (only_lower, halves.upper))
    )
    return upper, lower


def _follows_joint_space(halves: BoneMasks, bones: BoneMasks) -> bool:
    """Return whether the border between the halves is drawn along the joint space.

    Such a border is better than the network where the joint space is small. A straight line cannot follow a curved
    joint space, so it cuts the ends of the bones: where both images have such halves and the bones are labelled by
    them, the RMSE on 13 simulated joints is 0.054 mm, and 0.022 mm with the bones as found.
    """
    if max(_shares_in_other_half(halves, bones)) >= _DRAWN:
        return False
    columns, border, gap = _border_and_gap(halves, bones)
    if len(columns) < _LEAST_COLUMNS:
        return False
    between, curve = (
        float(np.std(rows - np.polyval(np.polyfit(columns, rows, 1), columns))) for rows in (border - gap, gap)
    )
    return between < _CURVE_LEFT * curve


def are_confused(image: NDArray[np.float32], halves: BoneMasks, bones: BoneMasks) -> bool:
    """Return whether the image shows that the halves are right and the network took one bone for the other.

    The joint space is darker than bone. So where the border between the halves crosses a bone that was found, it is
    compared with the joint space that was found, in the same columns.

    Parameters
    ----------
    image : (H, W) float32 array
    halves, bones : BoneMasks
    """
    if not _CONFUSED < max(_shares_in_other_half(halves, bones)) < 0.5:
        return False
    side = max(image.shape)
    smooth = ndimage.gaussian_filter(np.asarray(image, dtype=float), _SMOOTHING * side)
    columns, border, gap = _border_and_gap(halves, bones)
    rows = np.floor(border).astype(int)
    below = np.minimum(rows + 1, image.shape[0] - 1)
    alone = (bones.upper & ~bones.lower, bones.lower & ~bones.upper)
    crossed = np.any([bone[rows, columns] & bone[below, columns] for bone in alone], axis=0)
    if crossed.sum() < _LEAST_COLUMNS:
        return False
    reach = max(3, round(_SIDES * side))
    at_border, at_gap = (
        float(np.median(_darker_than_sides(smooth, curve[crossed], columns[crossed], reach))) for curve in (border, gap)
    )
    contrast = float(np.subtract(*np.percentile(smooth[bones.upper | bones.lower], (95, 5))))
    return at_border - at_gap > _DARKER * contrast


def _border_and_gap(
    halves: BoneMasks, bones: BoneMasks
) -> tuple[NDArray[np.int_], NDArray[np.float64], NDArray[np.float64]]:
    """Return the columns in which both bones lie, and the rows of the border between the halves and of the gap there.

    The gap is the middle between the facing margins of the bones.
    """
    border, gap = (np.mean(facing_margins(masks), axis=0) for masks in (halves, bones))
    columns = np.flatnonzero(np.isfinite(border) & np.isfinite(gap))
    return columns, border[columns], gap[columns]


def _darker_than_sides(
    image: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.int_], reach: int
) -> NDArray[np.float64]:
    """Return per column by how much the image is darker at a row than at its brightest on either side."""
    darker = []
    for row, column in zip(np.rint(rows).astype(int), columns, strict=True):
        profile = image[max(0, row - reach) : row + reach + 1, column]
        middle = min(row, reach)
        darker.append(min(profile[: middle + 1].max(), profile[middle:].max()) - profile[middle])
    return np.array(darker)


def _exchanged(halves: BoneMasks) -> bool:
    """Return whether the upper half lies below the lower one."""
    upper, lower = (float(np.argwhere(mask)[:, 0].mean()) for mask in (halves.upper, halves.lower))
    return upper > lower


def label_by_halves(bones: BoneMasks, halves: BoneMasks) -> BoneMasks:
    """Return the pixels of both bones, each as part of the bone of its half of the image.

    The halves state where one bone ends and the other begins, the network where bone is.

    Parameters
    ----------
    bones : BoneMasks
        The bones that the network found.
    halves : BoneMasks
        Of the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn import BoneMasks
    >>> from napari_jsn.registration.halves import label_by_halves
    >>> column = np.array([[True, True, True, False]]).T
    >>> upper = np.array([[True, True, False, False]]).T
    >>> label_by_halves(BoneMasks(column, ~column), BoneMasks(upper, ~upper)).upper.T
    array([[ True,  True, False, False]])
    """
    either = bones.upper | bones.lower
    return BoneMasks(either & halves.upper, either & halves.lower)


def move_halves(halves: BoneMasks, bones: BoneMasks, other_bones: BoneMasks) -> BoneMasks:
    """Return the halves of one image on another image of the joint.

    They move as point and axis of the joint do. Beyond the border of the first image they continue as at the border.

    Parameters
    ----------
    halves, bones : BoneMasks
        Of the first image.
    other_bones : BoneMasks
        Bones of the other image.
    """
    (point, axis), (other_point, other_axis) = joint_frame(bones), joint_frame(other_bones)
    cos = float(axis @ other_axis)
    sin = float(axis[0] * other_axis[1] - axis[1] * other_axis[0])
    rows, cols = np.indices(other_bones.shape)
    x, y = cols - other_point[0], rows - other_point[1]
    # each pixel of the other image takes the label of the place that it comes from
    col = np.rint(cos * x + sin * y + point[0]).astype(int).clip(0, halves.shape[1] - 1)
    row = np.rint(cos * y - sin * x + point[1]).astype(int).clip(0, halves.shape[0] - 1)
    return BoneMasks(halves.upper[row, col], halves.lower[row, col])


def without_border(halves: BoneMasks, width: int) -> BoneMasks:
    """Return the halves without pixels that are nearer than ``width`` to the border of a region or of the image."""
    eroded = (
        ndimage.binary_erosion(np.pad(mask, 1), iterations=width)[1:-1, 1:-1] for mask in (halves.upper, halves.lower)
    )
    return BoneMasks(*eroded)
