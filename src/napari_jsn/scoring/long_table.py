"""The long table of grades: one row a site, kind, reader and session; every wrong cell is named.

Names of patients, visits, sides, sites and kinds are normalised here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_jsn.anatomy.sites import known_side, known_site
from napari_jsn.common.csv_files import is_empty, mapped_cells, name_of, number_of
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.scoring.grades import HIGHEST, IMPLIED_JSN, KINDS, Mark, NotScored, mark_of, not_scored_of
from napari_jsn.scoring.schemes import Scheme

if TYPE_CHECKING:
    import pandas as pd

#: What identifies a graded site, and what identifies one reading of it.
ITEM = ["patient", "visit", "side", "site", "kind"]
READING = [*ITEM, "reader", "session"]
COLUMNS = [*ITEM, "grade", "mark", "not_scored", "reader", "session"]
_OPTIONAL = ("mark", "not_scored", "session")

_KIND_OF = dict.fromkeys(("jsn", "narrowing", "joint space narrowing"), "jsn") | dict.fromkeys(
    ("erosion", "erosions", "ero", "be"), "erosion"
)


@dataclass(frozen=True)
class CellFault:
    """A cell that cannot be used.

    Attributes
    ----------
    row : int
        Row below the head, from 1.
    column : str
    value : str
    allowed : str
        What to write instead.
    """

    row: int
    column: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}: {self.value!r}; allowed: {self.allowed}"


@dataclass(frozen=True)
class CheckedTable:
    """A long table with normalised names, the cells that are wrong, and notes with counts.

    Attributes
    ----------
    table : DataFrame
        Grades are floats, NaN where a site was not scored; ``mark`` and ``not_scored`` are ``""`` where there is none.
    faults : tuple of CellFault
    notes : tuple of str
    """

    table: pd.DataFrame
    faults: tuple[CellFault, ...]
    notes: tuple[str, ...]


def long_table(scores: pd.DataFrame, scheme: Scheme | None = None, without_reader: bool = False) -> pd.DataFrame:
    """Return a long table with normalised names; its notes are in ``attrs["notes"]``.

    Raises
    ------
    InputError
        If a column is absent or a cell is wrong; the message names the first cell.
    """
    checked = check_long(scores, scheme, without_reader)
    if checked.faults:
        more = len(checked.faults) - 1
        rest = f" {counted(more, 'other cell')} cannot be used either." if more else ""
        raise InputError(f"The table of scores is wrong in {checked.faults[0]}.{rest} Correct the table.", "scores")
    checked.table.attrs["notes"] = checked.notes
    return checked.table


def check_long(
    scores: pd.DataFrame, scheme: Scheme | None = None, without_reader: bool = False, join_patients: bool = True
) -> CheckedTable:
    """Return a long table with normalised names, its wrong cells, and notes.

    Parameters
    ----------
    scores : DataFrame
        Columns ``patient visit side site kind grade reader``; ``mark``, ``not_scored`` and ``session`` may be absent.
    scheme : Scheme, optional
        Only its sites and grades are allowed. Without one, every site is allowed.
    without_reader : bool
        Whether the column ``reader`` may be absent too.
    join_patients : bool
        Whether numbers of patients that differ in leading zeros only become one name.

    Raises
    ------
    InputError
        If this is not a DataFrame, or a column is absent or there twice.
    """
    import numpy as np
    import pandas as pd

    _check_columns(scores, without_reader)
    optional = (*_OPTIONAL, "reader") if without_reader else _OPTIONAL
    given = pd.DataFrame({name: scores[name].to_numpy() if name in scores else "" for name in COLUMNS})
    faults: list[CellFault] = []
    notes: list[str] = []
    table = pd.DataFrame(index=given.index)

    def column(name: str, read: Callable[[Any], Any], allowed: str) -> None:
        read_cells, wrong = mapped_cells(given[name], read)
        for row in np.flatnonzero(wrong):
            faults.append(CellFault(int(row) + 1, name, _shown(given[name].iloc[row]), allowed))
        changed = sum(
            isinstance(old, str) and isinstance(new, str) and old.strip() != new
            for old, new in zip(given[name], read_cells)
        )
        if changed and name in ("side", "site", "kind"):
            notes.append(f"{counted(changed, 'name')} of column {name} in another spelling.")
        table[name] = read_cells

    column("patient", name_of, "a name")
    column("visit", name_of, "a number, a date or a name")
    column("side", known_side, "L, R")
    column("site", _site, "a site such as MCP2")
    column("kind", lambda cell: _KIND_OF.get(str(cell).strip().lower()), ", ".join(KINDS))
    column("grade", number_of, "a whole number from 0 to 4 (jsn) or 5 (erosion), or empty")
    column("mark", lambda cell: "" if is_empty(cell) else str(or_none(mark_of, cell) or "") or None, ", ".join(Mark))
    column(
        "not_scored",
        lambda cell: "" if is_empty(cell) else str(or_none(not_scored_of, cell) or "") or None,
        ", ".join(NotScored),
    )
    column("reader", name_of if "reader" not in optional else _text, "a name")
    column("session", _text, "a name or empty")
    for name in ("patient", "visit", "reader", "session"):
        table[name] = _of_one_type(table[name])
    if join_patients:
        table["patient"] = with_one_padding(table["patient"], notes)
    table["grade"] = table["grade"].astype(float)
    faults += _contradictions(table, given, scheme)
    _complete(table, notes, scheme.highest["jsn"] if scheme and "jsn" in scheme.highest else HIGHEST["jsn"])
    faults += _twice(table)
    return CheckedTable(
        table[COLUMNS], tuple(sorted(faults, key=lambda fault: (fault.row, COLUMNS.index(fault.column)))), tuple(notes)
    )


def with_one_padding(patients: pd.Series, notes: list[str]) -> pd.Series:
    """Return the names; numbers that differ in leading zeros only, which a spreadsheet removes, become one name.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_jsn.scoring.long_table import with_one_padding
    >>> with_one_padding(pd.Series(["007", "7", "P7"]), []).tolist()
    ['007', '007', 'P7']
    """
    longest: dict[str, str] = {}
    different = [name for name in patients.unique() if isinstance(name, str) and name.isdecimal()]
    for name in different:
        plain = name.lstrip("0")
        longest[plain] = max(longest.get(plain, ""), name, key=len)
    joined = {name: longest[name.lstrip("0")] for name in different if longest[name.lstrip("0")] != name}
    if not joined:
        return patients
    notes.append(f"{counted(len(joined), 'patient')} written with and without leading zeros counted as one each.")
    return patients.map(lambda name: joined.get(name, name))


def _of_one_type(names: pd.Series) -> pd.Series:
    """Return names of one type: as texts, if some are texts and others numbers, because 7 and "7" are one name."""
    types = {type(name) for name in names.dropna().unique()}
    return names.map(lambda name: name if name is None else str(name)) if str in types and len(types) > 1 else names


def ordered_visits(visits: pd.Series) -> dict[Any, int]:
    """Return the place of each visit: numbers by value, other names in alphabetical order, ISO dates by time."""
    return {visit: place for place, visit in enumerate(sorted(set(visits), key=_visit_key))}


def _visit_key(visit: object) -> tuple[int, float, str]:
    """Return a key that sorts numbers before other names; ``"V10"`` comes after ``"V9"``."""
    import re

    number = number_of(visit)
    if number is not None and not math.isnan(number):
        return 0, number, ""
    parts = re.sub(r"\d+", lambda digits: digits[0].zfill(12), str(visit))
    return 1, 0.0, parts


def _check_columns(scores: object, without_reader: bool) -> None:
    import pandas as pd

    if not isinstance(scores, pd.DataFrame):
        raise InputError(
            f"The scores are a {type(scores).__name__}. Give a DataFrame with the columns {', '.join(COLUMNS)}.",
            "scores",
        )
    needed = [name for name in COLUMNS if name not in _OPTIONAL and not (without_reader and name == "reader")]
    absent = [name for name in needed if name not in scores]
    if absent:
        raise InputError(
            f"The table of scores lacks the column{'s' * (len(absent) > 1)} {', '.join(absent)}. Add it.", "scores"
        )
    twice = [name for name in COLUMNS if list(scores.columns).count(name) > 1]
    if twice:
        raise InputError(f"The table of scores has the column {twice[0]} twice. Keep one.", "scores")


def _text(cell: Any) -> Any:
    return "" if is_empty(cell) else name_of(cell)


def _site(cell: Any) -> str | None:
    return None if is_empty(cell) else known_site(str(cell)) or str(cell).strip()


def or_none(read: Callable[[str], Any], cell: Any) -> Any:
    """Return what was read from a cell, or None if it cannot be read."""
    try:
        return read(cell)
    except InputError:
        return None


def _contradictions(table: pd.DataFrame, given: pd.DataFrame, scheme: Scheme | None) -> list[CellFault]:
    """Return the faults of cells that are readable but not allowed beside the other cells of their row."""
    import numpy as np

    highest = table["kind"].map(dict(scheme.highest) if scheme else HIGHEST).astype(float)
    implied = table["mark"].map({str(mark): grade for mark, grade in IMPLIED_JSN.items()}).astype(float)
    implied = np.minimum(implied, highest)
    grade, known = table["grade"], table["grade"].notna()
    marked, reason = table["mark"].fillna("") != "", table["not_scored"].fillna("") != ""
    whole = ~known | ((grade == np.floor(grade)) & (grade >= 0) & ~(grade > highest))
    found: list[CellFault] = []

    def add(wrong: Any, name: str, allowed: Callable[[int], str]) -> None:
        for row in np.flatnonzero(wrong):
            found.append(CellFault(int(row) + 1, name, _shown(given[name].iloc[row]), allowed(int(row))))

    add(~whole, "grade", lambda row: f"a whole number from 0 to {_whole(highest.iloc[row])}, or empty")
    add(whole & known & (grade < implied), "grade", lambda row: f"at least {_whole(implied.iloc[row])}, by the mark")
    add(marked & (table["kind"] == "erosion"), "mark", lambda row: "empty (a mark belongs to kind jsn)")
    add(reason & (known | marked), "not_scored", lambda row: "empty, because the site has a grade or a mark")
    if scheme is not None:
        listed = {(kind, site) for kind in scheme.kinds for site in scheme.sites[kind]}
        outside = [
            kind is not None and site is not None and (kind, site) not in listed
            for kind, site in zip(table["kind"], table["site"])
        ]
        add(outside, "site", lambda row: f"{', '.join(scheme.sites.get(table['kind'].iloc[row], ())) or 'no site'}")
    return found


def _complete(table: pd.DataFrame, notes: list[str], highest: int) -> None:
    """Fill in the grades that marks imply, and the reason "missing" where a row states neither grade nor reason."""
    implied = table["mark"].map({str(mark): min(grade, highest) for mark, grade in IMPLIED_JSN.items()}).astype(float)
    fill = table["grade"].isna() & implied.notna() & (table["kind"] == "jsn")
    table.loc[fill, "grade"] = implied[fill]
    if fill.any():
        notes.append(f"{counted(int(fill.sum()), 'grade')} of joint space narrowing implied by a mark.")
    blank = table["grade"].isna() & (table["not_scored"] == "")
    table.loc[blank, "not_scored"] = str(NotScored.MISSING)
    if blank.any():
        notes.append(f"{counted(int(blank.sum()), 'row')} without grade and reason count as missing.")


def _twice(table: pd.DataFrame) -> list[CellFault]:
    import numpy as np

    known = table[READING].notna().all(axis=1)
    twice = known & table[known].duplicated(READING).reindex(table.index, fill_value=False)
    return [
        CellFault(
            int(row) + 1, "site", str(table["site"].iloc[row]), "each site once for one kind, visit, reader and session"
        )
        for row in np.flatnonzero(twice)
    ]


def _shown(cell: object) -> str:
    return "" if is_empty(cell) else str(cell)[:40]


def _whole(number: float) -> str:
    return "5" if math.isnan(number) else f"{number:g}"
