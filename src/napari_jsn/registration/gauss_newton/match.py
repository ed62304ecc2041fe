"""Measure how well two registered images of a bone match: their structure, their sharpness and their intensity curve.

A wrong pair can match along the outlines of the bones, because joints of one kind have similar outlines. The structure
inside the bones belongs to one joint of one person. A difference of sharpness or of the intensity curve shifts edges,
in both directions and models equally, so nothing else shows its error.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_jsn.networks.layers import moving_maximum
from napari_jsn.registration.gauss_newton.bone_batch import BoneBatch, Pose
from napari_jsn.registration.gauss_newton.interpolation import spline
from napari_jsn.registration.gauss_newton.local_contrast import Window, local_contrast

#: A region without a rim of this width is the inside of a bone, in working pixels: regions are masks dilated by 5.
_RIM_PX = 7
#: Least area of the inside, in working pixels; a smaller inside is replaced by the whole region.
_LEAST_INSIDE = 100.0
#: Widths of the Gaussian windows that bound the fine and the coarse band of structure, in working pixels.
_FINE_PX, _MIDDLE_PX, _COARSE_PX = 1.0, 2.5, 6.0
#: Share of the logarithm of the correlation of fine structure (relative to coarse structure) by which the sharpness is
#: reduced. A difference of blur is 0.00, 0.02, 0.15 and 0.40 then for Gaussians of 0, 0.1, 0.2 and 0.4 mm.
_NOT_COMMON = 0.5
#: Width of the Gaussian window that smooths intensities before their curve is fitted, in working pixels.
_CURVE_PX = 2.0


@dataclass(frozen=True)
class Match:
    """How well the images of each registration match, (N,) each.

    Attributes
    ----------
    ncc_inside : tensor
        Normalised cross-correlation of local contrast inside the bone, with the roll field.
    sharpness : tensor
        Logarithm of the factor by which the other image has less fine structure than the template, relative to coarse
        structure; above 0 where the other image is less sharp. It is reduced, at most to 0, by what the images do not
        have in common (noise, roll).
    curve : tensor
        Quadratic coefficient of the other image's intensities as a function of the template's, both standardised.
    """

    ncc_inside: Tensor
    sharpness: Tensor
    curve: Tensor


def measure_match(batch: BoneBatch, pose: Pose, roll_field: Tensor) -> Match:
    """Return how well the images match at a pose with its roll field."""
    ncc_inside, region, other = _inside(batch, pose, roll_field)
    template, core = batch.template, _without_rim(region, 2)
    sharpness = _sharpness(batch, template, other, region, core)
    smooth = _Smoothing(batch, region, _CURVE_PX)
    smoothed = smooth(template), smooth(other)
    curve = (_quadratic(*smoothed, region) - _quadratic(*smoothed[::-1], region)) / 2
    return Match(ncc_inside, sharpness, curve)


def ncc_inside_rigid(batch: BoneBatch, pose: Pose) -> Tensor:
    """Return the normalised cross-correlation of local contrast inside the bones, (N,), without a roll field."""
    return _inside(batch, pose, None)[0]


def _inside(batch: BoneBatch, pose: Pose, roll_field: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return the correlation inside the bones, the region in view, and the other image at the template's pixels."""
    col, row = batch.points(pose, roll_field)
    width, height = batch.other_size[:, 0, None, None], batch.other_size[:, 1, None, None]
    in_view = (col >= 0) & (col <= width - 1) & (row >= 0) & (row <= height - 1)
    region = ((batch.region > 0) & in_view).to(col.dtype)
    other = spline(batch.coefficients, col, row)
    inside = _without_rim(region, _RIM_PX)
    small = inside.sum((1, 2)) < _LEAST_INSIDE
    inside = torch.where(small[:, None, None], region, inside)
    contrasts = [local_contrast(image, region, batch.window) for image in (batch.template, other)]
    return _correlation(contrasts[0], contrasts[1], inside), region, other


class _Smoothing:
    """Gaussian smoothing inside a region (normalised convolution)."""

    def __init__(self, batch: BoneBatch, region: Tensor, sigma: float) -> None:
        height, width = region.shape[1:]
        self._window = Window(height, width, sigma, region.device, region.dtype)
        self._region, self._weight = region, self._window(region).clamp_min(1e-3)

    def __call__(self, image: Tensor) -> Tensor:
        return self._window(image * self._region) / self._weight


def _sharpness(batch: BoneBatch, template: Tensor, other: Tensor, region: Tensor, core: Tensor) -> Tensor:
    smoothings = [_Smoothing(batch, region, sigma) for sigma in (_FINE_PX, _MIDDLE_PX, _COARSE_PX)]
    bands = []
    for image in (template, other):
        fine, middle, coarse = (smooth(image) for smooth in smoothings)
        bands.append((fine - middle, middle - coarse))
    log_ratio, log_common = torch.zeros_like(batch.centre[:, 0]), torch.zeros_like(batch.centre[:, 0])
    for (a, b), sign in zip(zip(*bands, strict=True), (1, -1), strict=True):  # fine minus coarse
        energies = [(core * each.square()).sum((1, 2)).clamp_min(1e-12) for each in (a, b)]
        common = (core * a * b).sum((1, 2)) / (energies[0] * energies[1]).sqrt()
        log_ratio = log_ratio + sign * (energies[0] / energies[1]).log() / 2
        log_common = log_common + sign * common.clamp_min(1e-3).log()
    return log_ratio.sign() * (log_ratio.abs() - _NOT_COMMON * log_common.abs()).clamp_min(0)


def _correlation(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    size = (weight * a * a).sum((1, 2)) * (weight * b * b).sum((1, 2))
    return (weight * a * b).sum((1, 2)) / size.sqrt().clamp_min(1e-6)


def _quadratic(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Return the quadratic coefficient of the least-squares parabola of y over x, both standardised."""
    count = weight.sum((1, 2)).clamp_min(1)

    def mean(values: Tensor) -> Tensor:
        return (weight * values).sum((1, 2)) / count

    def standardised(values: Tensor) -> Tensor:
        centred = values - mean(values)[:, None, None]
        return centred / mean(centred.square()).sqrt().clamp_min(1e-6)[:, None, None]

    x, y = standardised(x), standardised(y)
    third, fourth = mean(x**3), mean(x**4)
    # x has mean 0 and variance 1: x^2 without its parts along 1 and x
    numerator = mean(x.square() * y) - third * mean(x * y)
    return numerator / (fourth - 1 - third.square()).clamp_min(1e-3)


def _without_rim(region: Tensor, rim: int) -> Tensor:
    """Return the region eroded by a square of this radius; the border of the crop counts as outside."""
    return 1 - moving_maximum(F.pad(1 - region, (rim, rim, rim, rim), value=1.0), 2 * rim + 1)
