"""The tables of a store, as typed models of SQLAlchemy; the version of the schema changes with them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

import numpy as np
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from napari_jsn.common.errors import InputError

#: Version of the tables below; a store of another version is refused.
SCHEMA_VERSION = 2

#: The largest whole number that every database holds in an integer column.
LARGEST = 2**31 - 1


def _is_utf8(text: str) -> bool:
    """Return whether a text has no half of a surrogate pair, which stands for bytes that are no UTF-8."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


class CheckedText(TypeDecorator[str]):
    """A text that every database can hold; another value is refused with an :class:`InputError`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return the text as it is, or raise an error."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise InputError(f"{value!r} is a {type(value).__name__}. Give a text.")
        if "\0" in value or not _is_utf8(value):
            raise InputError(f"The text {value[:40]!r} has a character that a database cannot hold. Remove it.")
        return value


class CheckedInteger(TypeDecorator[int]):
    """A whole number that every database can hold; another value is refused with an :class:`InputError`."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Return the number, or raise an error."""
        if value is None:
            return None
        if not isinstance(value, (int, np.integer)) or not -LARGEST <= value <= LARGEST:
            raise InputError(f"{value!r} is no whole number between -{LARGEST} and {LARGEST}. Give one.")
        return int(value)


class Base(DeclarativeBase):
    """Base of all models."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: CheckedText(), int: CheckedInteger(), float: Double(), bool: Boolean(), bytes: LargeBinary(),
        date: Date(), datetime: DateTime(timezone=False),
    }  # fmt: skip


def _owner(table: str) -> Mapped[int]:
    """Return a column that names the row of another table; it is deleted with that row."""
    return mapped_column(ForeignKey(f"{table}.id", ondelete="CASCADE"), index=True)


class Info(Base):
    """What the store states about itself: the version of the schema, its key for identities."""

    __tablename__ = "info"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(CheckedText)


class PatientRow(Base):
    """A patient under a pseudonym; ``identity`` is a code that cannot be read without the key of the store."""

    __tablename__ = "patients"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient: Mapped[str] = mapped_column(unique=True)
    identity: Mapped[str] = mapped_column(default="")
    arm: Mapped[str] = mapped_column(default="")


class VisitRow(Base):
    """A visit of a patient; 1 is the baseline."""

    __tablename__ = "visits"
    __table_args__ = (UniqueConstraint("patient_id", "visit"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = _owner("patients")
    visit: Mapped[int]
    day: Mapped[date | None]


class RadiographRow(Base):
    """A radiograph of one hand: the hash of its file and of its pixels, where the file lies, and all facts about it.

    No pixel is stored. ``facts`` holds the other attributes of :class:`napari_jsn.Radiograph` as JSON.
    """

    __tablename__ = "radiographs"
    __table_args__ = (UniqueConstraint("visit_id", "side"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = _owner("visits")
    side: Mapped[str]
    path: Mapped[str] = mapped_column(CheckedText)
    file_sha256: Mapped[str]
    file_size: Mapped[int]
    file_time: Mapped[int] = mapped_column(BigInteger)
    pixels_sha256: Mapped[str]
    rows: Mapped[int]
    columns: Mapped[int]
    spacing_row_mm: Mapped[float | None]
    spacing_column_mm: Mapped[float | None]
    spacing_source: Mapped[str]
    missing: Mapped[str] = mapped_column(CheckedText)
    reasons: Mapped[str] = mapped_column(CheckedText)
    facts: Mapped[str] = mapped_column(CheckedText)


class JointRow(Base):
    """One joint on one radiograph: its box, its masks and its width; what a person changed is marked."""

    __tablename__ = "joints"
    __table_args__ = (UniqueConstraint("radiograph_id", "joint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    radiograph_id: Mapped[int] = _owner("radiographs")
    joint: Mapped[str]
    box: Mapped[str] = mapped_column(CheckedText)
    confidence: Mapped[float]
    box_edited: Mapped[bool]
    masks_painted: Mapped[bool]
    mask_kind: Mapped[str]
    mask_confidence: Mapped[float | None]
    masks: Mapped[bytes] = mapped_column(deferred=True)
    reasons: Mapped[str] = mapped_column(CheckedText)
    jsw_px: Mapped[float | None]
    jsw_sd_px: Mapped[float | None]
    jsw_reasons: Mapped[str] = mapped_column(CheckedText)
    margins: Mapped[bytes] = mapped_column(deferred=True)


class CorrectionRow(Base):
    """A box or masks that a person set and that have not been measured yet; ``box`` is empty if the joint was removed.

    ``masks`` are those that were painted; without them the bones are found when the joint is measured.
    """

    __tablename__ = "corrections"
    __table_args__ = (UniqueConstraint("patient_id", "visit", "side", "joint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = _owner("patients")
    visit: Mapped[int]
    side: Mapped[str]
    joint: Mapped[str]
    box: Mapped[str] = mapped_column(CheckedText)
    confidence: Mapped[float]
    box_edited: Mapped[bool]
    masks: Mapped[bytes | None]
    reader: Mapped[str]
    changed: Mapped[datetime]


class ProgressionRow(Base):
    """One measurement of a patient: notes, models with their hashes, method, device, duration and software.

    ``columns`` and ``kinds`` are the names and NumPy kinds of the columns of its table, as JSON; ``hand_scales`` the
    scales of the hands as ``[side, visit, visit, scale]``.
    """

    __tablename__ = "progressions"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"), unique=True)
    saved: Mapped[datetime]
    reader: Mapped[str]
    notes: Mapped[str] = mapped_column(CheckedText)
    models: Mapped[str] = mapped_column(CheckedText)
    method: Mapped[str]
    device: Mapped[str]
    seconds: Mapped[float | None]
    software: Mapped[str]
    columns: Mapped[str] = mapped_column(CheckedText)
    kinds: Mapped[str] = mapped_column(CheckedText)
    hand_scales: Mapped[str] = mapped_column(CheckedText)


class MeasurementRow(Base):
    """The narrowing of one joint at one follow-up visit.

    The columns that are most used stand here by name. ``figures`` holds the cells of all columns of the table of the
    progression (named in ``progressions.columns``) as JSON, and ``details`` what is needed to restore the result.
    ``out_of_date`` marks a figure whose box or mask was changed after it was measured.
    """

    __tablename__ = "measurements"
    __table_args__ = (UniqueConstraint("patient_id", "side", "joint", "visit"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = _owner("patients")
    place: Mapped[int]
    joint: Mapped[str]
    side: Mapped[str]
    visit: Mapped[int]
    jsn_mm: Mapped[float | None]
    jsn_sd_mm: Mapped[float | None]
    ci_low_mm: Mapped[float | None]
    ci_high_mm: Mapped[float | None]
    jsw_change_mm: Mapped[float | None]
    jsw_change_sd_mm: Mapped[float | None]
    reliable: Mapped[bool]
    state: Mapped[str]
    reasons: Mapped[str] = mapped_column(CheckedText)
    changed_by_hand: Mapped[bool]
    out_of_date: Mapped[bool] = mapped_column(default=False)
    figures: Mapped[str] = mapped_column(CheckedText, deferred=True)
    details: Mapped[str] = mapped_column(CheckedText, deferred=True)


class SourceRow(Base):
    """One patient of a cohort: from which folder or table, how far it is, and what it was measured from.

    ``content`` is a hash of the files, of what the table states, and of models, options and software; ``files`` are the
    files with size, time and hash, as JSON; ``log`` is what happened when it was measured.
    """

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(CheckedText, unique=True)
    patient: Mapped[str] = mapped_column(index=True)
    state: Mapped[str]
    sentence: Mapped[str] = mapped_column(CheckedText)
    content: Mapped[str]
    files: Mapped[str] = mapped_column(CheckedText, deferred=True)
    joints: Mapped[int]
    seconds: Mapped[float]
    arm: Mapped[str]
    age: Mapped[str]
    sex: Mapped[str]
    log: Mapped[str] = mapped_column(CheckedText, deferred=True)
    changed: Mapped[datetime]


class SessionRow(Base):
    """A reading session of a reader: order of reading, seed, scoring scheme, and whether it is locked.

    ``scheme`` is the name of the scheme and ``scheme_content`` its sites and highest grades, as JSON.
    """

    __tablename__ = "sessions"
    __table_args__ = (UniqueConstraint("reader", "session"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reader: Mapped[str]
    session: Mapped[str]
    reading_order: Mapped[str]
    seed: Mapped[int]
    repeated_share: Mapped[float] = mapped_column(Float, default=0.0)
    created: Mapped[datetime]
    locked: Mapped[datetime | None]
    plan: Mapped[str] = mapped_column(CheckedText, default="[]")
    scheme: Mapped[str] = mapped_column(default="")
    scheme_content: Mapped[str] = mapped_column(CheckedText, default="")


class ItemRow(Base):
    """How far a reader is with one item of the work list; ``session`` is empty outside of one.

    ``shown`` is what an interface showed last of the item, as JSON.
    """

    __tablename__ = "reading_items"
    __table_args__ = (UniqueConstraint("reader", "session", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reader: Mapped[str]
    session: Mapped[str]
    code: Mapped[str]
    state: Mapped[str]
    shown: Mapped[str] = mapped_column(CheckedText)
    changed: Mapped[datetime]


class DecisionRow(Base):
    """A reader's decision on one figure: accepted, rejected or unsure, with a comment."""

    __tablename__ = "decisions"
    __table_args__ = (UniqueConstraint("patient_id", "side", "joint", "visit", "reader", "session"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = _owner("patients")
    joint: Mapped[str]
    side: Mapped[str]
    visit: Mapped[int]
    decision: Mapped[str]
    comment: Mapped[str] = mapped_column(CheckedText)
    reader: Mapped[str]
    session: Mapped[str]
    changed: Mapped[datetime]


class ScoreRow(Base):
    """The grade of a site by a reader or by a model.

    Of a model, ``method`` is its name, ``expected_grade`` the mean of the probabilities of its grades and ``sd`` their
    standard deviation; of a reader, these are empty.
    """

    __tablename__ = "scores"
    __table_args__ = (UniqueConstraint("patient_id", "visit", "side", "site", "kind", "reader", "session"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = _owner("patients")
    visit: Mapped[str]
    side: Mapped[str]
    site: Mapped[str]
    kind: Mapped[str]
    grade: Mapped[float | None]
    mark: Mapped[str]
    not_scored: Mapped[str]
    expected_grade: Mapped[float | None]
    sd: Mapped[float | None]
    method: Mapped[str] = mapped_column(default="")
    reader: Mapped[str]
    session: Mapped[str]
    changed: Mapped[datetime]


class ChangeRow(Base):
    """One change: who, when, of what, what it was and what it became. Rows are only added."""

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    changed: Mapped[datetime]
    reader: Mapped[str]
    session: Mapped[str]
    writer: Mapped[str]
    patient: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    item: Mapped[str] = mapped_column(CheckedText)
    was: Mapped[str] = mapped_column(CheckedText)
    became: Mapped[str] = mapped_column(CheckedText)
