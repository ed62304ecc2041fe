"""The baseline radiograph of one hand with its joints, coloured by how much they narrowed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.drawing.pictures import grey_picture, grey_window
from napari_jsn.drawing.svg import plain, points, signed, svg, tag, text
from napari_jsn.export.report.unit import Unit
from napari_jsn.progression.progression import MeasuredHand, Narrowing

#: Room around the boxes, in sides of a box.
_ROOM = 0.55
#: The picture's longer side, in pixels.
_PIXELS = 1000


def hand_overview(film: MeasuredHand, rows: Mapping[str, Narrowing], unit: Unit, end: float) -> str:
    """Draw one hand at baseline.

    Parameters
    ----------
    film : MeasuredHand
        The baseline of this hand.
    rows : mapping of str to Narrowing
        What to show of each joint.
    unit : Unit
    end : float
        Where the colour scale ends.
    """
    across = _aspect(film)  # drawn in rows; columns may be narrower or wider
    boxes = {view.joint.name: view.joint.box * (1.0, across) for view in film.joints}
    if not boxes:
        return tag("p", "No joint of this hand was found at baseline.", class_="note")
    side = float(np.median([np.hypot(*(box[3] - box[0])) for box in boxes.values()]))
    top, left, bottom, right = _window(film, boxes, side, across)
    pixels = film.radiograph.pixels[round(top) : round(bottom), round(left / across) : round(right / across)]
    height, width = bottom - top, right - left
    zoom = min(1.0, _PIXELS / max(height, width))
    picture = grey_picture(pixels, grey_window(pixels), (round(height * zoom), round(width * zoom)))
    image = tag("image", href=picture, x=left, y=top, width=width, height=height, preserveAspectRatio="none")
    joints = [_joint(box, rows.get(name), name, unit, end, side) for name, box in boxes.items()]
    outlines, words = zip(*joints, strict=True)  # words above the outlines of their neighbours
    return svg(width, height, image, *outlines, *words, x=left, y=top, class_="hand", role="img")


def _aspect(film: MeasuredHand) -> float:
    """Width of a pixel in heights."""
    spacing = film.radiograph.spacing_mm
    return spacing[1] / spacing[0] if isinstance(spacing, tuple) else 1.0


def _window(
    film: MeasuredHand, boxes: Mapping[str, NDArray[np.floating]], side: float, across: float
) -> tuple[float, float, float, float]:
    """The part of the film with the joints: top, left, bottom and right."""
    corners = np.concatenate(list(boxes.values()))
    low, high = corners.min(axis=0) - _ROOM * side, corners.max(axis=0) + _ROOM * side
    top, left = np.maximum(low, 0)
    bottom, right = np.minimum(high, np.multiply(film.radiograph.shape, (1.0, across)))
    return float(top), float(left), float(bottom), float(right)


def _joint(
    box: NDArray[np.floating], row: Narrowing | None, name: str, unit: Unit, end: float, side: float
) -> tuple[str, str]:
    """The outline of a joint, and its words: the name on its distal side, the narrowing on its proximal side."""
    trusted = row is not None and row.reliable
    found = unit.jsn(row) if row is not None else None
    colour = jsn_colour(found.value, end) if trusted and found is not None else UNRELIABLE
    dashes = None if trusted else f"{side / 16:.1f} {side / 24:.1f}"
    outline = tag(
        "polygon", points=points(box[:, ::-1]), fill="none", stroke=colour, stroke_width=side / 45,
        stroke_linejoin="round", stroke_dasharray=dashes,
    )  # fmt: skip
    centre, down = box.mean(axis=0), (box[2:].mean(axis=0) - box[:2].mean(axis=0)) / 2
    lines = [("not measured", 0.115, 400, "#ffffff")]
    if found is not None and found.known:
        low, high = (plain(edge, unit.decimals) for edge in found[1:])
        lines = [
            (signed(found.value, unit.decimals), 0.175, 700, colour),
            (f"{low} to {high}", 0.125, 400, "#ffffff"),
        ]
    words = _words(centre - 0.78 * down, [(name, 0.135, 600, "#ffffff")], side)
    return outline, words + _words(centre + 0.74 * down, lines, side)


def _words(middle: NDArray[np.floating], lines: list[tuple[str, float, int, str]], side: float) -> str:
    """Lines of (words, size, weight, colour) on a dark plate around this (row, col) place."""
    tall = sum(1.18 * size for _, size, _, _ in lines) * side
    wide = max(0.6 * size * len(words) for words, size, _, _ in lines) * side + 0.08 * side
    top = float(middle[0]) - tall / 2
    plate = {"width": wide, "height": tall + 0.03 * side, "rx": side / 25, "fill": "#0b0b0b", "fill_opacity": 0.66}
    drawn = tag("rect", x=float(middle[1]) - wide / 2, y=top, **plate)
    for words, size, weight, fill in lines:
        top += 1.18 * size * side
        style = {"font_size": size * side, "font_weight": weight, "fill": fill, "text_anchor": "middle"}
        drawn += text(float(middle[1]), top - 0.2 * size * side, words, **style)
    return drawn
