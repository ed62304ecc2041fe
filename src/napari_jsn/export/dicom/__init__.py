"""A progression as DICOM objects, through highdicom: a structured report, and the bones as segmentations."""

from napari_jsn.export.dicom.bones import bone_masks_seg
from napari_jsn.export.dicom.files import dicom_files
from napari_jsn.export.dicom.reading import BonesRead, read_bone_masks_seg, read_progression_sr
from napari_jsn.export.dicom.report import progression_sr

__all__ = [
    "BonesRead",
    "bone_masks_seg",
    "dicom_files",
    "progression_sr",
    "read_bone_masks_seg",
    "read_progression_sr",
]
