"""Measurement groups of a structured report for grades: one site at one visit, with who gave the grade."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from napari_jsn.anatomy import PRIVATE, SIDE_CODES, Code, joint_code
from napari_jsn.anatomy.joints import JOINTS
from napari_jsn.anatomy.sites import SITE_TITLES
from napari_jsn.export.dicom.shared import derived_uid, dicom_code
from napari_jsn.export.dicom.source import radiograph_path
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    import pandas as pd

GRADE_CODES = {
    "jsn": Code("GRADE_JSN", PRIVATE, "Grade of joint space narrowing"),
    "erosion": Code("GRADE_EROSION", PRIVATE, "Grade of erosion"),
}
MODEL_CODES = {
    "jsn": Code("MODEL_GRADE_JSN", PRIVATE, "Grade of joint space narrowing by the model"),
    "erosion": Code("MODEL_GRADE_ERO", PRIVATE, "Grade of erosion by the model"),
}
EXPECTED_CODES = {
    "jsn": Code("EXPECTED_JSN", PRIVATE, "Expected grade of joint space narrowing by the model"),
    "erosion": Code("EXPECTED_ERO", PRIVATE, "Expected grade of erosion by the model"),
}
#: Ending of the tracking identifier of a group of grades.
GRADES = " grades"
DAMAGE = Code("JOINT_DAMAGE", PRIVATE, "Joint damage")
GIVEN_BY = Code("GRADE_BY", PRIVATE, "Who gave the grade")


def grade_groups(progression: Progression, scores: pd.DataFrame, images: Mapping[Any, Any]) -> list[Any]:
    """Return a measurement group (TID 1501) for each site and visit that has a grade or a reason.

    Parameters
    ----------
    progression : Progression
    scores : DataFrame
        ``visit side site kind grade mark not_scored by edited model model_grade``, and perhaps ``expected_grade`` of
        the model; visits are numbers of the patient.
    images : mapping of path to Dataset
        Headers of the radiographs.
    """
    hands = {(hand.visit, hand.side or ""): hand for hand in progression.hands}
    given = [row for row in scores.to_dict("records") if row["by"]]
    given.sort(key=lambda row: (row["visit"], row["side"], str(row["site"])))
    groups = []
    for (visit, side, site), rows in groupby(given, key=lambda row: (row["visit"], row["side"], row["site"])):
        hand = hands.get((visit, side))
        if hand is not None:
            image = images[radiograph_path(hand)]
            groups.append(_group(progression.patient_id, int(visit), str(side), str(site), list(rows), image))
    return groups


def _group(patient: str, visit: int, side: str, site: str, rows: list[dict[Any, Any]], image: Any) -> Any:
    from highdicom.sr import (
        FindingSite,
        Measurement,
        MeasurementsAndQualitativeEvaluations,
        SourceImageForMeasurementGroup,
        TextContentItem,
        TimePointContext,
        TrackingIdentifier,
    )
    from pydicom.sr.codedict import codes

    measurements = []
    for row in rows:
        for concepts, value in (
            (GRADE_CODES, row["grade"]),
            (MODEL_CODES, row["model_grade"] if row["edited"] else None),
            (EXPECTED_CODES, row.get("expected_grade")),
        ):
            if value is not None and value == value:
                measurements.append(Measurement(dicom_code(concepts[row["kind"]]), float(value), codes.UCUM.NoUnits))
    where = SIDE_CODES.get(side)
    kind, finger = joint_code(site) if site in JOINTS else (Code(site.upper(), PRIVATE, SITE_TITLES[site]), None)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            derived_uid("grades", patient, side, site, image.SOPInstanceUID),
            " ".join(filter(None, (side, site))) + GRADES,
        ),
        time_point_context=TimePointContext(f"Visit {visit}", time_point_order=visit),
        finding_type=dicom_code(DAMAGE),
        finding_sites=[FindingSite(dicom_code(kind), where and dicom_code(where), finger and dicom_code(finger))],
        measurements=measurements,
        source_images=[SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)],
    )
    for row in rows:
        group[0].ContentSequence.append(TextContentItem(dicom_code(GIVEN_BY), _who(row), relationship_type="CONTAINS"))
    return group


def _who(row: dict[Any, Any]) -> str:
    """Return who gave a grade, what was changed, and what stands beside it."""
    text = f"{row['kind']}: "
    if row["edited"]:
        text += f"by the reader {row['by']}"
        if row["model"]:
            model = f"{row['model_grade']:g}" if row["model_grade"] == row["model_grade"] else "no grade"
            text += f", changed from that of the model {row['model']} ({model})"
    else:
        text += f"by the model {row['by']}"
    if row["mark"]:
        text += f"; {row['mark']}"
    if row["model"] and row.get("model_statement"):
        text += f"; model: {row['model_statement']}"
    return text + (f"; not scored: {row['not_scored'].replace('_', ' ')}" if row["not_scored"] else "")
