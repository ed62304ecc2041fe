"""Write simulated radiographs one at a time: complete visits only, with tables that list these."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder, write_files
from napari_jsn.export.simulated import dicom, images, masks
from napari_jsn.export.simulated.truth import TRUTH, radiograph_record, truth_records
from napari_jsn.export.table import table
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.registration.record import Record
from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph

#: File format to file name extension.
FORMATS = {"dicom": ".dcm", "png": ".png", "tiff": ".tif"}
MASKS = "masks"


class RadiographWriter:
    """Writer of simulated radiographs into a folder, one at a time; use it in a ``with`` block.

    ``<folder>/<patient>/`` gets a patient's radiographs and ``radiographs.csv``, one row per radiograph.
    ``<folder>/truth.csv`` gets one row per joint of all patients, and ``masks/`` the bones on request. The files of a
    visit get their final names when its last radiograph is written. If the block is interrupted, the folder has
    complete visits only, and the tables list these alone. Files of the same names are replaced.

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

    Attributes
    ----------
    visits, radiographs : int
        Numbers written.

    Raises
    ------
    InputError
        If the format is unknown, or the folder cannot be written.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        form: str = "dicom",
        radiographs_per_visit: int = 1,
        with_masks: bool = False,
        key: Sequence[str] = (),
        lossy_ratio: float | None = None,
    ) -> None:
        if form not in FORMATS:
            raise InputError(f"There is no format {form!r}. Choose one of: {', '.join(FORMATS)}.", "form")
        self.folder: Path = check_folder(folder)
        self._per_visit, self._with_masks, self._suffix = radiographs_per_visit, with_masks, FORMATS[form]
        contents: dict[str, Callable[[SimulatedRadiograph], bytes]] = {
            "dicom": lambda simulated: dicom.dicom_bytes(simulated, key, lossy_ratio),
            "png": images.png_bytes,
            "tiff": images.tiff_bytes,
        }
        self._content = contents[form]
        self.visits: int = 0
        self.radiographs: int = 0
        self._waiting: list[tuple[Path, Path]] = []  # of the current visit: temporary and final path
        self._rows: dict[str, list[Record]] = {}  # of the current visit, by table
        self._sizes: dict[str, int] = {}  # of the tables, up to the last complete visit
        self._made: list[Path] = []

    def __enter__(self) -> RadiographWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop_visit()
        for folder in reversed(self._made):
            if not any(folder.iterdir()):
                folder.rmdir()

    def add(self, simulated: SimulatedRadiograph) -> None:
        """Write one radiograph; the last one of a visit completes the visit."""
        stem = f"{simulated.patient_id}_v{simulated.visit:02d}_{''.join(simulated.sides)}"
        name = f"{simulated.patient_id}/{stem}{self._suffix}"
        try:
            self._write(name, self._content(simulated))
            if self._with_masks:
                for mask, content in masks.mask_files(simulated, stem).items():
                    self._write(f"{MASKS}/{simulated.patient_id}/{mask}", content)
            rows = self._rows.setdefault(f"{simulated.patient_id}/{RADIOGRAPHS_TABLE}", [])
            rows.append(radiograph_record(simulated, Path(name).name))
            self._rows.setdefault(TRUTH, []).extend(truth_records(simulated, name))
            if len(rows) == self._per_visit:
                self._finish_visit()
        except OSError as error:
            cause = error.strerror or error
            raise InputError(f"{self.folder} could not be written: {cause}. Give another folder.", "out") from error

    def _write(self, name: str, content: bytes) -> None:
        target = self.folder / name
        missing = [folder for folder in target.parents if not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        self._made += reversed(missing)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        self._waiting.append((part, target))
        part.write_bytes(content)

    def _finish_visit(self) -> None:
        if not self._sizes and self._with_masks:
            write_files(self.folder / MASKS, {masks.LABELS: masks.labels_csv()})
        try:
            for part, target in self._waiting:
                os.replace(part, target)
            for name, rows in self._rows.items():
                self._append(name, csv_bytes(table(rows)))
        except BaseException:
            self._undo_visit()
            raise
        self._sizes |= {name: (self.folder / name).stat().st_size for name in self._rows}
        self.visits += 1
        self.radiographs += self._per_visit
        self._waiting, self._rows = [], {}

    def _append(self, name: str, rows: bytes) -> None:
        if name not in self._sizes:  # replace a table of an earlier run
            write_files((self.folder / name).parent, {Path(name).name: rows})
            return
        with (self.folder / name).open("ab") as file:
            file.write(rows.split(b"\n", 1)[1])

    def _undo_visit(self) -> None:
        """Remove the files and the rows of an incomplete visit."""
        for part, target in self._waiting:
            if not part.exists():
                target.unlink(missing_ok=True)
        for name in self._rows:
            if name in self._sizes:
                os.truncate(self.folder / name, self._sizes[name])
            else:
                (self.folder / name).unlink(missing_ok=True)

    def _drop_visit(self) -> None:
        for part, _ in self._waiting:
            part.unlink(missing_ok=True)
        self._waiting, self._rows = [], {}
