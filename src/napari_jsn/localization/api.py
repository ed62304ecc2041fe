"""``find_joints``: the finger joints of whole-hand radiographs, found by a network and a shape that hands have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_jsn.errors import InputError
from napari_jsn.localization.found import FoundJoints
from napari_jsn.progress import Progress


def find_joints(
    radiograph: Any, model: str = "default", device: str | None = None, sides: Sequence[str] | None = None
) -> FoundJoints:
    """Find the 14 finger joints of each hand on a radiograph."""
    return find_joints_many([radiograph], model, device, sides)[0]


def find_joints_many(
    radiographs: Sequence[Any],
    model: str = "default",
    device: str | None = None,
    sides: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[FoundJoints]:
    """Find the joints of many radiographs; see :func:`find_joints`."""
    from napari_jsn import weights

    weights.find("localization", model)
    raise InputError("The localiser is not trained yet.", "model")
