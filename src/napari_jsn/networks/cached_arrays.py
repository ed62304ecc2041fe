"""Store arrays on disk that are slow to compute, such as simulated training images, for the next call."""

from __future__ import annotations

import io
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.files import write_files

Arrays = dict[str, NDArray[Any]]


def cached_arrays(name: str, package: ModuleType, make: Callable[[], Arrays], cache: Path | None = None) -> Arrays:
    """Return named arrays from the cache; if they are not there, compute and store them.

    Parameters
    ----------
    name : str
        Start of the file's name. It must contain every setting that the arrays depend on, apart from the code.
    package : module
        The package whose code computes the arrays. They are computed again when its files have changed.
    make : callable
        Returns the arrays.
    cache : Path, optional
        The folder; by default the platform's folder for caches.
    """
    if cache is None:
        from platformdirs import user_cache_path

        cache = user_cache_path("napari-jsn", appauthor=False)
    path = cache / f"{name}-{hash_of_code(package)}.npz"
    if path.is_file():
        with np.load(path) as file:
            return {key: file[key] for key in file.files}
    arrays = make()
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # the type stub takes array names for options
    write_files(cache, {path.name: content.getvalue()})
    return arrays


def hash_of_code(package: ModuleType) -> str:
    """Return the first digits of the hash of all Python and JSON files of a package and its subpackages."""
    folder = Path(str(package.__file__)).parent
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".json"))
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
