"""The absolute width of a joint space."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class JointSpaceWidth:
    """The absolute width of a joint space on one radiograph, from its two margins.

    Attributes
    ----------
    mm, sd_mm : float
        Mean over the articulating width along the joint normal, and its standard uncertainty: how far another film of
        the same joint would give another width. NaN without a spacing.
    px, sd_px : float
        In pixels of the joint image.
    upper, lower : (n, 2) float arrays
        ``(x, y)`` of the two margins, sub-pixel, column by column, in pixels of the joint image.
    reliable : bool
    reason : str
        Why not reliable; empty when reliable.
    """

    mm: float
    sd_mm: float
    px: float
    sd_px: float
    upper: NDArray[np.floating] = field(repr=False)
    lower: NDArray[np.floating] = field(repr=False)
    reliable: bool = True
    reason: str = ""
