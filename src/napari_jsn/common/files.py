"""Write finished results so that nothing half-written is ever left behind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from napari_jsn.common.errors import InputError


def check_folder(folder: str | os.PathLike[str], argument: str = "out") -> Path:
    """The folder, once it is clear that results can be written there; makes nothing.

    Called before long work, so that a wrong name is told at once.

    Raises
    ------
    InputError
        If the folder, or one that it would lie in, is a file or closed to writing.
    """
    folder = Path(folder)
    existing = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if not existing.is_dir():
        raise InputError(f"{existing} is a file; results go into a folder. Name another.", argument)
    if not os.access(existing, os.W_OK):
        raise InputError(f"{existing} cannot be written to. Name another folder.", argument)
    return folder


def write_files(folder: str | os.PathLike[str], contents: Mapping[str, bytes], argument: str = "out") -> list[Path]:
    """Write several files into a folder: all of them, or none.

    Each is written in full under a temporary name; only when the last is done are they renamed.

    Parameters
    ----------
    folder : path
        Made if it does not exist. Files of the same names are replaced.
    contents : mapping of str to bytes
        File names and what they hold.
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
    targets = [folder / name for name in contents]
    for target in targets:
        if target.is_dir():
            raise InputError(f"{target} is a folder, but a file of that name must be written. Move it away.", argument)
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
        told = error.strerror or error
        raise InputError(f"{folder} could not be written: {told}. Name another folder.", argument) from error
    finally:
        for leftover in waiting:
            leftover.unlink(missing_ok=True)
    return targets
