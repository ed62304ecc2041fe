"""Simulated radiography device: tube, detector and image processing.

    attenuation -> Beer-Lambert -> scatter -> quantum noise -> blur -> electronic noise -> logarithm
                -> latitude compression, edge enhancement, tone curve -> bits or JPEG

The processing does not depend on the content of the image: apart from scatter and edge filters, the intensity at a
point depends only on the attenuation there, not on a ring or a marker elsewhere. Lengths are in mm, so the image looks
the same at any pixel size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.simulation.exposure.postprocessing import (
    compress_latitude,
    enhance,
    enlarge,
    jpeg,
    tone_curve,
    wide_blur,
)

Pixels = NDArray[np.float32]

#: Smallest signal, as a share of open air, before the logarithm.
_MIN_SIGNAL = 1e-3
#: Level, in nepers, that latitude compression does not change: between soft tissue and bone.
_UNCHANGED_LEVEL = 0.5
#: JPEG quality of the joint crops of the BLS-GAN data. Their files state 95, but their cosine coefficients are
#: multiples of 6, 5, 8 and 12, the steps of quality 75: they were saved twice, first at this quality.
CROP_QUALITY = 75


@dataclass(frozen=True)
class Detector:
    """A device and its settings: an imaging plate (CR) or a flat panel (DX), tube and software.

    The defaults lie in the middle of the ranges of :meth:`draw`.

    Attributes
    ----------
    kind : {"CR", "DX"}
    beam_hardening : float
        Loss of apparent attenuation per neper: ``a / (1 + beam_hardening * a)``.
    scatter : float
        Ratio of scattered to primary signal, per neper of the mean attenuation around a point.
    scatter_mm : float
        Standard deviation of the blur that spreads the scattered signal.
    focal_spot_mm, magnification : float
        Size of the tube's focal spot, and ratio of the hand's size in the detector plane to its true size.
        Both determine the geometric blur.
    blur_mm : float
        Standard deviation of the detector's own blur.
    quanta_per_mm2 : float
        X-ray quanta detected in open air. The blur also applies to their noise.
    electronic_quanta : float
        Standard deviation of the electronics' noise in each pixel, in quanta; it is white.
    fixed_pattern : float
        Standard deviation of the residual of flat-field correction, as a share of the signal.
    pattern_seed : int
        Seed of that pattern, which is the same for all visits.
    heel_per_m : float
        Change of exposure along the image's rows, in nepers per metre.
    exposure_offset : float
        Error of the software's estimate of the exposure, in nepers.
    latitude : float
        Share of the structures wider than ``latitude_mm`` that the software removes.
    latitude_mm : float
    edge_gain, edge_mm, edge_limit : float
        Enhancement of fine detail: gain, standard deviation of the filter's blur, and amplitude of the detail (nepers)
        at which the gain is halved.
    texture_gain, texture_mm, texture_limit : float
        The same for coarser detail.
    low, high, toe, shoulder, gamma, black, white : float
        The tone curve in nepers, see :func:`~napari_jsn.simulation.exposure.postprocessing.tone_curve`.
    bits : int
        Number of bits of a stored pixel value.
    jpeg_quality : int or None
        None is lossless.
    monochrome1 : bool
        Whether bone is stored dark.
    """

    kind: Literal["CR", "DX"] = "CR"
    beam_hardening: float = 0.03
    scatter: float = 0.25
    scatter_mm: float = 12.0
    focal_spot_mm: float = 0.6
    magnification: float = 1.03
    blur_mm: float = 0.12
    quanta_per_mm2: float = 160_000.0
    electronic_quanta: float = 6.0
    fixed_pattern: float = 0.002
    pattern_seed: int = 0
    heel_per_m: float = 0.0
    exposure_offset: float = 0.0
    latitude: float = 0.1
    latitude_mm: float = 10.0
    edge_gain: float = 0.5
    edge_mm: float = 0.4
    edge_limit: float = 0.2
    texture_gain: float = 0.2
    texture_mm: float = 1.5
    texture_limit: float = 0.4
    low: float = 0.02
    high: float = 1.25
    toe: float = 0.06
    shoulder: float = 0.2
    gamma: float = 1.0
    black: float = 0.0
    white: float = 1.0
    bits: int = 12
    jpeg_quality: int | None = None
    monochrome1: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Detector:
        """Draw a device and its settings.

        Blur, dose and intensities vary around the values of 200 crops of MCP joints (BLS-GAN data, one hospital), with
        a larger spread. Intensities of these crops in [0, 1], median (5 % to 95 %): soft tissue 0.27 (0.19 to 0.35),
        joint space 0.39 (0.31 to 0.51), bone 0.53 (0.42 to 0.65), its 95th percentile 0.74 (0.61 to 0.88). After a
        high-pass of 3 px: sd 0.0065 (0.0049 to 0.0080) in flat soft tissue and 0.022 (0.019 to 0.025) in bone. The
        correlation of the noise with the first to fourth neighbour is 0.74, 0.42, 0.15 and 0.0; this agrees with
        pixels of 0.175 mm, a blur of about 0.12 mm and little white noise. In 29 radiographs of whole hands from other
        sources, open air has an intensity of 0.0 to 0.37.
        """
        kind: Literal["CR", "DX"] = "CR" if rng.random() < 0.6 else "DX"
        cr = kind == "CR"
        low = float(rng.normal(0.02, 0.035))
        return cls(
            kind=kind,
            beam_hardening=float(rng.uniform(0.0, 0.06)),
            scatter=float(rng.uniform(0.1, 0.4)),
            scatter_mm=float(rng.uniform(8, 18)),
            focal_spot_mm=float(rng.choice([0.6, 1.0, 1.2])),
            magnification=float(rng.uniform(1.01, 1.05)),
            blur_mm=float(rng.uniform(0.10, 0.17) if cr else rng.uniform(0.08, 0.12)),
            quanta_per_mm2=float((150_000 if cr else 200_000) * np.exp(0.35 * rng.standard_normal())),
            electronic_quanta=float(rng.uniform(3, 10) if cr else rng.uniform(2, 8)),
            fixed_pattern=float(rng.uniform(0.0005, 0.003)),
            pattern_seed=int(rng.integers(2**31)),
            heel_per_m=float(0.2 * rng.standard_normal()),
            latitude=float(rng.uniform(0.0, 0.3)),
            latitude_mm=float(rng.uniform(6, 15)),
            edge_gain=float(rng.uniform(0.0, 0.9)),
            edge_mm=float(rng.uniform(0.25, 0.6)),
            edge_limit=float(rng.uniform(0.1, 0.4)),
            texture_gain=float(rng.uniform(0.0, 0.5)),
            texture_mm=float(rng.uniform(1.0, 2.5)),
            texture_limit=float(rng.uniform(0.2, 0.6)),
            low=low,
            high=low + float(np.clip(rng.normal(1.2, 0.11), 1.0, 1.5)),
            toe=float(rng.uniform(0.03, 0.10)),
            shoulder=float(rng.uniform(0.15, 0.35)),
            gamma=float(rng.uniform(0.92, 1.1)),
            black=float(rng.uniform(0.05, 0.2) if rng.random() < 0.1 else 0.0),
            white=float(rng.uniform(0.92, 1.0)),
            bits=int(rng.choice([10, 12], p=[0.4, 0.6])),
            jpeg_quality=int(rng.integers(75, 99)) if rng.random() < 0.3 else None,
            monochrome1=bool(rng.random() < 0.4),
        )

    @classmethod
    def ideal(cls) -> Detector:
        """Return a device that only applies the logarithm and the tone curve: no blur, scatter, noise or loss."""
        return cls(
            kind="DX",
            beam_hardening=0.0,
            scatter=0.0,
            magnification=1.0,
            blur_mm=0.0,
            quanta_per_mm2=np.inf,
            electronic_quanta=0.0,
            fixed_pattern=0.0,
            latitude=0.0,
            edge_gain=0.0,
            texture_gain=0.0,
        )

    def vary(self, rng: np.random.Generator) -> Detector:
        """Return the device at another visit: another dose and exposure index, the same software and pattern.

        Call it on the drawn device, not on a varied one. Between two visits of one real joint, the intensity of
        soft tissue differs with a standard deviation of 0.030 (on the scale 0 to 1) and the contrast of bone to soft
        tissue with one of 8 %, including the effect of positioning.
        """
        return replace(
            self,
            quanta_per_mm2=float(self.quanta_per_mm2 * np.exp(0.15 * rng.standard_normal())),
            scatter=float(self.scatter * np.exp(0.1 * rng.standard_normal())),
            magnification=float(max(1.0, self.magnification + 0.005 * rng.standard_normal())),
            exposure_offset=float(0.04 * rng.standard_normal()),
            high=self.low + float((self.high - self.low) * np.exp(0.04 * rng.standard_normal())),
        )

    @property
    def unsharpness_mm(self) -> float:
        """Standard deviation of the geometric and detector blur, at the hand."""
        geometric = self.focal_spot_mm / np.sqrt(12) * (1 - 1 / self.magnification)  # of a uniform focal spot
        return float(np.hypot(geometric, self.blur_mm / self.magnification))


def expose(attenuation: Pixels, spacing_mm: float, detector: Detector, rng: np.random.Generator) -> Pixels:
    """Return the intensities of a radiograph of an object with this attenuation.

    Parameters
    ----------
    attenuation : (H, W) float32 array
        In nepers; open air 0, a finger's soft tissue about 0.4, bone 0.3 to 1.2 in addition.
    spacing_mm : float
        Size of a pixel at the hand.
    detector : Detector
    rng : numpy.random.Generator
        Draws the noise.

    Returns
    -------
    (H, W) float32 array
        Intensities in [0, 1], bone bright, before storage.

    Raises
    ------
    InputError
        If the attenuation is not an image or the pixel size is not positive.
    """
    _check(attenuation, spacing_mm)
    nepers = _logarithm(_signal(attenuation, spacing_mm, detector, rng), attenuation.shape, spacing_mm, detector)
    nepers = compress_latitude(nepers, detector.latitude_mm / spacing_mm, detector.latitude, _UNCHANGED_LEVEL)
    nepers = enhance(nepers, detector.texture_mm / spacing_mm, detector.texture_gain, detector.texture_limit)
    nepers = enhance(nepers, detector.edge_mm / spacing_mm, detector.edge_gain, detector.edge_limit)
    window = (detector.low, detector.high, detector.toe, detector.shoulder)
    intensity = tone_curve(nepers, *window, detector.gamma, detector.black, detector.white)
    return intensity if detector.jpeg_quality is None else jpeg(intensity, detector.jpeg_quality)


def expose_joint(
    attenuation: Pixels,
    spacing_mm: float,
    detector: Detector,
    rng: np.random.Generator,
    factor: int = 2,
    quality: int | None = CROP_QUALITY,
) -> Pixels:
    """Return the intensities of a joint image made like the crops of a data set: enlarged and saved as JPEG.

    The crops of the BLS-GAN data have 256 x 256 pixels of 0.087 mm but no detail finer than the pixels of their
    detector, 0.175 mm. Their spectral power falls by a factor of 100 between 0.12 and 0.23 cycles/px; at higher
    frequencies it is the power of JPEG artefacts.

    Parameters
    ----------
    attenuation : (H, W) float32 array
        In nepers; rows and columns are multiples of ``factor``.
    spacing_mm : float
        Pixel size of the attenuation and of the returned image.
    detector : Detector
    rng : numpy.random.Generator
    factor : int
        Pixels of the image per pixel of the detector.
    quality : int or None
        JPEG quality of the crop; None is lossless.

    Returns
    -------
    (H, W) float32 array
        Intensities in [0, 1], bone bright, with the field of view of ``attenuation``.

    Raises
    ------
    InputError
        If ``factor`` does not divide rows and columns, or as in :func:`expose`.
    """
    _check(attenuation, spacing_mm)
    if factor < 1 or attenuation.shape[0] % factor or attenuation.shape[1] % factor:
        raise InputError(
            f"An image of {attenuation.shape[0]} x {attenuation.shape[1]} pixels cannot be simulated with a "
            f"detector whose pixels are {factor} times larger. Give rows and columns that are multiples of the factor.",
            "factor",
        )
    coarse = -np.log(block_mean(np.exp(-attenuation), factor))  # a detector element averages the signal over its area
    intensity = expose(coarse, spacing_mm * factor, detector, rng)
    intensity = np.clip(enlarge(intensity, attenuation.shape), 0, 1)
    return intensity if quality is None else jpeg(intensity, quality)


def store(intensity: Pixels, bits: int, monochrome1: bool) -> NDArray[np.uint16]:
    """Return pixel values as a device stores them.

    Parameters
    ----------
    intensity : (H, W) float32 array
        In [0, 1], bone bright; values outside are clipped.
    bits : int
        8 to 16.
    monochrome1 : bool
        Store bone dark.

    Returns
    -------
    (H, W) uint16 array

    Raises
    ------
    InputError
        If ``bits`` is out of range.
    """
    if not 8 <= bits <= 16:
        raise InputError(f"Pixel values of {bits} bits cannot be stored. Give 8 to 16.", "bits")
    max_value = 2**bits - 1
    stored = np.round(np.clip(intensity, 0, 1) * np.float32(max_value)).astype(np.uint16)
    return max_value - stored if monochrome1 else stored


def _check(attenuation: Pixels, spacing_mm: float) -> None:
    if attenuation.ndim != 2 or attenuation.size == 0:
        raise InputError(
            f"The attenuation has shape {attenuation.shape}. Give an array of rows and columns.", "attenuation"
        )
    if not (np.isfinite(spacing_mm) and spacing_mm > 0):
        raise InputError(f"The pixel size {spacing_mm} mm is not positive. Give a positive size.", "spacing_mm")


def _signal(attenuation: Pixels, spacing_mm: float, detector: Detector, rng: np.random.Generator) -> Pixels:
    """Return the detector's signal with noise, 1 in open air."""
    apparent = np.asarray(attenuation, dtype=np.float32)
    if detector.beam_hardening:
        apparent = apparent / (1 + np.float32(detector.beam_hardening) * apparent)
    signal = np.exp(-apparent)
    if detector.scatter:
        # scattered photons must leave the object, so scatter is proportional to a * exp(-a) and 0 in air:
        # Ohnesorge et al., Eur. Radiol. 9:563-569 (1999)
        signal = signal + np.float32(detector.scatter) * wide_blur(apparent * signal, detector.scatter_mm / spacing_mm)
    quanta = detector.quanta_per_mm2 * spacing_mm**2  # per pixel
    if np.isfinite(quanta):
        noise = rng.standard_normal(signal.shape, dtype=np.float32)
        # normal approximation of the Poisson distribution
        signal = signal + np.sqrt(signal / np.float32(quanta)) * noise
    blur_px = detector.unsharpness_mm / spacing_mm
    if blur_px > 0:
        signal = ndimage.gaussian_filter(signal, blur_px, mode="nearest", truncate=3.5)
    if detector.electronic_quanta and np.isfinite(quanta):
        noise = rng.standard_normal(signal.shape, dtype=np.float32)
        signal = signal + np.float32(detector.electronic_quanta / quanta) * noise
    if detector.fixed_pattern:
        pattern = np.random.default_rng(detector.pattern_seed).standard_normal(signal.shape, dtype=np.float32)
        signal = signal * (1 + np.float32(detector.fixed_pattern) * pattern)
    return signal


def _logarithm(signal: Pixels, shape: tuple[int, ...], spacing_mm: float, detector: Detector) -> Pixels:
    """Return the attenuation in nepers as the software computes it from the signal."""
    nepers = -np.log(np.maximum(signal, np.float32(_MIN_SIGNAL)))
    row_m = (np.arange(shape[0], dtype=np.float32) - np.float32((shape[0] - 1) / 2)) * np.float32(spacing_mm / 1000)
    return nepers + (np.float32(detector.exposure_offset) + np.float32(detector.heel_per_m) * row_m)[:, None]
