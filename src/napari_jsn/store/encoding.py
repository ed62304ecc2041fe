"""Encode values for a database: arrays as compressed bytes, small structures as JSON in which NaN is null."""

from __future__ import annotations

import io
import json
import math
import zlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.common.statistics import Estimate

NAN = float("nan")


def packed(array: NDArray[Any]) -> bytes:
    """Return an array as compressed bytes (the format of NumPy's ``.npy``, compressed by zlib).

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn.store.encoding import packed, unpacked
    >>> unpacked(packed(np.eye(2, dtype=bool))).tolist()
    [[True, False], [False, True]]
    """
    content = io.BytesIO()
    np.save(content, np.ascontiguousarray(array), allow_pickle=False)
    return zlib.compress(content.getvalue(), 6)


def unpacked(content: bytes) -> NDArray[Any]:
    """Return the array of :func:`packed`."""
    array: NDArray[Any] = np.load(io.BytesIO(zlib.decompress(content)), allow_pickle=False)
    return array


def to_json(value: Any) -> str:
    """Return a structure as JSON; NaN becomes null, because JSON has no NaN."""
    plain = _plain(value)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return json.dumps(plain, allow_nan=False, separators=(",", ":"))  # names of files that are no UTF-8: escaped
    return text


def from_json(text: str | None) -> Any:
    """Return the structure of :func:`to_json`; null stays None."""
    return None if not text else json.loads(text)


def number(value: Any) -> float:
    """Return a number that was written; null is NaN."""
    return NAN if value is None else float(value)


def estimate(values: Any) -> Estimate:
    """Return a figure from ``[value, sd]``."""
    return Estimate(number(values[0]), number(values[1]))


def reasons(values: Any) -> tuple[Reason, ...]:
    """Return reasons from ``[[code, sentence], ...]``."""
    return tuple(Reason(ReasonCode[code], sentence) for code, sentence in values)


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return [_plain(value.value), _plain(value.sd)]
    if isinstance(value, Reason):
        return [value.code.name, value.sentence]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)  # "inf"; float() reads it back
    return value.isoformat() if isinstance(value, (date, datetime)) else value
