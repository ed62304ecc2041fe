"""The bones of every joint as a DICOM segmentation of the radiograph that they were found on."""

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
from napari_jsn.export.dicom.objects import NAME, check_extra, coded, maker, parameters, stamp, uid
from napari_jsn.export.dicom.source import film_path, source_images, tracking_uid
from napari_jsn.progression.progression import JointView, MeasuredHand, Progression

if TYPE_CHECKING:
    from pydicom import Dataset

Mask = NDArray[np.bool_]
SERIES_NUMBER = 9701


def bone_masks_seg(
    p: Progression, path: Path, keep_identity: bool = False, when: datetime | None = None
) -> Dataset | None:
    """A BINARY segmentation of one radiograph: a segment per bone of each joint, on the radiograph's own pixels.

    Bones of a joint overlap, and so do segments. Frames exist for segments only. A film with both hands has one
    segmentation with the bones of both. PS3.3 A.51.

    Parameters
    ----------
    p : Progression
    path : Path
        The DICOM file of one of its films.
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
        If highdicom is not installed, or the file cannot be pointed to.
    """
    check_extra()
    from highdicom.content import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation
    from pydicom.sr.codedict import codes

    when = when or datetime.now()
    images = source_images(p, keep_identity)
    image = images[path]
    algorithm = AlgorithmIdentificationSequence(
        NAME, codes.cid7162.ArtificialIntelligence, __version__, NAME, parameters(p)
    )
    masks, descriptions = [], []
    for film, view, bone, mask in _bones(p, path):
        whole = on_film(mask, film, view, (int(image.Rows), int(image.Columns)))
        if whole.any():
            masks.append(whole)
            uid_ = tracking_uid(p, images, film.side or "", view.joint.name, bone)
            descriptions.append(_description(len(masks), view, bone, film.side or "", uid_, algorithm))
    if not masks:
        return None
    stacked = np.stack(masks)
    content = sha256(np.packbits(stacked).tobytes()).hexdigest()
    key = (image.SOPInstanceUID, image.PatientID, content, str(parameters(p)), __version__)
    dataset = Segmentation(
        source_images=[image],
        pixel_array=np.moveaxis(stacked, 0, -1)[np.newaxis],
        segmentation_type="BINARY",
        segment_descriptions=descriptions,
        series_instance_uid=uid("segmentation series", *key),
        series_number=SERIES_NUMBER,
        sop_instance_uid=uid("segmentation", *key),
        instance_number=1,
        content_label="BONES",
        content_description="Bones of the finger joints",
        content_creator_name=f"{NAME}^",
        series_description="Bones of the finger joints",
        **maker(when),
    )
    dataset.PatientOrientation = image.get("PatientOrientation", "")  # required where no plane is known
    organization = uid("dimensions", *key)  # highdicom draws a random one
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    stamp(dataset, when)
    return dataset


def on_film(mask: Mask, film: MeasuredHand, view: JointView, shape: tuple[int, int]) -> Mask:
    """A joint image's mask on the pixels of the whole film of this shape."""
    from scipy import ndimage

    to_film = view.image.to_radiograph.copy()
    to_film[:2, 2] += film.radiograph.origin[1], film.radiograph.origin[0]
    rows, cols = np.nonzero(mask)
    whole = np.zeros(shape, bool)
    if not rows.size:
        return whole
    ends = (cols.min() - 1, cols.max() + 1), (rows.min() - 1, rows.max() + 1)
    corners = np.array([[x, y, 1.0] for x in ends[0] for y in ends[1]])
    x, y = (corners @ to_film.T)[:, :2].T
    top, bottom = max(0, int(np.floor(y.min()))), min(shape[0], int(np.ceil(y.max())) + 1)
    left, right = max(0, int(np.floor(x.min()))), min(shape[1], int(np.ceil(x.max())) + 1)
    if top >= bottom or left >= right:
        return whole
    back = np.linalg.inv(to_film)
    rows, cols = np.mgrid[top:bottom, left:right]
    x, y = np.tensordot(back[:2], np.stack([cols, rows, np.ones_like(rows)]), axes=1)
    whole[top:bottom, left:right] = ndimage.map_coordinates(mask.astype(np.float32), [y, x], order=1) >= 0.5
    return whole


def _bones(p: Progression, path: Path) -> Iterator[tuple[MeasuredHand, JointView, str, Mask]]:
    for film in p.films:
        if film_path(film) == path:
            for view in film.joints:
                upper, lower = bones_of(view.joint.name)
                yield film, view, upper, view.masks.upper
                yield film, view, lower, view.masks.lower


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
        segmented_property_type=coded(structure),
        algorithm_type="SEMIAUTOMATIC" if view.joint.edited else "AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=tracking,
        tracking_id=label,
        anatomic_regions=[coded(kind)],
    )
    modifiers = [finger, *([SIDE_CODES[side]] if side in SIDE_CODES else [])]
    described.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [
        CodedConcept.from_code(coded(code)) for code in modifiers
    ]
    if which:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            CodedConcept.from_code(coded(which))
        ]
    return described
