"""Maps of a site's grade on the whole radiograph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.patient.patient import Hand
from napari_jsn.radiograph import Radiograph
from napari_jsn.scoring.crops.patient_images import images_of
from napari_jsn.scoring.crops.site_image import KEPT, SIDE, kept_to_radiograph
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.schemes import SIDES

if TYPE_CHECKING:
    from napari_jsn.scoring.one_stage.canvas import HandCanvas
    from napari_jsn.scoring.one_stage.network import PixelClasses

#: The maps of each method; the first one of a kind is the default.
MAPS = {
    ("two-stage", "jsn"): ("occlusion", "grad-cam"),
    ("two-stage", "erosion"): ("areas", "occlusion", "grad-cam"),
    ("one-stage", "jsn"): ("class-map",),
    ("one-stage", "erosion"): ("class-map",),
}


def site_map(
    hands: Sequence[Hand],
    side: str,
    site: str,
    kind: str,
    method: str,
    model: str,
    device: str = "cpu",
    how: str | None = None,
) -> NDArray[np.float32]:
    """Return a map of what raised the grade of a site on its radiograph (H, W); 0 where nothing did.

    Parameters
    ----------
    hands : sequence of Hand
        Of one visit.
    side, site, kind : str
    method : {"two-stage", "one-stage"}
    model, device : str
    how : str, optional
        One of :data:`MAPS`; by default the first one.

    Raises
    ------
    InputError
        If there is no such map, or the joint is not on a radiograph.
    """
    choices = MAPS[method, kind]
    how = choices[0] if how is None else how
    if how not in choices:
        raise InputError(f"There is no map {how!r} of {kind}, {method}. Choose one of: {', '.join(choices)}.", "method")
    hand = next((each for each in hands if _side(each) == side), None)
    joint = None if hand is None else next((each for each in hand.joints if each.name == site), None)
    if hand is None or joint is None:
        raise InputError(f"There is no image of {site} {side}, so there is no map of it.", "site")
    radiograph = hand.radiograph
    if method == "one-stage":
        return _class_map(hand, site, kind, model, device)
    from napari_jsn.scoring.maps.joint_map import joint_map
    from napari_jsn.scoring.two_stage.grader import TwoStageGrader

    images, there = images_of(hands)
    token = len(JOINTS) * SIDES.index(side) + JOINTS.index(site)
    if not there[token]:
        raise InputError(f"There is no image of {site} {side}, so there is no map of it.", "site")
    found = joint_map(TwoStageGrader(model, device), images, there, token, kind, how)
    first = (KEPT - SIDE) / 2
    to_radiograph = kept_to_radiograph(radiograph, joint) @ [[1, 0, first], [0, 1, first], [0, 0, 1]]
    return on_radiograph(found, to_radiograph, radiograph.pixels.shape)


def on_radiograph(
    image: NDArray[np.float32], to_radiograph: NDArray[np.float64], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return an image at its place on a radiograph of a shape, 0 elsewhere."""
    rows, cols = image.shape
    corners = to_radiograph @ [[-0.5, cols - 0.5, -0.5, cols - 0.5], [-0.5, -0.5, rows - 0.5, rows - 0.5], [1, 1, 1, 1]]
    low = np.maximum(np.floor(corners[1::-1].min(1)).astype(int), 0)
    high = np.minimum(np.ceil(corners[1::-1].max(1)).astype(int) + 1, shape)
    placed = np.zeros(shape, np.float32)
    if (high <= low).any():
        return placed
    swap = np.linalg.inv(to_radiograph)[[1, 0]][:, [1, 0, 2]]  # from (row, col) of the radiograph to (row, col)
    offset = swap[:, :2] @ low + swap[:, 2]
    part = ndimage.affine_transform(image, swap[:, :2], offset, tuple(high - low), order=1)
    placed[low[0] : high[0], low[1] : high[1]] = part
    return placed


def _class_map(hand: Hand, site: str, kind: str, model: str, device: str) -> NDArray[np.float32]:
    """Return the class map of a joint on its radiograph; see :func:`class_map`."""
    from napari_jsn.networks import weights

    changed = weights.find("scoring", model).stat().st_mtime_ns
    canvas, classes = _classes(hand.radiograph, _side(hand), model, changed, device)
    return on_radiograph(class_map(classes, site, kind), canvas.to_radiograph, hand.radiograph.pixels.shape)


@lru_cache(maxsize=1)
def _classes(
    radiograph: Radiograph, side: str | None, model: str, changed: int, device: str
) -> tuple[HandCanvas, PixelClasses]:
    """Return a hand on the canvas and the classes of its pixels, which the maps of all its joints are made from."""
    from napari_jsn.scoring.one_stage.canvas import hand_canvas
    from napari_jsn.scoring.one_stage.grader import OneStageGrader

    canvas = hand_canvas(radiograph, side)
    return canvas, OneStageGrader(model, device).pixel_classes(canvas.image)


def class_map(classes: PixelClasses, site: str, kind: str) -> NDArray[np.float32]:
    """Return what each pixel of a joint shows of a kind of damage, times the probability that it belongs to the joint.

    Of erosion it is the probability that bone is eroded there, of narrowing the expected grade over the highest, as the
    U-Net sees it there.
    """
    if kind == "erosion":
        shown = classes.eroded[0, 0].numpy()
    else:
        grades = classes.narrowing[0].numpy()
        shown = np.tensordot(np.arange(len(grades)), grades, 1) / HIGHEST[kind]
    return np.asarray(shown * classes.joint[0, 1 + JOINTS.index(site)].numpy(), dtype=np.float32)


def _side(hand: Hand) -> str | None:
    return hand.side or (hand.joints[0].side if hand.joints else None)
