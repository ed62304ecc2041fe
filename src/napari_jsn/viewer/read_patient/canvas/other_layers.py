"""The layers of a viewer that are not the dock's: hidden while it is open, and in the unit of its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

#: Names of units, as pint has them.
_NAMES = {"mm": "millimeter", "pixel": "pixel"}


class OtherLayers:
    """Layers that lie over the dock's pictures.

    napari draws no scale in mm, and warns at each change, where the units of layers differ. Therefore the other layers
    have the unit of the pictures until the dock is closed; their scales stay.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    own : callable
        Returns the layers of the dock.
    """

    def __init__(self, viewer: Any, own: Callable[[], list[Any]]) -> None:
        self._viewer, self._own = viewer, own
        self._hidden: list[ref[Any]] = []
        self._units: list[tuple[ref[Any], tuple[Any, ...]]] = []

    def hide(self) -> None:
        """Hide those that are visible."""
        for layer in self._others():
            if layer.visible:
                layer.visible = False
                self._hidden.append(ref(layer))

    def use_unit(self, unit: str) -> None:
        """Give all of them the unit ``"mm"`` or ``"pixel"``."""
        for layer in self._others():
            before = [str(each) for each in layer.units]
            wanted = [*before[:-2], *[_NAMES[unit]] * len(before[-2:])]
            if before != wanted:
                if not any(each() is layer for each, _ in self._units):
                    self._units.append((ref(layer), layer.units))
                layer.units = tuple(wanted)

    def give_back(self) -> list[Any]:
        """Return those that were hidden; all have their units again."""
        for each, units in self._units:
            if (layer := each()) is not None:
                layer.units = units
        self._units.clear()
        hidden = [layer for each in self._hidden if (layer := each()) is not None and layer in self._viewer.layers]
        self._hidden.clear()
        return hidden

    def _others(self) -> Iterator[Any]:
        own = self._own()
        return (layer for layer in self._viewer.layers if layer not in own)
