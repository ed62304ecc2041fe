"""Radiographs and joint images as the page draws them: 16-bit pixels, boxes and outlines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.drawing.pictures import display_range
from napari_jsn.joint import BoneMasks, JointImage
from napari_jsn.joint.crop import joint_image
from napari_jsn.progression.narrowing import JointView, MeasuredHand, Narrowing
from napari_jsn.progression.progression import Progression
from napari_jsn.reading import Item, ItemImage
from napari_jsn.reading.joints.alignment import hand_alignment, joint_alignment

#: The longer side of a radiograph that is sent; larger ones are averaged.
_LONGEST = 2600


def pixel_bytes(pixels: NDArray[np.floating], part: NDArray[np.floating]) -> tuple[bytes, dict[str, str]]:
    """Return pixels as 16-bit little-endian integers over their whole range, and headers that describe them.

    The headers ``x-rows``, ``x-columns``, ``x-low`` and ``x-high`` are the shape, and the levels to show as black and
    white at first: those of a part of the pixels, without borders and letters of lead.
    """
    factor = -(-max(pixels.shape) // _LONGEST)
    if factor > 1:
        rows, columns = (size // factor * factor for size in pixels.shape)
        shape = (rows // factor, factor, columns // factor, factor)
        pixels = pixels[:rows, :columns].reshape(shape).mean(axis=(1, 3))
    least, most = float(np.nanmin(pixels)), float(np.nanmax(pixels))
    scale = 65535 / max(most - least, 1e-6)
    levels = np.round(np.nan_to_num((pixels - least) * scale)).astype("<u2")
    low, high = ((limit - least) * scale for limit in display_range(part))
    numbers = {"rows": levels.shape[0], "columns": levels.shape[1], "low": round(low), "high": round(high)}
    return levels.tobytes(), {f"x-{name}": str(number) for name, number in numbers.items()}


def map_bytes(values: NDArray[np.floating]) -> tuple[bytes, dict[str, str]]:
    """Return a map as 16-bit integers from 0 to its largest value, and headers as :func:`pixel_bytes`."""
    largest = float(np.nanmax(values)) if values.size else 0.0
    return pixel_bytes(np.clip(values, 0, None), np.array([[0.0, max(largest, 1e-6)]]))


def hand_of(progression: Progression, visit: int, side: str) -> MeasuredHand:
    """Return a radiograph.

    Raises
    ------
    InputError
        If there is none.
    """
    for hand in progression.hands:
        if (hand.visit, hand.side or "") == (visit, side):
            return hand
    raise InputError(f"There is no radiograph of visit {visit}, side {side or 'unknown'}.", "visit")


def view_of(hand: MeasuredHand, joint: str) -> JointView:
    """Return a joint of a radiograph.

    Raises
    ------
    InputError
        If it was not found.
    """
    for view in hand.joints:
        if view.joint.name == joint:
            return view
    raise InputError(f"{joint} was not found on this radiograph.", "joint")


def part_with_joints(pixels: NDArray[np.floating], boxes: Iterable[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Return the part of a radiograph that boxes of joints span; all of it if there are none."""
    found = list(boxes)
    if not found:
        return pixels
    corners = np.concatenate(found)
    (top, left), (bottom, right) = (
        np.clip(each, 0, pixels.shape) for each in (corners.min(axis=0), corners.max(axis=0))
    )
    part = pixels[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
    return part if part.size else pixels


def hand_json(progression: Progression, hand: MeasuredHand) -> dict[str, Any]:
    """Return what the page draws over a radiograph: boxes of joints, and where it lies on that of the first visit."""
    rows, columns = hand.radiograph.shape
    row_mm, column_mm = np.broadcast_to(hand.radiograph.spacing_mm or 1.0, 2).tolist()
    first = next((one for one in progression.hands if one.side == hand.side), hand)
    matrix = None if first is hand else hand_alignment(first, hand)
    return {
        "visit": hand.visit,
        "side": hand.side or "",
        "rows": rows,
        "columns": columns,
        "aspect": column_mm / row_mm,
        "joints": {view.joint.name: _points(view.joint.box) for view in hand.joints},
        "onto_first": None if matrix is None else matrix[:2].round(5).tolist(),
        "reasons": [str(reason) for reason in hand.reasons],
    }


def image_json(image: ItemImage) -> dict[str, Any]:
    """Return what the page draws over a radiograph of which only the image is shown."""
    rows, columns = image.radiograph.shape
    row_mm, column_mm = np.broadcast_to(image.radiograph.spacing_mm or 1.0, 2).tolist()
    joints = {name: one.joint.box for name, one in image.joints.items() if one.joint is not None}
    return {
        "visit": image.number,
        "side": image.side,
        "rows": rows,
        "columns": columns,
        "aspect": column_mm / row_mm,
        "joints": {name: _points(box) for name, box in joints.items()},
        "onto_first": None,
        "reasons": [],
    }


def image_of(item: Item, number: int, side: str) -> ItemImage:
    """Return one image of an item.

    Raises
    ------
    InputError
        If there is none.
    """
    for image in item.images:
        if (image.number, image.side) == (number, side):
            return image
    raise InputError(f"There is no image {number} of side {side or 'unknown'}.", "visit")


def joint_of_image(image: ItemImage, joint: str) -> JointImage:
    """Return the picture of one joint, cut out of an image of which only this is shown.

    Raises
    ------
    InputError
        If the joint was not found on it.
    """
    found = image.joints.get(joint)
    if found is None or found.joint is None:
        raise InputError(f"{joint} was not found on this radiograph.", "joint")
    return joint_image(image.radiograph, found.joint)


def joints_of_item(item: Item, side: str, joint: str) -> list[dict[str, Any]]:
    """Return what the page draws over the pictures of a joint, of all images that show it."""
    found = []
    for image in item.images:
        one = image.joints.get(joint)
        if image.side != side or one is None or one.joint is None:
            continue
        rows, columns = joint_image(image.radiograph, one.joint).pixels.shape
        found.append(
            {
                "visit": image.number, "rows": rows, "columns": columns, "outlines": {"upper": [], "lower": []},
                "changed_by_hand": False, "onto_first": None, "jsw": [None, None],
            }
        )  # fmt: skip
    return found


def hands_json(progression: Progression) -> list[dict[str, Any]]:
    """Return what the page draws over all radiographs of a measurement."""
    return [hand_json(progression, hand) for hand in progression.hands]


def joint_json(view: JointView, narrowing: Narrowing | None = None) -> dict[str, Any]:
    """Return what the page draws over a joint image: outlines of the bones, and where it lies on the first visit's."""
    rows, columns = view.image.pixels.shape
    matrix = None if narrowing is None else joint_alignment(narrowing)
    return {
        "rows": rows,
        "columns": columns,
        "pixel_mm": view.image.spacing_mm,
        "outlines": _outlines(view.masks),
        "changed_by_hand": view.changed_by_hand,
        "onto_first": None if matrix is None else matrix[:2].round(5).tolist(),
        "jsw": [None if not np.isfinite(each) else round(each, 2) for each in (view.jsw.mm, view.jsw.sd_mm)]
        if view.jsw.reliable
        else [None, None],
    }


def _outlines(masks: BoneMasks) -> dict[str, list[list[list[float]]]]:
    from skimage.measure import approximate_polygon, find_contours

    found = {}
    for name, mask in (("upper", masks.upper), ("lower", masks.lower)):
        lines = (approximate_polygon(line, 0.4) for line in find_contours(np.pad(mask, 1).astype(float), 0.5))
        found[name] = [(line[:, ::-1] - 0.5).round(1).tolist() for line in lines]
    return found


def _points(box: NDArray[np.floating]) -> list[list[float]]:
    return (np.asarray(box)[:, ::-1] + 0.5).round(1).tolist()
