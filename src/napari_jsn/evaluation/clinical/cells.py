"""Normalise the cells of a clinical table: names, numbers, visits; every wrong cell is refused by row and column."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_jsn.anatomy.sites import known_side, known_site
from napari_jsn.common.csv_files import is_empty, mapped_cells, name_of, number_of
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.scoring.long_table import CellFault, with_one_padding

if TYPE_CHECKING:
    import pandas as pd

#: Columns that identify a joint.
JOINT = ["patient", "joint", "side"]
#: Column that identifies repeated readings of the same joint.
READING = "reading"
_TRUE = frozenset({"true", "1", "yes", "y", "wahr", "ja", "vrai", "oui", "verdadero", "vero"})
_FALSE = frozenset({"false", "0", "no", "n", "falsch", "nein", "faux", "non", "falso"})
_VISIT = re.compile(r"(?:visit|vis|v|t)?[\s_.-]*(\d+)", re.IGNORECASE)


def normalised(rows: pd.DataFrame, argument: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with names in one spelling and numbers as floats, and notes that count what was changed.

    Parameters
    ----------
    rows : DataFrame
        Columns of a clinical table, as text or as values; others are kept as they are.
    argument : str
        Argument that an error names.

    Raises
    ------
    InputError
        If a cell cannot be read; the message names the first one, and what is allowed.
    """
    rows = rows.reset_index(drop=True)
    notes: list[str] = []
    for name, (read, allowed) in _COLUMNS.items():
        if name not in rows:
            continue
        cells, wrong = mapped_cells(rows[name], read)
        if wrong.any():
            first = int(wrong.argmax())
            fault = CellFault(first + 1, name, str(rows[name].iloc[first])[:40], allowed)
            more = int(wrong.sum()) - 1
            rest = f" {counted(more, 'other cell')} of this column cannot be used either." if more else ""
            raise InputError(f"The table is wrong in {fault}.{rest} Correct the table.", argument)
        if name in ("joint", "side"):
            changed = int((rows[name].astype(str) != cells.astype(str)).sum())
            if changed:
                notes.append(f"{counted(changed, 'name')} of column {name} in another spelling.")
        rows = rows.assign(**{name: cells})
    if "patient" in rows:
        rows = rows.assign(patient=with_one_padding(rows["patient"].astype(str), notes))
    if "jsn_mm" in rows and (infinite := int(rows["jsn_mm"].abs().eq(math.inf).sum())):
        notes.append(f"{counted(infinite, 'row')} with an infinite narrowing counted as without narrowing.")
        rows = rows.assign(jsn_mm=rows["jsn_mm"].replace([math.inf, -math.inf], math.nan))
    return rows, notes


def _patient(cell: Any) -> Any:
    name = name_of(cell)
    return None if name is None else str(name)


def _side(cell: Any) -> Any:
    return "" if is_empty(cell) else known_side(cell)


def _joint(cell: Any) -> Any:
    return None if is_empty(cell) else known_site(str(cell))


def _visit(cell: Any) -> float | None:
    """Return the number of a visit: ``2``, ``"V2"``, ``"visit 2"``; NaN for an empty cell."""
    number = number_of(cell)
    if number is None and isinstance(cell, str) and (found := _VISIT.fullmatch(cell.strip())):
        return float(found[1])
    return None if number is not None and (number < 0 or number % 1 > 0) else number


def _not_negative(cell: Any) -> float | None:
    number = number_of(cell)
    return None if number is not None and number < 0 else number


def _narrowing(cell: Any) -> float | None:
    text = str(cell).strip().lower()
    return math.copysign(math.inf, -1 if text[:1] == "-" else 1) if text.lstrip("+-") in _INFINITE else _in_mm(cell)


def _in_mm(cell: Any) -> float | None:
    number = number_of(cell)
    return None if number is not None and abs(number) > _MOST_MM else number


def _yes(cell: Any) -> bool | None:
    if is_empty(cell):
        return False
    text = str(cell).strip().lower().removesuffix(".0")
    return True if text in _TRUE else False if text in _FALSE else None


_INFINITE = ("inf", "infinity")
#: No finger joint narrows by as much; such a figure has another unit.
_MOST_MM = 50
_NUMBER = "a number, or empty"
#: For each column how a cell is read (None: it cannot be), and what is allowed.
_COLUMNS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "patient": (_patient, "the name of a patient"),
    "joint": (_joint, "a joint such as MCP2"),
    "side": (_side, "L, R, or empty"),
    "visit": (_visit, "the number of a visit, such as 2 or V2"),
    "jsn_mm": (_narrowing, f"a narrowing in mm, at most {_MOST_MM}, or empty"),
    "jsn_sd_mm": (_not_negative, "a number that is not negative, or empty"),
    "score_change": (number_of, _NUMBER),
    "svdh_narrowing": (number_of, _NUMBER),
    "reliable": (_yes, "True or False"),
    READING: (_patient, "the name or number of a reading"),
}
