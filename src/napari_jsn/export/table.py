"""Flat rows as a pandas DataFrame and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from napari_jsn.registration.record import Record, flat_record, motion_record, spacing_cell

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Record", "csv_bytes", "flat_record", "motion_record", "spacing_cell", "table"]


def table(records: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """One row a record, columns in the order of the first."""
    import pandas as pd

    return pd.DataFrame(list(records))


def csv_bytes(table: pd.DataFrame) -> bytes:
    """CSV in UTF-8 with six significant digits and empty cells for NaN; equal tables give equal bytes."""
    return str(table.to_csv(index=False, float_format="%.6g", lineterminator="\n")).encode()
