"""Of which patient an image is: by the names of its folder and file, or by a table."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from napari_jsn import anatomy
from napari_jsn.common.csv_files import read_records
from napari_jsn.common.errors import InputError
from napari_jsn.networks.inputs import first_names

_SIDES = {"l", "r", "left", "right"}
_JOINTS = {joint.casefold() for joint in anatomy.JOINTS}
#: Columns of a table of patients, and names of the second one that are read too.
_FILE, _PATIENT = "file", ("patient", "group")


def group_of(path: PurePath) -> str:
    """Return the group of an image by its path in the folder: the first subfolder, or its own name without ending."""
    return path.parts[0] if len(path.parts) > 1 else path.stem


def patient_named(group: str) -> str:
    """Return the name without side and joint: ``"P7_L_MCP2"`` and ``"P7_R_PIP3"`` are of ``"P7"``.

    Folders that name a side alone may hold the same patients: they are ``""``, one patient. A name of nothing but
    a joint says nothing about the patient and is returned unchanged.

    Examples
    --------
    >>> from napari_jsn.networks.patients import patient_named
    >>> [patient_named(name) for name in ("P7_L_MCP2", "P7 right", "visit_1", "MCP2", "left")]
    ['P7', 'P7', 'visit_1', 'MCP2', '']
    """
    words = [word for word in re.split(r"[\s_.-]+", group) if word]
    kept = [word for word in words if word.casefold() not in _SIDES | _JOINTS]
    if not kept:
        return "" if words and all(word.casefold() in _SIDES for word in words) else group
    return group if len(kept) == len(words) else "_".join(kept)


def joint_named(path: PurePath) -> str:
    """Return side and joint that the names of folders and file state: ``"L_MCP2"``; empty where they state no joint.

    Examples
    --------
    >>> from pathlib import PurePath
    >>> from napari_jsn.networks.patients import joint_named
    >>> [joint_named(PurePath(path)) for path in ("P7/left/mcp2-1.png", "P7/PIP3/1.png", "P7/visit 1/7.png")]
    ['L_MCP2', 'PIP3', '']
    """
    words = [word.casefold() for part in path.with_suffix("").parts for word in re.split(r"[\s_.-]+", part)]
    joints = [word.upper() for word in words if word in _JOINTS]
    sides = [word[0].upper() for word in words if word in _SIDES]
    return "_".join((*sides[-1:], *joints[-1:])) if joints else ""


def read_groups(table: Path) -> dict[str, str]:
    """Read a table with the columns ``file`` and ``patient``: which patient the image of a file or folder shows.

    Raises
    ------
    InputError
        If it cannot be read, a row is not complete, or two rows contradict each other.
    """
    try:
        rows = read_records(table, delimiter=None)
    except FileNotFoundError as error:
        raise InputError(f"There is no table {table}.", "groups") from error
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{table} cannot be read. Save it as CSV text in UTF-8.", "groups") from error
    found: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        if None in row:
            raise InputError(f"Line {line} of {table} has more cells than the first line. Correct it.", "groups")
        name = (row.get(_FILE) or "").strip().replace("\\", "/").removeprefix("./").rstrip("/")
        patient = next((value.strip() for key in _PATIENT if (value := row.get(key))), "")
        if not name or not patient:
            raise InputError(
                f"Line {line} of {table} names no {'patient' if name else 'file'}. It needs the columns file and "
                "patient.",
                "groups",
            )
        if found.setdefault(name, patient) != patient:
            raise InputError(f"Line {line} of {table} names another patient of {name} than a line before.", "groups")
    if not found:
        raise InputError(f"{table} has no rows. It needs the columns file and patient.", "groups")
    return found


def stated_patients(paths: Sequence[PurePath], table: dict[str, str], known: Iterable[PurePath] = ()) -> list[str]:
    """Return the patient that a table states of each image: by its path, its name, or a folder that it lies in.

    Parameters
    ----------
    paths : sequence of path
        Of the images in their folder.
    table : dict of str to str
        See :func:`read_groups`.
    known : iterable of path
        Further files of the folder, which the table may name too.

    Raises
    ------
    InputError
        If the table does not name an image, or names a file that is not there.
    """
    patients, missing = [], []
    used: set[str] = set()
    counts = Counter(name for path in paths for name in {path.name, path.stem})
    for path in paths:
        names = _names(path)
        name = next((name for name in names if name in table), None)
        if name in (path.name, path.stem) and counts[name] > 1 and name not in map(str, path.parents):
            raise InputError(
                f"The table names {name}, but {counts[name]} images have this name. Name the folder too, for instance "
                f"{path.as_posix()}.",
                "groups",
            )
        used.update(name for name in names if name in table)
        if name is None:
            missing.append(path.as_posix())
        patients.append(table.get(name or "", ""))
    if missing:
        raise InputError(f"The table names no patient of {first_names(missing)} of the images. Add them.", "groups")
    others = {name for path in known for name in _names(path)}
    if foreign := [name for name in table if name not in used and name not in others]:
        raise InputError(f"The table names {first_names(foreign)}, which the folder does not have.", "groups")
    return patients


def _names(path: PurePath) -> list[str]:
    folders = [parent.as_posix() for parent in path.parents if parent.as_posix() != "."]
    return [path.as_posix(), path.name, path.with_suffix("").as_posix(), path.stem, *folders]
