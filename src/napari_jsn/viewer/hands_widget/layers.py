"""A patient's hands on the screen: boxes, bones, transformed images and loss spectra of their joints in place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
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
    Look,
    box_layer,
    show_boxes,
    whole_film,
)
from napari_jsn.viewer.layers.mosaic import Mosaic, Sheet
from napari_jsn.viewer.layers.radiograph import FilmLayer
from napari_jsn.viewer.layers.registration import BONES_LOOK, SPECTRUM_COLORMAP, put
from napari_jsn.viewer.layers.roles import notes

if TYPE_CHECKING:
    from napari_jsn.progression.progression import JointView, MeasuredHand, Narrowing, Progression

#: Roles of the whole-hand layers; those of joint pairs are called otherwise.
HAND_BONES, HAND_TRANSFORMED = "hand_bones", "hand_transformed"
HAND_ORIGINAL, HAND_RESIDUAL = "hand_original_spectrum", "hand_transformed_spectrum"
#: Share of the loss that the colours of the spectra reach to: single pixels do not darken all others.
_MOST = 99.8


def film_of(film: MeasuredHand, films: Sequence[FilmLayer]) -> FilmLayer | None:
    """The layer that a measured film came from: of its visit, and if there are several the one that shows the same."""
    same = [each for each in films if each.visit == film.visit]
    return max(same, key=lambda each: _likeness(film, each), default=None)


def _likeness(film: MeasuredHand, layer: FilmLayer) -> float:
    """Correlation of every sixteenth pixel; -1 where the film is no part of the layer."""
    (row, col), (height, width) = film.radiograph.origin, film.radiograph.shape
    part = layer.pixels[row : row + height, col : col + width]
    if part.shape != (height, width):
        return -1.0
    return float(np.corrcoef(part[::16, ::16].ravel(), film.radiograph.pixels[::16, ::16].ravel())[0, 1])


def show_found(layers: Any, boxes: Sequence[Box]) -> None:
    """Show boxes of joints that were found and not measured yet."""
    import pandas as pd

    for role in (FOLLOWUP_JOINTS, JOINTS):
        mine = [box for box in boxes if (box.visit == 1) == (role == JOINTS)]
        facts = [(box.joint.name, box.key[1], box.visit, box.joint.confidence) for box in mine]
        features = pd.DataFrame(facts, columns=["joint", "side", "visit", "confidence"])
        if mine:
            show_boxes(layers, role, mine, features, [Look(box.joint.name, FOUND) for box in mine])


class HandLayers:
    """The layers of a progression, and what of it they show.

    Parameters
    ----------
    layers : napari.components.LayerList
    progression : Progression
    films : sequence of FilmLayer
        The radiographs that were measured, where they lie.
    painted : collection of (visit, side, joint)
        Joints whose masks were the user's own.
    """

    def __init__(
        self, layers: Any, progression: Progression, films: Sequence[FilmLayer], painted: Collection[Any] = ()
    ) -> None:
        self._layers, self.progression, self._painted = layers, progression, set(painted)
        self._views: dict[int, list[tuple[Box, JointView]]] = {}
        for film in progression.films:
            layer = film_of(film, films)
            if layer is not None:
                origin = film.radiograph.origin
                boxes = [(Box(film.visit, view.joint, layer, origin), view) for view in film.joints]
                self._views.setdefault(film.visit, []).extend(boxes)
        self.boxes = [box for views in self._views.values() for box, _ in views]
        self.unit = Unit.of(progression)
        self.end = scale_end(self.unit.jsn(row).value for row in progression.narrowings if row.reliable)
        self.visits = sorted({row.visit for row in progression.narrowings})
        self.visit = self.visits[-1] if self.visits else 2
        self._rows = {(row.visit, row.side, row.joint): row for row in progression.narrowings}
        self._mosaics = {visit: _mosaic(views) for visit, views in self._views.items() if views}
        self._drawn = {
            visit: mosaic.lay([view.masks.labels for _, view in self._views[visit]], empty=0, order=0)
            for visit, mosaic in self._mosaics.items()
        }

    def show(self) -> None:
        """Add the layers, or renew those of an earlier run."""
        for visit in self._mosaics:
            if visit in (1, self.visit) or self._bones_layer(visit) is not None:
                self._show_bones(visit, self._drawn[visit])
        self._show_images()
        self._show_boxes()

    def show_visit(self, visit: int) -> None:
        """Show the narrowing up to another visit; its bones come as their layer, those painted on stay as they are."""
        self.visit = visit
        if visit in self._mosaics and self._bones_layer(visit) is None:
            self._show_bones(visit, self._drawn[visit])
        self._show_images()
        self._show_boxes()

    def narrowing(self, side: str, joint: str) -> Narrowing | None:
        """That of the visit on show."""
        return self._rows.get((self.visit, side, joint))

    def corners(self, side: str, joint: str) -> Any:
        """(4, 2) corners of a joint's box on the baseline, on the screen; None where it has none."""
        return next((box.corners for box in self.boxes if box.key == (1, side, joint)), None)

    def painted(self, boxes: Sequence[Box]) -> dict[tuple[int, str | None, str], BoneMasks]:
        """The masks of joints whose bones the user painted, each on the grid of its joint image.

        What was painted before an earlier run counts as long as its layer is there.

        Parameters
        ----------
        boxes : sequence of Box
            Where the boxes lie now; a joint image follows its box.
        """
        now, found = {box.key: box for box in boxes}, {}
        for visit, mosaic in self._mosaics.items():
            layer = self._bones_layer(visit)
            if layer is None or layer.data.shape != self._drawn[visit].shape:
                continue
            for number, (box, view) in enumerate(self._views[visit]):
                changed = mosaic.changed(self._drawn[visit], layer.data, number)
                key, here = (visit, box.joint.side, box.joint.name), now.get(box.key, box)
                if changed is None and key not in self._painted:
                    continue
                if here.joint is not box.joint:  # moved: what is painted there now
                    on_film = replace(here, joint=whole_film(here), origin=(0, 0))
                    image = joint_image(on_film.film, on_film.joint)
                    labels = mosaic.take(layer.data, *_placed(on_film, image))
                elif changed is not None:
                    there = mosaic.take(changed, *_placed(box, view.image)) > 0
                    labels = np.where(there, mosaic.take(layer.data, *_placed(box, view.image)), view.masks.labels)
                else:
                    labels = view.masks.labels
                found[key] = _bones(labels, box.joint.name)
        return found

    def _show_bones(self, visit: int, labels: NDArray[Any]) -> None:
        entry = {"role": HAND_BONES, "visit": visit}
        name = f"bones, {'baseline' if visit == 1 else f'visit {visit}'}"
        place = self._mosaics[visit].sheet.place
        _put(self._layers, name, labels.copy(), entry, place, BONES_LOOK, Labels, ("role", "visit"))

    def _show_images(self) -> None:
        mosaic = self._mosaics.get(1)
        if mosaic is None:
            return
        rows = [self.narrowing(box.key[1], box.joint.name) for box, _ in self._views[1]]
        done = [None if row is None else row.registration for row in rows]
        spectra = [getattr(each, name) for each in done if each for name in ("original_spectrum",)]
        top = float(np.nanpercentile(np.concatenate([each.ravel() for each in spectra]), _MOST)) if spectra else 1.0
        look = {"colormap": SPECTRUM_COLORMAP, "contrast_limits": (0.0, top or 1.0)}
        window = self._views[1][0][0].film.contrast
        for role, name, attribute, options in (
            (HAND_TRANSFORMED, "transformed", "transformed", {"contrast_limits": window}),
            (HAND_ORIGINAL, "original loss spectrum", "original_spectrum", look),
            (HAND_RESIDUAL, "transformed loss spectrum", "transformed_spectrum", look),
        ):
            images = [None if each is None else getattr(each, attribute) for each in done]
            entry = {"role": role, "visit": self.visit}
            _put(self._layers, name, mosaic.lay(images), entry, mosaic.sheet.place, options, Image, ("role",))

    def _show_boxes(self) -> None:
        table = self.progression.table().set_index(["visit", "side", "joint"], drop=False)
        for role in (FOLLOWUP_JOINTS, JOINTS):
            mine = [box for box in self.boxes if (box.visit == 1) == (role == JOINTS)]
            if not mine:
                continue
            keys = [(self.visit if box.visit == 1 else box.visit, *box.key[1:]) for box in mine]
            features = table.reindex(keys)
            features[["visit", "side", "joint"]] = keys  # of boxes that were not measured too
            features["reliable"] = features["reliable"].eq(True)
            look = [Look.of(box.joint.name, self._rows.get(key), self.unit, self.end) for box, key in zip(mine, keys)]
            show_boxes(self._layers, role, mine, features, look)

    def _bones_layer(self, visit: int) -> Any:
        wanted = {"role": HAND_BONES, "visit": visit}
        return next((layer for layer in self._layers if wanted.items() <= notes(layer).items()), None)


def _mosaic(views: Sequence[tuple[Box, JointView]]) -> Mosaic:
    films = {id(box.film): box.film for box, _ in views}
    return Mosaic(Sheet.over(list(films.values())), [_placed(box, view.image) for box, view in views])


def _placed(box: Box, image: JointImage) -> tuple[Any, tuple[int, ...]]:
    """The matrix from a joint image to the screen, and its shape."""
    return box.to_world @ affine_rc(image.to_radiograph), image.pixels.shape


def _bones(labels: NDArray[Any], joint: str) -> BoneMasks:
    if labels.max() > (UPPER | LOWER):
        raise InputError(
            f"The bones of {joint} hold the label {labels.max()}. Paint with 1 (upper), 2 (lower) or 3 (both)."
        )
    return BoneMasks((labels & UPPER) > 0, (labels & LOWER) > 0)


def _put(
    layers: Any,
    name: str,
    data: Any,
    entry: dict[str, Any],
    place: Mapping[str, Any],
    look: Mapping[str, Any],
    kind: Any,
    same: tuple[str, ...],
) -> None:
    """Like :func:`~napari_jsn.viewer.layers.registration.put`; what is new comes hidden and below the boxes."""
    before = set(layers)
    place = {key: copy(each) for key, each in place.items()}
    layer = put(layers, entry["role"], name, data, entry, place, look, kind, same)
    if layer not in before:
        boxes = [layers.index(each) for role in (JOINTS, FOLLOWUP_JOINTS) if (each := box_layer(layers, role))]
        if boxes:
            layers.move(layers.index(layer), min(boxes))
