"""One joint at one visit as a measurement group of a structured report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn import __version__
from napari_jsn.anatomy import NOTES_CODES, SIDE_CODES, joint_code
from napari_jsn.export.dicom.figures import Figures, code_of
from napari_jsn.export.dicom.objects import NAME, coded, parameters
from napari_jsn.export.dicom.source import film_path, tracking_uid
from napari_jsn.progression.progression import MeasuredHand, Progression

if TYPE_CHECKING:
    from pydicom import Dataset

#: The header of every file.
Images = Mapping[Path, "Dataset"]
#: The film of a side and visit.
Films = Mapping[tuple[str, int], MeasuredHand]


def measurement_group(p: Progression, one: Figures, images: Images, films: Films, dated: bool) -> Any:
    """TID 1501 of one joint at one visit; with ``dated`` the visit is told by its day."""
    from highdicom.sr import (
        AlgorithmIdentification,
        FindingSite,
        Measurement,
        MeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        SourceImageForMeasurementGroup,
        TextContentItem,
        TrackingIdentifier,
    )
    from pydicom.sr.codedict import codes

    kind, finger = joint_code(one.joint)
    side = SIDE_CODES.get(one.side)
    first = films.get((one.side, min(film.visit for film in p.films)))
    shown = [film for film in dict.fromkeys((first, films.get((one.side, one.visit)))) if film is not None]
    measurements = []
    for column, value in one.values.items():
        name, unit = code_of(column)
        where = _points(one, first, images) if column in ("jsn_mm", "jsn_px") and first else None
        measurements.append(Measurement(coded(name), value, coded(unit), referenced_coordinates=where))
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            tracking_uid(p, images, one.side, one.joint), " ".join(filter(None, (one.side, one.joint)))
        ),
        time_point_context=_time_point(one, first, dated),
        finding_type=coded(NOTES_CODES["joint_space"]),
        finding_sites=[FindingSite(coded(kind), side and coded(side), coded(finger))],
        algorithm_id=AlgorithmIdentification(
            NAME, __version__, [f"{name}: {value}" for name, value in parameters(p).items()], manufacturer=NAME
        ),
        measurements=measurements,
        qualitative_evaluations=[
            QualitativeEvaluation(coded(NOTES_CODES[what]), codes.SCT.Yes if reliable else codes.SCT.No)
            for what, (reliable, _) in one.trust.items()
        ],
        source_images=[
            SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)
            for image in _unique(images[film_path(film)] for film in shown)
        ],
    )
    for what, (_, reason) in one.trust.items():
        if reason:
            name = NOTES_CODES[what.replace("reliable", "reason")]
            group[0].ContentSequence.append(TextContentItem(coded(name), reason, relationship_type="CONTAINS"))
    return group


def _unique(images: Iterable[Dataset]) -> list[Dataset]:
    return list({image.SOPInstanceUID: image for image in images}.values())


def _time_point(one: Figures, first: MeasuredHand | None, dated: bool) -> Any:
    from highdicom.sr import LongitudinalTemporalOffsetFromEvent, TimePointContext
    from pydicom.sr.codedict import codes

    baseline = first is not None and one.visit == first.visit
    offset = None
    if one.day is not None and first is not None and first.day is not None:
        offset = LongitudinalTemporalOffsetFromEvent((one.day - first.day).days, codes.UCUM.Day, codes.cid280.Baseline)
    return TimePointContext(
        time_point=one.day.isoformat() if dated and one.day else f"Visit {one.visit}",
        time_point_type=codes.cid6146.Baseline if baseline else None,
        time_point_order=one.visit,
        subject_time_point_identifier=f"Visit {one.visit}",
        temporal_offset_from_event=offset,
    )


def _points(one: Figures, first: MeasuredHand, images: Images) -> list[Any] | None:
    """Where on the baseline's film narrowing is read; DICOM counts from the corner of the first pixel."""
    if one.point is None or one.baseline is None:
        return None
    from highdicom.sr import CoordinatesForMeasurement, SourceImageForRegion

    x, y = (one.baseline.image.to_radiograph @ [*one.point, 1.0])[:2]
    row, col = first.radiograph.origin
    image = images[film_path(first)]
    return [
        CoordinatesForMeasurement(
            graphic_type="POINT",
            graphic_data=np.array([[x + col + 0.5, y + row + 0.5]]),
            source_image=SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID),
        )
    ]
