"""Form of a hand's soft tissue: its outline and its thickness.

Each ray is a polyline with half widths along it. Palm, webs, carpus and forearm are capsules between such lines. A
smooth union joins all parts. The form is computed on a coarse grid, because it has no detail below about 2 mm;
:mod:`napari_jsn.simulation.tissue.soft_tissue` adds the detail (edge of the skin, texture) on the pixels.

Half widths were measured on radiographs of five hands with landmarks (Digital Hand Atlas) and scaled to a third
metacarpal of 62 mm. Thicknesses are 0.75 to 0.95 of a finger's width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.float32]
Point = NDArray[np.float64]
Rays = Mapping[int, NDArray[np.floating]]
Wrist = Mapping[str, NDArray[np.floating]]
Grid = tuple[Array, Array]
Bounds = tuple[float, float, float, float]

#: Distance between the nodes of the coarse grid, and number of nodes beyond the image.
STEP_MM, PAD = 0.8, 2
#: Length of the smooth transition between parts at the skin, and in the frame of the texture.
_UNION_MM, _FRAME_MM = 1.1, 3.0

#: Length from MCP to the end of the bone, in mm, of the hands on which the half widths were measured.
_REFERENCE_MM = {1: 49.0, 2: 75.0, 3: 84.0, 4: 80.0, 5: 62.0}

_FINGER_KNOTS = (0, 0.5, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 3.75, 4)
_THUMB_KNOTS = (0, 0.5, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3)
#: Half widths in mm at the knots; a knot is a position in numbers of bones from the carpus.
_HALF_WIDTH = {
    1: (13.0, 12.5, 10.8, 9.8, 9.5, 9.4, 9.6, 9.4, 8.6, 7.6, 6.2),
    2: (12.0, 11.8, 11.2, 10.2, 9.4, 9.0, 8.8, 8.3, 7.8, 7.6, 7.8, 7.7, 7.5, 7.0, 5.9),
    3: (12.0, 11.5, 10.8, 10.0, 9.3, 9.0, 9.0, 8.5, 8.0, 7.6, 7.8, 7.8, 7.7, 7.3, 6.2),
    4: (12.0, 11.0, 10.2, 9.2, 8.7, 8.3, 8.3, 7.9, 7.3, 7.0, 7.3, 7.3, 7.2, 6.9, 5.9),
    5: (12.5, 11.5, 9.4, 8.6, 7.8, 7.4, 7.2, 6.8, 6.6, 6.5, 6.8, 6.7, 6.4, 5.9, 4.7),
}
#: Half the difference of the widths on the thumb's side of the line and on the other, at the same knots.
_SKEW = {
    1: (1.0, 1.0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0),
    5: (-2.5, -2.5, -1.0, -0.5, *[0] * 11),
}
#: Thickness along the beam in mm, at the same knots.
_DEPTH = {
    1: (27.0, 25.0, 20.0, 17.5, 16.5, 16.0, 16.0, 15.0, 13.5, 11.5, 9.0),
    2: (28.0, 26.0, 24.0, 19.5, 17.5, 16.3, 16.0, 14.6, 13.6, 13.0, 12.8, 12.5, 11.8, 10.6, 8.6),
    3: (29.0, 26.5, 24.5, 20.0, 18.0, 16.8, 16.5, 15.0, 14.0, 13.3, 13.2, 12.8, 12.1, 10.8, 8.8),
    4: (28.5, 25.5, 23.5, 19.0, 17.0, 16.0, 15.7, 14.4, 13.4, 12.7, 12.5, 12.2, 11.5, 10.3, 8.4),
    5: (28.0, 25.0, 21.5, 17.0, 15.0, 14.0, 13.7, 12.6, 11.8, 11.2, 11.2, 10.9, 10.3, 9.2, 7.4),
}
#: Length of the skin beyond the end of the bone, in mm.
_PULP_MM = {1: 4.8, 2: 3.8, 3: 4.2, 4: 4.0, 5: 3.1}


@dataclass(frozen=True)
class HandBuild:
    """Deviation of one person's hand from the mean hand; factors of 1 are the mean.

    Attributes
    ----------
    width, depth : float
        Factors of all half widths and thicknesses.
    taper : float
        Added to the factor of half widths at the tips, subtracted at the MCP joints.
    knuckles : float
        Half width added at each interphalangeal joint, in mm.
    web : float
        Distal end of the webs, as a share of the proximal phalanges.
    muscle : float
        Factor of the muscles' thickness.
    """

    width: float = 1.0
    depth: float = 1.0
    taper: float = 0.0
    knuckles: float = 0.0
    web: float = 0.25
    muscle: float = 1.0


@dataclass(frozen=True)
class HandForm:
    """Form of a hand on the coarse grid, with nodes at ``(i - PAD) * STEP_MM``.

    Attributes
    ----------
    depth : (h, w) float32 array
        Depth below the outline over the local half width: 0 at the skin, 1 on the middle line; negative outside.
    thickness_mm : (h, w) float32 array
        Thickness along the beam, at the middle line.
    muscle_mm : (h, w) float32 array
        Thickness of muscle bellies in addition to that.
    across_mm, along_mm : (h, w) float32 array
        Position in the hand's frame: across the rays towards the thumb, and along them from the MCP joints.
    """

    depth: Array
    thickness_mm: Array
    muscle_mm: Array
    across_mm: Array
    along_mm: Array


@dataclass(frozen=True)
class _Capsule:
    """A capsule between two points: half widths and thicknesses at both ends in mm, and whether its edge is sharp."""

    start: Point
    end: Point
    half_width: tuple[float, float]
    depth: tuple[float, float]
    sharp: bool = True


def size_of(rays: Rays) -> float:
    """Return the size of a hand: 1 for those on which the half widths were measured."""
    return float(np.mean([_arc(points)[-1] / _REFERENCE_MM[ray] for ray, points in rays.items()]))


def thumb_side(rays: Rays) -> float:
    """Return 1 if the thumb lies to the right of fingers that point up, else -1; 1 if there is one ray only."""
    order = sorted(rays)
    if len(order) < 2:
        return 1.0
    first, last = rays[order[0]], rays[order[-1]]
    up, over = last[1] - last[0], first[1] - last[1]
    return 1.0 if up[0] * over[1] - up[1] * over[0] >= 0 else -1.0


def hand_form(rays: Rays, wrist: Wrist | None, height_mm: float, width_mm: float, build: HandBuild) -> HandForm:
    """Compute the form of a hand, or of the part of it inside an image.

    Parameters
    ----------
    rays : mapping of ray to (k, 2) array
        Points ``(x, y)`` in mm from CMC to the tip; five for a finger, four for the thumb.
    wrist : mapping of name to (2,) array, optional
        ``radius``, ``ulna``, ``radius_shaft``, ``ulna_shaft``; estimated from the rays by default.
    height_mm, width_mm : float
        Size of the image.
    build : HandBuild

    Returns
    -------
    HandForm
    """
    x, y = (
        (np.arange(int(np.ceil(s / STEP_MM)) + 2 * PAD + 1, dtype=np.float32) - PAD) * np.float32(STEP_MM)
        for s in (width_mm, height_mm)
    )
    grid, bounds = (x[None, :], y[:, None]), (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
    scale, side = size_of(rays), thumb_side(rays)
    parts: list[tuple[Array, Array, Array]] = []
    frames: list[tuple[Array, Array, Array]] = []
    for ray, points in rays.items():
        if not _near(points, bounds, 20.0 * scale):
            continue
        line = np.asarray(points, np.float32)
        knots, half_width, depth, skew = _tables(ray, scale, build)
        at, along, across, distance = _along(_to_skin(line, half_width[-1] - _PULP_MM[ray] * scale), grid, bounds)
        across = across * np.float32(side)
        lean = across / (distance + np.float32(1.0))
        radius = _interp(at, knots, half_width) + (_interp(at, knots, skew) * lean if ray in _SKEW else np.float32(0))
        parts.append((radius - distance, radius, _interp(at, knots, depth)))
        frames.append((-distance, across - np.float32((ray - 3) * 20 * scale), along))
    bars, bellies = palm_and_wrist(rays, wrist, scale, build)
    for bar in bars:
        if _near((bar.start, bar.end), bounds, max(bar.half_width) + 6):
            share, distance = _to_segment(bar, grid)
            radius = _mix(bar.half_width, share)
            parts.append((radius - distance, radius, _mix(bar.depth, share)))
    if not parts:
        empty = np.zeros((len(y), len(x)), np.float32)
        return HandForm(empty - 1, empty, empty, empty, empty)

    below, radius, thickness = _union(parts, _UNION_MM)
    muscle = np.zeros_like(below)
    for belly in bellies:
        if _near((belly.start, belly.end), bounds, max(belly.half_width)):
            share, distance = _to_segment(belly, grid)
            inside = np.clip(1 - distance / _mix(belly.half_width, share), 0, 1)
            section = np.sqrt(inside * (2 - inside)) if belly.sharp else inside * inside * (3 - 2 * inside)
            np.maximum(muscle, _mix(belly.depth, share) * section, out=muscle)
    if frames:
        _, across, along = _union(frames, _FRAME_MM)
    else:  # only the forearm is in the image
        across, along = (np.broadcast_to(a, below.shape).astype(np.float32) for a in (x[None, :], -y[:, None]))
    return HandForm(below / radius, thickness, muscle, across, along)


def palm_and_wrist(
    rays: Rays, wrist: Wrist | None, scale: float, build: HandBuild
) -> tuple[list[_Capsule], list[_Capsule]]:
    """Return the capsules of palm, webs, carpus and forearm, and those of the muscle bellies."""
    bars: list[_Capsule] = []
    bellies: list[_Capsule] = []

    def bar(start: Point, end: Point, half_width: tuple[float, float], depth: tuple[float, float]) -> None:
        w, d = scale * build.width, scale * build.depth
        bars.append(_Capsule(start, end, (half_width[0] * w, half_width[1] * w), (depth[0] * d, depth[1] * d)))

    def belly(
        start: Point, end: Point, half_width: tuple[float, float], depth: tuple[float, float], sharp: bool = False
    ) -> None:
        w, d = scale, scale * build.muscle
        wide, deep = (half_width[0] * w, half_width[1] * w), (depth[0] * d, depth[1] * d)
        bellies.append(_Capsule(start, end, wide, deep, sharp))

    def on(ray: int, at: float) -> Point:
        points, bone = np.asarray(rays[ray], float), min(int(at), len(rays[ray]) - 2)
        return points[bone] + (at - bone) * (points[bone + 1] - points[bone])

    for a, b in ((2, 3), (3, 4), (4, 5)):
        if a in rays and b in rays:
            middle = [(on(a, at) + on(b, at)) / 2 for at in (0.0, 0.5, 1.0, 1.12)]
            bar(middle[0], middle[2], (11.0, 10.0), (27.5, 20.5))
            bar(middle[2], middle[3], (10.0, 7.5), (20.5, 15.0))
            bar(on(a, 1 + build.web), on(b, 1 + build.web), (4.5, 4.5), (11.0, 11.0))
            belly(middle[0], middle[1], (4.5, 6.0), (0.3, 2.0))  # interossei
    if 1 in rays and 2 in rays:
        inner = 0.35 * on(1, 0) + 0.65 * on(2, 0)
        bar(inner, (on(1, 0.45) + on(2, 0.4)) / 2, (12.0, 11.0), (26.0, 20.0))
        bar(on(1, 0.6), on(2, 0.6), (9.0, 9.0), (16.0, 18.0))
        bar(on(1, 0.85), on(2, 0.8), (6.0, 6.5), (11.0, 13.0))
        belly(
            inner, (on(1, 0.7) + on(2, 0.55)) / 2, (5.0, 11.5), (1.0, 6.0), True
        )  # adductor and first dorsal interosseous
        belly(on(1, -0.2), on(1, 0.6), (9.0, 14.0), (1.0, 5.5))  # thenar
    if 5 in rays and 4 in rays:
        out = on(5, 0.5) - on(4, 0.5)
        out = out / np.hypot(*out) * 4.0 * scale
        belly(on(5, 0.0) + out, on(5, 0.6) + out, (7.0, 11.0), (0.5, 4.5))  # hypothenar
    ends = wrist_points(rays, wrist, scale)
    if ends is not None:
        radius, ulna, radius_shaft, ulna_shaft = ends
        far_radius, far_ulna = (end + 4 * (shaft - end) for end, shaft in ((radius, radius_shaft), (ulna, ulna_shaft)))
        bar(radius, far_radius, (17.0, 17.0 + 8.0), (36.0, 46.0))
        bar(ulna, far_ulna, (11.5, 11.5 + 9.0), (34.0, 44.0))
        bar((radius + ulna) / 2, (far_radius + far_ulna) / 2, (16.0, 25.0), (37.0, 48.0))
        roots = [on(ray, 0) for ray in sorted(rays) if ray > 1]
        if roots:
            bar(roots[0], radius, (14.0, 16.5), (30.0, 37.0))
            bar(roots[-1], ulna, (13.0, 12.0), (29.0, 35.0))
            bar((roots[0] + roots[-1]) / 2, (radius + ulna) / 2, (14.0, 16.0), (30.0, 38.0))
        if 1 in rays:
            bar(on(1, 0), radius, (12.5, 16.5), (27.0, 37.0))
    return bars, bellies


def wrist_points(rays: Rays, wrist: Wrist | None, scale: float) -> tuple[Point, Point, Point, Point] | None:
    """Return ends and shafts of radius and ulna, as given or estimated; None if there are too few rays."""
    if wrist is not None:
        radius, ulna, radius_shaft, ulna_shaft = (
            np.asarray(wrist[name], float) for name in ("radius", "ulna", "radius_shaft", "ulna_shaft")
        )
        return radius, ulna, radius_shaft, ulna_shaft
    fingers = [np.asarray(rays[ray], float) for ray in sorted(rays) if ray > 1]
    if len(fingers) < 2:
        return None
    root = (fingers[0][0] + fingers[-1][0]) / 2
    down = root - (fingers[0][1] + fingers[-1][1]) / 2
    down /= np.hypot(*down)
    over = np.array([-down[1], down[0]])
    over *= np.sign(over @ (fingers[0][0] - fingers[-1][0])) or 1.0
    radius, ulna = root + scale * (34 * down + 9 * over), root + scale * (33 * down - 13 * over)
    return radius, ulna, radius + 40 * down, ulna + 40 * down


def _tables(ray: int, scale: float, build: HandBuild) -> tuple[NDArray[np.float64], ...]:
    """Return knots along a ray in numbers of bones, and half width, thickness and skew there in mm."""
    knots, half_width, depth, skew, joint = _smooth_tables(ray)
    finger = np.clip((knots - 1) / (knots[-1] - 1), 0, 1)
    half_width = half_width * scale * (build.width + build.taper * (finger - 0.5) * np.clip(4 * finger, 0, 1))
    return knots, half_width + build.knuckles * joint, depth * scale * build.depth, skew * scale


@cache
def _smooth_tables(ray: int) -> tuple[NDArray[np.float64], ...]:
    """Return the tables of a ray as smooth curves, and the widening at its interphalangeal joints."""
    knots = np.array(_THUMB_KNOTS if ray == 1 else _FINGER_KNOTS, float)
    fine = np.linspace(0, knots[-1], 16 * int(knots[-1]) + 1)
    tables = (_HALF_WIDTH[ray], _DEPTH[ray], _SKEW.get(ray, (0.0,) * len(knots)))
    curves = (PchipInterpolator(knots, table)(fine) for table in tables)
    half_width, depth, skew = (ndimage.gaussian_filter1d(curve, 1.5, mode="nearest") for curve in curves)
    joint = sum(np.exp(-(((fine - at) / 0.16) ** 2)) for at in range(2, int(knots[-1])))
    return fine, half_width, depth, skew, joint + np.zeros(len(fine))


def _to_skin(line: Array, back_mm: float) -> Array:
    """Move the last point of a ray back, so that the round end about it reaches the skin of the fingertip."""
    step = line[-1] - line[-2]
    length = float(np.hypot(*step))
    return np.vstack([line[:-1], line[-1] - step * np.float32(min(back_mm, 0.8 * length) / length)])


def _rounded(line: Array) -> tuple[Array, NDArray[np.float64]]:
    """Return a polyline with cut corners, and the positions of its points in numbers of bones."""
    places = np.array([0.0, *(at + d for at in range(1, len(line) - 1) for d in (-0.2, 0.2)), len(line) - 1])
    bone = np.minimum(places.astype(int), len(line) - 2)
    return line[bone] + (places - bone)[:, None].astype(np.float32) * (line[bone + 1] - line[bone]), places


def _along(line: Array, grid: Grid, bounds: Bounds) -> tuple[Array, Array, Array, Array]:
    """Return each node's position along a ray (in bones, and in mm from MCP), across it, and its distance, in mm."""
    x, y = grid
    start = -float(np.hypot(*(line[1] - line[0])))
    line, places = _rounded(line)
    best: list[Array] = []
    bones = list(zip(pairwise(line), pairwise(places), strict=True))
    seen = [_near(ends, bounds, 25.0) for ends, _ in bones]
    for (ends, (first, last)), near in zip(bones, seen, strict=True):
        p, q = ends
        length = float(np.hypot(*(q - p)))
        if not near and any(seen):
            start += length
            continue
        ux, uy = (q - p) / np.float32(length)
        t = (x - p[0]) * ux + (y - p[1]) * uy
        across = (y - p[1]) * ux - (x - p[0]) * uy
        inside = np.clip(t, 0, length)
        distance = np.hypot(across, t - inside)
        place = (
            inside * np.float32((last - first) / length) + np.float32(first),
            t + np.float32(start),
            across,
            distance,
        )
        if best:
            nearer = distance < best[3]
            for old, new in zip(best, place, strict=True):
                np.copyto(old, new, where=nearer)
        else:
            best = list(place)
        start += length
    return best[0], best[1], best[2], best[3]


def _to_segment(bar: _Capsule, grid: Grid) -> tuple[Array, Array]:
    x, y = grid
    (px, py), (dx, dy) = np.asarray(bar.start, np.float32), np.asarray(bar.end - bar.start, np.float32)
    share = np.clip(((x - px) * dx + (y - py) * dy) / np.float32(dx * dx + dy * dy + 1e-6), 0, 1)
    return share, np.hypot(x - px - share * dx, y - py - share * dy)


def _union(parts: list[tuple[Array, Array, Array]], length_mm: float) -> tuple[Array, Array, Array]:
    """Return the smooth maximum of the parts' depths, and their other values averaged with the same weights."""
    depth = np.stack([part[0] for part in parts])
    top = depth.max(axis=0)
    weight = np.exp((depth - top) / np.float32(length_mm))
    total = weight.sum(axis=0)
    weight /= total
    one, two = ((weight * np.stack([part[k] for part in parts])).sum(axis=0) for k in (1, 2))
    return top + np.float32(length_mm) * np.log(total), one, two


def _near(points: Iterable[NDArray[np.floating]], bounds: Bounds, reach_mm: float) -> bool:
    """Return whether the surroundings of a polyline overlap the grid."""
    xy = np.asarray(points)
    (left, top), (right, bottom) = xy.min(axis=0).tolist(), xy.max(axis=0).tolist()
    return bool(
        left - reach_mm < bounds[1]
        and right + reach_mm > bounds[0]
        and top - reach_mm < bounds[3]
        and bottom + reach_mm > bounds[2]
    )


def _interp(at: Array, knots: NDArray[np.float64], values: NDArray[np.float64]) -> Array:
    return np.interp(at, knots, values).astype(np.float32)


def _mix(ends: tuple[float, float], share: Array) -> Array:
    return np.float32(ends[0]) + np.float32(ends[1] - ends[0]) * share


def _arc(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the length along a ray from its MCP joint, at each point from there on."""
    steps = np.diff(np.asarray(points, float)[1:], axis=0)
    return np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
