"""Convert a progression to rows of the store, and rows to an equal progression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_jsn import __version__
from napari_jsn.common.notes import Note
from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.joint.crop import crop_geometry, joint_image
from napari_jsn.joint.similarity import Similarity
from napari_jsn.progression.narrowing import JointView, MeasuredHand, Narrowing
from napari_jsn.progression.progression import Decision, Progression
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.result import Registration
from napari_jsn.registration.warp import images_of_pair
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.store.encoding import estimate, from_json, number, packed, reasons, to_json, unpacked
from napari_jsn.store.radiograph_files import FileState, facts_of, hash_of_radiograph
from napari_jsn.store.schema import JointRow, MeasurementRow, ProgressionRow, RadiographRow, VisitRow
from napari_jsn.store.stored_images import StoredJointImage, StoredRegistration, deferred
from napari_jsn.width.result import JointSpaceWidth

if TYPE_CHECKING:
    import pandas as pd

#: Returns the radiograph of a row.
FindRadiograph = Callable[[RadiographRow, int], Radiograph]

#: Columns of joints in memory: a measurement in which one joint was measured again is saved as a whole.
_columns: WeakKeyDictionary[JointView, dict[str, Any]] = WeakKeyDictionary()


@dataclass(frozen=True)
class RowsOfPatient:
    """The rows of one measured patient; visits hold radiographs, which hold joints, by position."""

    progression: ProgressionRow
    visits: Sequence[tuple[VisitRow, Sequence[tuple[RadiographRow, Sequence[JointRow]]]]]
    measurements: Sequence[MeasurementRow]
    decisions: tuple[Decision, ...] = ()


# ------------------------------------------------------------------------------------------------ progression to rows


def rows_of(progression: Progression, reader: str, now: datetime) -> RowsOfPatient:
    """Return the rows of a progression, without the keys that the database gives them."""
    table = progression.table()
    head = ProgressionRow(
        saved=now,
        reader=reader,
        notes=to_json([[str(note), note.public] if isinstance(note, Note) else [note] for note in progression.notes]),
        models=to_json(progression.models),
        method=progression.method,
        device=progression.device,
        seconds=progression.seconds,
        software=f"napari-jsn {__version__}",
        columns=to_json(list(table.columns)),
        kinds=to_json([dtype.kind for dtype in table.dtypes]),
        hand_scales=to_json([[*pair, scale] for pair, scale in progression.hand_scales.items()]),
    )
    visits: list[tuple[VisitRow, list[tuple[RadiographRow, list[JointRow]]]]] = []
    for number_of_visit in sorted({hand.visit for hand in progression.hands}):
        hands = [hand for hand in progression.hands if hand.visit == number_of_visit]
        visits.append((VisitRow(visit=number_of_visit, day=hands[0].day), [_radiograph_rows(hand) for hand in hands]))
    by_key = {(row.side, row.joint, row.visit): row for row in progression.narrowings}
    order = {key: place for place, key in enumerate(by_key)}
    measurements = []
    for cells in table.itertuples(index=False, name=None):
        cell = dict(zip(table.columns, cells, strict=True))
        key = (cell["side"], cell["joint"], cell["visit"])
        measurements.append(_measurement_row(by_key[key], order[key], cell))
    return RowsOfPatient(head, visits, measurements)


def _radiograph_rows(hand: MeasuredHand) -> tuple[RadiographRow, list[JointRow]]:
    radiograph = hand.radiograph
    state = FileState.of(radiograph.path)
    spacing = (None, None) if radiograph.spacing_mm is None else np.broadcast_to(radiograph.spacing_mm, 2).tolist()
    row = RadiographRow(
        side=hand.side or "",
        path=state.path,
        file_sha256=state.sha256,
        file_size=state.size,
        file_time=state.time,
        pixels_sha256=hash_of_radiograph(radiograph),
        rows=radiograph.shape[0],
        columns=radiograph.shape[1],
        spacing_row_mm=spacing[0],
        spacing_column_mm=spacing[1],
        spacing_source=radiograph.spacing_source,
        missing=to_json(hand.missing),
        reasons=to_json(hand.reasons),
        facts=facts_of(radiograph),
    )
    return row, [_joint_row(view) for view in hand.joints]


def _joint_row(view: JointView) -> JointRow:
    if view not in _columns:
        _columns[view] = _joint_columns(view)
    return JointRow(**_columns[view])


def _joint_columns(view: JointView) -> dict[str, Any]:
    found = view.masks if isinstance(view.masks, FoundBones) else None
    return {
        "joint": view.joint.name,
        "box": to_json(view.joint.box),
        "confidence": view.joint.confidence,
        "box_edited": view.joint.edited,
        "masks_painted": view.masks_painted,
        "mask_kind": "given" if found is None else "found",
        "mask_confidence": None if found is None else found.confidence,
        "masks": packed(view.masks.labels),
        "reasons": to_json([view.reasons, () if found is None else found.reasons]),
        "jsw_px": _or_none(view.jsw.px),
        "jsw_sd_px": _or_none(view.jsw.sd_px),
        "jsw_reasons": to_json(view.jsw.reasons),
        "margins": packed(np.stack([view.jsw.upper, view.jsw.lower])),
    }


def _measurement_row(row: Narrowing, place: int, cell: Mapping[str, Any]) -> MeasurementRow:
    named = ("jsn_mm", "jsn_sd_mm", "ci_low_mm", "ci_high_mm", "jsw_change_mm", "jsw_change_sd_mm")
    details = {
        "narrowing_px": row.narrowing_px,
        "spacing_mm": row.spacing_mm,
        "reasons": row.reasons,
        "angle_deg": row.angle_deg,
        "closure_px": row.closure_px,
        "width_change_px": row.width_change_px,
        "wide_mm": row.wide_mm,
        "views": [row.baseline is not None, row.followup is not None],
        "registration": None if row.registration is None else _registration_details(row.registration),
    }
    return MeasurementRow(
        place=place,
        joint=row.joint,
        side=row.side,
        visit=row.visit,
        **{name: _or_none(float(cell[name])) for name in named},
        reliable=row.reliable,
        state=row.state,
        reasons=str(cell["reasons"]),
        changed_by_hand=row.changed_by_hand,
        out_of_date=False,
        figures=to_json(list(cell.values())),
        details=to_json(details),
    )


def _registration_details(one: Registration) -> dict[str, Any]:
    return {
        "maps": [[bone.dz, bone.dtheta, bone.dx, bone.dy, bone.centre] for bone in (one.upper, one.lower)],
        "narrowing_px": one.narrowing_px,
        "point": one.point,
        "axis": one.axis,
        "reasons": one.reasons,
        "method": one.method,
        "losses": [one.original_loss, one.transformed_loss],
        "spacing_mm": one.spacing_mm,
        "wide_mm": one.wide_mm,
        "checks": one.checks,
        "models": one.models,
    }


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


# ------------------------------------------------------------------------------------------------ rows to progression


def progression_of(rows: RowsOfPatient, patient: str, find: FindRadiograph) -> Progression:
    """Return the progression of rows; pixels are read when they are first used.

    Parameters
    ----------
    rows : RowsOfPatient
    patient : str
        Pseudonym.
    find : callable
        Returns the radiograph of a row, given the row and its visit.
    """
    hands: list[MeasuredHand] = []
    for visit, radiographs in rows.visits:
        for row, joints in radiographs:
            radiograph = find(row, visit.visit)
            side = row.side or None
            views = tuple(_view(joint, side, radiograph) for joint in joints)
            hands.append(
                MeasuredHand(
                    visit.visit, visit.day, side, radiograph, views, tuple(from_json(row.missing)),
                    reasons(from_json(row.reasons)),
                )
            )  # fmt: skip
    views_by_place = {(hand.visit, hand.side or "", view.joint.name): view for hand in hands for view in hand.joints}
    narrowings = tuple(
        _narrowing(row, views_by_place) for row in sorted(rows.measurements, key=lambda each: each.place)
    )
    head = rows.progression
    notes = tuple(each[0] if len(each) == 1 else Note(each[0], public=each[1]) for each in from_json(head.notes))
    scales = {(side, first, second): scale for side, first, second, scale in from_json(head.hand_scales)}
    return Progression(
        tuple(hands),
        narrowings,
        patient,
        notes,
        from_json(head.models),
        head.method,
        head.device,
        rows.decisions,
        scales,
        head.seconds,
    )


def _view(row: JointRow, side: str | None, radiograph: Radiograph) -> JointView:
    joint = Joint(row.joint, side, np.array(from_json(row.box), dtype=float), row.confidence, row.box_edited)
    labels = unpacked(row.masks)
    upper, lower = (labels & 1) != 0, (labels & 2) != 0
    of_view, of_masks = (reasons(each) for each in from_json(row.reasons))
    masks: BoneMasks = BoneMasks(upper, lower)
    if row.mask_kind == "found":
        masks = FoundBones(upper, lower, of_masks, number(row.mask_confidence))
    spacing_mm, to_radiograph, _ = crop_geometry(radiograph.spacing_mm, joint)
    image: JointImage = deferred(
        StoredJointImage,
        lambda: {"pixels": joint_image(radiograph, joint).pixels},
        spacing_mm=spacing_mm,
        to_radiograph=to_radiograph,
    )
    margins = unpacked(row.margins)
    jsw = JointSpaceWidth(
        estimate([row.jsw_px, row.jsw_sd_px]), spacing_mm, margins[0], margins[1], reasons(from_json(row.jsw_reasons))
    )
    return JointView(joint, image, masks, jsw, of_view, row.masks_painted)


def _narrowing(row: MeasurementRow, views: Mapping[tuple[int, str, str], JointView]) -> Narrowing:
    details = from_json(row.details)
    baseline, followup = (
        views.get((visit, row.side, row.joint)) if is_there else None
        for visit, is_there in zip((1, row.visit), details["views"], strict=True)
    )
    registration = details["registration"]
    return Narrowing(
        row.joint,
        row.side,
        row.visit,
        estimate(details["narrowing_px"]),
        details["spacing_mm"],
        reasons(details["reasons"]),
        number(details["angle_deg"]),
        number(details["closure_px"]),
        estimate(details["width_change_px"]),
        None if registration is None or baseline is None or followup is None
        else _registration(registration, baseline, followup),
        baseline,
        followup,
        number(details["wide_mm"]),
    )  # fmt: skip


def _registration(details: Mapping[str, Any], baseline: JointView, followup: JointView) -> Registration:
    upper, lower = (_similarity(*values) for values in details["maps"])
    original, transformed = map(number, details["losses"])
    masks = BoneMasks(baseline.masks.upper, baseline.masks.lower)
    if isinstance(baseline.masks, FoundBones):
        masks = FoundBones(masks.upper, masks.lower, (), baseline.masks.confidence)
    return deferred(
        StoredRegistration,
        partial(_images, baseline.image, followup.image, masks, (upper, lower)),
        upper=upper,
        lower=lower,
        narrowing_px=estimate(details["narrowing_px"]),
        point=np.array(details["point"], dtype=float),
        axis=np.array(details["axis"], dtype=float),
        reasons=reasons(details["reasons"]),
        method=details["method"],
        original_loss=original,
        transformed_loss=transformed,
        fixed_masks=masks,
        spacing_mm=details["spacing_mm"],
        wide_mm=number(details["wide_mm"]),
        checks={name: number(value) for name, value in details["checks"].items()},
        models=dict(details["models"]),
    )


def _similarity(dz: float, dtheta: float, dx: float, dy: float, centre: Sequence[float]) -> Similarity:
    return Similarity(dz, dtheta, dx, dy, (centre[0], centre[1]))


def _images(
    fixed: JointImage, moving: JointImage, regions: BoneMasks, maps: tuple[Similarity, Similarity]
) -> dict[str, Any]:
    images = images_of_pair(fixed, moving, regions, *maps)
    return {
        "transformed": images.transformed,
        "original_spectrum": images.original_spectrum,
        "transformed_spectrum": images.transformed_spectrum,
    }


def table_of(forms: Mapping[int, tuple[str, str]], rows: Iterable[tuple[int, str]]) -> pd.DataFrame:
    """Return the tables of progressions, one below the other, with the types of their columns.

    Parameters
    ----------
    forms : mapping of patient to (columns, kinds)
        JSON; see :class:`ProgressionRow`.
    rows : iterable of (patient, figures)
        JSON of each measurement; see :class:`MeasurementRow`.
    """
    import pandas as pd

    groups: dict[tuple[str, str], list[str]] = {}
    for patient, figures in rows:
        groups.setdefault(forms[patient], []).append(figures)
    parts = []
    for (columns, kinds), texts in groups.items():
        cells = from_json(f"[{','.join(texts)}]")  # all at once, which is faster than one by one
        by_column = zip(from_json(columns), from_json(kinds), zip(*cells, strict=True), strict=True)
        types = {"f": float, "b": bool, "i": int}
        parts.append(
            pd.DataFrame(
                {name: pd.Series(values, dtype=types.get(kind)) for name, kind, values in by_column}, copy=False
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
