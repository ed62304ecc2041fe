"""Score files of RAM-H1200: one JSON file of each kind, one mapping from key to grade for each hand image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import read_bytes
from napari_jsn.networks.ram_h1200 import HAND_NAME
from napari_jsn.scoring.grades import KINDS
from napari_jsn.scoring.long_table import COLUMNS, CellFault, CheckedTable, check_long
from napari_jsn.scoring.schemes import KeyTwiceError, scheme, unique_keys

if TYPE_CHECKING:
    import pandas as pd

#: The reader of scores that come with the data.
READER = "RAM-H1200"
_RAYS = {"T": 1, "I": 2, "M": 3, "R": 4, "S": 5}
_MCP = {f"MCP-{letter}": f"MCP{ray}" for letter, ray in _RAYS.items()}
_PIP = {f"PIP-{letter}": f"PIP{ray}" for letter, ray in _RAYS.items() if ray > 1}
#: From the key of each kind, without its prefix, to the site.
SITE_OF_KEY = {
    "jsn": _MCP | _PIP | {f"CMC-{k}": f"CMC{_RAYS[k]}" for k in "MRS"} | {"SC": "CSL", "SR": "RC", "STT": "STT"},
    "erosion": {"IP": "IP1", **_MCP, **_PIP, "CMC-T": "CMC1", "Tm": "trapezium", "S": "scaphoid", "L": "lunate"}
    | {"R": "radius", "U": "ulna"},
}
_PREFIXES = {"BE_": "erosion", "JSN_": "jsn"}
_PREFIX_OF = {kind: prefix for prefix, kind in _PREFIXES.items()}
#: Names of the files of a part of the data.
FILE_NAMES = {"erosion": "_annotation_be_scores.json", "jsn": "_annotation_jsn_scores.json"}


def check_ram_h1200(path: Path, reader: str | None = None) -> CheckedTable:
    """Return the scores of one file in long form, with its wrong cells.

    The name of a hand image, ``CENTRE_PATIENT_DATE_SERIAL_SIDE``, gives the patient (``CENTRE_PATIENT``), the visit
    (``DATE``), the session (``SERIAL``) and the side. The row of a fault is the place of the image in the file.

    Raises
    ------
    InputError
        If the file cannot be read, or is not such a mapping.
    """
    import pandas as pd

    content = _read(path)
    faults: list[CellFault] = []
    rows, origin = [], []
    for number, (image, grades) in enumerate(content.items(), start=1):
        found = HAND_NAME.fullmatch(
            Path(image).stem if image.lower().endswith((".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff")) else image
        )
        if found is None or not isinstance(grades, dict):
            faults.append(CellFault(number, "image", image, "CENTRE_PATIENT_DATE_SERIAL_SIDE with a mapping of grades"))
            continue
        for key, grade in grades.items():
            kind, site = _site(key, path)
            if site is None:
                faults.append(CellFault(number, key, image, "a key such as BE_MCP-I or JSN_PIP-M"))
                continue
            empty = "missing" if grade is None else ""
            rows.append({**found.groupdict(), "kind": kind, "site": site, "grade": grade, "not_scored": empty})
            origin.append((number, key))
    table = pd.DataFrame(rows, columns=COLUMNS, dtype=object).assign(reader=reader or READER, mark="")
    checked = check_long(table, scheme("svdh-hands"))
    faults += [CellFault(*origin[each.row - 1], each.value, each.allowed) for each in checked.faults]
    return CheckedTable(checked.table, tuple(sorted(faults, key=lambda each: each.row)), checked.notes)


def ram_h1200_files(scores: pd.DataFrame) -> dict[str, bytes]:
    """Return the score files of RAM-H1200, by their names; a site that was not scored is null.

    Raises
    ------
    InputError
        If the table is wrong, or has several readers, or a mark, which the files have no place for.
    """
    checked = check_long(scores, scheme("svdh-hands"), without_reader=True)
    table = checked.table
    if checked.faults:
        raise InputError(f"The table of scores is wrong in {checked.faults[0]}. Correct the table.", "scores")
    if table.empty:
        raise InputError("The table of scores has no rows. Give a table with grades.", "scores")
    if table["reader"].nunique() > 1 or (table["mark"] != "").any():
        raise InputError(
            "Files of RAM-H1200 have no place for several readers or for marks. Choose another layout.", "layout"
        )
    files: dict[str, dict[str, dict[str, int | None]]] = {}
    for row in table.to_dict("records"):
        image = "_".join(str(row[name]) for name in ("patient", "visit", "session", "side"))
        found = HAND_NAME.fullmatch(image)
        if found is None or found["patient"] != str(row["patient"]):
            raise InputError(
                f"The patient {row['patient']!r} gives no image name CENTRE_PATIENT_DATE_SERIAL_SIDE. Name patients "
                "CENTRE_PATIENT, and give visit and session.",
                "scores",
            )
        keys = {site: key for key, site in SITE_OF_KEY[row["kind"]].items()}
        grade = None if row["grade"] != row["grade"] else int(row["grade"])
        of_image = files.setdefault(FILE_NAMES[row["kind"]], {}).setdefault(image, {})
        of_image[_PREFIX_OF[row["kind"]] + keys[row["site"]]] = grade
    return {name: (json.dumps(content, indent=1) + "\n").encode() for name, content in files.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bytes(path).decode("utf-8-sig"), object_pairs_hook=unique_keys)
    except KeyTwiceError as error:
        raise InputError(f"{path} has the key {error.args[0]!r} twice. Keep one.", "table") from error
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Give the path of a score file.", "table") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON. Give a score file of RAM-H1200.", "table") from error
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path} has no mapping from images to grades. Give a score file of RAM-H1200.", "table")
    return content


def _site(key: str, path: Path) -> tuple[str, str | None]:
    """Return kind and site of a key; without a prefix, the name of the file gives the kind."""
    for prefix, kind in _PREFIXES.items():
        if key.startswith(prefix):
            return kind, SITE_OF_KEY[kind].get(key.removeprefix(prefix))
    of_file = [kind for kind in KINDS if path.name.endswith(FILE_NAMES[kind])]
    return (of_file[0], SITE_OF_KEY[of_file[0]].get(key)) if of_file else ("", None)
