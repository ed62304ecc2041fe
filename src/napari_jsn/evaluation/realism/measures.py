"""Measure a joint image: intensities, spectra, edges, noise and the texture of spongy bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_jsn.evaluation.public_images import Pixels
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import facing_margins, joint_frame
from napari_jsn.radiograph.resampling import block_mean

Values = NDArray[np.float64]

#: Number of bins of the intensity histograms from 0 to 1.
BINS = 64
#: Distance from the border of the mask, in mm: "inside bone" is farther inside, "beside the bones" is between the two.
INSIDE_MM, BESIDE_MM = 0.9, (1.2, 3.2)
#: The shaft is farther than this from the centre of the joint, in mm.
SHAFT_MM = 6.0
#: Centres of the bands of the radial spectra, in cycles per mm; detectors of 0.175 mm end at 2.9.
FREQUENCIES = np.geomspace(0.09, 5.5, 25)
#: Positions along the edge profiles, in mm: negative is outside the bone, or on the side of the upper bone.
ACROSS_CORTEX_MM = np.linspace(-2.0, 3.0, 61)
ACROSS_GAP_MM = np.linspace(-4.0, 4.0, 81)
#: Bands of the spectra that are reported as figures, in cycles per mm.
BANDS = ((0.1, 0.3), (0.3, 0.8), (0.8, 1.6), (1.6, 2.6))
#: Distance from the joint at which the breadth of the bones is measured, in mm.
BREADTH_AT_MM = 8.0
#: Intensities at which noise is measured.
NOISE_AT = np.linspace(0.05, 0.95, 19)
#: The detail of spongy bone is the image minus its mean over this width (sd), in mm.
DETAIL_MM = 1.0
#: Lags of the autocorrelation, in mm.
LAGS_MM = np.linspace(0.0, 2.0, 41)

REGIONS = ("whole", "inside bone", "gap", "beside the bones")


@dataclass(frozen=True)
class ImageMeasures:
    """The measures of one joint image; NaN where there is nothing to measure.

    Attributes
    ----------
    histograms : dict of region to (BINS,) shares
    spectra : dict of ``"whole"`` and ``"inside bone"`` to (F,) power densities
    cortex, gap : intensity profiles
    noise : (19,) standard deviation by intensity
    along, across : autocorrelation of the detail of spongy bone, along and across the finger
    numbers : dict of name to number
    """

    histograms: dict[str, Values]
    spectra: dict[str, Values]
    cortex: Values
    gap: Values
    noise: Values
    along: Values
    across: Values
    numbers: dict[str, float]


def measure_image(image: Pixels, masks: BoneMasks, spacing_mm: float) -> ImageMeasures:
    """Measure one (H, W) joint image, finger axis vertical."""
    parts = regions(masks, spacing_mm)
    histograms = {name: _histogram(image[part]) for name, part in parts.items()}
    spectra = {
        "whole": radial_spectrum(image, np.ones(image.shape), spacing_mm),
        "inside bone": radial_spectrum(image, parts["inside bone"].astype(float), spacing_mm),
    }
    cortex = cortex_profile(image, masks, spacing_mm)
    gap = gap_profile(image, masks, spacing_mm)
    noise = noise_by_intensity(image)
    detail_sd, along, across = texture(image, parts["inside bone"], spacing_mm)
    inside, beside = (float(np.median(image[parts[name]])) for name in ("inside bone", "beside the bones"))
    numbers = {
        "median intensity inside bone": inside,
        "median intensity beside the bones": beside,
        "median intensity in the gap": _median(image[parts["gap"]]),
        "contrast between bone and beside the bones": inside - beside,
        "sd of intensity inside bone": float(np.std(image[parts["inside bone"]])),
        "share of pixels at full white": float(np.mean(image > 0.98)),
        "detail of spongy bone, sd": detail_sd,
        "length of the detail along the bone, mm": half_length(along),
        "length of the detail across the bone, mm": half_length(across),
        "noise (sd, all intensities)": float(np.nanmedian(noise)),
        "edge width of the cortex, mm": edge_width(cortex),
        "peak of the cortex above inside bone": _cortex_height(cortex),
        "depth of the gap": _gap_depth(gap),
        "slope of the spectrum, 0.2-2 cycles/mm": spectrum_slope(spectra["inside bone"]),
        **{f"log10 of the power inside bone, {low}-{high} cycles/mm": value
           for (low, high), value in zip(BANDS, band_powers(spectra["inside bone"]), strict=True)},
        **breadths(masks, spacing_mm),
    }  # fmt: skip
    return ImageMeasures(histograms, spectra, cortex, gap, noise, along, across, numbers)


def regions(masks: BoneMasks, spacing_mm: float) -> dict[str, NDArray[np.bool_]]:
    """Return the parts of a joint image that are measured separately; see :data:`REGIONS`."""
    bone = masks.upper | masks.lower
    inside = np.zeros(bone.shape, dtype=bool)
    for mask in (masks.upper, masks.lower):  # the image border is not a border of the bone
        padded = np.pad(mask, 1, mode="edge")
        inside |= ndimage.distance_transform_edt(padded)[1:-1, 1:-1] * spacing_mm > INSIDE_MM
    away = ndimage.distance_transform_edt(~bone) * spacing_mm
    bottom, top = facing_margins(masks)
    rows = np.arange(bone.shape[0])[:, None]
    with np.errstate(invalid="ignore"):
        between = (rows > bottom) & (rows < top)
    columns = np.flatnonzero(np.isfinite(bottom) & np.isfinite(top))
    middle = np.zeros(bone.shape, dtype=bool)
    if len(columns):
        fifth = len(columns) // 5
        middle[:, columns[fifth] : columns[-1 - fifth] + 1] = True
    gap = between & ~ndimage.binary_dilation(bone, iterations=1) & middle
    beside = (away > BESIDE_MM[0]) & (away < BESIDE_MM[1]) & ~between
    return {"whole": np.ones(bone.shape, dtype=bool), "inside bone": inside & ~(masks.upper & masks.lower),
            "gap": gap, "beside the bones": beside}  # fmt: skip


def radial_spectrum(image: Pixels, weight: Values, spacing_mm: float) -> Values:
    """Return the power density (intensity squared, mm squared) at :data:`FREQUENCIES` under a weight.

    The weighted mean is subtracted, the edge of the weight is smoothed, and the power is divided by that of the
    weight. So a part of a texture has the same spectrum as the whole.
    """
    if weight.all():
        soft = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    else:
        soft = ndimage.gaussian_filter(weight, 0.35 / spacing_mm) * weight
    if soft.sum() < 500:
        return np.full(len(FREQUENCIES), np.nan)
    centred = (image - (image * soft).sum() / soft.sum()) * soft
    power = np.abs(fft.fft2(centred)) ** 2 * spacing_mm**2 / np.sum(soft**2)
    frequency = np.hypot(*np.meshgrid(*(fft.fftfreq(n, spacing_mm) for n in image.shape), indexing="ij"))
    edges = np.sqrt(FREQUENCIES[1:] * FREQUENCIES[:-1])
    band = np.digitize(frequency.ravel(), edges)
    count = np.bincount(band, minlength=len(FREQUENCIES)).astype(float)
    count[0] -= 1  # without the mean
    total = np.bincount(band, weights=power.ravel(), minlength=len(FREQUENCIES))
    total[0] -= power[0, 0]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def cortex_profile(image: Pixels, masks: BoneMasks, spacing_mm: float) -> Values:
    """Return the mean intensity along the normals of the sides of the shafts, over :data:`ACROSS_CORTEX_MM`."""
    point, _ = joint_frame(masks)
    rows, cols = np.indices(image.shape)
    margin = 2.2 / spacing_mm
    in_image = (cols > margin) & (cols < image.shape[1] - margin) & (rows > 4) & (rows < image.shape[0] - 5)
    shaft = in_image & (np.abs(rows - point[1]) * spacing_mm > SHAFT_MM)
    lines = []
    for mask in (masks.upper, masks.lower):
        padded = np.pad(mask, 12, mode="edge")
        # The border is half a pixel from the last pixel inside and from the first pixel outside.
        within, without = (ndimage.distance_transform_edt(part) - 0.5 for part in (padded, ~padded))
        signed = ndimage.gaussian_filter(np.where(padded, within, -without), 2.0)
        down, right = (slope[12:-12, 12:-12] for slope in np.gradient(signed))
        signed = signed[12:-12, 12:-12]
        border = shaft & (np.abs(signed) < 0.75) & (np.abs(down) < 0.5 * np.abs(right))
        row, col = np.nonzero(border)
        if len(row) < 10:
            continue
        length = np.hypot(down[border], right[border])
        steps = ACROSS_CORTEX_MM[:, None] / spacing_mm - signed[border]
        at = [row + steps * down[border] / length, col + steps * right[border] / length]
        lines.append(ndimage.map_coordinates(image, at, order=1, mode="constant", cval=np.nan))
    if not lines:
        return np.full(len(ACROSS_CORTEX_MM), np.nan)
    return np.nanmean(np.concatenate(lines, axis=1), axis=1)


def gap_profile(image: Pixels, masks: BoneMasks, spacing_mm: float) -> Values:
    """Return the mean intensity along the axis through the joint, over :data:`ACROSS_GAP_MM`, upper bone first.

    The middle third of the columns where both bones face each other counts; 0 is midway between the margins.
    """
    bottom, top = facing_margins(masks)
    columns = np.flatnonzero(np.isfinite(bottom) & np.isfinite(top))
    columns = columns[len(columns) // 3 : -(len(columns) // 3) or None]
    if len(columns) < 5:
        return np.full(len(ACROSS_GAP_MM), np.nan)
    middle = ((bottom + top) / 2)[columns]
    at = [middle + ACROSS_GAP_MM[:, None] / spacing_mm, np.broadcast_to(columns, (len(ACROSS_GAP_MM), len(columns)))]
    return ndimage.map_coordinates(image, at, order=1, mode="nearest").mean(axis=1)


def noise_by_intensity(image: Pixels) -> Values:
    """Return the standard deviation of noise at :data:`NOISE_AT`, from second differences (Immerkaer 1996).

    It is measured at 0.173 mm, the pixel size of the detector, and is robust to edges. Fine texture counts as noise.
    """
    coarse = block_mean(image, 2)
    kernel = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0]) / 6
    rough = ndimage.convolve(coarse, kernel, mode="nearest")
    level = ndimage.gaussian_filter(coarse, 1.5)
    band = np.clip(((level - NOISE_AT[0]) / (NOISE_AT[1] - NOISE_AT[0]) + 0.5).astype(int), 0, len(NOISE_AT) - 1)
    out = np.full(len(NOISE_AT), np.nan)
    for k in range(len(NOISE_AT)):
        values = np.abs(rough[band == k])
        if len(values) >= 100:
            out[k] = 1.4826 * np.median(values)
    return out


def texture(image: Pixels, inside: NDArray[np.bool_], spacing_mm: float) -> tuple[float, Values, Values]:
    """Return the sd of the detail of spongy bone, and its autocorrelation along and across the finger."""
    if inside.sum() < 500:
        return float("nan"), np.full(len(LAGS_MM), np.nan), np.full(len(LAGS_MM), np.nan)
    weight = inside.astype(np.float64)
    sigma = DETAIL_MM / spacing_mm
    share = np.maximum(ndimage.gaussian_filter(weight, sigma), 1e-3)
    detail = (image - ndimage.gaussian_filter(image * weight, sigma) / share) * weight
    size = tuple(fft.next_fast_len(n + int(LAGS_MM[-1] / spacing_mm) + 2) for n in image.shape)
    product = fft.irfft2(np.abs(fft.rfft2(detail, size)) ** 2, size)
    pairs = fft.irfft2(np.abs(fft.rfft2(weight, size)) ** 2, size)
    lags = np.arange(int(LAGS_MM[-1] / spacing_mm) + 2)
    curves = [
        np.interp(LAGS_MM / spacing_mm, lags, (product[at] / np.maximum(pairs[at], 1.0)))
        for at in ((lags, 0 * lags), (0 * lags, lags))
    ]
    variance = product[0, 0] / pairs[0, 0]
    return float(np.sqrt(variance)), curves[0] / variance, curves[1] / variance


def half_length(correlation: Values) -> float:
    """Return the lag in mm at which an autocorrelation falls to one half."""
    below = np.flatnonzero(correlation < 0.5)
    if not len(below):
        return float("nan")
    k = below[0]
    return float(np.interp(0.5, [correlation[k], correlation[k - 1]], [LAGS_MM[k], LAGS_MM[k - 1]]))


def edge_width(profile: Values) -> float:
    """Return the distance over which the cortex rises from 20 to 80 %, in mm."""
    at = ACROSS_CORTEX_MM
    if not np.isfinite(profile).all():
        return float("nan")
    peak = int(np.argmax(np.where((at > -0.5) & (at < 2.0), profile, -np.inf)))
    foot = int(np.argmin(np.where((at > -1.5) & (at < at[peak]), profile, np.inf)))
    if peak - foot < 2:
        return float("nan")
    rise = np.maximum.accumulate(profile[foot : peak + 1])
    low, high = (rise[0] + share * (rise[-1] - rise[0]) for share in (0.2, 0.8))
    return float(np.interp(high, rise, at[foot : peak + 1]) - np.interp(low, rise, at[foot : peak + 1]))


def spectrum_slope(power: Values) -> float:
    """Return the log-log slope of a power spectrum from 0.2 to 2 cycles/mm."""
    use = (FREQUENCIES > 0.2) & (FREQUENCIES < 2.0) & np.isfinite(power) & (power > 0)
    return float(np.polyfit(np.log(FREQUENCIES[use]), np.log(power[use]), 1)[0]) if use.sum() > 3 else float("nan")


def band_powers(power: Values) -> list[float]:
    """Return the mean of log10 of a spectrum in each of :data:`BANDS`."""
    with np.errstate(divide="ignore"):
        logs = np.log10(power)
    return [float(np.mean(logs[(low <= FREQUENCIES) & (high > FREQUENCIES)])) for low, high in BANDS]


def breadths(masks: BoneMasks, spacing_mm: float) -> dict[str, float]:
    """Return the breadth of each bone near the joint, and the mean depth of the overlap of the masks."""
    point, _ = joint_frame(masks)
    found = {}
    for name, mask, side in (("upper", masks.upper, -1), ("lower", masks.lower, 1)):
        row = round(point[1] + side * BREADTH_AT_MM / spacing_mm)
        inside = mask[row].sum() if 0 <= row < mask.shape[0] else 0
        found[f"breadth of the {name} bone {BREADTH_AT_MM:.0f} mm from the joint, mm"] = (
            float(inside * spacing_mm) if inside else float("nan")
        )
    shared = masks.upper.any(axis=0) & masks.lower.any(axis=0)
    depth = (masks.upper & masks.lower).sum() / max(1, shared.sum()) * spacing_mm
    return found | {"overlap of the two masks, mean depth, mm": float(depth)}


def _histogram(values: Pixels) -> Values:
    count = np.histogram(values, BINS, (0.0, 1.0))[0].astype(float)
    return count / count.sum() if count.sum() else np.full(BINS, np.nan)


def _median(values: Pixels) -> float:
    return float(np.median(values)) if values.size else float("nan")


def _cortex_height(profile: Values) -> float:
    """Return the peak of the cortex minus the intensity 2.5 mm inside."""
    at = ACROSS_CORTEX_MM
    if not np.isfinite(profile).all():
        return float("nan")
    return float(profile[(at > -0.5) & (at < 2.0)].max() - profile[at > 2.3].mean())


def _gap_depth(profile: Values) -> float:
    """Return the mean peak of both margins minus the lowest intensity between them."""
    at = ACROSS_GAP_MM
    if not np.isfinite(profile).all():
        return float("nan")
    peaks = [profile[(at * side > 0.2) & (at * side < 3.0)].max() for side in (-1, 1)]
    return float(np.mean(peaks) - profile[np.abs(at) < 1.0].min())
