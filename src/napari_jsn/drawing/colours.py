"""Colours: a diverging scale for narrowing, neutral at zero, and the two bones of a joint."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: Share of the scale and RGB, from widening to narrowing; readable on dark and light, and with colour blindness.
_STOPS = (
    (-1.0, (38, 120, 214)),
    (-0.5, (125, 181, 240)),
    (0.0, (244, 243, 238)),
    (0.5, (246, 164, 104)),
    (1.0, (222, 66, 26)),
)
#: Colour of a joint whose figure has failed or is missing.
UNRELIABLE = "#9b9b9b"
#: Colours of the grades 0 to 5: light to dark, distinct with colour blindness and on a radiograph.
_GRADES = ("#9bd8c6", "#e8e58c", "#f7c948", "#f08c3a", "#dd4b39", "#b0177a")
#: Outlines of the upper (distal) and lower (proximal) bone; distinct with colour blindness.
UPPER_COLOUR, LOWER_COLOUR = "#56b4e9", "#e69f00"
#: Ends that the scale can have, in mm or pixels.
_ENDS = tuple(step * 10.0**power for power in range(-1, 4) for step in (2, 5, 10))


def scale_end(values: Iterable[float]) -> float:
    """Return the end of the scale: the smallest round number that is not less than any absolute value, at least 0.5."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return next((end for end in _ENDS if end >= max(largest, 0.5)), _ENDS[-1])


def jsn_colour(jsn: float, end: float = 1.0) -> str:
    """Return the colour of a narrowing as ``#rrggbb``: orange where the joint narrowed, blue where it widened.

    Parameters
    ----------
    jsn : float
        Positive is narrower. NaN gives the colour :data:`UNRELIABLE`.
    end : float
        End of the scale in the same unit; values beyond it have the colour of the end.
    """
    if not math.isfinite(jsn):
        return UNRELIABLE
    position = min(max(jsn / end, -1.0), 1.0)
    upper = next(k for k in range(1, len(_STOPS)) if position <= _STOPS[k][0])
    (low, before), (high, after) = _STOPS[upper - 1], _STOPS[upper]
    share = (position - low) / (high - low)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(before, after, strict=True))


def grade_colour(grade: int | None) -> str:
    """Return the colour of a grade of joint damage as ``#rrggbb``; None, not scored, gives :data:`UNRELIABLE`.

    Examples
    --------
    >>> from napari_jsn.drawing.colours import grade_colour
    >>> grade_colour(0), grade_colour(None)
    ('#9bd8c6', '#9b9b9b')
    """
    return UNRELIABLE if grade is None else _GRADES[min(max(grade, 0), len(_GRADES) - 1)]
