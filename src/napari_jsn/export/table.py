"""Convert records to a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def table(records: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return a DataFrame with one row per record; its columns are the keys of the records."""
    import pandas as pd

    return pd.DataFrame(list(records))
