"""Rows as a pandas DataFrame and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def table(records: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return a DataFrame with one row for each record and the columns of the first."""
    import pandas as pd

    return pd.DataFrame(list(records))


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return CSV in UTF-8 with six significant digits; NaN is an empty cell. Equal tables give equal bytes."""
    return str(table.to_csv(index=False, float_format="%.6g", lineterminator="\n")).encode()
