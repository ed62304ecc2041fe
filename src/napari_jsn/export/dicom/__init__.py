"""A progression as DICOM objects, written with highdicom: a structured report (SR) and segmentations of bones (SEG)."""

from napari_jsn.export.dicom.files import dicom_files
from napari_jsn.export.dicom.reading import BoneSegmentation, read_bone_masks_seg, read_progression_sr
from napari_jsn.export.dicom.report import progression_sr
from napari_jsn.export.dicom.segmentation import bone_masks_seg

__all__ = [
    "BoneSegmentation",
    "bone_masks_seg",
    "dicom_files",
    "progression_sr",
    "read_bone_masks_seg",
    "read_progression_sr",
]
