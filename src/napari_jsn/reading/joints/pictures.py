"""The pictures of one joint at all visits: finger upright, on one grid, with outlines and margins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.joint import LOWER, UPPER, BoneMasks
from napari_jsn.joint.crop import crop_geometry, joint_image
from napari_jsn.joint.similarity import image_centre
from napari_jsn.progression.narrowing import JointView, Narrowing
from napari_jsn.reading.item import Item, ItemImage
from napari_jsn.registration.prepare import finest_pixels, native_map

Matrix = NDArray[np.float64]

#: What stays in place between visits. Where it is the lower bone, the upper one moves by the narrowing.
ALIGNMENTS = {"lower": "lower bone", "upper": "upper bone", "none": "nothing"}
#: One in this many points of an outline is used.
_STEP = 3
#: Shorter outlines are left out: single pixels of a mask.
_LEAST_POINTS = 20
#: Rows and columns around the part of a radiograph that is resampled: more than the support of the splines.
_MARGIN = 12


@dataclass(frozen=True, eq=False)
class Panel:
    """One joint on one radiograph, on the grid of the first panel.

    Attributes
    ----------
    image : int
        Number of the image in its item.
    label : str
        ``"visit 2"``, or ``"image 2"`` where visits are hidden.
    pixels : (H, W) float32 array
    to_joint_image : (3, 3) array
        Maps ``(x, y, 1)`` of the panel to the joint image of this radiograph.
    aligned : bool
        Whether the panel was moved by a registration.
    shape : (rows, columns)
        Of the joint image of this radiograph.
    view : JointView or None
        What was measured here; None in a blinded session, where nothing was, and where the box was changed since.
    painted_masks : BoneMasks or None
        Bones that a person painted, as they are now, also where they were not measured yet.
    """

    image: int
    label: str
    pixels: NDArray[np.float32] = field(repr=False)
    to_joint_image: Matrix = field(repr=False)
    aligned: bool
    shape: tuple[int, int]
    view: JointView | None = field(default=None, repr=False)
    painted_masks: BoneMasks | None = field(default=None, repr=False)

    @property
    def bones(self) -> BoneMasks | None:
        """The bones as they are now, on the joint image: those that were painted, else those that were measured."""
        return self.painted_masks if self.painted_masks is not None or self.view is None else self.view.masks

    def outlines(self) -> list[tuple[int, Matrix]]:
        """Return label (1 upper, 2 lower) and outline of the bones: (n, 2) arrays of ``(x, y)`` on the panel."""
        if self.view is None:
            return []
        return [(label, self._from_joint_image(line)) for label, line in mask_outlines(self.view.masks)]

    def margins(self) -> list[Matrix]:
        """Return both margins of the joint space, (n, 2) arrays of ``(x, y)``; empty where its width has failed."""
        if self.view is None or not self.view.jsw.reliable:
            return []
        lines = (self.view.jsw.upper, self.view.jsw.lower)
        return [self._from_joint_image(np.asarray(each, dtype=float)) for each in lines if len(each) > 1]

    def calliper(self) -> Matrix | None:
        """Return the two ends of the measured width in the middle of the joint space: (2, 2) array of ``(x, y)``."""
        margins = self.margins()
        if len(margins) < 2:
            return None
        assert self.view is not None
        upper, lower = margins
        middle = upper[len(upper) // 2]
        end = lower[np.argmin(np.hypot(*(lower - middle).T))]
        down = (end - middle) / max(float(np.hypot(*(end - middle))), 1e-9)
        width = self.view.jsw.px / float(np.sqrt(abs(np.linalg.det(self.to_joint_image[:2, :2]))))
        centre = (middle + end) / 2
        return np.stack([centre - down * width / 2, centre + down * width / 2])

    def labels(self) -> NDArray[np.uint8]:
        """Return the bones on the panel, as they are now: 1 upper, 2 lower, 3 both."""
        if self.bones is None:
            return np.zeros(self.pixels.shape, np.uint8)
        return _nearest(self.bones.labels, self.to_joint_image, self.pixels.shape)

    def painted(self, labels: NDArray[Any]) -> BoneMasks:
        """Return masks on the joint image from labels that a person painted on the panel.

        Only pixels whose label was changed are taken, so that the others keep the resolution of the joint image.

        Raises
        ------
        InputError
            If a label is none of a bone.
        """
        if labels.max(initial=0) > (UPPER | LOWER):
            raise InputError(
                f"The bones have the label {labels.max()}. Paint with 1 (upper), 2 (lower) or 3 (both).", "masks"
            )
        before = self.labels()
        back = np.linalg.inv(self.to_joint_image)
        changed = _nearest((labels != before).astype(np.uint8), back, self.shape) > 0
        known = np.zeros(self.shape, np.uint8) if self.bones is None else self.bones.labels
        now = np.where(changed, _nearest(labels.astype(np.uint8), back, self.shape), known)
        return BoneMasks((now & UPPER) > 0, (now & LOWER) > 0)

    def _from_joint_image(self, points: Matrix) -> Matrix:
        back = np.linalg.inv(self.to_joint_image)
        return np.asarray(points @ back[:2, :2].T + back[:2, 2])


@dataclass(frozen=True, eq=False)
class JointPicture:
    """All panels of a joint, and the registration between the first one and a chosen one.

    Attributes
    ----------
    panels : tuple of Panel
        By the number of the image.
    pixel_mm : float or None
        Pixel size of all panels.
    row : Narrowing or None
        Figures of the chosen image; None in a blinded session, for one radiograph, and where they are out of date.
    """

    panels: tuple[Panel, ...]
    pixel_mm: float | None
    row: Narrowing | None = None

    def panel(self, image: int) -> Panel | None:
        """Return the panel of an image, or None."""
        return next((panel for panel in self.panels if panel.image == image), None)


def joint_picture(item: Item, side: str, joint: str, align: str = "lower", image: int = 0) -> JointPicture:
    """Return the panels of a joint, on the grid of the joint image of the first image that shows it.

    Parameters
    ----------
    item : Item
    side, joint : str
    align : {"lower", "upper", "none"}
        See :data:`ALIGNMENTS`. Panels that were not registered, and all of a blinded session, are centred on their box.
    image : int
        Number of the image whose figures are returned; 0 for the last one.

    Raises
    ------
    InputError
        If there is no such alignment, or a radiograph cannot be read.
    """
    if align not in ALIGNMENTS:
        raise InputError(f"There is no alignment {align!r}. Choose one of: {', '.join(ALIGNMENTS)}.", "align")
    shown = [one for one in item.images if one.side == side and joint in one.joints]
    if not shown:
        return JointPicture((), None)
    views, rows = _measured(item, shown, side, joint)
    first = shown[0]
    base = joint_image(first.radiograph, _box(first, joint))
    known = {one.number: (views.get(one.number), one.joints[joint].masks) for one in shown}
    panels = [Panel(first.number, first.label, base.pixels, np.eye(3), False, base.pixels.shape, *known[first.number])]
    for one in shown[1:]:
        spacing, to_radiograph, shape = crop_geometry(one.radiograph.spacing_mm, _box(one, joint))
        row = rows.get(one.number)
        registration = None if row is None else row.registration
        aligned = (
            align != "none" and registration is not None and row is not None and row.baseline is views.get(first.number)
        )
        if aligned and registration is not None:
            matrix = (registration.lower if align == "lower" else registration.upper).matrix
        else:
            matrix = _centred(base.spacing_mm, spacing, base.pixels.shape, shape)
        pixels = resampled(one.radiograph.pixels, to_radiograph @ matrix, base.pixels.shape)
        panels.append(Panel(one.number, one.label, pixels, matrix, aligned, shape, *known[one.number]))
    return JointPicture(tuple(panels), base.spacing_mm, rows.get(image or shown[-1].number))


def mask_outlines(masks: BoneMasks) -> list[tuple[int, Matrix]]:
    """Return label and outline of both bones: (n, 2) arrays of ``(x, y)`` of the masks' image."""
    from skimage.measure import find_contours

    lines = []
    for label, mask in ((UPPER, masks.upper), (LOWER, masks.lower)):
        for line in find_contours(mask.astype(np.float32), 0.5):
            if len(line) > _LEAST_POINTS:  # contours have two points a pixel; the last one closes the outline
                lines.append((label, np.concatenate([line[:-1:_STEP], line[-1:]])[:, ::-1]))
    return lines


def resampled(pixels: NDArray[np.float32], matrix: Matrix, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a radiograph at the pixels of another grid, by cubic B-splines; its border is repeated outside.

    Parameters
    ----------
    pixels : (H, W) float32 array
    matrix : (3, 3) array
        Maps ``(x, y, 1)`` of the grid to the radiograph.
    shape : (rows, columns)
    """
    from scipy import ndimage

    ends = np.array([[0, 0], [shape[1] - 1, 0], [0, shape[0] - 1], [shape[1] - 1, shape[0] - 1]])
    there = (ends @ matrix[:2, :2].T + matrix[:2, 2])[:, ::-1]
    low = np.clip(np.floor(there.min(0)).astype(int) - _MARGIN, 0, np.array(pixels.shape) - 1)
    high = np.clip(np.ceil(there.max(0)).astype(int) + _MARGIN + 1, low + 1, pixels.shape)
    part = np.asarray(pixels[low[0] : high[0], low[1] : high[1]], dtype=np.float32)
    swap = matrix[[1, 0]][:, [1, 0, 2]]  # (row, col)
    found = ndimage.affine_transform(part, swap[:, :2], swap[:, 2] - low, shape, order=3, mode="nearest")
    return np.asarray(np.clip(found, 0, 1), dtype=np.float32)


def _nearest(labels: NDArray[Any], matrix: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.uint8]:
    from scipy import ndimage

    swap = matrix[[1, 0]][:, [1, 0, 2]]
    return np.asarray(
        ndimage.affine_transform(labels.astype(np.uint8), swap[:, :2], swap[:, 2], shape, order=0, mode="constant")
    )


def _box(image: ItemImage, joint: str) -> Any:
    return image.joints[joint].joint


def _centred(
    first_mm: float | None, other_mm: float | None, first_shape: tuple[int, int], other_shape: tuple[int, int]
) -> Matrix:
    """Return the map from one joint image to another that aligns their centres and keeps millimetres."""
    _, steps = finest_pixels(first_mm, other_mm)
    matrix = native_map(np.eye(3), *steps)
    matrix[:2, 2] += np.subtract(image_centre(other_shape), (matrix @ (*image_centre(first_shape), 1.0))[:2])
    return matrix


def _measured(
    item: Item, shown: list[ItemImage], side: str, joint: str
) -> tuple[dict[int, JointView], Mapping[int, Narrowing]]:
    """Return the views and the figures of a joint by image number: those whose boxes and masks were not changed."""
    if item.blinded:
        return {}, {}
    views: dict[int, JointView] = {}
    places = {
        (hand.visit, hand.side or "", view.joint.name): view for hand in item.progression.hands for view in hand.joints
    }
    for one in shown:
        view = places.get((item.visit(one.number), side, joint))
        now = one.joints[joint]
        if view is None or now.joint is None or not np.array_equal(now.joint.box, view.joint.box):
            continue
        views[one.number] = view
    numbers = {item.visit(one.number): one.number for one in shown}
    changed = {place[:2] for place in item.out_of_date}
    if (joint, side) in changed:
        return views, {}
    rows = {
        numbers[row.visit]: row
        for row in item.progression.narrowings
        if (row.side, row.joint) == (side, joint) and row.visit in numbers
    }
    return views, rows
