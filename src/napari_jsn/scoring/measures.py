"""Measures of agreement from confusion matrices, for one matrix or for many at once.

All functions take arrays whose last two axes are the grades of the first and of the second reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError

Floats = NDArray[np.float64]
Measure = Callable[[Floats], Floats]


def exact(confusion: Floats) -> Floats:
    """Return the share of items with equal grades."""
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def balanced(confusion: Floats) -> Floats:
    """Return the share of equal grades at each grade of the first reader, averaged over the grades that occur."""
    return _balanced(confusion, _distance(confusion) == 0)


def within_one(confusion: Floats) -> Floats:
    """Return the share of items whose grades differ by one at most."""
    near = _distance(confusion) <= 1
    return _ratio((confusion * near).sum(axis=(-2, -1)), confusion.sum(axis=(-2, -1)))


def within_one_balanced(confusion: Floats) -> Floats:
    """Return the share within one at each grade of the first reader, averaged over the grades that occur."""
    return _balanced(confusion, _distance(confusion) <= 1)


def kappa_linear(confusion: Floats) -> Floats:
    """Return Cohen's kappa with linear weights; NaN if both readers give one and the same grade only."""
    return _kappa(confusion, _distance(confusion))


def kappa_quadratic(confusion: Floats) -> Floats:
    """Return Cohen's kappa with quadratic weights; NaN if both readers give one and the same grade only."""
    return _kappa(confusion, _distance(confusion) ** 2)


#: The measures of two readers, by their column names.
MEASURES: Mapping[str, Measure] = {
    "exact": exact,
    "balanced": balanced,
    "within_one": within_one,
    "within_one_balanced": within_one_balanced,
    "kappa_linear": kappa_linear,
    "kappa_quadratic": kappa_quadratic,
}

LEVELS = ("ordinal", "nominal", "interval")


def alpha(coincidences: Floats, level: str = "ordinal", values: ArrayLike | None = None) -> Floats:
    """Return Krippendorff's alpha from coincidence matrices.

    Parameters
    ----------
    coincidences : (..., grades, grades) array
    level : str
        ``"ordinal"``, ``"nominal"`` or ``"interval"``.
    values : (grades,) array, optional
        The values of the grades, ascending; by default 0, 1, 2, ...
    """
    counts = coincidences.sum(axis=-1)
    if level == "ordinal":
        place = counts.cumsum(axis=-1) - counts / 2
    else:
        place = np.broadcast_to(
            np.arange(counts.shape[-1]) if values is None else np.asarray(values, float), counts.shape
        )
    difference = place[..., :, None] - place[..., None, :]
    distance = (difference != 0).astype(float) if level == "nominal" else difference**2
    observed = (coincidences * distance).sum(axis=(-2, -1))
    expected = (counts[..., :, None] * counts[..., None, :] * distance).sum(axis=(-2, -1))
    return np.asarray(1 - (counts.sum(axis=-1) - 1) * _ratio(observed, expected))


def coincidences(votes: Floats) -> Floats:
    """Return the coincidence matrix of each item, (items, grades, grades), from its votes, (items, grades)."""
    n = votes.sum(axis=1)
    weight = np.where(n > 1, 1 / np.maximum(n - 1, 1), 0.0)
    pairs = votes[:, :, None] * votes[:, None, :]
    grades = np.arange(votes.shape[1])
    pairs[:, grades, grades] -= votes
    return np.asarray(pairs * weight[:, None, None])


def krippendorff_alpha(grades: ArrayLike, level: str = "ordinal") -> float:
    """Return Krippendorff's alpha of a table of readers and items.

    Parameters
    ----------
    grades : (readers, items) array
        NaN where a reader has not graded an item.
    level : str
        ``"ordinal"``, ``"nominal"`` or ``"interval"``.

    Raises
    ------
    InputError
        If the level is unknown, or the grades are not a table.

    References
    ----------
    Krippendorff K. Computing Krippendorff's alpha-reliability. University of Pennsylvania, 2011.

    Examples
    --------
    >>> from napari_jsn.scoring import krippendorff_alpha
    >>> round(krippendorff_alpha([[1, 2, 3, 3], [1, 2, 3, 4]], "nominal"), 3)
    0.696
    """
    if level not in LEVELS:
        raise InputError(f"The level of alpha is {level!r}. Choose one of: {', '.join(LEVELS)}.", "level")
    table = np.asarray(grades, dtype=float)
    if table.ndim != 2 or np.isinf(table).any():
        raise InputError("Alpha needs a table of readers (rows) and items (columns) with finite grades.", "grades")
    values = np.unique(table[np.isfinite(table)])
    votes = (table[:, :, None] == values).sum(axis=0).astype(float)
    return float(alpha(coincidences(votes).sum(axis=0), level, values))


def _distance(confusion: Floats) -> Floats:
    grades = np.arange(confusion.shape[-1], dtype=float)
    return np.asarray(np.abs(grades[:, None] - grades))


def _balanced(confusion: Floats, counted: NDArray[np.bool_]) -> Floats:
    total = confusion.sum(axis=-1)
    shares = _ratio((confusion * counted).sum(axis=-1), total)
    return _ratio(np.where(total > 0, shares, 0).sum(axis=-1), (total > 0).sum(axis=-1))


def _kappa(confusion: Floats, weights: Floats) -> Floats:
    observed = (confusion * weights).sum(axis=(-2, -1))
    first, second = confusion.sum(axis=-1), confusion.sum(axis=-2)
    expected = (first[..., :, None] * second[..., None, :] * weights).sum(axis=(-2, -1))
    return np.asarray(1 - _ratio(observed * confusion.sum(axis=(-2, -1)), expected))


def _ratio(above: ArrayLike, below: ArrayLike) -> Floats:
    """Return a ratio; NaN where the denominator is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        above, below = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
        return np.where(below > 0, above / below, np.nan)
