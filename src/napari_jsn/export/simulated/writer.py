"""Write simulated films as they come: whole visits only, and the tables always tell what is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder, write_files
from napari_jsn.export.simulated import dicom, images, masks
from napari_jsn.export.simulated.truth import TRUTH, film_record, truth_records
from napari_jsn.export.table import csv_bytes, table
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.registration.record import Record
from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph

#: Formats and their file endings.
FORMATS = {"dicom": ".dcm", "png": ".png", "tiff": ".tif"}
MASKS = "masks"


class RadiographWriter:
    """Writes films into a folder, one at a time; use it in a ``with`` block.

    ``<folder>/<patient>/`` holds a patient's films and ``radiographs.csv``, a row a film; ``<folder>/truth.csv`` has a
    row a joint of all patients; ``masks/`` has the bones if asked for. A visit appears when its last film is done:
    whatever stops the block leaves whole visits, and tables that tell of these alone. Files of the same names are
    replaced.

    Parameters
    ----------
    folder : path
        Made with the first visit.
    form : {"dicom", "png", "tiff"}
    films_per_visit : int
        2 where each hand has a film of its own.
    with_masks : bool
        Write the bones of every film as label images (:mod:`napari_jsn.export.simulated.masks`).
    key : sequence of str
        Tells this simulation from any other: DICOM identifiers are drawn from it.
    lossy_ratio : float, optional
        Of DICOM files: compress with JPEG 2000 to this fraction of the size.

    Attributes
    ----------
    visits, films : int
        How many are written.

    Raises
    ------
    InputError
        If the format is none of these, or the folder cannot be written.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        form: str = "dicom",
        films_per_visit: int = 1,
        with_masks: bool = False,
        key: Sequence[str] = (),
        lossy_ratio: float | None = None,
    ) -> None:
        if form not in FORMATS:
            raise InputError(f"There is no format {form!r}. Choose one of: {', '.join(FORMATS)}.", "form")
        self.folder = check_folder(folder)
        self._per_visit, self._with_masks, self._suffix = films_per_visit, with_masks, FORMATS[form]
        contents: dict[str, Callable[[SimulatedRadiograph], bytes]] = {
            "dicom": lambda film: dicom.dicom_bytes(film, key, lossy_ratio),
            "png": images.png_bytes,
            "tiff": images.tiff_bytes,
        }
        self._content = contents[form]
        self.visits = self.films = 0
        self._waiting: list[tuple[Path, Path]] = []  # of the visit under way: where a file is, where it will be
        self._rows: dict[str, list[Record]] = {}  # of the visit under way, by table
        self._sizes: dict[str, int] = {}  # of the tables, as far as they tell of finished visits
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

    def add(self, film: SimulatedRadiograph) -> None:
        """Write one film; the last one of its visit makes the whole visit appear."""
        stem = f"{film.patient}_v{film.visit:02d}_{''.join(film.sides)}"
        name = f"{film.patient}/{stem}{self._suffix}"
        try:
            self._write(name, self._content(film))
            if self._with_masks:
                for mask, content in masks.mask_files(film, stem).items():
                    self._write(f"{MASKS}/{film.patient}/{mask}", content)
            films = self._rows.setdefault(f"{film.patient}/{RADIOGRAPHS_TABLE}", [])
            films.append(film_record(film, Path(name).name))
            self._rows.setdefault(TRUTH, []).extend(truth_records(film, name))
            if len(films) == self._per_visit:
                self._finish_visit()
        except OSError as error:
            told = error.strerror or error
            raise InputError(f"{self.folder} could not be written: {told}. Name another folder.", "out") from error

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
        self.visits, self.films = self.visits + 1, self.films + self._per_visit
        self._waiting, self._rows = [], {}

    def _append(self, name: str, rows: bytes) -> None:
        if name not in self._sizes:  # an older table makes way
            write_files((self.folder / name).parent, {Path(name).name: rows})
            return
        with (self.folder / name).open("ab") as file:
            file.write(rows.split(b"\n", 1)[1])

    def _undo_visit(self) -> None:
        """Take back the files of a visit that could not be finished, and its rows."""
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
