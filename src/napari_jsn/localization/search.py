"""Search a radiograph for hands: first on the whole of it, then on an upright view of each hand found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.canvas import upright_view, whole_view
from napari_jsn.localization.complete import complete_hand
from napari_jsn.localization.covered import covered, ended
from napari_jsn.localization.hands import (
    CANDIDATE,
    LocatedHand,
    distance_mm,
    drop_ambiguous,
    finger_to_palm,
    locate_hand,
)
from napari_jsn.localization.mean_hand import HAND_MM, transform_points
from napari_jsn.localization.network import CELL, SIDE, find_peaks
from napari_jsn.localization.views import Box, exposed_box, maps_of_side, predict_maps, search_views
from napari_jsn.radiograph.spacing import Spacing

if TYPE_CHECKING:
    from torch import Tensor

    from napari_jsn.localization.network import JointNet

Array = NDArray[np.float64]

#: Upright views of a hand, at most; a further one only where the last changed log(size) or the rotation by more.
_MOST_VIEWS, _SIZE_CHANGE, _ROTATION_CHANGE_DEG = 3, 0.06, 6.0
#: In mm of an average adult's hand: two views of a hand that differ by less show the same joints; two that differ by
#: more than the second give the joints different names.
_SAME_PLACE_MM, _OTHER_PLACE_MM = 6.0, 12.0
#: A hand that is surer than another one by this factor excludes it.
_SURER = 1.6
#: Views in which the joints that the upright view misses are searched: rotation in degrees, and size as a share of it.
_COMPLETING_VIEWS = ((15.0, 1.0), (-15.0, 1.0), (0.0, 0.85), (0.0, 1.18))
#: A joint that another view shows within this distance of a place lies there.
_NEAR_MM = 8.0
#: Further views are searched where more joints than the first number are missing inside the radiograph.
_FEW_MISSING, _MANY_MISSING = 2, 5
#: Fingers by the width of the palm, as a share of the mean hand's: shorter ones are toes where one joint is missing, or
#: more than a few are; longer ones belong to a hand, even to one without a thumb.
_TOE_LENGTH, _FINGER_LENGTH = (0.82, 0.84), 1.01
#: From so many joints in view on, long fingers show a hand although it looked like a foot before it was completed.
_HAND_JOINTS = 10
#: Joints nearer to the border than this may lie beyond it, in mm of an average adult's hand.
_MARGIN_MM = 6.0
#: Two hands whose centres are closer than this, as a share of a hand's length, are one.
_SAME_HAND = 0.35
#: The least number of joints that show a hand on a radiograph that lies on its side.
_LEAST_ROTATED_JOINTS = 9


def search_hands(
    pixels: NDArray[np.float32], spacing_mm: Spacing, network: JointNet, device: str
) -> tuple[list[LocatedHand], Array]:
    """Find the hands on a radiograph, the right one first.

    Parameters
    ----------
    pixels : (H, W) float32 array
    spacing_mm : float, (row, col) or None
        Only the ratio of the two is used.
    network : JointNet
    device : str

    Returns
    -------
    hands : list of LocatedHand
        At most one of each side, on the square that shows the whole radiograph.
    to_radiograph : (3, 3) array
        Maps ``(x, y, 1)`` of that square to the radiograph's.
    """
    size = np.array(np.broadcast_to(1.0 if spacing_mm is None else spacing_mm, (2,)), dtype=float)
    size = size / size.min()
    to_radiograph = whole_view(pixels.shape, size)
    exposed = exposed_box(pixels)
    best: dict[bool, LocatedHand] = {}
    for number, view in enumerate(search_views(pixels.shape, size, exposed)):
        maps = predict_maps(pixels, view, network, device)
        for right in (True, False):
            hand = locate_hand(maps_of_side(maps, right), right)
            if hand is None or not hand.is_hand:
                continue
            if number:
                hand = hand.transformed(np.linalg.inv(to_radiograph) @ view)
            if any(distance_mm(hand, other) < _SAME_PLACE_MM for other in best.values() if other.right == right):
                continue
            hand = refine_hand(hand, pixels, to_radiograph, exposed, network, device)
            if hand is not None and (right not in best or hand.sureness > best[right].sureness):
                best[right] = hand
        if best and all(missing_inside(hand, to_radiograph, exposed).sum() <= _FEW_MISSING for hand in best.values()):
            break
    hands = [best[right] for right in (True, False) if right in best]
    if len(hands) == 2 and are_same(*hands):
        hands = [max(hands, key=lambda hand: float(hand.probability.sum()))]
    return [hand.completed or hand for hand in hands if not is_foot(hand, to_radiograph, exposed)], to_radiograph


def is_foot(hand: LocatedHand, to_radiograph: Array, exposed: Box) -> bool:
    """Return whether a hand is rather a foot: it is one by its joints, and not by its completed joints either."""
    whole = hand.completed
    return _is_like_foot(hand, missing_inside(hand, to_radiograph, exposed)) and not (
        whole is not None
        and finger_to_palm(whole) > _FINGER_LENGTH
        and whole.seen.sum() >= _HAND_JOINTS
        and not _is_like_foot(whole, missing_inside(whole, to_radiograph, exposed))
    )


def _is_like_foot(hand: LocatedHand, missing: NDArray[np.bool_]) -> bool:
    """Return whether the thumb or other joints are missing, and the fingers are short."""
    count, ratio = int(missing.sum()), finger_to_palm(hand)
    thumb = np.array([joint[-1] == "1" for joint in JOINTS])
    if count >= _MANY_MISSING:  # what is found must then show a hand: neighbouring knuckles, fingers not too short
        knuckles = hand.seen[[JOINTS.index(f"MCP{finger}") for finger in range(2, 6)]]
        no_palm = not (knuckles[1:] & knuckles[:-1]).any()
        if ratio < _TOE_LENGTH[1] or no_palm or count >= 2 * hand.seen.sum():
            return True
    if count == 0 or hand.seen[thumb].all():
        return False
    if count <= _FEW_MISSING:
        return bool(ratio < _TOE_LENGTH[0])
    no_thumb = missing[thumb].all() and count > _FEW_MISSING + 1
    return bool(ratio < _TOE_LENGTH[1] or (no_thumb and not ratio > _FINGER_LENGTH))


def missing_inside(hand: LocatedHand, to_radiograph: Array, box: Box) -> NDArray[np.bool_]:
    """Return which joints were not found although the mean hand has them inside a part of the radiograph: (14,).

    Parameters
    ----------
    hand : LocatedHand
        On the square that shows the whole radiograph.
    to_radiograph : (3, 3) array
        From that square to the radiograph.
    box : (top, left, bottom, right)
        The part, in pixels of the radiograph.
    """
    return _inside(hand, to_radiograph, box) & ~hand.seen


def _inside(hand: LocatedHand, to_radiograph: Array, box: Box) -> NDArray[np.bool_]:
    """Return which joints lie inside a part of the radiograph and not at its border: (14,)."""
    margin = _MARGIN_MM * hand.scale * np.abs(np.diag(to_radiograph)[:2])
    points = transform_points(to_radiograph, hand.points)
    top, left, bottom, right = box
    low, high = np.array((left, top)) + margin, np.array((right, bottom)) - margin
    return np.asarray(((points >= low) & (points <= high)).all(axis=1))


def find_rotation(pixels: NDArray[np.float32], spacing_mm: Spacing, network: JointNet, device: str) -> int:
    """Find the rotation (90, 180 or 270 degrees, counter-clockwise) of a radiograph that shows a hand; 0 if none does.

    Parameters
    ----------
    pixels, spacing_mm, network, device
        As for :func:`search_hands`.
    """
    spacing = np.broadcast_to(1.0 if spacing_mm is None else spacing_mm, (2,))
    best, most = 0, _LEAST_ROTATED_JOINTS - 1
    for quarters in (1, 2, 3):
        size = spacing[::-1] if quarters % 2 else spacing
        rotated = np.ascontiguousarray(np.rot90(pixels, quarters))
        maps = predict_maps(rotated, whole_view(rotated.shape, size / size.min()), network, device)
        for right in (True, False):
            hand = locate_hand(maps_of_side(maps, right), right)
            if hand is not None and hand.seen.sum() > most:
                best, most = 90 * quarters, int(hand.seen.sum())
    return best


def refine_hand(
    hand: LocatedHand,
    pixels: NDArray[np.float32],
    to_radiograph: Array,
    exposed: Box,
    network: JointNet,
    device: str,
) -> LocatedHand | None:
    """Locate a hand again on an upright view of it; None where that shows none.

    Where the two name the joints differently, the surer one is kept, and is ambiguous unless it is surer by far.
    """
    ambiguous = False
    for _ in range(_MOST_VIEWS):
        from_upright = np.asarray(np.linalg.inv(upright_view(hand.from_mean)), dtype=float)
        both = predict_maps(pixels, to_radiograph @ from_upright, network, device, mirror=True)
        maps = maps_of_side(both, hand.right)
        found = locate_hand(maps, hand.right)
        if found is None:
            return None
        last = hand
        hand = _drop_outside(found.transformed(from_upright), exposed, to_radiograph)
        if not hand.is_hand:
            return None
        if _OTHER_PLACE_MM < distance_mm(last, hand) < np.inf:
            ambiguous = max(last.sureness, hand.sureness) < _SURER * min(last.sureness, hand.sureness)
            if last.sureness > hand.sureness:
                hand = _near(last, maps, from_upright)
                break
        small_change = abs(np.log(hand.scale / last.scale)) < _SIZE_CHANGE
        if small_change and abs(hand.turn_deg - last.turn_deg) < _ROTATION_CHANGE_DEG:
            break
    to_upright = np.asarray(np.linalg.inv(from_upright), dtype=float)
    distinct = drop_ambiguous(hand.transformed(to_upright), both)
    hand = replace(hand, probability=distinct.probability, ambiguous=ambiguous)
    hidden = covered(hand, pixels, to_radiograph) | ended(hand, pixels, to_radiograph)
    hand = replace(hand, probability=np.where(hidden, 0.0, hand.probability))
    completed = complete_hand(replace(distinct, probability=hand.probability), both)
    for view in _other_upright_views():
        if not missing_inside(completed.transformed(from_upright), to_radiograph, exposed).any():
            break
        maps = predict_maps(pixels, to_radiograph @ from_upright @ view, network, device, mirror=True)
        to_view = np.asarray(np.linalg.inv(view), dtype=float)
        completed = complete_hand(completed.transformed(to_view), maps).transformed(view)
    completed = completed.transformed(from_upright)
    # the brightness of bone is known better from all joints than from those of the first view
    hidden = covered(completed, pixels, to_radiograph) | ended(completed, pixels, to_radiograph)
    hidden |= ~_inside(completed, to_radiograph, exposed)
    completed = replace(
        hand,
        points=np.where(hand.seen[:, None], hand.points, completed.points),
        probability=np.where(hidden & ~hand.seen, 0.0, completed.probability),
    )
    hand = replace(hand, completed=completed)
    return hand if hand.is_hand else None


def _other_upright_views() -> Iterator[Array]:
    """Yield matrices from a square to the upright view: rotated, smaller and larger."""
    middle = (SIDE - 1) / 2
    for angle_deg, zoom in _COMPLETING_VIEWS:
        cos, sin = zoom * np.cos(np.deg2rad(angle_deg)), zoom * np.sin(np.deg2rad(angle_deg))
        view = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        view[:2, 2] = middle - view[:2, :2] @ np.full(2, middle)
        yield view


def _near(hand: LocatedHand, maps: Tensor, from_upright: Array) -> LocatedHand:
    """Return a hand whose joints are moved to the peaks near them on the maps of an upright view."""
    import torch

    upright = hand.transformed(np.asarray(np.linalg.inv(from_upright), dtype=float))
    centres = (np.arange(maps.shape[-1]) + 0.5) * CELL - 0.5
    x, y = (upright.points[:, axis, None, None] for axis in (0, 1))
    near = np.hypot(centres[None, None, :] - x, centres[None, :, None] - y) <= _NEAR_MM * upright.scale
    points, probability = (each.double().numpy() for each in find_peaks(torch.where(torch.from_numpy(near), maps, 0.0)))
    points = np.where((probability >= CANDIDATE)[:, None], points, upright.points)
    return replace(hand, points=transform_points(from_upright, points))


def _drop_outside(hand: LocatedHand, exposed: Box, to_radiograph: Array) -> LocatedHand:
    """Set the probability of joints outside the exposed part of the radiograph to 0."""
    points = transform_points(to_radiograph, hand.points)
    top, left, bottom, right = exposed
    inside = ((points >= np.array((left, top)) - 0.5) & (points <= np.array((right, bottom)) - 0.5)).all(axis=1)
    return replace(hand, probability=np.where(inside, hand.probability, 0.0))


def are_same(one: LocatedHand, other: LocatedHand) -> bool:
    """Return whether two hands lie in one place."""
    distance = float(np.hypot(*(one.points.mean(axis=0) - other.points.mean(axis=0))))
    return distance < _SAME_HAND * HAND_MM * max(one.scale, other.scale)
