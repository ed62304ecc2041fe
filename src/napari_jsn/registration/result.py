"""What a registration of one joint pair tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import Similarity


@dataclass(frozen=True)
class Registration:
    """Joint space narrowing of one joint between two visits, and how it was found.

    Figures in mm are NaN where no pixel spacing was given. A registration that should not be
    trusted has ``reliable`` False and says why in ``reason``; its figures are kept.

    Attributes
    ----------
    upper, lower : Similarity
        Where each bone of the fixed image lies in the moving image, in native pixels of both.
    jsn_mm, jsn_px : float
        Narrowing along the baseline joint axis, in baseline mm and pixels; positive is narrower.
    jsn_sd_mm, jsn_sd_px : float
        Standard uncertainty: noise, choice of motion model and choice of region.
    ci95_mm, ci95_px : tuple of float
        95 % interval.
    jsn_eq7_mm : float
        The paper's raw ``dy0 - dy1`` (Wang et al. 2023, Eq. 7).
    point, axis : (2,) float array
        ``(x, y)`` of the reference point, and unit vector from upper to lower bone, fixed image.
    reliable : bool
    reason : str
        Why not reliable; empty when reliable.
    method : str
    original_loss, transformed_loss : float
        Mean squared difference before and after, half for each bone (Eq. 6).
    transformed : (H, W) float32 array
        The moving image brought onto the fixed one, each bone by its own map (Eq. 2-4).
    original_spectrum, transformed_spectrum : (H, W) float32 array
        Squared difference per pixel before and after (Eq. 5).
    fixed_masks : BoneMasks
        The bone regions that were measured, on the fixed image.
    spacing_mm : float or None
        Pixel size of the fixed image.
    """

    upper: Similarity
    lower: Similarity
    jsn_mm: float
    jsn_sd_mm: float
    ci95_mm: tuple[float, float]
    jsn_px: float
    jsn_sd_px: float
    ci95_px: tuple[float, float]
    jsn_eq7_mm: float
    point: NDArray[np.float64]
    axis: NDArray[np.float64]
    reliable: bool
    reason: str
    method: str
    original_loss: float
    transformed_loss: float
    transformed: NDArray[np.float32]
    original_spectrum: NDArray[np.float32]
    transformed_spectrum: NDArray[np.float32]
    fixed_masks: BoneMasks
    spacing_mm: float | None
