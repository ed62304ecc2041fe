"""Complete a hand: find joints of which the network is uncertain, where the hand's other joints confirm their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.hands import (
    FINGER,
    FINGER_REACH_MM,
    IN_VIEW,
    RIVAL,
    SAME_PLACE_MM,
    LocatedHand,
    check_bone_lengths,
    expected_points,
    locate_hand,
    rivals,
)
from napari_jsn.localization.mean_hand import mean_hand, mirrored, transform_points

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

#: From so many joints in view of so many fingers on, a hand determines where its other joints can lie.
_SETTLED_JOINTS, _SETTLED_FINGERS = 7, 4
#: A joint of at least this probability is in view if it lies within so many mm of the place that the other joints of
#: its finger suggest: a joint is likelier there than elsewhere by the factor.
_LEAST, _CONFIRMED_MM, _CONFIRMED_GAIN = 0.3, 7.0, 4.0
#: Two joints of which one was uncertain are at least this far apart, in mm.
_APART_MM = 2 * SAME_PLACE_MM
#: Largest distance in mm of a knuckle of the fingers 2 to 5 from its place beside those in view: the palm is rigid.
_KNUCKLE_REACH_MM = 24.0
_KNUCKLE = np.array([joint.startswith("MCP") and joint[-1] != "1" for joint in JOINTS])


def complete_hand(hand: LocatedHand, maps: Tensor) -> LocatedHand:
    """Return a hand with further joints in view; the joints that it has are not changed.

    The hand is located once more, each joint by surer ones only. The result adds the joints that are then in view, and
    those that are uncertain but lie where the other joints of their finger suggest. Nothing is added to a hand of
    which too little is known, nor to a thumb of which nothing is in view.

    Parameters
    ----------
    hand : LocatedHand
        On the square of the maps.
    maps : (28, cells, cells) tensor
        Probabilities of the cells of the joints of the left, then of the right hand.
    """
    if hand.seen.all():
        return hand
    own = maps[len(JOINTS) :] if hand.right else maps[: len(JOINTS)]
    other = locate_hand(own, hand.right, by_surer=True)
    if other is None:
        return hand
    points = np.where(hand.seen[:, None], hand.points, other.points)
    probability = np.where(hand.seen, hand.probability, other.probability)
    both = replace(hand, points=points, probability=probability)
    if both.seen.sum() < _SETTLED_JOINTS or len(set(FINGER[both.seen])) < _SETTLED_FINGERS:
        return hand
    model = mirrored(mean_hand()) if hand.right else mean_hand()
    kept = hand.seen.copy()
    order = np.argsort(-probability, kind="stable")
    for k in order[(probability[order] >= _LEAST) & ~hand.seen[order]]:  # the surest ones first
        distance = np.hypot(*(points[kept] - points[k]).T).min(initial=np.inf) / hand.scale
        if distance < _APART_MM or _has_rival(both, maps, k) or not _fits(points, kept, k, model, hand):
            continue
        alone = not (kept & (FINGER[k] == FINGER)).any()
        if alone and FINGER[k] == 1:  # nothing says where a thumb can lie
            continue
        if probability[k] < IN_VIEW:
            known = np.where(kept, probability, 0.0)
            expected = expected_points(model, points, known, hand.from_mean)[k]
            if alone or np.hypot(*(points[k] - expected)) > _CONFIRMED_MM * hand.scale:
                continue
            at_place = _CONFIRMED_GAIN * probability[k]
            probability[k] = at_place / (at_place + 1 - probability[k])
            if probability[k] < IN_VIEW:
                continue
        kept[k] = True
    return replace(
        hand,
        points=np.where(kept[:, None], points, hand.points),
        probability=np.where(kept, probability, hand.probability),
    )


def _has_rival(hand: LocatedHand, maps: Tensor, k: int) -> bool:
    """Return whether a joint of another name may lie at the place of joint ``k``.

    A joint of the same hand counts only if its own place is near: the hand's other joints determine it.
    """
    others = rivals(hand, maps, k)
    elsewhere = np.hypot(*(hand.points - hand.points[k]).T) > FINGER_REACH_MM * hand.scale
    others[int(hand.right), elsewhere] = 0.0
    return bool(others.max() > RIVAL * hand.probability[k])


def _fits(points: Array, kept: NDArray[np.bool_], k: int, model: Array, hand: LocatedHand) -> bool:
    """Return whether joint ``k`` lies where it can beside the joints kept: lengths of bones, and the rigid palm."""
    present = np.where(kept, 1.0, 0.0)
    present[k] = 0.9
    check_bone_lengths(model, points, present, np.flatnonzero(FINGER[k] == FINGER), hand.scale)
    if not present[k]:
        return False
    knuckles = np.flatnonzero(kept & _KNUCKLE)
    if not _KNUCKLE[k] or not len(knuckles):
        return True
    residual = points - transform_points(hand.from_mean, model)
    steps = np.abs(FINGER[knuckles] - FINGER[k])
    beside = residual[knuckles[steps == steps.min()]].mean(axis=0)
    return bool(np.hypot(*(residual[k] - beside)) <= _KNUCKLE_REACH_MM * hand.scale)
