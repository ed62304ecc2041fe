"""Show one joint at all visits in the canvas: side by side, in turns, as difference, or as loss spectra."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from napari_jsn.reading import JointPicture, Panel, Position
from napari_jsn.viewer.read_patient.canvas.arrangement import Arrangement
from napari_jsn.viewer.read_patient.canvas.fitted_camera import FittedCamera
from napari_jsn.viewer.read_patient.canvas.picture_layers import (
    ALIGNED,
    BASELINE,
    BONES,
    DIFFERENCE,
    FOLLOWUP,
    INTENSITIES,
    MARGINS,
    ORIGINAL_SPECTRUM,
    OUTLINES,
    TRANSFORMED,
    TRANSFORMED_SPECTRUM,
    PictureLayers,
)

#: Layers that each view shows, besides outlines and margins.
_SHOWN = {
    "side by side": (BASELINE, FOLLOWUP),
    "blink": (BASELINE, ALIGNED),
    "difference": (BASELINE, ALIGNED, DIFFERENCE),
    "loss spectra": (BASELINE, TRANSFORMED, ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM),
}
#: Layers that follow from the first image and the one that is compared with it.
_OF_A_PAIR = (TRANSFORMED, ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM, DIFFERENCE)
#: Time for which each image is shown while they blink, in ms.
_BLINK_MS = 500
#: Change of the window for each pixel that the mouse moves, as a share of its width.
_WINDOW_SHARE = 1 / 300
#: The highest value of both spectra is this percentile, so that single pixels do not darken the rest.
_SPECTRUM_PERCENTILE = 99.8
_INK, _FRAME = "#f2f2f2", "#606060"


class JointCanvas(QObject):
    """The canvas of the step Read.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    pictures : PictureLayers
    camera : FittedCamera
    """

    def __init__(self, viewer: Any, pictures: PictureLayers, camera: FittedCamera) -> None:
        super().__init__()
        self._viewer, self.pictures, self._camera = viewer, pictures, camera
        self.arrangement = Arrangement(1, 1, (64, 64), 1.0)
        self.picture: JointPicture | None = None
        self.outlines = True
        self._layout: tuple[Any, ...] = ()
        self._position: Position | None = None
        self._blinking = QTimer(self)
        self._blinking.setInterval(_BLINK_MS)
        self._blinking.timeout.connect(self._swap_blink)
        viewer.mouse_drag_callbacks.append(self._on_drag)

    def stop(self) -> None:
        """Disconnect from the viewer."""
        self._blinking.stop()
        if self._on_drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_drag)

    # ------------------------------------------------------------------------------------------------------------- show

    def show_picture(self, picture: JointPicture, position: Position, captions: Callable[[Panel], str]) -> None:
        """Show the panels of a joint in the view of the position.

        Parameters
        ----------
        picture : JointPicture
        position : Position
        captions : callable
            Returns the name of a panel: its visit, or its image in a blinded session.
        """
        if not picture.panels:
            self.pictures.show_only({})
            self.picture, self._position = None, position
            return
        view = _possible_view(picture, position)
        self.picture, self._position = picture, position
        first = picture.panels[0]
        chosen = _chosen(picture, position)
        count = {"side by side": len(picture.panels), "blink": 1, "difference": 2, "loss spectra": 4}[view]
        pixel = picture.pixel_mm or 1.0
        self.pictures.set_unit("mm" if picture.pixel_mm else "pixel")
        self.arrangement = arranged = Arrangement.of(count, first.pixels.shape, pixel, self._aspect())
        shown = set(_SHOWN[view]) if len(picture.panels) > 1 else {BASELINE}
        with self.pictures.together():
            put = self._put(shown, pixel)
            put(BASELINE, lambda: first.pixels, 0)
            others = {k: panel.pixels for k, panel in enumerate(picture.panels) if k} if view == "side by side" else {}
            self.pictures.set_image(FOLLOWUP, lambda: arranged.mosaic(others), pixel, (0.0, 0.0), FOLLOWUP in shown)
            put(ALIGNED, lambda: chosen.pixels, 1 if view == "difference" else 0)
            put(DIFFERENCE, lambda: chosen.pixels - first.pixels, 0)
            self._put_registration(picture, put)
            if BONES not in self.pictures.kept:  # not while they are painted
                bones = first if chosen.view is None else chosen
                put(BONES, bones.labels, picture.panels.index(bones) if view == "side by side" else 0)
            self._put_lines(picture, view, captions, chosen)
        lines = {OUTLINES: self.outlines, MARGINS: True}
        self.pictures.show_only({**dict.fromkeys(shown, True), **lines})
        self._blinking.stop()
        if view == "blink":
            self._blinking.start()
        self._fit((view, count, arranged.shape, arranged.columns, pixel))

    def _put(self, shown: set[str], pixel: float) -> Callable[..., None]:
        def put(name: str, make: Callable[[], NDArray[Any]], number: int, limits: Any = None) -> None:
            self.pictures.set_image(name, make, pixel, self.arrangement.origin(number), name in shown, limits)

        return put

    def _put_registration(self, picture: JointPicture, put: Callable[..., None]) -> None:
        registration = None if picture.row is None else picture.row.registration
        empty = np.zeros(picture.panels[0].pixels.shape, np.float32)
        if registration is None:
            for number, name in enumerate((TRANSFORMED, ORIGINAL_SPECTRUM, TRANSFORMED_SPECTRUM), start=1):
                put(name, lambda: empty, number)
            return
        limits: list[tuple[float, float]] = []

        def top() -> tuple[float, float]:
            if not limits:
                spectra = (registration.original_spectrum, registration.transformed_spectrum)
                limits.append((0.0, max(float(np.nanpercentile(np.stack(spectra), _SPECTRUM_PERCENTILE)), 1e-6)))
            return limits[0]

        visible = self._position is not None and self._position.view == "loss spectra"
        put(TRANSFORMED, lambda: registration.transformed, 1)
        put(ORIGINAL_SPECTRUM, lambda: registration.original_spectrum, 2, top() if visible else None)
        put(TRANSFORMED_SPECTRUM, lambda: registration.transformed_spectrum, 3, top() if visible else None)

    def _put_lines(self, picture: JointPicture, view: str, captions: Callable[[Panel], str], chosen: Panel) -> None:
        arranged = self.arrangement
        first = picture.panels[0]
        placed = {
            "side by side": list(enumerate(picture.panels)),
            "blink": [(0, first)],
            "difference": [(0, first), (1, chosen)],
            "loss spectra": [(0, first)],
        }[view]
        lines, shapes = [], []
        for number, panel in placed:
            for label, line in panel.outlines():
                lines += [(label, arranged.to_world(number, part)) for part in arranged.inside(line)]
            if self.outlines:
                shapes += _calliper(panel, arranged, number, picture.pixel_mm)
        align = self._position.align if self._position is not None else ""
        texts = {number: captions(panel) + _alignment(panel, align) for number, panel in placed}
        pair = captions(first), captions(chosen)
        if view == "blink":
            texts[0] = f"{pair[0]} and {pair[1]} in turns{_alignment(chosen, align)}"
        if view == "difference":
            texts[0] = f"{pair[1]} minus {pair[0]}"
        if view == "loss spectra":
            texts |= _spectrum_texts(picture, *pair)
        others = ", ".join(captions(panel) for panel in picture.panels[1:])
        both = f"{pair[0]}; {pair[1]}" if len(picture.panels) > 1 else ""
        self.pictures.describe(
            {BASELINE: pair[0], FOLLOWUP: others, ALIGNED: pair[1] if both else "", **dict.fromkeys(_OF_A_PAIR, both)}
        )
        for number in range(arranged.count):
            shapes.append(_frame(arranged, number, texts.get(number, "")))
        self.pictures.set_outlines(lines)
        self.pictures.set_shapes(MARGINS, shapes)

    def pause(self) -> None:
        """Stop to blink, because something else is shown."""
        self._blinking.stop()

    # --------------------------------------------------------------------------------------------------- keys and mouse

    def toggle_outlines(self) -> None:
        """Show or hide outlines, margins and callipers."""
        self.outlines = not self.outlines

    def hold_followup(self, pressed: bool) -> None:
        """Show the aligned follow-up over the baseline while a key is held."""
        if self._position is None or self.picture is None or len(self.picture.panels) < 2:
            return
        if self._position.view == "blink":
            (self._blinking.stop if pressed else self._blinking.start)()
        chosen = _chosen(self.picture, self._position)
        with self.pictures.changing():
            aligned = self.pictures[ALIGNED]
            if pressed:
                pixel = self.picture.pixel_mm or 1.0
                self.pictures.set_image(ALIGNED, lambda: chosen.pixels, pixel, self.arrangement.origin(0), True)
            aligned.visible = pressed

    def invert(self) -> None:
        """Show bone dark, or bright again."""
        layer = self.pictures[BASELINE]
        layer.colormap = "gray" if layer.colormap.name == "gray_r" else "gray_r"

    def reset_view(self) -> None:
        """Fit the panels to the canvas, and show all intensities."""
        layout, self._layout = self._layout, ()
        self.pictures[BASELINE].contrast_limits = (0.0, 1.0)
        if self.picture is not None:
            self._fit(layout)

    def _swap_blink(self) -> None:
        with self.pictures.changing():
            aligned = self.pictures[ALIGNED]
            aligned.visible = not aligned.visible

    def _on_drag(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Change the window by dragging with the right button: across its width, down its level."""
        if event.button != 2 or BASELINE not in self.pictures.layers or not self.pictures[BASELINE].visible:
            return
        camera = viewer.scene.camera
        pans, zooms = camera.mouse_pan, camera.mouse_zoom
        camera.mouse_pan = camera.mouse_zoom = False
        layer, start = self.pictures[BASELINE], np.array(event.pos, float)
        low, high = layer.contrast_limits
        yield
        while event.type == "mouse_move":
            right, down = (np.array(event.pos, float) - start) * _WINDOW_SHARE
            width = max(0.02, (high - low) * float(np.exp(2 * right)))
            level = (low + high) / 2 + down * (high - low)
            layer.contrast_limits_range = (min(0.0, level - width / 2), max(1.0, level + width / 2))
            layer.contrast_limits = (level - width / 2, level + width / 2)
            event.handled = True
            yield
        camera.mouse_pan, camera.mouse_zoom = pans, zooms

    # --------------------------------------------------------------------------------------------------------- camera

    def _aspect(self) -> float:
        height, width = self._viewer.canvas.size
        return float(width) / max(1.0, float(height))

    def _fit(self, layout: tuple[Any, ...]) -> None:
        """Fit the panels to the canvas where their arrangement is another one; else zoom and place stay."""
        if layout == self._layout:
            return
        self._layout = layout
        height, width = (each * self.arrangement.pixel for each in self.arrangement.pixels)
        self._camera.fit((-self.arrangement.caption * self.arrangement.pixel, 0.0), (height, width))

    def forget_layout(self) -> None:
        """Fit the panels again when they are shown next."""
        self._layout = ()


def intensity_layers(pictures: PictureLayers) -> list[Image]:
    """Return the layers that show radiographs."""
    return [pictures[name] for name in INTENSITIES]


def _chosen(picture: JointPicture, position: Position) -> Panel:
    """Return the panel that is compared with the first one: of the position's image, or else the last one."""
    panel = picture.panel(position.image)
    return picture.panels[-1] if panel is None or panel is picture.panels[0] else panel


def _possible_view(picture: JointPicture, position: Position) -> str:
    if len(picture.panels) == 1:
        return "side by side"
    view = position.view if position.view in _SHOWN else "side by side"
    no_registration = picture.row is None or picture.row.registration is None
    return "side by side" if view == "loss spectra" and no_registration else view


def _frame(arranged: Arrangement, number: int, text: str) -> dict[str, Any]:
    height, width = arranged.shape
    corners = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]])
    points = arranged.to_world(number, corners)
    return {"points": points, "kind": "polygon", "colour": _FRAME, "ink": _INK, "text": text}


def _calliper(panel: Panel, arranged: Arrangement, number: int, pixel_mm: float | None) -> list[dict[str, Any]]:
    """Return both margins of the joint space, and the measured width as a line with its figure."""
    shapes = [
        {"points": arranged.to_world(number, line[:: max(1, len(line) // 24)]), "kind": "path", "colour": _INK}
        for line in panel.margins()
    ]
    ends = panel.calliper()
    if ends is None or panel.view is None:
        return shapes
    along = ends[1] - ends[0]
    across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9) * 4
    jsw = panel.view.jsw
    text = f"{jsw.mm:.2f} mm" if pixel_mm else f"{jsw.px:.1f} px"
    points = np.stack([ends[0] - across, ends[0] + across, ends[0], ends[1], ends[1] - across, ends[1] + across])
    place = arranged.to_world(number, points)
    label = ends.mean(0) + across * 2 + (0, -6)
    at = arranged.to_world(number, np.stack([label, label + (1, 0), label + (1, 1)]))
    return [
        *shapes,
        {"points": place, "kind": "path", "colour": "#ffe066"},
        {"points": at, "kind": "polygon", "colour": "transparent", "ink": "#ffe066", "text": text},
    ]


def _alignment(panel: Panel, align: str) -> str:
    return f", aligned to {'lower' if align == 'lower' else 'upper'} bone" if panel.aligned else ""


def _spectrum_texts(picture: JointPicture, first: str, chosen: str) -> dict[int, str]:
    """Return the captions of the view, which name the images of the loss: F, and G before and after registration."""
    if picture.row is None or picture.row.registration is None:
        return {}
    registration = picture.row.registration
    return {
        0: f"F: {first}",
        1: f"G': {chosen}, transformed",
        2: f"original loss spectrum, L(F,G) = {registration.original_loss:.4f}",
        3: f"transformed loss spectrum, L(F,G') = {registration.transformed_loss:.4f}",
    }
