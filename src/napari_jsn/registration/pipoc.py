"""Partial image phase-only correlation (PIPOC): estimate a translation of each bone.

After Ou et al., "A sub-pixel accurate quantification of joint space narrowing progression in rheumatoid arthritis",
IEEE JBHI 27:53-64 (2023), doi:10.1109/JBHI.2022.3217685. Each image is windowed and its spectrum whitened (all
amplitudes 1). The whitened image is multiplied by the mask of one bone, and its phase-only correlation with the same
bone at the other visit is computed. The closed form of a band-limited peak is fitted to find the peak's position with
sub-pixel accuracy.

Rotation and scale are not modelled: the translation is that of the whole bone, which may differ from that of its
margin at the joint.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from napari_jsn.common.device import compute_in_batches
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.registration.methods import MethodResult, PreparedPair

if TYPE_CHECKING:
    from napari_jsn.common.progress import Progress

#: Largest plausible translation along each image axis, in pixels; a peak farther away is a mismatch (Ou et al.).
SEARCH_RANGE_PX = 20
#: Half width in pixels of the square in which the peak is fitted (Ou et al.).
FIT_REACH_PX = 7
FIT_STEPS = 8
#: Smallest height of a peak that counts as a match. None of 100 pairs of different bones reached it; 1-5 % of the pairs
#: of the same bone are below it.
LOWEST_PEAK = 0.25
#: Largest change of the translation of a correct match, in pixels, when a quarter of the bone is omitted.
LARGEST_DISAGREEMENT_PX = 2.0
#: Standard uncertainty in pixels that is added in quadrature to that of the jackknife. The 95 % intervals of reliable
#: pairs then contain the true value for 95 % of the known motions with roll, 96 % of the large motions (5 deg, 3 %
#: scale) and 99 % of the small motions (2 deg, 1 % scale).
MODEL_SD_PX = 0.1
#: Number of pairs in one batch; it limits the memory use.
CHUNK = 16

#: Quarters of a bone, omitted one at a time for the jackknife.
PARTS = 4
BONES = ("upper", "lower")


def pipoc(pairs: Sequence[PreparedPair], device: torch.device, progress: Progress) -> list[MethodResult]:
    """Register pairs by phase-only correlation of each bone; see :class:`~.methods.Method`.

    Both maps are translations. ``jsn_sd_px`` is from a jackknife over quarters of the bones. It includes the effects of
    noise, of the choice of region, and of rotation and scale, which the method does not model.

    Returns
    -------
    list of MethodResult
        In the order of ``pairs``; after an abort, only the results of the finished pairs.
    """
    results: list[MethodResult] = []
    for _, group in groupby(pairs, _grid):  # one batch has one Fourier grid
        stage = _Part(progress, len(results), len(pairs))
        results += compute_in_batches(list(group), CHUNK, device, _register, stage, "Correlating")
    return results


class _Part:
    """The progress of some of the pairs."""

    def __init__(self, progress: Progress, before: int, total: int) -> None:
        self._progress, self._before, self._total = progress, before, total

    @property
    def aborted(self) -> bool:
        return self._progress.aborted

    def update(self, done: int, total: int, message: str = "") -> None:
        self._progress.update(self._before + done, self._total, message)


def _grid(pair: PreparedPair) -> tuple[int, int]:
    """Return the smallest shape that contains both images and has a fast Fourier transform; the padding is 0."""
    rows, cols = (max(sizes) for sizes in zip(pair.fixed.shape, pair.moving.shape, strict=True))
    return next_fast_len(rows), next_fast_len(cols)


def _register(pairs: Sequence[PreparedPair], device: torch.device) -> list[MethodResult]:
    grid = _grid(pairs[0])
    fixed = _whiten([pair.fixed for pair in pairs], grid, device)
    moving = _whiten([pair.moving for pair in pairs], grid, device)
    # (pair, bone, 1 + PARTS, rows, cols): the whole bone, then the bone without each of its quarters
    fixed_regions = torch.stack([_regions(pair.fixed_masks.upper, pair.fixed_masks.lower, grid) for pair in pairs])
    moving_regions = torch.stack([_regions(pair.moving_masks.upper, pair.moving_masks.lower, grid) for pair in pairs])
    correlation = _correlate(
        fixed[:, None, None] * fixed_regions.to(device), moving[:, None, None] * moving_regions.to(device)
    )
    height, translation = fit_peak(correlation.flatten(0, 2))
    shape = correlation.shape[:3]
    heights, translations = height.reshape(shape).cpu().numpy(), translation.reshape(*shape, 2).cpu().numpy()
    return [_result(pair, heights[k], translations[k]) for k, pair in enumerate(pairs)]


def _whiten(images: list[NDArray[np.float32]], grid: tuple[int, int], device: torch.device) -> torch.Tensor:
    """Return (pair, rows, cols) images after a Hann window, with the amplitude of every frequency set to 1."""
    windowed = torch.zeros((len(images), *grid), device=device)
    for target, image in zip(windowed, images, strict=True):
        rows, cols = image.shape
        window = np.hanning(rows)[:, None] * np.hanning(cols)
        target[:rows, :cols] = torch.as_tensor(image * window, dtype=torch.float32)
    return torch.fft.irfft2(_phase(torch.fft.rfft2(windowed)), s=grid)


def _phase(spectrum: torch.Tensor) -> torch.Tensor:
    size = spectrum.abs()
    return spectrum / size.clamp_min(torch.finfo(size.dtype).tiny)


def _regions(upper: NDArray[np.bool_], lower: NDArray[np.bool_], grid: tuple[int, int]) -> torch.Tensor:
    """Return (bone, 1 + PARTS, rows, cols) masks: the whole bone, then the bone without each of its quarters."""
    regions = torch.zeros((len(BONES), 1 + PARTS, *grid), dtype=torch.bool)
    for region, mask in zip(regions, (upper, lower), strict=True):
        rows, cols = mask.shape
        region[:, :rows, :cols] = torch.as_tensor(mask)
        mask_rows, mask_cols = np.nonzero(mask)
        if len(mask_rows):
            middle_row, middle_col = int(np.median(mask_rows)), int(np.median(mask_cols))
            for part, (below, right) in enumerate(np.ndindex(2, 2), start=1):
                omitted_rows = slice(middle_row, None) if below else slice(None, middle_row)
                omitted_cols = slice(middle_col, None) if right else slice(None, middle_col)
                region[part, omitted_rows, omitted_cols] = False
    return regions


def _correlate(fixed: torch.Tensor, moving: torch.Tensor) -> torch.Tensor:
    """Return the circular phase-only correlation; its peak is at the translation from fixed to moving."""
    cross = torch.fft.rfft2(moving) * torch.fft.rfft2(fixed).conj()
    return torch.fft.irfft2(_phase(cross), s=fixed.shape[-2:])


def fit_peak(correlation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return height and position of the highest peak, with sub-pixel accuracy.

    Parameters
    ----------
    correlation : (B, H, W) tensor
        Circular correlation; index (0, 0) is a translation of zero.

    Returns
    -------
    height : (B,) tensor
        It is 1 if two images differ only by a translation.
    translation : (B, 2) tensor
        ``(x, y)`` in pixels, at most half of the image size.
    """
    sizes = correlation.shape[-2:]
    best = correlation.flatten(1).argmax(1)
    peak = torch.stack([best // sizes[1], best % sizes[1]], 1)
    reach = torch.arange(-FIT_REACH_PX, FIT_REACH_PX + 1, device=correlation.device)
    row, col = ((peak[:, axis, None] + reach) % sizes[axis] for axis in (0, 1))
    window = correlation[torch.arange(len(best), device=best.device)[:, None, None], row[:, :, None], col[:, None, :]]

    offset = torch.zeros(len(best), 2, dtype=correlation.dtype, device=correlation.device)
    height = torch.zeros(len(best), dtype=correlation.dtype, device=correlation.device)
    for _ in range(FIT_STEPS):
        (along_y, slope_y), (along_x, slope_x) = (
            _kernel(reach - offset[:, axis, None], sizes[axis]) for axis in (0, 1)
        )
        model = along_y[:, :, None] * along_x[:, None, :]
        height = (model * window).sum((1, 2)) / (model * model).sum((1, 2))
        residual = (window - height[:, None, None] * model).flatten(1)
        columns = torch.stack(
            [
                model.flatten(1),
                -(height[:, None, None] * slope_y[:, :, None] * along_x[:, None, :]).flatten(1),
                -(height[:, None, None] * along_y[:, :, None] * slope_x[:, None, :]).flatten(1),
            ],
            2,
        )
        normal = columns.mT @ columns
        ridge = 1e-6 * normal.diagonal(dim1=1, dim2=2).clamp_min(1e-12)
        step = torch.linalg.solve(normal + torch.diag_embed(ridge), columns.mT @ residual[:, :, None])[:, 1:, 0]
        offset = (offset + step.clamp(-0.5, 0.5)).clamp(-1.5, 1.5)
    size = torch.tensor(sizes, device=peak.device)
    signed = (peak + size // 2) % size - size // 2
    return height, (signed + offset).flip(1)


def _kernel(distance: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the 1-D profile of the peak of a signal with the lower half of all frequencies, and its derivative.

    The closed form of Ou et al., sin(pi V n / N) / (N sin(pi n / N)) with V = 2 K + 1, written as a sum of
    K cosines, which avoids a division by zero at the peak.
    """
    wave = 2 * torch.pi * torch.arange(1, size // 4 + 1, device=distance.device, dtype=distance.dtype) / size
    angle = distance[..., None] * wave
    return (1 + 2 * angle.cos().sum(-1)) / size, -2 * (wave * angle.sin()).sum(-1) / size


def _result(pair: PreparedPair, heights: NDArray[np.float32], translations: NDArray[np.float32]) -> MethodResult:
    """Return the result of one pair from heights (bone, 1 + PARTS) and ``(x, y)`` translations (bone, 1 + PARTS, 2)."""
    whole, parts = translations[:, 0].astype(float), translations[:, 1:].astype(float)
    along = parts @ pair.axis
    jackknife = (PARTS - 1) / PARTS * ((along - along.mean(axis=1, keepdims=True)) ** 2).sum()
    upper, lower = np.eye(3), np.eye(3)
    upper[:2, 2], lower[:2, 2] = whole
    reasons = []
    for k, bone in enumerate(BONES):
        in_view = all(getattr(masks, bone).any() for masks in (pair.fixed_masks, pair.moving_masks))
        disagreement = float(np.abs(parts[k] - whole[k]).max())
        reasons.append(_reason(bone, in_view, float(heights[k, 0]), float(np.abs(whole[k]).max()), disagreement))
    return MethodResult(
        upper,
        lower,
        float(pair.axis @ (whole[0] - whole[1])),
        float(np.hypot(np.sqrt(jackknife), MODEL_SD_PX)),
        tuple(reason for reason in reasons if reason),
    )


def _reason(bone: str, in_view: bool, height: float, distance: float, disagreement: float) -> Reason | None:
    """Return why the translation of this bone has failed; None if it has not failed."""
    if not in_view:
        return Reason(ReasonCode.OUT_OF_VIEW, f"The {bone} bone is not in view.")
    if distance > SEARCH_RANGE_PX:
        sentence = (
            f"The translation of the {bone} bone is {distance:.0f} px, but the largest allowed is {SEARCH_RANGE_PX} px."
        )
        return Reason(ReasonCode.MOTION_TOO_LARGE, sentence)
    if height < LOWEST_PEAK:
        sentence = f"The correlation peak of the {bone} bone is {height:.2f}, lower than the limit of {LOWEST_PEAK}."
        return Reason(ReasonCode.PEAK_LOW, sentence)
    if disagreement > LARGEST_DISAGREEMENT_PX:
        sentence = (
            f"The translations of parts of the {bone} bone differ by {disagreement:.1f} px from that of the whole bone."
        )
        return Reason(ReasonCode.MATCHES_SCATTER, sentence)
    return None
