"""List the files of a folder and of all folders below it; no file is opened."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from napari_jsn.common.errors import InputError

#: Levels of subfolders that are searched: a DICOM disc has up to eight, and lies in some folders itself.
MAX_DEPTH = 12
#: Files and folders that the folder of one patient may contain.
MAX_ENTRIES = 10_000
#: Folders of operating systems that nobody can search.
_SYSTEM = ("lost+found", "System Volume Information", "$RECYCLE.BIN")
#: Where Linux shows processes and devices as files, which are no files on a disk and appear and vanish at any time.
_KERNEL = (Path("/proc"), Path("/sys"))


@dataclass(frozen=True)
class FolderContent:
    """What a folder and the folders below it contain.

    Parameters
    ----------
    files : list of Path
        Regular files, and links to such, except hidden ones (whose names begin with a dot).
    hidden : list of Path
        Hidden files and folders; hidden folders are not searched.
    not_files : list of Path
        Pipes, sockets, devices, links to nothing, and folders in which the operating system shows its state.
    too_deep : list of Path
        Folders below :data:`MAX_DEPTH` levels, which were not searched.
    """

    files: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    not_files: list[Path] = field(default_factory=list)
    too_deep: list[Path] = field(default_factory=list)


def search_folder(folder: Path, most_entries: int = MAX_ENTRIES, argument: str = "folder") -> FolderContent:
    """Return the content of a folder; a folder that links lead to again is searched once.

    Raises
    ------
    InputError
        If a folder cannot be searched or is one of the operating system, or if there are more than ``most_entries``
        files and folders.
    """
    content, seen, left, kernel = FolderContent(), set[tuple[int, int]](), most_entries, _kernel_devices()
    waiting, links = [(folder, 0)], list[tuple[Path, int]]()
    while waiting or links:
        # real folders before links to them, so that files have their own names
        place, depth = (waiting or links).pop()
        try:
            status = os.stat(place)
            if (identity := (status.st_dev, status.st_ino)) in seen:
                continue
            seen.add(identity)
            if status.st_dev in kernel:
                if place == folder:
                    raise InputError(
                        f"{folder} belongs to the operating system and holds no images. Give another folder.", argument
                    )
                content.not_files.append(place)
                continue
            with os.scandir(place) as entries:
                paths = [Path(entry.path) for entry in islice(entries, left + 1)]
            listed = [(path, _kind(path), path.is_symlink()) for path in paths if len(paths) <= left]
        except OSError as error:
            raise InputError(
                f"{place} cannot be searched ({error.strerror or error}). Change its permissions, or take it out of "
                "the folder.",
                argument,
            ) from error
        left -= len(paths)
        if left < 0:
            raise InputError(
                f"{folder} contains more than {most_entries} files and folders. Give the folder of one patient.",
                argument,
            )
        for path, kind, is_link in listed:
            if path.name.startswith("."):
                content.hidden.append(path)
            elif kind == stat.S_IFREG:
                content.files.append(path)
            elif kind != stat.S_IFDIR:
                content.not_files.append(path)
            elif path.name not in _SYSTEM:
                if depth < MAX_DEPTH:
                    (links if is_link else waiting).append((path, depth + 1))
                else:
                    content.too_deep.append(path)
    return content


def _kernel_devices() -> set[int]:
    """Return the devices of the folders in which the operating system shows its state."""
    return {os.stat(place).st_dev for place in _KERNEL if place.is_mount()}


def _kind(path: Path) -> int:
    """Return the type of a file by ``stat``, which opens nothing; 0 for a link to nothing."""
    try:
        return stat.S_IFMT(os.stat(path).st_mode)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        return 0
