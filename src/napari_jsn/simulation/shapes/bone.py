"""Shape of one bone as a solid in space, defined by formulas with exact distances.

The bone's frame is in mm: ``y`` along the bone from the distal end (0) to the proximal one, ``x`` across it in the
plane of the radiograph, ``z`` towards the detector. Its side is a stack of ellipses whose widths and depths follow
splines along ``y``; its two ends are joint surfaces ``y = f(x, z)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.floating]


@dataclass(frozen=True)
class JointSurface:
    """Joint surface at one end of a bone: ``y = f(x, z)`` from the end's middle, where ``f`` is 0.

    Attributes
    ----------
    radius_x, radius_z : float
        Of curvature, in mm; positive where the surface's rim lies further proximal than its middle: the convex head
        of a bone, and the concave base of the next one.
    groove : float
        Depth in mm of the groove between the two condyles of a head, or height of the matching ridge of a base.
    condyle : float
        Distance in mm from the middle to the top of each condyle.
    slant : float
        Slope of the surface across the finger.
    """

    radius_x: float
    radius_z: float
    groove: float = 0.0
    condyle: float = 1.0
    slant: float = 0.0

    def height(self, x: Array, z: Array) -> Array:
        """Return ``f(x, z)`` in mm."""
        return self.across(x) + z**2 * (0.5 / self.radius_z) + z**4 * (0.1 / self.radius_z**3)

    def across(self, x: Array) -> Array:
        """Return ``f(x, 0)`` in mm."""
        q = (x / self.condyle) ** 2
        round_ = x**2 * (0.5 / self.radius_x) + x**4 * (0.1 / self.radius_x**3)
        return round_ + self.slant * x + self.groove * np.minimum(q * q - 2 * q, 3.0)

    def steepness(self, x: Array, z: Array) -> Array:
        """Return the length of the normal ``(f_x, 1, f_z)``: distance along ``y`` over distance to the surface."""
        return np.sqrt(1 + (x / self.radius_x + self.slant) ** 2 + (z / self.radius_z) ** 2)


@dataclass(frozen=True)
class Erosion:
    """An erosion, a cyst or an osteophyte of a bone: an ellipsoid in the bone's frame, in mm.

    Attributes
    ----------
    centre, radii : (float, float, float)
    rim : float
        Density of a sclerotic rim as a fraction of compact bone; 0 is no rim.
    rough : float
        Deviation of the surface from the ellipsoid, as a share of the radii.
    phase : float
        Of that deviation.
    counted : bool
        Whether readers count it as an erosion; a cyst below an intact surface is not one.
    """

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    rim: float = 0.0
    rough: float = 0.0
    phase: float = 0.0
    counted: bool = True

    def grown(self, factor: float) -> Erosion:
        """Return the erosion with its radii multiplied by a factor."""
        if factor == 1:
            return self
        rx, ry, rz = self.radii
        return replace(self, radii=(rx * factor, ry * factor, rz * factor))

    def inside(self, x: Array, y: Array, z: Array) -> Array:
        """Return the approximate depth inside the ellipsoid in mm; negative outside."""
        r = np.sqrt(
            sum(((axis - c) / radius) ** 2 for axis, c, radius in zip((x, y, z), self.centre, self.radii, strict=True))
        )
        if self.rough:
            # every wave varies in depth too, so that a projection shows an irregular edge and no stripes
            waves = np.sin(1.9 * x + 2.1 * z + self.phase) + np.sin(2.3 * y - 1.7 * z + 1.7 * self.phase)
            waves = waves + np.sin(1.3 * x + 1.5 * z + 2.3 * self.phase) + np.sin(1.2 * x + 1.6 * y + 1.1 * z)
            r = r * (1 + (self.rough * 0.6) * waves).astype(r.dtype)
        return (1 - r) * min(self.radii)


@dataclass(frozen=True)
class GrowthPlate:
    """Cartilage between the end (epiphysis) and the shaft of a growing bone: a gap in the mineral.

    Attributes
    ----------
    at_head : bool
        Whether the distal end grows, as in the metacarpals 2 to 5; otherwise the proximal one.
    from_end_mm : float
        Distance of the plate's middle from the middle of the joint surface.
    gap_mm : float
        Thickness of the cartilage.
    breadth : float
        Breadth and depth of the mineral of the end, over those of the full-grown end.
    wave_mm, phase : float
        Deviation of the plate from a plane, and its phase.
    """

    at_head: bool
    from_end_mm: float
    gap_mm: float
    breadth: float = 1.0
    wave_mm: float = 0.0
    phase: float = 0.0


@dataclass(frozen=True)
class BoneShape:
    """Shape of a bone.

    Attributes
    ----------
    name : str
    length : float
        From the middle of the distal surface to the middle of the proximal one, in mm.
    knots : tuple of float
        Positions along ``y`` at which ``left``, ``right`` and ``depth`` are given, in mm.
    left, right, depth : tuple of float
        Half widths towards -x and +x, and half depth along z.
    bow : float
        Displacement of the shaft's middle towards -z, in mm.
    head, base : JointSurface
        Distal and proximal end.
    rounding : float
        Radius of the rims, in mm.
    plate : GrowthPlate, optional
        Of a growing bone.
    """

    name: str
    length: float
    knots: tuple[float, ...]
    left: tuple[float, ...]
    right: tuple[float, ...]
    depth: tuple[float, ...]
    bow: float
    head: JointSurface
    base: JointSurface
    rounding: float = 0.8
    plate: GrowthPlate | None = None

    @cached_property
    def _profile(self) -> PchipInterpolator:
        return PchipInterpolator(self.knots, np.stack([self.left, self.right, self.depth], axis=-1))

    def profile(self, y: Array) -> tuple[Array, Array, Array, Array]:
        """Return half widths left and right, half depth, and z of the middle line, at positions ``y``."""
        values = self._profile(np.clip(y, self.knots[0], self.knots[-1])).astype(np.asarray(y).dtype)
        u = np.clip(np.asarray(y) / self.length, 0, 1)
        return values[..., 0], values[..., 1], values[..., 2], -self.bow * 4 * u * (1 - u)

    def side_distance(self, x: Array, y: Array, z: Array, scale: float = 1.0) -> Array:
        """Return the distance inside the bone's side in mm, measured through its axis; broadcasts ``x, y, z``.

        ``scale`` multiplies the half widths and the half depth.
        """
        left, right, depth, middle = self.profile(y)
        across = np.where(x < 0, x / (scale * left), x / (scale * right))
        deep = (z - middle) / (scale * depth)
        rho = np.sqrt(across**2 + deep**2)
        radius = np.sqrt(x**2 + (z - middle) ** 2)
        # on the axis radius/rho is 0/0: the distance there is the shorter half axis
        small = rho < 1e-3
        ratio = np.where(small, scale * np.minimum(np.minimum(left, right), depth), radius / np.where(small, 1, rho))
        return ratio * (1 - rho)

    def end_distances(self, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        """Return the distances inside the distal and the proximal surface in mm; broadcasts."""
        head = (y - self.head.height(x, z)) / self.head.steepness(x, z)
        base = (self.length + self.base.height(x, z) - y) / self.base.steepness(x, z)
        return head, base

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """Return the depth below the surface in mm, positive inside, rims rounded."""
        return self.distance_within(x, y, z, *self.end_distances(x, y, z))

    def distance_within(self, x: Array, y: Array, z: Array, head: Array, base: Array) -> Array:
        """Return :meth:`distance` where the distances inside the ends are known; below 0 in a growth plate."""
        whole = smooth_min(smooth_min(self.side_distance(x, y, z), head, self.rounding), base, self.rounding)
        if self.plate is None:
            return whole
        plate, rounding = self.plate, 0.6 * self.rounding
        middle = plate.from_end_mm if plate.at_head else self.length - plate.from_end_mm
        wave = np.sin(0.9 * x + 0.5 * z + plate.phase) + np.sin(1.7 * x - 1.1 * z + 2.3 * plate.phase)
        towards_joint = (y - middle - plate.wave_mm * wave) * (-1 if plate.at_head else 1)
        end = smooth_min(whole, self.side_distance(x, y, z, plate.breadth), rounding) if plate.breadth < 1 else whole
        end = smooth_min(end, towards_joint - plate.gap_mm / 2, rounding)
        return np.maximum(end, smooth_min(whole, -towards_joint - plate.gap_mm / 2, rounding))

    @cached_property
    def extent(self) -> tuple[float, float]:
        """First and last position of the bone along ``y``, in mm."""
        left, right, depth, _ = self.profile(np.array([0.0, self.length]))
        edge = np.maximum(left, right)
        first = min(0.0, float(self.head.across(np.linspace(-edge[0], edge[0], 41)).min()))
        last = float(self.base.height(edge[1], depth[1]))
        return first - 0.5, self.length + max(last, 0.0) + 0.5

    @cached_property
    def max_half_width(self) -> float:
        """Largest half width or half depth, in mm."""
        left, right, depth, _ = self.profile(np.linspace(*self.extent, 9))
        return float(max(left.max(), right.max(), depth.max()))


def smooth_min(a: Array, b: Array, k: float) -> Array:
    """Return the smaller of two distances, rounded where they differ by less than ``k``; at most the smaller."""
    h = np.maximum(k - np.abs(a - b), 0)
    return np.minimum(a, b) - h * h * (0.25 / k)


def distance_to_base(shape: BoneShape, start: Array, direction: Array) -> float:
    """Return the distance from ``start`` along ``direction`` to the bone's base.

    Parameters
    ----------
    shape : BoneShape
    start, direction : (3,) float array
        In the bone's frame, mm; ``direction`` of length 1, pointing distally.

    Returns
    -------
    float
        mm; negative where the start lies inside the bone.
    """

    def beyond(s: float) -> float:  # distance below the surface along y
        x, y, z = start + s * direction
        return float(y - shape.length - shape.base.height(np.asarray(x), np.asarray(z)))

    s = 0.0
    for _ in range(30):  # Newton's method: the surface is smooth and the line nearly normal to it
        value = beyond(s)
        slope = (beyond(s + 1e-5) - beyond(s - 1e-5)) / 2e-5
        step = value / slope
        s -= step
        if abs(step) < 1e-10:
            break
    return s
