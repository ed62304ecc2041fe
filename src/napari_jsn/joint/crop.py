"""Crop the image of one joint from a radiograph, finger axis vertical, distal end up."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.joint import Joint, JointImage
from napari_jsn.radiograph import as_radiograph
from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.radiograph.spacing import Spacing

#: The least side of a joint image, in pixels.
_LEAST_SIDE = 24
#: Pixels of known size are averaged over blocks where this side would be at least twice as long, in pixels: detectors
#: have no pixels below 0.05 mm (444 pixels of a joint image), and finer ones of a scan add time but no detail.
_FINE_SIDE = 350


def joint_image(radiograph: Any, joint: Joint, spacing_mm: Spacing = None) -> JointImage:
    """Return the image of one joint, resampled by cubic B-splines at the (finer) pixel size of the radiograph.

    Where the pixel size is known and the image would have 700 pixels or more, blocks of pixels are averaged, so that it
    has 350 to 700.

    Parameters
    ----------
    radiograph : Radiograph, path or (H, W) array
        Bone bright; a path is read by :func:`napari_jsn.read_radiograph`. Its border is repeated outside.
    joint : Joint
        Its box is the crop, and gives the direction of the finger.
    spacing_mm : float or (row, col) pair of float, optional
        Size of a pixel of the radiograph in mm; by default the spacing of the radiograph.

    Returns
    -------
    JointImage
        Square pixels that fill the box; ``to_radiograph`` maps its ``(x, y, 1)`` to the radiograph.

    Raises
    ------
    InputError
        If the box is a line, is too small or lies outside the radiograph, if an argument is invalid, or if the file
        cannot be read.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> radiograph = jsn.read_radiograph(next(jsn.sample_folder("hand_pair").glob("*.dcm")))
    >>> joints = jsn.find_joints(radiograph)
    >>> image = jsn.joint_image(radiograph, joints[2])
    >>> image.pixels.shape, image.spacing_mm == radiograph.spacing_mm
    ((162, 162), True)
    """
    if not isinstance(joint, Joint):
        raise InputError(
            f"The joint is {reprlib.repr(joint)}. Give one of the joints that find_joints returns, or a Joint.", "joint"
        )
    radiograph = as_radiograph(radiograph, spacing_mm)
    pixels, spacing = radiograph.pixels, radiograph.spacing_mm
    size = pixel_size(spacing)
    unit = float(size.min())
    # map pixels of the joint image to the plane of the box in mm (or pixels), and from there to the radiograph
    corners = joint.box[:, ::-1] * size[::-1]
    across, down = (corners[1] + corners[2] - corners[0] - corners[3]) / 2, (corners[2:] - corners[:2][::-1]).mean(0)
    width, height = (float(np.hypot(*side)) for side in (across, down))
    step = max(1, int(max(width, height) / unit / _FINE_SIDE)) if spacing is not None else 1
    cols, rows = (step * round(side / unit / step) for side in (width, height))
    if min(cols, rows) < _LEAST_SIDE:
        raise InputError(
            f"The box of {joint.name} has only {height / unit:.0f} x {width / unit:.0f} pixels; a joint image needs at "
            f"least {_LEAST_SIDE} x {_LEAST_SIDE}. Draw a larger box, or give a radiograph with smaller pixels.",
            "joint",
        )
    matrix = np.eye(3)
    linear = np.column_stack([across / width, down / height]) * unit / size[::-1, None]
    matrix[:2, :2] = linear
    matrix[:2, 2] = joint.box[:, ::-1].mean(axis=0) - linear @ ((cols - 1) / 2, (rows - 1) / 2)
    image = _sampled(pixels, matrix, (rows, cols), joint)
    if step > 1:
        image = block_mean(image, step)
        matrix = matrix @ [[step, 0, (step - 1) / 2], [0, step, (step - 1) / 2], [0, 0, 1]]
    return JointImage(image, step * unit if spacing is not None else None, matrix)


def pixel_size(spacing_mm: Spacing) -> NDArray[np.float64]:
    """Return the (row, col) size of a pixel; 1 where it is unknown."""
    return np.array(np.broadcast_to(1.0 if spacing_mm is None else spacing_mm, (2,)), dtype=float)


def _sampled(
    pixels: NDArray[np.float32], matrix: NDArray[np.float64], shape: tuple[int, int], joint: Joint
) -> NDArray[np.float32]:
    """Return the radiograph at the pixels of the joint image; only the part around the box is interpolated."""
    ends = np.array([[0, 0], [shape[1] - 1, 0], [0, shape[0] - 1], [shape[1] - 1, shape[0] - 1]])
    on_radiograph = (ends @ matrix[:2, :2].T + matrix[:2, 2])[:, ::-1]
    margin = 12  # more than the support of the splines
    low = np.clip(np.floor(on_radiograph.min(0)).astype(int) - margin, 0, pixels.shape)
    high = np.clip(np.ceil(on_radiograph.max(0)).astype(int) + margin + 1, 0, pixels.shape)
    if (
        (high - low < 2).any()
        or (on_radiograph.max(0) < 0).any()
        or (on_radiograph.min(0) > np.array(pixels.shape) - 1).any()
    ):
        raise InputError(f"The box of {joint.name} lies outside the radiograph. Move it onto the joint.", "joint")
    part = pixels[low[0] : high[0], low[1] : high[1]].astype(np.float32)
    swap = matrix[[1, 0]][:, [1, 0, 2]]  # (row, col)
    cut = ndimage.affine_transform(part, swap[:, :2], swap[:, 2] - low, shape, order=3, mode="nearest")
    return np.asarray(np.clip(cut, 0, 1), dtype=np.float32)
