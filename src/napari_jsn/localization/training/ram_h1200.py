"""Whole hands with the places of their joints from the bones of RAM-H1200."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.training.data import LabelledRadiograph, TrainingHand, pixels_per_mm, training_hand
from napari_jsn.networks.inputs import LeftOut
from napari_jsn.networks.ram_h1200 import hands_with_bones

#: The least number of joints of a hand.
_LEAST = 3


def hands_of_part(folder: Path, split: str, left_out: list[LeftOut]) -> list[TrainingHand]:
    """Return the hands of one part of the set.

    Raises
    ------
    InputError
        If the part has no COCO file, or it cannot be read.
    """
    found = []
    for hand in hands_with_bones(folder, split, left_out):
        places = hand.joints()
        if len(places) < _LEAST:
            left_out.append(LeftOut(hand.name, f"fewer than {_LEAST} joints have both bones"))
            continue
        points = np.array([places[joint].centre if joint in places else (np.nan, np.nan) for joint in JOINTS])
        px_mm = pixels_per_mm(points, hand.side)
        radiograph = LabelledRadiograph(
            hand.pixels, points, hand.side, px_mm, group=hand.patient, name=hand.name, path=hand.path
        )
        found.append(training_hand(radiograph))
    return found
