"""A random key that this computer keeps for itself, and codes of texts that cannot be computed without it."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

#: Environment variable that names the file of the key.
VARIABLE = "NAPARI_JSN_KEY"
#: Length of the key in bytes.
LENGTH = 32


def key_file() -> Path:
    """Return the file of the key: the one that ``NAPARI_JSN_KEY`` names, or one beside the user's settings."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("napari-jsn", appauthor=False) / "pseudonyms.key"


def secret_key() -> bytes:
    """Return the key; it is made at the first call, readable by its owner only.

    Raises
    ------
    OSError
        If the file of the key cannot be read or made, or does not hold a key.
    """
    path = key_file()
    for _ in range(2):
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            _make(path)
            continue
        if len(key) != LENGTH:
            raise OSError(f"{path} does not hold a key of {LENGTH} bytes")
        return key
    raise OSError(f"{path} could not be made")


def keyed_code(*texts: str) -> str:
    """Return 64 hexadecimal digits (HMAC-SHA256): equal for equal texts, and not computable without the key.

    Raises
    ------
    OSError
        As :func:`secret_key`.
    """
    return hmac.new(secret_key(), "\0".join(texts).encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _make(path: Path) -> None:
    """Write a new key in one step; where another process was first, its key is kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # fails where the file exists; a rename would replace it
        except FileExistsError:
            return
        except OSError:  # a file system without links
            if not path.exists():
                os.rename(part, path)
    finally:
        part.unlink(missing_ok=True)
