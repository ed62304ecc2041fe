"""Cut joint images from real hands, for pairs of two joints of one patient.

The public joints have one joint of each case only. The hands are those of the folder that NAPARI_JSN_DATA names.
"""

from __future__ import annotations

from napari_jsn import Radiograph, find_joints, joint_image, read_radiograph
from napari_jsn.evaluation.public_images import FingerJoint, data_folder
from napari_jsn.joint import BoneMasks
from napari_jsn.localization.mean_hand import HAND_MM
from napari_jsn.segmentation.segment import segment_many

#: Folders of whole hands.
_FOLDERS = ("hands", "adult-hands", "more-hands", "adult-films")
_ENDINGS = (".png", ".jpg", ".tif")
#: Coarser radiographs (small copies) do not show the structure of bones: with pixels of 0.25 to 0.56 mm, pairs of two
#: joints did not always fail.
_COARSEST_MM = 0.2
#: Least area of a bone in a joint image, in pixels.
_LEAST_AREA = 60


def joints_of_hands() -> list[FingerJoint]:
    """Return all joints found on real radiographs of hands, one visit each; the file is the case.

    The pixel size is the one that makes the hand as long as the mean hand. Radiographs with pixels over 0.2 mm or with
    joints in doubt, and joints without two bones, are left out.
    """
    joints = []
    for path in sorted(path for name in _FOLDERS for path in (data_folder() / name).iterdir()):
        if path.suffix.lower() not in _ENDINGS:
            continue
        original = read_radiograph(path)
        found = find_joints(original)
        if found.reasons or not found.joints or HAND_MM / found.hand_px > _COARSEST_MM:
            continue
        radiograph = Radiograph(original.pixels, HAND_MM / found.hand_px)
        images = [joint_image(radiograph, joint) for joint in found]
        masks = segment_many([image.pixels for image in images])
        for joint, image, bones in zip(found, images, masks, strict=True):
            assert image.spacing_mm is not None
            if min(bones.upper.sum(), bones.lower.sum()) >= _LEAST_AREA:
                visit = image.pixels, BoneMasks(bones.upper, bones.lower)
                joints.append(FingerJoint(path.stem, joint.side or "", joint.name, [visit], image.spacing_mm))
    return joints
