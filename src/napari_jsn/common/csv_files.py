"""Read and write all tables (CSV); no cell that a spreadsheet would take for a formula is written.

Spreadsheets run a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return. Names of patients
and files come from outside, so such a cell gets an apostrophe before it, unless it is a number. Reading removes the
apostrophe again.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from napari_jsn.common.files import read_bytes

if TYPE_CHECKING:
    import pandas as pd

#: A cell that spreadsheets run, perhaps already marked; full-width signs are run too.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf")
#: A first line that states the delimiter for spreadsheets; it is no row of the table.
_STATED_DELIMITER = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
#: What programs write into a cell without content.
_EMPTY = frozenset({"", "nan", "na", "n/a", "none", "null", "<na>", "nat"})
#: Characters without width that programs leave around a text, such as the mark of the byte order.
_UNSEEN = "\u200b\u200e\u200f\u2060\ufeff"
_MARKED = re.compile(r"'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def safe_cell(cell: Any) -> Any:
    """Return a cell as it is written: text that a spreadsheet would run gets an apostrophe before it.

    Examples
    --------
    >>> from napari_jsn.common.csv_files import restored_cell, safe_cell
    >>> safe_cell("=1+1"), safe_cell("-0.25"), restored_cell(safe_cell("=1+1"))
    ("'=1+1", '-0.25', '=1+1')
    """
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def restored_cell(cell: Any) -> Any:
    """Return a cell as it was before :func:`safe_cell`."""
    return cell[1:] if isinstance(cell, str) and _MARKED.match(cell) else cell


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return the table as CSV in UTF-8, with six significant digits; NaN becomes an empty cell."""
    safe = table.rename(columns=safe_cell)
    for place, dtype in enumerate(safe.dtypes):
        if dtype.kind not in "biufc":  # numbers need no check
            safe.isetitem(place, safe.iloc[:, place].map(safe_cell))
    quoting = _quoting(cell for place in range(safe.shape[1]) for cell in safe.iloc[:, place])
    return str(safe.to_csv(index=False, float_format="%.6g", lineterminator="\n", quoting=quoting)).encode()


def records_csv(records: Sequence[Mapping[str, object]]) -> bytes:
    """Return records with the same keys as CSV in UTF-8, one line a record."""
    text = io.StringIO()
    quoting = _quoting(cell for record in records for cell in record.values())
    writer = csv.DictWriter(text, [safe_cell(name) for name in records[0]], lineterminator="\n", quoting=quoting)
    writer.writeheader()
    writer.writerows({safe_cell(name): safe_cell(value) for name, value in record.items()} for record in records)
    return text.getvalue().encode()


def _quoting(cells: Iterable[object]) -> Any:
    """Return the rule of quoting; a carriage return ends a line for readers, but is not quoted by default."""
    return csv.QUOTE_NONNUMERIC if any(isinstance(cell, str) and "\r" in cell for cell in cells) else csv.QUOTE_MINIMAL


def read_csv(path: str | os.PathLike[str], **options: Any) -> pd.DataFrame:
    """Return a table with its cells restored; options and errors are those of :func:`pandas.read_csv`."""
    import pandas as pd

    table = pd.read_csv(io.BytesIO(read_bytes(path)), **options).rename(columns=restored_cell)
    for place, dtype in enumerate(table.dtypes):
        if dtype.kind not in "biufc":
            table.isetitem(place, table.iloc[:, place].map(restored_cell))
    return table


def read_rows(path: str | os.PathLike[str], delimiter: str | None = ",") -> list[list[str]]:
    """Return the lines of a table in UTF-8, or in UTF-16 with a byte order mark, as lists of restored cells.

    Parameters
    ----------
    path : path
    delimiter : str or None
        None takes the comma, semicolon or tab that is most frequent in the first line, because spreadsheets write a
        semicolon where the comma is the decimal sign; or the one that a first line ``sep=;`` states. Quotation marks
        that are not closed are then an error.

    Raises
    ------
    OSError, UnicodeError, csv.Error
        If the file cannot be read.
    """
    text, used = _text(path, delimiter)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=used, strict=delimiter is None)
    return [[restored_cell(cell) for cell in line] for line in lines]


def read_records(path: str | os.PathLike[str], delimiter: str | None = ",") -> list[dict[str, str]]:
    """Return the lines of a table below its head as mappings from column to restored cell; blank lines are left out.

    Parameters
    ----------
    path, delimiter
        As for :func:`read_rows`.

    Raises
    ------
    OSError, UnicodeError, csv.Error
        If the file cannot be read.
    """
    text, used = _text(path, delimiter)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=used)
    return [dict(_restored(line)) for line in reader]


def _text(path: str | os.PathLike[str], delimiter: str | None) -> tuple[str, str]:
    """Return the text of a file without a line that states the delimiter, and the delimiter.

    The encoding is UTF-8, or UTF-16 where the file begins with the mark of that encoding.
    """
    content = read_bytes(path)
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    if delimiter is not None:
        return text, delimiter
    first, _, rest = text.partition("\n")
    if stated := _STATED_DELIMITER.fullmatch(first.strip(" \r")):
        return rest, stated[1]
    return text, max(",;\t", key=first.count)


def _restored(line: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """Yield columns and cells; a line that is too long has a list, one that is too short has None."""
    return ((restored_cell(name), restored_cell(cell)) for name, cell in line.items())


def is_empty(cell: object) -> bool:
    """Return whether a cell has no content: blank, NaN, NA, None."""
    return cell is None or (not isinstance(cell, bool) and str(cell).strip().lower() in _EMPTY)


def name_of(cell: Any) -> Any:
    """Return a name without spaces around it; a number stays a number; None if there is none."""
    if is_empty(cell) or isinstance(cell, bool):
        return None
    if isinstance(cell, str):
        # One name can be stored in two forms (an accent as its own character), or with unseen characters.
        return unicodedata.normalize("NFC", cell.strip().strip(_UNSEEN).strip()) or None
    if isinstance(cell, float):
        return None if not math.isfinite(cell) else int(cell) if cell == int(cell) else cell
    return cell


def number_of(cell: Any) -> float | None:
    """Return a finite number; NaN for an empty cell, None for other text. A decimal comma is read."""
    if is_empty(cell):
        return math.nan
    text = str(cell).strip()
    if isinstance(cell, bool) or "_" in text:  # Python reads 1_0 as 10
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class _Container:
    """Stands for a cell with several values, such as a list."""


def _hashable(cell: Any) -> Any:
    try:
        hash(cell)
    except TypeError:
        return _Container()
    return cell


def mapped_cells(cells: pd.Series, read: Callable[[Any], Any]) -> tuple[pd.Series, Any]:
    """Return the cells after reading, and which could not be read (None); each distinct cell is read once."""
    import pandas as pd

    try:
        codes, distinct = pd.factorize(cells.astype(object), use_na_sentinel=False)
    except TypeError:  # a cell is a list or another container, which no column can have
        codes, distinct = pd.factorize(cells.astype(object).map(_hashable), use_na_sentinel=False)
    values = [None if isinstance(cell, _Container) else read(cell) for cell in distinct]
    wrong = pd.Series([value is None for value in values], dtype=bool).to_numpy()[codes]
    read_cells = [values[code] for code in codes]
    kinds = {type(value) for value in values if value is not None}
    dtype: Any = object if len(kinds) != 1 or kinds == {str} else None
    return pd.Series(read_cells, index=cells.index, dtype=dtype), wrong
