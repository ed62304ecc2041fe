"""The image of one hand as the one-stage network sees it: cut to the hand, of fixed size, as a left hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from napari_jsn.joint.crop import pixel_size
from napari_jsn.networks.canvas import resize
from napari_jsn.radiograph import Radiograph

#: Rows and columns.
CANVAS = (768, 544)
#: Pixel size of a hand without a known one, in mm: that of an average adult's hand on the canvas.
USUAL_MM = 0.283
#: Share of Otsu's threshold above which a pixel is tissue, margin as a share of the hand, and reduction for the search.
_TISSUE, _MARGIN, _STEP = 0.6, 0.03, 8
NORMALISATION = "0 and the 99.8th percentile become 0 and 1"


@dataclass(frozen=True)
class HandCanvas:
    """A hand on the canvas.

    Attributes
    ----------
    image : (768, 544) float32 array
        In [0, 1].
    to_radiograph : (3, 3) array
        Maps ``(x, y, 1)`` of the canvas to the radiograph.
    pixel_mm : float
        Size of a pixel.
    """

    image: NDArray[np.float32] = field(repr=False)
    to_radiograph: NDArray[np.float64] = field(repr=False)
    pixel_mm: float


def hand_canvas(radiograph: Radiograph, side: str | None) -> HandCanvas:
    """Return the hand of a radiograph of one hand on the canvas; right hands are mirrored."""
    import torch

    pixels = radiograph.pixels[:, ::-1] if side == "R" else radiograph.pixels
    top, left, bottom, right = hand_box(pixels)
    part = pixels[top:bottom, left:right]
    row_mm, col_mm = pixel_size(radiograph.spacing_mm)
    height, width = part.shape[0] * row_mm, part.shape[1] * col_mm
    fitted = pixel_of_fit(height, width)
    rows, cols = (max(1, round(length / fitted)) for length in (height, width))
    small = resize(torch.from_numpy(np.ascontiguousarray(part))[None, None], (rows, cols))[0, 0].numpy()
    image = np.zeros(CANVAS, np.float32)
    above, before = (CANVAS[0] - rows) // 2, (CANVAS[1] - cols) // 2
    image[above : above + rows, before : before + cols] = small / max(float(np.percentile(small, 99.8)), 1e-6)
    across, down = part.shape[1] / cols, part.shape[0] / rows
    matrix = np.array(
        [
            [across, 0, left + (0.5 - before) * across - 0.5],
            [0, down, top + (0.5 - above) * down - 0.5],
            [0, 0, 1],
        ]
    )
    if side == "R":
        matrix = np.array([[-1.0, 0, pixels.shape[1] - 1], [0, 1, 0], [0, 0, 1]]) @ matrix
    return HandCanvas(image.clip(0, 1), matrix, USUAL_MM if radiograph.spacing_mm is None else float(fitted))


def pixel_of_fit(height: float, width: float) -> float:
    """Return the size of a canvas pixel with which a hand of this height and width fits the canvas, in their unit."""
    return max(height / CANVAS[0], width / CANVAS[1])


def hand_box(pixels: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Return the box (top, left, bottom, right) of the largest piece of tissue, with a margin."""
    small = ndimage.uniform_filter(pixels, _STEP)[::_STEP, ::_STEP]
    whole = 0, 0, pixels.shape[0], pixels.shape[1]
    if np.ptp(small) <= 0:
        return whole
    labels, count = ndimage.label(small > _TISSUE * threshold_otsu(small))
    if not count:
        return whole
    largest = 1 + int(np.bincount(labels.ravel())[1:].argmax())
    rows, cols = ndimage.find_objects(labels)[largest - 1]
    margin = round(_MARGIN * _STEP * max(rows.stop - rows.start, cols.stop - cols.start))
    return (
        max(0, rows.start * _STEP - margin),
        max(0, cols.start * _STEP - margin),
        min(pixels.shape[0], rows.stop * _STEP + margin),
        min(pixels.shape[1], cols.stop * _STEP + margin),
    )
