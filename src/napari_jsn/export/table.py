"""Convert records to a pandas DataFrame, and a DataFrame to CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def table(records: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return a DataFrame with one row per record; its columns are the keys of the records."""
    import pandas as pd

    return pd.DataFrame(list(records))


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return the table as CSV in UTF-8, with six significant digits; NaN becomes an empty cell."""
    return str(table.to_csv(index=False, float_format="%.6g", lineterminator="\n")).encode()
