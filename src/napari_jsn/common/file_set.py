"""Write files that belong together: after a crash or Ctrl-C either the old set or the new set exists, never a mixture.

:func:`napari_jsn.common.files.write_files` renames files one by one, and a process can end between two of these steps.
A set is written to a new folder beside the old one, and the two folders are exchanged in one step.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder, write_files


def write_set(
    folder: str | os.PathLike[str],
    contents: Mapping[str, bytes],
    belongs: Callable[[str], bool] = lambda name: False,
    argument: str = "out",
) -> list[Path]:
    """Replace all files of one kind in a folder by these files, in one step.

    Other files of the folder remain. Where the folder cannot be exchanged with a new one (it contains folders, it is
    the working directory, or the system has no such call), the files are renamed one by one while Ctrl-C is deferred.

    Parameters
    ----------
    folder : path
        Created if it does not exist.
    contents : mapping of str to bytes
        File names and contents.
    belongs : callable
        Whether a file of this name is of this kind; such files of an earlier set are deleted.
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
    place = Path(os.path.realpath(folder))
    new = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, content in contents.items():
            _write(new / name, content)
        if not (_rename(new, place) or _link_others(place, new, belongs) and _exchange(new, place)):
            with _interrupt_deferred():
                write_files(folder, contents, argument)
                for name in os.listdir(place):
                    if belongs(name) and name not in contents:
                        (place / name).unlink()
    except OSError as error:
        raise InputError(
            f"{folder} could not be written: {error.strerror or error}. Give another folder.", argument
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)  # the unused new set, or the old set after the exchange
    return [folder / name for name in contents]


def _write(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _rename(new: Path, place: Path) -> bool:
    """Rename the new folder where the name is free or the folder of this name is empty; return False elsewhere."""
    if place.exists() and (_is_working_directory(place) or any(place.iterdir())):
        return False
    try:
        os.rename(new, place)
    except OSError:  # an empty folder that the system does not replace, or a mount point
        return False
    return True


def _link_others(place: Path, new: Path, belongs: Callable[[str], bool]) -> bool:
    """Link the other files of the old folder into the new one; return False where this is impossible."""
    if _is_working_directory(place):
        return False
    try:
        for entry in os.scandir(place):
            if (new / entry.name).exists() or belongs(entry.name):
                continue
            if not entry.is_file(follow_symlinks=False):
                return False
            os.link(entry.path, new / entry.name)
        shutil.copymode(place, new)
    except OSError:
        return False
    return True


def _is_working_directory(place: Path) -> bool:
    """Return whether the working directory lies in this folder, and would be deleted with it."""
    here = Path.cwd()
    return here == place or place in here.parents


def _exchange(one: Path, two: Path) -> bool:
    """Exchange two folders in one step; return False where the system has no such call."""
    import ctypes

    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            done = library.renamex_np(os.fsencode(one), os.fsencode(two), 2)  # RENAME_SWAP
        else:
            working_directory = -100  # AT_FDCWD
            done = library.renameat2(
                working_directory, os.fsencode(one), working_directory, os.fsencode(two), 2
            )  # RENAME_EXCHANGE
    except (OSError, TypeError, AttributeError):
        return False
    return bool(done == 0)


@contextmanager
def _interrupt_deferred() -> Iterator[None]:
    """Defer Ctrl-C until the block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives Ctrl-C
        return
    pressed: list[object] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)
