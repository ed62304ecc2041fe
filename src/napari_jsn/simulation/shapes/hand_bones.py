"""Draw the shapes of the bones of an adult hand: metacarpals, phalanges, carpals, radius and ulna."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn.simulation.shapes.bone import BoneShape, JointSurface

#: Typical length, half widths of head, shaft and base, and half depths of the same, in mm.
#: Widths are those of the adult radiographs in the development data at published lengths; depths follow the ratios of
#: width to depth of osteometric tables (Case & Heilman 2006; Smith 1996).
_SIZES = {
    "MC1": (45.0, 7.0, 4.9, 7.4, 6.2, 4.2, 6.8),
    "MC2": (66.0, 7.5, 4.3, 8.2, 7.3, 4.5, 7.4),
    "MC3": (64.0, 7.5, 4.3, 7.2, 7.3, 4.5, 7.6),
    "MC4": (57.0, 6.5, 3.6, 6.2, 6.6, 3.9, 6.4),
    "MC5": (53.0, 6.3, 3.8, 6.6, 6.2, 3.6, 6.0),
    "PP1": (31.0, 6.1, 4.5, 7.4, 4.2, 3.5, 5.5),
    "PP2": (40.0, 5.6, 4.5, 7.6, 3.9, 3.4, 6.0),
    "PP3": (44.0, 5.9, 4.7, 7.8, 4.1, 3.6, 6.1),
    "PP4": (41.0, 5.6, 4.3, 7.2, 3.9, 3.4, 5.8),
    "PP5": (32.0, 4.7, 3.6, 6.5, 3.3, 2.9, 5.1),
    "MP2": (24.0, 4.7, 3.4, 6.1, 2.9, 2.6, 4.5),
    "MP3": (28.0, 5.1, 3.7, 6.5, 3.1, 2.9, 4.8),
    "MP4": (26.5, 4.9, 3.5, 6.2, 3.0, 2.8, 4.6),
    "MP5": (18.0, 4.1, 3.0, 5.4, 2.5, 2.2, 3.9),
    "DP1": (22.0, 4.6, 3.3, 6.4, 2.7, 2.4, 4.2),
    "DP2": (17.0, 3.6, 2.2, 4.7, 2.0, 1.8, 3.2),
    "DP3": (17.5, 3.8, 2.3, 5.0, 2.1, 1.9, 3.3),
    "DP4": (17.5, 3.7, 2.2, 4.8, 2.0, 1.8, 3.2),
    "DP5": (15.5, 3.1, 1.9, 4.1, 1.8, 1.6, 2.8),
}


#: Outline of a flared base: distance from its middle, half width and half depth, as shares of its half width and half
#: depth. In experts' masks of the bones above MCP joints, the breadth over the distance from the rim is 0.85 at 1 mm,
#: 0.94 at 2, 0.99 at 3 to 5, 0.92 at 6, 0.78 at 8 and 0.68 at 10.
_FLARED = (
    (-1.05, 0.70, 0.76), (-0.75, 0.81, 0.86), (-0.5, 0.93, 0.95), (-0.2, 1.0, 1.0), (0.0, 0.96, 0.97),
    (0.13, 0.89, 0.93), (0.33, 0.74, 0.85),
)  # fmt: skip
#: Versions of shapes and materials: the first one; outlines as in experts' masks, and finer trabeculae.
FIRST_BONES, OUTLINED_BONES = 1, 2


def draw_bone(name: str, length: float, size: float, rng: np.random.Generator, version: int = FIRST_BONES) -> BoneShape:
    """Draw the shape of a metacarpal or phalanx.

    Parameters
    ----------
    name : str
        ``"PP2"``.
    length : float
        mm, between the middles of its joint surfaces.
    size : float
        Factor of all widths of this hand.
    rng : numpy.random.Generator
    version : int
        Of the outlines; the same draws are made in every version.
    """
    typical, *widths = _SIZES[name]
    factor = size * (length / typical) ** 0.4
    head, shaft, base, head_z, shaft_z, base_z = (w * factor * random_factor(rng, 0.04) for w in widths)
    asymmetry = rng.normal(0, 0.03, 2)  # one side of a head or base is wider than the other
    knots, half, depth = _profile(name, length, head, shaft, base, head_z, shaft_z, base_z, rng, version)
    slope = np.interp(knots, [0, length], [asymmetry[0], asymmetry[1]])
    bone = BoneShape(
        name,
        length,
        tuple(knots),
        tuple(half * (1 + slope)),
        tuple(half * (1 - slope)),
        tuple(depth),
        bow=0.035 * length * random_factor(rng, 0.3),
        head=_head(name, head, head_z, rng),
        base=_base(name, base, base_z, rng),
        rounding=0.12 * base,
    )
    return bone


def random_factor(rng: np.random.Generator, sd: float) -> float:
    """Draw a normal factor of mean 1, clipped at 2.2 standard deviations."""
    return float(1 + sd * np.clip(rng.standard_normal(), -2.2, 2.2))


def _profile(
    name: str,
    length: float,
    head: float,
    shaft: float,
    base: float,
    head_z: float,
    shaft_z: float,
    base_z: float,
    rng: np.random.Generator,
    version: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return knots along the bone, and half widths and half depths there."""
    reach = min(1.0, length / (2.6 * head + 3.2 * base))  # short bones have short ends
    neck, flare = 0.72 * random_factor(rng, 0.05), 0.78 * random_factor(rng, 0.03)
    if (
        name.startswith("MC") and version == OUTLINED_BONES
    ):  # expert masks: 0.65 at 2 mm, 0.81, 0.91, 0.99, 0.98 at 10 mm
        top = [(0.0, 0.66, 0.85), (0.55, 0.83, 0.97), (1.2, 1.0, 1.0), (1.65, 0.97, 0.97), (2.6, neck, 0.72)]
    elif name.startswith("MC"):  # widest some 10 mm below the top; expert masks: 0.62, 0.79, 0.89, 0.96, 1 every 2 mm
        top = [(0.0, 0.71, 0.85), (0.55, 0.86, 0.97), (1.3, 1.0, 1.0), (1.65, 0.96, 0.97), (2.6, neck, 0.72)]
    else:
        top = [(0.0, 0.88, 0.92), (0.55, 1.0, 1.0), (1.1, 0.96, 0.98), (1.5, 0.88, 0.9), (2.2, neck, 0.72)]
    ends = [
        (-2.0, 0.85 * top[0][1] * head, 0.85 * top[0][2] * head_z),
        *((at * head * reach, max(wide * head, shaft), max(deep * head_z, shaft_z)) for at, wide, deep in top),
        (length - 2.6 * base * reach, max(1.03 * shaft, 0.58 * base), max(1.03 * shaft_z, 0.60 * base_z)),
    ]
    if version == FIRST_BONES or name.startswith("MC"):
        ends += [
            (length - 1.1 * base * reach, max(flare * base, shaft), max(0.80 * base_z, shaft_z)),
            (length - 0.4 * base * reach, base, base_z),
            (length, 0.98 * base, 0.98 * base_z),
            (length + 2.5, 0.93 * base, 0.93 * base_z),
        ]
    else:
        ends += [
            (length + at * base * reach, max(wide * base, shaft) if at < -0.3 else wide * base, deep * base_z)
            for at, wide, deep in _FLARED
        ]
    middle = (0.5 * (ends[5][0] + ends[6][0]), shaft, shaft_z)
    table = np.array([*ends[:6], middle, *ends[6:]])
    return table[:, 0], table[:, 1], table[:, 2]


def _head(name: str, half: float, depth: float, rng: np.random.Generator) -> JointSurface:
    slant = float(rng.normal(0, 0.02))
    if name.startswith("MC"):
        flat = 1.45 if name == "MC1" else 0.98  # the thumb's head is flatter
        return JointSurface(
            flat * half * random_factor(rng, 0.06), 0.98 * depth * random_factor(rng, 0.06), slant=slant
        )
    if name.startswith("DP"):
        return JointSurface(0.62 * half, 0.8 * depth)  # the tuft
    groove = 0.09 * half * random_factor(rng, 0.3)
    return JointSurface(2.6 * half, 1.0 * depth * random_factor(rng, 0.08), groove, 0.52 * half, slant)


def _base(name: str, half: float, depth: float, rng: np.random.Generator) -> JointSurface:
    if name.startswith("MC"):
        return JointSurface(-6.0 * half, -6.0 * depth)  # towards the carpals, nearly flat
    hollow = JointSurface(1.75 * half * random_factor(rng, 0.1), 1.3 * depth * random_factor(rng, 0.15))
    if name.startswith("PP"):
        return hollow if name != "PP1" else replace(hollow, radius_x=2.2 * half)
    return replace(hollow, radius_x=3.0 * half, groove=0.06 * half * random_factor(rng, 0.3), condyle=0.42 * half)


def carpal_bone(name: str, long: float, wide: float, deep: float) -> BoneShape:
    """Return a carpal or sesamoid bone: a rounded block of ``long`` by ``wide`` by ``deep`` mm."""
    half, z = wide / 2, deep / 2
    knots = (-2.0, 0.0, 0.25 * long, 0.5 * long, 0.75 * long, long, long + 2.0)
    shape = np.array([0.7, 0.82, 0.97, 1.0, 0.97, 0.82, 0.7])
    end = JointSurface(0.62 * wide, 0.62 * deep)
    return BoneShape(
        name,
        long,
        knots,
        tuple(half * shape),
        tuple(half * shape),
        tuple(z * shape),
        0.0,
        end,
        replace(end, radius_x=-end.radius_x, radius_z=-end.radius_z),
        rounding=0.3 * min(half, z),
    )


def forearm_bone(name: str, length: float, size: float) -> BoneShape:
    """Return the distal end of the radius or ulna with the part of the shaft inside a hand radiograph."""
    end, shaft, end_z, shaft_z = (13.5, 7.0, 9.5, 6.0) if name == "radius" else (7.4, 5.8, 7.2, 5.6)
    knots = np.array([-3.0, 0.0, 4.0, 10.0, 20.0, 35.0, length, length + 5])
    share = np.array([0.85, 0.95, 1.0, 0.94, 0.55, 0.2, 0.0, 0.0])
    half, depth = size * (shaft + (end - shaft) * share), size * (shaft_z + (end_z - shaft_z) * share)
    head = JointSurface(-5.5 * end, -3.0 * end_z) if name == "radius" else JointSurface(2.0 * end, 1.5 * end_z)
    return BoneShape(
        name, length, tuple(knots), tuple(half), tuple(half), tuple(depth), 0.0, head, JointSurface(90.0, 90.0), 1.2
    )
