"""Scoring schemes: which sites of a hand are scored for which kind, and to which grade."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_jsn.anatomy.sites import (
    FINGER_EROSION_SITES,
    FINGER_JSN_SITES,
    HAND_EROSION_SITES,
    HAND_JSN_SITES,
    TALK_ROWS,
    known_site,
)
from napari_jsn.common.errors import InputError
from napari_jsn.common.files import read_bytes
from napari_jsn.scoring.grades import HIGHEST, KINDS

SIDES = ("R", "L")
_FORMS = "Give a mapping such as {name: my-scheme, jsn: {sites: [MCP2, MCP3], highest: 4}, erosion: {sites: [MCP2]}}."


@dataclass(frozen=True)
class Scheme:
    """The sites that are scored, and their highest grades.

    Attributes
    ----------
    name : str
    sites : mapping
        From the kind, ``"jsn"`` or ``"erosion"``, to the sites of one hand, in their order.
    highest : mapping
        From the kind to the highest grade of a site.
    rows : tuple of str
        The rows of a table of all kinds; a row without a site of a kind shows X.
    total_name : str
        What the sum over all kinds and both hands is called.

    Examples
    --------
    >>> from napari_jsn.scoring import scheme
    >>> svdh = scheme("svdh-hands")
    >>> svdh.maximum("jsn"), svdh.maximum("erosion"), svdh.maximum()
    (120, 160, 280)
    """

    name: str
    sites: Mapping[str, tuple[str, ...]]
    highest: Mapping[str, int]
    rows: tuple[str, ...]
    total_name: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that have sites."""
        return tuple(kind for kind in KINDS if self.sites.get(kind))

    def maximum(self, kind: str | None = None) -> int:
        """Return the highest sum over both hands, of one kind or of all.

        Examples
        --------
        >>> from napari_jsn.scoring import scheme
        >>> scheme("svdh-fingers").maximum("jsn")
        72
        """
        kinds = self.kinds if kind is None else (kind,)
        return sum(len(SIDES) * len(self.sites[each]) * self.highest[each] for each in kinds)

    def has(self, site: str, kind: str) -> bool:
        """Return whether the scheme scores this site for this kind.

        Examples
        --------
        >>> from napari_jsn.scoring import scheme
        >>> scheme("talk-15").has("DIP2", "jsn")
        False
        """
        return site in self.sites.get(kind, ())


def _scheme(name: str, jsn: tuple[str, ...], erosion: tuple[str, ...], rows: tuple[str, ...], total: str) -> Scheme:
    return Scheme(name, {"jsn": jsn, "erosion": erosion}, HIGHEST, rows, total)


#: The schemes that are built in.
SCHEMES = {
    each.name: each
    for each in (
        _scheme(
            "svdh-hands",
            HAND_JSN_SITES,
            HAND_EROSION_SITES,
            tuple(dict.fromkeys((*HAND_EROSION_SITES, *HAND_JSN_SITES))),
            "Sharp/van der Heijde score of the hands (without feet)",
        ),
        _scheme(
            "svdh-fingers",
            FINGER_JSN_SITES,
            FINGER_EROSION_SITES,
            FINGER_EROSION_SITES,
            "sum over finger joints (not the Sharp/van der Heijde score)",
        ),
        _scheme(
            "talk-15",
            tuple(site for site in TALK_ROWS if site in HAND_JSN_SITES),
            tuple(site for site in TALK_ROWS if site in HAND_EROSION_SITES),
            TALK_ROWS,
            "sum over the scored sites of 15 joints (not the Sharp/van der Heijde score)",
        ),
    )
}


def scheme(name: str | os.PathLike[str] | Scheme) -> Scheme:
    """Return a scheme by its name, or read one from a JSON or YAML file.

    Parameters
    ----------
    name : str, path or Scheme
        ``"svdh-hands"``, ``"svdh-fingers"``, ``"talk-15"``, or a file with the ending .json, .yaml or .yml.

    Raises
    ------
    InputError
        If there is no such scheme, or if the file does not describe one.

    Examples
    --------
    >>> from napari_jsn.scoring import scheme
    >>> len(scheme("svdh-hands").sites["erosion"])
    16
    """
    if isinstance(name, Scheme):
        return name
    if isinstance(name, str) and name in SCHEMES:
        return SCHEMES[name]
    if isinstance(name, (str, os.PathLike)) and Path(name).suffix.lower() in (".json", ".yaml", ".yml"):
        return _from_mapping(read_mapping(Path(name), "scheme"), Path(name))
    raise InputError(
        f"There is no scheme {name!r}. Choose one of: {', '.join(SCHEMES)}, or give a file (.json, .yaml).", "scheme"
    )


class KeyTwiceError(ValueError):
    """A mapping in a file has a key twice; its argument is the key."""


def unique_keys(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return the mapping of keys and values of a JSON object.

    Raises
    ------
    KeyTwiceError
        If a key is there twice; parsers would silently keep the last one.
    """
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found:
            raise KeyTwiceError(key)
        found[key] = value
    return found


def read_mapping(path: Path, argument: str) -> Any:
    """Return the content of a JSON or YAML file.

    Raises
    ------
    InputError
        If the file cannot be read, or has a key twice.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads plain values only, and refuses a key that is there twice."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            unique_keys((self.construct_object(key, deep=True), None) for key, _ in node.value)
            return dict(super().construct_mapping(node, deep))

    try:
        text = read_bytes(path).decode("utf-8-sig")
        if path.suffix.lower() == ".json":
            return json.loads(text, object_pairs_hook=unique_keys)
        return yaml.load(text, Loader)  # noqa: S506 (a safe loader)
    except KeyTwiceError as error:
        raise InputError(f"{path} has the key {error.args[0]!r} twice. Keep one.", argument) from error
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Give the path of a JSON or YAML file.", argument) from error
    except (OSError, TypeError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as JSON or YAML. Correct the file.", argument) from error


def _from_mapping(content: Any, path: Path) -> Scheme:
    if not isinstance(content, Mapping):
        raise InputError(f"{path} does not describe a scheme. {_FORMS}", "scheme")
    unknown = [str(key) for key in content if key not in ("name", "total_name", *KINDS)]
    if unknown:
        raise InputError(f"{path} has the unknown key {unknown[0]!r}. {_FORMS}", "scheme")
    sites: dict[str, tuple[str, ...]] = {}
    highest: dict[str, int] = {}
    for kind in KINDS:
        if kind in content:
            sites[kind], highest[kind] = _of_kind(content[kind], kind, path)
    if not sites:
        raise InputError(f"{path} lists no sites. {_FORMS}", "scheme")
    name = content.get("name", path.stem)
    total = content.get("total_name", f"sum of the scheme {name} (not the Sharp/van der Heijde score)")
    if not isinstance(name, str) or not isinstance(total, str) or not name.strip() or name in SCHEMES:
        raise InputError(
            f"{path}: the name of the scheme is {name!r}. Give a text that is not a built-in name.", "scheme"
        )
    rows = tuple(dict.fromkeys(site for each in sites.values() for site in each))
    return Scheme(name, sites, highest, rows, total)


def _of_kind(content: Any, kind: str, path: Path) -> tuple[tuple[str, ...], int]:
    if not isinstance(content, Mapping) or set(content) - {"sites", "highest"}:
        raise InputError(f"{path}: {kind} has no list of sites. {_FORMS}", "scheme")
    listed, highest = content.get("sites"), content.get("highest", HIGHEST[kind])
    if not isinstance(listed, list) or not listed or not all(isinstance(site, str) for site in listed):
        raise InputError(f"{path}: {kind} has no list of sites. {_FORMS}", "scheme")
    names = tuple(known_site(site) or site.strip() for site in listed)
    wrong = [site for site in names if not re.fullmatch(r"[^\W_][\w ()-]*", site)]
    twice = [site for site in names if names.count(site) > 1]
    if wrong or twice:
        which = f"the name {wrong[0]!r} is not allowed" if wrong else f"{twice[0]} is listed twice"
        raise InputError(f"{path}: among the sites of {kind}, {which}. Correct the file.", "scheme")
    if isinstance(highest, bool) or not isinstance(highest, int) or not 1 <= highest <= HIGHEST[kind]:
        raise InputError(
            f"{path}: the highest grade of {kind} is {highest!r}. Give a whole number from 1 to {HIGHEST[kind]}.",
            "scheme",
        )
    return names, highest
