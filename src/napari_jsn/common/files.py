"""Write files under temporary names and rename them; one writer at a time in a folder."""

from __future__ import annotations

import errno
import os
import re
import secrets
import signal
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_jsn.common.errors import InputError

#: Largest table or text file.
_MOST_BYTES = 200_000_000
#: Held by the run that writes to a folder; removed when it ends.
LOCK = ".napari-jsn.lock"
#: Names of temporary files.
_PART = re.compile(r"\.napari-jsn-[0-9a-f]{12}\.part")
#: Seconds that :func:`write_files` waits for another writer, which holds the lock for a short time only.
_WAIT_S = 60.0


def check_folder(folder: str | os.PathLike[str], argument: str = "out", names: Iterable[str] = ()) -> Path:
    """Return the folder after checking that results can be written to it; create nothing.

    Call it before long work, so that an invalid folder is reported at once.

    Parameters
    ----------
    folder : path
    argument : str
        Name of the argument in errors.
    names : iterable of str
        Names of the files that will be written, relative to the folder; a ``*`` in the last part stands for any text.

    Raises
    ------
    InputError
        If the folder or one of its parents is a file, or is not writable, or if a folder has the name of a file that
        will be written.
    """
    folder = Path(folder)
    existing = next((place for place in (folder, *folder.absolute().parents) if os.path.exists(place)), folder)
    if not existing.is_dir():
        raise InputError(f"{existing} is a file, but results are written to a folder. Give another name.", argument)
    if not os.access(existing, os.W_OK):
        raise InputError(f"{existing} cannot be written to. Give another folder.", argument)
    check_writable(folder, argument)
    for name in names:
        _check_name(folder, name, argument)
    return folder


def _check_name(folder: Path, name: str, argument: str) -> None:
    *parents, last = name.split("/")
    for parent in parents:
        folder = folder / parent
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file, but a folder of this name must be made. Move the file.", argument)
    if not folder.is_dir():
        return
    pattern = re.compile(re.escape(last).replace(r"\*", ".*"), re.DOTALL)
    for found in os.listdir(folder) if "*" in last else [last]:
        if pattern.fullmatch(found) and (folder / found).is_dir():
            raise InputError(
                f"{folder / found} is a folder, but a file of this name must be written. Move the folder.", argument
            )


@contextmanager
def written_errors(folder: Path, argument: str) -> Iterator[None]:
    """Raise an OSError of the block as an InputError that says that the folder could not be written."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{folder} could not be written: {error.strerror or error}. Give another folder.", argument
        ) from error


@contextmanager
def locked_folder(folder: Path, argument: str = "out", wait_s: float = 0.0) -> Iterator[None]:
    """Make the folder, and admit no other writer to it while the block runs.

    Temporary files of runs that have died are removed. A folder that was made here and is empty at the end is removed.

    Raises
    ------
    InputError
        If another run writes to the folder and goes on for longer than ``wait_s`` seconds, or if it cannot be written.
    """
    from filelock import FileLock, Timeout

    with written_errors(folder, argument):
        made = _make(folder)
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        with written_errors(folder, argument):
            try:
                lock.acquire(timeout=wait_s)
            except Timeout:
                raise InputError(
                    f"Another run is writing to {folder}. Wait until it has ended, or give another folder.", argument
                ) from None
        try:
            with written_errors(folder, argument):
                for path in [path for path in folder.iterdir() if _PART.fullmatch(path.name)]:
                    path.unlink(missing_ok=True)
            yield
        finally:
            with suppress(OSError):
                (folder / LOCK).unlink()  # another run that has opened it sees that it is gone, and tries again
            lock.release()
    finally:
        for each in reversed(made):
            with suppress(OSError):  # it is not empty
                each.rmdir()


def _make(folder: Path) -> list[Path]:
    """Make a folder and its parents; return those that did not exist, the outermost first."""
    made = [each for each in (folder, *folder.parents) if not each.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return made


class PartFiles:
    """Files that have been written under temporary names and wait for their names; use it in a ``with`` block.

    All temporary files lie in the folder itself. Those that have not been renamed are removed at the end of the block.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[tuple[Path, Path]] = []

    def __enter__(self) -> PartFiles:
        return self

    def __exit__(self, *error: object) -> None:
        self.discard()

    def add(self, name: str, content: bytes) -> None:
        """Write a file under a temporary name, and wait until it is on the disk."""
        part = self._folder / f".napari-jsn-{secrets.token_hex(6)}.part"
        self._waiting.append((part, self._folder / name))
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def rename(self) -> None:
        """Give all files their names, in the order in which they were written."""
        while self._waiting:
            os.replace(*self._waiting[0])
            del self._waiting[0]

    def discard(self) -> None:
        """Remove the files that have not been renamed."""
        for part, _ in self._waiting:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self._waiting.clear()


def write_files(folder: str | os.PathLike[str], contents: Mapping[str, bytes], argument: str = "out") -> list[Path]:
    """Write several files to a folder; after an error none of them is there.

    Every file is written under a temporary name; after the last one all are renamed. There is no ``run.json``: the
    results of a run are written with :class:`napari_jsn.common.output_folder.OutputFolder`.

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
    folder = check_folder(folder, argument, contents)
    with (
        locked_folder(folder, argument, _WAIT_S),
        written_errors(folder, argument),
        PartFiles(folder) as parts,
    ):
        for name, content in contents.items():
            parts.add(name, content)
        parts.rename()
    return [folder / name for name in contents]


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def interrupt_deferred() -> Iterator[None]:
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
