"""Show a progression as layers on the radiographs: boxes, bones, transformed images and loss spectra of all joints."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.drawing.colours import scale_end
from napari_jsn.joint import LOWER, UPPER, BoneMasks, JointImage
from napari_jsn.joint.crop import joint_image
from napari_jsn.joint.similarity import affine_rc
from napari_jsn.progression.labels import Unit
from napari_jsn.viewer.hands_widget.boxes import (
    FOLLOWUP_JOINTS,
    FOUND,
    JOINTS,
    Box,
    BoxStyle,
    box_layer,
    on_whole_radiograph,
    show_boxes,
)
from napari_jsn.viewer.layers.mosaic import Mosaic, PixelGrid
from napari_jsn.viewer.layers.radiograph import RadiographLayer
from napari_jsn.viewer.layers.read_layer import KEY, Matrix, layer_metadata
from napari_jsn.viewer.layers.registration import BONES_STYLE, SPECTRUM_COLORMAP, add_or_update

if TYPE_CHECKING:
    from napari.components import LayerList

    from napari_jsn.patient.patient import Hand
    from napari_jsn.progression.narrowing import JointView
from napari_jsn.progression.narrowing import MeasuredHand, Narrowing
from napari_jsn.progression.progression import Progression

#: Roles of the layers over whole hands; those of joint pairs have other roles.
HAND_BONES, HAND_TRANSFORMED = "hand_bones", "hand_transformed"
HAND_ORIGINAL_SPECTRUM, HAND_TRANSFORMED_SPECTRUM = "hand_original_spectrum", "hand_transformed_spectrum"
#: Percentile of the loss at which the colour scale of the spectra ends, so that single pixels do not darken the rest.
_SPECTRUM_PERCENTILE = 99.8


def layer_of(hand: MeasuredHand | Hand, layers: Sequence[RadiographLayer]) -> RadiographLayer | None:
    """Return the layer that a hand is shown on: of its visit, and with the same pixels if there are several."""
    of_visit = [layer for layer in layers if layer.visit == hand.visit]
    return max(of_visit, key=lambda layer: _correlation(hand, layer), default=None)


def _correlation(hand: MeasuredHand | Hand, layer: RadiographLayer) -> float:
    """Return the correlation of every sixteenth pixel; -1 where the hand's radiograph is no part of the layer."""
    (row, col), (height, width) = hand.radiograph.origin, hand.radiograph.shape
    part = layer.pixels[row : row + height, col : col + width]
    if part.shape != (height, width):
        return -1.0
    return float(np.corrcoef(part[::16, ::16].ravel(), hand.radiograph.pixels[::16, ::16].ravel())[0, 1])


def show_found(layers: LayerList, boxes: Sequence[Box]) -> None:
    """Show boxes of joints that were found and are not measured yet."""
    import pandas as pd

    for role in (FOLLOWUP_JOINTS, JOINTS):
        of_role = [box for box in boxes if (box.visit == 1) == (role == JOINTS)]
        rows = [(box.joint.name, box.key[1], box.visit, box.joint.confidence) for box in of_role]
        features = pd.DataFrame(rows, columns=["joint", "side", "visit", "confidence"])
        if of_role:
            show_boxes(layers, role, of_role, features, [BoxStyle(box.joint.name, FOUND) for box in of_role])


class HandLayers:
    """The layers that show a progression.

    Parameters
    ----------
    layers : napari.components.LayerList
    progression : Progression
    radiographs : sequence of RadiographLayer
        The radiographs that were measured.
    painted : collection of (visit, side, joint)
        Joints whose masks the user painted.
    """

    def __init__(
        self,
        layers: LayerList,
        progression: Progression,
        radiographs: Sequence[RadiographLayer],
        painted: Collection[Any] = (),
    ) -> None:
        self._layers, self._painted = layers, set(painted)
        self.progression: Progression = progression
        self.radiographs: Sequence[RadiographLayer] = radiographs
        self._views: dict[int, list[tuple[Box, JointView]]] = {}
        for hand in progression.hands:
            layer = layer_of(hand, radiographs)
            if layer is not None:
                origin = hand.radiograph.origin
                boxes = [(Box(hand.visit, view.joint, layer, origin), view) for view in hand.joints]
                self._views.setdefault(hand.visit, []).extend(boxes)
        self.boxes: list[Box] = [box for views in self._views.values() for box, _ in views]
        self.unit: Unit = Unit.of(progression)
        self.end: float = scale_end(self.unit.jsn(row).value for row in progression.narrowings if row.reliable)
        self.visits: list[int] = sorted({row.visit for row in progression.narrowings})
        self.visit: int = self.visits[-1] if self.visits else 2
        self._rows = {(row.visit, row.side, row.joint): row for row in progression.narrowings}
        self._mosaics = {visit: _mosaic(views) for visit, views in self._views.items() if views}
        self._measured_labels = {
            visit: mosaic.compose([view.masks.labels for _, view in self._views[visit]], empty=0, order=0)
            for visit, mosaic in self._mosaics.items()
        }

    def show(self) -> None:
        """Add the layers, or update those of an earlier run."""
        for visit in self._mosaics:
            if visit in (1, self.visit) or self._bones_layer(visit) is not None:
                self._show_bones(visit)
        self._show_images()
        self._show_boxes()

    def show_visit(self, visit: int) -> None:
        """Show the narrowing up to another visit; a layer of its bones is added if there is none yet."""
        self.visit = visit
        if visit in self._mosaics and self._bones_layer(visit) is None:
            self._show_bones(visit)
        self._show_images()
        self._show_boxes()

    def narrowing(self, side: str, joint: str) -> Narrowing | None:
        """Return the narrowing of a joint up to the visit that is shown."""
        return self._rows.get((self.visit, side, joint))

    def corners(self, side: str, joint: str) -> Matrix | None:
        """Return the corners of a joint's box at baseline in coordinates of the viewer, (4, 2); None without one."""
        box = next((box for box in self.boxes if box.key == (1, side, joint)), None)
        return None if box is None else box.corners_in(self._layers.units or box.radiograph.units)

    def painted_masks(self, boxes: Sequence[Box]) -> dict[tuple[int, str | None, str], BoneMasks]:
        """Return the masks of joints whose bones the user painted, each on the grid of its joint image.

        Masks that were painted before an earlier run are returned too, as long as their layer is there.

        Parameters
        ----------
        boxes : sequence of Box
            The boxes now; the joint image has the place of its box.
        """
        current = {box.key: box for box in boxes}
        found = {}
        for visit, mosaic in self._mosaics.items():
            layer = self._bones_layer(visit)
            if layer is None or layer.data.shape != self._measured_labels[visit].shape:
                continue
            for number, (box, view) in enumerate(self._views[visit]):
                changed = mosaic.changed_pixels(self._measured_labels[visit], layer.data, number)
                key, now = (visit, box.joint.side, box.joint.name), current.get(box.key, box)
                if changed is None and key not in self._painted:
                    continue
                if now.joint is not box.joint:  # the box was moved: take the labels at its new place
                    whole = replace(now, joint=on_whole_radiograph(now), origin=(0, 0))
                    image = joint_image(whole.radiograph.pixels, whole.joint, whole.radiograph.spacing_mm)
                    labels = mosaic.sample(layer.data, *_placed(whole, image, mosaic.grid.units))
                elif changed is not None:
                    placed = _placed(box, view.image, mosaic.grid.units)
                    is_changed = mosaic.sample(changed, *placed) > 0
                    labels = np.where(is_changed, mosaic.sample(layer.data, *placed), view.masks.labels)
                else:
                    labels = view.masks.labels
                found[key] = _masks_from_labels(labels, box.joint.name)
        return found

    def release_corrected_bones(self) -> list[str]:
        """Make the layers of bones that the user painted on the user's own; return their names."""
        names = []
        for visit, labels in self._measured_labels.items():
            layer = self._bones_layer(visit)
            if layer is not None and not np.array_equal(layer.data, labels):
                layer.metadata = {key: value for key, value in layer.metadata.items() if key != KEY}
                names.append(layer.name)
        return names

    def _show_bones(self, visit: int) -> None:
        entry = {"role": HAND_BONES, "visit": visit}
        name = f"bones, {'baseline' if visit == 1 else f'visit {visit}'}"
        placement = self._mosaics[visit].grid.placement
        labels = self._measured_labels[visit].copy()
        _add_below_boxes(self._layers, name, labels, entry, placement, BONES_STYLE, Labels, ("role", "visit"))

    def _show_images(self) -> None:
        mosaic = self._mosaics.get(1)
        if mosaic is None:
            return
        rows = [self.narrowing(box.key[1], box.joint.name) for box, _ in self._views[1]]
        registrations = [None if row is None else row.registration for row in rows]
        losses = [each.original_spectrum.ravel() for each in registrations if each is not None]
        top = float(np.nanpercentile(np.concatenate(losses), _SPECTRUM_PERCENTILE)) if losses else 1.0
        spectrum = {"colormap": SPECTRUM_COLORMAP, "contrast_limits": (0.0, top or 1.0)}
        limits = self._views[1][0][0].radiograph.contrast_limits
        for role, name, attribute, style in (
            (HAND_TRANSFORMED, "transformed", "transformed", {"contrast_limits": limits}),
            (HAND_ORIGINAL_SPECTRUM, "original loss spectrum", "original_spectrum", spectrum),
            (HAND_TRANSFORMED_SPECTRUM, "transformed loss spectrum", "transformed_spectrum", spectrum),
        ):
            images = [None if each is None else getattr(each, attribute) for each in registrations]
            entry = {"role": role, "visit": self.visit}
            whole = mosaic.compose(images)
            _add_below_boxes(self._layers, name, whole, entry, mosaic.grid.placement, style, Image, ("role",))

    def _show_boxes(self) -> None:
        table = self.progression.table().set_index(["visit", "side", "joint"], drop=False)
        for role in (FOLLOWUP_JOINTS, JOINTS):
            boxes = [box for box in self.boxes if (box.visit == 1) == (role == JOINTS)]
            if not boxes:
                continue
            keys = [(self.visit if box.visit == 1 else box.visit, *box.key[1:]) for box in boxes]
            features = table.reindex(keys)
            features[["visit", "side", "joint"]] = keys  # also of boxes that were not measured
            features["reliable"] = features["reliable"].eq(True)
            rows = [self._rows.get(key) for key in keys]
            styles = [BoxStyle.of(box.joint.name, row, self.unit, self.end) for box, row in zip(boxes, rows)]
            show_boxes(self._layers, role, boxes, features, styles)

    def _bones_layer(self, visit: int) -> Any:
        wanted = {"role": HAND_BONES, "visit": visit}
        return next((layer for layer in self._layers if wanted.items() <= layer_metadata(layer).items()), None)


def result_layers(layers: LayerList) -> list[Any]:
    """Return the layers of joints, bones, transformed images and loss spectra of hands."""
    roles = (JOINTS, FOLLOWUP_JOINTS, HAND_BONES, HAND_TRANSFORMED, HAND_ORIGINAL_SPECTRUM, HAND_TRANSFORMED_SPECTRUM)
    return [layer for layer in layers if layer_metadata(layer).get("role") in roles]


def _mosaic(views: Sequence[tuple[Box, JointView]]) -> Mosaic:
    radiographs = {id(box.radiograph): box.radiograph for box, _ in views}
    grid = PixelGrid.covering(list(radiographs.values()))
    return Mosaic(grid, [_placed(box, view.image, grid.units) for box, view in views])


def _placed(box: Box, image: JointImage, units: Any) -> tuple[Matrix, tuple[int, ...]]:
    """Return the matrix from a joint image to world coordinates of these units, and its shape."""
    return box.to_world_in(units) @ affine_rc(image.to_radiograph), image.pixels.shape


def _masks_from_labels(labels: NDArray[Any], joint: str) -> BoneMasks:
    if labels.max() > (UPPER | LOWER):
        raise InputError(
            f"The bones of {joint} have the label {labels.max()}. Paint with 1 (upper), 2 (lower) or 3 (both)."
        )
    return BoneMasks((labels & UPPER) > 0, (labels & LOWER) > 0)


def _add_below_boxes(
    layers: LayerList,
    name: str,
    data: Any,
    entry: dict[str, Any],
    placement: Mapping[str, Any],
    style: Mapping[str, Any],
    kind: type[Layer],
    keys: tuple[str, ...],
) -> None:
    """Add a hidden layer below the boxes, or update it, as :func:`add_or_update` does."""
    before = set(layers)
    placement = {key: copy(each) for key, each in placement.items()}
    layer = add_or_update(layers, name, data, entry, placement, style, kind, keys)
    if layer not in before:
        boxes = [layers.index(each) for role in (JOINTS, FOLLOWUP_JOINTS) if (each := box_layer(layers, role))]
        if boxes:
            layers.move(layers.index(layer), min(boxes))
