"""The bones of all joints of one radiograph as a DICOM segmentation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn import __version__
from napari_jsn.anatomy import SIDE_CODES, bone_code, bones_of, joint_code
from napari_jsn.export.dicom.shared import (
    NAME,
    algorithm_parameters,
    derived_uid,
    dicom_code,
    equipment,
    require_highdicom,
    set_times,
)
from napari_jsn.export.dicom.source import radiograph_path, source_images, tracking_uid
from napari_jsn.progression.narrowing import JointView, MeasuredHand
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    from pydicom import Dataset

Mask = NDArray[np.bool_]
SERIES_NUMBER = 9701


def bone_masks_seg(
    progression: Progression, path: Path, keep_identity: bool = False, when: datetime | None = None
) -> Dataset | None:
    """Return a BINARY segmentation of one radiograph, with a segment for each bone of each joint (PS3.3 A.51).

    The masks are on the pixels of the radiograph. Segments can overlap, because bones do. Empty frames are left out. A
    radiograph of both hands has one segmentation with the bones of both.

    Parameters
    ----------
    progression : Progression
    path : Path
        The DICOM file of one of its radiographs.
    keep_identity : bool
        Keep patient and study as the file states them, instead of the pseudonym.
    when : datetime, optional
        When the object is made; now by default. Identifiers do not depend on it.

    Returns
    -------
    highdicom.seg.Segmentation or None
        None where no joint was found.

    Raises
    ------
    InputError
        If highdicom is not installed, or the file cannot be referred to.
    """
    require_highdicom()
    from highdicom.content import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation
    from pydicom.sr.codedict import codes

    when = when or datetime.now()
    images = source_images(progression, keep_identity)
    image = images[path]
    algorithm = AlgorithmIdentificationSequence(
        NAME, codes.cid7162.ArtificialIntelligence, __version__, NAME, algorithm_parameters(progression)
    )
    masks, descriptions = [], []
    for hand, view, bone, mask in _bones(progression, path):
        whole = mask_on_radiograph(mask, hand, view, (int(image.Rows), int(image.Columns)))
        if whole.any():
            masks.append(whole)
            tracking = tracking_uid(progression, images, hand.side or "", view.joint.name, bone)
            descriptions.append(_description(len(masks), view, bone, hand.side or "", tracking, algorithm))
    if not masks:
        return None
    stacked = np.stack(masks)
    content = sha256(np.packbits(stacked).tobytes()).hexdigest()
    key = (image.SOPInstanceUID, image.PatientID, content, str(algorithm_parameters(progression)), __version__)
    dataset = Segmentation(
        source_images=[image],
        pixel_array=np.moveaxis(stacked, 0, -1)[np.newaxis],
        segmentation_type="BINARY",
        segment_descriptions=descriptions,
        series_instance_uid=derived_uid("segmentation series", *key),
        series_number=SERIES_NUMBER,
        sop_instance_uid=derived_uid("segmentation", *key),
        instance_number=1,
        content_label="BONES",
        content_description="Bones of the finger joints",
        content_creator_name=f"{NAME}^",
        series_description="Bones of the finger joints",
        **equipment(when),
    )
    dataset.PatientOrientation = image.get("PatientOrientation", "")  # required without a known plane
    organization = derived_uid("dimensions", *key)  # highdicom makes a random one
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    set_times(dataset, when)
    return dataset


def mask_on_radiograph(mask: Mask, hand: MeasuredHand, view: JointView, shape: tuple[int, int]) -> Mask:
    """Return a joint image's mask on the pixels of the whole radiograph of this shape."""
    from scipy import ndimage

    to_radiograph = view.image.to_radiograph.copy()
    to_radiograph[:2, 2] += hand.radiograph.origin[1], hand.radiograph.origin[0]
    rows, cols = np.nonzero(mask)
    whole = np.zeros(shape, bool)
    if not rows.size:
        return whole
    ends = (cols.min() - 1, cols.max() + 1), (rows.min() - 1, rows.max() + 1)
    corners = np.array([[x, y, 1.0] for x in ends[0] for y in ends[1]])
    x, y = (corners @ to_radiograph.T)[:, :2].T
    top, bottom = max(0, int(np.floor(y.min()))), min(shape[0], int(np.ceil(y.max())) + 1)
    left, right = max(0, int(np.floor(x.min()))), min(shape[1], int(np.ceil(x.max())) + 1)
    if top >= bottom or left >= right:
        return whole
    back = np.linalg.inv(to_radiograph)
    rows, cols = np.mgrid[top:bottom, left:right]
    x, y = np.tensordot(back[:2], np.stack([cols, rows, np.ones_like(rows)]), axes=1)
    whole[top:bottom, left:right] = ndimage.map_coordinates(mask.astype(np.float32), [y, x], order=1) >= 0.5
    return whole


def _bones(progression: Progression, path: Path) -> Iterator[tuple[MeasuredHand, JointView, str, Mask]]:
    for hand in progression.hands:
        if radiograph_path(hand) == path:
            for view in hand.joints:
                upper, lower = bones_of(view.joint.name)
                yield hand, view, upper, view.masks.upper
                yield hand, view, lower, view.masks.lower


def _description(number: int, view: JointView, bone: str, side: str, tracking: str, algorithm: Any) -> Any:
    from highdicom.seg import SegmentDescription
    from highdicom.sr import CodedConcept
    from pydicom.sr.codedict import codes

    joint, (kind, finger), (structure, which) = view.joint.name, joint_code(view.joint.name), bone_code(bone)
    label = " ".join(filter(None, (side, joint, bone)))
    described = SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=dicom_code(structure),
        algorithm_type="SEMIAUTOMATIC" if view.changed_by_hand else "AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=tracking,
        tracking_id=label,
        anatomic_regions=[dicom_code(kind)],
    )
    modifiers = [finger, *([SIDE_CODES[side]] if side in SIDE_CODES else [])]
    described.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [
        CodedConcept.from_code(dicom_code(code)) for code in modifiers
    ]
    if which:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            CodedConcept.from_code(dicom_code(which))
        ]
    return described
