"""The progression as a DICOM structured report (TID 1500): a measurement group per joint and visit."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn import __version__
from napari_jsn.anatomy import NOTES_CODES, SIDE_CODES, Code
from napari_jsn.common.errors import InputError
from napari_jsn.export.dicom.figures import figures
from napari_jsn.export.dicom.group import Images, measurement_group
from napari_jsn.export.dicom.objects import NAME, check_extra, coded, maker, stamp, uid
from napari_jsn.export.dicom.source import film_path, source_images
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    from pydicom import Dataset

SERIES_NUMBER = 9700
SOURCE = Code("260753009", "SCT", "Source")
MODALITIES = {
    "CR": Code("CR", "DCM", "Computed Radiography"),
    "DX": Code("DX", "DCM", "Digital Radiography"),
    "RG": Code("RG", "DCM", "Radiographic imaging"),
}


def progression_sr(p: Progression, keep_identity: bool = False, when: datetime | None = None) -> Dataset:
    """A Comprehensive SR with every joint of every visit; it belongs to the study of the last visit.

    A group (TID 1501) is one joint at one visit: narrowing with uncertainty and interval, joint space width, finding
    site, time point (TID 1502), whether the figure is reliable and why not, the images it was measured on, and the
    algorithm with its models. Groups of one joint share their tracking identifier.

    Parameters
    ----------
    p : Progression
    keep_identity : bool
        Keep patient and study as the file of the last visit states them, and dates, instead of the pseudonym.
    when : datetime, optional
        When the object is made; now by default. Identifiers do not depend on it.

    Returns
    -------
    highdicom.sr.ComprehensiveSR

    Raises
    ------
    InputError
        If highdicom is not installed, nothing was measured, or a film was not read from a DICOM file.
    """
    check_extra()
    from highdicom.sr import ComprehensiveSR, MeasurementReport
    from pydicom.sr.codedict import codes

    when = when or datetime.now()
    images = source_images(p, keep_identity)
    films = {(film.side or "", film.visit): film for film in p.films}
    groups = [measurement_group(p, one, images, films, keep_identity) for one in figures(p)]
    if not groups:
        raise InputError("There is nothing to report: no joint was measured.", "dicom")
    content = MeasurementReport(
        observation_context=_observer(),
        procedure_reported=codes.LN.XRUnspecifiedBodyRegion,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )[0]
    items = content.ContentSequence
    items.insert(len(items) - 1, _library(p, images, keep_identity))
    if notes := _notes(p):
        items.append(notes)
    last = max(p.films, key=lambda film: film.visit)
    evidence = [images[film_path(last)], *(image for path, image in images.items() if path != film_path(last))]
    told = sha256(_bytes(content)).hexdigest()
    key = (evidence[0].StudyInstanceUID, evidence[0].PatientID, told, __version__)
    dataset = ComprehensiveSR(
        evidence=evidence,
        content=content,
        series_instance_uid=uid("report series", *key),
        series_number=SERIES_NUMBER,
        sop_instance_uid=uid("report", *key),
        instance_number=1,
        is_complete=True,
        series_description="Joint space narrowing",
        **maker(when),
    )
    stamp(dataset, when)
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
        uid("device", __version__), name=NAME, manufacturer_name=NAME, model_name=NAME, serial_number=__version__
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _library(p: Progression, images: Images, dated: bool) -> Any:
    """TID 1600: the films, and what their pixels measure in this progression."""
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
        films = [film for film in p.films if film_path(film) == path]
        about: list[Any] = []
        if modality := MODALITIES.get(image.get("Modality", "")):
            about.append(CodeContentItem(codes.DCM.Modality, coded(modality), **acquired))
        if dated and films[0].day:
            about.append(DateContentItem(codes.DCM.StudyDate, films[0].day, **acquired))
        if len(films) == 1 and films[0].side:
            about.append(CodeContentItem(codes.DCM.ImageLaterality, coded(SIDE_CODES[films[0].side]), **acquired))
        spacing_mm = films[0].radiograph.spacing_mm
        if spacing_mm is not None:
            row_mm, col_mm = np.broadcast_to(spacing_mm, 2)
            for name, size in ((codes.DCM.HorizontalPixelSpacing, col_mm), (codes.DCM.VerticalPixelSpacing, row_mm)):
                about.append(NumContentItem(name, float(size), codes.UCUM.Millimeter, **acquired))
            source = films[0].radiograph.spacing_source
            about.append(TextContentItem(coded(NOTES_CODES["spacing_source"]), source, **acquired))
        entry = ImageContentItem(coded(SOURCE), image.SOPClassUID, image.SOPInstanceUID, relationship_type="CONTAINS")
        if about:
            entry.ContentSequence = ContentSequence(about)
        entries.append(entry)
    group = ContainerContentItem(codes.DCM.ImageLibraryGroup, relationship_type="CONTAINS")
    group.ContentSequence = entries
    library = ContainerContentItem(codes.DCM.ImageLibrary, relationship_type="CONTAINS")
    library.ContentSequence = ContentSequence([group])
    return library


def _notes(p: Progression) -> Any:
    """What holds for all figures, as comments."""
    from highdicom.sr import ContainerContentItem, ContentSequence, TextContentItem
    from pydicom.sr.codedict import codes

    notes = [*p.notes, *(f"Visit {film.visit} {film.side or ''}: {note}" for film in p.films for note in film.notes)]
    if not notes:
        return None
    container = ContainerContentItem(coded(NOTES_CODES["evaluations"]), relationship_type="CONTAINS")
    container.ContentSequence = ContentSequence(
        [TextContentItem(codes.DCM.Comment, note, relationship_type="CONTAINS") for note in dict.fromkeys(notes)]
    )
    return container
