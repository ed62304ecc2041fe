"""Joint images and their bones from the whole hands of RAM-H1200."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_jsn.joint import JOINT_IMAGE_MM, BoneMasks
from napari_jsn.networks.inputs import LeftOut
from napari_jsn.networks.ram_h1200 import BONES_OF, HandBones, JointPlace, hands_with_bones, pixels_per_mm
from napari_jsn.segmentation.canvas import SIDE
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.segmentation.training.mask_checks import image_problem, masks_problem


def joints_of_part(folder: Path, split: str, left_out: list[LeftOut]) -> list[LabelledJoint]:
    """Return the joint images of one part of the set at the size of the network.

    Raises
    ------
    InputError
        If the part has no COCO file, or it cannot be read.
    """
    found: list[LabelledJoint] = []
    for hand in hands_with_bones(folder, split, left_out):
        places = hand.joints()
        px_mm = pixels_per_mm(places)
        if px_mm is None:
            left_out.append(LeftOut(hand.name, "no finger has the bones of MCP and PIP joint, which give its size"))
            continue
        for joint, place in places.items():
            one = labelled_joint(hand, joint, place, px_mm)
            problem = image_problem(one.image) or masks_problem(one.masks, one.image)
            if problem:
                left_out.append(LeftOut(one.name, problem))
            else:
                found.append(one)
    return found


def labelled_joint(hand: HandBones, joint: str, place: JointPlace, px_mm: float) -> LabelledJoint:
    """Return the image of one joint, as :func:`napari_jsn.joint_image` crops it, with the masks of its bones."""
    step = JOINT_IMAGE_MM * px_mm / SIDE
    down = step * place.axis
    linear = np.array([[down[1], down[0]], [-down[0], down[1]]])  # (x, y): columns across and down the finger
    offset = place.centre - linear @ ((SIDE - 1) / 2, (SIDE - 1) / 2)
    swap, first = linear[::-1, ::-1], offset[::-1]  # (row, col)
    reach = int(np.ceil(SIDE * step))
    low = np.maximum(np.floor(place.centre[::-1]).astype(int) - reach, 0)
    part = tuple(slice(start, start + 2 * reach + 1) for start in low)
    smooth = ndimage.gaussian_filter(hand.pixels[part], 0.4 * max(step - 1, 0.0))
    image = ndimage.affine_transform(smooth, swap, first - low, (SIDE, SIDE), order=1, mode="nearest")
    upper, lower = (
        ndimage.affine_transform(hand.masks[bone][part].astype(np.float32), swap, first - low, (SIDE, SIDE), order=1)
        > 0.5
        for bone in BONES_OF[joint]
    )
    name = f"{hand.name}/{joint}"
    return LabelledJoint(image, BoneMasks(upper, lower), f"{hand.patient}/{joint}", joint, name, hand.patient)
