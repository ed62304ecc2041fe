"""``FoundBones``: the two bones that the network found, and why they are not reliable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.reasons import Reason, ReasonCode, WithReasons
from napari_jsn.joint import BoneMasks

#: The least mean probability inside a reliable mask.
MIN_PROBABILITY = 0.9
#: A pixel is uncertain between these probabilities. The largest width of the uncertain band along a reliable outline,
#: as a share of the image: it is 0.012 to 0.02 on joints of adults, wider where growth plates are open.
_UNCERTAIN, _BAND = (0.1, 0.9), 0.035
#: The least share of an image that a bone covers.
_LEAST_BONE = 0.02
#: The largest share of other pieces of a bone, relative to its largest piece.
_PIECES = 0.2
#: Least and largest median gap between the facing margins, as a share of the image; below 0 the bones overlap.
_GAP = (-0.15, 0.2)


@dataclass(frozen=True)
class FoundBones(BoneMasks, WithReasons):
    """The bones that the network found, each one piece without holes, and how reliable they are.

    Attributes
    ----------
    reasons : tuple of Reason
        Why the masks are not reliable; empty where they are.
    confidence : float
        The mean probability inside the mask, of the bone where it is lower.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> image = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> bones = jsn.segment(image)
    >>> bones.reliable, bones.shape, bones.confidence > 0.95
    (True, (162, 162), True)
    """

    reasons: tuple[Reason, ...] = ()
    confidence: float = 1.0

    def __repr__(self) -> str:
        rows, cols = self.shape
        state = "" if self.reliable else ", not reliable"
        return f"<FoundBones: {rows} x {cols} pixels, {self._shares()}, confidence {self.confidence:.2f}{state}>"


def segmentation_reasons(masks: BoneMasks) -> tuple[Reason, ...]:
    """Return why masks that the network found are not reliable; empty for masks that were given."""
    return masks.reasons if isinstance(masks, FoundBones) else ()


def bones_from_probability(probability: NDArray[np.float32]) -> FoundBones:
    """Return the two bones of one image.

    Parameters
    ----------
    probability : (2, H, W) float array
        Of the upper and the lower bone.
    """
    raw = probability >= 0.5
    upper, lower = (largest_piece(mask) for mask in raw)
    probabilities = [
        float(p[mask].mean()) if mask.any() else 0.0 for p, mask in zip(probability, (upper, lower), strict=True)
    ]
    reasons = _reasons(probability, (upper, lower), probabilities)
    return FoundBones(upper, lower, tuple(reasons), min(probabilities))


def largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest piece of a mask, with its holes filled."""
    pieces, count = ndimage.label(mask)
    if count > 1:
        mask = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.asarray(ndimage.binary_fill_holes(mask))


def facing_gap(upper: NDArray[np.bool_], lower: NDArray[np.bool_]) -> float:
    """Return the median number of rows between the two bones over the columns of both; negative if they overlap.

    NaN without such a column.
    """
    both = upper.any(axis=0) & lower.any(axis=0)
    if not both.any():
        return float("nan")
    rows = upper.shape[0]
    lowest = rows - 1 - upper[::-1, both].argmax(axis=0)
    return float(np.median(lower[:, both].argmax(axis=0) - lowest - 1))


def uncertain_band(probability: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Return the mean width of the uncertain band along an outline, as a share of the image's larger side."""
    outline = mask & ~ndimage.binary_erosion(mask, border_value=1)
    low, high = _UNCERTAIN
    uncertain = (probability > low) & (probability < high)
    return float(uncertain.sum() / max(1, outline.sum()) / max(mask.shape))


def _reasons(
    probability: NDArray[np.float32], found: tuple[NDArray[np.bool_], NDArray[np.bool_]], probabilities: list[float]
) -> list[Reason]:
    reasons: list[Reason] = []
    missing = [name for name, mask in zip(("upper", "lower"), found, strict=True) if mask.mean() < _LEAST_BONE]
    if missing:
        bones_ = "The two bones were" if len(missing) == 2 else f"The {missing[0]} bone was"
        return [Reason(ReasonCode.BONE_NOT_FOUND, f"{bones_} not found.")]
    for name, p, mask, mean in zip(("upper", "lower"), probability, found, probabilities, strict=True):
        if mean < MIN_PROBABILITY:
            reasons.append(Reason(ReasonCode.BONE_UNCERTAIN, f"The {name} bone is uncertain (probability {mean:.2f})."))
        elif uncertain_band(p, mask) > _BAND:
            reasons.append(Reason(ReasonCode.OUTLINE_UNCERTAIN, f"The outline of the {name} bone is uncertain."))
        if ((p >= 0.5) & ~mask).sum() > _PIECES * mask.sum():
            reasons.append(Reason(ReasonCode.BONE_IN_PIECES, f"The {name} bone was found in several pieces."))
    upper, lower = found
    gap = facing_gap(upper, lower) / upper.shape[0]
    if np.isnan(gap):
        reasons.append(Reason(ReasonCode.BONES_NOT_FACING))
    elif not _GAP[0] <= gap <= _GAP[1]:
        how = "overlap too much" if gap < 0 else "lie too far apart"
        sentence = f"The two bones {how} ({100 * abs(gap):.0f} % of the image)."
        reasons.append(Reason(ReasonCode.GAP_IMPLAUSIBLE, sentence))
    return reasons
