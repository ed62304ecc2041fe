"""Find the files of stored radiographs by their hashes, and read their pixels again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.search_folder import search_folder
from napari_jsn.radiograph import Radiograph, read_radiograph
from napari_jsn.radiograph.dates import StatedDate
from napari_jsn.store.encoding import from_json, to_json
from napari_jsn.store.stored_images import StoredRadiograph, deferred

#: Attributes of a radiograph that are not part of ``facts``: what the store has in columns, or does not keep.
_NOT_FACTS = {"pixels", "path"}
#: Folders above the one of a missing file that are searched, and the most files of each.
_LEVELS_UP, _MOST_FILES = 1, 5000
_hashes: WeakKeyDictionary[Radiograph, str] = WeakKeyDictionary()


@dataclass(frozen=True)
class FileState:
    """What a store keeps of the file of a radiograph; all empty for a radiograph that has no file."""

    path: str = ""
    sha256: str = ""
    size: int = 0
    time: int = 0

    @classmethod
    def of(cls, path: Path | None) -> FileState:
        """Return the state of a file that exists now."""
        if path is None:
            return cls()
        try:
            stat = path.stat()
            return cls(_text_of_path(path.absolute()), file_sha256(path), stat.st_size, stat.st_mtime_ns)
        except OSError as error:
            raise InputError(
                f"{path} cannot be read: {error.strerror}. Its hash is needed to save it.", "path"
            ) from error

    @property
    def place(self) -> Path:
        """The path as the system takes it."""
        return _path_of_text(self.path)

    def is_unchanged(self) -> bool:
        """Return whether the file is still there: by size and time, or else by its hash."""
        try:
            stat = os.stat(self.place)
            if stat.st_size != self.size:
                return False
            return stat.st_mtime_ns == self.time or file_sha256(self.place) == self.sha256
        except OSError:
            return False


#: Before a path that is no UTF-8 and therefore stands as a URI.
_URI = "file://"


def _text_of_path(path: Path) -> str:
    """Return a path as text that every database can hold: a name that is no UTF-8 makes it a URI."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return path.as_uri()
    return str(path)


def _path_of_text(text: str) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(text.removeprefix(_URI)))) if text.startswith(_URI) else Path(text)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of_radiograph(radiograph: Radiograph) -> str:
    """Return the SHA-256 of the pixels of a radiograph, computed once for each radiograph in memory."""
    if radiograph not in _hashes:
        _hashes[radiograph] = pixels_sha256(radiograph.pixels)
    return _hashes[radiograph]


def pixels_sha256(pixels: NDArray[np.float32]) -> str:
    """Return the SHA-256 of pixels."""
    return hashlib.sha256(np.ascontiguousarray(pixels, dtype="<f4").data).hexdigest()


def facts_of(radiograph: Radiograph) -> str:
    """Return all that is known about a radiograph, besides its pixels and its path, as JSON."""
    facts = {name: getattr(radiograph, name) for name in _names() if name not in _NOT_FACTS}
    facts["other_dates"] = [[each.source, each.when, each.fault] for each in radiograph.other_dates]
    return to_json(facts)


def stored_radiograph(
    facts: str, state: FileState, hash_of_pixels: str, shape: tuple[int, int], label: str
) -> Radiograph:
    """Return a radiograph whose pixels are read from its file when they are first used.

    Parameters
    ----------
    facts : str
        See :func:`facts_of`.
    state : FileState
        The file, at the place where it lies now.
    hash_of_pixels : str
    shape : (rows, columns)
    label : str
        How an error names the radiograph.
    """
    known = from_json(facts)
    known["acquired"] = _when(known["acquired"])
    known["other_dates"] = tuple(StatedDate(source, _when(when), fault) for source, when, fault in known["other_dates"])
    for name in ("spacing_mm", "display_range", "origin"):
        if isinstance(known[name], list):
            known[name] = tuple(known[name])

    def load() -> Mapping[str, Any]:
        return {"pixels": _pixels(state.place, hash_of_pixels, shape, known["origin"], label)}

    path = state.place if state.path else None
    return deferred(StoredRadiograph, load, **known, path=path, stored_shape=shape)


def find_file(state: FileState, folders: Iterable[Path], label: str) -> FileState:
    """Return where the file of a radiograph lies now.

    The file is searched by its hash where it is not at its place: in ``folders``, in its own folder and in the one
    above.

    Raises
    ------
    InputError
        If it is not found, or another file is at its place.
    """
    if not state.path:
        raise InputError(f"{label} was given as pixels, without a file. Give it again (radiographs).", "radiographs")
    if state.is_unchanged():
        return state
    old = state.place
    near = [old.parent, *list(old.parents)[1 : 1 + _LEVELS_UP]]
    for folder in dict.fromkeys([*folders, *near]):
        found = _search(folder, state)
        if found is not None:
            return FileState.of(found)
    if old.exists():
        raise InputError(
            f"The file of {label} ({old}) was changed since it was measured, so its figures do not belong to it. Put "
            "the former file back, or measure the patient again.",
            "folders",
        )
    raise InputError(
        f"The file of {label} is no longer at {old}, and no file with its content was found beside it. Name the "
        "folder in which it lies now (folders).",
        "folders",
    )


def _search(folder: Path, state: FileState) -> Path | None:
    """Return a file of the same content in a folder; files of another size are not read."""
    if not folder.is_dir() or folder == folder.parent:
        return None
    try:
        files = search_folder(folder, _MOST_FILES).files
    except (InputError, OSError):  # too many files, or not readable
        return None
    for path in files:
        try:
            if path.stat().st_size == state.size and file_sha256(path) == state.sha256:
                return path
        except OSError:
            continue
    return None


def _pixels(
    path: Path, hash_of_pixels: str, shape: tuple[int, int], origin: tuple[int, int], label: str
) -> NDArray[np.float32]:
    """Return the pixels that were measured: those of the file, or a part of them, or their negative."""
    whole = read_radiograph(path).pixels
    row, column = origin
    part = whole[row : row + shape[0], column : column + shape[1]]
    for pixels in (part, 1 - part):
        if pixels.shape == tuple(shape) and pixels_sha256(pixels) == hash_of_pixels:
            return np.ascontiguousarray(pixels)
    raise InputError(
        f"The pixels of {label} ({path}) differ from those that were measured. Put the former file back, or measure "
        "the patient again.",
        "folders",
    )


def _names() -> tuple[str, ...]:
    from dataclasses import fields

    return tuple(each.name for each in fields(Radiograph))


def _when(text: str | None) -> datetime | date | None:
    if text is None:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
