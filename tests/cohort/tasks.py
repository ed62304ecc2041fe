"""Tasks that take the place of a measurement: they return rows that were measured before, wait or fail."""

import time
from dataclasses import replace
from functools import cache

import napari_jsn as jsn
from napari_jsn.cohort.task import Outcome, content_of
from napari_jsn.store.changes import now_utc
from napari_jsn.store.cohorts import CohortPatient
from napari_jsn.store.progression_rows import rows_of


@cache
def measured():
    return jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2", "PIP3"], patient_id="P")


def outcome(source, options, joints=None):
    progression = replace(measured(), patient_id=source.patient or source.name)
    rows = rows_of(progression, "", now_utc())
    patient = CohortPatient(
        source.key, progression.patient_id, "measured", content=content_of(source, [], options.made_with),
        joints=len(rows.measurements), seconds=1.0, arm=source.arm, log="log\n",
    )  # fmt: skip
    return Outcome(patient, rows)


def quick(source, options, known=None):
    return outcome(source, options)


def failing(source, options, known=None):
    """Raise an error for some patients, which a real task does not."""
    if source.name.endswith("1"):
        raise RuntimeError("broken")
    return outcome(source, options)


def slow(source, options, known=None):
    time.sleep(0.3)
    return outcome(source, options)
