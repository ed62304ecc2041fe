"""How a radiograph is called in sentences and exports: after visit and side, never after its file."""

from __future__ import annotations

_SIDES = {"L": "left", "R": "right"}


def side_label(side: str | None) -> str:
    """``"left"``, ``"right"``, or ``"unknown side"``."""
    return _SIDES.get(side or "", "unknown side")


def radiograph_label(visit: int, side: str | None = None) -> str:
    """``"visit 1, left"``; without a side ``"visit 1"``."""
    return f"visit {visit}, {_SIDES[side]}" if side in _SIDES else f"visit {visit}"
