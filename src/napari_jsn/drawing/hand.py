"""A hand radiograph with a coloured box around each joint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.statistics import Estimate
from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.drawing.pictures import display_range, radiograph_uri
from napari_jsn.drawing.svg import plain, points, signed, svg, tag, text

#: Margin around the boxes, in side lengths of a box.
_MARGIN = 0.55
_WHITE = "#ffffff"


@dataclass(frozen=True, eq=False)
class LabelledBox:
    """One joint in a picture of a hand.

    Parameters
    ----------
    corners : (4, 2) array
        (row, col) on the radiograph, the two distal corners first, as in ``Joint.box``.
    label : str
        Name of the joint, written on its distal side.
    estimate : Estimate, optional
        Narrowing, written on the proximal side with its interval; "not measured" where it has no value. Without an
        estimate only the box and its label are drawn.
    failed : bool
        Draw the box grey and dashed.
    """

    corners: ArrayLike
    label: str
    estimate: Estimate | None = None
    failed: bool = False


def hand_svg(
    pixels: NDArray[np.floating],
    boxes: Sequence[LabelledBox] = (),
    limits: tuple[float, float] | None = None,
    spacing_mm: float | tuple[float, float] | None = None,
    colour_end: float = 1.0,
    decimals: int = 2,
    longest_side: int = 1000,
) -> str:
    """Draw a hand, cropped to its joints, as SVG.

    Parameters
    ----------
    pixels : (H, W) array
        The radiograph.
    boxes : sequence of LabelledBox
        Without any, the whole radiograph is shown.
    limits : (float, float), optional
        Intensities to show as black and white; by default percentiles of the part that is shown.
    spacing_mm : float or (row, col), optional
        Size of a pixel; by default pixels are square.
    colour_end : float
        Narrowing at the end of the colour scale.
    decimals : int
        Decimals of the narrowing.
    longest_side : int
        Longer side of the embedded image in pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn.drawing.hand import LabelledBox, hand_svg
    >>> box = LabelledBox([[20, 20], [20, 60], [60, 60], [60, 20]], "MCP2")
    >>> "MCP2" in hand_svg(np.eye(80), [box])
    True
    """
    # drawn in units of a pixel's height
    row_mm, col_mm = np.broadcast_to(1.0 if spacing_mm is None else spacing_mm, 2).tolist()
    width_ratio = col_mm / row_mm
    corners = [np.asarray(box.corners, dtype=float) * (1.0, width_ratio) for box in boxes]
    side = float(np.median([np.hypot(*(each[3] - each[0])) for each in corners])) if corners else 0.0
    top, left, bottom, right = _extent(pixels.shape, corners, side, width_ratio)
    shown = pixels[round(top) : round(bottom), round(left / width_ratio) : round(right / width_ratio)]
    height, width = bottom - top, right - left
    zoom = min(1.0, longest_side / max(height, width))
    uri = radiograph_uri(shown, limits or display_range(shown), (round(height * zoom), round(width * zoom)))
    image = tag("image", href=uri, x=left, y=top, width=width, height=height, preserveAspectRatio="none")
    drawn = [_box(box, each, colour_end, decimals, side) for box, each in zip(boxes, corners, strict=True)]
    # all texts after all outlines: no box covers the text of its neighbour
    outlines, texts = zip(*drawn, strict=True) if drawn else ((), ())
    return svg(width, height, image, *outlines, *texts, x=left, y=top, class_="hand", role="img")


def _extent(
    shape: tuple[int, ...], corners: Sequence[NDArray[np.floating]], side: float, width_ratio: float
) -> tuple[float, float, float, float]:
    """Top, left, bottom and right of the part that is shown."""
    whole = np.multiply(shape, (1.0, width_ratio))
    if not corners:
        return 0.0, 0.0, float(whole[0]), float(whole[1])
    every = np.concatenate(corners)
    top, left = np.maximum(every.min(axis=0) - _MARGIN * side, 0)
    bottom, right = np.minimum(every.max(axis=0) + _MARGIN * side, whole)
    return float(top), float(left), float(bottom), float(right)


def _box(box: LabelledBox, corners: NDArray[np.floating], end: float, decimals: int, side: float) -> tuple[str, str]:
    """The outline of a joint; and its label on the distal side with the narrowing on the proximal side."""
    estimate = box.estimate
    colour = UNRELIABLE if box.failed else jsn_colour(0.0 if estimate is None else estimate.value, end)
    outline = tag(
        "polygon", points=points(corners[:, ::-1]), fill="none", stroke=colour, stroke_width=side / 45,
        stroke_linejoin="round", stroke_dasharray=f"{side / 16:.1f} {side / 24:.1f}" if box.failed else None,
    )  # fmt: skip
    centre = corners.mean(axis=0)
    down = (corners[2:].mean(axis=0) - corners[:2].mean(axis=0)) / 2
    texts = _plate(centre - 0.78 * down, [(box.label, 0.135, 600, _WHITE)], side)
    if estimate is None:
        return outline, texts
    lines = [("not measured", 0.115, 400, _WHITE)]
    if estimate.known:
        low, high = (plain(limit, decimals) for limit in estimate.ci95)
        lines = [(signed(estimate.value, decimals), 0.175, 700, colour), (f"{low} to {high}", 0.125, 400, _WHITE)]
    return outline, texts + _plate(centre + 0.74 * down, lines, side)


def _plate(centre: NDArray[np.floating], lines: Sequence[tuple[str, float, int, str]], side: float) -> str:
    """Lines of (text, size, weight, colour) on a dark plate around this (row, col)."""
    height = sum(1.18 * size for _, size, _, _ in lines) * side
    width = max(0.6 * size * len(words) for words, size, _, _ in lines) * side + 0.08 * side
    x, top = float(centre[1]), float(centre[0]) - height / 2
    plate = {"width": width, "height": height + 0.03 * side, "rx": side / 25, "fill": "#0b0b0b", "fill_opacity": 0.66}
    drawn = tag("rect", x=x - width / 2, y=top, **plate)
    for words, size, weight, fill in lines:
        top += 1.18 * size * side
        style = {"font_size": size * side, "font_weight": weight, "fill": fill, "text_anchor": "middle"}
        drawn += text(x, top - 0.2 * size * side, words, **style)
    return drawn
