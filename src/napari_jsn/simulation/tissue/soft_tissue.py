"""What X-rays lose in the soft tissue of a hand on a PA radiograph, in nepers.

The form comes from :mod:`napari_jsn.simulation.tissue.hand_form` on a coarse grid and comes to the pixels by cubics.
There the section of each part gives the thickness, in layers of skin, fat and muscle; texture, creases and nails are
added. Soft tissue is not tied to the bones: from visit to visit it slides, swells and folds by itself.
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
from napari_jsn.simulation.tissue.skin import Creases, Nails

Array = NDArray[np.float32]

#: Attenuation per mm at the mean energy of a hand attenuation, about 45 keV, after filtering by the hand itself (NIST XCOM:
#: skin 1.09 g/cm3, adipose tissue 0.95 g/cm3, skeletal muscle 1.05 g/cm3).
SKIN, FAT, MUSCLE = 0.0265, 0.0210, 0.0258

#: Steps of the table of thickness by depth below the skin.
_STEPS = 4096


@dataclass(frozen=True)
class WaveField:
    """A smooth random field over the hand: a sum of plane waves.

    Attributes
    ----------
    vectors : (n, 2) float array
        Of each wave, across and along the hand, in radians per mm.
    phases, sizes : (n,) float arrays
    """

    vectors: NDArray[np.float64]
    phases: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @classmethod
    def draw(
        cls, rng: np.random.Generator, sd: float, length_mm: tuple[float, float] = (18.0, 60.0), n: int = 5
    ) -> WaveField:
        """Draw a field of this standard deviation, from waves of these lengths."""
        number = 2 * np.pi / rng.uniform(*length_mm, n)
        direction = rng.uniform(0, 2 * np.pi, n)
        vectors = np.stack([number * np.cos(direction), number * np.sin(direction)], axis=1)
        return cls(vectors, rng.uniform(0, 2 * np.pi, n), np.full(n, sd * np.sqrt(2 / n)))

    def __call__(self, across_mm: Array, along_mm: Array) -> Array:
        """The field at places of the hand."""
        total = np.zeros(across_mm.shape, np.float32)
        for (a, b), phase, size in zip(self.vectors, self.phases, self.sizes, strict=True):
            total += np.float32(size) * np.sin(np.float32(a) * across_mm + np.float32(b) * along_mm + np.float32(phase))
        return total


@dataclass(frozen=True)
class SoftTissue:
    """One person's soft tissue.

    Attributes
    ----------
    build : HandBuild
        How the hand's form differs from the mean.
    skin_share, fat_share : float
        Down to which part of the way from the skin to the middle there is skin, and then fat.
    texture_share : float
        Strength of the texture in the palm, as a share of the attenuation of 16 mm of tissue. It grows with the root of
        the thickness, as what lies behind each other adds up; two thirds of it are in the fingers.
    texture_mm : (float, float)
        Where in the texture this person's hand begins.
    unevenness : WaveField
        Of the thickness, as a share.
    nails : Nails
    creases : Creases
    """

    build: HandBuild = field(default_factory=HandBuild)
    skin_share: float = 0.13
    fat_share: float = 0.38
    texture_share: float = 0.05
    texture_mm: tuple[float, float] = (0.0, 0.0)
    unevenness: WaveField | None = None
    nails: Nails = field(default_factory=Nails)
    creases: Creases = field(default_factory=Creases)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> SoftTissue:
        """Draw a person's soft tissue."""

        def normal(mean: float, sd: float) -> float:
            return mean + sd * float(np.clip(rng.standard_normal(), -2.2, 2.2))

        stout = normal(0.0, 1.0)  # fat hands are wide and thick, and their fingers taper
        return cls(
            build=HandBuild(
                width=normal(1.0 + 0.04 * stout, 0.03),
                depth=normal(1.0 + 0.04 * stout, 0.04),
                taper=normal(-0.02 * stout, 0.04),
                knuckles=normal(0.1, 0.25),
                web=normal(0.25 + 0.02 * stout, 0.04),
                muscle=normal(1.0, 0.2),
            ),
            skin_share=normal(0.13, 0.015),
            fat_share=normal(0.38 + 0.04 * stout, 0.04),
            texture_share=0.05 * float(np.exp(normal(0, 0.25))),
            texture_mm=(float(rng.uniform(0, 100)), float(rng.uniform(0, 100))),
            unevenness=WaveField.draw(rng, 0.02),
            nails=Nails.draw(rng),
            creases=Creases.draw(rng),
        )

    def attenuation(
        self,
        rays: Rays,
        shape: tuple[int, int],
        spacing_mm: float,
        visit_rng: np.random.Generator | None = None,
        wrist: Wrist | None = None,
    ) -> Array:
        """Attenuation of the soft tissue on an image of the hand, or of a part of it.

        Parameters
        ----------
        rays : mapping of ray (1, thumb, to 5) to (k, 2) float array
            Points ``(x, y)`` in mm on the image, from proximal to distal: CMC, MCP, PIP, DIP and the end of the bone;
            of the thumb CMC, MCP, IP and the end. Points may lie outside the image. Rays far from it may be missing;
            but webs, and which side the thumb is on, are only known from neighbours.
        shape : (int, int)
            Rows and columns of the image.
        spacing_mm : float
            Size of a pixel; the middle of pixel (row, col) lies at x = col * spacing_mm, y = row * spacing_mm.
        visit_rng : numpy.random.Generator, optional
            How the tissue lies at one visit; generators in the same state give the same for every window of it. None:
            the person's mean.
        wrist : mapping of name to (2,) float array, optional
            Points ``radius``, ``ulna`` (distal ends), ``radius_shaft`` and ``ulna_shaft`` (40 mm proximal) in mm on the
            image; worked out from the rays by default.

        Returns
        -------
        (H, W) float32 array
            In nepers; 0 in open air.
        """
        current, slide = self._at_visit(visit_rng)
        form = hand_form(rays, wrist, shape[0] * spacing_mm, shape[1] * spacing_mm, current.build)
        across, along = form.across_mm, form.along_mm
        if slide:
            across, along = across + slide[0](across, along), along + slide[1](across, along)
        strength = form.thickness_mm
        if current.unevenness:
            strength = strength * (1 + current.unevenness(across, along))

        up = _Upsampling(form.depth.shape, shape, spacing_mm)
        attenuation = current._layers(up(form.depth))
        thick = up(strength)
        attenuation *= thick
        bellies = up(form.muscle_mm) if form.muscle_mm.any() else None
        if bellies is not None:
            attenuation += np.float32(MUSCLE) * np.clip(bellies, 0, None)
        attenuation *= current._texture(up, across, along, form.thickness_mm)
        side, scale = thumb_side(rays), size_of(rays)
        current.creases.press(attenuation, rays, spacing_mm, side, scale)
        current.nails.add(attenuation, rays, spacing_mm, side, scale * current.build.width)
        return attenuation

    def _at_visit(self, rng: np.random.Generator | None) -> tuple[SoftTissue, tuple[WaveField, WaveField] | None]:
        """How the tissue lies at a visit: a little thicker or thinner here and there, and slid a little."""
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
                (self.unevenness.vectors, self.unevenness.phases, self.unevenness.sizes),
                (uneven.vectors, uneven.phases, uneven.sizes),
                strict=True,
            )
            uneven = WaveField(*(np.concatenate(pair) for pair in pairs))
        shift = rng.normal(0, (0.5, 0.6))
        offset = (self.texture_mm[0] + float(shift[0]), self.texture_mm[1] + float(shift[1]))
        slide = WaveField.draw(rng, 0.35, (15.0, 50.0)), WaveField.draw(rng, 0.35, (15.0, 50.0))
        moved = replace(self, build=build, unevenness=uneven, texture_mm=offset, creases=self.creases.at_visit(rng))
        return moved, slide

    def _layers(self, depth: Array) -> Array:
        """Attenuation per mm of the thickness at the line, by depth below the skin: 0 there, 1 on the line."""
        table = _layers(self.skin_share, self.fat_share)
        return np.take(table, np.clip(depth * np.float32(_STEPS), 0, _STEPS).astype(np.int32))

    def _texture(self, up: _Upsampling, across: Array, along: Array, thickness_mm: Array) -> Array:
        place = texture.places(
            up.linear(across + np.float32(self.texture_mm[0])), up.linear(along + np.float32(self.texture_mm[1]))
        )
        share = np.float32(self.texture_share) * np.sqrt(16 / np.clip(thickness_mm, 8, None))
        # fingers are more even, and have more fat; the palm more muscle and tendon
        finger = 1 / (1 + np.exp(np.clip(-along / np.float32(6.0), -20, 20)))
        share = share * (1 - np.float32(0.35) * finger)
        lobules = np.float32(0.3) + np.float32(0.4) * finger
        fat, fibre = up.linear(lobules * share), up.linear((1 - lobules) * share)
        fat *= texture.look_up(texture.fat(), place)
        fibre *= texture.look_up(texture.fibre(), place)
        fat += fibre
        fat += np.float32(1)
        return fat


@lru_cache(maxsize=8)
def _layers(skin_share: float, fat_share: float) -> Array:
    """Attenuation per mm of thickness at _STEPS + 1 depths: skin about fat about muscle, tendon and joint."""
    depth, coarse = np.linspace(0, 1, _STEPS + 1), np.linspace(0, 1, 201)
    total = SKIN * _chord(depth)
    # the layers inside are not as smooth as the skin: their edges are blurred, by shares of the depth
    for top, gain, blur in ((skin_share, FAT - SKIN, 0.015), (fat_share, MUSCLE - FAT, 0.09)):
        chord = ndimage.gaussian_filter1d((1 - top) * _chord((coarse - top) / (1 - top)), 200 * blur)
        total += gain * np.interp(depth, coarse, chord - chord[0])
    return total.astype(np.float32)


def _chord(depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of the beam's way through an ellipse, by depth below its edge (0) towards its middle (1)."""
    out = 1 - np.clip(depth, 0, 1)
    return np.sqrt(1 - out**2)


class _Upsampling:
    """Brings values of the coarse grid to the pixels, by products with two small matrices."""

    def __init__(self, coarse: tuple[int, ...], shape: tuple[int, int], spacing_mm: float) -> None:
        self._cubic = [_matrix(n, m, spacing_mm, _cubic) for n, m in zip(coarse, shape, strict=True)]
        self._linear = [_matrix(n, m, spacing_mm, _tent) for n, m in zip(coarse, shape, strict=True)]

    def __call__(self, values: Array) -> Array:
        """By a cubic that goes through the values."""
        return np.asarray((self._cubic[0] @ values) @ self._cubic[1].T, np.float32)

    def linear(self, values: Array) -> Array:
        return np.asarray((self._linear[0] @ values) @ self._linear[1].T, np.float32)


@lru_cache(maxsize=16)  # the windows of a run are alike
def _matrix(nodes: int, pixels: int, spacing_mm: float, kernel: Callable[[Array], Array]) -> Array:
    """(pixels, nodes) weights of the coarse grid's nodes at the pixels."""
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
    """Catmull and Rom's spline."""
    near = (np.float32(1.5) * x - np.float32(2.5)) * x * x + np.float32(1)
    far = ((np.float32(-0.5) * x + np.float32(2.5)) * x - np.float32(4)) * x + np.float32(2)
    return np.where(x < 1, near, np.where(x < 2, far, np.float32(0)))
