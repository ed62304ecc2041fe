"""One row of the table: a test, a method, how many pairs, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class Row:
    """Figures are NaN, and words empty, where a test or a method has none.

    ``bar`` says what our own method must reach in this test, ``met`` whether it did. ``data`` holds what the plots
    need.
    """

    test: str
    method: str
    n: int
    mismatch: float = np.nan
    rmse_mm: float = np.nan
    bias_mm: float = np.nan
    reliable: float = np.nan
    covered: float = np.nan
    ms: float = np.nan
    words: str = ""
    bar: str = ""
    met: bool | None = None
    data: dict[str, NDArray[np.float64]] = field(default_factory=dict)
