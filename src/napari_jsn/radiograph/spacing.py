"""Check the size of a pixel."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from napari_jsn.common.errors import InputError

#: Size of a pixel in mm: one number where pixels are square, (row, col) where they are not, None where it is unknown.
Spacing = float | tuple[float, float] | None


def check_spacing(spacing_mm: Any, argument: str = "spacing_mm") -> Spacing:
    """Return a checked pixel spacing.

    Parameters
    ----------
    spacing_mm : None, number, or pair of numbers
        Size of a pixel in mm, or (row, col): the height and the width of a pixel.
    argument : str
        Name of the argument in errors.

    Returns
    -------
    None, float or tuple of float
        None stays None; a pair of equal numbers becomes one number.

    Raises
    ------
    InputError
        If it is not one or two finite numbers above 0.
    """
    if spacing_mm is None:
        return None
    if isinstance(spacing_mm, np.ndarray):
        spacing_mm = spacing_mm.tolist()
    values = tuple(spacing_mm) if isinstance(spacing_mm, (tuple, list)) else (spacing_mm,)
    if len(values) not in (1, 2) or not all(_is_length(value) for value in values):
        raise InputError(
            f"The pixel spacing {argument} is {spacing_mm!r}. Give the size of a pixel in mm, a number above 0 "
            "(or (row, col)), or omit it for results in pixels.",
            argument,
        )
    row, col = float(values[0]), float(values[-1])
    return row if row == col else (row, col)


def _is_length(value: Any) -> bool:
    """Return whether a value is a finite number above 0."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and 0 < float(value) < float("inf")
