"""A progression as a DICOM structured report (TID 1500) with a measurement group for each joint and visit."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn import __version__
from napari_jsn.anatomy import NOTES_CODES, SIDE_CODES, Code
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import written_notes
from napari_jsn.export.dicom.grades import grade_groups
from napari_jsn.export.dicom.measurement_group import Images, measurement_group
from napari_jsn.export.dicom.measurements import joint_measurements
from napari_jsn.export.dicom.shared import NAME, derived_uid, dicom_code, equipment, require_highdicom, set_times
from napari_jsn.export.dicom.source import REPLACED, has_replaced_uids, radiograph_path, source_images
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    import pandas as pd
    from pydicom import Dataset

SERIES_NUMBER = 9700
SOURCE = Code("260753009", "SCT", "Source")
MODALITIES = {
    "CR": Code("CR", "DCM", "Computed Radiography"),
    "DX": Code("DX", "DCM", "Digital Radiography"),
    "RG": Code("RG", "DCM", "Radiographic imaging"),
}


def progression_sr(
    progression: Progression,
    keep_identity: bool = False,
    when: datetime | None = None,
    scores: pd.DataFrame | None = None,
    description: str = "Joint space narrowing",
) -> Dataset:
    """Return a Comprehensive SR with every joint at every visit; it belongs to the study of the last visit.

    A measurement group (TID 1501) is one joint at one visit: narrowing with uncertainty and interval, joint space
    width, finding site, time point (TID 1502), the state of the figures and why they have failed, the images, and the
    algorithm with its models. Groups of one joint have the same tracking identifier.

    Parameters
    ----------
    progression : Progression
    keep_identity : bool
        Keep patient and study as the file of the last visit states them, and dates, instead of the pseudonym.
    when : datetime, optional
        When the object is made; now by default. Identifiers do not depend on it.
    scores : DataFrame, optional
        Grades to report too, with who gave them; see :func:`napari_jsn.export.dicom.grades.grade_groups`.
    description : str
        Of the series.

    Returns
    -------
    highdicom.sr.ComprehensiveSR

    Raises
    ------
    InputError
        If highdicom is not installed, nothing was measured, or a radiograph was not read from a DICOM file.
    """
    require_highdicom()
    from highdicom.sr import ComprehensiveSR, MeasurementReport
    from pydicom.sr.codedict import codes

    when = when or datetime.now()
    images = source_images(progression, keep_identity)
    hands = {(hand.side or "", hand.visit): hand for hand in progression.hands}
    measured = joint_measurements(progression)
    groups = [measurement_group(progression, each, images, hands, keep_identity) for each in measured]
    groups += [] if scores is None else grade_groups(progression, scores, images)
    if not groups:
        raise InputError("There is nothing to report: no joint was measured and no grade was given.", "dicom")
    content = MeasurementReport(
        observation_context=_observer(),
        procedure_reported=codes.LN.XRUnspecifiedBodyRegion,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )[0]
    items = content.ContentSequence
    items.insert(len(items) - 1, _library(progression, images, keep_identity))
    if notes := _notes(progression, images, keep_identity):
        items.append(notes)
    last = max(progression.hands, key=lambda hand: hand.visit)
    others = [image for path, image in images.items() if path != radiograph_path(last)]
    evidence = [images[radiograph_path(last)], *others]
    digest = sha256(_bytes(content)).hexdigest()
    key = (evidence[0].StudyInstanceUID, evidence[0].PatientID, digest, __version__)
    dataset = ComprehensiveSR(
        evidence=evidence,
        content=content,
        series_instance_uid=derived_uid("report series", *key),
        series_number=SERIES_NUMBER,
        sop_instance_uid=derived_uid("report", *key),
        instance_number=1,
        is_complete=True,
        series_description=description,
        **equipment(when),
    )
    set_times(dataset, when)
    return dataset


def _bytes(content: Dataset) -> bytes:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, False
    write_dataset(file, content, "utf8")
    return file.getvalue()


def _observer() -> Any:
    from highdicom.sr import DeviceObserverIdentifyingAttributes, ObservationContext, ObserverContext
    from pydicom.sr.codedict import codes

    device = DeviceObserverIdentifyingAttributes(
        derived_uid("device", __version__),
        name=NAME,
        manufacturer_name=NAME,
        model_name=NAME,
        serial_number=__version__,
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _library(progression: Progression, images: Images, dated: bool) -> Any:
    """The image library (TID 1600): the radiographs and their pixel sizes as measured with."""
    from highdicom.sr import (
        CodeContentItem,
        ContainerContentItem,
        ContentSequence,
        DateContentItem,
        ImageContentItem,
        NumContentItem,
        TextContentItem,
    )
    from pydicom.sr.codedict import codes

    acquired: dict[str, Any] = {"relationship_type": "HAS ACQ CONTEXT"}
    entries = ContentSequence()
    for path, image in images.items():
        hands = [hand for hand in progression.hands if radiograph_path(hand) == path]
        context: list[Any] = []
        if modality := MODALITIES.get(image.get("Modality", "")):
            context.append(CodeContentItem(codes.DCM.Modality, dicom_code(modality), **acquired))
        if dated and hands[0].day:
            context.append(DateContentItem(codes.DCM.StudyDate, hands[0].day, **acquired))
        if len(hands) == 1 and hands[0].side:
            context.append(
                CodeContentItem(codes.DCM.ImageLaterality, dicom_code(SIDE_CODES[hands[0].side]), **acquired)
            )
        spacing_mm = hands[0].radiograph.spacing_mm
        if spacing_mm is not None:
            row_mm, col_mm = np.broadcast_to(spacing_mm, 2)
            for name, size in ((codes.DCM.HorizontalPixelSpacing, col_mm), (codes.DCM.VerticalPixelSpacing, row_mm)):
                context.append(NumContentItem(name, float(size), codes.UCUM.Millimeter, **acquired))
            source = hands[0].radiograph.spacing_source
            context.append(TextContentItem(dicom_code(NOTES_CODES["spacing_source"]), source, **acquired))
        entry = ImageContentItem(
            dicom_code(SOURCE), image.SOPClassUID, image.SOPInstanceUID, relationship_type="CONTAINS"
        )
        if context:
            entry.ContentSequence = ContentSequence(context)
        entries.append(entry)
    group = ContainerContentItem(codes.DCM.ImageLibraryGroup, relationship_type="CONTAINS")
    group.ContentSequence = entries
    library = ContainerContentItem(codes.DCM.ImageLibrary, relationship_type="CONTAINS")
    library.ContentSequence = ContentSequence([group])
    return library


def _notes(progression: Progression, images: Images, keep_identity: bool) -> Any:
    """Notes on the patient and on each radiograph, as comments; None where there are none."""
    from highdicom.sr import ContainerContentItem, ContentSequence, TextContentItem
    from pydicom.sr.codedict import codes

    of_hands = (
        f"Visit {hand.visit} {hand.side or ''}: {reason}" for hand in progression.hands for reason in hand.reasons
    )
    notes = written_notes([*progression.notes, *of_hands], keep_identity)
    notes += [REPLACED] if any(map(has_replaced_uids, images)) else []
    if not notes:
        return None
    container = ContainerContentItem(dicom_code(NOTES_CODES["evaluations"]), relationship_type="CONTAINS")
    container.ContentSequence = ContentSequence(
        [TextContentItem(codes.DCM.Comment, note, relationship_type="CONTAINS") for note in notes]
    )
    return container
