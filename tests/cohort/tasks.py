"""Tasks that take the place of a measurement: they return rows that were measured before, wait or fail."""

import time
from dataclasses import replace
from functools import cache

import pandas as pd

import napari_jsn as jsn
from napari_jsn.cohort.task import Outcome, content_of
from napari_jsn.store.changes import now_utc
from napari_jsn.store.cohorts import CohortPatient
from napari_jsn.store.progression_rows import rows_of


@cache
def measured():
    return jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2", "PIP3"], patient_id="P")


def outcome(source, options, joints=None):
    progression = replace(measured(), patient_id=source.label)
    rows = rows_of(progression, "", now_utc())
    patient = CohortPatient(
        source.key, progression.patient_id, "measured",
        content=content_of(source, [["/a.dcm", 1, 1, "00"]], options.made_with),
        joints=len(rows.measurements), seconds=1.0, arm=source.arm, log="log\n", files='[["/a.dcm", 1, 1, "00"]]',
    )  # fmt: skip
    return Outcome(patient, rows)


def quick(source, options, known=None):
    return outcome(source, options)


def failing(source, options, known=None):
    """Raise an error for some patients, which a real task does not."""
    if source.name.endswith("1"):
        raise RuntimeError("broken")
    return outcome(source, options)


def scored(source, options, known=None):
    """Return scores too: of all radiographs, or of the last one where ``options.score`` is "one"."""
    visits = ("2",) if options.score == "one" else ("1", "2")
    scores = pd.DataFrame(
        [(source.name, visit, "L", "MCP2", "jsn", 1, 1.25, 0.5, "", "two-stage") for visit in visits],
        columns=["patient", "visit", "side", "site", "kind", "grade", "expected_grade", "sd", "not_scored", "method"],
    )
    return replace(outcome(source, options), scores=scores)


def one_identity(source, options, known=None):
    return replace(outcome(source, options), identity="0" * 32)


def other_files(source, options, known=None):
    found = outcome(source, options)
    return replace(found, patient=replace(found.patient, files='[["/b.dcm", 1, 1, "11"]]'))


def slow(source, options, known=None):
    time.sleep(0.3)
    return outcome(source, options)
