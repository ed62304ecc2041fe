"""One magnification a film: what all bones of a hand say of it makes each bone's own scale surer.

A bone's scale and its place at the joint are found together, and the scale is the less sure of the two: it is half a
per cent off, which moves the bone by 0.03 mm at the joint, 5 mm from the middle of what is seen of it. All bones of a
hand are magnified alike, but for those that flex, which are foreshortened. So each scale is drawn halfway to the median
of the hand. On 320 joints of simulated hands the error so falls from 0.045 to 0.039 mm (root mean square); drawn all
the way it is 0.041.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint.similarity import Similarity, joint_space_narrowing
from napari_jsn.registration.result import Registration

#: How far a bone's scale is drawn to the hand's: 0 not at all, 1 all the way.
_DRAWN = 0.5
#: Fewer joints than this tell no scale of the hand.
_FEWEST = 4
#: A bone whose scale is further off is not the hand's bone, or was not found again.
_FURTHEST = 0.05


def with_hand_scale(registrations: Sequence[Registration]) -> list[Registration]:
    """Registrations of the joints of one hand between the same two visits, with scales drawn to the hand's.

    The turn of each bone and where it carries its own middle stay as they are. Transformed images and losses are left
    as registration found them: the change is a small part of a pixel.

    Parameters
    ----------
    registrations : sequence of Registration
        Their joint images have pixels of one size at each visit.
    """
    scales = [bone.dz for one in registrations if one.reliable for bone in (one.upper, one.lower)]
    if len(scales) < 2 * _FEWEST:
        return list(registrations)
    hand = float(np.median(scales))
    return [_drawn(one, hand) for one in registrations]


def _drawn(one: Registration, hand: float) -> Registration:
    masks = one.fixed_masks
    upper, lower = (_scaled(bone, hand, mask) for bone, mask in ((one.upper, masks.upper), (one.lower, masks.lower)))
    before, after = (
        joint_space_narrowing(up.matrix, low.matrix, one.point, one.axis)
        for up, low in ((one.upper, one.lower), (upper, lower))
    )
    jsn_px = one.jsn_px + after - before
    mm = float("nan") if one.spacing_mm is None else one.spacing_mm
    low, high = (end + after - before for end in one.ci95_px)
    return replace(
        one,
        upper=upper,
        lower=lower,
        jsn_px=jsn_px,
        jsn_mm=jsn_px * mm,
        ci95_px=(low, high),
        ci95_mm=(low * mm, high * mm),
        jsn_eq7_mm=(upper.dy - lower.dy) * mm,
    )


def _scaled(bone: Similarity, hand: float, mask: NDArray[np.bool_]) -> Similarity:
    """The motion with a scale nearer to the hand's, about the middle of the bone as the image shows it."""
    if abs(bone.dz / hand - 1) > _FURTHEST or not mask.any():
        return bone
    rows, cols = np.nonzero(mask)
    middle = np.array([cols.mean(), rows.mean()])
    matrix = bone.matrix
    linear = matrix[:2, :2] * (hand / bone.dz) ** _DRAWN
    matrix[:2, 2] += (matrix[:2, :2] - linear) @ middle
    matrix[:2, :2] = linear
    return Similarity.from_matrix(matrix, bone.centre)
