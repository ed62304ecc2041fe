"""Artefacts of whole radiographs: collimator, lead markers, a ring.

They are added to the attenuation before the exposure, so scatter, blur and saturation act on them as on the hand. Only
the device's shutter, which masks the collimated area, acts on intensities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.resampling import block_mean

Pixels = NDArray[np.float32]
Point = tuple[float, float]

#: Less attenuation than this, in nepers, is open air.
_AIR = 0.05
#: Attenuation of 1.5 mm of lead at 50 kV, limited by scatter.
_LEAD = 4.5
#: Attenuation of gold per mm at the voltages of hand radiographs: practically opaque.
_GOLD_PER_MM = 4.0
#: Pixel size in mm of the search for free positions.
_COARSE_MM = 2.0

#: Strokes of lead letters in a box 0.7 wide and 1 high, y down; a stroke is a run of points.
_STROKES: dict[str, tuple[tuple[Point, ...], ...]] = {
    "A": (((0, 1), (0.35, 0), (0.7, 1)), ((0.14, 0.62), (0.56, 0.62))),
    "E": (((0.65, 0), (0, 0), (0, 1), (0.65, 1)), ((0, 0.48), (0.55, 0.48))),
    "F": (((0.65, 0), (0, 0), (0, 1)), ((0, 0.48), (0.55, 0.48))),
    "H": (((0, 0), (0, 1)), ((0.7, 0), (0.7, 1)), ((0, 0.5), (0.7, 0.5))),
    "K": (((0, 0), (0, 1)), ((0.68, 0), (0, 0.58)), ((0.24, 0.4), (0.7, 1))),
    "L": (((0, 0), (0, 1), (0.62, 1)),),
    "M": (((0, 1), (0, 0), (0.35, 0.6), (0.7, 0), (0.7, 1)),),
    "N": (((0, 1), (0, 0), (0.7, 1), (0.7, 0)),),
    "P": (((0, 1), (0, 0), (0.42, 0), (0.62, 0.1), (0.68, 0.27), (0.62, 0.44), (0.42, 0.54), (0, 0.54)),),
    "R": (
        ((0, 1), (0, 0), (0.42, 0), (0.62, 0.1), (0.68, 0.27), (0.62, 0.44), (0.42, 0.54), (0, 0.54)),
        ((0.38, 0.54), (0.7, 1)),
    ),
    "T": (((0, 0), (0.7, 0)), ((0.35, 0), (0.35, 1))),
    "V": (((0, 0), (0.35, 1), (0.7, 0)),),
    "Z": (((0, 0), (0.68, 0), (0, 1), (0.7, 1)),),
}


@dataclass(frozen=True)
class CollimatedField:
    """Rectangle that the collimator leaves open.

    Attributes
    ----------
    centre_mm : (x, y)
        From the middle of the radiograph's first pixel.
    size_mm : (width, height)
    rotation_deg : float
        Clockwise on the screen.
    penumbra_mm : float
        Width of the beam's edge at the collimator.
    """

    centre_mm: Point
    size_mm: Point
    rotation_deg: float = 0.0
    penumbra_mm: float = 1.0

    def inside_mm(self, shape: tuple[int, int], spacing_mm: float) -> Pixels:
        """Return the (H, W) float32 distance to the nearest edge of the field, positive inside."""
        x = np.arange(shape[1], dtype=np.float32) * np.float32(spacing_mm) - np.float32(self.centre_mm[0])
        y = np.arange(shape[0], dtype=np.float32)[:, None] * np.float32(spacing_mm) - np.float32(self.centre_mm[1])
        along, across = _rotated(x, y, self.rotation_deg)
        half = np.asarray(self.size_mm, dtype=np.float32) / 2
        inside: Pixels = np.minimum(half[0] - np.abs(along), half[1] - np.abs(across))
        return inside


def draw_collimated_field(
    attenuation: Pixels, spacing_mm: float, rng: np.random.Generator, closeness: float = 0.5
) -> CollimatedField:
    """Draw a collimated field around the hand; it never cuts the hand, only the end of the forearm.

    Parameters
    ----------
    attenuation : (H, W) float32 array
        Of the hand, in nepers; a forearm that reaches the lower border may be cut by up to 10 mm.
    spacing_mm : float
    rng : numpy.random.Generator
    closeness : float
        Probability that an edge lies close to the hand; otherwise it lies outside the radiograph.

    Returns
    -------
    CollimatedField
    """
    rotation = float(np.clip(rng.normal(0, 1.2), -4, 4))
    coarse, step_mm = _coarse(attenuation, spacing_mm)
    rows, cols = np.nonzero(coarse > _AIR)
    if rows.size == 0:
        rows, cols = np.array([0, coarse.shape[0] - 1]), np.array([0, coarse.shape[1] - 1])
    x, y = (cols + 0.5) * step_mm, (rows + 0.5) * step_mm
    along, across = _rotated(x, y, rotation)
    height, width = attenuation.shape[0] * spacing_mm, attenuation.shape[1] * spacing_mm
    outside = 0.2 * max(height, width)
    cut = rng.uniform(3, 40, 4)
    away = np.where(rng.random(4) < closeness, cut, outside)
    if rows.max() >= coarse.shape[0] - 2:  # the forearm reaches the border: the lower edge crosses it or lies outside
        away[3] = -rng.uniform(0, 10) if rng.random() < closeness else outside
    first = np.array([along.min() - away[0], across.min() - away[2]]) - step_mm
    last = np.array([along.max() + away[1], across.max() + away[3]]) + step_mm
    middle = (first + last) / 2
    t = np.deg2rad(rotation)
    centre = (
        float(middle[0] * np.cos(t) - middle[1] * np.sin(t)),
        float(middle[0] * np.sin(t) + middle[1] * np.cos(t)),
    )
    size = last - first
    return CollimatedField(centre, (float(size[0]), float(size[1])), rotation, float(rng.uniform(0.5, 2.5)))


def collimate(attenuation: Pixels, spacing_mm: float, field: CollimatedField) -> Pixels:
    """Add the attenuation of the collimator.

    Parameters
    ----------
    attenuation : (H, W) float32 array
        In nepers.
    spacing_mm : float
    field : CollimatedField

    Returns
    -------
    (H, W) float32 array
        With the attenuation of lead outside the field.
    """
    share = field.inside_mm(attenuation.shape, spacing_mm) / np.float32(field.penumbra_mm) + np.float32(0.5)
    beam = np.clip(share, np.float32(np.exp(-_LEAD)), 1)
    return attenuation - np.log(beam)


def shutter(
    intensity: Pixels, spacing_mm: float, field: CollimatedField, level: float = 0.0, inset_mm: float = 1.0
) -> Pixels:
    """Set the pixels outside the field to one intensity, as a device's software does.

    Parameters
    ----------
    intensity : (H, W) float32 array
        In [0, 1].
    spacing_mm : float
    field : CollimatedField
    level : float
        Pixels level painted: 0 black, 1 white.
    inset_mm : float
        Distance of the shutter's edge inside the field; if negative, a rim of the collimator stays visible.

    Returns
    -------
    (H, W) float32 array
    """
    return np.where(field.inside_mm(intensity.shape, spacing_mm) > inset_mm, intensity, np.float32(level))


def add_markers(
    attenuation: Pixels, spacing_mm: float, sides: tuple[str, ...], rng: np.random.Generator, mirrored: bool = False
) -> Pixels:
    """Add a lead letter beside each hand, at a free position.

    Parameters
    ----------
    attenuation : (H, W) float32 array
        In nepers; letters never cover pixels over 0.05 (hand or collimator).
    spacing_mm : float
    sides : tuple of {"L", "R"}
        From left to right on the radiograph; each has a strip of equal width.
    rng : numpy.random.Generator
        Draws type, size, rotation and position.
    mirrored : bool
        Markers lie face down, so that letters are mirrored.

    Returns
    -------
    (H, W) float32 array
        A side without a free position has no marker.

    Raises
    ------
    InputError
        If a side is not L or R.
    """
    if not set(sides) <= {"L", "R"}:
        raise InputError(f"The side of a marker is L or R, not {', '.join(sides)}.", "sides")
    marked = attenuation.copy()
    coarse, step_mm = _coarse(attenuation, spacing_mm)
    occupied = coarse > _AIR
    for i, side in enumerate(sides):
        marker, radius_mm = _draw_marker(side, spacing_mm, rng)
        marker = marker[:, ::-1] if mirrored else marker
        strip = np.ones_like(occupied)
        strip[1:-1, max(1, i * occupied.shape[1] // len(sides)) : (i + 1) * occupied.shape[1] // len(sides) - 1] = False
        # distance to occupied pixels and to the strip's borders, so that a marker fits completely
        free = np.argwhere(ndimage.distance_transform_edt(~(occupied | strip)) * step_mm > radius_mm + 2)
        if free.size == 0:
            continue
        row, col = (rng.choice(free) + 0.5) * step_mm / spacing_mm
        top, left = int(row) - marker.shape[0] // 2, int(col) - marker.shape[1] // 2
        y, x = slice(max(top, 0), top + marker.shape[0]), slice(max(left, 0), left + marker.shape[1])
        here = marked[y, x]
        here += marker[y.start - top :, x.start - left :][: here.shape[0], : here.shape[1]]
    return marked


def add_ring(
    attenuation: Pixels,
    spacing_mm: float,
    centre_mm: Point,
    along: Point,
    radius_mm: float = 9.0,
    height_mm: float = 4.0,
    thickness_mm: float = 1.5,
) -> Pixels:
    """Add a metal ring on a finger.

    Parameters
    ----------
    attenuation : (H, W) float32 array
        In nepers.
    spacing_mm : float
    centre_mm : (x, y)
        Middle of the ring, from the middle of the radiograph's first pixel.
    along : (x, y)
        Direction of the finger.
    radius_mm, height_mm, thickness_mm : float
        Inner radius, size along the finger, and thickness of the metal.

    Returns
    -------
    (H, W) float32 array
    """
    rotation = np.degrees(np.arctan2(along[1], along[0]))
    outer = radius_mm + thickness_mm
    reach = float(np.hypot(outer, height_mm)) + 2 * spacing_mm
    ringed = attenuation.copy()
    rows, cols = (
        slice(max(int((c - reach) / spacing_mm), 0), max(int((c + reach) / spacing_mm) + 1, 0)) for c in centre_mm[::-1]
    )
    here = ringed[rows, cols]
    y = (np.arange(here.shape[0]) + rows.start)[:, None] * spacing_mm - centre_mm[1]
    x = (np.arange(here.shape[1]) + cols.start) * spacing_mm - centre_mm[0]
    lengthways, across = _rotated(x, y, rotation)
    length_mm = 2 * (
        np.sqrt(np.clip(outer**2 - across**2, 0, None)) - np.sqrt(np.clip(radius_mm**2 - across**2, 0, None))
    )
    band = np.clip(0.5 + (height_mm / 2 - np.abs(lengthways)) / spacing_mm, 0, 1)
    here += np.minimum(_GOLD_PER_MM * length_mm, 2 * _LEAD).astype(np.float32) * band.astype(np.float32)
    return ringed


def _draw_marker(side: str, spacing_mm: float, rng: np.random.Generator) -> tuple[Pixels, float]:
    """Return the attenuation of one marker on its own square, and its radius in mm."""
    height = float(rng.uniform(10, 18))
    lines = [(side, 0.0, 0.0, height)]  # text, x and y of its first corner, height, in mm
    width, bottom = 0.7 * height, height
    on_plate = rng.random() < 0.6
    if on_plate and rng.random() < 0.7:  # the initials of the radiographer
        small = height * float(rng.uniform(0.4, 0.6))
        initials = "".join(rng.choice(sorted(_STROKES), rng.integers(2, 4)))
        lines.append((initials, 0.0, height + 0.5 * small, small))
        width, bottom = max(width, small * (len(initials) - 0.3)), height + 1.5 * small
    stroke = float(rng.uniform(0.10, 0.16)) * height
    rim = stroke + float(rng.uniform(2, 6)) if on_plate else stroke
    half = np.array([width / 2 + rim, bottom / 2 + rim])
    radius = float(np.hypot(*half))
    rotation = float(rng.normal(0, 8) + rng.choice([0, 90, 180, 270], p=[0.85, 0.05, 0.05, 0.05]))

    n = int(np.ceil(2 * radius / spacing_mm)) | 1
    at = (np.arange(n) - n // 2) * spacing_mm
    x, y = _rotated(at, at[:, None], rotation)
    x, y = x + width / 2, y + bottom / 2
    away = np.full((n, n), np.inf)
    for text, left, top, tall in lines:
        thin = stroke * (1 if tall == height else 0.55) / 2
        for k, letter in enumerate(text):
            away = np.minimum(away, _from_strokes((x - left) / tall - k, (y - top) / tall, letter) * tall - thin)
    lead = np.clip(0.5 - away / spacing_mm, 0, 1) * _LEAD
    plate = np.zeros((n, n))
    if on_plate:
        edge = np.minimum(half[0] - np.abs(x - width / 2), half[1] - np.abs(y - bottom / 2))
        plate = np.clip(0.5 + edge / spacing_mm, 0, 1) * rng.uniform(0.06, 0.25)
        plate = np.maximum(plate, plate * 1.3 * (edge < 1.0))
    return (lead + plate).astype(np.float32), radius


def _from_strokes(x: NDArray[np.float64], y: NDArray[np.float64], letter: str) -> NDArray[np.float64]:
    """Return the distance of points to the strokes of a letter of height 1."""
    away = np.full(x.shape, np.inf)
    for stroke in _STROKES[letter]:
        for (x0, y0), (x1, y1) in zip(stroke[:-1], stroke[1:], strict=True):
            dx, dy = x1 - x0, y1 - y0
            along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2), 0, 1)
            away = np.minimum(away, np.hypot(x - x0 - along * dx, y - y0 - along * dy))
    return away


def _rotated(x: NDArray, y: NDArray, rotation_deg: float) -> tuple[NDArray, NDArray]:
    """Return the coordinates along axes rotated clockwise on the screen."""
    c, s = (np.float32(f(np.deg2rad(rotation_deg))) for f in (np.cos, np.sin))
    return c * x + s * y, c * y - s * x


def _coarse(attenuation: Pixels, spacing_mm: float) -> tuple[Pixels, float]:
    """Return the image in pixels of about 2 mm, and their size; a remainder at lower and right border is omitted."""
    factor = max(1, min(round(_COARSE_MM / spacing_mm), *attenuation.shape))
    rows, cols = (n // factor * factor for n in attenuation.shape)
    return block_mean(attenuation[:rows, :cols], factor), factor * spacing_mm
