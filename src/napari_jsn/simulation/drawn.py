"""A drawn finger joint at two visits, whose narrowing is known because it was put there.

Two bones are drawn as continuous functions of position: a phalanx base, concave, over the round
head of a metacarpal, each a shell of cortex around spongy bone. A visit samples these functions
where its pixels look: the follow-up asks for every bone at the place its own similarity sends
it, so nothing is warped or interpolated twice and the truth is exact. Each visit then gets its own
soft tissue, exposure and noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.transform import Similarity, image_centre, joint_space_narrowing

Image = NDArray[np.float64]

#: Rows and columns, and pixel size, of the drawn joint images.
SHAPE = (127, 127)
SPACING_MM = 0.175

#: Narrowing that can be drawn: the gap neither closes nor leaves the image.
JSN_RANGE_MM = (-2.0, 1.4)

#: Samples per pixel and axis of the drawn bones, and how far they go on beyond the image.
_FINE = 3
_PAD_PX = 24
#: Samples per pixel and axis that a visit averages: a detector element collects over its area.
_SUPERSAMPLE = 2

#: Column of the joint's middle, row of the gap's middle, and width of the gap, in pixels.
_MIDDLE = 63.0
_GAP_ROW = 66.0
_GAP_PX = 9.0
#: Radius of the bones' rounded cross-section, in pixels.
_RADIUS_PX = 32.0


@dataclass(frozen=True)
class DrawnPair:
    """A drawn joint at two visits and the motion between them.

    Attributes
    ----------
    fixed, moving : (127, 127) float32 array
        Baseline and follow-up in [0, 1], bone bright.
    fixed_masks, moving_masks : BoneMasks
    spacing_mm : float
        Pixel size of both images.
    upper, lower : Similarity
        Where each bone of the baseline lies in the follow-up.
    point, axis : (2,) float array
        ``(x, y)`` of the joint's middle, and unit vector from upper to lower bone, in the baseline.
    """

    fixed: NDArray[np.float32]
    moving: NDArray[np.float32]
    fixed_masks: BoneMasks
    moving_masks: BoneMasks
    spacing_mm: float
    upper: Similarity
    lower: Similarity
    point: NDArray[np.float64]
    axis: NDArray[np.float64]

    @property
    def jsn_mm(self) -> float:
        """The true narrowing along the joint axis; positive is narrower in the follow-up."""
        return self.jsn_mm_at(self.point, self.axis)

    def jsn_mm_at(self, point: NDArray[np.float64], axis: NDArray[np.float64]) -> float:
        """The true narrowing read at another point and axis ``(x, y)`` of the baseline."""
        return self.spacing_mm * joint_space_narrowing(self.upper.matrix, self.lower.matrix, point, axis)


def drawn_pair(jsn_mm: float = 0.3, seed: int = 0) -> DrawnPair:
    """Draw a metacarpophalangeal joint at two visits.

    Parameters
    ----------
    jsn_mm : float
        Narrowing from baseline to follow-up; negative widens. The gap at baseline is 1.6 mm.
    seed : int
        Draws the spongy bone, the motion (a few degrees and pixels, 0.4 % of scale) and the noise.

    Returns
    -------
    DrawnPair

    Raises
    ------
    InputError
        If the bones would overlap or leave the image.
    """
    low, high = JSN_RANGE_MM
    if not low <= jsn_mm <= high:
        raise InputError(f"A narrowing of {jsn_mm} mm cannot be drawn. Give one from {low} to {high} mm.", "jsn_mm")
    rng = np.random.default_rng(seed)
    point, axis = np.array([_MIDDLE, _GAP_ROW]), np.array([0.0, 1.0])
    upper, lower = _draw_motion(rng), _draw_motion(rng)
    # the narrowing is linear in the lower bone's shift along the axis, so one step is exact
    rise = [joint_space_narrowing(upper.matrix, replace(lower, dy=dy).matrix, point, axis) for dy in (0.0, 1.0)]
    lower = replace(lower, dy=(jsn_mm / SPACING_MM - rise[0]) / (rise[1] - rise[0]))

    phalanx = _Bone(_phalanx(_MIDDLE), rng)
    metacarpal = _Bone(_metacarpal(_MIDDLE), rng)
    still = Similarity(centre=image_centre(SHAPE))
    fixed, fixed_masks = _visit((phalanx, metacarpal), (still, still), rng)
    moving, moving_masks = _visit((phalanx, metacarpal), (upper, lower), rng)
    return DrawnPair(fixed, moving, fixed_masks, moving_masks, SPACING_MM, upper, lower, point, axis)


def _draw_motion(rng: np.random.Generator) -> Similarity:
    dz, dtheta = 1 + 0.004 * rng.standard_normal(), np.deg2rad(1.5) * rng.standard_normal()
    dx, dy = rng.uniform(-2, 2, 2)
    return Similarity(float(dz), float(dtheta), float(dx), float(dy), image_centre(SHAPE))


def _phalanx(middle: float) -> Callable[[Image, Image], NDArray[np.bool_]]:
    """Inside of the base of a proximal phalanx: flared, its joint surface concave, one lip longer."""

    def inside(x: Image, y: Image) -> NDArray[np.bool_]:
        across, above = x - middle, _GAP_ROW - y
        half_width = 33 + 14 / (1 + np.exp((above - 33) / 6)) - 0.012 * np.clip(16 - above, 0, None) ** 2
        surface = -_GAP_PX / 2 + 0.0052 * across**2 - 0.01 * across  # rows below the joint's middle
        return (np.abs(across) < half_width) & (-above < surface)

    return inside


def _metacarpal(middle: float) -> Callable[[Image, Image], NDArray[np.bool_]]:
    """Inside of the head of a metacarpal: round, then a waist where the shaft begins."""

    def inside(x: Image, y: Image) -> NDArray[np.bool_]:
        across, below = x - middle, y - _GAP_ROW
        surface = _GAP_PX / 2 + 0.0075 * across**2 + 4.5e-6 * across**4
        half_width = 39 - 8 / (1 + np.exp(-(below - 30) / 6))
        return (np.abs(across) < half_width) & (below > surface)

    return inside


class _Bone:
    """One bone as a continuous function: cubic splines over a grid finer than the pixels.

    Parameters
    ----------
    inside : callable
        Tells which points ``x, y`` of the baseline lie inside the bone.
    rng : numpy.random.Generator
        Draws the spongy bone.
    """

    def __init__(self, inside: Callable[[Image, Image], NDArray[np.bool_]], rng: np.random.Generator) -> None:
        y, x = (np.arange(-_PAD_PX * _FINE, (n + _PAD_PX) * _FINE) / _FINE for n in SHAPE)
        raw = inside(*np.meshgrid(x, y)).astype(float)
        solid = ndimage.gaussian_filter(raw, 3.0 * _FINE, mode="nearest") > 0.5  # rounds the corners
        depth = (ndimage.distance_transform_edt(solid) - ndimage.distance_transform_edt(~solid)) / _FINE
        depth = ndimage.gaussian_filter(depth, 0.5 * _FINE)
        self._depth = ndimage.spline_filter(depth)
        self._density = ndimage.spline_filter(_density(depth, y[:, None] - _GAP_ROW, rng))

    def depth(self, x: Image, y: Image) -> Image:
        """Distance to the surface in pixels, positive inside."""
        return self._sample(self._depth, x, y)

    def density(self, x: Image, y: Image) -> Image:
        """What the X-rays lose along their way through the bone."""
        return self._sample(self._density, x, y)

    @staticmethod
    def _sample(spline: Image, x: Image, y: Image) -> Image:
        grid = [(y + _PAD_PX) * _FINE, (x + _PAD_PX) * _FINE]
        return ndimage.map_coordinates(spline, grid, order=3, mode="nearest", prefilter=False)


def _density(depth: Image, from_gap: Image, rng: np.random.Generator) -> Image:
    """X-rays cross a shell of cortex, long where they graze it, and the spongy bone inside.

    The cortex is thin at the joint, where the spongy bone is dense, and thick along the shaft.
    """
    near = np.exp(-((from_gap / 26) ** 2))
    shell = (4.2 - 2.2 * near) * (1 + 0.3 * _noise(depth.shape, rng, (14, 14)))
    way = _chord(depth)
    way_inside = _chord(depth - np.clip(shell, 1.0, 6.0))
    # trabeculae: thin ridges, most of them along the bone, some across
    along, across = _noise(depth.shape, rng, (3.2, 0.8)), _noise(depth.shape, rng, (0.8, 2.2))
    struts = np.exp(-(along**2) / 0.3) + 0.6 * np.exp(-(across**2) / 0.3) - 0.7
    spongy = 1 + 0.45 * struts + 0.2 * _noise(depth.shape, rng, (9, 6))
    plate = np.exp(-((np.clip(depth, 0, None) / 5) ** 2)) * near  # dense bone under the joint surface
    return 1.05 * (way - way_inside) + way_inside * ((0.26 + 0.2 * near) * spongy + 0.9 * plate)


def _chord(depth: Image) -> Image:
    """Length of the way through a round section at this depth below its side; 1 through the middle."""
    inside = np.clip(depth, 0, _RADIUS_PX)
    return np.sqrt(inside * (2 * _RADIUS_PX - inside)) / _RADIUS_PX


def _noise(shape: tuple[int, ...], rng: np.random.Generator, length_px: tuple[float, float]) -> Image:
    """A smooth random field of standard deviation 1."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), np.multiply(length_px, _FINE), mode="wrap")
    return field / field.std()


def _visit(
    bones: tuple[_Bone, _Bone], maps: tuple[Similarity, Similarity], rng: np.random.Generator
) -> tuple[NDArray[np.float32], BoneMasks]:
    """Take the radiograph of one visit: each bone at its place, then soft tissue, exposure and noise."""
    rows, cols = np.indices(SHAPE, dtype=float)
    offsets = (np.arange(_SUPERSAMPLE) + 0.5) / _SUPERSAMPLE - 0.5
    loss, masks = np.zeros(SHAPE), []
    for bone, place in zip(bones, maps, strict=True):
        back = place.inverse
        masks.append(bone.depth(*_apply(back, cols, rows)) > 0)
        for right in offsets:
            for down in offsets:
                loss += bone.density(*_apply(back, cols + right, rows + down)) / _SUPERSAMPLE**2
    across = (cols - _MIDDLE) / 95
    tissue = 0.34 * np.sqrt(np.clip(1 - across**2, 0, 1)) + 0.012 * _noise((SHAPE[0], SHAPE[1]), rng, (5, 5))
    image = ndimage.gaussian_filter(tissue + loss, 0.6)  # the detector's blur
    image = rng.uniform(0.95, 1.05) * image ** rng.uniform(1.1, 1.25) + rng.uniform(-0.06, -0.02)
    image = image + 0.012 * rng.standard_normal(SHAPE)
    return np.clip(image, 0, 1).astype(np.float32), BoneMasks(masks[0], masks[1])


def _apply(similarity: Similarity, x: Image, y: Image) -> tuple[Image, Image]:
    moved = similarity(np.stack([x, y], axis=-1))
    return moved[..., 0], moved[..., 1]
