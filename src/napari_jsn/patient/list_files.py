"""List the files of a folder that are hand radiographs, by content and headers, before any pixel is measured."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import Note
from napari_jsn.common.search_folder import MAX_DEPTH, FolderContent, search_folder
from napari_jsn.patient.identity import TAGS, Identity
from napari_jsn.patient.order.file_names import all_ranks
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, StatedFacts
from napari_jsn.radiograph.content.file_content import content_of

DICOM_SUFFIXES = (".dcm", ".dicom")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
#: Endings of text files, which are no radiographs and need no note.
_TEXT_SUFFIXES = (
    ".txt", ".csv", ".tsv", ".json", ".xml", ".html", ".htm", ".md", ".rst", ".log", ".ini", ".inf", ".cfg", ".yaml",
    ".yml", ".toml", ".py", ".css", ".js", ".sh", ".bat",
)  # fmt: skip
#: Files that operating systems write into folders.
_SYSTEM_FILES = ("thumbs.db", "ehthumbs.db")

#: Names of files that a note lists, before it says how many more there are.
_NAMES = 3
#: Names of files by what they are, for notes.
_Groups = dict[str, list[str]]


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
    is_dicom : bool
    doubt : str
        What the header leaves open about the part of the body; "" if nothing.
    """

    path: Path
    name: str
    identity: Identity = Identity()
    image: str = ""
    is_dicom: bool = False
    doubt: str = ""


def list_radiographs(folder: Path, table: dict[str, StatedFacts]) -> tuple[list[RadiographFile], list[str]]:
    """Return the radiographs of a folder, sorted by name, and notes on files that were left out.

    What a file contains decides, not its name. These are the DICOM files, if there are any, and the image files that
    ``radiographs.csv`` lists; without both, all image files except masks.

    Raises
    ------
    InputError
        If the folder contains no radiographs, if a folder or file in it cannot be read, or if a DICOM file is damaged.
    """
    found = search_folder(folder)
    names = {path: path.relative_to(folder).as_posix() for path in found.files}
    contents = {path: _content(path) for path in sorted(found.files)}
    files, left_out = _dicom_radiographs({path: names[path] for path, kind in contents.items() if kind == "DICOM"})
    is_dicom = bool(files)
    images = {names[path]: path for path, kind in contents.items() if kind == "image"}
    dicom_names = {names[path] for path, kind in contents.items() if kind == "DICOM"}
    listed = [name for name in table if name in images or not (is_dicom or name in dicom_names)]
    files += [RadiographFile(folder / name, name, Identity(table[name].patient)) for name in listed]
    passed_over = _passed_over(folder, found, contents)
    unlisted = [name for name, path in images.items() if name not in listed and not _is_mask(path)]
    if not files:
        files = [RadiographFile(images[name], name) for name in unlisted]
    else:
        where = "beside DICOM files" if is_dicom else f"that {RADIOGRAPHS_TABLE} does not list"
        passed_over[f"image file{{s}} {where}"] += unlisted
    passed_over["mask{s} without an image"] += [name for name in _lone_masks(images, contents) if name not in listed]
    if not files:
        raise _nothing_found(folder, left_out, passed_over)
    return sorted(files, key=lambda file: file.path), _notes(files, left_out, passed_over)


def images_in(folder: Path) -> list[str]:
    """Return the names of the image files in a folder, except masks."""
    paths = sorted(search_folder(folder).files)
    return [path.relative_to(folder).as_posix() for path in paths if _content(path) == "image" and not _is_mask(path)]


def header_of(path: Path, name: str) -> tuple[RadiographFile, str]:
    """Return what a DICOM header states, and why the file is not a radiograph of hands ("" if it may be one).

    Parameters
    ----------
    path : Path
    name : str
        Name of the file in messages and notes.

    Returns
    -------
    RadiographFile
    str
        ``"body part FOOT"``, ``"modality MR"``, ``"type localizer"``, ...

    Raises
    ------
    InputError
        If the file is not a DICOM file or is damaged.
    """
    from napari_jsn.radiograph.content import dicom_subject as subject
    from napari_jsn.radiograph.content.secondary_capture import is_page
    from napari_jsn.radiograph.dicom import read_header
    from napari_jsn.radiograph.dicom_header import value

    try:
        header = read_header(path, ["SOPInstanceUID", *TAGS, *subject.TAGS])
        if subject.is_incomplete(header) and not subject.is_directory(header):
            raise ValueError("no image size")
    except InputError:
        raise
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise InputError(f"{path} is not a DICOM file or is damaged. Remove it from the folder.", "folder") from error
    why, doubt = "index of a disc" if subject.is_directory(header) else subject.not_a_radiograph(header), ""
    if not why:
        part, doubt = subject.other_part(header)
        why = f"body part {part}" if part else ""
    if not why and subject.is_secondary(header) and not subject.states_hand(header) and is_page(path):
        why = "type screenshot or report"
    identity = Identity(*(str(value(header, tag) or "") for tag in TAGS))
    return RadiographFile(path, name, identity, str(value(header, "SOPInstanceUID") or ""), True, doubt), why


def notes_on_doubts(files: Iterable[RadiographFile]) -> list[str]:
    """Return a note on radiographs whose headers leave open whether they show a hand."""
    doubtful = [file for file in files if file.doubt]
    if not doubtful:
        return []
    text = "Headers leave open whether radiographs show a hand or another part of the body"
    listed = "; ".join(f"{file.name} {file.doubt}" for file in doubtful[:_NAMES])
    more = f"; and {len(doubtful) - _NAMES} more" if len(doubtful) > _NAMES else ""
    return [Note(f"{text}: {listed}{more}. Check the pictures.", public=f"{text}. Check the pictures.")]


def holds_patient(folder: str | os.PathLike[str], most_entries: int) -> bool:
    """Return whether a folder contains DICOM files, ``radiographs.csv``, or image files whose names order visits.

    Reads only names and a few bytes of files.

    Parameters
    ----------
    folder : str or path
    most_entries : int
        Largest number of files and folders in it; with more, it does not count as the folder of a patient.
    """
    folder = Path(folder)
    try:
        files = search_folder(folder, most_entries).files if folder.is_dir() else []
        if folder / RADIOGRAPHS_TABLE in files or any(map(may_be_dicom, files)):
            return True
        images = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES and not _is_mask(path)]
        return len(images) > 1 and bool(all_ranks([path.relative_to(folder).as_posix() for path in images]))
    except (InputError, OSError):  # too many files, or not readable
        return False


def _content(path: Path) -> str:
    """Return what a file contains; ``"DICOM"`` and ``"image"`` also where only its name states it."""
    content = content_of(path)
    suffix = path.suffix.lower()
    if content in ("DICOM", "image"):
        return content
    if suffix in DICOM_SUFFIXES:  # damaged: reading its header states so
        return "DICOM"
    return "image" if suffix in IMAGE_SUFFIXES else content


def may_be_dicom(path: str | os.PathLike[str]) -> bool:
    """Return whether a file may be DICOM, by its first bytes; its name decides where it states an image or a text."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in DICOM_SUFFIXES:
        return True
    try:
        return suffix not in (*IMAGE_SUFFIXES, *_TEXT_SUFFIXES) and path.is_file() and content_of(path) == "DICOM"
    except (InputError, OSError, ValueError):  # not readable, or no path
        return False


def _dicom_radiographs(names: dict[Path, str]) -> tuple[list[RadiographFile], _Groups]:
    """Return the radiographs among DICOM files, and the names of the others by reason."""
    files: list[RadiographFile] = []
    left_out: _Groups = defaultdict(list)
    for path, name in names.items():
        file, why = header_of(path, name)
        if not why:
            files.append(file)
        elif why != "index of a disc":
            left_out[f"of {why}"].append(name)
    return files, left_out


def _passed_over(folder: Path, found: FolderContent, contents: dict[Path, str]) -> _Groups:
    """Return the names of what is neither DICOM nor an image, except texts, by what it is."""
    groups: _Groups = defaultdict(list)

    def add(what: str, paths: Iterable[Path]) -> None:
        groups[what] += sorted(path.relative_to(folder).as_posix() for path in paths)

    unknown = [path for path, kind in contents.items() if kind in ("other", "empty")]
    unknown = [path for path in unknown if path.name.lower() not in _SYSTEM_FILES]
    add("empty file{s}", [path for path in unknown if contents[path] == "empty"])
    others = [path for path in unknown if contents[path] == "other"]
    add("file{s} of other formats", [path for path in others if path.suffix.lower() not in _TEXT_SUFFIXES])
    add("link{s} to nothing", [path for path in found.not_files if path.is_symlink()])
    add("pipe{s} or device{s}", [path for path in found.not_files if not path.is_symlink()])
    add(f"folder{{s}} below {MAX_DEPTH} levels", found.too_deep)
    add("hidden file{s} or folder{s}", filter(_hides_radiograph, found.hidden))
    return groups


def _hides_radiograph(path: Path) -> bool:
    """Return whether a hidden file or folder may contain radiographs; operating systems hide files of their own."""
    try:
        return path.is_dir() or (path.is_file() and content_of(path) == "DICOM")
    except (InputError, OSError):
        return True


def _is_mask(path: Path) -> bool:
    return "mask" in path.stem.lower()


def _lone_masks(images: dict[str, Path], contents: dict[Path, str]) -> list[str]:
    """Return the names of masks that do not lie beside the image that they belong to."""

    def without_mask(path: Path) -> tuple[Path, str]:
        stem = path.stem.lower().replace("masks", "").replace("mask", "")
        return path.parent, stem.strip(" _-.")

    shown = {without_mask(path) for path, kind in contents.items() if kind in ("DICOM", "image") and not _is_mask(path)}
    return [name for name, path in images.items() if _is_mask(path) and without_mask(path) not in shown]


def _notes(files: Sequence[RadiographFile], left_out: _Groups, passed_over: _Groups) -> list[str]:
    notes: list[str] = []
    if any(left_out.values()):
        text = "Files that are not radiographs of hands were left out"
        notes.append(Note(f"{text}: {_listed(left_out)}.", public=f"{text}: {_listed(left_out, named=False)}."))
    if any(passed_over.values()):
        images = any("image file" in what for what, names in passed_over.items() if names)
        advice = f" To use an image file, list it in {RADIOGRAPHS_TABLE}." if images else ""
        text, public = f"Not read: {_listed(passed_over)}.", f"Not read: {_listed(passed_over, named=False)}."
        notes.append(Note(f"{text}{advice}", public=f"{public}{advice}"))
    return [*notes, *notes_on_doubts(files)]


def _listed(groups: _Groups, named: bool = True) -> str:
    """Return the groups with the number of files and the first names: ``"2 of modality SR (a, b), 1 empty file (c)"``.

    The name of a group follows the number; its ``{s}`` is the ending of the plural.
    """
    texts = []
    for what, names in sorted(groups.items()):
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        shown = f" ({', '.join(names[:_NAMES])}{more})" if named else ""
        if names:
            texts.append(f"{len(names)} {what.format(s='' if len(names) == 1 else 's')}{shown}")
    return ", ".join(texts)


def _nothing_found(folder: Path, left_out: _Groups, passed_over: _Groups) -> InputError:
    reasons = [
        f" {what}: {_listed(groups)}."
        for what, groups in (("These files were left out", left_out), ("Not read", passed_over))
        if any(groups.values())
    ]
    advice = (
        " A hand whose header states another part is read after its Body Part Examined is corrected."
        if any("body part" in what for what in left_out)
        else ""
    )
    return InputError(
        f"{folder} contains no DICOM radiographs (CR, DX), no image files of hands and no {RADIOGRAPHS_TABLE} that "
        f"lists image files.{''.join(reasons)}{advice} Give the folder with the radiographs of one patient.",
        "folder",
    )
