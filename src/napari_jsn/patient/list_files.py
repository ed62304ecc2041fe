"""List the files of a folder that are hand radiographs, by headers and names, before any pixel is read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import Note
from napari_jsn.patient.identity import TAGS, Identity
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, StatedFacts

DICOM_SUFFIXES = (".dcm", ".dicom")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
#: Modalities of plain radiographs: computed, digital, digitised film, other, not stated.
MODALITIES = ("CR", "DX", "RG", "OT", "")
#: Words of BodyPartExamined by which a file is left out; files with other words are kept.
OTHER_PARTS = ("FOOT", "FEET", "TOE", "ANKLE", "KNEE", "HIP", "PELVIS", "CHEST", "SKULL", "SPINE", "SHOULDER", "ELBOW")
#: Levels of subfolders that are searched: exports have a folder for patient, study and series.
MAX_DEPTH = 3


@dataclass(frozen=True)
class RadiographFile:
    """A file that may be a hand radiograph.

    Parameters
    ----------
    path : Path
    name : str
        Path relative to the patient's folder, with "/" between folders.
    identity : Identity
    image : str
        DICOM identifier of the image; "" for image files.
    """

    path: Path
    name: str
    identity: Identity = Identity()
    image: str = ""


def list_radiographs(folder: Path, table: dict[str, StatedFacts]) -> tuple[list[RadiographFile], list[str]]:
    """Return the radiographs of a folder, sorted by name, and notes on files that were left out.

    These are the DICOM files, if there are any; else the image files that ``radiographs.csv`` lists; else all image
    files except masks.

    Raises
    ------
    InputError
        If the folder contains no radiographs, or a DICOM file is damaged.
    """
    paths = sorted(_entries(folder))
    files, left_out = _dicom_radiographs(folder, filter(_may_be_dicom, paths))
    if not files and table:
        files = [RadiographFile(folder / name, name, Identity(row.patient)) for name, row in table.items()]
    if not files:
        names = {path: path.relative_to(folder).as_posix() for path in paths if _may_be_radiograph(path)}
        files = [RadiographFile(path, name) for path, name in names.items()]
    listed = ", ".join(f"{number} of {what}" for what, number in sorted(left_out.items()))
    if not files:
        why = f" These files were left out: {listed}." if listed else ""
        raise InputError(
            f"{folder} contains no DICOM radiographs (CR, DX), no image files of hands and no {RADIOGRAPHS_TABLE} that "
            f"lists image files.{why} Give the folder with the radiographs of one patient.",
            "folder",
        )
    text = "Files that are not radiographs of hands were left out"
    return files, [Note(f"{text}: {listed}.", public=f"{text}.")] if listed else []


def header_of(path: Path, name: str) -> tuple[RadiographFile, str]:
    """Return patient and image by a DICOM header, and why the file is not a radiograph of hands ("" if it may be one).

    Raises
    ------
    InputError
        If the file is not a DICOM file or is damaged.
    """
    from napari_jsn.radiograph.dicom import read_header
    from napari_jsn.radiograph.dicom_header import value

    try:
        header = read_header(path, ["Modality", "Rows", "BodyPartExamined", "SOPInstanceUID", *TAGS])
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise InputError(f"{path} is not a DICOM file or is damaged. Remove it from the folder.", "folder") from error
    modality, part = (str(value(header, tag) or "").upper() for tag in ("Modality", "BodyPartExamined"))
    why = ""
    if "Rows" not in header or modality not in MODALITIES:
        why = f"modality {modality or 'not stated, without an image'}"
    elif any(other in part for other in OTHER_PARTS):
        why = f"body part {part}"
    identity = Identity(*(str(value(header, tag) or "") for tag in TAGS))
    return RadiographFile(path, name, identity, str(value(header, "SOPInstanceUID") or "")), why


def holds_patient(folder: str | os.PathLike[str], most_entries: int) -> bool:
    """Return whether a folder contains DICOM files or ``radiographs.csv``; reads only names and a few bytes of files.

    Parameters
    ----------
    folder : str or path
    most_entries : int
        Largest number of files and folders in it; with more, it does not count as the folder of a patient.
    """
    folder, found = Path(folder), False
    for number, path in enumerate(_entries(folder)):
        if number >= most_entries:
            return False
        found = found or path == folder / RADIOGRAPHS_TABLE or _may_be_dicom(path)
    return found


def _dicom_radiographs(folder: Path, paths: Iterable[Path]) -> tuple[list[RadiographFile], Counter[str]]:
    files, left_out = [], Counter[str]()
    for path in paths:
        file, why = header_of(path, path.relative_to(folder).as_posix())
        if why:
            left_out[why] += 1
        else:
            files.append(file)
    return files, left_out


def _entries(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Yield files and folders in a folder and in those below it; hidden ones are left out."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                yield Path(entry.path)
                if depth < MAX_DEPTH and entry.is_dir():
                    yield from _entries(Path(entry.path), depth + 1)
    except OSError:  # not a folder, or not readable
        return


def _may_be_dicom(path: Path) -> bool:
    """Return whether a file may be DICOM: by its extension, or by its first bytes if it has none, as in exports."""
    if not path.is_file():  # a folder, a broken link or a pipe
        return False
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    if path.suffix and not path.suffix[1:].isdigit():  # "1.2.840.113" is an identifier without an extension
        return False
    from napari_jsn.radiograph.dicom import is_dicom  # pydicom is slow to import

    try:
        return is_dicom(path)
    except OSError:
        return False


def _may_be_radiograph(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and "mask" not in path.stem.lower() and path.is_file()
