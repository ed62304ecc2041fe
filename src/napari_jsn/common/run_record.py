"""The record of a run, ``run.json``: what it was given, what it was computed with, and the hashes of its files."""

from __future__ import annotations

import hashlib
import math
import os
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from napari_jsn import __version__

#: Packages that figures, pictures and files depend on.
_PACKAGES = (
    "torch", "monai", "numpy", "scipy", "scikit-image", "pandas", "pydicom", "pylibjpeg", "pylibjpeg-openjpeg",
    "pylibjpeg-libjpeg", "pyjpegls", "pillow", "matplotlib", "safetensors", "highdicom", "statsmodels", "lightning",
)  # fmt: skip
#: Stands in a record for a path that was given and is not written.
GIVEN_PATH = "a path"


def run_record(
    command: str,
    options: Mapping[str, Any] = {},  # noqa: B006  # is not changed
    models: Mapping[str, str] = {},  # noqa: B006
    device: str = "",
    inputs: Iterable[Mapping[str, Any]] = (),
    seconds: float | None = None,
    keep_identity: bool = False,
    statement: str = "",
) -> dict[str, Any]:
    """Return the record of a run, without the hashes of its files.

    Parameters
    ----------
    command : str
        The command, or the function of Python.
    options : mapping of str to object
        Options by name. Paths, and words that are paths, are written only if the identity is kept.
    models : mapping of str to str
        By task, name and SHA-256 of each model (``"default 1a2b..."``); several of one task are separated by commas.
    device : str
    inputs : iterable of mapping
        See :func:`input_record`.
    seconds : float, optional
        Duration of the run, where it is known.
    keep_identity : bool
    statement : str
        What the model that graded learned on, as its card states it.

    Returns
    -------
    dict
        ``software command options versions models device seconds inputs``, and ``statement`` where there is one.
    """
    return {
        **({"statement": statement} if statement else {}),
        "software": f"napari-jsn {__version__}",
        "command": command,
        "options": {name: _option(value, keep_identity) for name, value in options.items()},
        "versions": versions(),
        "models": {task: _models(identity) for task, identity in models.items()},
        "device": device,
        "seconds": seconds,
        "inputs": [dict(each) for each in inputs],
    }


def versions() -> dict[str, str]:
    """Return the version of this program, of Python, and of each installed package that results depend on."""
    found = {"napari-jsn": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def input_record(
    name: str, source: str | os.PathLike[str] | Any, keep_identity: bool = False, **facts: Any
) -> dict[str, Any]:
    """Return what a record states about one input: its hash, and its path if the identity is kept.

    Parameters
    ----------
    name : str
        What the input is: ``"radiograph"``, ``"fixed"``.
    source : path or array
        A file; a folder, of whose files the hash of all hashes is stated, in order; or pixels.
    keep_identity : bool
    **facts
        Further facts, such as the visit.

    Examples
    --------
    >>> import numpy as np
    >>> input_record("fixed", np.zeros((2, 2), np.float32))["hash_of"]
    'pixels'
    """
    record: dict[str, Any] = {"input": name, **facts}
    if not isinstance(source, (str, os.PathLike)):
        return {**record, "hash_of": "pixels", "sha256": hashlib.sha256(source.tobytes()).hexdigest()}
    path = Path(source)
    if keep_identity:
        record["path"] = str(path)
    if path.is_dir():
        hashes = sorted(file_sha256(file) for file in path.rglob("*") if file.is_file())
        joined = hashlib.sha256("".join(f"{each}\n" for each in hashes).encode()).hexdigest()
        return {**record, "hash_of": f"the sorted hashes of {len(hashes)} files", "sha256": joined}
    return {**record, "hash_of": "file", "sha256": file_sha256(path) if path.is_file() else ""}


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, as ``sha256sum`` prints it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _models(identity: str) -> dict[str, str] | list[dict[str, str]]:
    found = [
        {"name": name or digest, "sha256": digest if name else ""}
        for name, _, digest in (each.rpartition(" ") for each in identity.split(", "))
    ]
    return found[0] if len(found) == 1 else found


def _option(value: Any, keep_identity: bool) -> Any:
    """Return the value of an option in the types of JSON; a path is not written unless the identity is kept."""
    if isinstance(value, (list, tuple)):
        return [_option(each, keep_identity) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if keep_identity or not (isinstance(value, os.PathLike) or _is_path(str(value))):
        return str(value)
    return GIVEN_PATH


def _is_path(text: str) -> bool:
    try:
        return "/" in text or "\\" in text or os.path.exists(text)
    except ValueError:
        return False
