"""Attenuation of nails and of the skin creases at the joints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Point = NDArray[np.float64]
Rays = Mapping[int, NDArray[np.floating]]

#: Half widths of the nails of thumb to little finger in mm, of a hand of size 1, and the distance of their roots from
#: the end of the bone, as a share of the distal phalanx.
_NAIL_MM = {1: 6.2, 2: 4.9, 3: 5.2, 4: 4.8, 5: 3.9}
_ROOT = {1: 0.55, 2: 0.6, 3: 0.6, 4: 0.6, 5: 0.55}
#: Keratin, 1.3 g/cm3, in nepers per mm.
_KERATIN = 0.031
#: Skin and fat, in nepers per mm.
_SKIN = 0.024

#: Step of a crease's profile, and the range around its joint, in mm.
_FINE_MM, _REACH_MM = 0.05, 11.0


@dataclass(frozen=True)
class Nails:
    """Nails of a person; all ten have the same thickness, length and curvature.

    Attributes
    ----------
    thickness_mm : float
    beyond_mm : float
        Length beyond the end of the bone; the skin extends 3 to 5 mm beyond it.
    curve : float
        Curvature about the finger: 0 is flat, 1 is half a tube with its sides parallel to the beam.
    """

    thickness_mm: float = 0.45
    beyond_mm: float = 2.5
    curve: float = 0.75

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Nails:
        """Draw a person's nails."""
        return cls(float(rng.uniform(0.35, 0.6)), float(rng.uniform(1.0, 4.2)), float(rng.uniform(0.6, 0.9)))

    def add(self, attenuation: Array, rays: Rays, spacing_mm: float, side: float, scale: float) -> None:
        """Add the nails to an attenuation image of soft tissue (nepers), in place."""
        for ray, points in rays.items():
            tip, before = np.asarray(points[-1], float), np.asarray(points[-2], float)
            length = float(np.hypot(*(tip - before)))
            root, half = _ROOT[ray] * length, _NAIL_MM[ray] * scale
            middle = tip + (tip - before) / length * (self.beyond_mm - root) / 2
            box = _box(attenuation.shape, spacing_mm, middle, np.hypot(half, (root + self.beyond_mm) / 2) + 1)
            if box is None:
                continue
            along, across = _frame(box, spacing_mm, tip, tip - before, side)
            across = across / np.float32(half)
            square = across * across
            # nearly straight sides, round root and free edge
            end = (along - np.float32((self.beyond_mm - root) / 2)) / np.float32((root + self.beyond_mm) / 2)
            inside = np.clip((1 - 0.35 * square - 0.65 * square**3 - end * end * end * end) * np.float32(3.0), 0, 1)
            length_mm = self.thickness_mm / np.sqrt(np.clip(1 - np.float32(self.curve) * square, 0.12, 1))
            attenuation[box] += np.float32(_KERATIN) * inside * length_mm


@dataclass(frozen=True)
class SkinFold:
    """Parallel creases of the skin across a finger.

    Attributes
    ----------
    ray, joint : int
        The ray, and the joint's index in the ray's points.
    offsets_mm : tuple of float
        Distance of each crease from the joint, distal positive.
    depths_mm, widths_mm : tuple of float
    bend : float
        Curvature in 1/mm: a crease lies ``bend * across ** 2`` more distal.
    tilt : float
        Slope across the finger.
    wave : (float, float)
        Amplitude in mm and phase of a sinusoidal deviation.
    """

    ray: int
    joint: int
    offsets_mm: tuple[float, ...]
    depths_mm: tuple[float, ...]
    widths_mm: tuple[float, ...]
    bend: float
    tilt: float
    wave: tuple[float, float]

    def add(self, attenuation: Array, along: Array, across: Array) -> None:
        """Add the fold to a part of a attenuation, in place; it runs out at the skin's edge."""
        size, phase = self.wave
        line = along - (np.float32(self.bend) * across + np.float32(self.tilt)) * across
        line += np.float32(size) * np.sin(across * np.float32(0.9) + np.float32(phase))
        profile = self.profile()
        step = ((line + np.float32(_REACH_MM)) * np.float32(1 / _FINE_MM)).astype(np.int32)
        change = np.take(profile, step, mode="clip")
        change *= np.float32(_SKIN) * np.clip(attenuation * np.float32(4), 0, 1)
        attenuation += change

    def at_visit(self, rng: np.random.Generator) -> SkinFold:
        """Return the fold at a visit, with another position, depth and curvature."""
        n = len(self.offsets_mm)
        displacement = rng.normal(rng.normal(0, 0.5), 0.15, n)
        depth_factor = np.exp(rng.normal(0, 0.25, n))
        return replace(
            self,
            offsets_mm=tuple(float(o) for o in np.add(self.offsets_mm, displacement)),
            depths_mm=tuple(float(d) for d in np.multiply(self.depths_mm, depth_factor)),
            bend=self.bend + float(rng.normal(0, 0.003)),
            tilt=self.tilt + float(rng.normal(0, 0.03)),
        )

    def profile(self) -> Array:
        """Return the difference of skin thickness to the surroundings in mm, from -_REACH_MM in steps of _FINE_MM."""
        at = np.arange(-_REACH_MM, _REACH_MM + _FINE_MM, _FINE_MM, dtype=np.float32)
        offset, depth, width = (
            np.array(v, np.float32)[:, None] for v in (self.offsets_mm, self.depths_mm, self.widths_mm)
        )
        d = np.abs(at - offset) / width
        lines = np.float32(0.45) * np.exp(-((d - np.float32(1.9)) ** 2)) - np.exp(-d * d)  # a groove between two ridges
        return np.asarray((depth * lines).sum(axis=0), np.float32)


@dataclass(frozen=True)
class SkinCreases:
    """Skin creases at the joints of a person's fingers.

    Attributes
    ----------
    folds : tuple of SkinFold
    visit : int, optional
        Seed of the deviations at one visit; None has no deviations.
    """

    folds: tuple[SkinFold, ...] = field(default=(), repr=False)
    visit: int | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator) -> SkinCreases:
        """Draw a person's creases: dorsal wrinkles and one or two palmar creases at each joint."""
        folds = []
        deep = float(np.exp(np.clip(rng.normal(0, 0.3), -0.6, 0.6)))
        for ray in range(1, 6):
            for joint in range(1, 3 if ray == 1 else 4):
                last = joint == (2 if ray == 1 else 3)
                knuckle = joint == 1
                # dorsal wrinkles: many and fine
                n = int(rng.integers(2, 5) if last else rng.integers(4, 8))
                spread = 2.0 if last else 4.5
                folds.append(
                    _fold(rng, ray, joint, rng.normal(0.5, spread / 2, n), deep * (0.08 if knuckle else 0.16), 0.22)
                )
                # palmar creases: those of the MCP joints lie at the webs and are not simulated
                if not knuckle or ray == 1:
                    at = [0.0] if last else [-1.1, 1.1]
                    at = [a + rng.normal(-0.5 if last else 0.0, 0.6) for a in at]
                    folds.append(_fold(rng, ray, joint, np.array(at), deep * 0.38, 0.35))
        return cls(tuple(folds))

    def at_visit(self, rng: np.random.Generator) -> SkinCreases:
        """Return the creases at a visit, with other positions, depths and curvatures."""
        return replace(self, visit=int(rng.integers(1 << 62)))

    def add(self, attenuation: Array, rays: Rays, spacing_mm: float, side: float, scale: float) -> None:
        """Add the creases to an attenuation image of soft tissue (nepers), in place; none outside the hand."""
        frames: dict[tuple[int, int], tuple[tuple[slice, slice], Array, Array] | None] = {}
        for number, fold in enumerate(self.folds):
            if fold.ray not in rays:
                continue
            joint = (fold.ray, fold.joint)
            if joint not in frames:
                points = np.asarray(rays[fold.ray], float)
                at, axis = points[fold.joint], points[fold.joint + 1] - points[fold.joint - 1]
                box = _box(attenuation.shape, spacing_mm, at, _REACH_MM * scale)
                frames[joint] = None if box is None else (box, *_frame(box, spacing_mm, at, axis, side))
            frame = frames[joint]
            if frame is None:
                continue
            box, along, across = frame
            if self.visit is not None:  # one generator per fold, so that all parts of an image agree
                fold = fold.at_visit(np.random.default_rng((self.visit, number)))
            fold.add(attenuation[box], along, across)


def _fold(
    rng: np.random.Generator, ray: int, joint: int, at: NDArray[np.float64], depth: float, width: float
) -> SkinFold:
    n = len(at)
    return SkinFold(
        ray,
        joint,
        tuple(float(a) for a in at),
        tuple(float(d) for d in depth * rng.uniform(0.4, 1.3, n)),
        tuple(float(w) for w in width * rng.uniform(0.7, 1.4, n)),
        bend=float(rng.normal(0, 0.012)),
        tilt=float(rng.normal(0, 0.06)),
        wave=(float(rng.uniform(0.05, 0.25)), float(rng.uniform(0, 6.28))),
    )


def _box(shape: tuple[int, ...], spacing_mm: float, middle: Point, reach_mm: float) -> tuple[slice, slice] | None:
    """Return the part of an image within reach of a point, or None."""
    (x, y), r = np.asarray(middle, float) / spacing_mm, float(reach_mm) / spacing_mm
    top, bottom = max(int(y - r), 0), min(int(y + r) + 2, shape[0])
    left, right = max(int(x - r), 0), min(int(x + r) + 2, shape[1])
    return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


def _frame(box: tuple[slice, slice], spacing_mm: float, origin: Point, axis: Point, side: float) -> tuple[Array, Array]:
    """Return the position of each pixel of a box along an axis and across it, towards the thumb, in mm."""
    ux, uy = (float(v) for v in axis / np.hypot(*axis))
    x = (np.arange(box[1].start, box[1].stop, dtype=np.float32) * np.float32(spacing_mm) - np.float32(origin[0]))[
        None, :
    ]
    y = (np.arange(box[0].start, box[0].stop, dtype=np.float32) * np.float32(spacing_mm) - np.float32(origin[1]))[
        :, None
    ]
    return x * np.float32(ux) + y * np.float32(uy), np.float32(side) * (y * np.float32(ux) - x * np.float32(uy))
