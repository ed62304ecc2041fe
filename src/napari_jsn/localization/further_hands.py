"""Find what lies beside the hands reported: a second exposure of one hand, a third hand, another view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.localization.canvas import whole_view
from napari_jsn.localization.hands import LocatedHand, locate_hand
from napari_jsn.localization.mean_hand import transform_points
from napari_jsn.localization.search import are_same, is_foot, refine_hand
from napari_jsn.localization.views import Array, Box, exposed_box, maps_of_side, predict_maps

if TYPE_CHECKING:
    from napari_jsn.localization.network import JointNet

#: Longer side of the copy of the radiograph that is searched, in pixels.
_LONGER_SIDE = 900
#: Extent of a hand with its wrist, in the coordinates of the mean hand (x towards the thumb), and the margin around its
#: joints, in mm.
_LOW_MM, _HIGH_MM, _AROUND_MM = (-72.0, -82.0), (82.0, 108.0), 20.0
#: A part as large as a hand is searched where more than this share of it shows something else.
_FREE = 0.5
#: Side of a part that is searched, as a share of the longer side of the hand beside it.
_LARGER = 1.2
#: Least number of joints and least mean probability of a further hand.
_LEAST_JOINTS, _LEAST_MEAN = 7, 0.68
#: Further hands, at most.
_MOST = 4
#: Something beside a hand is as large as a hand in another view if, in the rows of the hand and its carpus, it has at
#: least this share of the hand's area and of these rows, and such a width as a share of their number.
_LEAST_AREA, _LEAST_ROWS, _WIDTH = 0.25, 0.6, (0.08, 1.0)
#: It shows bones: the range of its intensities from tissue to bone is at least this share of the hand's.
_LEAST_CONTRAST = 0.4
#: Rows of the carpus, as a share of those of the hand's joints; the filter before the threshold of tissue, in pixels.
_CARPUS, _SMOOTHED_PX = 0.35, 1.5


def further_hands(
    pixels: NDArray[np.float32], hands: Sequence[LocatedHand], to_radiograph: Array, network: JointNet, device: str
) -> list[LocatedHand]:
    """Search a radiograph again with the hands found covered; return the hands that are on it besides.

    Nothing is searched where the radiograph has no room for another hand.

    Parameters
    ----------
    pixels : (H, W) float32 array
    hands : sequence of LocatedHand
        Those found, on the square that shows the whole radiograph.
    to_radiograph : (3, 3) array
        From that square to the radiograph.
    network : JointNet
    device : str
    """
    pixels, to_small = _smaller(pixels)
    to_radiograph = np.asarray(to_small @ to_radiograph)
    exposed = exposed_box(pixels)
    covers = [_cover(hand, to_radiograph, pixels.shape) for hand in hands]
    found: list[LocatedHand] = []
    for _ in range(_MOST):
        views = list(_views(covers, exposed, to_radiograph))
        best: LocatedHand | None = None
        if views:
            uncovered = _without(pixels, covers)
            whole = np.linalg.inv(to_radiograph)
            for view in views:
                maps = predict_maps(uncovered, view, network, device)
                for right in (True, False):
                    hand = locate_hand(maps_of_side(maps, right), right)
                    if hand is None or not hand.is_hand:
                        continue
                    hand = refine_hand(
                        hand.transformed(whole @ view), uncovered, to_radiograph, exposed, network, device
                    )
                    if hand is None or any(are_same(hand, other) for other in (*hands, *found)):
                        continue
                    foot = is_foot(hand, to_radiograph, exposed)
                    if _is_sure(hand) and not foot and (not best or hand.sureness > best.sureness):
                        best = hand
        if best is None:
            break
        found.append(best)
        covers.append(_cover(best, to_radiograph, pixels.shape))
    return found


def is_something_beside(pixels: NDArray[np.float32], hands: Sequence[LocatedHand], to_radiograph: Array) -> bool:
    """Return whether something as large as a hand lies beside the hands, such as a lateral view of one.

    It is a part of tissue and bone that is separated from the hands by air, and no frame around them.

    Parameters
    ----------
    pixels : (H, W) float32 array
    hands : sequence of LocatedHand
        All that were found, on the square that shows the whole radiograph.
    to_radiograph : (3, 3) array
        From that square to the radiograph.
    """
    from skimage.filters import threshold_otsu

    small, to_small = _smaller(pixels)
    to_radiograph = np.asarray(to_small @ to_radiograph)
    covers = [_cover(hand, to_radiograph, small.shape) for hand in hands]
    covered = np.logical_or.reduce(covers)
    smooth = ndimage.gaussian_filter(small, _SMOOTHED_PX)
    limits = np.array(small.shape) - 1
    points = [transform_points(to_radiograph, hand.points)[hand.seen] for hand in hands]
    cells = np.rint(np.concatenate(points)[:, ::-1]).astype(int).clip(0, limits)
    for at, cover in zip(points, covers, strict=True):
        if not cover.any():
            continue
        parts, count = ndimage.label(smooth > threshold_otsu(small[cover], nbins=64))
        own = np.isin(np.arange(count + 1), parts[tuple(cells.T)])
        own[0] = False
        rows = slice(max(0, int(at[:, 1].min())), int(min(at[:, 1].max() + _CARPUS * np.ptp(at[:, 1]), small.shape[0])))
        height = max(1, rows.stop - rows.start)
        area = own[parts[rows]].sum()
        beside = np.bincount(parts[rows][~covered[rows]], minlength=count + 1)
        beside[0] = 0
        if not area:
            continue
        for part in np.flatnonzero((beside >= _LEAST_AREA * area) & ~own):
            inside = (parts == part) & ~covered
            in_rows = inside[rows].any(axis=1).sum()
            is_large = in_rows >= _LEAST_ROWS * height and _WIDTH[0] <= beside[part] / in_rows / height <= _WIDTH[1]
            edges = sum(bool(edge.any()) for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
            contrast = _range(small[inside]) / max(_range(small[own[parts]]), 1e-6)
            if is_large and edges < 3 and contrast >= _LEAST_CONTRAST:
                return True
    return False


def _range(intensities: NDArray[np.float32]) -> float:
    """Return the range from tissue to bone."""
    return float(np.subtract(*np.percentile(intensities, (95, 30)))) if intensities.size else 0.0


def _is_sure(hand: LocatedHand) -> bool:
    count = int(hand.seen.sum())
    return count >= _LEAST_JOINTS and hand.sureness >= _LEAST_MEAN * count and not hand.ambiguous


def _smaller(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], Array]:
    """Return a radiograph of at most about 900 pixels, and the (3, 3) matrix from its pixels to the new ones."""
    import torch
    from torch.nn.functional import avg_pool2d

    block = max(1, round(max(pixels.shape) / _LONGER_SIDE))
    planes = torch.from_numpy(np.ascontiguousarray(pixels))[None, None]
    small = avg_pool2d(planes, block, ceil_mode=True, count_include_pad=False)[0, 0].numpy()
    offset = (1 - block) / 2 / block
    return small, np.array([[1 / block, 0.0, offset], [0.0, 1 / block, offset], [0.0, 0.0, 1.0]])


def _cover(hand: LocatedHand, to_radiograph: Array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels of a hand with its wrist: (H, W)."""
    to_mean = np.linalg.inv(to_radiograph @ np.vstack([hand.from_mean, [0, 0, 1]]))
    side = np.array([-1.0, 1.0]) if hand.right else np.array([1.0, 1.0])
    joints = side * transform_points(to_mean, transform_points(to_radiograph, hand.points))
    low = np.minimum(_LOW_MM, joints.min(axis=0) - _AROUND_MM)
    high = np.maximum(_HIGH_MM, joints.max(axis=0) + _AROUND_MM)
    rows, cols = np.indices(shape)
    at = side * transform_points(to_mean, np.stack([cols, rows], axis=-1))
    return np.asarray(((at >= low) & (at <= high)).all(axis=-1))


def _without(pixels: NDArray[np.float32], covers: Sequence[NDArray[np.bool_]]) -> NDArray[np.float32]:
    """Return a radiograph whose covered parts have the median intensity of what surrounds them."""
    pixels = pixels.copy()
    for cover in covers:
        around = ndimage.binary_dilation(cover, iterations=3) & ~np.logical_or.reduce(covers)
        pixels[cover] = np.median(pixels[around]) if around.any() else np.median(pixels)
    return pixels


def _views(covers: Sequence[NDArray[np.bool_]], exposed: Box, to_radiograph: Array) -> Iterator[Array]:
    """Yield matrices from the square to the radiograph: parts beside each hand with room for another one; the whole.

    Nothing is yielded where there is no such part.
    """
    covered = np.logical_or.reduce(covers)
    top, left, bottom, right = exposed
    size = np.diag(to_radiograph)[:2].max() / np.diag(to_radiograph)[:2]  # of a pixel, relative to the finer direction
    room = False
    for cover in covers:
        rows, cols = (np.flatnonzero(cover.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            continue
        height, width = rows[-1] - rows[0] + 1, cols[-1] - cols[0] + 1
        middle = np.array([rows[0] + rows[-1], cols[0] + cols[-1]]) / 2
        for step in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            row, col = middle + np.array(step) * (height, width)
            row0, col0 = max(int(row - height / 2), top), max(int(col - width / 2), left)
            row1, col1 = min(int(row + height / 2), bottom), min(int(col + width / 2), right)
            if row1 <= row0 or col1 <= col0:
                continue
            if (~covered[row0:row1, col0:col1]).sum() < _FREE * height * width:
                continue
            room = True
            side = int(_LARGER * max(height, width))
            offset = np.eye(3)
            offset[:2, 2] = (col0 + col1 - side) / 2, (row0 + row1 - side) / 2
            yield np.asarray(offset @ whole_view((side, side), size[::-1]))
    if room:
        offset = np.eye(3)
        offset[:2, 2] = left, top
        yield np.asarray(offset @ whole_view((bottom - top, right - left), size[::-1]))
