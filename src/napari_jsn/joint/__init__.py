"""A joint, its image, the masks of its two bones, and their geometry."""

from napari_jsn.joint.bone_masks import LOWER, UPPER, BoneMasks
from napari_jsn.joint.joint import Joint
from napari_jsn.joint.joint_image import JOINT_IMAGE_MM, JointImage
from napari_jsn.joint.similarity import Similarity

__all__ = ["JOINT_IMAGE_MM", "LOWER", "UPPER", "BoneMasks", "Joint", "JointImage", "Similarity"]
