"""The colour of a narrowing: one diverging scale for reports and layers, neutral at zero."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: From widening over no change to narrowing; seen on a dark radiograph and on white, and by the colour-blind.
_STOPS = (
    (-1.0, (38, 120, 214)),
    (-0.5, (125, 181, 240)),
    (0.0, (244, 243, 238)),
    (0.5, (246, 164, 104)),
    (1.0, (222, 66, 26)),
)
#: A joint whose figure should not be trusted, or that has none.
UNRELIABLE = "#9b9b9b"
#: Ends that the scale may have, in mm or pixels.
_ENDS = tuple(step * 10.0**power for power in range(-1, 4) for step in (2, 5, 10))


def scale_end(values: Iterable[float]) -> float:
    """Where the scale ends on both sides: the least round number that holds all these values, at least 0.5."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return next((end for end in _ENDS if end >= max(largest, 0.5)), _ENDS[-1])


def jsn_colour(jsn: float, end: float = 1.0) -> str:
    """The colour of a narrowing as ``#rrggbb``: orange where the joint narrowed, blue where it widened.

    Parameters
    ----------
    jsn : float
        Positive is narrower. NaN has the colour of a joint that was not measured.
    end : float
        Where the scale ends, in the same unit.
    """
    if not math.isfinite(jsn):
        return UNRELIABLE
    place = min(max(jsn / end, -1.0), 1.0)
    upper = next(k for k in range(1, len(_STOPS)) if place <= _STOPS[k][0])
    (low, before), (high, after) = _STOPS[upper - 1], _STOPS[upper]
    share = (place - low) / (high - low)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(before, after, strict=True))
