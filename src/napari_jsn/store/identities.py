"""The code of a patient's identity in a store: equal for equal identities, and not readable without the store's key."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from pathlib import Path

from napari_jsn.common.errors import InputError
from napari_jsn.patient.identity import unambiguous_texts
from napari_jsn.patient.list_files import header_of, may_be_dicom


def identity_code(key: str, paths: Iterable[Path | None]) -> str:
    """Return 32 hexadecimal digits for the identity that the files of a patient state; ``""`` if they state none.

    Patient ID and birth date count, and the name only where one of them is not stated, because a name can change.

    Parameters
    ----------
    key : str
        The key of the store.
    paths : iterable of Path or None
        Files of radiographs; files that are not DICOM state no identity.
    """
    identities = []
    for path in dict.fromkeys(path for path in paths if path is not None):
        try:
            if may_be_dicom(path):
                identities.append(header_of(path, path.name)[0].identity)
        except (InputError, OSError):  # not readable any more: saving it is refused elsewhere
            continue
    texts = unambiguous_texts(identities)
    if not any(texts):
        return ""
    return hmac.new(key.encode(), "\0".join(texts).encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:32]
