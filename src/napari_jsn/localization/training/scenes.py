"""Make random training scenes from labelled hands.

A scene is a square input image of the network, a mask of the radiograph on it, and the positions of the joints. It
shows one hand, two hands or no hand; a hand may be rotated, scaled, partly outside the radiograph or partly covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.canvas import UPRIGHT_PX, sample_square, upright_view
from napari_jsn.localization.mean_hand import fit_similarity, mean_hand, transform_points
from napari_jsn.localization.network import SIDE
from napari_jsn.localization.training.data import SCALE, TrainingHand

Array = NDArray[np.float64]

#: Probability of each kind of scene: the whole radiograph of one hand, an upright view of one hand, two hands, no hand.
_KINDS = {"whole": 0.55, "upright": 0.25, "two": 0.13, "none": 0.07}
#: Ranges of the scale in pixels per mm of an average adult's hand: for a hand, and for a part of a hand that is so
#: magnified that it cannot be recognised.
_SIZES, _TOO_LARGE = (0.45, 1.6), (3.0, 8.0)
_MIRROR = np.diag([-1.0, 1.0, 1.0])
_COUNT = len(JOINTS)


@dataclass(frozen=True)
class Scene:
    """One square to train on.

    Attributes
    ----------
    image : (S, S) float32 array
        Intensities in about [0, 1].
    inside : (S, S) bool array
        Pixels that the radiograph covers.
    points : (28, 2) array
        ``(x, y)`` of the joints of the left hand, then of the right hand; NaN for joints that are not visible.
    label_mm : (28,) array
        Error of each label, in mm of an average adult's hand.
    px_mm : float
        Pixels per mm of an average adult's hand.
    """

    image: NDArray[np.float32] = field(repr=False)
    inside: NDArray[np.bool_] = field(repr=False)
    points: Array = field(repr=False)
    label_mm: Array = field(repr=False)
    px_mm: float = 1.0


def draw_scene(hands: Sequence[TrainingHand], chosen: int, rng: np.random.Generator, kind: str | None = None) -> Scene:
    """Return a random scene with a chosen hand; a second hand is chosen at random.

    Parameters
    ----------
    hands : sequence of TrainingHand
    chosen : int
        Index of the hand.
    rng : numpy.random.Generator
    kind : {"whole", "upright", "two", "none"}, optional
        By default chosen at random.
    """
    kind = kind or str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    if kind == "none":
        return _scene_without_hand(hands[chosen], rng)
    scene = _scene_of_two(hands, chosen, rng) if kind == "two" else _scene_of_one(hands[chosen], rng, kind)
    return _with_objects(scene, rng)


def draw_scene_of_foot(foot: TrainingHand, rng: np.random.Generator) -> Scene:
    """Return a random scene with a foot, placed as a hand would be: no joint is visible."""
    scene = _with_objects(_scene_of_one(foot, rng, "upright" if rng.random() < 0.5 else "whole"), rng)
    return replace(scene, points=np.full_like(scene.points, np.nan))


def _scene_of_one(hand: TrainingHand, rng: np.random.Generator, kind: str) -> Scene:
    mirror = bool(rng.random() < 0.5)
    if kind == "upright":
        part = _random_part(hand, rng)
        to_square = _random_upright(hand, mirror, rng)
        image, inside = sample_square(_intensities(hand), np.linalg.inv(to_square), SIDE, part)
        return _labelled(image, inside, hand, to_square, mirror)
    size = float(np.exp(rng.uniform(*np.log(_SIZES))))
    rotation_deg = float(rng.uniform(-60, 60) if rng.random() < 0.6 else rng.normal(0, 12))
    rect = _random_rect(rng)
    to_square = _random_placement(hand, mirror, size, rotation_deg, rect, rng)
    image = _on_square(hand, to_square, rng)
    return _labelled(image, _mask_of(rect), hand, to_square, mirror)


def _scene_of_two(hands: Sequence[TrainingHand], chosen: int, rng: np.random.Generator) -> Scene:
    """Return a scene with a left and a right hand side by side, in random order, on a radiograph wider than high."""
    both = [hands[chosen], hands[int(rng.integers(len(hands)))]]
    height = int(rng.uniform(0.6, 1.0) * SIDE)
    top = (SIDE - height) // 2
    middle = int(SIDE * rng.uniform(0.46, 0.54))
    rects = [(top, 0, top + height, middle), (top, middle, top + height, SIDE)]
    are_left = rng.permutation([True, False])
    images, points = [], np.full((2 * _COUNT, 2), np.nan)
    labels = np.ones(2 * _COUNT)
    size = float(rng.uniform(0.5, 0.85))
    slope = rng.normal(0, 0.05)
    for hand, left, rect in zip(both, are_left, rects, strict=True):
        own_size, rotation_deg = size * float(np.exp(rng.normal(0, 0.04))), float(rng.normal(0, 12))
        to_square = _random_placement(hand, not left, own_size, rotation_deg, rect, rng)
        images.append(_on_square(hand, to_square, rng))
        part = _labelled(images[-1], np.ones((SIDE, SIDE), bool), hand, to_square, not left)
        own = slice(0, _COUNT) if left else slice(_COUNT, 2 * _COUNT)
        points[own], labels[own] = part.points[own], part.label_mm[own]
    cols = np.arange(SIDE)[None, :] - middle - slope * (np.arange(SIDE)[:, None] - SIDE / 2)
    image = np.where(cols < 0, images[0], images[1])
    inside = _mask_of((top, 0, top + height, SIDE))
    for which, sign in (0, -1), (1, 1):  # joints beyond the border between the two hands are not visible
        own = slice(0, _COUNT) if are_left[which] else slice(_COUNT, 2 * _COUNT)
        xy = points[own]
        beyond = sign * (xy[:, 0] - middle - slope * (xy[:, 1] - SIDE / 2)) < 0
        points[own] = np.where(beyond[:, None], np.nan, xy)
    return Scene(image, inside, _visible(points, inside), labels, size)


def _scene_without_hand(hand: TrainingHand, rng: np.random.Generator) -> Scene:
    """Return a scene of noise, an empty radiograph, a magnified part of a hand, or shuffled tiles of a hand."""
    kind = int(rng.integers(4))
    rect = _random_rect(rng)
    if kind == 0:
        coarse = rng.normal(0.4, 0.2, (SIDE // 16, SIDE // 16)).astype(np.float32)
        image = np.kron(coarse, np.ones((16, 16), np.float32))
    elif kind == 1:
        image = np.full((SIDE, SIDE), rng.random(), np.float32) + np.linspace(0, rng.normal(0, 0.3), SIDE)
    elif kind == 2:
        size = float(np.exp(rng.uniform(*np.log(_TOO_LARGE))))
        to_square = _random_placement(hand, False, size, float(rng.uniform(-60, 60)), rect, rng, cut=1.0)
        image = _on_square(hand, to_square, rng)
    else:
        to_square = _random_placement(hand, False, 1.2, float(rng.uniform(-60, 60)), (0, 0, SIDE, SIDE), rng)
        whole, n = _on_square(hand, to_square, rng), SIDE // 4
        tiles = [whole[n * r : n * (r + 1), n * c : n * (c + 1)] for r in range(4) for c in range(4)]
        order = rng.permutation(16)
        image = np.vstack([np.hstack([tiles[k] for k in order[4 * r : 4 * r + 4]]) for r in range(4)])
    points, labels = np.full((2 * _COUNT, 2), np.nan), np.ones(2 * _COUNT)
    return _with_objects(Scene(image.astype(np.float32), _mask_of(rect), points, labels), rng)


def _intensities(hand: TrainingHand) -> NDArray[np.float32]:
    return hand.image.astype(np.float32) / np.float32(255)


def _random_rect(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) of a radiograph in the centre of the square; 70 % are higher than wide."""
    short = int(SIDE * rng.uniform(0.5, 1.0))
    start = (SIDE - short) // 2
    return (0, start, SIDE, start + short) if rng.random() < 0.7 else (start, 0, start + short, SIDE)


def _mask_of(rect: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[rect[0] : rect[2], rect[1] : rect[3]] = True
    return mask


def _random_placement(
    hand: TrainingHand,
    mirror: bool,
    size: float,
    rotation_deg: float,
    rect: tuple[int, int, int, int],
    rng: np.random.Generator,
    cut: float = 0.3,
) -> Array:
    """Return a random 3 x 3 matrix from the hand's image to the square.

    With probability ``cut``, joints may lie outside the rectangle ``rect``.
    """
    angle, scale = np.deg2rad(rotation_deg), size / SCALE
    to_square = np.eye(3)
    to_square[:2, :2] = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    to_square = to_square @ (_MIRROR if mirror else np.eye(3))
    points = transform_points(to_square, hand.points[np.isfinite(hand.points).all(axis=1)])
    low, high = points.min(axis=0), points.max(axis=0)
    start, end = np.array([rect[1], rect[0]]), np.array([rect[3], rect[2]])
    margin = min(10.0 * size, 8.0)
    least, most = start + margin - low, end - margin - high  # translations that keep the joints inside
    if rng.random() < cut:
        translation = (start + end) / 2 - (low + high) / 2 + rng.uniform(-0.5, 0.5, 2) * (end - start)
    else:
        least, most = np.minimum(least, most), np.maximum(least, most)
        translation = rng.uniform(least, most)
    to_square[:2, 2] += translation
    return to_square


def _random_upright(hand: TrainingHand, mirror: bool, rng: np.random.Generator) -> Array:
    """Return the matrix of an upright view with random errors of rotation, scale and position.

    The errors are like those of the hand's position that is found on the whole radiograph.
    """
    known = np.isfinite(hand.points).all(axis=1)
    exact = upright_view(fit_similarity(mean_hand()[known], hand.points[known], np.ones(known.sum())))
    angle, scale = np.deg2rad(rng.normal(0, 8)), float(np.exp(rng.normal(0, 0.09)))
    error = np.eye(3)
    error[:2, :2] = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([SIDE / 2, SIDE / 2])
    error[:2, 2] = centre - error[:2, :2] @ centre + rng.normal(0, 5 * UPRIGHT_PX, 2)
    mirrored = _MIRROR.copy()
    mirrored[0, 2] = SIDE - 1
    return np.asarray(error @ (mirrored if mirror else np.eye(3)) @ exact)


def _random_part(hand: TrainingHand, rng: np.random.Generator) -> tuple[float, float, float, float] | None:
    """Return the part of the image to show as (top, left, bottom, right) in pixels; in most cases all of it."""
    rows, cols = hand.image.shape
    rect = [0.0, 0.0, float(rows), float(cols)]
    if rng.random() < 0.4:
        side = int(rng.integers(4))
        known = hand.points[np.isfinite(hand.points).all(axis=1)][:, ::-1]
        low, high = known.min(axis=0), known.max(axis=0)
        cut = rng.uniform(low, high)
        rect[side] = float(cut[side % 2] if rng.random() < 0.7 else [low, low, high, high][side][side % 2])
        if rect[2] - rect[0] < 40 or rect[3] - rect[1] < 40:
            return None
    return rect[0], rect[1], rect[2], rect[3]


def _on_square(hand: TrainingHand, to_square: Array, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the hand's image on the square; outside the image, the border is repeated or the intensity is constant."""
    image, inside = sample_square(_intensities(hand), np.linalg.inv(to_square), SIDE)
    if rng.random() < 0.5:
        border = np.concatenate([hand.image[0], hand.image[:, 0], hand.image[:, -1]]) / 255
        value = rng.choice([0.0, 1.0, np.median(border), rng.random()], p=[0.4, 0.1, 0.4, 0.1])
        image = np.where(inside, image, value)
    return image.astype(np.float32)


def _labelled(
    image: NDArray[np.float32], inside: NDArray[np.bool_], hand: TrainingHand, to_square: Array, mirror: bool
) -> Scene:
    """Return a scene of one hand with the positions of its joints."""
    points, labels = np.full((2 * _COUNT, 2), np.nan), np.ones(2 * _COUNT)
    own = slice(_COUNT, 2 * _COUNT) if mirror else slice(0, _COUNT)
    points[own], labels[own] = transform_points(to_square, hand.points), hand.label_mm
    px_mm = SCALE * float(np.sqrt(abs(np.linalg.det(to_square[:2, :2]))))
    return Scene(image, inside, _visible(points, inside), labels, px_mm)


def _visible(points: Array, mask: NDArray[np.bool_]) -> Array:
    """Return the points; those outside the mask are NaN."""
    pixels = np.nan_to_num(np.rint(points), nan=-1.0).astype(int)
    inside = ((pixels >= 0) & (pixels < SIDE)).all(axis=1)
    pixels = pixels.clip(0, SIDE - 1)
    return np.where((inside & mask[pixels[:, 1], pixels[:, 0]])[:, None], points, np.nan)


def _with_objects(scene: Scene, rng: np.random.Generator) -> Scene:
    """Return the scene with random objects: collimator edges, frames, marker plates and strokes, finger rings."""
    image, uncovered = scene.image.copy(), np.ones((SIDE, SIDE), bool)
    rows, cols = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    if rng.random() < 0.25:  # lower contrast of the hand than of the objects added below
        image = image * rng.uniform(0.2, 0.7) + rng.uniform(0, 0.3)
    if rng.random() < 0.12:
        _add_ring(image, scene.points, rows, cols, rng)
    inside = np.argwhere(scene.inside)
    top, left, bottom, right = (*inside.min(axis=0), *(inside.max(axis=0) + 1)) if len(inside) else (0, 0, SIDE, SIDE)
    for _ in range(int(rng.choice([0, 1, 2, 3, 4], p=[0.45, 0.2, 0.15, 0.1, 0.1]))):
        _add_plate(image, (top, left, bottom, right), scene.points, rng)
    if rng.random() < 0.35:
        value, line = float(rng.choice([0.0, 1.0, rng.random()])), float(rng.random())
        tilt = np.deg2rad(rng.normal(0, 4))
        across, down = cols * np.cos(tilt) + rows * np.sin(tilt), rows * np.cos(tilt) - cols * np.sin(tilt)
        width, height = right - left, bottom - top
        depth_sd = 0.08 if rng.random() < 0.7 else 0.2
        edges = ((across - left, width), (right - across, width), (down - top, height), (bottom - down, height))
        for distance, extent in edges:
            if rng.random() < 0.6:
                depth = abs(rng.normal(0, depth_sd)) * extent
                image[distance < depth] = value
                if line < 0.5:
                    image[np.abs(distance - depth) < rng.uniform(0.7, 2.5)] = 1.0 if value < 0.5 or line < 0.4 else 0.0
                uncovered &= distance >= depth
    return Scene(image, scene.inside, _visible(scene.points, uncovered), scene.label_mm, scene.px_mm)


def _add_plate(
    image: NDArray[np.float32], rect: tuple[int, int, int, int], points: Array, rng: np.random.Generator
) -> None:
    """Draw a marker plate or bright strokes into the image, unless they would lie near a joint."""
    top, left, bottom, right = rect
    height, width = (int(v) for v in rng.integers(6, 40, 2))
    row = int(rng.integers(top, max(top + 1, bottom - height)))
    col = int(rng.integers(left, max(left + 1, right - width)))
    joints = points[np.isfinite(points).all(axis=1)]
    distance = np.abs(joints - (col + width / 2, row + height / 2))
    if (distance < (width / 2 + 8, height / 2 + 8)).all(axis=1).any():
        return
    part = image[row : row + height, col : col + width]
    if rng.random() < 0.5:
        part += rng.uniform(-0.2, 0.4)
    for _ in range(int(rng.integers(1, 7))):
        r, c = int(rng.integers(height)), int(rng.integers(width))
        length, thickness = int(rng.integers(4, 20)), int(rng.integers(1, 4))
        high, wide = (length, thickness) if rng.random() < 0.5 else (thickness, length)
        part[r : r + high, c : c + wide] = rng.uniform(0.8, 1.0)


def _add_ring(
    image: NDArray[np.float32], points: Array, rows: NDArray[np.float32], cols: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Draw a ring into the image: a bright band across the proximal phalanx of a random finger."""
    fingers = [k for k in range(2 * _COUNT) if JOINTS[k % _COUNT][:3] == "MCP" and np.isfinite(points[k : k + 2]).all()]
    if not fingers:
        return
    k = int(rng.choice(fingers))
    along = points[k + 1] - points[k]
    length = float(np.hypot(*along))
    if length < 4:
        return
    along /= length
    middle = points[k] + rng.uniform(0.35, 0.65) * length * along
    x, y = cols - middle[0], rows - middle[1]
    down, across = x * along[0] + y * along[1], y * along[0] - x * along[1]
    band = (np.abs(down + 0.004 * across**2) < rng.uniform(0.03, 0.07) * length) & (np.abs(across) < 0.26 * length)
    image[band] = rng.uniform(0.85, 1.0)
