"""Radiographs that a page sends: their names and contents are checked, and they are held in a private folder."""

from __future__ import annotations

import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from napari_jsn.common.errors import InputError
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.radiograph.content.file_content import content_of

#: Limits of one upload.
MOST_FILES, MOST_BYTES_FILE, MOST_BYTES = 40, 150_000_000, 600_000_000
#: File that names the patient of a folder; without it, the upload was not completed.
_OWNER = "patient"
_RADIOGRAPHS = "radiographs"
_NAME = re.compile(r"[^\W_][\w .,()+=@~-]*")
_LONGEST_NAME = 120
_COPIED = 1 << 20


@dataclass(frozen=True)
class Upload:
    """One file that was sent: its name as the browser states it, and its content."""

    name: str
    content: IO[bytes]


class UploadFolder:
    """The private folder of all uploads of a server; each upload has a folder of its own in it.

    Parameters
    ----------
    folder : Path
        Made if it does not exist, readable by its owner only.

    Raises
    ------
    InputError
        If another server uses it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._lock = FileLock(folder / ".lock", thread_local=False)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                "Another napari-jsn serve uses this store. Open its address, or stop it first.", "store"
            ) from None
        except OSError as error:
            raise InputError(
                f"The folder {folder} for uploaded radiographs cannot be made: {error.strerror}. Give another store.",
                "store",
            ) from error
        for each in self._each():  # of a server that was killed
            if not (each / _OWNER).exists():
                shutil.rmtree(each, ignore_errors=True)

    @contextmanager
    def new(self, uploads: Sequence[Upload]) -> Iterator[Path]:
        """Write files to a folder of their own and give it; after an error nothing of it is left.

        Raises
        ------
        InputError
            If a name, a type or a size is not allowed.
        """
        names = checked_names([upload.name for upload in uploads])
        place = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            radiographs = place / _RADIOGRAPHS
            radiographs.mkdir()
            total = 0
            for name, upload in zip(names, uploads, strict=True):
                target = radiographs / name
                target.parent.mkdir(parents=True, exist_ok=True)
                total += _copy(upload, target)
                if total > MOST_BYTES:
                    raise too_much()
                _check_content(target, name)
            yield radiographs
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    @staticmethod
    def keep(radiographs: Path, patient: str) -> None:
        """State whose radiographs a folder holds; it is kept from now on."""
        (radiographs.parent / _OWNER).write_text(patient, "utf-8")

    def delete(self, patient: str) -> None:
        """Delete the uploaded radiographs of a patient."""
        for each in self._each():
            with suppress(OSError):
                if (each / _OWNER).read_text("utf-8") == patient:
                    shutil.rmtree(each, ignore_errors=True)

    def close(self) -> None:
        """Let another server use the folder; it is removed where it is empty."""
        self._lock.release()
        with suppress(OSError):
            if not self._each():
                (self.folder / ".lock").unlink(missing_ok=True)
                self.folder.rmdir()

    def _each(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.is_dir() and not path.is_symlink()]


def checked_names(names: Sequence[str]) -> list[str]:
    """Return names of files, perhaps in folders, after checking them; relative to the folder of a ``radiographs.csv``.

    Raises
    ------
    InputError
        If there is none or too many, or one could lead out of the folder, has characters that are not allowed, or is
        there twice.
    """
    if not names:
        raise InputError("No radiograph was sent. Choose one or more files.", "files")
    if len(names) > MOST_FILES:
        raise InputError(f"{len(names)} files were sent, and the limit is {MOST_FILES}. Send fewer.", "files")
    checked: list[str] = []
    for given in names:
        name = unicodedata.normalize("NFC", given)
        parts = name.split("/")
        if not all(_NAME.fullmatch(part) and len(part) <= _LONGEST_NAME for part in parts) or len(parts) > 4:
            raise InputError(
                f"A file has the name {_shown(given)}, which is not allowed. Rename it: letters, digits, spaces and "
                ". , - _ ( ) + = @ ~ only, at most 120 of them.",
                "files",
            )
        if name.casefold() in (other.casefold() for other in checked):
            raise InputError(f"Two files have the name {_shown(given)}. Rename one.", "files")
        checked.append(name)
    return _in_folder_of_table(checked)


def _in_folder_of_table(names: list[str]) -> list[str]:
    """Return names relative to the folder of ``radiographs.csv``, where a whole folder was dropped that has one."""
    table = next((name for name in names if name.endswith(f"/{RADIOGRAPHS_TABLE}")), "")
    top = table.removesuffix(RADIOGRAPHS_TABLE)
    if not top or not all(name.startswith(top) for name in names):
        return names
    return [name.removeprefix(top) for name in names]


def too_much() -> InputError:
    """Return the error for an upload that is too large."""
    return InputError(
        f"The files are too large: at most {MOST_BYTES_FILE // 10**6} MB a file and {MOST_BYTES // 10**6} MB together. "
        "Send fewer or smaller ones.",
        "files",
    )


def _copy(upload: Upload, target: Path) -> int:
    size = 0
    with target.open("xb") as file:
        while part := upload.content.read(_COPIED):
            size += len(part)
            if size > MOST_BYTES_FILE:
                raise too_much()
            file.write(part)
    target.chmod(0o600)
    return size


def _check_content(path: Path, name: str) -> None:
    if name == RADIOGRAPHS_TABLE:
        return
    content = content_of(path)
    if content == "empty":
        raise InputError(f"{name} is empty. Export or copy it again.", "files")
    if content == "other":
        raise InputError(
            f"{name} is no radiograph: it is neither a DICOM file nor a PNG, JPEG, BMP or TIFF image. Leave it out.",
            "files",
        )


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else f"{name[:57]}...")
