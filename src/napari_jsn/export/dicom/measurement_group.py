"""A measurement group of a structured report: one joint at one visit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn import __version__
from napari_jsn.anatomy import NOTES_CODES, SIDE_CODES, STATE_CODES, joint_code
from napari_jsn.export.dicom.measurements import JointMeasurements, column_code
from napari_jsn.export.dicom.shared import NAME, algorithm_parameters, dicom_code
from napari_jsn.export.dicom.source import radiograph_path, tracking_uid
from napari_jsn.progression.narrowing import MeasuredHand
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    from pydicom import Dataset

#: Header of each file.
Images = Mapping[Path, "Dataset"]
#: Hand of each side and visit.
Hands = Mapping[tuple[str, int], MeasuredHand]


def measurement_group(
    progression: Progression, measured: JointMeasurements, images: Images, hands: Hands, dated: bool
) -> Any:
    """Return the measurement group (TID 1501) of one joint at one visit; with ``dated`` the visit is given by day."""
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

    kind, finger = joint_code(measured.joint)
    side = SIDE_CODES.get(measured.side)
    first = hands.get((measured.side, min(hand.visit for hand in progression.hands)))
    shown = [hand for hand in dict.fromkeys((first, hands.get((measured.side, measured.visit)))) if hand is not None]
    parameters = [f"{name}: {value}" for name, value in algorithm_parameters(progression).items()]
    measurements = []
    for column, value in measured.values.items():
        concept, unit = column_code(column)
        where = _points(measured, first, images) if column in ("jsn_mm", "jsn_px") and first else None
        measurements.append(Measurement(dicom_code(concept), value, dicom_code(unit), referenced_coordinates=where))
    evaluations = [
        QualitativeEvaluation(dicom_code(NOTES_CODES[name]), codes.SCT.Yes if reliable else codes.SCT.No)
        for name, (reliable, _) in measured.reliability.items()
    ]
    if measured.state:
        state = dicom_code(STATE_CODES[measured.state])
        evaluations.append(QualitativeEvaluation(dicom_code(NOTES_CODES["state"]), state))
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            tracking_uid(progression, images, measured.side, measured.joint),
            " ".join(filter(None, (measured.side, measured.joint))),
        ),
        time_point_context=_time_point(measured, first, dated),
        finding_type=dicom_code(NOTES_CODES["joint_space"]),
        finding_sites=[FindingSite(dicom_code(kind), side and dicom_code(side), dicom_code(finger))],
        algorithm_id=AlgorithmIdentification(NAME, __version__, parameters, manufacturer=NAME),
        measurements=measurements,
        qualitative_evaluations=evaluations,
        source_images=[
            SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)
            for image in _unique(images[radiograph_path(hand)] for hand in shown)
        ],
    )
    for name, (_, reason) in measured.reliability.items():
        if reason:
            code = dicom_code(NOTES_CODES[name.replace("reliable", "reason")])
            group[0].ContentSequence.append(TextContentItem(code, reason, relationship_type="CONTAINS"))
    for name, text in measured.by_persons:
        item = TextContentItem(dicom_code(NOTES_CODES[name]), text, relationship_type="CONTAINS")
        group[0].ContentSequence.append(item)
    return group


def _unique(images: Iterable[Dataset]) -> list[Dataset]:
    return list({image.SOPInstanceUID: image for image in images}.values())


def _time_point(measured: JointMeasurements, first: MeasuredHand | None, dated: bool) -> Any:
    from highdicom.sr import LongitudinalTemporalOffsetFromEvent, TimePointContext
    from pydicom.sr.codedict import codes

    baseline = first is not None and measured.visit == first.visit
    offset = None
    if measured.day is not None and first is not None and first.day is not None:
        offset = LongitudinalTemporalOffsetFromEvent(
            (measured.day - first.day).days, codes.UCUM.Day, codes.cid280.Baseline
        )
    return TimePointContext(
        time_point=measured.day.isoformat() if dated and measured.day else f"Visit {measured.visit}",
        time_point_type=codes.cid6146.Baseline if baseline else None,
        time_point_order=measured.visit,
        subject_time_point_identifier=f"Visit {measured.visit}",
        temporal_offset_from_event=offset,
    )


def _points(measured: JointMeasurements, first: MeasuredHand, images: Images) -> list[Any] | None:
    """The point of narrowing on the baseline radiograph; DICOM coordinates start at the corner of the first pixel."""
    if measured.point is None or measured.baseline is None:
        return None
    from highdicom.sr import CoordinatesForMeasurement, SourceImageForRegion

    x, y = (measured.baseline.image.to_radiograph @ [*measured.point, 1.0])[:2]
    row, col = first.radiograph.origin
    image = images[radiograph_path(first)]
    return [
        CoordinatesForMeasurement(
            graphic_type="POINT",
            graphic_data=np.array([[x + col + 0.5, y + row + 0.5]]),
            source_image=SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID),
        )
    ]
