"""The images of all joints of both hands of a visit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.patient.patient import Hand
from napari_jsn.scoring.crops.site_image import KEPT, hand_images
from napari_jsn.scoring.schemes import SIDES

#: Joints of a patient: those of the right hand, then those of the left one.
TOKENS = len(SIDES) * len(JOINTS)


def images_of(hands: Sequence[Hand]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the images (28, 120, 120) of the joints of up to two hands, and which there are (28,)."""
    images, there = np.zeros((TOKENS, KEPT, KEPT), np.uint8), np.zeros(TOKENS, bool)
    for hand in hands:
        joints = hand.joints
        side = hand.side or (joints[0].side if joints else None)
        if side is None:
            continue
        part = slice(len(JOINTS) * SIDES.index(side), len(JOINTS) * (SIDES.index(side) + 1))
        images[part], there[part] = hand_images(hand.radiograph, joints)
    return images, there
