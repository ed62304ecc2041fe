"""How sure a measurement of ``refined`` is, and whether to trust it at all.

The uncertainty is a sum of variances: the model's own (noise, and the sideways field where there is one), more of it
where a trace of such a field is seen, and how far the two directions and the two motion models lie apart. Its weights
are fitted on pairs of known motion and on simulated joints, and live in the card ``registration-refined``. The limits
below say when a figure should not be trusted.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.networks.weights import card
from napari_jsn.registration.methods import MethodResult, Pair
from napari_jsn.registration.solutions import STRENGTHS_PX, Solutions

# Limits; lengths in working pixels of about 0.175 mm. Wrong pairs stay below or above them, real visits seldom.
_LEAST_LIKENESS, _LEAST_MEAN_LIKENESS = 0.46, 0.57
_LEAST_OVERLAP = 0.80
_LEAST_IN_VIEW = 0.60
_LEAST_AREA = 250.0
_MOST_SPREAD = 0.95
_MOST_BETWEEN_DIRECTIONS = 0.42
_MOST_DISAGREEMENT = 0.65
_MOST_MODEL_SD = 0.20
_MOST_MARGIN = 1.0
_MOST_TURN_DEG = 32.0
_MOST_SCALE = 0.20
_WORSE = 0.02
#: Weight of the similarity model in the answer. Real visits close better with more of it (sigma 0.0160, 0.0156 and
#: 0.0152 mm with 0, 0.1 and 0.2 of it), known roll is measured worse (RMSE 0.020, 0.023 and 0.027 mm).
_SIMILAR_SHARE = 0.15
#: Weight of the network's own maps beside these two. Its errors are others: real visits close better with it (sigma
#: 0.0140, 0.0130, 0.0125 mm with 0, 0.1, 0.2 of it), simulated ones are measured a little better (RMSE 0.0304, 0.0297,
#: 0.0294 mm), known roll worse (0.0250, 0.0279, 0.0312 mm).
_NETWORK_SHARE = 0.1
#: Strength at which a sideways field is half a trace, in working pixels.
_TRACE_PX = 0.3
#: Two masks that share this much of their area are one region.
_SAME_REGION = 0.8


def judge(pair: Pair, solved: Solutions) -> MethodResult:
    """Combine the solutions of a pair into one estimate, with its uncertainty and the reasons against it.

    Parameters
    ----------
    pair : Pair
    solved : Solutions
        In pixels of the pair.
    """
    upper, lower = combined(solved)
    narrowing = joint_space_narrowing(upper, lower, pair.point, pair.axis)
    sd = float(np.sqrt(variance_terms(pair, solved) @ _variance_weights()))
    return MethodResult(upper, lower, narrowing, sd, tuple(_reasons(pair, solved)))


def combined(solved: Solutions) -> NDArray[np.float64]:
    """(2 bones, 3, 3) maps: the mean of both directions, and mostly of the model with a sideways field."""
    similar, rolled = solved.maps.mean(axis=1)
    solved_for = _SIMILAR_SHARE * similar + (1 - _SIMILAR_SHARE) * rolled
    return _NETWORK_SHARE * solved.network.mean(axis=0) + (1 - _NETWORK_SHARE) * solved_for


#: Names of :func:`variance_terms`, as the card has them.
TERMS = ("model", "trace", "directions", "models")


def variance_terms(pair: Pair, solved: Solutions) -> NDArray[np.float64]:
    """What the variance of a narrowing is a weighted sum of, in squared pixels; in the order of :data:`TERMS`.

    The model's own variance; the same where a trace of a sideways field is seen; and the squared differences between
    directions and between motion models. Bones that turn out of the film's plane leave such a trace, and the error is
    more than the field explains; a strong field has a large variance of its own.
    """
    narrowings = solved.narrowings(pair)
    own = float(solved.variance_px2.mean())
    strength = max(float(solved.strength_px.mean()) / solved.unit_px, STRENGTHS_PX[0])
    trace = (1 - (STRENGTHS_PX[0] / strength) ** 2) / (1 + (strength / _TRACE_PX) ** 2)
    between_directions = float(narrowings[1, 0] - narrowings[1, 1])
    between_models = float(narrowings[0].mean() - narrowings[1].mean())
    return np.array([own, own * trace, between_directions**2, between_models**2])


@cache
def _variance_weights() -> NDArray[np.float64]:
    weights = card("registration-refined")["variance_weights"]
    return np.array([float(weights[term]) for term in TERMS])


def _reasons(pair: Pair, solved: Solutions) -> list[Reason]:
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
    turn_deg = np.abs(np.rad2deg(np.arctan2(linear[:, 1, 0], linear[:, 0, 0])))
    scale = np.abs(np.sqrt(np.linalg.det(linear)) - 1)
    forward, backward = solved.maps[1] @ np.append(pair.point, 1.0)
    apart = np.linalg.norm((forward - backward)[:, :2], axis=1) / unit
    sd = np.sqrt(solved.variance_px2.mean()) / unit
    if solved.region_px2.min() < _LEAST_AREA * unit**2:
        reasons.append(Reason(ReasonCode.REGION_TOO_SMALL))
    if solved.in_view.min() < _LEAST_IN_VIEW:
        reasons.append(Reason(ReasonCode.OUT_OF_VIEW))
    if solved.overlap.min() < _LEAST_OVERLAP:
        reasons.append(Reason(ReasonCode.MASKS_DIFFER))
    if turn_deg.max() > _MOST_TURN_DEG or scale.max() > _MOST_SCALE:
        reasons.append(Reason(ReasonCode.MOTION_TOO_LARGE))
    if solved.likeness.min() < _LEAST_LIKENESS or solved.likeness.mean() < _LEAST_MEAN_LIKENESS:
        reasons.append(Reason(ReasonCode.NOT_SIMILAR))
    elif (solved.likeness < solved.likeness_unmoved - _WORSE).any():
        reasons.append(Reason(ReasonCode.NO_IMPROVEMENT))
    if apart.max() > _MOST_DISAGREEMENT or abs(narrowings[1, 0] - narrowings[1, 1]) > _MOST_BETWEEN_DIRECTIONS:
        reasons.append(Reason(ReasonCode.DIRECTIONS_DISAGREE))
    elif np.ptp(narrowings) > _MOST_SPREAD:
        reasons.append(Reason(ReasonCode.MODELS_DISAGREE))
    elif sd > _MOST_MODEL_SD:
        reasons.append(Reason(ReasonCode.TOO_LITTLE_DETAIL))
    if np.abs(solved.margin_px).max() / unit > _MOST_MARGIN:
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
