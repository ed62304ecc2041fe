"""From maps to hands: which peaks lie as the joints of a hand do, and which joints are not in view."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.maps import around, peaks
from napari_jsn.localization.network import CELL
from napari_jsn.localization.shape import fit, mean_hand, mirrored, moved

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

#: A joint is taken to be in view from this probability on, and a peak counts for the shape from the second on.
SEEN, HINT = 0.5, 0.15
#: So many joints in view make a hand, on so many fingers.
LEAST_JOINTS, LEAST_FINGERS = 4, 2
#: How far from its place in the mean hand a joint may lie, in mm of an average adult; thumb first.
_REACH_MM = {"1": 45.0, "2": 30.0, "3": 26.0, "4": 26.0, "5": 32.0}
#: The same once the finger's other joints are known.
_FINGER_REACH_MM = 16.0
#: Length of a bone against the mean hand's.
_BONE = (0.5, 1.7)
#: How far hands may lie turned on a film.
MOST_TURN_DEG = 75.0

_REACH = np.array([_REACH_MM[joint[-1]] for joint in JOINTS])
_FINGER = np.array([int(joint[-1]) for joint in JOINTS])


@dataclass(frozen=True)
class Hand:
    """One hand on a square.

    Attributes
    ----------
    right : bool
        Whether it is a right hand, if it lies palm down on the detector and the film is not mirrored.
    points : (14, 2) array
        ``(x, y)``; joints that are not in view where the shape has them.
    sure : (14,) array
        Probability of each; 0 where it lies as no joint of a hand can.
    laid : (2, 3) array
        The similarity from the mean hand, mirrored for a right one.
    """

    right: bool
    points: Array = field(repr=False)
    sure: Array = field(repr=False)
    laid: Array = field(repr=False)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(14,) which joints are in view."""
        return self.sure >= SEEN

    @property
    def scale(self) -> float:
        """Pixels a mm of an average adult's hand."""
        return float(np.hypot(*self.laid[:, 0]))

    @property
    def turn_deg(self) -> float:
        """How far the fingers lie turned from upright; clockwise is positive."""
        return float(np.degrees(np.arctan2(self.laid[1, 0], self.laid[0, 0])))

    @property
    def is_hand(self) -> bool:
        """Whether enough joints are in view."""
        return bool(self.seen.sum() >= LEAST_JOINTS and len(set(_FINGER[self.seen])) >= LEAST_FINGERS)

    def under(self, matrix: Array) -> Hand:
        """The same hand on another square or film, by a (3, 3) similarity."""
        laid = (matrix @ np.vstack([self.laid, [0, 0, 1]]))[:2]
        return replace(self, points=moved(matrix, self.points), laid=laid)


def find_hand(maps: Tensor, right: bool) -> Hand | None:
    """The hand that the 14 maps of one chirality show; None where no two peaks lie as joints do.

    Parameters
    ----------
    maps : (14, cells, cells) tensor
        Probabilities of the joints' cells.
    right : bool
    """
    model = mirrored(mean_hand()) if right else mean_hand()
    points, sure = (each.double().numpy() for each in peaks(maps))
    laid = _best_pair(model, points, sure)
    if laid is None:
        return None
    for _ in range(2):
        laid = _settled(model, points, sure, laid)
        points, sure = _consistent(maps, model, points, sure, laid)
        if (sure >= HINT).sum() < 2:
            return None
    laid = _settled(model, points, sure, laid)
    expected = _expected(model, points, sure, laid)
    points = np.where((sure >= HINT)[:, None], points, expected)
    return Hand(right, points, sure, laid)


def _best_pair(model: Array, points: Array, sure: Array) -> Array | None:
    """Of the similarities that two peaks suggest, the one with which most others agree."""
    candidates = np.flatnonzero(sure >= HINT)
    best, most = None, 0.0
    for pair in combinations(candidates, 2):
        at = list(pair)
        laid = fit(model[at], points[at], np.ones(2))
        scale, turn = np.hypot(*laid[:, 0]), np.degrees(np.arctan2(laid[1, 0], laid[0, 0]))
        if scale < 0.1 or abs(turn) > MOST_TURN_DEG or np.hypot(*(model[at[0]] - model[at[1]])) < 30:
            continue
        off = np.hypot(*(moved(laid, model) - points).T) / scale
        agreed = float((sure * np.clip(1 - off / _REACH, 0, 1) * (sure >= HINT)).sum())
        if agreed > most:
            best, most = laid, agreed
    return best


def _settled(model: Array, points: Array, sure: Array, laid: Array) -> Array:
    """Least squares in which far joints count less."""
    weights = np.where(sure >= HINT, sure, 0.0)
    for _ in range(5):
        off = np.hypot(*(moved(laid, model) - points).T) / max(float(np.hypot(*laid[:, 0])), 1e-6)
        now = weights / (1 + (off / 10) ** 2) + 1e-9
        laid = fit(model, points, now)
    return laid


def _expected(model: Array, points: Array, sure: Array, laid: Array) -> Array:
    """Where the shape has each joint: as the mean hand, moved along with its finger's joints that were found."""
    expected = moved(laid, model)
    off = points - expected
    for k in range(len(JOINTS)):
        same = (_FINGER[k] == _FINGER) & (sure >= HINT)
        same[k] = False
        if same.any():
            near = sure * same / (1 + np.abs(np.arange(len(JOINTS)) - k))
            expected[k] = expected[k] + (near / near.sum()) @ off
    return expected


def _consistent(maps: Tensor, model: Array, points: Array, sure: Array, laid: Array) -> tuple[Array, Array]:
    """Joints that lie far from their place take another peak near it, or are not in view."""
    import torch

    scale = float(np.hypot(*laid[:, 0]))
    plain, expected = moved(laid, model), _expected(model, points, sure, laid)
    points, sure = points.copy(), sure.copy()
    cells = maps.shape[-1]
    at = (np.arange(cells) + 0.5) * CELL - 0.5
    for k in np.flatnonzero(sure >= HINT):
        others = ((_FINGER[k] == _FINGER) & (sure >= HINT)).sum() > 1
        place, reach = (expected[k], _FINGER_REACH_MM) if others else (plain[k], _REACH[k])
        far = np.hypot(*(points[k] - plain[k])) > _REACH[k] * scale
        if not far and (not others or np.hypot(*(points[k] - place)) <= 1.5 * reach * scale):
            continue
        near = np.hypot(at[None, :] - place[0], at[:, None] - place[1]) <= reach * scale
        masked = torch.where(torch.from_numpy(near), maps[k], 0.0)
        best = int(masked.argmax())
        found, left = around(masked[None], torch.tensor([[best % cells, best // cells]]))
        points[k], sure[k] = found[0].double().numpy(), float(left[0])
    for finger in range(1, 6):
        _check_bones(model, points, sure, np.flatnonzero(finger == _FINGER), scale)
    return points, sure


def _check_bones(model: Array, points: Array, sure: Array, joints: NDArray[np.int_], scale: float) -> None:
    """Of two joints whose bone would be far too long or short, the less sure one is not in view."""
    for one, next_ in zip(joints, joints[1:], strict=False):
        if min(sure[one], sure[next_]) < HINT:
            continue
        length = np.hypot(*(points[one] - points[next_])) / scale
        ratio = length / np.hypot(*(model[one] - model[next_]))
        if not _BONE[0] <= ratio <= _BONE[1]:
            sure[one if sure[one] < sure[next_] else next_] = 0.0
