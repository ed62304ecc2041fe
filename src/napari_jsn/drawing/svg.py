"""Small pieces of SVG and HTML as text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

from numpy.typing import ArrayLike

MINUS = "\u2212"


def tag(name: str, /, *inside: str, **attributes: object) -> str:
    """An element; ``stroke_width=2`` becomes ``stroke-width="2"``, ``class_`` becomes ``class``, None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{said}>{''.join(inside)}</{name}>" if inside or name not in _VOID else f"<{name}{said}/>"


def svg(width: float, height: float, *inside: str, x: float = 0.0, y: float = 0.0, **attributes: object) -> str:
    """A drawing of this extent, scaled to the room that the page gives it."""
    return tag("svg", *inside, viewBox=" ".join(map(short, (x, y, width, height))), **attributes)


def text(x: float, y: float, words: str, **attributes: object) -> str:
    """Words at a place of a drawing."""
    return tag("text", escape(words), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> str:
    """A straight line of a drawing."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def points(xy: Iterable[ArrayLike]) -> str:
    """Places as polygons and polylines take them."""
    return " ".join(",".join(short(float(value)) for value in place) for place in xy)  # type: ignore[union-attr, arg-type]


def short(value: float) -> str:
    """A coordinate: two decimals at most, so that files stay small and equal."""
    told = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if told in ("-0", "") else told


def signed(value: float, decimals: int = 2) -> str:
    """A narrowing with its sign, or a dash where there is none."""
    told = plain(value, decimals)
    return f"+{told}" if math.isfinite(value) and round(value, decimals) > 0 else told


def plain(value: float, decimals: int = 2) -> str:
    """A figure without a plus, or a dash where there is none."""
    if not math.isfinite(value):
        return "\u2013"
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", MINUS)


#: Elements that are closed at once where nothing is inside.
_VOID = {"img", "line", "polygon", "polyline", "path", "rect", "circle", "image", "use", "br", "hr", "meta"}


def _value(value: object) -> str:
    return short(value) if isinstance(value, float) else escape(str(value))
