"""Labels of radiographs in sentences and exports: visit and side, never the name of the file."""

from __future__ import annotations

_SIDES = {"L": "left", "R": "right"}


def side_label(side: str | None) -> str:
    """Return ``"left"``, ``"right"``, or ``"unknown side"``."""
    return _SIDES.get(side or "", "unknown side")


def radiograph_label(visit: int, side: str | None = None) -> str:
    """Return ``"visit 1, left"``; without a side ``"visit 1"``."""
    return f"visit {visit}, {_SIDES[side]}" if side in _SIDES else f"visit {visit}"


def side_order(side: str | None) -> str:
    """Return a key that sorts the right hand before the left, and both before an unknown side."""
    return {"R": "0", "L": "1"}.get(side or "", "2")
