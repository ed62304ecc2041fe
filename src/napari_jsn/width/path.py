"""The best path through a strip of grey levels, column by column, by dynamic programming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Strip = NDArray[np.floating]

#: The most rows by which a path climbs or falls from one column to the next.
_REACH = 3
#: What is lost where a path may not go.
_FORBIDDEN = 1e3


def best_path(score: Strip, allowed: NDArray[np.bool_], stiffness: float) -> NDArray[np.int_]:
    """The rows through which the sum of the scores is greatest.

    Parameters
    ----------
    score : (V, U) array
        About 1 where the path ought to go.
    allowed : (V, U) bool array
        Where it may go at all.
    stiffness : float
        What a step of n rows costs, over n squared.

    Returns
    -------
    (U,) int array
        A row for each column.
    """
    cost = np.where(allowed, -score, _FORBIDDEN)
    height, width = cost.shape
    steps = np.arange(-_REACH, _REACH + 1)
    price = stiffness * steps.astype(float) ** 2
    rows = np.arange(height)
    padded = np.full(height + 2 * _REACH, np.inf)
    total = padded[_REACH:-_REACH]
    total[:] = cost[:, 0]
    around = np.lib.stride_tricks.sliding_window_view(padded, len(steps))  # follows the totals as they change
    came_from = np.zeros((width, height), dtype=int)
    for column in range(1, width):
        offers = around + price
        choice = offers.argmin(axis=1)
        came_from[column] = rows + steps[choice]
        total[:] = offers[rows, choice] + cost[:, column]
    path = np.empty(width, dtype=int)
    path[-1] = total.argmin()
    for column in range(width - 1, 0, -1):
        path[column - 1] = came_from[column, path[column]]
    return path


def peak(score: Strip, path: NDArray[np.int_]) -> Strip:
    """The path's rows moved, by less than a row, to the top of the parabola through each row and its neighbours."""
    columns, rows = np.arange(score.shape[1]), np.clip(path, 1, score.shape[0] - 2)
    above, here, below = (score[rows + step, columns] for step in (-1, 0, 1))
    bend = above - 2 * here + below
    moved = np.where(bend < 0, (above - below) / (2 * np.where(bend < 0, bend, -1.0)), 0.0)
    return np.asarray(rows + np.clip(moved, -1, 1))
