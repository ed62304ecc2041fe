"""Folder and name of a model, reserved while its training runs: two trainings at once never write the same files."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder
from napari_jsn.networks import weights
from napari_jsn.training.machine import is_first_process

if TYPE_CHECKING:
    from filelock import BaseFileLock

RESUME_SUFFIX = ".ckpt"
_MOST_NAMES = 10_000


@contextmanager
def reserved_place(
    task: str,
    preset: str,
    out: str | os.PathLike[str] | None,
    name: str | None,
    resume: str | os.PathLike[str] | None = None,
    replace: bool = False,
) -> Iterator[tuple[Path, str]]:
    """Yield folder and name of a model, which no other training can have while the block runs.

    Without a name it is the preset's (``my-<preset>`` in the folder of the user's models), or the first of
    ``<name>-2``, ``<name>-3``, ... that no model and no training has.

    Parameters
    ----------
    task, preset : str
    out : path, optional
        By default the folder of the user's models.
    name : str, optional
    resume : path, optional
        The resume file that is continued, which has this name itself.
    replace : bool
        Whether a finished model of that name is replaced.

    Raises
    ------
    InputError
        If the folder cannot be written, or the name is taken.
    """
    folder = _folder(out)
    if name is not None:
        weights.check_name(name)
    if not is_first_process():  # the first process has the name
        yield folder, name or preset
        return
    created = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock, name = _reserve(task, preset, folder, out is None, name, resume, replace)
    except (OSError, InputError) as error:
        _remove_if(created, folder)
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{folder} cannot be written to: {error.strerror or error}. Give another folder.", "out"
        ) from error
    _remove_parts(task, folder, name)
    try:
        yield folder, name
    finally:
        # removed while it is locked: a process that opened it before sees that the name is not there any more
        with suppress(OSError):
            os.unlink(lock.lock_file)
        lock.release()
        with suppress(OSError):
            os.unlink(lock.lock_file)  # Windows cannot remove an open file
        _remove_if(created, folder)


def _remove_parts(task: str, folder: Path, name: str) -> None:
    """Remove files that a killed training of this name left half-written; the lock is held, so nobody writes them."""
    for part in folder.glob(f".{glob.escape(f'{task}-{name}')}.*.part"):
        if re.fullmatch(r"[a-z]+\.\d+", part.name.removeprefix(f".{task}-{name}.").removesuffix(".part")):
            with suppress(OSError):
                part.unlink()


def _remove_if(created: bool, folder: Path) -> None:
    if created:
        with suppress(OSError):
            folder.rmdir()  # fails where something was written


def check_place(
    task: str, preset: str, out: str | os.PathLike[str] | None, name: str | None, replace: bool = False
) -> None:
    """Raise what :func:`reserved_place` would raise, before images are prepared for minutes; leave nothing behind."""
    with reserved_place(task, preset, out, name, replace=replace):
        pass


def _folder(out: str | os.PathLike[str] | None) -> Path:
    if out is not None:
        return check_folder(out)
    try:
        return check_folder(weights.user_folder())
    except InputError as error:
        raise InputError(
            f"{str(error).removesuffix('Give another folder.').removesuffix('Give another name.')}Choose a folder with "
            "--out, or with the environment variable NAPARI_JSN_MODELS."
        ) from error


def _reserve(
    task: str,
    preset: str,
    folder: Path,
    is_users: bool,
    name: str | None,
    resume: str | os.PathLike[str] | None,
    replace: bool,
) -> tuple[BaseFileLock, str]:
    if name is not None:
        lock = _try_lock(task, folder, name)
        if lock is None:
            raise InputError(
                f"A training of the {task} model {name!r} is running in {folder}. Choose another name, or wait for it.",
                "name",
            )
        try:
            _check_free(task, folder, is_users, name, resume, replace)
        except BaseException:
            with suppress(OSError):
                os.unlink(lock.lock_file)
            lock.release()
            raise
        return lock, name
    first = f"my-{preset}" if is_users else preset
    for count in range(1, _MOST_NAMES):
        candidate = first if count == 1 else f"{first}-{count}"
        lock = _try_lock(task, folder, candidate)
        if lock is None:
            continue
        if not _is_taken(task, folder, is_users, candidate) and not _resume_file(task, folder, candidate).exists():
            return lock, candidate
        with suppress(OSError):
            os.unlink(lock.lock_file)
        lock.release()
    raise InputError(f"{folder} has too many models of the name {first!r}. Choose another name.", "name")


def _try_lock(task: str, folder: Path, name: str) -> BaseFileLock | None:
    """Return the lock of a name, held; None if another process, or another training of this one, holds it."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / f".{task}-{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def _check_free(
    task: str, folder: Path, is_users: bool, name: str, resume: str | os.PathLike[str] | None, replace: bool
) -> None:
    unfinished = _resume_file(task, folder, name)
    if unfinished.exists() and (resume is None or not unfinished.samefile(resume)):
        raise InputError(
            f"A training of that name is not finished: {unfinished}. Resume it (--resume), delete the file, "
            "or choose another name.",
            "name",
        )
    if resume is not None or not _is_taken(task, folder, is_users, name):
        return
    if not (folder / f"{task}-{name}{weights.SUFFIX}").exists():
        raise InputError(f"The {task} model {name!r} comes with the program. Choose another name.", "name")
    if not replace:
        raise InputError(
            f"There is a {task} model {name!r} in {folder} already. Choose another name, or replace it (--replace).",
            "name",
        )


def _is_taken(task: str, folder: Path, is_users: bool, name: str) -> bool:
    return (folder / f"{task}-{name}{weights.SUFFIX}").exists() or (is_users and name in weights.names(task))


def _resume_file(task: str, folder: Path, name: str) -> Path:
    return folder / f"{task}-{name}{RESUME_SUFFIX}"
