"""Write files that belong together: after a crash or Ctrl-C there is the old set or the new, never some of each.

Single files are renamed into place one by one (:func:`napari_jsn.common.files.write_files`); between two of these a
process can die. A set is written into a folder of its own beside the old one, and both folders change places in one
step.
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
    """Make these files the only ones of their kind in a folder, in one step.

    Other files of the folder stay. Where the folder cannot change places with a new one (it holds folders, it is where
    the user stands, or the system cannot do that), the files are renamed one by one with Ctrl-C held back.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    contents : mapping of str to bytes
        File names and what they hold.
    belongs : callable
        Whether a file of this name is of this kind: such files from an earlier set go.
    argument : str
        The name that an error carries.

    Returns
    -------
    list of Path
        The files, in the order given.

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
        if not (_take_place(new, place) or _carry(place, new, belongs) and _swap(new, place)):
            with _ctrl_c_waits():
                write_files(folder, contents, argument)
                for name in os.listdir(place):
                    if belongs(name) and name not in contents:
                        (place / name).unlink()
    except OSError as error:
        told = error.strerror or error
        raise InputError(f"{folder} could not be written: {told}. Name another folder.", argument) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)  # what was not needed, or the old set
    return [folder / name for name in contents]


def _write(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _take_place(new: Path, place: Path) -> bool:
    """Rename a new folder to a name that is free, or to that of an empty folder."""
    if place.exists() and (_stands_in(place) or any(place.iterdir())):
        return False
    try:
        os.rename(new, place)
    except OSError:  # an empty folder on a system that does not replace those, or one that is mounted
        return False
    return True


def _carry(place: Path, new: Path, belongs: Callable[[str], bool]) -> bool:
    """Give the new folder what else is in the old one; False where that cannot be."""
    if _stands_in(place):
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


def _stands_in(place: Path) -> bool:
    """Whether the user is in this folder, and would be left in one that is gone."""
    here = Path.cwd()
    return here == place or place in here.parents


def _swap(one: Path, two: Path) -> bool:
    """Let two folders change places in one step; False where the system cannot."""
    import ctypes

    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            done = library.renamex_np(os.fsencode(one), os.fsencode(two), 2)  # RENAME_SWAP
        else:
            here = -100  # AT_FDCWD: paths are taken as they are
            done = library.renameat2(here, os.fsencode(one), here, os.fsencode(two), 2)  # RENAME_EXCHANGE
    except (OSError, TypeError, AttributeError):
        return False
    return bool(done == 0)


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Ctrl-C never comes here
        return
    pressed: list[object] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)
