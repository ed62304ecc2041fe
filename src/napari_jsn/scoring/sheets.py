"""Readers' sheets: read, check and write long tables and wide sheets as CSV; every wrong cell is named."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.anatomy.sites import known_site
from napari_jsn.common.csv_files import is_empty, read_rows, records_csv, restored_cell
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.scoring.grades import HIGHEST, Mark, NotScored, mark_of, not_scored_of
from napari_jsn.scoring.layouts import KEYS, Layout, layout
from napari_jsn.scoring.long_table import COLUMNS, READING, CellFault, CheckedTable, check_long, or_none
from napari_jsn.scoring.ram_h1200 import check_ram_h1200
from napari_jsn.scoring.schemes import SCHEMES, Scheme, scheme

if TYPE_CHECKING:
    import pandas as pd

#: What a sheet shows where a score does not exist.
NO_SCORE = "X"
#: At most this many columns are named in a note.
_MOST_SHOWN = 5
_WHOLE = re.compile(r"0*(\d{1,9})([.,]0+)?")
#: Heads of a list of patients, without spaces and punctuation.
_HEADS_OF_PATIENTS = frozenset(
    f"{name}{end}" for name in ("patient", "patients", "subject", "pat", "") for end in ("", "id", "nr", "no", "number")
) - {""}
_DEFAULTS = {"visit": "1", "session": ""}


def read_scores(
    path: str | os.PathLike[str],
    layout_name: str | os.PathLike[str] | Scheme = "auto",
    reader: str | None = None,
    scheme_name: str | os.PathLike[str] | Scheme | None = None,
) -> pd.DataFrame:
    """Read a table of scores in long form; nothing is read if a cell is wrong.

    Parameters
    ----------
    path : path
        CSV with commas, semicolons or tabs; or a score file of RAM-H1200 (JSON).
    layout_name : str, path or Scheme
        ``"auto"``, ``"long"``, ``"ram-h1200"``, a scheme, or a mapping file; see :func:`napari_jsn.scoring.layout`.
    reader : str, optional
        The reader of all rows that state none.
    scheme_name : str, path or Scheme, optional
        The scheme of a long table that has sites of your own; a layout that is a scheme does the same.

    Returns
    -------
    DataFrame
        Patients and sessions are texts as they stand in the file; visits are integers if all are.

    Raises
    ------
    InputError
        If the file cannot be read, or a cell is wrong; the message names the first one.
    """
    checked = check_scores(path, layout_name, reader, scheme_name)
    if checked.faults:
        more = len(checked.faults) - 1
        rest = f" {counted(more, 'other cell')} cannot be used either." if more else ""
        raise InputError(f"{path} is wrong in {checked.faults[0]}.{rest} Correct the file.", "table")
    checked.table.attrs["notes"] = checked.notes
    return checked.table


def check_scores(
    path: str | os.PathLike[str],
    layout_name: str | os.PathLike[str] | Scheme = "auto",
    reader: str | None = None,
    scheme_name: str | os.PathLike[str] | Scheme | None = None,
) -> CheckedTable:
    """Return the table of a file with all its wrong cells; see :func:`read_scores`.

    The rows of the faults are lines of the sheet; its head is line 1.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks a column.
    """
    path = Path(path)
    if layout_name == "ram-h1200" or (layout_name == "auto" and path.suffix.lower() == ".json"):
        return check_ram_h1200(path, reader)
    head, lines = _cells(path)
    own = None if scheme_name is None or scheme_name in tuple(SCHEMES) else scheme(scheme_name)
    if layout_name == "auto":
        layout_name = _recognised(head, path)
    if layout_name == "long":
        return _check_long(head, lines, reader, own)
    used = layout(layout_name)
    if used.scheme is not None and {"grade", "kind", "site"} <= {name.lower() for name in head}:
        return _check_long(head, lines, reader, used.scheme)
    return _check_wide(head, lines, used, reader, path)


def scores_csv(scores: pd.DataFrame, layout_name: str | os.PathLike[str] | Scheme = "long") -> bytes:
    """Return a long table as CSV, long or in a wide layout.

    Raises
    ------
    InputError
        If the table is wrong, or has a site that the layout has no column for.
    """
    checked = check_long(scores, without_reader=True)
    if checked.faults:
        raise InputError(f"The table of scores is wrong in {checked.faults[0]}. Correct the table.", "scores")
    rows = checked.table
    if layout_name == "long":
        texts = [{name: _text(row[name]) for name in COLUMNS} for row in rows.to_dict("records")]
        return records_csv(texts) if texts else (",".join(COLUMNS) + "\n").encode()
    return _wide_csv(rows, layout(layout_name))


def template_csv(
    patients: Iterable[str],
    layout_name: str | os.PathLike[str] | Scheme = "svdh-hands",
    visits: Sequence[object] = (1,),
    readers: Sequence[str] = ("",),
) -> bytes:
    """Return an empty wide sheet as CSV, with one row (or one row a joint) for every patient, visit and reader.

    Raises
    ------
    InputError
        If there is no patient, or one is given twice or has no name.
    """
    names = [str(patient).strip() for patient in patients]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if not names or twice or any(is_empty(name) for name in names):
        what = f"has {twice[0]!r} twice" if twice else "is empty or has a patient without a name"
        raise InputError(f"The list of patients {what}. Give each patient once.", "patients")
    used = layout(layout_name)
    keys = [(name, visit, reader, "") for name in names for visit in visits for reader in readers]
    return _sheet(used, {key: {} for key in keys})


def first_column(path: str | os.PathLike[str]) -> list[str]:
    """Return the cells of the first column of a CSV or text file, without a head such as ``patient`` and empty cells.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    head, lines = _cells(Path(path), "patients")
    cells = [line[0].strip() for line in lines if line]
    is_head = re.sub(r"[\W_]+", "", head[0].lower()) in _HEADS_OF_PATIENTS
    return [cell for cell in (*([] if is_head else head[:1]), *cells) if cell]


def _cells(path: Path, argument: str = "table") -> tuple[list[str], list[list[str]]]:
    """Return the head and the lines of a CSV file; blank lines stay, so that lines can be counted."""
    import csv

    try:
        rows = read_rows(path, None)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Give the path of a CSV file.", argument) from error
    except UnicodeError as error:
        raise InputError(f"{path} is not a text in UTF-8. Save it as 'CSV UTF-8'.", argument) from error
    except (OSError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV table: {error}. Give a CSV file.", argument) from error
    head = [cell.strip() for cell in rows[0]] if rows else []
    if not any(head):
        raise InputError(f"{path} has no line with the names of columns. Give a CSV file with one.", argument)
    while head and not head[-1]:
        head.pop()
    broken = next((number for number, row in enumerate(rows, start=1) if any(re.search(r"[\r\n]", c) for c in row)), 0)
    if broken:
        raise InputError(
            f"{path} has a line break inside a cell of row {broken}. Remove it, or close the quotation mark.", argument
        )
    twice = [name for name, count in Counter(name.lower() for name in head).items() if count > 1]
    if twice:
        raise InputError(f"{path} has the column {twice[0]!r} twice. Rename or remove one.", argument)
    return head, [[_unmarked(cell) for cell in row] for row in rows[1:]]


def _unmarked(cell: str) -> str:
    """Return a cell restored where spaces stand before its apostrophe."""
    return str(restored_cell(cell.strip())) if cell[:1].isspace() else cell


def _recognised(head: list[str], path: Path) -> str:
    names = {name.lower() for name in head}
    if {"grade", "kind", "site"} & names:
        return "long"
    found = {name: sum(cell.lower() in names for cell in layout(name).cells) for name in SCHEMES}
    best = max(found, key=lambda name: found[name])  # of equal ones the first, which has all sites
    if not found[best]:
        raise InputError(f"The columns of {path} are not known. Give the layout, or a mapping file.", "layout")
    return best


def _check_long(
    head: list[str], lines: list[list[str]], reader: str | None, used: Scheme | None = None
) -> CheckedTable:
    import pandas as pd

    faults = _ragged(head, lines)
    kept = [number for number, line in enumerate(lines) if any(cell.strip() for cell in line)]
    rows = [[*lines[number], *[""] * len(head)][: len(head)] for number in kept]
    names = ["_".join(re.split(r"[\s_-]+", name.lower())) for name in head]
    table = _with_visits(pd.DataFrame(rows, columns=names, dtype=object))
    if reader is not None:
        blank = table["reader"].map(is_empty) if "reader" in table else True
        table["reader"] = reader if blank is True else table["reader"].mask(blank, reader)
    checked = check_long(table, used, join_patients=False)
    ignored = [name for name in table.columns if name not in COLUMNS]
    notes = [*checked.notes, *([f"Columns not read: {', '.join(ignored)}."] if ignored else [])]
    faults += [CellFault(kept[each.row - 1] + 2, each.column, each.value, each.allowed) for each in checked.faults]
    if used is None:
        allowed = "a site such as MCP2; a table with sites of your own needs the file of their scheme as its layout"
        unknown = [not is_empty(site) and known_site(site) is None for site in table["site"]]
        faults += [
            CellFault(kept[row] + 2, "site", table["site"][row], allowed) for row, wrong in enumerate(unknown) if wrong
        ]
    faults += _changed_ids(zip((number + 2 for number in kept), table["patient"]), "patient")
    return CheckedTable(checked.table, _in_order(faults), tuple(notes))


def _in_order(faults: list[CellFault]) -> tuple[CellFault, ...]:
    return tuple(sorted(dict.fromkeys(faults), key=lambda each: each.row))


def _check_wide(head: list[str], lines: list[list[str]], used: Layout, reader: str | None, path: Path) -> CheckedTable:
    import pandas as pd

    place = {name.lower(): number for number, name in enumerate(head)}
    missing = [
        name
        for key, name in used.keys.items()
        if name.lower() not in place and key not in _DEFAULTS and not (key == "reader" and reader is not None)
    ]
    if "reader" not in used.keys and reader is None:
        missing.append("reader")
    if missing:
        hint = " Add it, or give the reader." if missing == ["reader"] else " Add it."
        raise InputError(f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}.{hint}", "table")
    known = {name.lower() for name in (*used.columns, *used.ignored)}
    allowed = f"a column of the layout {used.name}"
    if used.scheme is None:
        allowed += ', or one that its file lists under "ignored"'
    faults = [CellFault(1, name, name, allowed) for name in head if name.lower() not in known]
    faults += _ragged(head, lines)
    absent = [name for name in used.cells if name.lower() not in place]
    shown = ", ".join(absent[:_MOST_SHOWN]) + (", ..." if len(absent) > _MOST_SHOWN else "")
    notes = [f"{counted(len(absent), 'column')} of the layout not in the sheet: {shown}."] if absent else []
    rows: list[dict[str, Any]] = []
    origin: list[tuple[int, dict[str, str], str]] = []
    ids = []
    for number, line in enumerate(lines, start=2):
        if not any(cell.strip() for cell in line):
            continue
        cells = {name: (line[at].strip() if at < len(line) else "") for name, at in place.items()}
        keys = {key: cells.get(name.lower(), _DEFAULTS.get(key, reader)) for key, name in used.keys.items()}
        keys = {**_DEFAULTS, "reader": reader, **keys}
        if reader is not None and is_empty(keys["reader"]):
            keys["reader"] = reader
        ids.append((number, keys["patient"]))
        if used.sites and _site_of(keys["site"]) not in used.sites:
            faults.append(CellFault(number, used.keys["site"], str(keys["site"]), ", ".join(used.sites)))
            continue
        for column, (side, kind, site) in used.cells.items():
            cell = cells.get(column.lower(), "")
            at = site or keys.get("site", "")
            if not cell or (cell.upper() == NO_SCORE and not used.has(_site_of(at), kind)):
                continue
            row, allowed = _graded(cell, kind, used)
            if allowed:
                faults.append(CellFault(number, column, cell, allowed))
            elif not used.has(_site_of(at), kind):
                faults.append(CellFault(number, column, cell, f"{NO_SCORE} or empty: no {kind} score exists at {at}"))
            else:
                rows.append({**keys, "side": side, "kind": kind, "site": at, **row})
                origin.append((number, dict(used.keys), column))
        if is_empty(keys["patient"]):
            faults.append(CellFault(number, used.keys["patient"], "", "a name"))
    table = _with_visits(pd.DataFrame(rows, columns=COLUMNS, dtype=object))
    checked = check_long(table, used.scheme, join_patients=False)
    for each in checked.faults:
        number, names, column = origin[each.row - 1]
        faults.append(CellFault(number, names.get(each.column, column), each.value, each.allowed))
    faults += _changed_ids(ids, used.keys["patient"])
    return CheckedTable(checked.table, _in_order(faults), (*checked.notes, *notes))


def _graded(cell: str, kind: str, used: Layout) -> tuple[dict[str, object], str]:
    """Return grade, mark and reason of a cell of a wide sheet; or what is allowed, if it cannot be read."""
    highest = (used.scheme.highest if used.scheme else HIGHEST)[kind]
    if reason := or_none(not_scored_of, cell):
        return {"grade": "", "mark": "", "not_scored": str(reason)}, ""
    found = re.fullmatch(r"(?P<grade>\d+(?:[.,]0*)?)?[\s_]*(?P<mark>[a-z][a-z\s_-]*)?", cell.lower())
    marks = f"; or with a mark ({', '.join(Mark)})" if kind == "jsn" else ""
    allowed = f"a whole number from 0 to {highest}{marks}; or a reason ({', '.join(NotScored)}); or empty"
    mark = found["mark"] and or_none(mark_of, found["mark"]) if found else None
    if found is None or (found["mark"] is not None and (kind != "jsn" or mark is None)):
        return {}, allowed
    grade = found["grade"]
    if grade is not None and float(grade.replace(",", ".")) > highest:
        return {}, allowed
    return {"grade": grade or "", "mark": str(mark or ""), "not_scored": ""}, ""


def _site_of(text: Any) -> str:
    return known_site(str(text)) or str(text)


def _ragged(head: list[str], lines: list[list[str]]) -> list[CellFault]:
    return [
        CellFault(
            number, f"after {head[-1]}", next(cell for cell in line[len(head) :] if cell.strip()), "no more cells"
        )
        for number, line in enumerate(lines, start=2)
        if any(cell.strip() for cell in line[len(head) :])
    ]


def _changed_ids(ids: Iterable[tuple[int, Any]], column: str) -> list[CellFault]:
    """Return the patients whose name a spreadsheet has changed: 7 beside 008, 1E+05, 7.0."""
    texts = [(number, str(text).strip()) for number, text in ids]
    widths = Counter(len(text) for _, text in texts if text.isdecimal() and text.startswith("0") and len(text) > 1)
    width = widths.most_common(1)[0][0] if widths else 0
    decimals = [text for _, text in texts if re.fullmatch(r"\d+[.,]\d+", text)]
    added = all(re.fullmatch(r"\d+[.,]0+", text) for text in decimals)  # 3.0 beside 3.1 is a name of its own
    faults = []
    for number, text in texts:
        if added and text in decimals:
            plain = re.split("[.,]", text)[0].zfill(width)
            faults.append(CellFault(number, column, text, f"{plain}; a spreadsheet has added a decimal"))
        elif re.fullmatch(r"\d(?:[.,]\d+)?[eE]\+\d+", text):
            faults.append(CellFault(number, column, text, "the whole name; a spreadsheet has shortened it"))
        elif width and text.isdecimal() and len(text) < width:
            faults.append(CellFault(number, column, text, f"{text.zfill(width)}; a spreadsheet has removed zeros"))
    return faults


def _with_visits(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with visits as integers, if all are written as integers."""
    if "visit" not in table:
        return table
    found = [_WHOLE.fullmatch(str(visit)) for visit in table["visit"]]
    if len(found) and all(found):
        return table.assign(visit=[int(each[1]) for each in found if each])
    return table


def _wide_csv(rows: pd.DataFrame, used: Layout) -> bytes:
    columns = {place: column for column, place in used.cells.items()}
    for name in KEYS:
        if name not in used.keys and len(set(rows[name])) > 1:
            raise InputError(f"The layout {used.name} has no column for the {name}. Name one.", "layout")
    filled: dict[tuple[str, ...], dict[tuple[str, str], str]] = {}
    for row in rows[[*READING, "grade", "mark", "not_scored"]].to_dict("records"):
        by_row = "site" in used.keys
        column = columns.get((row["side"], row["kind"], None if by_row else row["site"]))
        if column is None or (by_row and row["site"] not in used.sites) or not used.has(row["site"], row["kind"]):
            raise InputError(
                f"The layout {used.name} has no place for {row['kind']} of {row['site']}. Choose another layout.",
                "layout",
            )
        cell = row["not_scored"] or f"{_text(row['grade'])} {row['mark']}".strip()
        key = tuple(_text(row[name]) for name in KEYS)
        filled.setdefault(key, {})[row["site"] if by_row else "", column] = cell
    return _sheet(used, filled)


def _sheet(used: Layout, filled: Any) -> bytes:
    """Return the rows of a wide sheet; ``filled`` maps the keys of a reading to its cells."""
    records = []
    for key, cells in filled.items():
        named = {used.keys[name]: _text(value) for name, value in zip(KEYS, key) if name in used.keys}
        for site in used.sites or ("",):
            record = dict(named)
            if "site" in used.keys:
                record[used.keys["site"]] = site
            for column, (_, kind, _site) in used.cells.items():
                empty = NO_SCORE if site and not used.has(site, kind) else ""
                record[column] = cells.get((site, column), empty)
            records.append(record)
    return records_csv(records) if records else (",".join(used.columns) + "\n").encode()


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:g}"
    return str(value)
