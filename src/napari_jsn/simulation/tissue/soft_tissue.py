"""Attenuation of the soft tissue of a hand on a posteroanterior radiograph, in nepers.

:mod:`napari_jsn.simulation.tissue.hand_form` gives the hand's form on a coarse grid; cubic interpolation brings it to
the pixels. The section of each part gives the thickness of skin, fat and muscle. Texture, skin creases and nails are
added. Soft tissue moves independently of the bones from visit to visit: it slides, changes thickness and folds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.simulation.tissue import soft_tissue_texture as texture
from napari_jsn.simulation.tissue.hand_form import PAD, STEP_MM, HandBuild, Rays, Wrist, hand_form, size_of, thumb_side
from napari_jsn.simulation.tissue.skin import Nails, SkinCreases

Array = NDArray[np.float32]

#: Attenuation per mm at the mean energy of a hand radiograph, about 45 keV, after filtering by the hand itself (NIST
#: XCOM: skin 1.09 g/cm3, adipose tissue 0.95 g/cm3, skeletal muscle 1.05 g/cm3).
SKIN, FAT, MUSCLE = 0.0265, 0.0210, 0.0258

#: Steps of the table of attenuation by depth below the skin.
_STEPS = 4096


@dataclass(frozen=True)
class WaveField:
    """Smooth random field over the hand: a sum of plane waves.

    Attributes
    ----------
    vectors : (n, 2) float array
        Wave vectors, across and along the hand, in radians per mm.
    phases, amplitudes : (n,) float arrays
    """

    vectors: NDArray[np.float64]
    phases: NDArray[np.float64]
    amplitudes: NDArray[np.float64]

    @classmethod
    def draw(
        cls, rng: np.random.Generator, sd: float, length_mm: tuple[float, float] = (18.0, 60.0), n: int = 5
    ) -> WaveField:
        """Draw a field of this standard deviation, with wave lengths in this range."""
        number = 2 * np.pi / rng.uniform(*length_mm, n)
        direction = rng.uniform(0, 2 * np.pi, n)
        vectors = np.stack([number * np.cos(direction), number * np.sin(direction)], axis=1)
        return cls(vectors, rng.uniform(0, 2 * np.pi, n), np.full(n, sd * np.sqrt(2 / n)))

    def __call__(self, across_mm: Array, along_mm: Array) -> Array:
        """Return the field at these positions of the hand."""
        total = np.zeros(across_mm.shape, np.float32)
        for (a, b), phase, amplitude in zip(self.vectors, self.phases, self.amplitudes, strict=True):
            total += np.float32(amplitude) * np.sin(
                np.float32(a) * across_mm + np.float32(b) * along_mm + np.float32(phase)
            )
        return total


@dataclass(frozen=True)
class SoftTissue:
    """Soft tissue of one person's hand.

    Attributes
    ----------
    build : HandBuild
        Deviation of the hand's form from the mean.
    skin_share, fat_share : float
        Depth of the lower border of skin and of fat, as a share of the distance from surface to middle.
    texture_share : float
        Standard deviation of the texture in the palm, as a share of the attenuation of 16 mm of tissue. It grows with
        the square root of the thickness; in the fingers it is two thirds of this.
    texture_mm : (float, float)
        Offset of this person's hand in the texture.
    unevenness : WaveField, optional
        Relative deviation of the thickness.
    nails : Nails
    creases : SkinCreases
    """

    build: HandBuild = field(default_factory=HandBuild)
    skin_share: float = 0.13
    fat_share: float = 0.38
    texture_share: float = 0.05
    texture_mm: tuple[float, float] = (0.0, 0.0)
    unevenness: WaveField | None = None
    nails: Nails = field(default_factory=Nails)
    creases: SkinCreases = field(default_factory=SkinCreases)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> SoftTissue:
        """Draw the soft tissue of a person's hand."""

        def normal(mean: float, sd: float) -> float:
            return mean + sd * float(np.clip(rng.standard_normal(), -2.2, 2.2))

        fatness = normal(0.0, 1.0)  # hands with more fat are wider and thicker, and their fingers taper
        return cls(
            build=HandBuild(
                width=normal(1.0 + 0.04 * fatness, 0.03),
                depth=normal(1.0 + 0.04 * fatness, 0.04),
                taper=normal(-0.02 * fatness, 0.04),
                knuckles=normal(0.1, 0.25),
                web=normal(0.25 + 0.02 * fatness, 0.04),
                muscle=normal(1.0, 0.2),
            ),
            skin_share=normal(0.13, 0.015),
            fat_share=normal(0.38 + 0.04 * fatness, 0.04),
            texture_share=0.05 * float(np.exp(normal(0, 0.25))),
            texture_mm=(float(rng.uniform(0, 100)), float(rng.uniform(0, 100))),
            unevenness=WaveField.draw(rng, 0.02),
            nails=Nails.draw(rng),
            creases=SkinCreases.draw(rng),
        )

    def attenuation(
        self,
        rays: Rays,
        shape: tuple[int, int],
        spacing_mm: float,
        visit_rng: np.random.Generator | None = None,
        wrist: Wrist | None = None,
    ) -> Array:
        """Return the attenuation of the soft tissue on an image of the hand, or of a part of it.

        Parameters
        ----------
        rays : mapping of ray (1, thumb, to 5) to (k, 2) float array
            Points ``(x, y)`` in mm on the image, from proximal to distal: CMC, MCP, PIP, DIP and the end of the bone;
            of the thumb CMC, MCP, IP and the end. Points may lie outside the image. Rays far from it may be missing,
            but webs and the side of the thumb are computed from neighbouring rays.
        shape : (int, int)
            Rows and columns of the image.
        spacing_mm : float
            Size of a pixel; the middle of pixel (row, col) lies at x = col * spacing_mm, y = row * spacing_mm.
        visit_rng : numpy.random.Generator, optional
            Draws the tissue's deviations at one visit; generators in the same state give the same deviations in every
            part of the image. By default there are none.
        wrist : mapping of name to (2,) float array, optional
            Points ``radius``, ``ulna`` (distal ends), ``radius_shaft`` and ``ulna_shaft`` (40 mm proximal) in mm on the
            image; computed from the rays by default.

        Returns
        -------
        (H, W) float32 array
            Attenuation in nepers; 0 in open air.
        """
        current, slide = self._at_visit(visit_rng)
        form = hand_form(rays, wrist, shape[0] * spacing_mm, shape[1] * spacing_mm, current.build)
        across, along = form.across_mm, form.along_mm
        if slide:
            across, along = across + slide[0](across, along), along + slide[1](across, along)
        thickness = form.thickness_mm
        if current.unevenness:
            thickness = thickness * (1 + current.unevenness(across, along))

        up = _Upsampling(form.depth.shape, shape, spacing_mm)
        attenuation = current._layers(up(form.depth))
        attenuation *= up(thickness)
        bellies = up(form.muscle_mm) if form.muscle_mm.any() else None
        if bellies is not None:
            attenuation += np.float32(MUSCLE) * np.clip(bellies, 0, None)
        attenuation *= current._texture(up, across, along, form.thickness_mm)
        side, scale = thumb_side(rays), size_of(rays)
        current.creases.add(attenuation, rays, spacing_mm, side, scale)
        current.nails.add(attenuation, rays, spacing_mm, side, scale * current.build.width)
        return attenuation

    def _at_visit(self, rng: np.random.Generator | None) -> tuple[SoftTissue, tuple[WaveField, WaveField] | None]:
        """Return the tissue at a visit, with another thickness, and its lateral and axial displacement."""
        if rng is None:
            return self, None
        build = replace(
            self.build,
            width=self.build.width * float(1 + np.clip(rng.normal(0, 0.012), -0.03, 0.03)),
            depth=self.build.depth * float(1 + np.clip(rng.normal(0, 0.02), -0.05, 0.05)),
        )
        uneven = WaveField.draw(rng, 0.015)
        if self.unevenness:
            pairs = zip(
                (self.unevenness.vectors, self.unevenness.phases, self.unevenness.amplitudes),
                (uneven.vectors, uneven.phases, uneven.amplitudes),
                strict=True,
            )
            uneven = WaveField(*(np.concatenate(pair) for pair in pairs))
        translation = rng.normal(0, (0.5, 0.6))
        offset = (self.texture_mm[0] + float(translation[0]), self.texture_mm[1] + float(translation[1]))
        slide = WaveField.draw(rng, 0.35, (15.0, 50.0)), WaveField.draw(rng, 0.35, (15.0, 50.0))
        at_visit = replace(self, build=build, unevenness=uneven, texture_mm=offset, creases=self.creases.at_visit(rng))
        return at_visit, slide

    def _layers(self, depth: Array) -> Array:
        """Return the attenuation per mm of thickness by depth below the surface: 0 there, 1 on the middle line."""
        table = _layers(self.skin_share, self.fat_share)
        return np.take(table, np.clip(depth * np.float32(_STEPS), 0, _STEPS).astype(np.int32))

    def _texture(self, up: _Upsampling, across: Array, along: Array, thickness_mm: Array) -> Array:
        """Return the factor of the attenuation by the texture of fat, muscle and tendon."""
        index = texture.tile_indices(
            up.linear(across + np.float32(self.texture_mm[0])), up.linear(along + np.float32(self.texture_mm[1]))
        )
        share = np.float32(self.texture_share) * np.sqrt(16 / np.clip(thickness_mm, 8, None))
        # fingers have less texture and more fat; the palm has more muscle and tendon
        finger = 1 / (1 + np.exp(np.clip(-along / np.float32(6.0), -20, 20)))
        share = share * (1 - np.float32(0.35) * finger)
        lobules = np.float32(0.3) + np.float32(0.4) * finger
        fat, fibre = up.linear(lobules * share), up.linear((1 - lobules) * share)
        fat *= texture.tile_values(texture.fat_tile(), index)
        fibre *= texture.tile_values(texture.fibre_tile(), index)
        fat += fibre
        fat += np.float32(1)
        return fat


@lru_cache(maxsize=8)
def _layers(skin_share: float, fat_share: float) -> Array:
    """Return the attenuation per mm of thickness at _STEPS + 1 depths: skin, then fat, then muscle and tendon."""
    depth, coarse = np.linspace(0, 1, _STEPS + 1), np.linspace(0, 1, 201)
    total = SKIN * _chord(depth)
    # the borders of the inner layers are blurred, by shares of the depth
    for top, gain, blur in ((skin_share, FAT - SKIN, 0.015), (fat_share, MUSCLE - FAT, 0.09)):
        chord = ndimage.gaussian_filter1d((1 - top) * _chord((coarse - top) / (1 - top)), 200 * blur)
        total += gain * np.interp(depth, coarse, chord - chord[0])
    return total.astype(np.float32)


def _chord(depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chord of a ray through an ellipse by depth below its edge: 0 there, 1 in its middle."""
    out = 1 - np.clip(depth, 0, 1)
    return np.sqrt(1 - out**2)


class _Upsampling:
    """Interpolation from the coarse grid to the pixels, as products with two small matrices."""

    def __init__(self, coarse: tuple[int, ...], shape: tuple[int, int], spacing_mm: float) -> None:
        self._cubic = [_matrix(n, m, spacing_mm, _cubic) for n, m in zip(coarse, shape, strict=True)]
        self._linear = [_matrix(n, m, spacing_mm, _tent) for n, m in zip(coarse, shape, strict=True)]

    def __call__(self, values: Array) -> Array:
        """Interpolate with a cubic spline through the values."""
        return np.asarray((self._cubic[0] @ values) @ self._cubic[1].T, np.float32)

    def linear(self, values: Array) -> Array:
        """Interpolate linearly."""
        return np.asarray((self._linear[0] @ values) @ self._linear[1].T, np.float32)


@lru_cache(maxsize=16)  # the images of a run have the same shape
def _matrix(nodes: int, pixels: int, spacing_mm: float, kernel: Callable[[Array], Array]) -> Array:
    """Return the (pixels, nodes) weights of the coarse grid's nodes at the pixels."""
    at = np.arange(pixels, dtype=np.float32) * np.float32(spacing_mm / STEP_MM) + np.float32(PAD)
    first = np.floor(at).astype(np.intp)
    matrix = np.zeros((pixels, nodes), np.float32)
    rows = np.arange(pixels)
    for k in (-1, 0, 1, 2):
        node = first + k
        matrix[rows, np.clip(node, 0, nodes - 1)] += kernel(np.abs(at - node.astype(np.float32)))
    matrix.flags.writeable = False
    return matrix


def _tent(x: Array) -> Array:
    return np.clip(np.float32(1) - x, 0, None)


def _cubic(x: Array) -> Array:
    """Return the weights of the Catmull-Rom spline."""
    near = (np.float32(1.5) * x - np.float32(2.5)) * x * x + np.float32(1)
    far = ((np.float32(-0.5) * x + np.float32(2.5)) * x - np.float32(4)) * x + np.float32(2)
    return np.where(x < 1, near, np.where(x < 2, far, np.float32(0)))
