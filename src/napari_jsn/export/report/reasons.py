"""Why joints cannot be relied on, in as few sentences as they need."""

from __future__ import annotations

import re
from collections.abc import Iterable

from napari_jsn.progression.progression import Narrowing

#: Figures in brackets differ from joint to joint; the table tells them.
_FIGURES = re.compile(r" \([^()]*\d[^()]*\)")


def in_short(row: Narrowing) -> str:
    """The reason without its figures."""
    return _FIGURES.sub("", row.reason) or "Not measured."


def by_reason(rows: Iterable[Narrowing]) -> dict[str, list[str]]:
    """Each reason with the joints that it holds for, in their order; reliable rows are passed over."""
    joints: dict[str, list[str]] = {}
    for row in rows:
        if not row.reliable:
            joints.setdefault(in_short(row), []).append(row.joint)
    return joints
