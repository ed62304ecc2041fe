"""Tables as an XLSX workbook."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Widest column in characters.
_WIDEST = 40


def workbook_bytes(sheets: Mapping[str, pd.DataFrame]) -> bytes:
    """Return a workbook with one sheet for each table; texts are never read as formulas or links.

    Parameters
    ----------
    sheets : mapping of str to DataFrame
        By the name of the sheet, of at most 31 characters.

    Raises
    ------
    InputError
        If the library that writes workbooks is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_jsn.export.workbook import workbook_bytes
    >>> workbook_bytes({"grades": pd.DataFrame({"site": ["MCP2"], "grade": [2.0]})})[:2]
    b'PK'
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise InputError(
            "Workbooks are written with XlsxWriter, which is not installed. Install it with: pip install "
            "'napari-jsn[web]'",
            "what",
        ) from error
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as workbook:
        workbook.set_properties({"comments": "For research use only. Made by napari-jsn."})
        bold = workbook.add_format({"bold": True, "bottom": 1})
        for name, table in sheets.items():
            sheet = workbook.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for column, title in enumerate(table.columns):
                cells = [_cell(value) for value in table[title].tolist()]
                sheet.write_string(0, column, str(title), bold)
                for row, value in enumerate(cells, start=1):
                    _write(sheet, row, column, value)
                widest = max(map(len, map(str, [title, *cells])), default=0)
                sheet.set_column(column, column, min(widest + 2, _WIDEST))
    return file.getvalue()


def _cell(value: object) -> object:
    """Return a value as a workbook keeps it; NaN is an empty cell."""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return value if isinstance(value, (bool, int, float)) else str(value)


def _write(sheet: object, row: int, column: int, value: object) -> None:
    if value == "" and not isinstance(value, bool):
        return
    kind = "boolean" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "string"
    getattr(sheet, f"write_{kind}")(row, column, value)
