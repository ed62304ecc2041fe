"""Films to learn from, made of the hands at hand: turned, scaled, cut, covered, two on one film, or none.

Every scene is one square as the network sees it, the part of it that is film, and where the joints are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.canvas import UPRIGHT_PX, sample, upright
from napari_jsn.localization.network import SIDE
from napari_jsn.localization.shape import fit, mean_hand, moved
from napari_jsn.localization.training.data import SCALE, HandFilm

Array = NDArray[np.float64]

#: How often a scene shows one hand on a film, one laid upright as at the second look, two, and none.
_KINDS = {"film": 0.55, "upright": 0.25, "two": 0.13, "none": 0.07}
#: Pixels a mm of an average adult's hand: of a hand on a film, and of a part of one that is no hand any more.
_SIZES, _TOO_LARGE = (0.45, 1.6), (3.0, 8.0)
_MIRROR = np.diag([-1.0, 1.0, 1.0])
_COUNT = len(JOINTS)


@dataclass(frozen=True)
class Scene:
    """One square to learn from.

    Attributes
    ----------
    image : (S, S) float32 array
        Grey levels in about [0, 1].
    film : (S, S) bool array
        Where the film is; beyond it nothing is known.
    points : (28, 2) array
        ``(x, y)`` of the joints of a left hand, then of a right one; NaN where not in view.
    label_mm : (28,) array
        How far off each may be, in mm of an average adult's hand.
    px_mm : float
        Pixels a mm of an average adult's hand.
    """

    image: NDArray[np.float32] = field(repr=False)
    film: NDArray[np.bool_] = field(repr=False)
    points: Array = field(repr=False)
    label_mm: Array = field(repr=False)
    px_mm: float = 1.0


def scene(films: Sequence[HandFilm], chosen: int, rng: np.random.Generator, kind: str | None = None) -> Scene:
    """Draw a scene around one of the films; a second hand is any other."""
    kind = kind or str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    if kind == "none":
        return _without_hand(films[chosen], rng)
    made = _two(films, chosen, rng) if kind == "two" else _one(films[chosen], rng, kind)
    return _furnished(made, rng)


def _one(hand: HandFilm, rng: np.random.Generator, kind: str) -> Scene:
    mirror = bool(rng.random() < 0.5)
    if kind == "upright":
        film_rect = _cut(hand, rng)
        onto = _jittered_upright(hand, mirror, rng)
        image, inside = sample(_grey(hand), np.linalg.inv(onto), SIDE, film_rect)
        return _finished(image, inside, hand, onto, mirror)
    size = float(np.exp(rng.uniform(*np.log(_SIZES))))
    turn = float(rng.uniform(-60, 60) if rng.random() < 0.6 else rng.normal(0, 12))
    rect = _film_rect(rng)
    onto = _placed(hand, mirror, size, turn, rect, rng)
    image = _laid(hand, onto, rng)
    return _finished(image, _within(rect), hand, onto, mirror)


def _two(films: Sequence[HandFilm], chosen: int, rng: np.random.Generator) -> Scene:
    """A left and a right hand side by side, either way round, on one film that is wider than high."""
    hands = [films[chosen], films[int(rng.integers(len(films)))]]
    height = int(rng.uniform(0.6, 1.0) * SIDE)
    top = (SIDE - height) // 2
    middle = int(SIDE * rng.uniform(0.46, 0.54))
    rects = [(top, 0, top + height, middle), (top, middle, top + height, SIDE)]
    lefts = rng.permutation([True, False])
    images, points = [], np.full((2 * _COUNT, 2), np.nan)
    labels = np.ones(2 * _COUNT)
    size = float(rng.uniform(0.5, 0.85))
    slope = rng.normal(0, 0.05)
    for hand, left, rect in zip(hands, lefts, rects, strict=True):
        onto = _placed(hand, not left, size * float(np.exp(rng.normal(0, 0.04))), float(rng.normal(0, 12)), rect, rng)
        images.append(_laid(hand, onto, rng))
        part = _finished(images[-1], np.ones((SIDE, SIDE), bool), hand, onto, not left)
        this = slice(0, _COUNT) if left else slice(_COUNT, 2 * _COUNT)
        points[this], labels[this] = part.points[this], part.label_mm[this]
    cols = np.arange(SIDE)[None, :] - middle - slope * (np.arange(SIDE)[:, None] - SIDE / 2)
    image = np.where(cols < 0, images[0], images[1])
    film = _within((top, 0, top + height, SIDE))
    for which, sign in (0, -1), (1, 1):  # what the seam cuts off is not there
        keep = slice(0, _COUNT) if lefts[which] else slice(_COUNT, 2 * _COUNT)
        at = points[keep]
        beyond = sign * (at[:, 0] - middle - slope * (at[:, 1] - SIDE / 2)) < 0
        points[keep] = np.where(beyond[:, None], np.nan, at)
    return Scene(image, film, _seen(points, film), labels, size)


def _without_hand(hand: HandFilm, rng: np.random.Generator) -> Scene:
    """Noise, a blank film, a small part of a hand at great size, or one in pieces."""
    kind = int(rng.integers(4))
    rect = _film_rect(rng)
    if kind == 0:
        coarse = rng.normal(0.4, 0.2, (SIDE // 16, SIDE // 16)).astype(np.float32)
        image = np.kron(coarse, np.ones((16, 16), np.float32))
    elif kind == 1:
        image = np.full((SIDE, SIDE), rng.random(), np.float32) + np.linspace(0, rng.normal(0, 0.3), SIDE)
    elif kind == 2:
        size = float(np.exp(rng.uniform(*np.log(_TOO_LARGE))))
        onto = _placed(hand, False, size, float(rng.uniform(-60, 60)), rect, rng, cut=1.0)
        image = _laid(hand, onto, rng)
    else:
        onto = _placed(hand, False, 1.2, float(rng.uniform(-60, 60)), (0, 0, SIDE, SIDE), rng)
        whole, n = _laid(hand, onto, rng), SIDE // 4
        tiles = [whole[n * r : n * (r + 1), n * c : n * (c + 1)] for r in range(4) for c in range(4)]
        order = rng.permutation(16)
        image = np.vstack([np.hstack([tiles[k] for k in order[4 * r : 4 * r + 4]]) for r in range(4)])
    nothing = Scene(image.astype(np.float32), _within(rect), np.full((2 * _COUNT, 2), np.nan), np.ones(2 * _COUNT))
    return _furnished(nothing, rng)


def _grey(hand: HandFilm) -> NDArray[np.float32]:
    return hand.image.astype(np.float32) / np.float32(255)


def _film_rect(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of a film on the square: as long as it, often higher than wide, in the middle."""
    short = int(SIDE * rng.uniform(0.5, 1.0))
    low = (SIDE - short) // 2
    return (0, low, SIDE, low + short) if rng.random() < 0.7 else (low, 0, low + short, SIDE)


def _within(rect: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    film = np.zeros((SIDE, SIDE), bool)
    film[rect[0] : rect[2], rect[1] : rect[3]] = True
    return film


def _placed(
    hand: HandFilm,
    mirror: bool,
    size: float,
    turn_deg: float,
    rect: tuple[int, int, int, int],
    rng: np.random.Generator,
    cut: float = 0.3,
) -> Array:
    """3 x 3 matrix from the hand's film to the square; ``cut``: how often the hand need not fit into the film."""
    turn, scale = np.deg2rad(turn_deg), size / SCALE
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    onto = np.eye(3)
    onto[:2, :2] = linear
    onto = onto @ (_MIRROR if mirror else np.eye(3))
    points = moved(onto, hand.points[np.isfinite(hand.points).all(axis=1)])
    low, high = points.min(axis=0), points.max(axis=0)
    start, end = np.array([rect[1], rect[0]]), np.array([rect[3], rect[2]])
    rim = min(10.0 * size, 8.0)
    least, most = start + rim - low, end - rim - high  # shifts that keep the joints on the film
    if rng.random() < cut:
        shift = (start + end) / 2 - (low + high) / 2 + rng.uniform(-0.5, 0.5, 2) * (end - start)
    else:
        least, most = np.minimum(least, most), np.maximum(least, most)
        shift = rng.uniform(least, most)
    onto[:2, 2] += shift
    return onto


def _jittered_upright(hand: HandFilm, mirror: bool, rng: np.random.Generator) -> Array:
    """As the second look lays a hand, had the first one been a little wrong."""
    known = np.isfinite(hand.points).all(axis=1)
    flip = _MIRROR if mirror else np.eye(3)
    found = fit(mean_hand()[known], hand.points[known], np.ones(known.sum()))
    exact = upright(found)
    turn, grown = np.deg2rad(rng.normal(0, 8)), float(np.exp(rng.normal(0, 0.09)))
    wobble = np.eye(3)
    wobble[:2, :2] = grown * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    centre = np.array([SIDE / 2, SIDE / 2])
    wobble[:2, 2] = centre - wobble[:2, :2] @ centre + rng.normal(0, 5 * UPRIGHT_PX, 2)
    across = np.eye(3)
    across[0, 2] = SIDE - 1
    return np.asarray(wobble @ (across @ flip if mirror else np.eye(3)) @ exact)


def _cut(hand: HandFilm, rng: np.random.Generator) -> tuple[float, float, float, float] | None:
    """Now and then only a part of the film: top, left, bottom, right in its pixels."""
    rows, cols = hand.image.shape
    rect = [0.0, 0.0, float(rows), float(cols)]
    if rng.random() < 0.4:
        side = int(rng.integers(4))
        known = hand.points[np.isfinite(hand.points).all(axis=1)][:, ::-1]
        low, high = known.min(axis=0), known.max(axis=0)
        at = rng.uniform(low, high)
        rect[side] = float(at[side % 2] if rng.random() < 0.7 else [low, low, high, high][side][side % 2])
        if rect[2] - rect[0] < 40 or rect[3] - rect[1] < 40:
            return None
    return rect[0], rect[1], rect[2], rect[3]


def _laid(hand: HandFilm, onto: Array, rng: np.random.Generator) -> NDArray[np.float32]:
    """The hand's film on the square; beyond its border the border goes on, or an even grey."""
    image, inside = sample(_grey(hand), np.linalg.inv(onto), SIDE)
    if rng.random() < 0.5:
        rim = np.concatenate([hand.image[0], hand.image[:, 0], hand.image[:, -1]]) / 255
        image = np.where(inside, image, rng.choice([0.0, 1.0, np.median(rim), rng.random()], p=[0.4, 0.1, 0.4, 0.1]))
    return image.astype(np.float32)


def _finished(image: NDArray[np.float32], film: NDArray[np.bool_], hand: HandFilm, onto: Array, mirror: bool) -> Scene:
    points, labels = np.full((2 * _COUNT, 2), np.nan), np.ones(2 * _COUNT)
    this = slice(_COUNT, 2 * _COUNT) if mirror else slice(0, _COUNT)
    points[this], labels[this] = moved(onto, hand.points), hand.label_mm
    px_mm = SCALE * float(np.sqrt(abs(np.linalg.det(onto[:2, :2]))))
    return Scene(image, film, _seen(points, film), labels, px_mm)


def _seen(points: Array, seen: NDArray[np.bool_]) -> Array:
    """Points that lie where something is seen; the others NaN."""
    at = np.nan_to_num(np.rint(points), nan=-1.0).astype(int)
    inside = ((at >= 0) & (at < SIDE)).all(axis=1)
    at = at.clip(0, SIDE - 1)
    return np.where((inside & seen[at[:, 1], at[:, 0]])[:, None], points, np.nan)


def _furnished(made: Scene, rng: np.random.Generator) -> Scene:
    """Add what lies on films: collimation, frames, plates with letters, rings."""
    image, open_ = made.image.copy(), np.ones((SIDE, SIDE), bool)
    rows, cols = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    if rng.random() < 0.25:  # a pale hand between bright things
        image = image * rng.uniform(0.2, 0.7) + rng.uniform(0, 0.3)
    if rng.random() < 0.12:
        _ring(image, made.points, rows, cols, rng)
    inside = np.argwhere(made.film)
    top, left, bottom, right = (*inside.min(axis=0), *(inside.max(axis=0) + 1)) if len(inside) else (0, 0, SIDE, SIDE)
    for _ in range(int(rng.choice([0, 1, 2, 3, 4], p=[0.45, 0.2, 0.15, 0.1, 0.1]))):
        _plate(image, (top, left, bottom, right), made.points, rng)
    if rng.random() < 0.35:
        value, line = float(rng.choice([0.0, 1.0, rng.random()])), float(rng.random())
        tilt = np.deg2rad(rng.normal(0, 4))
        across, down = cols * np.cos(tilt) + rows * np.sin(tilt), rows * np.cos(tilt) - cols * np.sin(tilt)
        width, height = right - left, bottom - top
        wide = 0.08 if rng.random() < 0.7 else 0.2
        edges = ((across - left, width), (right - across, width), (down - top, height), (bottom - down, height))
        for distance, extent in edges:
            if rng.random() < 0.6:
                depth = abs(rng.normal(0, wide)) * extent
                image[distance < depth] = value
                if line < 0.5:
                    image[np.abs(distance - depth) < rng.uniform(0.7, 2.5)] = 1.0 if value < 0.5 or line < 0.4 else 0.0
                open_ &= distance >= depth
    return Scene(image, made.film, _seen(made.points, open_), made.label_mm, made.px_mm)


def _plate(
    image: NDArray[np.float32], rect: tuple[int, int, int, int], points: Array, rng: np.random.Generator
) -> None:
    """A plate or bright strokes, away from the joints."""
    top, left, bottom, right = rect
    height, width = (int(v) for v in rng.integers(6, 40, 2))
    row, col = (
        int(rng.integers(top, max(top + 1, bottom - height))),
        int(rng.integers(left, max(left + 1, right - width))),
    )
    at = points[np.isfinite(points).all(axis=1)]
    if (
        len(at)
        and (np.abs(at - (col + width / 2, row + height / 2)) < (width / 2 + 8, height / 2 + 8)).all(axis=1).any()
    ):
        return
    part = image[row : row + height, col : col + width]
    if rng.random() < 0.5:
        part += rng.uniform(-0.2, 0.4)
    for _ in range(int(rng.integers(1, 7))):
        r, c = int(rng.integers(height)), int(rng.integers(width))
        long, thick = int(rng.integers(4, 20)), int(rng.integers(1, 4))
        high, wide = (long, thick) if rng.random() < 0.5 else (thick, long)
        part[r : r + high, c : c + wide] = rng.uniform(0.8, 1.0)


def _ring(
    image: NDArray[np.float32], points: Array, rows: NDArray[np.float32], cols: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """A bright band across a finger's first phalanx."""
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
