"""Joint images with the outlines of their bones, and loss spectra, as SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_jsn.drawing.colours import LOWER_COLOUR, UPPER_COLOUR
from napari_jsn.drawing.pictures import display_range, radiograph_uri, spectrum_uri
from napari_jsn.drawing.svg import line, points, svg, tag, text

Mask = NDArray[np.bool_]


def joint_svg(
    pixels: NDArray[np.floating],
    masks: Sequence[Mask] = (),
    spacing_mm: float | None = None,
    limits: tuple[float, float] | None = None,
) -> str:
    """Draw a joint image.

    Parameters
    ----------
    pixels : (H, W) array
    masks : (upper, lower) pair of (H, W) bool arrays, optional
        Bones to outline.
    spacing_mm : float, optional
        Pixel size; with it a scale bar is drawn.
    limits : (float, float), optional
        Intensities to show as black and white; by default percentiles of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn.drawing.joint import joint_svg
    >>> "5 mm" in joint_svg(np.eye(128), spacing_mm=0.175)
    True
    """
    drawn = _outlines(masks)
    if spacing_mm:
        drawn += _scale_bar(pixels.shape, spacing_mm)
    return _picture(radiograph_uri(pixels, limits or display_range(pixels)), pixels.shape, drawn)


def spectrum_svg(spectrum: NDArray[np.floating], limit: float) -> str:
    """Draw a loss spectrum, from 0 (dark) to ``limit`` (yellow)."""
    return _picture(spectrum_uri(spectrum, limit), spectrum.shape)


def _picture(uri: str, shape: tuple[int, ...], drawn: str = "") -> str:
    image = tag("image", href=uri, width=shape[1], height=shape[0])
    return svg(float(shape[1]), float(shape[0]), image, drawn, role="img")


def _outlines(masks: Sequence[Mask]) -> str:
    if not len(masks):
        return ""
    from skimage.measure import approximate_polygon, find_contours

    drawn = []
    for mask, colour in zip(masks, (UPPER_COLOUR, LOWER_COLOUR), strict=True):
        style = {"stroke": colour, "stroke_width": mask.shape[0] / 200, "stroke_opacity": 0.75}
        for outline in find_contours(mask.astype(float), 0.5):
            rows_cols: NDArray[np.floating] = approximate_polygon(outline, 0.4)
            # the image's corner is the corner of the first pixel, not its centre
            drawn.append(tag("polyline", points=points(rows_cols[:, ::-1] + 0.5), fill="none", **style))
    return "".join(drawn)


def _scale_bar(shape: tuple[int, ...], spacing_mm: float) -> str:
    """A bar of 5 mm, or of 1 mm where 5 mm would be over half the width."""
    length_mm = 5 if 5 / spacing_mm < shape[1] / 2 else 1
    x, y, size = 0.06 * shape[1], 0.93 * shape[0], 0.075 * shape[0]
    bar = line(x, y, x + length_mm / spacing_mm, y, stroke="#fff", stroke_width=shape[0] / 70)
    halo = {"stroke": "rgba(0, 0, 0, 0.72)", "stroke_width": size / 5, "stroke_linejoin": "round"}
    label = text(x, y - size * 0.45, f"{length_mm} mm", fill="#fff", font_size=size, paint_order="stroke", **halo)
    return bar + label
