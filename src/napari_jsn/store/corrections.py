"""Boxes and masks that a person changed: until the joint is measured again, its figures are out of date."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from napari_jsn.anatomy.joints import bones_of
from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks, Joint
from napari_jsn.joint.crop import crop_geometry
from napari_jsn.progression.narrowing import ChangedJoint, PlaceOfJoint
from napari_jsn.store.changes import ChangeLog, now_utc
from napari_jsn.store.encoding import from_json, packed, to_json, unpacked
from napari_jsn.store.readings import patient_row
from napari_jsn.store.schema import CorrectionRow, JointRow, MeasurementRow, PatientRow, RadiographRow, VisitRow

#: Columns of :func:`boxes_of`: corners in pixels of the radiograph, and what was changed since the last measurement.
BOX_COLUMNS = (
    "patient", "visit", "side", "joint", *(f"{axis}_{k}" for k in range(1, 5) for axis in ("row", "column")),
    "box_edited", "masks_painted", "not_measured_yet", "reader", "changed",
)  # fmt: skip


def joint_now(session: Session, patient: str, place: PlaceOfJoint) -> ChangedJoint:
    """Return box and painted masks of a joint as they are now; without a box where the joint was removed or not found.

    Raises
    ------
    InputError
        If there is no such patient or radiograph.
    """
    owner = patient_row(session, patient)
    _radiograph(session, owner, place)
    row = _correction(session, owner, place)
    return _as_measured(session, owner, place) if row is None else _changed_joint(row)


def corrections_of(session: Session, patient: str) -> dict[PlaceOfJoint, ChangedJoint]:
    """Return the joints of a patient that were changed since they were measured."""
    owner = patient_row(session, patient)
    rows = session.scalars(select(CorrectionRow).where(CorrectionRow.patient_id == owner.id).order_by(CorrectionRow.id))
    return {(row.visit, row.side, row.joint): _changed_joint(row) for row in rows}


def boxes_of(session: Session, patient: str | None) -> list[tuple[Any, ...]]:
    """Return every joint as it is now, by patient, visit, side and joint; the columns are ``BOX_COLUMNS``.

    Joints that a person removed have no box.
    """
    measured = (
        select(PatientRow.patient, VisitRow.visit, RadiographRow.side, JointRow)
        .join(RadiographRow, JointRow.radiograph_id == RadiographRow.id)
        .join(VisitRow, RadiographRow.visit_id == VisitRow.id)
        .join(PatientRow, VisitRow.patient_id == PatientRow.id)
    )
    changed = select(PatientRow.patient, CorrectionRow).join(PatientRow, CorrectionRow.patient_id == PatientRow.id)
    if patient is not None:
        measured = measured.where(PatientRow.patient == patient)
        changed = changed.where(PatientRow.patient == patient)
    found: dict[tuple[str, int, str, str], tuple[Any, ...]] = {}
    for name, visit, side, row in session.execute(measured):
        corners = np.ravel(from_json(row.box)).tolist()
        found[name, visit, side, row.joint] = (*corners, row.box_edited, row.masks_painted, False, "", None)
    for name, one in session.execute(changed):
        corners = np.ravel(from_json(one.box)).tolist() if one.box else [math.nan] * 8
        masks = one.masks is not None
        found[name, one.visit, one.side, one.joint] = (*corners, one.box_edited, masks, True, one.reader, one.changed)
    return [(*key, *found[key]) for key in sorted(found)]


def set_joint(session: Session, log: ChangeLog, patient: str, place: PlaceOfJoint, changed: ChangedJoint) -> None:
    """Write a box and masks, and mark the figures of the joint that are out of date.

    If they are as measured, nothing is out of date any more.
    """
    visit, side, name = place
    bones_of(name)
    owner = patient_row(session, patient)
    radiograph = _radiograph(session, owner, place)
    _check(radiograph, changed)
    row, measured, now = _correction(session, owner, place), _as_measured(session, owner, place), now_utc()
    before = measured if row is None else _changed_joint(row)
    log.add(session, now, patient, "joint", [((side, name, visit), _text(before), _text(changed))])
    if row is not None:
        session.delete(row)
        session.flush()
    if _text(changed) != _text(measured):
        joint = changed.joint
        session.add(
            CorrectionRow(
                patient_id=owner.id, visit=visit, side=side, joint=name,
                box="" if joint is None else to_json(joint.box),
                confidence=0.0 if joint is None else joint.confidence,
                box_edited=True if joint is None else joint.edited,
                masks=None if changed.masks is None else packed(changed.masks.labels),
                reader=log.reader, changed=now,
            )
        )  # fmt: skip
        session.flush()
    mark_out_of_date(session, owner)


def drop_measured(session: Session, owner: PatientRow) -> None:
    """Remove the corrections that the present measurement contains, and mark the figures of the others."""
    corrections = session.scalars(select(CorrectionRow).where(CorrectionRow.patient_id == owner.id)).all()
    if not corrections:  # the figures were measured just now
        return
    for row in corrections:
        place = (row.visit, row.side, row.joint)
        if _text(_changed_joint(row)) == _text(_as_measured(session, owner, place)):
            session.delete(row)
    session.flush()
    mark_out_of_date(session, owner)


def mark_out_of_date(session: Session, owner: PatientRow) -> None:
    """Mark the figures of each joint that was changed, at all visits: they follow from all pairs of visits."""
    joints = select(CorrectionRow.side, CorrectionRow.joint).where(CorrectionRow.patient_id == owner.id)
    changed = {tuple(row) for row in session.execute(joints)}
    for row in session.scalars(select(MeasurementRow).where(MeasurementRow.patient_id == owner.id)):
        row.out_of_date = (row.side, row.joint) in changed


def _radiograph(session: Session, owner: PatientRow, place: PlaceOfJoint) -> RadiographRow:
    visit, side, _ = place
    row = session.scalar(
        select(RadiographRow)
        .join(VisitRow)
        .where(VisitRow.patient_id == owner.id, VisitRow.visit == visit, RadiographRow.side == side)
    )
    if row is None:
        raise InputError(
            f"The store has no radiograph of {owner.patient} at visit {visit}, side {side or 'unknown'}.", "visit"
        )
    return row


def _correction(session: Session, owner: PatientRow, place: PlaceOfJoint) -> CorrectionRow | None:
    visit, side, joint = place
    return session.scalar(
        select(CorrectionRow).where(
            CorrectionRow.patient_id == owner.id, CorrectionRow.visit == visit, CorrectionRow.side == side,
            CorrectionRow.joint == joint,
        )
    )  # fmt: skip


def _as_measured(session: Session, owner: PatientRow, place: PlaceOfJoint) -> ChangedJoint:
    visit, side, joint = place
    row = session.scalar(
        select(JointRow)
        .join(RadiographRow)
        .join(VisitRow)
        .where(
            VisitRow.patient_id == owner.id, VisitRow.visit == visit, RadiographRow.side == side,
            JointRow.joint == joint,
        )
        .options(undefer(JointRow.masks))
    )  # fmt: skip
    if row is None:
        return ChangedJoint(None)
    masks = _masks(row.masks) if row.masks_painted else None
    return ChangedJoint(Joint(joint, side or None, _box(row.box), row.confidence, row.box_edited), masks)


def _changed_joint(row: CorrectionRow) -> ChangedJoint:
    if not row.box:
        return ChangedJoint(None)
    joint = Joint(row.joint, row.side or None, _box(row.box), row.confidence, row.box_edited)
    return ChangedJoint(joint, None if row.masks is None else _masks(row.masks))


def _check(radiograph: RadiographRow, changed: ChangedJoint) -> None:
    """Refuse a box that is too small or outside, and masks that do not fit the image that it cuts out."""
    if changed.joint is None:
        return
    spacing = (radiograph.spacing_row_mm, radiograph.spacing_column_mm)
    _, _, shape = crop_geometry(
        None if spacing[0] is None or spacing[1] is None else (spacing[0], spacing[1]), changed.joint
    )
    row, column = changed.joint.centre
    if not (0 <= row < radiograph.rows and 0 <= column < radiograph.columns):
        raise InputError(f"The box of {changed.joint.name} lies outside the radiograph. Move it onto the joint.", "box")
    if changed.masks is not None and changed.masks.shape != shape:
        raise InputError(
            f"The masks of {changed.joint.name} have {changed.masks.shape} pixels, but its joint image has {shape}. "
            "Paint them on the image that its box cuts out.",
            "masks",
        )


def _text(changed: ChangedJoint) -> str:
    """Return what the table of changes states of a joint: box, whether it was set by hand, and painted masks."""
    if changed.joint is None:
        return ""
    masks = None if changed.masks is None else base64.b64encode(packed(changed.masks.labels)).decode()
    return to_json([changed.joint.box, changed.joint.edited, masks])


def _box(text: str) -> Any:
    return np.array(from_json(text), dtype=float)


def _masks(content: bytes) -> BoneMasks:
    labels = unpacked(content)
    return BoneMasks((labels & 1) != 0, (labels & 2) != 0)
