"""The image of one joint as the networks for scores see it: sized by the kind of joint, as of a left hand.

It is larger than what a network sees by :data:`MARGIN`, so that it can be turned and moved in training.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.joint import JOINT_IMAGE_MM, Joint
from napari_jsn.joint.crop import crop_geometry, joint_image, pixel_size
from napari_jsn.networks.canvas import resize
from napari_jsn.radiograph import Radiograph

#: Side of a network's image and of the image that is kept, in pixels.
SIDE, KEPT = 96, 120
#: The kept side over the network's side.
MARGIN = KEPT / SIDE
#: Side of a network's image in mm, by the kind of joint: the bones' ends with a displacement of the worst grade.
SIDE_MM = {"MCP": 19.2, "IP": 16.0, "PIP": 16.0, "DIP": 14.0}
#: Percentiles of an image that become black and white.
_DARK, _BRIGHT = 1.0, 99.8


def site_image(radiograph: Radiograph, joint: Joint) -> NDArray[np.uint8]:
    """Return the (120, 120) image of a joint, finger axis vertical and distal end up; right hands are mirrored.

    The scale is that of :data:`SIDE_MM` where the pixel size is known; otherwise the joint's box is taken to be 22.2 mm
    wide, as it is on an average adult's hand.

    Raises
    ------
    InputError
        If the joint lies outside the radiograph, or the image would be too coarse.
    """
    import torch

    pixels = joint_image(radiograph, _kept(radiograph, joint)).pixels
    return _kept_image(resize(torch.from_numpy(pixels)[None, None], (KEPT, KEPT))[0, 0].numpy(), joint.side)


def kept_of_joint_image(
    pixels: NDArray[np.float32], side: str | None, side_mm: float, kept_mm: float
) -> NDArray[np.uint8]:
    """Return the (120, 120) image of a square picture of one joint, as :func:`site_image` does of a radiograph.

    Parameters
    ----------
    pixels : (S, S) array
    side : {"L", "R"} or None
    side_mm, kept_mm : float
        Side of the picture and of the image, in mm; where the picture is smaller, its border is repeated.
    """
    import torch

    size = round(KEPT * side_mm / kept_mm)
    small = resize(torch.from_numpy(pixels)[None, None], (size, size))[0, 0].numpy()
    before = (KEPT - size) // 2
    if before < 0:
        small = small[-before : KEPT - before, -before : KEPT - before]
    else:
        small = np.pad(small, (before, KEPT - size - before), mode="edge")
    return _kept_image(small, side)


def _kept_image(small: NDArray[np.float32], side: str | None) -> NDArray[np.uint8]:
    low, high = np.percentile(small, (_DARK, _BRIGHT))
    scaled = np.rint(255 * np.clip((small - low) / max(float(high - low), 1e-6), 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(scaled[:, ::-1]) if side == "R" else scaled


def kept_to_radiograph(radiograph: Radiograph, joint: Joint) -> NDArray[np.float64]:
    """Return the (3, 3) matrix that maps ``(x, y, 1)`` of :func:`site_image` to the radiograph."""
    _, matrix, (rows, cols) = crop_geometry(radiograph.spacing_mm, _kept(radiograph, joint))
    down, across = rows / KEPT, cols / KEPT
    matrix = matrix @ [[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]]
    mirror = np.array([[-1.0, 0, KEPT - 1], [0, 1, 0], [0, 0, 1]])
    found: NDArray[np.float64] = matrix @ mirror if joint.side == "R" else matrix
    return found


def _kept(radiograph: Radiograph, joint: Joint) -> Joint:
    """Return the joint with the box of the kept image."""
    kept_mm = MARGIN * SIDE_MM[joint.name[:-1]]
    if radiograph.spacing_mm is None:
        across = joint.box[1] - joint.box[0]
        size = np.full(2, float(np.hypot(*across)) * kept_mm / JOINT_IMAGE_MM)
    else:
        size = kept_mm / pixel_size(radiograph.spacing_mm)
    axis = joint.axis * pixel_size(radiograph.spacing_mm)
    return Joint.around(joint.name, joint.side, joint.centre, (float(axis[0]), float(axis[1])), tuple(size))


def hand_images(radiograph: Radiograph, joints: Iterable[Joint]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the (14, 120, 120) images of the joints of one hand, and which of them there are (14,)."""
    images = np.zeros((len(JOINTS), KEPT, KEPT), np.uint8)
    there = np.zeros(len(JOINTS), bool)
    for joint in joints:
        k = JOINTS.index(joint.name)
        try:
            images[k] = site_image(radiograph, joint)
        except InputError:
            continue  # the joint is not scored: it is not visible
        there[k] = True
    return images, there
