"""Convert records to a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def table(records: Iterable[Mapping[str, object]], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return a DataFrame with one row per record; its columns are the keys of the records, or those that are given."""
    import pandas as pd

    return pd.DataFrame(list(records), columns=None if columns is None else list(columns))
