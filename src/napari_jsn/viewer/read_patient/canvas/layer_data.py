"""Give layers their data with little work for the window.

napari draws a layer, its thumbnail and its highlight again after each property that is set, and works out the extent of
all layers after each layer. Here this is done once, and without thumbnails of lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.viewer.layers.unwrapped import unwrapped

#: Corners that differ by less than this, in units of the world, lie at the same place: napari rounds them.
_SAME = 1e-3
#: Events of a layer after which napari works out the extent of all layers.
_EXTENT = ("data", "scale", "translate")


@contextmanager
def one_extent(viewer: Any, layers: Iterable[Any]) -> Iterator[None]:
    """Within it, napari does not work out the extent of all layers after each change of one, but once at the end."""
    update = getattr(unwrapped(viewer), "_on_layers_change", None)
    if update is None:
        yield
        return
    with ExitStack() as stack:
        for layer in layers:
            for name in _EXTENT:
                stack.enter_context(getattr(layer.events, name).blocker(update))
        yield
    update()


def set_vectors(layer: Any, data: NDArray[np.float64], colours: NDArray[np.float64]) -> None:
    """Set places and colours of vectors, and draw them once."""
    with not_drawn(layer), layer.events.edge_color.blocker():
        layer.data = data
        layer.edge_color = colours
    layer.refresh(thumbnail=False)


def set_polygons(layer: Any, shapes: list[tuple[NDArray[np.float64], str]], look: list[tuple[float, str]]) -> None:
    """Set corners and kinds of shapes, their widths and colours, and draw them once; nothing is selected then."""
    selected = bool(layer.selected_data)
    layer.selected_data = set()
    with not_drawn(layer), layer.events.edge_color.blocker():
        layer.data = shapes
        set_look(layer, look)
    layer.refresh(thumbnail=False, highlight=selected)


def set_look(layer: Any, look: list[tuple[float, str]]) -> None:
    """Set width and colour of each shape."""
    layer.edge_width, layer.edge_color = (list(column) for column in zip(*look, strict=True))


def not_drawn(layer: Any) -> AbstractContextManager[Any]:
    """Return a context in which a layer is not drawn; an empty one where napari has none."""
    found = getattr(unwrapped(layer), "_block_refresh", None)
    return nullcontext() if found is None else found()


def has_shapes(layer: Any, given: list[dict[str, Any]]) -> bool:
    """Return whether a layer of shapes has these already, which it then keeps with what is selected."""
    now = [(kind, np.asarray(points)[:, -2:]) for kind, points in zip(layer.shape_type, layer.data, strict=True)]
    wanted = [(one["kind"], one["points"]) for one in given]
    return len(now) == len(wanted) and all(
        kind == other and points.shape == at.shape and np.allclose(points, at, rtol=0, atol=_SAME)
        for (kind, points), (other, at) in zip(now, wanted, strict=True)
    )


def unit_beside(layers: Iterable[Any]) -> str:
    """Return the unit for layers beside others: napari warns where the units of some are lengths and of others not."""
    lengths = (unit.dimensionality == {"[length]": 1} for layer in layers for unit in layer.units[-2:])
    return "mm" if all(lengths) else "pixel"


def rgba(colour: str) -> NDArray[np.float64]:
    """Return a colour such as ``"#ffe066"`` as four numbers from 0 to 1."""
    return np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)] + [1.0])
