"""Layouts of wide sheets: which column holds which key, or the grades of which site."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_jsn.anatomy.sites import known_site
from napari_jsn.common.errors import InputError
from napari_jsn.scoring.grades import KINDS
from napari_jsn.scoring.schemes import SCHEMES, SIDES, Scheme, read_mapping, scheme

#: Keys of a row of a wide sheet; a sheet with one row a joint has the key "site" too.
KEYS = ("patient", "visit", "reader", "session")
#: Names of layouts that are no wide sheets.
_OTHER = ("auto", "long", "ram-h1200")
_FORMS = 'Give a mapping such as {"patient": "ID", "visit": "Visit", "cells": {"right MCP2": "R jsn MCP2"}}.'


@dataclass(frozen=True)
class Layout:
    """The columns of a wide sheet.

    Attributes
    ----------
    name : str
    scheme : Scheme or None
        Without a scheme, the sites of the columns are those that are scored.
    keys : mapping
        From key to the name of its column.
    cells : mapping
        From the name of a column to its side, kind and site; the site is None where the row names it.
    ignored : tuple of str
        Columns that a sheet may have and that are not read.
    """

    name: str
    scheme: Scheme | None
    keys: Mapping[str, str]
    cells: Mapping[str, tuple[str, str, str | None]]
    ignored: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The columns in the order in which they are written."""
        return [*self.keys.values(), *self.cells]

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites of the rows, for a sheet with one row a joint; else empty."""
        return self.scheme.rows if self.scheme is not None and "site" in self.keys else ()

    def has(self, site: str, kind: str) -> bool:
        """Return whether a score of this kind exists at this site."""
        return self.scheme is None or self.scheme.has(site, kind)


def check_layout(layout: object, is_read: bool) -> None:
    """Check that a layout is given only where a table of readers' scores is read.

    Raises
    ------
    InputError
    """
    if layout is not None and not is_read:
        raise InputError("A layout is that of a table of readers' scores. Leave --layout out.", "layout")


def layout(name: str | os.PathLike[str] | Scheme) -> Layout:
    """Return the layout of a scheme, or read a mapping of the user's own columns.

    ``svdh-hands``, ``svdh-fingers`` and user schemes have one column a side, kind and site (``R_jsn_MCP2``).
    ``talk-15`` has one row a joint and the columns ``R_erosion R_jsn L_erosion L_jsn``, with X where no score exists.

    Parameters
    ----------
    name : str, path or Scheme
        A scheme, its name or file; or a JSON or YAML file with the names of columns.

    Raises
    ------
    InputError
        If there is no such scheme, or the file describes neither a scheme nor columns.
    """
    if isinstance(name, Scheme) or (isinstance(name, str) and name in SCHEMES):
        return _of_scheme(scheme(name))
    if isinstance(name, (str, os.PathLike)) and Path(name).suffix.lower() in (".json", ".yaml", ".yml"):
        content = read_mapping(Path(name), "layout")
        if isinstance(content, Mapping) and "cells" in content:
            return _from_mapping(content, Path(name))
        return _of_scheme(scheme(name))
    if name in _OTHER:
        raise InputError(
            f"The layout {name!r} is not one of wide sheets. Choose one of: {', '.join(SCHEMES)}; or give a mapping "
            "file.",
            "layout",
        )
    choices = ", ".join(("auto", "long", *SCHEMES, "ram-h1200"))
    raise InputError(f"There is no layout {name!r}. Choose one of: {choices}; or give a mapping file.", "layout")


def _of_scheme(used: Scheme) -> Layout:
    keys = {key: key for key in KEYS}
    if used.name == "talk-15":
        cells = {f"{side}_{kind}": (side, kind, None) for side in SIDES for kind in ("erosion", "jsn")}
        return Layout(used.name, used, keys | {"site": "joint"}, cells)
    places = [(side, kind, site) for side in SIDES for kind in used.kinds for site in used.sites[kind]]
    return Layout(used.name, used, keys, {"_".join(place): place for place in places})


def _from_mapping(content: Mapping[Any, Any], path: Path) -> Layout:
    unknown = [str(key) for key in content if key not in (*KEYS, "cells", "ignored")]
    keys = {key: content[key] for key in KEYS if key in content}
    cells, ignored = content["cells"], content.get("ignored", [])
    if unknown or not isinstance(cells, Mapping) or not cells or "patient" not in keys:
        what = f"has the unknown key {unknown[0]!r}" if unknown else "does not name the columns of patient and cells"
        raise InputError(f"{path} {what}. {_FORMS}", "layout")
    if not isinstance(ignored, list) or not all(isinstance(name, str) for name in (*keys.values(), *cells, *ignored)):
        raise InputError(f"{path} has a name of a column that is not a text. {_FORMS}", "layout")
    places = {column.strip(): _place(text, column, path) for column, text in cells.items()}
    keys = {key: name.strip() for key, name in keys.items()}
    columns = [name.strip().lower() for name in (*keys.values(), *cells, *ignored)]
    if len(set(places.values())) < len(places) or len(set(columns)) < len(columns):
        raise InputError(f"{path} names one site or one column twice. Correct the file.", "layout")
    return Layout(path.stem, None, keys, places, tuple(name.strip() for name in ignored))


def _place(text: Any, column: str, path: Path) -> tuple[str, str, str | None]:
    words = text.split(maxsplit=2) if isinstance(text, str) else []
    if len(words) != 3 or words[0] not in SIDES or words[1] not in KINDS or not known_site(words[2]):
        raise InputError(
            f"{path}: the column {column!r} is {text!r}. Give side, kind and site, such as 'R jsn MCP2'.", "layout"
        )
    return words[0], words[1], known_site(words[2])
