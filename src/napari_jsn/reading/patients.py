"""Where the readings of a patient are kept by default, and what was measured before."""

from __future__ import annotations

import os
from pathlib import Path

from napari_jsn.common.errors import InputError
from napari_jsn.patient.patient import Patient
from napari_jsn.progression.progression import Progression
from napari_jsn.store import Store

#: Name of a store that nobody named.
STORE_NAME = "readings.db"


def default_store(folder: str | os.PathLike[str]) -> Path:
    """Return where the readings of a patient are kept by default: beside the folder of the patient.

    Readings of the shipped samples are kept in the user's folder, because the package must not change.
    """
    import napari_jsn

    place = Path(folder).absolute()
    if place.is_relative_to(Path(napari_jsn.__file__).parent):
        from platformdirs import user_data_path

        return user_data_path("napari-jsn", appauthor=False, ensure_exists=True) / STORE_NAME
    return place.parent / STORE_NAME


def measured_before(store: Store, patient: Patient) -> Progression | None:
    """Return the stored measurement of the same radiographs; None if there is none, or others were measured."""
    if patient.patient_id not in store.visits():
        return None
    given = {(visit.number, (hand.side or "")): hand.radiograph for visit in patient.visits for hand in visit.hands}
    paths = {str(each.path.absolute()) for each in given.values() if each.path is not None}
    folders = {Path(path).parent for path in paths}
    try:
        found = store.progression(patient.patient_id, folders, given)
    except InputError:
        return None
    stored = {str(hand.radiograph.path.absolute()) for hand in found.hands if hand.radiograph.path is not None}
    return found if stored and stored == paths else None
