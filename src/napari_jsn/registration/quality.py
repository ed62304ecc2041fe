"""Uncertainty and quality assessment of the method ``refined``.

The variance of a narrowing is a weighted sum of four terms: the variance by the model (noise and roll field), the same
variance times the evidence of a weak roll field, and the squared differences between the two directions and between the
two motion models. The weights are fitted on simulated joints that move as between two visits, and are part of the card
``registration-refined``. The limits below decide when a measurement has failed.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.networks.weights import card
from napari_jsn.registration.methods import MethodResult, PreparedPair
from napari_jsn.registration.solutions import ROLL_PRIOR_SDS_PX, Solutions

# Limits; lengths in working pixels of about 0.175 mm. Wrong pairs violate them; pairs of real visits rarely do.
#: Limits of the similarity score, see :func:`similarity`: below the first one the pair is wrong; below the second one,
#: the mirrored follow-up is tried. Of 743 pairs of visits of real joints 30 have a score below the first one; where
#: other visits show what is right, a third of these is wrong by over 0.175 mm.
_MIN_SIMILARITY, CERTAIN_SIMILARITY = 0.38, 0.65
#: Sizes of the bones in both images that differ by more than this (as a logarithm, of both bones together or of one
#: against the other) need the second of these scores. Between visits of 239 real joints the size changes by 1.5 % at
#: most, and differently by 4.6 % at most; of 20 pairs of two joints of one hand with a score above the first one, 18
#: exceed this.
_SAME_SIZE = 0.06
#: Limits of the normalised cross-correlation of the whole regions, outlines included.
_MIN_NCC, _MIN_MEAN_NCC = 0.35, 0.50
#: A mirrored follow-up whose structure correlates more by this is the right one.
MIRRORED_GAIN = 0.08
#: Weight of the logarithm of the model's standard deviation in the similarity score, and the standard deviation at
#: which it adds nothing, in working pixels.
_SD_WEIGHT, _USUAL_SD = 0.35, 0.1
_MIN_OVERLAP = 0.80
#: Share of a bone that must be in view: absolute, and relative to the other bone. Crops of different sizes show both
#: bones to a smaller share; a joint at the border of its image shows one of them to a smaller share.
_MIN_IN_VIEW, _MIN_RELATIVE_VIEW = 0.40, 0.60
_MIN_AREA = 250.0
_MAX_NARROWING_SPREAD = 1.5
_MAX_DIRECTION_DIFFERENCE = 1.0
_MAX_POINT_DISTANCE_ALONG, _MAX_POINT_DISTANCE_ACROSS = 1.2, 3.5
#: Standard deviation of the model above which the images have no detail in common. The largest of 440 right pairs of
#: real visits was 0.23.
_MAX_MODEL_SD = 0.30
#: Curvature of the relation of the intensities of both images, above which one of them is saturated or processed in
#: another way. It is 0.27 for a gamma of 4, and 0.2 where 20 % of the pixels are white.
_MAX_CURVE = 0.17
_MAX_MARGIN_DISPLACEMENT = 1.0
_MAX_ROTATION_DEG = 32.0
_MAX_SCALE = 0.20
_MAX_NCC_LOSS = 0.02
#: Weight of the similarity model in the estimate. A larger weight improves the closure of real visits (sigma 0.0160,
#: 0.0156 and 0.0152 mm with weights 0, 0.1 and 0.2) and increases the error at known roll (RMSE 0.020, 0.023 and
#: 0.027 mm).
_SIMILARITY_WEIGHT = 0.15
#: Weight of the network's maps relative to these two models. The errors of network and models are independent. With
#: weights 0, 0.1 and 0.2, the closure of real visits improves (sigma 0.0140, 0.0130, 0.0125 mm), the error on simulated
#: joints decreases a little (RMSE 0.0304, 0.0297, 0.0294 mm), and the error at known roll increases (0.0250, 0.0279,
#: 0.0312 mm).
_NETWORK_WEIGHT = 0.1
#: Similarity model and network know no roll field; under a strong one their errors are three times those of the roll
#: fit. Both weights are divided by 1 + (sd / this sd)^8, where sd is the prior standard deviation of the bone's roll
#: field in working pixels. In 99 % of the pairs of real visits it is below 1.6; at a known roll of 1 px it is above 1.7
#: in 95 %, and the RMSE decreases from 0.026 to 0.021 mm. The closure of real visits changes by 1 %.
_STRONG_ROLL_SD_PX = 1.7
#: Prior standard deviation of the roll field at which the weak-roll term is half of its maximum, in working pixels.
_WEAK_ROLL_SD_PX = 0.3
#: Share of the smaller mask that also belongs to the other mask, above which both masks are the same region.
_SAME_REGION = 0.8


def assess_quality(pair: PreparedPair, solved: Solutions) -> MethodResult:
    """Combine the solutions of a pair into one estimate with its uncertainty and the reasons why it has failed.

    Parameters
    ----------
    pair : PreparedPair
    solved : Solutions
        Solutions in pixels of the pair.
    """
    upper, lower = combined(solved)
    narrowing = joint_space_narrowing(upper, lower, pair.point, pair.axis)
    sd = float(np.sqrt(variance_terms(pair, solved) @ _variance_weights()))
    return MethodResult(upper, lower, narrowing, sd, tuple(_reasons(pair, solved)), _checks(pair, solved))


def combined(solved: Solutions) -> NDArray[np.float64]:
    """Return (2 bones, 3, 3) maps: the weighted mean of both models and the network, over both directions."""
    similarity, roll_fit = solved.maps.mean(axis=1)
    roll_sd = solved.roll_prior_sd_px.mean(axis=0) / solved.unit_px
    without_roll = (1 / (1 + (roll_sd / _STRONG_ROLL_SD_PX) ** 8))[:, None, None]
    similarity_weight, network_weight = _SIMILARITY_WEIGHT * without_roll, _NETWORK_WEIGHT * without_roll
    models = similarity_weight * similarity + (1 - similarity_weight) * roll_fit
    return network_weight * solved.network.mean(axis=0) + (1 - network_weight) * models


#: Names of the terms of :func:`variance_terms`, in its order; the card uses the same names.
TERMS = ("model", "weak_roll", "directions", "models", "sharpness", "curve")


def variance_terms(pair: PreparedPair, solved: Solutions) -> NDArray[np.float64]:
    """Return the terms whose weighted sum is the variance of a narrowing, in squared pixels; see :data:`TERMS`.

    The terms are the variance by the model; this variance times the evidence of a weak roll field (0 to 1); the squared
    differences between directions and between motion models; and the squared differences of sharpness and of the
    intensity curve between the images, which displace edges. Bones that flex out of the image plane cause a
    weak roll field, and the error is then larger than the model's variance. For a strong roll field the model's
    variance is large already.
    """
    narrowings = solved.narrowings(pair)
    model_variance = float(solved.variance_px2.mean())
    roll_sd = max(float(solved.roll_prior_sd_px.mean()) / solved.unit_px, ROLL_PRIOR_SDS_PX[0])
    weak_roll = (1 - (ROLL_PRIOR_SDS_PX[0] / roll_sd) ** 2) / (1 + (roll_sd / _WEAK_ROLL_SD_PX) ** 2)
    between_directions = float(narrowings[1, 0] - narrowings[1, 1])
    between_models = float(narrowings[0].mean() - narrowings[1].mean())
    unit2 = float(solved.unit_px) ** 2
    return np.array([
        model_variance, model_variance * weak_roll, between_directions**2, between_models**2,
        unit2 * solved.sharpness**2, unit2 * solved.curve**2,
    ])  # fmt: skip


@cache
def _variance_weights() -> NDArray[np.float64]:
    weights = card("registration-refined")["variance_weights"]
    return np.array([float(weights[term]) for term in TERMS])


def _checks(pair: PreparedPair, solved: Solutions) -> dict[str, float]:
    """Return the quantities that decide whether a measurement has failed; see :data:`~.methods.CHECKS`."""
    mm = float("nan") if pair.spacing_mm is None else pair.spacing_mm
    narrowings = solved.narrowings(pair)
    return {
        "similarity": similarity(solved),
        "ncc_inside": float(solved.ncc_inside.mean()),
        "overlap": float(solved.overlap.min()),
        "in_view": float(solved.in_view.min()),
        "directions_mm": mm * abs(float(narrowings[1, 0] - narrowings[1, 1])),
        "models_mm": mm * float(np.ptp(narrowings)),
        "margin_mm": mm * float(np.abs(solved.margin_px).max()),
        "sharpness": solved.sharpness,
        "curve": solved.curve,
    }


def similarity(solved: Solutions) -> float:
    """Return the similarity score of a pair: how well the structure inside the bones corresponds.

    It is the mean normalised cross-correlation inside the bones, less for a large standard deviation of the model. Of
    wrong pairs of real joints, 0.35 was the largest score; of right pairs, 96 % exceeded 0.38.
    """
    sd = float(np.clip(np.sqrt(solved.variance_px2.mean()) / solved.unit_px, 1e-3, _MAX_MODEL_SD))
    return float(solved.ncc_inside.mean()) - _SD_WEIGHT * float(np.log(sd / _USUAL_SD))


def is_mirrored(solved: Solutions, mirrored: Solutions) -> bool:
    """Return whether the mirrored follow-up corresponds better than the given one."""
    return similarity(mirrored) > max(_MIN_SIMILARITY, similarity(solved)) and bool(
        mirrored.ncc_inside.mean() > solved.ncc_inside.mean() + MIRRORED_GAIN
    )


def _reasons(pair: PreparedPair, solved: Solutions) -> list[Reason]:
    """Return why the measurement has failed, the clearest evidence first."""
    reasons = [
        *_mask_reasons(pair.fixed_masks, "fixed"),
        *_mask_reasons(pair.moving_masks, "moving"),
    ]
    if reasons:
        return reasons
    unit = solved.unit_px
    narrowings = solved.narrowings(pair) / unit
    linear = combined(solved)[:, :2, :2]
    rotation_deg = np.abs(np.rad2deg(np.arctan2(linear[:, 1, 0], linear[:, 0, 0])))
    scale = np.sqrt(np.linalg.det(linear))
    other_size = max(abs(float(np.log(scale).mean())), abs(float(np.log(scale[0] / scale[1])))) > _SAME_SIZE
    least_similarity = CERTAIN_SIMILARITY if other_size else _MIN_SIMILARITY
    forward, backward = solved.maps[1] @ np.append(pair.point, 1.0)
    apart = (forward - backward)[:, :2] / unit
    along, across = np.abs(apart @ pair.axis), np.abs(apart @ (-pair.axis[1], pair.axis[0]))
    between_directions = abs(narrowings[1, 0] - narrowings[1, 1])
    relative_view = solved.in_view / solved.in_view.max(axis=1, keepdims=True).clip(1e-6)
    if solved.region_px2.min() < _MIN_AREA * unit**2:
        reasons.append(Reason(ReasonCode.REGION_TOO_SMALL))
    if solved.in_view.min() < _MIN_IN_VIEW or relative_view.min() < _MIN_RELATIVE_VIEW:
        reasons.append(Reason(ReasonCode.OUT_OF_VIEW))
    if solved.overlap.min() < _MIN_OVERLAP:
        reasons.append(Reason(ReasonCode.MASKS_DIFFER))
    if rotation_deg.max() > _MAX_ROTATION_DEG or np.abs(scale - 1).max() > _MAX_SCALE:
        reasons.append(Reason(ReasonCode.MOTION_TOO_LARGE))
    if abs(solved.curve) > _MAX_CURVE:
        reasons.append(Reason(ReasonCode.EXPOSURES_DIFFER))
    if similarity(solved) < least_similarity or solved.ncc.min() < _MIN_NCC or solved.ncc.mean() < _MIN_MEAN_NCC:
        reasons.append(Reason(ReasonCode.NOT_SIMILAR))
    elif (solved.ncc < solved.ncc_identity - _MAX_NCC_LOSS).any():
        reasons.append(Reason(ReasonCode.NO_IMPROVEMENT))
    if (
        along.max() > _MAX_POINT_DISTANCE_ALONG
        or across.max() > _MAX_POINT_DISTANCE_ACROSS
        or between_directions > _MAX_DIRECTION_DIFFERENCE
    ):
        reasons.append(Reason(ReasonCode.DIRECTIONS_DISAGREE))
    elif np.ptp(narrowings) > _MAX_NARROWING_SPREAD:
        reasons.append(Reason(ReasonCode.MODELS_DISAGREE))
    elif np.sqrt(solved.variance_px2.mean()) / unit > _MAX_MODEL_SD:
        reasons.append(Reason(ReasonCode.TOO_LITTLE_DETAIL))
    if np.abs(solved.margin_px).max() / unit > _MAX_MARGIN_DISPLACEMENT:
        reasons.append(Reason(ReasonCode.MARGIN_DISPLACED))
    return reasons


def _mask_reasons(masks: BoneMasks, name: str) -> list[Reason]:
    upper, lower = masks.upper, masks.lower
    shared = (upper & lower).sum() / min(upper.sum(), lower.sum())
    if shared > _SAME_REGION:
        return [Reason(ReasonCode.MASKS_SAME_REGION, f"Both masks of the {name} image are the same region.")]
    if np.argwhere(upper)[:, 0].mean() >= np.argwhere(lower)[:, 0].mean():
        sentence = f"The upper bone's mask lies below the lower bone's in the {name} image."
        return [Reason(ReasonCode.MASKS_EXCHANGED, sentence)]
    return []
