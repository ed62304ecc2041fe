"""Search a radiograph for hands: first on the whole of it, then on an upright view of each hand found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.canvas import normalise, sample_square, upright_view, whole_view
from napari_jsn.localization.hands import LocatedHand, locate_hand
from napari_jsn.localization.mean_hand import HAND_MM, transform_points
from napari_jsn.localization.network import cell_probabilities
from napari_jsn.radiograph.spacing import Spacing

if TYPE_CHECKING:
    from torch import Tensor

    from napari_jsn.localization.network import JointNet

Array = NDArray[np.float64]

#: Upright views of a hand, at most; a further one only where the last changed log(size) or the rotation by more.
_MOST_VIEWS, _SIZE_CHANGE, _ROTATION_CHANGE_DEG = 3, 0.06, 6.0
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
    to_radiograph = whole_view(pixels.shape, size / size.min())
    maps = _predict_maps(pixels, to_radiograph, network, device)
    hands = []
    for right in (True, False):
        hand = locate_hand(_maps_of_side(maps, right), right)
        if hand is not None and hand.is_hand:
            hand = _refine_hand(hand, pixels, to_radiograph, network, device)
            if hand is not None:
                hands.append(hand)
    if len(hands) == 2 and _are_same(*hands):
        hands = [max(hands, key=lambda hand: float(hand.probability.sum()))]
    return hands, to_radiograph


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
        maps = _predict_maps(rotated, whole_view(rotated.shape, size / size.min()), network, device)
        for right in (True, False):
            hand = locate_hand(_maps_of_side(maps, right), right)
            if hand is not None and hand.seen.sum() > most:
                best, most = 90 * quarters, int(hand.seen.sum())
    return best


def _refine_hand(
    hand: LocatedHand, pixels: NDArray[np.float32], to_radiograph: Array, network: JointNet, device: str
) -> LocatedHand | None:
    """Locate a hand again on an upright view of it; None where that shows none."""
    for _ in range(_MOST_VIEWS):
        from_upright = np.asarray(np.linalg.inv(upright_view(hand.from_mean)), dtype=float)
        maps = _predict_maps(pixels, to_radiograph @ from_upright, network, device, mirror=True)
        found = locate_hand(_maps_of_side(maps, hand.right), hand.right)
        if found is None:
            return None
        last, hand = hand, _drop_outside(found.transformed(from_upright), pixels.shape, to_radiograph)
        if not hand.is_hand:
            return None
        small_change = abs(np.log(hand.scale / last.scale)) < _SIZE_CHANGE
        if small_change and abs(hand.turn_deg - last.turn_deg) < _ROTATION_CHANGE_DEG:
            break
    return hand


def _drop_outside(hand: LocatedHand, shape: tuple[int, ...], to_radiograph: Array) -> LocatedHand:
    """Set the probability of joints outside the radiograph to 0."""
    points = transform_points(to_radiograph, hand.points)
    inside = ((points >= -0.5) & (points <= np.array(shape[::-1]) - 0.5)).all(axis=1)
    return replace(hand, probability=np.where(inside, hand.probability, 0.0))


def _are_same(one: LocatedHand, other: LocatedHand) -> bool:
    distance = float(np.hypot(*(one.points.mean(axis=0) - other.points.mean(axis=0))))
    return distance < _SAME_HAND * HAND_MM * max(one.scale, other.scale)


def _maps_of_side(maps: Tensor, right: bool) -> Tensor:
    return maps[len(JOINTS) :] if right else maps[: len(JOINTS)]


def _predict_maps(
    pixels: NDArray[np.float32], to_radiograph: Array, network: JointNet, device: str, mirror: bool = False
) -> Tensor:
    """Return the (28, cells, cells) probabilities of one square.

    With ``mirror`` they are the mean over the square and its mirror image, whose hands have exchanged sides.
    """
    import torch

    image, inside = (torch.from_numpy(part)[None, None] for part in sample_square(pixels, to_radiograph))
    images = normalise(image, inside)[:, : network.channels].to(device, memory_format=torch.channels_last)
    with torch.no_grad():
        maps = cell_probabilities(network(images)).cpu()
        if mirror:
            mirrored = cell_probabilities(network(images.flip(3))).cpu().flip(3)
            maps = (maps + mirrored.roll(len(JOINTS), 1)) / 2
    return maps[0]
