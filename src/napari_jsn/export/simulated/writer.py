"""Write simulated radiographs one at a time: complete visits only, with tables that list these."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder, written_errors
from napari_jsn.common.output_folder import OutputFolder
from napari_jsn.common.run_record import file_sha256, run_record
from napari_jsn.export.simulated import dicom, images, masks
from napari_jsn.export.simulated.truth import SCORES, TRUTH, radiograph_record, score_records, truth_records
from napari_jsn.export.table import table
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.registration.record import Record
from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph

#: File format to file name extension.
FORMATS = {"dicom": ".dcm", "png": ".png", "tiff": ".tif"}
MASKS = "masks"
_EROSIONS = f"{MASKS}/{masks.EROSIONS}"


class RadiographWriter:
    """Writer of simulated radiographs into a folder, one at a time; use it in a ``with`` block.

    ``<folder>/<patient>/`` gets a patient's radiographs and ``radiographs.csv``, one row per radiograph.
    ``<folder>/truth.csv`` gets one row per joint of all patients, and ``masks/`` the bones on request. The files of a
    visit are written when its last radiograph is there. If the block is interrupted, the folder has complete visits
    only, and the tables list these alone. At the end ``run.json`` is written, and files of an earlier run that this run
    has not written are removed.

    Parameters
    ----------
    folder : path
        Created with the first visit.
    form : {"dicom", "png", "tiff"}
        File format.
    radiographs_per_visit : int
        2 if each hand has its own radiograph.
    with_masks : bool
        Write the bones of every radiograph as label images (:mod:`napari_jsn.export.simulated.masks`).
    key : sequence of str
        Identifies this simulation: DICOM UIDs are generated from it.
    lossy_ratio : float, optional
        Of DICOM files: compress with JPEG 2000 by this ratio.
    resumed_by : str
        If the last run in the folder was interrupted and had the same text, its complete visits are kept: they are the
        first ones of this run, and must not be added again. It must contain all that radiographs depend on.
    record : callable, optional
        Returns the content of ``run.json`` at the end. By default it names the patients, so that those that an
        earlier run has written to the folder stay.
    names : iterable of str
        Files that will be written, as for :func:`~napari_jsn.common.files.check_folder`.

    Attributes
    ----------
    visits, radiographs : int
        Numbers written, those that were kept included.
    kept : int
        Visits of the interrupted run, from the moment at which the block is entered.

    Raises
    ------
    InputError
        If the format is unknown, the folder cannot be written, or another run writes to it.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        form: str = "dicom",
        radiographs_per_visit: int = 1,
        with_masks: bool = False,
        key: Sequence[str] = (),
        lossy_ratio: float | None = None,
        resumed_by: str = "",
        record: Callable[[OutputFolder], Mapping[str, Any]] | None = None,
        names: Iterable[str] = (),
    ) -> None:
        if form not in FORMATS:
            raise InputError(f"There is no format {form!r}. Choose one of: {', '.join(FORMATS)}.", "form")
        self.folder: Path = check_folder(folder)
        self._output = OutputFolder(folder, (TRUTH, *([f"{MASKS}/{masks.LABELS}"] if with_masks else []), *names))
        self._per_visit, self._with_masks, self._suffix = radiographs_per_visit, with_masks, FORMATS[form]
        contents: dict[str, Callable[[SimulatedRadiograph], bytes]] = {
            "dicom": lambda simulated: dicom.dicom_bytes(simulated, key, lossy_ratio),
            "png": images.png_bytes,
            "tiff": images.tiff_bytes,
        }
        self._content = contents[form]
        settings = json.dumps([resumed_by, form, radiographs_per_visit, with_masks, list(key), lossy_ratio])
        self._resumed_by = sha256(settings.encode()).hexdigest() if resumed_by else ""
        self._record = record or (lambda output: run_record(" ".join(("RadiographWriter", *self._patients))))
        self._patients: dict[str, None] = {}
        self.visits: int = 0
        self.radiographs: int = 0
        self.kept: int = 0
        self._files: dict[str, bytes] = {}  # of the current visit
        self._rows: dict[str, list[Record]] = {}  # of the current visit, by table
        self._sizes: dict[str, int] = {}  # of the tables, up to the last complete visit

    def __enter__(self) -> RadiographWriter:
        self._output.__enter__()
        try:
            with written_errors(self.folder, "out"):
                self._keep_visits()
        except BaseException:
            self._output.__exit__()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.visits:
                self._output.finish(self._record(self._output), self._sizes)
        finally:
            self._output.__exit__(kind, error, trace)

    def _keep_visits(self) -> None:
        """Keep the complete visits of an interrupted run; what it has of further ones is written again."""
        steps = self._output.unfinished(self._resumed_by)
        complete = list(takewhile(self._is_complete, steps))
        if not complete:
            self._output.report()
            return
        self._output.begin(self._resumed_by, complete)
        for step in complete:
            self._sizes |= {name: end for name, (_, end, _) in step["tables"].items()}
        for name, size in self._sizes.items():
            os.truncate(self.folder / name, size)
        self.kept = self.visits = len(complete)
        self.radiographs = self.kept * self._per_visit

    def _is_complete(self, step: Mapping[str, Any]) -> bool:
        """Return whether the files and the rows of a visit are there and unchanged."""
        files, tables = step.get("files"), step.get("tables")
        if not isinstance(files, dict) or not isinstance(tables, dict):
            return False
        paths = [self.folder / name for name in (*files, *tables)]
        if not all(path.is_file() and not path.is_symlink() for path in paths):
            return False
        rows = all(_digest_of_part(self.folder / name, *part[:2]) == part[2] for name, part in tables.items())
        return rows and all(file_sha256(self.folder / name) == digest for name, digest in files.items())

    def add(self, simulated: SimulatedRadiograph) -> None:
        """Write one radiograph; the last one of a visit completes the visit."""
        stem = f"{simulated.patient_id}_v{simulated.visit:02d}_{''.join(simulated.sides)}"
        name = f"{simulated.patient_id}/{stem}{self._suffix}"
        self._patients[simulated.patient_id] = None
        self._files[name] = self._content(simulated)
        if self._with_masks:
            for mask, content in masks.mask_files(simulated, stem).items():
                self._files[f"{MASKS}/{simulated.patient_id}/{mask}"] = content
            if any(truth.grades is not None for truth in simulated.truths):
                self._rows.setdefault(_EROSIONS, []).extend(masks.erosion_records(simulated, name, stem))
        rows = self._rows.setdefault(f"{simulated.patient_id}/{RADIOGRAPHS_TABLE}", [])
        rows.append(radiograph_record(simulated, Path(name).name))
        self._add_rows(TRUTH, truth_records(simulated, name))
        self._add_rows(SCORES, score_records(simulated))
        if len(rows) == self._per_visit:
            with written_errors(self.folder, "out"):
                self._finish_visit()

    def _add_rows(self, name: str, rows: list[Record]) -> None:
        if rows:
            self._rows.setdefault(name, []).extend(rows)

    def _finish_visit(self) -> None:
        if not self.visits:
            self._output.begin(self._resumed_by)
            if self._with_masks:
                self._files[f"{MASKS}/{masks.LABELS}"] = masks.labels_csv()
        columns = {_EROSIONS: masks.EROSION_COLUMNS}
        rows = {name: csv_bytes(table(rows, columns.get(name))) for name, rows in self._rows.items()}
        rows = {name: text.split(b"\n", 1)[1] if name in self._sizes else text for name, text in rows.items()}
        starts = {name: self._sizes.get(name, 0) for name in rows}
        tables = {
            name: (starts[name], starts[name] + len(text), sha256(text).hexdigest()) for name, text in rows.items()
        }
        try:
            self._output.add(self._files, tables=tables)
            for name, text in rows.items():
                self._append(name, text)
        except BaseException:
            self._undo_visit(starts)
            raise
        self._sizes |= {name: end for name, (_, end, _) in tables.items()}
        self.visits += 1
        self.radiographs += self._per_visit
        self._files, self._rows = {}, {}

    def _append(self, name: str, rows: bytes) -> None:
        """Append rows to a table; the first ones of a run replace the table of an earlier run."""
        with (self.folder / name).open("ab" if name in self._sizes else "wb") as file:
            file.write(rows)
            file.flush()
            os.fsync(file.fileno())

    def _undo_visit(self, starts: Mapping[str, int]) -> None:
        """Remove the files and the rows of an incomplete visit."""
        for name in self._files:
            (self.folder / name).unlink(missing_ok=True)
        for name, start in starts.items():
            if start:
                os.truncate(self.folder / name, start)
            else:
                (self.folder / name).unlink(missing_ok=True)


def _digest_of_part(path: Path, start: int, end: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return sha256(file.read(max(end - start, 0))).hexdigest()
