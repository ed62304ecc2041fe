"""Elements of SVG and HTML as text, and numbers as they show them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

from numpy.typing import ArrayLike

MINUS = "\u2212"


def tag(name: str, /, *content: str, **attributes: object) -> str:
    """Return an element as text.

    Parameters
    ----------
    name : str
    *content : str
        Markup inside the element; plain text must be escaped.
    **attributes
        ``stroke_width=2`` gives ``stroke-width="2"``, ``class_`` gives ``class``; None is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if content or name not in _VOID:
        return f"<{name}{written}>{''.join(content)}</{name}>"
    return f"<{name}{written}/>"


def svg(width: float, height: float, *content: str, x: float = 0.0, y: float = 0.0, **attributes: object) -> str:
    """Return a drawing of this extent; the page scales it to the available width."""
    return tag("svg", *content, viewBox=" ".join(map(short, (x, y, width, height))), **attributes)


def text(x: float, y: float, words: str, **attributes: object) -> str:
    """Return a text element with its words escaped."""
    return tag("text", escape(words), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> str:
    """Return a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def points(xy: Iterable[ArrayLike]) -> str:
    """Return (x, y) points in the form that polygons and polylines take."""
    return " ".join(",".join(short(float(value)) for value in point) for point in xy)  # type: ignore[union-attr, arg-type]


def short(value: float) -> str:
    """Return a coordinate with at most two decimals, which keeps files small and reproducible."""
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written in ("-0", "") else written


def signed(value: float, decimals: int = 2) -> str:
    """Return a number with its sign, or a dash for NaN; zero has no sign."""
    written = plain(value, decimals)
    return f"+{written}" if math.isfinite(value) and round(value, decimals) > 0 else written


def plain(value: float, decimals: int = 2) -> str:
    """Return a number without a plus sign, or a dash for NaN."""
    if not math.isfinite(value):
        return "\u2013"
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", MINUS)


#: Elements that need no end tag when they are empty.
_VOID = {"img", "line", "polygon", "polyline", "path", "rect", "circle", "image", "use", "br", "hr", "meta"}


def _value(value: object) -> str:
    return short(value) if isinstance(value, float) else escape(str(value))
