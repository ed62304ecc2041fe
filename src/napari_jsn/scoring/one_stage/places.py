"""Places of the joints on the joint map of the one-stage network."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.mean_hand import fit_similarity, mean_hand, scale_of, transform_points

#: Least mean probability of a joint in its circle.
_LEAST = 0.2
#: Block of pixels over which probabilities are averaged to search for a circle; radius around a place, over that of the
#: circle (what lies between may belong to the joint), whose mean its next place is; and number of such steps.
_BLOCK, _AROUND, _STEPS = 4, 2.0, 3
#: Farthest that a joint lies from where the mean hand, fitted to all places, has it, in mm of that hand: about as far
#: as one in a hundred joints of simulated hands. Fingers spread and bend, so that it grows towards their tips.
_REACH_MM = {"MCP": 13.0, "PIP": 18.0, "DIP": 22.0, "MCP1": 18.0, "IP1": 25.0}
#: Cells between two places that are one.
_ONE_PLACE = 4.0
#: The mean hand is fitted to this many joints at least, by pairs of joints that lie this far apart, in mm; and the
#: distance of the joints that count in the last fit.
_FEWEST, _APART_MM, _NEAR_MM = 5, 30.0, 20.0


def joint_places(joint: Tensor, radius: float) -> dict[str, tuple[float, float]]:
    """Return the places (x, y) of the joints that a joint map marks: the centre of the circle where each is likeliest.

    Pixels far from the circle do not count. A joint far from where the others suggest lies at a place near there, if
    it is probable there. Of two joints at one place the more probable one has a place.

    Parameters
    ----------
    joint : (15, H, W) tensor
        Probabilities of background and joints, on the CPU.
    radius : float
        Of the circle, in pixels.
    """
    means = _circle_means(joint, radius).nan_to_num(0.0)
    cells = _likeliest(means.numpy())
    places: dict[str, tuple[float, float]] = {}
    rows, cols = (torch.arange(length, dtype=torch.float32) for length in joint.shape[-2:])
    reach = max(_AROUND * radius, 1.0) + 1
    for name, probability, cell in zip(JOINTS, joint[1:], cells, strict=True):
        if cell is None:
            continue
        x, y = (each * _BLOCK + (_BLOCK - 1) / 2 for each in cell)
        for _ in range(_STEPS):
            down, across = (slice(max(0, int(each - reach)), int(each + reach) + 2) for each in (y, x))
            near = probability[down, across] * disc(x, y, _AROUND * radius, rows[down], cols[across])
            total = near.sum()
            x, y = float(near.sum(0) @ cols[across] / total), float(near.sum(1) @ rows[down] / total)
        places[name] = (x, y)
    return places


def _likeliest(means: NDArray[np.float32]) -> list[tuple[float, float] | None]:
    """Return the cell (x, y) of each joint by the means (14, R, C), of a hand that is possible; None without one."""
    peaks = np.array([np.unravel_index(int(each.argmax()), each.shape)[::-1] for each in means], float)
    marked = means.max((1, 2)) >= _LEAST
    from_mean = _fitted_hand(peaks, marked)
    if from_mean is not None:
        expected, scale = transform_points(from_mean, mean_hand()), scale_of(from_mean)
        rows, cols = np.indices(means.shape[1:])
        for k, joint in enumerate(JOINTS):
            reach = scale * _REACH_MM.get(joint, _REACH_MM.get(joint[:-1], 0.0))
            if np.hypot(*(peaks[k] - expected[k])) > reach:
                near = np.where(np.hypot(cols - expected[k, 0], rows - expected[k, 1]) <= reach, means[k], 0.0)
                peaks[k], marked[k] = np.unravel_index(int(near.argmax()), near.shape)[::-1], near.max() >= _LEAST
    cols_of, rows_of = peaks.astype(int).T
    sure = means[np.arange(len(means)), rows_of, cols_of]
    for which in np.argsort(-sure).tolist():  # the surest joint of a place stays
        beside = np.hypot(*(peaks - peaks[which]).T) < _ONE_PLACE
        marked &= ~beside | (sure >= sure[which]) | ~marked[which]
    return [(float(x), float(y)) if known else None for (x, y), known in zip(peaks, marked, strict=True)]


def _fitted_hand(points: NDArray[np.float64], marked: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Return the similarity (2, 3) from the mean hand to the points (14, 2) that most of them agree with, if any."""
    model, known = mean_hand(), np.flatnonzero(marked)
    if len(known) < _FEWEST:
        return None
    best, least = None, np.inf
    for pair in map(list, combinations(known, 2)):
        if np.hypot(*(model[pair[0]] - model[pair[1]])) < _APART_MM:
            continue
        matrix = fit_similarity(model[pair], points[pair], [1.0, 1.0])
        away = _away_mm(matrix, points)[known]
        if np.median(away) < least:
            best, least = matrix, float(np.median(away))
    if best is None or least > _NEAR_MM:
        return None
    near = marked & (_away_mm(best, points) < _NEAR_MM)
    return fit_similarity(model[near], points[near], np.ones(near.sum()))


def _away_mm(from_mean: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance (14,) of points from the joints of the fitted mean hand, in its mm."""
    away: NDArray[np.float64] = np.hypot(*(transform_points(from_mean, mean_hand()) - points).T)
    return away / max(scale_of(from_mean), 1e-6)


def _circle_means(joint: Tensor, radius: float) -> Tensor:
    """Return the mean probability (14, R, C) of each joint in the circle around the middle of each block of pixels."""
    kernel = circle_kernel(radius / _BLOCK)
    return conv2d(avg_pool2d(joint[1:, None], _BLOCK), kernel[None, None], padding=len(kernel) // 2)[:, 0]


def circle_kernel(radius: float) -> Tensor:
    """Return the weights (K, K) of the mean over a circle whose radius is given in cells, 1 at least."""
    reach = max(1, int(radius))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    circle = (offsets[:, None] ** 2 + offsets**2 <= max(radius, 1.0) ** 2).float()
    return circle / circle.sum()


def disc(x: float, y: float, radius: float, rows: Tensor, cols: Tensor) -> Tensor:
    """Return which pixels (R, C) lie in a circle, at least one pixel around its centre."""
    inside = (rows[:, None] - y) ** 2 + (cols[None] - x) ** 2 <= max(radius, 1.0) ** 2
    return inside
