"""The layers that show a joint: created once, their data swapped by joint, so that nothing is compiled again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import ref

import numpy as np
from napari.layers import Image, Labels, Shapes, Vectors
from napari.utils.colormaps import Colormap, DirectLabelColormap
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_jsn.drawing.colours import LOWER_COLOUR, UPPER_COLOUR
from napari_jsn.joint import LOWER, UPPER
from napari_jsn.viewer.layers.read_layer import KEY, READING, layer_metadata
from napari_jsn.viewer.layers.registration import SPECTRUM_COLORMAP
from napari_jsn.viewer.read_patient.canvas.layer_data import (
    has_shapes,
    one_extent,
    rgba,
    set_look,
    set_polygons,
    set_vectors,
    unit_beside,
)

BASELINE, FOLLOWUP, ALIGNED = "baseline", "follow-up", "follow-up aligned"
TRANSFORMED, DIFFERENCE = "transformed", "difference"
ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM = "original loss spectrum", "transformed loss spectrum"
BONES, OUTLINES, MARGINS, JOINTS = "bones", "outlines", "margins", "joints"
#: Names of all layers, the lowest one first.
NAMES = (
    FOLLOWUP, BASELINE, ALIGNED, TRANSFORMED, ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM, DIFFERENCE, BONES, OUTLINES,
    MARGINS, JOINTS,
)  # fmt: skip
#: Layers that show intensities of radiographs: one window for all.
INTENSITIES = (BASELINE, FOLLOWUP, ALIGNED, TRANSFORMED)
#: Difference of intensities at which the colour is that of the end of the scale.
DIFFERENCE_END = 0.25
_DIFFERENCE_COLORS = [
    [0.15, 0.47, 0.84, 1],
    [0.49, 0.71, 0.94, 0.6],
    [1, 1, 1, 0],
    [0.96, 0.64, 0.41, 0.6],
    [0.87, 0.26, 0.1, 1],
]
_BONE_COLORS = {0: "transparent", None: "transparent", 1: UPPER_COLOUR, 2: LOWER_COLOUR, 3: "#cc79a7"}
#: Thickness of outlines and margins in units of the world: mm, or pixels.
_LINE = {"mm": 0.07, "pixel": 0.5}
_WHITE = "#ffffff"
#: Letters of the names of joints, and of captions and figures.
_LETTERS = {JOINTS: "MCPID0123456789 .mpx", MARGINS: "abcdefghiklmnoprstuvwx0123456789 LFG-+.,'()="}
#: Events of a layer that was moved.
_TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine")
#: Wait before layers that are not visible get their new data, in ms.
_LATER_MS = 250


class PictureLayers(QObject):
    """The layers of one viewer.

    ``disturbed`` is emitted with a sentence when somebody else removed or replaced one of them, or opened an image.
    """

    disturbed: Signal = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._busy = 0
        self._pending: dict[str, Callable[[], None]] = {}
        self._unit = ""
        #: Names of layers that stay visible, because they are edited, and of those that may be moved.
        self.kept: set[str] = set()
        self.movable: set[str] = set()
        self.layers: dict[str, Any] = {}
        self._connected: list[tuple[Any, Callable[..., None]]] = []
        self._hidden: list[ref[Any]] = []
        self._places: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {}
        self._looks: dict[str, list[tuple[float, str]]] = {}
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_LATER_MS)
        self._later.timeout.connect(self._do_one_pending)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.inserted.connect(self._on_inserted)

    def __getitem__(self, name: str) -> Any:
        """Return a layer by its first name, also if the user renamed it."""
        return self.layers[name]

    def stop(self) -> None:
        """Disconnect from the viewer, because the dock was closed. The layers stay."""
        self._later.stop()
        self._pending.clear()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        for event, function in self._connected:
            event.disconnect(function)
        self._connected.clear()

    def hide_others(self) -> None:
        """Hide the layers that are not of the dock, which would lie over its pictures."""
        own = list(self.layers.values())
        for layer in self._viewer.layers:
            if layer not in own and layer.visible:
                layer.visible = False
                self._hidden.append(ref(layer))

    def show_others(self) -> None:
        """Show the layers again that were hidden, in place of those of the dock."""
        others = [layer for each in self._hidden if (layer := each()) is not None and layer in self._viewer.layers]
        self._hidden.clear()
        if others and self.layers:
            self.show_only({})
        for layer in others:
            layer.visible = True

    @property
    def is_changing(self) -> bool:
        """Whether the dock itself changes layers now."""
        return self._busy > 0

    @contextmanager
    def changing(self) -> Any:
        """Within it, changes of layers are those of the dock."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    @contextmanager
    def together(self) -> Any:
        """Within it, napari works out the extent of all layers once, and not after each one that gets data."""
        with one_extent(self._viewer, self.layers.values()):
            yield

    # ------------------------------------------------------------------------------------------------ create and remove

    def adopt_or_create(self) -> None:
        """Use the layers that an earlier dock left, and create those that are missing, hidden and empty."""
        self._pending.clear()
        with self.changing(), self._viewer.layers.batched_update():  # else all is drawn after each of them
            unit = self._unit or unit_beside(self._viewer.layers)
            left: dict[Any, Any] = {}
            for layer in self._viewer.layers:  # the first one of a name: others are copies that the user made
                if is_picture(layer):
                    left.setdefault(layer_metadata(layer).get("name"), layer)
            for name in NAMES:
                layer = left.get(name) or self._created(name, unit)
                if self.layers.get(name) is layer:
                    continue
                self.layers[name] = layer
                if layer not in self._viewer.layers:
                    self._viewer.layers.append(layer)
                layer.visible = False
                layer.editable = False
                self._connect(layer.events.editable, partial(self._on_editable, name))
                self._connect(layer.events.visible, partial(self._on_visible, name))
                if name not in (BONES, JOINTS):
                    self._connect(layer.events.data, self._on_data)
                for event in ("contrast_limits", "colormap", "gamma") if name in INTENSITIES else ():
                    self._connect(getattr(layer.events, event), partial(self._link, name, event))
                for event in _TRANSFORMS:
                    self._connect(getattr(layer.events, event), partial(self._on_transform, name))
            units = {str(layer.units[0]) for layer in self.layers.values()}
            self._unit = {"millimeter": "mm", "pixel": "pixel"}.get(units.pop(), "") if len(units) == 1 else ""

    def _connect(self, event: Any, function: Callable[..., None]) -> None:
        event.connect(function)
        self._connected.append((event, function))

    def warm_up(self) -> None:
        """Draw every layer and letter once, so that nothing is compiled or rasterised when the reader needs it."""
        square = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], float)
        for name, letters in _LETTERS.items():
            self.set_shapes(name, [{"points": square, "kind": "polygon", "colour": _WHITE, "text": letters}])
        with self.changing():
            for name in NAMES:
                self.layers[name].visible = True

    def remove(self) -> None:
        """Remove all layers of the dock."""
        self._pending.clear()
        with self.changing():
            for layer in [layer for layer in self._viewer.layers if is_picture(layer)]:
                self._viewer.layers.remove(layer)
        self.layers.clear()

    def _created(self, name: str, unit: str) -> Any:
        about = {"name": name, "metadata": {KEY: {"role": READING, "name": name}}, "units": (unit, unit)}
        empty = np.zeros((64, 64), np.float32)
        if name in INTENSITIES:
            return Image(empty, contrast_limits=(0, 1), **about, colormap="gray")
        if name in (ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM):
            return Image(empty, contrast_limits=(0, 1), **about, colormap=SPECTRUM_COLORMAP)
        if name == DIFFERENCE:
            colormap = Colormap(_DIFFERENCE_COLORS, name="blue-orange")
            limits = (-DIFFERENCE_END, DIFFERENCE_END)
            return Image(empty, contrast_limits=limits, **about, colormap=colormap)
        if name == BONES:
            colors = DirectLabelColormap(color_dict=_BONE_COLORS)
            return Labels(np.zeros((64, 64), np.uint8), **about, colormap=colors, opacity=0.5)
        if name == OUTLINES:
            line = np.array([[[0, 0], [1, 1]]], float)
            return Vectors(line, **about, vector_style="line", edge_width=_LINE[unit])
        text = {
            "string": "{text}",
            "color": {"feature": "colour", "fallback": "white"},
            "anchor": "upper_left",
            "size": 9,
        }
        square = [np.array([[0, 0], [0, 1], [1, 1], [1, 0]], float)]
        return Shapes(
            square, shape_type="polygon" if name == MARGINS else "rectangle", **about, text=text,
            features={"text": ["-"], "colour": [_WHITE]}, face_color="transparent", edge_color=_WHITE,
            edge_width=_LINE[unit], opacity=1.0,
        )  # fmt: skip

    # --------------------------------------------------------------------------------------------------------- set data

    def show_only(self, names: Mapping[str, bool]) -> None:
        """Show and hide layers; those that are not named are hidden, except what the user switched on."""
        with self.changing():
            for name in NAMES:
                wanted = names.get(name, False) or name in self.kept
                if self.layers[name].visible != wanted:
                    self.layers[name].visible = wanted
        if not names:
            self.describe({})
            self._fit_unit()

    def describe(self, shows: Mapping[str, str]) -> None:
        """Say in the metadata of each layer which images it shows; ``""`` for those that are not named."""
        for name, layer in self.layers.items():
            layer.metadata[KEY]["shows"] = shows.get(name, "")

    def set_unit(self, unit: str) -> None:
        """Set the unit of the world coordinates of all layers: ``"mm"`` or ``"pixel"``."""
        if unit != self._unit:
            self._unit = unit
            with self.changing():
                for layer in self.layers.values():
                    layer.units = (unit, unit)
                self.layers[OUTLINES].edge_width = _LINE[unit]

    def _fit_unit(self) -> None:
        """Give the layers, while they show nothing, a unit beside which napari does not warn of those of others."""
        own = list(self.layers.values())
        others = [layer for layer in self._viewer.layers if layer not in own]
        if others and own and not any(layer.visible for layer in own):
            self.set_unit(unit_beside(others))

    def set_image(
        self, name: str, make: Callable[[], NDArray[Any]], pixel: Any, origin: tuple[float, float], now: bool,
        limits: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Set pixels and place of an image or labels layer: now, or when it is shown or there is time."""

        def change() -> None:
            layer, data = self.layers[name], make()
            scale = tuple(np.broadcast_to(pixel, 2).tolist())
            with self.changing():
                self._places[name] = scale, tuple(map(float, origin))
                self._place(name)
                if not (layer.data is data or (layer.data.dtype == data.dtype and np.array_equal(layer.data, data))):
                    layer.data = data
                if limits is not None and tuple(layer.contrast_limits) != limits:
                    layer.contrast_limits_range = (min(0, limits[0]), max(1, limits[1]))
                    layer.contrast_limits = limits

        self._set(name, change, now)

    def set_outlines(self, lines: list[tuple[int, NDArray[np.float64]]], now: bool = True) -> None:
        """Set the outlines of bones: label and points ``(row, column)`` of the world."""

        def change() -> None:
            colours = {UPPER: rgba(UPPER_COLOUR), LOWER: rgba(LOWER_COLOUR)}
            parts = [np.stack([line[:-1], np.diff(line, axis=0)], 1) for _, line in lines if len(line) > 1]
            each = [np.repeat(colours[label][None], len(line) - 1, 0) for label, line in lines if len(line) > 1]
            layer = self.layers[OUTLINES]
            with self.changing():
                data = np.concatenate(parts) if parts else np.zeros((1, 2, 2))
                set_vectors(layer, data, np.concatenate(each) if each else np.zeros((1, 4)))

        self._set(OUTLINES, change, now)

    def set_shapes(self, name: str, shapes: list[dict[str, Any]], now: bool = True) -> None:
        """Set shapes: each with ``points`` (row, column), ``kind``, ``colour``, ``text``, ``width`` and features."""
        import pandas as pd

        def change() -> None:
            layer = self.layers[name]
            given = shapes or [{"points": np.zeros((4, 2)), "kind": "polygon", "colour": "transparent", "text": ""}]
            features = pd.DataFrame(
                [
                    {"text": one.get("text") or " ", "colour": one.get("ink", one["colour"]), **one.get("features", {})}
                    for one in given
                ]
            )
            look = [(one.get("width", _LINE[self._unit or "mm"]), one["colour"]) for one in given]
            same = has_shapes(layer, given)
            with self.changing(), layer.block_thumbnail_update():  # which takes as long as all else
                self._place(name)
                if not same:
                    set_polygons(layer, [(one["points"], one["kind"]) for one in given], look)
                elif look != self._looks.get(name):
                    set_look(layer, look)
                self._looks[name] = look
                if not same or not features.equals(layer.features):
                    layer.features = features

        self._set(name, change, now)

    def _place(self, name: str) -> None:
        """Put a layer where the dock shows it, without the transform that a user gave it."""
        layer = self.layers[name]
        scale, origin = self._places.get(name, ((1.0, 1.0), (0.0, 0.0)))
        if tuple(layer.scale) != scale:
            layer.scale = scale
        if not np.allclose(layer.translate, origin):
            layer.translate = origin
        if not (np.allclose(layer.rotate, np.eye(2)) and np.allclose(layer.shear, 0)):
            layer.rotate, layer.shear = 0, (0,)
        if not np.allclose(layer.affine.affine_matrix, np.eye(3)):
            layer.affine = np.eye(3)

    def _set(self, name: str, change: Callable[[], None], now: bool) -> None:
        self._pending.pop(name, None)
        if now and self._can_change(name):
            change()
        else:
            self._pending[name] = change
            self._later.start()

    def _can_change(self, name: str) -> bool:
        """Return whether a layer takes data now: vectors that are hidden cannot take other colours."""
        return name != OUTLINES or bool(self.layers[name].visible)

    def _do_one_pending(self) -> None:
        name = next((each for each in self._pending if self._can_change(each)), None)
        if name is not None:
            self._pending.pop(name)()
            self._later.start(40)

    def _on_visible(self, name: str, event: Any = None) -> None:
        if name in self._pending and self.layers[name].visible:
            self._pending.pop(name)()

    # ------------------------------------------------------------------------------------------- what others change

    def _link(self, name: str, event: str, *_: Any) -> None:
        """Give all layers of intensities the same window and colours."""
        if self._busy:
            return
        value = getattr(self.layers[name], event)
        with self.changing():
            for other in INTENSITIES:
                if other != name and other in self.layers:
                    setattr(self.layers[other], event, value)

    def _on_transform(self, name: str, event: Any = None) -> None:
        """Take back that a user moved a layer, beside which the others would be wrong; boxes may be moved."""
        if self._busy or name in self.movable or name not in self.layers:
            return
        with self.changing():
            self._place(name)

    def _on_editable(self, name: str, event: Any = None) -> None:
        """Keep layers from being changed by accident: napari makes a layer editable with each new data."""
        if self.layers[name].editable and name not in self.movable | self.kept:
            self.layers[name].editable = False

    def _on_removed(self, event: Any) -> None:
        if not self._busy and event.value in self.layers.values():
            self.disturbed.emit("A picture layer of the patient was removed")

    def _on_inserted(self, event: Any) -> None:
        if self._busy or event.value in self.layers.values():
            return
        self._fit_unit()
        if isinstance(event.value, Image):
            self.disturbed.emit("Another image was opened")

    def _on_data(self, event: Any = None) -> None:
        if not self._busy:
            self.disturbed.emit("The pixels of a picture layer were replaced")


def is_picture(layer: Any) -> bool:
    """Return whether a layer is one of the dock's."""
    return layer_metadata(layer).get("role") == READING
