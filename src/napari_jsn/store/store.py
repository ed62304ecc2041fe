"""``Store``: measurements, decisions and scores of patients in a database, with every change that was made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sqlalchemy import Engine

from napari_jsn.common.errors import InputError
from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.joint import BoneMasks, Joint
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.patient.patient import Patient
from napari_jsn.progression.narrowing import ChangedJoint, PlaceOfJoint
from napari_jsn.progression.progression import Progression
from napari_jsn.radiograph import Radiograph
from napari_jsn.store.changes import ChangeLog
from napari_jsn.store.corrections import corrections_of, joint_now, set_joint
from napari_jsn.store.database import open_database, reading, writing
from napari_jsn.store.frames import TableStore
from napari_jsn.store.measurements import check_patient, read_rows, save_progression
from napari_jsn.store.progression_rows import progression_of
from napari_jsn.store.radiograph_files import FileState, find_file, stored_radiograph
from napari_jsn.store.readings import HasTable, remove_scores, save_decision, save_scores
from napari_jsn.store.schema import RadiographRow

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = LazyModule("pandas")


def open_store(place: str | os.PathLike[str], reader: str | None = None, create: bool = True) -> Store:
    """Open a store of readings; an SQLite file that does not exist is made.

    Parameters
    ----------
    place : path or str
        Path of an SQLite file, or a URL of SQLAlchemy such as ``postgresql+psycopg://user@host/name``.
    reader : str, optional
        Who reads; stands in every change that this store makes.
    create : bool
        Whether an SQLite file that does not exist is made.

    Returns
    -------
    Store

    Raises
    ------
    InputError
        If the store cannot be opened, or was made by another version.

    Examples
    --------
    >>> import tempfile
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P001")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with jsn.open_store(f"{folder}/trial.db", reader="A") as store:
    ...         store.save(progression)
    ...         found = store.progression("P001")
    >>> found.table().equals(progression.table())
    True
    """
    if reader is not None and not isinstance(reader, str):
        raise InputError(f"The reader is a {type(reader).__name__}. Give a name as text.", "reader")
    return Store(open_database(place, create), reader or "")


class Store(TableStore):
    """Measurements, decisions and scores of patients in a database; see :func:`open_store`.

    Examples
    --------
    >>> import tempfile
    >>> import napari_jsn as jsn
    >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db") as store:
    ...     len(store.measurements()), len(store.changes())
    (0, 0)
    """

    def __init__(self, engine: Engine, reader: str) -> None:
        super().__init__(engine, ChangeLog(engine, reader))

    def __enter__(self) -> Store:
        """Return the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self._engine.url.render_as_string(hide_password=True)}>"

    def close(self) -> None:
        """Close all connections; everything was saved before.

        Examples
        --------
        >>> import tempfile
        >>> import napari_jsn as jsn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     jsn.open_store(f"{folder}/trial.db").close()
        """
        self._engine.dispose()

    def refresh(self) -> None:
        """Take note of what other programs changed: it may be replaced from now on.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     with jsn.open_store(f"{folder}/trial.db", "A") as other:
        ...         other.decide("P1", "MCP2", "L", 2, "unsure")
        ...     store.refresh()  # without it, the next line raises an error
        ...     store.decide("P1", "MCP2", "L", 2, "accepted")
        """
        self._log.refresh()

    def check_patient(self, patient: Patient) -> None:
        """Raise an InputError if radiographs cannot be saved under their pseudonym, which is another patient's.

        Examples
        --------
        >>> import tempfile
        >>> import napari_jsn as jsn
        >>> patient = jsn.read_patient(jsn.sample_folder("hand_pair"), patient_id="P1")
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.check_patient(patient)
        """
        with reading(self._engine) as session:
            check_patient(session, patient)

    def save(self, result: Progression | pd.DataFrame | HasTable) -> None:
        """Save a measurement or scores; what is replaced is listed in the changes.

        Parameters
        ----------
        result : Progression or DataFrame
            A measurement, which replaces an earlier one of the same patient, with the decisions that it carries; or a
            long table of scores (``patient visit side site kind grade``, and perhaps ``mark not_scored reader session
            expected_grade sd method``), or what has such a ``table()``, which replaces the grades of the same sites,
            readers and sessions. Without a column ``reader``, the reader is the method or, without one, the store's.

        Raises
        ------
        InputError
            If this is no such result, a cell is wrong, a radiograph cannot be read, the patient is another one, a
            session is locked, another program changed the same meanwhile, or the store cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.scores()["grade"].tolist()
        [2.0]
        """
        import pandas

        if isinstance(result, Progression):
            with writing(self._engine) as session:
                save_progression(session, self._log, result)
            return
        scores = result.table() if isinstance(result, HasTable) and not isinstance(result, type) else result
        if not isinstance(scores, pandas.DataFrame):
            raise InputError(
                f"A store cannot save a {type(result).__name__}. Give a Progression or a table of scores.", "result"
            )
        with writing(self._engine) as session:
            save_scores(session, self._log, scores)

    def decide(
        self, patient: str, joint: str, side: str, visit: int, decision: str | None, comment: str = "",
        session: str = "",
    ) -> None:  # fmt: skip
        """Save a decision of the reader on one figure; an earlier one is replaced.

        Parameters
        ----------
        patient, joint, side, visit
            Which figure.
        decision : {"accepted", "rejected", "unsure"} or None
            None removes the decision.
        comment, session : str

        Raises
        ------
        InputError
            If an argument is wrong, the session is locked, or another program changed the decision meanwhile.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.decide("P1", "MCP2", "L", 2, "rejected", "blurred")
        ...     store.decisions()[["decision", "comment"]].values.tolist()
        [['rejected', 'blurred']]
        """
        with writing(self._engine) as open_session:
            save_decision(open_session, self._log, patient, (side, joint, visit), decision, comment, session)

    def joint(self, patient: str, visit: int, side: str, joint: str) -> ChangedJoint:
        """Return box and painted masks of a joint as they are now: as changed since it was measured, or as measured.

        Examples
        --------
        >>> import tempfile
        >>> import napari_jsn as jsn
        >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P1")
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(progression)
        ...     store.joint("P1", 1, "L", "MCP2").joint.edited
        False
        """
        with reading(self._engine) as session:
            return joint_now(session, patient, (visit, side, joint))

    def set_joint(self, patient: str, visit: int, side: str, joint: str, changed: ChangedJoint) -> None:
        """Save box and painted masks of a joint; the figures of the joint are out of date until it is measured again.

        Parameters
        ----------
        patient : str
        visit : int
        side, joint : str
        changed : ChangedJoint
            Without a box, the joint is not measured; without masks, they are found.

        Raises
        ------
        InputError
            If there is no such radiograph, box and masks do not fit it, or another program changed the joint meanwhile.

        Examples
        --------
        >>> import tempfile
        >>> import napari_jsn as jsn
        >>> from napari_jsn.progression.narrowing import ChangedJoint
        >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P1")
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(progression)
        ...     store.set_joint("P1", 1, "L", "MCP2", ChangedJoint(None))  # do not measure it
        ...     len(store.out_of_date())
        1
        """
        with writing(self._engine) as session:
            set_joint(session, self._log, patient, (visit, side, joint), changed)

    def set_box(self, patient: str, visit: int, side: str, joint: str, box: ArrayLike) -> None:
        """Save a box that a person set: (4, 2) corners as of :class:`napari_jsn.Joint`. Painted masks are dropped.

        Examples
        --------
        >>> import tempfile
        >>> import napari_jsn as jsn
        >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P1")
        >>> view = progression.narrowings[0].baseline
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(progression)
        ...     store.set_box("P1", 1, "L", "MCP2", view.joint.box + 2)
        ...     list(store.corrections("P1"))
        [(1, 'L', 'MCP2')]
        """
        moved = Joint(joint, side or None, np.asarray(box, dtype=float), edited=True)
        self.set_joint(patient, visit, side, joint, ChangedJoint(moved))

    def set_masks(self, patient: str, visit: int, side: str, joint: str, masks: BoneMasks | None) -> None:
        """Save masks that a person painted on the joint image of the present box; with None they are found again.

        Examples
        --------
        >>> import tempfile
        >>> import napari_jsn as jsn
        >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P1")
        >>> view = progression.narrowings[0].baseline
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(progression)
        ...     store.set_masks("P1", 1, "L", "MCP2", view.masks)
        ...     store.out_of_date().values.tolist()
        [['P1', 'MCP2', 'L', 2]]
        """
        with writing(self._engine) as session:
            now = joint_now(session, patient, (visit, side, joint))
            set_joint(session, self._log, patient, (visit, side, joint), replace(now, masks=masks))

    def corrections(self, patient: str) -> dict[PlaceOfJoint, ChangedJoint]:
        """Return the joints that were changed since they were measured, by visit, side and joint.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.corrections("P1")
        {}
        """
        with reading(self._engine) as session:
            return corrections_of(session, patient)

    def remove_scores(self, patient: str, sites: Sequence[tuple[str, str, str, str]], session: str = "") -> None:
        """Remove grades of the store's reader, each named by (visit, side, site, kind).

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.remove_scores("P1", [("1", "L", "MCP2", "jsn")])
        ...     len(store.scores()), len(store.changes())
        (0, 2)
        """
        with writing(self._engine) as open_session:
            remove_scores(open_session, self._log, patient, sites, session)

    def progression(
        self,
        patient: str,
        folders: Iterable[str | os.PathLike[str]] = (),
        radiographs: Mapping[tuple[int, str], Radiograph] | None = None,
    ) -> Progression:
        """Return the measurement of a patient as it was saved; pixels are read when they are first used.

        Parameters
        ----------
        patient : str
            Pseudonym.
        folders : sequence of path
            Where files of radiographs are searched that are no longer at their place.
        radiographs : mapping of (visit, side) to Radiograph, optional
            Radiographs that were given as pixels, without a file; the side is ``""`` where it is not known.

        Raises
        ------
        InputError
            If there is no such patient, or the file of a radiograph is not found or was changed.

        Examples
        --------
        >>> import tempfile
        >>> import napari_jsn as jsn
        >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P1")
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(progression)
        ...     store.progression("P1").table().equals(progression.table())
        True
        """
        searched = [Path(folder) for folder in folders]
        given = dict(radiographs or {})

        def find(row: RadiographRow, visit: int) -> Radiograph:
            label = f"{radiograph_label(visit, row.side or None)} of {patient}"
            if (visit, row.side) in given:
                return _given(row, given[visit, row.side], label)
            state = find_file(FileState(row.path, row.file_sha256, row.file_size, row.file_time), searched, label)
            return stored_radiograph(row.facts, state, row.pixels_sha256, (row.rows, row.columns), label)

        with reading(self._engine) as session:
            rows = read_rows(session, patient)
        return progression_of(rows, patient, find)


def _given(row: RadiographRow, radiograph: Radiograph, label: str) -> Radiograph:
    from napari_jsn.store.radiograph_files import pixels_sha256

    if pixels_sha256(radiograph.pixels) != row.pixels_sha256:
        text = f"The pixels of {label} differ from those that were measured. Give the same radiograph."
        raise InputError(text, "radiographs")
    return radiograph
