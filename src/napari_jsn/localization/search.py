"""Look for hands on a film: once at the whole of it, then at each hand laid upright at its standard size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.canvas import normalise, sample, upright, whole
from napari_jsn.localization.hands import Hand, find_hand
from napari_jsn.localization.maps import probabilities
from napari_jsn.localization.shape import HAND_MM, moved
from napari_jsn.radiograph.spacing import Spacing

if TYPE_CHECKING:
    from torch import Tensor

    from napari_jsn.localization.network import JointNet

Array = NDArray[np.float64]

#: At most so many looks at a hand laid upright; a further one only where the last changed its size or turn by more.
_LOOKS, _GROWN, _TURNED_DEG = 3, 0.06, 6.0
#: Two hands this close together, as a share of a hand's length, are one.
_SAME = 0.35
#: So many joints on a film that lies on its side are a hand.
_CLEARLY = 9


def hands_on(
    pixels: NDArray[np.float32], spacing_mm: Spacing, network: JointNet, device: str
) -> tuple[list[Hand], Array]:
    """The hands on a film, the right one first.

    Parameters
    ----------
    pixels : (H, W) float32 array
    spacing_mm : float, (row, col) or None
        Only its ratio matters here.
    network : JointNet
    device : str

    Returns
    -------
    hands : list of Hand
        On the square that shows the whole film.
    film : (3, 3) array
        Maps ``(x, y, 1)`` of that square to the film's.
    """
    size = np.array(np.broadcast_to(1.0 if spacing_mm is None else spacing_mm, (2,)), dtype=float)
    film = whole(pixels.shape, size / size.min())
    maps = _maps(pixels, [film], network, device)[0]
    found = []
    for right in (True, False):
        hand = find_hand(_of(maps, right), right)
        if hand is not None and hand.is_hand:
            hand = _looked_at(hand, pixels, film, network, device)
            if hand is not None:
                found.append(hand)
    if len(found) == 2 and _are_one(*found):
        found = [max(found, key=lambda each: float(each.sure.sum()))]
    return found, film


def lies_turned(pixels: NDArray[np.float32], spacing_mm: Spacing, network: JointNet, device: str) -> int:
    """By how many degrees, counter-clockwise, a film without a hand must be turned to show one; 0 if none does."""
    spacing = np.broadcast_to(1.0 if spacing_mm is None else spacing_mm, (2,))
    best, most = 0, _CLEARLY - 1
    for quarter in (1, 2, 3):
        size = spacing[::-1] if quarter % 2 else spacing
        turned = np.ascontiguousarray(np.rot90(pixels, quarter))
        maps = _maps(turned, [whole(turned.shape, size / size.min())], network, device)[0]
        for right in (True, False):
            hand = find_hand(_of(maps, right), right)
            if hand is not None and hand.seen.sum() > most:
                best, most = 90 * quarter, int(hand.seen.sum())
    return best


def _looked_at(hand: Hand, pixels: NDArray[np.float32], film: Array, network: JointNet, device: str) -> Hand | None:
    """The hand as a closer look shows it; None where that shows none."""
    for _ in range(_LOOKS):
        onto = upright(hand.laid)
        back = np.asarray(np.linalg.inv(onto), dtype=float)
        maps = _maps(pixels, [film @ back], network, device, both_ways=True)[0]
        found = find_hand(_of(maps, hand.right), hand.right)
        if found is None:
            return None
        last, hand = hand, _on_film(found.under(back), pixels.shape, film)
        if not hand.is_hand:
            return None
        if abs(np.log(hand.scale / last.scale)) < _GROWN and abs(hand.turn_deg - last.turn_deg) < _TURNED_DEG:
            break
    return hand


def _on_film(hand: Hand, shape: tuple[int, ...], film: Array) -> Hand:
    """A joint beyond the film's border is not in view, whatever the network makes of it."""
    at = moved(film, hand.points)
    inside = ((at >= -0.5) & (at <= np.array(shape[::-1]) - 0.5)).all(axis=1)
    return replace(hand, sure=np.where(inside, hand.sure, 0.0))


def _are_one(one: Hand, other: Hand) -> bool:
    apart = float(np.hypot(*(one.points.mean(axis=0) - other.points.mean(axis=0))))
    return apart < _SAME * HAND_MM * max(one.scale, other.scale)


def _of(maps: Tensor, right: bool) -> Tensor:
    return maps[len(JOINTS) :] if right else maps[: len(JOINTS)]


def _maps(
    pixels: NDArray[np.float32], to_film: Sequence[Array], network: JointNet, device: str, both_ways: bool = False
) -> Tensor:
    """(B, 28, cells, cells) probabilities; ``both_ways``: the mean of what a square and its mirror image show."""
    import torch

    squares = [sample(pixels, matrix) for matrix in to_film]
    images = torch.from_numpy(np.stack([image for image, _ in squares]))[:, None]
    film = torch.from_numpy(np.stack([inside for _, inside in squares]))[:, None]
    images = normalise(images, film)[:, : network.channels].to(device, memory_format=torch.channels_last)
    with torch.no_grad():
        maps = probabilities(network(images)).cpu()
        if both_ways:
            other = probabilities(network(images.flip(3))).cpu().flip(3)
            maps = (maps + other.roll(len(JOINTS), 1)) / 2
    return maps
