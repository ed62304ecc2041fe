"""Find the path of highest score through an image, one row per column, by dynamic programming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Strip = NDArray[np.floating]

#: The largest step of a path between adjacent columns, in rows.
_LARGEST_STEP = 3
#: Cost of a pixel that is not allowed.
_FORBIDDEN = 1e3


def best_path(score: Strip, allowed: NDArray[np.bool_], stiffness: float) -> NDArray[np.int_]:
    """Return the path with the largest sum of scores minus the cost of its steps.

    Parameters
    ----------
    score : (V, U) array
        Scaled so that the largest value is about 1.
    allowed : (V, U) bool array
        The pixels that the path may use.
    stiffness : float
        A step of n rows between adjacent columns costs ``stiffness * n**2``.

    Returns
    -------
    (U,) int array
        The row of the path in each column.
    """
    cost = np.where(allowed, -score, _FORBIDDEN)
    height, width = cost.shape
    steps = np.arange(-_LARGEST_STEP, _LARGEST_STEP + 1)
    step_cost = stiffness * steps.astype(float) ** 2
    rows = np.arange(height)
    padded = np.full(height + 2 * _LARGEST_STEP, np.inf)
    total = padded[_LARGEST_STEP:-_LARGEST_STEP]
    total[:] = cost[:, 0]
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(steps))  # a view: it changes when ``total`` changes
    previous_row = np.zeros((width, height), dtype=int)
    for column in range(1, width):
        candidates = windows + step_cost
        choice = candidates.argmin(axis=1)
        previous_row[column] = rows + steps[choice]
        total[:] = candidates[rows, choice] + cost[:, column]
    path = np.empty(width, dtype=int)
    path[-1] = total.argmin()
    for column in range(width - 1, 0, -1):
        path[column - 1] = previous_row[column, path[column]]
    return path


def peak(score: Strip, path: NDArray[np.int_]) -> Strip:
    """Return the path with sub-pixel rows: the vertex of the parabola through each row and its two neighbours."""
    columns, rows = np.arange(score.shape[1]), np.clip(path, 1, score.shape[0] - 2)
    above, centre, below = (score[rows + step, columns] for step in (-1, 0, 1))
    curvature = above - 2 * centre + below
    offset = np.where(curvature < 0, (above - below) / (2 * np.where(curvature < 0, curvature, -1.0)), 0.0)
    return np.asarray(rows + np.clip(offset, -1, 1))
