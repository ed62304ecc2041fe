"""Store arrays on disk that are slow to compute, such as simulated training images, for the next call."""

from __future__ import annotations

import io
import logging
import zipfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import write_files

Arrays = dict[str, NDArray[Any]]

_LOG = logging.getLogger(__name__)
_ENDING = ".npz"


def cache_folder() -> Path:
    """Return the platform's folder for caches of this program; it may not exist yet."""
    from platformdirs import user_cache_path

    return user_cache_path("napari-jsn", appauthor=False)


def cached_arrays(name: str, package: ModuleType, make: Callable[[], Arrays], cache: Path | None = None) -> Arrays:
    """Return named arrays from the cache; if they are not there or damaged, compute and store them.

    Files that older code of the package made stay until :func:`clear_cache`. Where the cache cannot be written, a
    warning is logged.

    Parameters
    ----------
    name : str
        Start of the file's name. It must contain every setting that the arrays depend on, apart from the code.
    package : module
        The package whose code computes the arrays. They are computed again when its files have changed.
    make : callable
        Returns the arrays.
    cache : Path, optional
        The folder; by default :func:`cache_folder`.
    """
    folder = cache_folder() if cache is None else cache
    path = folder / f"{name}-{hash_of_code(package)}{_ENDING}"
    kept = _read(path)
    if kept is not None:
        return kept
    arrays = make()
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # the type stub takes array names for options
    try:
        write_files(folder, {path.name: content.getvalue()})
    except (InputError, OSError) as error:
        reason = str(error).partition(" Give another")[0]
        _LOG.warning("The simulated images are not kept, so the next training simulates them again: %s", reason)
    return arrays


def clear_cache(cache: Path | None = None) -> tuple[Path, int, int]:
    """Remove all files of the cache; return its folder, and number and bytes of the files removed.

    Raises
    ------
    InputError
        If a file cannot be removed.
    """
    folder = cache_folder() if cache is None else cache
    count = size = 0
    for path in sorted(folder.glob(f"*{_ENDING}")):
        try:
            size += path.stat().st_size
            path.unlink()
        except OSError as error:
            raise InputError(f"{path} cannot be removed: {error.strerror or error}.", "clear_cache") from error
        count += 1
    return folder, count, size


def hash_of_code(package: ModuleType) -> str:
    """Return the first digits of the hash of all Python and JSON files of a package and its subpackages."""
    folder = Path(str(package.__file__)).parent
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".json"))
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]


def _read(path: Path) -> Arrays | None:
    """Return the arrays of a file; None where there is none or it is damaged, which is logged."""
    try:
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        if arrays:
            return arrays
        reason = "it is empty"
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
    _LOG.warning("The kept simulated images in %s are simulated again: %s.", path, reason)
    return None
