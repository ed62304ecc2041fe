"""Locate a hand on the network's maps: fit the mean hand to the peaks, and decide which joints are in view."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.mean_hand import (
    fit_similarity,
    mean_hand,
    mirrored,
    rotation_of_deg,
    scale_of,
    transform_points,
)
from napari_jsn.localization.network import CELL, find_peaks, peaks_at

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

#: A joint is in view from the first probability on; a peak is used for the fit from the second on.
IN_VIEW, CANDIDATE = 0.5, 0.15
#: The least number of joints in view of a hand, and of the fingers that they belong to.
LEAST_JOINTS, LEAST_FINGERS = 4, 2
#: Largest distance of a joint from its place in the mean hand, in mm of an average adult's hand; thumb first.
_REACH_MM = {"1": 45.0, "2": 30.0, "3": 26.0, "4": 26.0, "5": 32.0}
#: The same once other joints of the finger are known.
FINGER_REACH_MM = 16.0
#: Least and largest length of a bone as a share of the mean hand's.
_BONE_LENGTHS = (0.5, 1.7)
#: Share of a joint's probability that another joint may have at its place.
RIVAL = 0.5
#: Two joints that are closer lie in one place, in mm of an average adult's hand.
SAME_PLACE_MM = 5.0
#: Largest rotation of a hand on a radiograph.
MOST_ROTATION_DEG = 75.0

_REACH = np.array([_REACH_MM[joint[-1]] for joint in JOINTS])
FINGER = np.array([int(joint[-1]) for joint in JOINTS])


@dataclass(frozen=True)
class LocatedHand:
    """One hand on a square or a radiograph.

    Attributes
    ----------
    right : bool
        Whether it is a right hand, in a posteroanterior view that is not mirrored.
    points : (14, 2) array
        ``(x, y)`` of the joints; those that are not in view where the fitted mean hand has them.
    probability : (14,) array
        Of each joint; 0 for a peak that lies where no joint of this hand can.
    from_mean : (2, 3) array
        Similarity from the mean hand, mirrored for a right hand.
    ambiguous : bool
        Whether two views of the hand gave its joints different names.
    completed : LocatedHand, optional
        The same hand with the joints that its other joints confirm; see
        :func:`napari_jsn.localization.complete.complete_hand`.
    """

    right: bool
    points: Array = field(repr=False)
    probability: Array = field(repr=False)
    from_mean: Array = field(repr=False)
    ambiguous: bool = False
    completed: LocatedHand | None = field(default=None, repr=False)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which joints are in view, (14,)."""
        return self.probability >= IN_VIEW

    @property
    def scale(self) -> float:
        """Pixels per mm of an average adult's hand."""
        return scale_of(self.from_mean)

    @property
    def turn_deg(self) -> float:
        """Rotation of the fingers from upright, positive clockwise."""
        return rotation_of_deg(self.from_mean)

    @property
    def sureness(self) -> float:
        """Sum of the probabilities of the joints in view."""
        return float(self.probability[self.seen].sum())

    @property
    def is_hand(self) -> bool:
        """Whether enough joints are in view."""
        return bool(self.seen.sum() >= LEAST_JOINTS and len(set(FINGER[self.seen])) >= LEAST_FINGERS)

    def transformed(self, matrix: Array) -> LocatedHand:
        """Return the same hand on another square or radiograph, by a (3, 3) similarity."""
        from_mean = (matrix @ np.vstack([self.from_mean, [0, 0, 1]]))[:2]
        return replace(self, points=transform_points(matrix, self.points), from_mean=from_mean)


def locate_hand(maps: Tensor, right: bool, by_surer: bool = False) -> LocatedHand | None:
    """Locate the left or the right hand; None where no two peaks lie as joints of a hand do.

    Parameters
    ----------
    maps : (14, cells, cells) tensor
        Probabilities of the joints' cells.
    right : bool
    by_surer : bool, optional
        Whether the place of a joint is compared with those of surer joints of its finger only, instead of all others.
    """
    model = mirrored(mean_hand()) if right else mean_hand()
    points, probability = (each.double().numpy() for each in find_peaks(maps))
    from_mean = _fit_best_pair(model, points, probability)
    if from_mean is None:
        return None
    for _ in range(2):
        from_mean = _fit_robust(model, points, probability, from_mean)
        points, probability = _replace_outliers(maps, model, points, probability, from_mean, by_surer)
        if (probability >= CANDIDATE).sum() < 2:
            return None
    from_mean = _fit_robust(model, points, probability, from_mean)
    expected = expected_points(model, points, probability, from_mean)
    points = np.where((probability >= CANDIDATE)[:, None], points, expected)
    return LocatedHand(right, points, probability, from_mean)


def distance_mm(one: LocatedHand, other: LocatedHand) -> float:
    """Return the median distance of the joints in view in both, in mm of an average adult's hand; inf without any."""
    both = one.seen & other.seen
    if not both.any():
        return np.inf
    return float(np.median(np.hypot(*(one.points - other.points)[both].T))) / max(one.scale, other.scale)


def finger_to_palm(hand: LocatedHand) -> float:
    """Return the length of the fingers by the width of the palm, as a share of the mean hand's; NaN if unknown.

    Of the fingers 2 to 5, all bones between two joints in view count, and all neighbouring knuckles in view.
    """
    fingers = [(k, k + 1) for k in range(len(JOINTS) - 1) if FINGER[k] == FINGER[k + 1] > 1]
    knuckles = [k for k, joint in enumerate(JOINTS) if joint[:3] == "MCP" and joint[-1] != "1"]
    ratios = []
    for pairs in (fingers, list(pairwise(knuckles))):
        known = np.array([pair for pair in pairs if hand.seen[list(pair)].all()], dtype=int).reshape(-1, 2)
        lengths = [np.hypot(*(at[known[:, 0]] - at[known[:, 1]]).T).sum() for at in (hand.points, mean_hand())]
        ratios.append(float(lengths[0] / lengths[1]) if len(known) else np.nan)
    return ratios[0] / ratios[1]


def drop_ambiguous(hand: LocatedHand, maps: Tensor) -> LocatedHand:
    """Set the probability of each joint to 0 whose name is ambiguous: another joint may lie there.

    These are joints whose place is nearly as probable for a joint of another name, of this hand or of the other one,
    and the less probable one of two joints in one place.

    Parameters
    ----------
    hand : LocatedHand
        On the square of the maps.
    maps : (28, cells, cells) tensor
        Probabilities of the cells of the joints of the left, then of the right hand.
    """
    probability = hand.probability.copy()
    for k in np.flatnonzero(hand.seen):
        if rivals(hand, maps, int(k)).max() > RIVAL * probability[k]:
            probability[k] = 0.0
    order = np.argsort(-probability, kind="stable")
    for number, k in enumerate(order):
        surer = [j for j in order[:number] if probability[j] >= IN_VIEW]
        if surer and np.hypot(*(hand.points[surer] - hand.points[k]).T).min() < SAME_PLACE_MM * hand.scale:
            probability[k] = 0.0
    return replace(hand, probability=probability)


def rivals(hand: LocatedHand, maps: Tensor, k: int) -> Array:
    """Return the probabilities of all joints of other names at the place of joint ``k``, of both hands: (2, 14)."""
    import torch

    cell = np.rint((hand.points[k] + 0.5) / CELL - 0.5).astype(int).clip(0, maps.shape[-1] - 1)
    others = peaks_at(maps, torch.from_numpy(np.tile(cell, (len(maps), 1))))[1].double().numpy()
    others = others.reshape(2, len(JOINTS))
    others[:, k] = 0.0
    return np.asarray(others)


def _fit_best_pair(model: Array, points: Array, probability: Array) -> Array | None:
    """Fit a similarity to each two peaks; return the one that agrees with most of the others."""
    candidates = np.flatnonzero(probability >= CANDIDATE)
    best, best_score = None, 0.0
    for pair in combinations(candidates, 2):
        chosen = list(pair)
        from_mean = fit_similarity(model[chosen], points[chosen], np.ones(2))
        scale = scale_of(from_mean)
        distance = np.hypot(*(model[chosen[0]] - model[chosen[1]]))
        if scale < 0.1 or abs(rotation_of_deg(from_mean)) > MOST_ROTATION_DEG or distance < 30:
            continue
        residual = np.hypot(*(transform_points(from_mean, model) - points).T) / scale
        score = float((probability * np.clip(1 - residual / _REACH, 0, 1) * (probability >= CANDIDATE)).sum())
        if score > best_score:
            best, best_score = from_mean, score
    return best


def _fit_robust(model: Array, points: Array, probability: Array, from_mean: Array) -> Array:
    """Fit by least squares in which joints far from the fit have less weight."""
    weights = np.where(probability >= CANDIDATE, probability, 0.0)
    for _ in range(5):
        residual = np.hypot(*(transform_points(from_mean, model) - points).T) / max(scale_of(from_mean), 1e-6)
        from_mean = fit_similarity(model, points, weights / (1 + (residual / 10) ** 2) + 1e-9)
    return from_mean


def expected_points(model: Array, points: Array, probability: Array, from_mean: Array) -> Array:
    """Return where each joint is expected: as in the mean hand, moved with the other joints found of its finger."""
    expected = transform_points(from_mean, model)
    residual = points - expected
    for k in range(len(JOINTS)):
        same_finger = (FINGER[k] == FINGER) & (probability >= CANDIDATE)
        same_finger[k] = False
        if same_finger.any():
            weights = probability * same_finger / (1 + np.abs(np.arange(len(JOINTS)) - k))
            expected[k] = expected[k] + (weights / weights.sum()) @ residual
    return expected


def _replace_outliers(
    maps: Tensor, model: Array, points: Array, probability: Array, from_mean: Array, by_surer: bool
) -> tuple[Array, Array]:
    """Move joints that lie far from their place to another peak near it; without one they are not in view."""
    import torch

    scale = scale_of(from_mean)
    mean_points = transform_points(from_mean, model)
    expected = expected_points(model, points, probability, from_mean)
    points, probability = points.copy(), probability.copy()
    cells = maps.shape[-1]
    centres = (np.arange(cells) + 0.5) * CELL - 0.5
    done = np.zeros(len(JOINTS), bool)
    order = np.argsort(-probability, kind="stable") if by_surer else np.arange(len(JOINTS))
    for k in order[probability[order] >= CANDIDATE]:
        others, reach = (FINGER[k] == FINGER) & (probability >= CANDIDATE), FINGER_REACH_MM
        others[k] = False
        if by_surer:
            others &= done
            surer = np.where(others, probability, 0.0)
            expected[k] = expected_points(model, points, surer, from_mean)[k]
            bones = int(np.abs(np.flatnonzero(others) - k).min(initial=len(JOINTS)))
            reach *= (1 + bones) / 2  # each bone between the two can be bent
        done[k] = True
        place, reach = (expected[k], reach) if others.any() else (mean_points[k], float(_REACH[k]))
        far = np.hypot(*(points[k] - mean_points[k])) > _REACH[k] * scale
        if not far and (not others.any() or np.hypot(*(points[k] - place)) <= 1.5 * reach * scale):
            continue
        near = np.hypot(centres[None, :] - place[0], centres[:, None] - place[1]) <= reach * scale
        masked = torch.where(torch.from_numpy(near), maps[k], 0.0)
        best = int(masked.argmax())
        point, remaining = peaks_at(masked[None], torch.tensor([[best % cells, best // cells]]))
        points[k], probability[k] = point[0].double().numpy(), float(remaining[0])
    for finger in range(1, 6):
        check_bone_lengths(model, points, probability, np.flatnonzero(finger == FINGER), scale)
    return points, probability


def check_bone_lengths(model: Array, points: Array, probability: Array, joints: NDArray[np.int_], scale: float) -> None:
    """Set the less probable of two joints to 0 where the bone between them would be far too long or short."""
    for one, other in zip(joints, joints[1:], strict=False):
        if min(probability[one], probability[other]) < CANDIDATE:
            continue
        length = np.hypot(*(points[one] - points[other])) / scale
        ratio = length / np.hypot(*(model[one] - model[other]))
        if not _BONE_LENGTHS[0] <= ratio <= _BONE_LENGTHS[1]:
            probability[one if probability[one] < probability[other] else other] = 0.0
