"""Check that masks lie on their bones: the outlines of the masks must be where the edges of the image are.

A registration with masks beside the bones is precise and wrong, because the regions move with neither bone. Neither its
correlation nor its standard uncertainty shows that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks

#: Largest translation of the masks that is tried, as a share of the image's larger side (5 mm of 22.2 mm).
_REACH = 0.22
#: Smoothing of the image before its edges are found, and of the masks, as shares of the image's larger side.
_IMAGE_SIGMA, _MASK_SIGMA = 0.016, 0.006
#: Quantile of the gradient above which all edges count equally, so that one bright edge does not decide.
_STRONG = 0.95
#: The masks lie off their bones if they fit better by this translation (share of the image's larger side, 0.9 mm of
#: 22.2 mm), and if their fit without translation is below this share of the better one. For 880 right masks of real
#: joints the translation was 0.25 mm at most; for masks moved by 2 to 4 mm it was 2.1 mm at least, and the share 0.3 at
#: most.
_MAX_OFFSET, _MIN_FIT = 0.04, 0.85


def mask_offset(image: NDArray[np.float32], masks: BoneMasks) -> tuple[float, float]:
    """Return by how much both masks must be moved to lie on their bones, and how well they fit without it.

    Parameters
    ----------
    image : (H, W) float32 array
        Bone bright.
    masks : BoneMasks

    Returns
    -------
    offset_px : float
        Length of the translation at which the outlines fit the edges best.
    fit : float
        Fit without translation, as a share of the best fit; 1 is best.
    """
    side = max(image.shape)
    reach = max(2, round(_REACH * side))
    edge_y, edge_x = np.gradient(ndimage.gaussian_filter(np.asarray(image, dtype=float), _IMAGE_SIGMA * side))
    size = np.hypot(edge_x, edge_y)
    strong = float(np.quantile(size, _STRONG)) + 1e-9
    limit = 1 / np.maximum(size, strong)
    edge_x, edge_y = edge_x * limit, edge_y * limit
    outline_x, outline_y = np.zeros(image.shape), np.zeros(image.shape)
    for mask in (masks.upper, masks.lower):
        # the border of the image is no outline: "nearest" continues the mask outside
        smooth = ndimage.gaussian_filter(mask.astype(float), max(1.0, _MASK_SIGMA * side), mode="nearest")
        down, across = np.gradient(smooth)
        outline_x, outline_y = outline_x + across, outline_y + down
    length = np.hypot(outline_x, outline_y)
    fit = _correlation(outline_x, edge_x, reach) + _correlation(outline_y, edge_y, reach)
    # outlines that a translation moves out of the image count neither for it nor against it
    fit /= np.maximum(_correlation(length, np.ones(image.shape), reach), 0.5 * length.sum())
    row, col = np.unravel_index(int(fit.argmax()), fit.shape)
    best = float(fit[row, col])
    share = float(fit[reach, reach]) / best if best > 0 else 0.0
    return float(np.hypot(row - reach, col - reach)), share


def are_off_bones(image: NDArray[np.float32], masks: BoneMasks) -> bool:
    """Return whether both masks lie clearly beside the bones of an image."""
    offset_px, fit = mask_offset(image, masks)
    return offset_px > _MAX_OFFSET * max(image.shape) and fit < _MIN_FIT


def _correlation(outline: NDArray[np.float64], edges: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return (2 reach + 1, 2 reach + 1) sums of products with the outline moved by -reach to reach rows and columns."""
    size = [length + 2 * reach for length in edges.shape]
    spectrum = np.fft.rfft2(edges, size) * np.fft.rfft2(outline, size).conj()
    moved = np.arange(-reach, reach + 1)
    return np.asarray(np.fft.irfft2(spectrum, size)[np.ix_(moved, moved)])
