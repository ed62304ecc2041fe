"""Write result files atomically: no partly written file remains after an error."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from napari_jsn.common.errors import InputError

#: Largest table or text file.
_MOST_BYTES = 200_000_000


def check_folder(folder: str | os.PathLike[str], argument: str = "out") -> Path:
    """Return the folder after checking that results can be written to it; create nothing.

    Call it before long work, so that an invalid folder is reported at once.

    Raises
    ------
    InputError
        If the folder or one of its parents is a file, or is not writable.
    """
    folder = Path(folder)
    existing = next((place for place in (folder, *folder.absolute().parents) if os.path.exists(place)), folder)
    if not existing.is_dir():
        raise InputError(f"{existing} is a file, but results are written to a folder. Give another name.", argument)
    if not os.access(existing, os.W_OK):
        raise InputError(f"{existing} cannot be written to. Give another folder.", argument)
    check_writable(folder, argument)
    return folder


def write_files(folder: str | os.PathLike[str], contents: Mapping[str, bytes], argument: str = "out") -> list[Path]:
    """Write several files to a folder: all of them, or none.

    Every file is written under a temporary name; after the last one all are renamed.

    Parameters
    ----------
    folder : path
        Created if it does not exist. Files with the same names are replaced.
    contents : mapping of str to bytes
        File names and contents.
    argument : str
        Name of the argument in errors.

    Returns
    -------
    list of Path
        The files, in the given order.

    Raises
    ------
    InputError
        If the folder or one of the files cannot be written.
    """
    folder = check_folder(folder, argument)
    targets = [folder / name for name in contents]
    for target in targets:
        if target.is_dir():
            raise InputError(
                f"{target} is a folder, but a file of this name must be written. Move the folder.", argument
            )
    waiting: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target, content in zip(targets, contents.values(), strict=True):
            waiting.append(folder / f".{target.name}.{os.getpid()}.part")
            waiting[-1].write_bytes(content)
        for target in targets:
            os.replace(waiting[0], target)
            del waiting[0]
    except OSError as error:
        raise InputError(
            f"{folder} could not be written: {error.strerror or error}. Give another folder.", argument
        ) from error
    finally:
        for leftover in waiting:
            leftover.unlink(missing_ok=True)
    return targets


def check_writable(folder: Path, argument: str = "out") -> None:
    """Make the folder and a file in it, and remove both again: permissions alone do not show what a file system allows.

    Raises
    ------
    InputError
        If that is not possible.
    """
    made: list[Path] = []
    try:
        for place in reversed((folder, *folder.parents)):
            if not place.exists():
                place.mkdir()
                made.append(place)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError:  # another process makes the same folder
        return
    except (OSError, ValueError) as error:
        name = str(folder) if len(str(folder)) <= 200 else f"{str(folder)[:60]}..."
        why = getattr(error, "strerror", None) or "no folder can have this name"
        raise InputError(f"{name} cannot be written to ({why}). Give another folder.", argument) from error
    finally:
        for place in reversed(made):
            with suppress(OSError):  # another process has written to it
                place.rmdir()


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a text or table file.

    Raises
    ------
    OSError
        If there is no such file, if it cannot be read, if it is a pipe or device, which could wait for ever, or if it
        is larger than 200 MB.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe, socket or device", os.fspath(path))
        if status.st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, f"it has {status.st_size / 1e6:.0f} MB", os.fspath(path))
        # files of the system state no size, and some wait when they are read
        return Path(path).read_bytes() if status.st_size or stat.S_ISDIR(status.st_mode) else b""
    except ValueError as error:
        raise OSError(errno.EINVAL, "no file can have this name") from error
