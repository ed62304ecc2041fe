"""The whole hand with the boxes of its joints: a map to choose a joint, and the place where boxes are changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.joint import Joint
from napari_jsn.joint.crop import pixel_size
from napari_jsn.patient.patient import Hand
from napari_jsn.radiograph import Radiograph
from napari_jsn.viewer.layers.radiograph import transform_points
from napari_jsn.viewer.layers.read_layer import world_matrix
from napari_jsn.viewer.read_patient.canvas.fitted_camera import FittedCamera
from napari_jsn.viewer.read_patient.canvas.picture_layers import BASELINE, FOLLOWUP, JOINTS, MARGINS, PictureLayers
from napari_jsn.viewer.read_patient.opened import Measured

#: Space between two hands, and above them for their captions, as shares of the height.
_GAP, _CAPTION = 0.02, 0.04
#: A corner that moved by more than this, in pixels of its radiograph, was moved by the reader.
_MOVED_PX = 0.05
_FOUND, _CURRENT = "#5ad1c8", "#ffe066"
_FRAME = "#606060"


@dataclass(frozen=True, eq=False)
class MapImage:
    """One hand on the map: number and label of its image, its side, radiograph, joints, their colours and figures.

    ``texts`` stand at the boxes in place of the names alone.
    """

    number: int
    label: str
    side: str
    radiograph: Radiograph
    joints: Mapping[str, Joint]
    colours: Mapping[str, str]
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def hand_image(hand: Hand, measured: Measured | None = None) -> MapImage:
    """Return a hand that is being measured, with its joints, and what is known of them.

    The narrowing has one digit, because its last digits depend on joints and visits that are not measured yet.
    """
    joints = {joint.name: joint for joint in hand.joints if joint.name in MEASURED_JOINTS}
    texts = {}
    for (visit, side, name), view in (measured.views if measured else {}).items():
        if (visit, side) != hand.place:
            continue
        joints[name] = view.joint
        if view.jsw.reliable:
            unit, width = ("px", view.jsw.px) if view.image.spacing_mm is None else ("mm", view.jsw.mm)
            texts[name] = f"{name}\n{width:.2f} {unit}"  # names and widths of neighbours would overlap on one line
        found = measured.registered.get((visit, side, name)) if measured else None
        if found is not None and found.reliable:
            jsn = f"{found.jsn_px:+.0f} px" if found.spacing_mm is None else f"{round(found.jsn_mm, 1) + 0.0:+.1f}"
            texts[name] = f"{name}\nJSN {jsn}"
    return MapImage(hand.visit, hand.label, hand.side or "", hand.radiograph, joints, {}, texts=texts)


#: Number of the image, side and joint.
Place = tuple[int, str, str]


class HandMap:
    """Shows one or two radiographs of a hand beside each other, with a rectangle a joint.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    pictures : PictureLayers
    camera : FittedCamera
    """

    def __init__(self, viewer: Any, pictures: PictureLayers, camera: FittedCamera) -> None:
        self._viewer, self._pictures, self._camera = viewer, pictures, camera
        self._images: list[tuple[MapImage, NDArray[np.float64], NDArray[np.float64]]] = []
        self._places: list[Place] = []
        self._fitted: tuple[Any, ...] = ()

    def show(self, images: Sequence[MapImage], current: str = "") -> None:
        """Show at most two hands, the first one as baseline."""
        in_mm = all(one.radiograph.spacing_mm is not None for one in images)
        self._pictures.set_unit("mm" if in_mm else "pixel")
        self._images, left = [], 0.0
        for one, name in zip(images[:2], (BASELINE, FOLLOWUP), strict=False):
            pixel = pixel_size(one.radiograph.spacing_mm) if in_mm else np.ones(2)
            origin = np.array([0.0, left])
            self._images.append((one, pixel, origin))
            pixels = one.radiograph.pixels
            self._pictures.set_image(name, partial(np.asarray, pixels), pixel, (0.0, left), True)
            height, width = np.array(one.radiograph.shape) * pixel
            left += width + _GAP * height
        boxes, frames = [], []
        self._places = []
        for one, pixel, origin in self._images:
            frames.append(self._frame(one, pixel, origin))
            for name, joint in one.joints.items():
                self._places.append((one.number, one.side, name))
                colour = _CURRENT if name == current else one.colours.get(name, _FOUND)
                boxes.append(
                    {
                        "points": joint.box * pixel + origin, "kind": "rectangle", "colour": colour,
                        "text": one.texts.get(name, name),
                        "width": 0.5 if in_mm else 4.0,
                        "features": {"image": one.number, "side": one.side, "joint": name, **one.figures.get(name, {})},
                    }
                )  # fmt: skip
        self._pictures.set_shapes(JOINTS, boxes)
        self._pictures.set_shapes(MARGINS, frames)
        self._pictures.describe(
            dict(zip((BASELINE, FOLLOWUP), (one.label for one, _, _ in self._images), strict=False))
        )
        self._pictures.show_only({BASELINE: True, FOLLOWUP: len(self._images) > 1, JOINTS: True, MARGINS: True})
        self._fit(tuple((one.number, one.side) for one in images))

    def place_at(self, position: Sequence[float]) -> Place | None:
        """Return the joint whose box holds a point of the world; the nearest one where boxes overlap."""
        point = np.array(position[-2:], dtype=float)
        found: list[tuple[float, Place]] = []
        for one, pixel, origin in self._images:
            on_hand = (point - origin) / pixel
            for name, joint in one.joints.items():
                first, second, _, last = joint.box
                sides = np.stack([second - first, last - first], axis=1)
                share = np.linalg.solve(sides, on_hand - first)
                if ((share >= 0) & (share <= 1)).all():
                    found.append((float(np.hypot(*(on_hand - joint.centre))), (one.number, one.side, name)))
        return min(found)[1] if found else None

    def on_hand(self, position: Sequence[float]) -> tuple[MapImage, NDArray[np.float64]] | None:
        """Return the hand at a point of the world, and the point in its pixels ``(row, col)``."""
        for one, pixel, origin in self._images:
            at = (np.array(position[-2:], dtype=float) - origin) / pixel
            if ((at >= 0) & (at <= np.array(one.radiograph.shape))).all():
                return one, at
        return None

    def changes(self) -> dict[Place, NDArray[np.float64] | None]:
        """Return the boxes that the reader moved since they were shown, in pixels; None for those removed."""
        layer = self._pictures[JOINTS]
        to_world = world_matrix(layer)  # the layer may have been moved as a whole
        hands = {(one.number, one.side): (one, pixel, origin) for one, pixel, origin in self._images}
        now: dict[Place, NDArray[np.float64]] = {}
        for corners, (_, row) in zip(layer.data, layer.features.iterrows(), strict=True):
            place = (int(row["image"]), str(row["side"]), str(row["joint"]))
            if place[:2] in hands:
                _, pixel, origin = hands[place[:2]]
                now[place] = (transform_points(to_world, np.asarray(corners)[:, -2:]) - origin) / pixel
        changed: dict[Place, NDArray[np.float64] | None] = {}
        for place in self._places:
            one = hands[place[:2]][0]
            before = one.joints[place[2]].box
            if place not in now:
                changed[place] = None
            elif np.abs(now[place] - before).max() > _MOVED_PX:
                changed[place] = now[place]
        return changed

    def forget_layout(self) -> None:
        """Fit the hands again when they are shown next."""
        self._fitted = ()

    def _frame(self, one: MapImage, pixel: NDArray[np.float64], origin: NDArray[np.float64]) -> dict[str, Any]:
        height, width = one.radiograph.shape
        corners = np.array([[0, 0], [0, width], [height, width], [height, 0]], float) - 0.5
        return {
            "points": corners * pixel + origin, "kind": "polygon", "colour": _FRAME, "ink": "#f2f2f2",
            "text": one.label, "width": 0.2,
        }  # fmt: skip

    def _fit(self, layout: tuple[Any, ...]) -> None:
        if layout == self._fitted or not self._images:
            return
        self._fitted = layout
        ends = [np.array(one.radiograph.shape) * pixel + origin for one, pixel, origin in self._images]
        height, width = np.max(ends, axis=0)
        self._camera.fit((-_CAPTION * float(height), 0.0), (float(height), float(width)))
