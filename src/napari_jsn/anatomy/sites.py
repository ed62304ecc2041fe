"""Sites of a hand that readers score, by the method of Sharp/van der Heijde.

Finger joints have the names of :data:`napari_jsn.anatomy.JOINTS`. ``CMC1`` is the base of the first metacarpal; a bone
of the wrist has the name of the bone; ``STT``, ``CSL`` and ``RC`` are joint spaces of the wrist.
"""

from __future__ import annotations

import re
import reprlib

from napari_jsn.anatomy.joints import JOINTS
from napari_jsn.common.errors import InputError

#: Finger sites of each kind of score, 9 and 10 a hand.
FINGER_JSN_SITES = ("MCP1", "MCP2", "MCP3", "MCP4", "MCP5", "PIP2", "PIP3", "PIP4", "PIP5")
FINGER_EROSION_SITES = ("IP1", *FINGER_JSN_SITES)
#: All sites of each kind of score, 15 and 16 a hand.
HAND_JSN_SITES = (*FINGER_JSN_SITES, "CMC3", "CMC4", "CMC5", "STT", "CSL", "RC")
HAND_EROSION_SITES = (*FINGER_EROSION_SITES, "CMC1", "trapezium", "scaphoid", "lunate", "radius", "ulna")
#: The rows of the table in the talk on automated scoring; it shows X where a score does not exist.
TALK_ROWS = (
    "IP1",
    *(f"{kind}{ray}" for kind in ("DIP", "PIP") for ray in (2, 3, 4, 5)),
    *(f"MCP{ray}" for ray in (1, 2, 3, 4, 5)),
    "CMC1",
)

#: What the sites are that are no finger joints.
SITE_TITLES = {
    "CMC1": "base of the first metacarpal",
    "CMC3": "third carpometacarpal joint",
    "CMC4": "fourth carpometacarpal joint",
    "CMC5": "fifth carpometacarpal joint",
    "STT": "joint of trapezium and scaphoid",
    "CSL": "joint of capitate, scaphoid and lunate",
    "RC": "radiocarpal joint",
    "trapezium": "trapezium (multangular)",
    "scaphoid": "scaphoid",
    "lunate": "lunate",
    "radius": "distal radius",
    "ulna": "distal ulna",
}

#: All sites, finger joints first.
SITES: tuple[str, ...] = (*JOINTS, *SITE_TITLES)

#: Other spellings, without spaces and punctuation and in lower case.
_OTHER = {
    "ip": "IP1",
    "mc1": "CMC1",
    "multangular": "trapezium",
    "navicular": "scaphoid",
    "naviculare": "scaphoid",
    "distalradius": "radius",
    "distalulna": "ulna",
    "radiocarpal": "RC",
    "trapeziumscaphoid": "STT",
    "capitatescaphoidlunate": "CSL",
}
_SIDE_OF = dict.fromkeys(("r", "rt", "right", "rechts", "droite", "derecha"), "R") | dict.fromkeys(
    ("l", "lt", "left", "links", "gauche", "izquierda"), "L"
)
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_BY_SPELLING = {site.lower(): site for site in SITES} | _OTHER


def site_name(text: str) -> str:
    """Return the name of a site from another spelling: ``"mcp 2"``, ``"MCP-II"``, ``"distal radius"``.

    Raises
    ------
    InputError
        If the text names no site.

    Examples
    --------
    >>> from napari_jsn.anatomy import site_name
    >>> site_name(" mcp 2"), site_name("PIP IV"), site_name("Multangular")
    ('MCP2', 'PIP4', 'trapezium')
    """
    found = known_site(text) if isinstance(text, str) else None
    if found is None:
        raise InputError(f"There is no site {reprlib.repr(text)}. Choose one of: {', '.join(SITES)}.", "site")
    return found


def known_site(text: str) -> str | None:
    """Return the name of a site from another spelling, or None; see :func:`site_name`."""
    plain = re.sub(r"[\s_./-]+", "", text).lower()
    numbered = re.fullmatch(r"(mcp|pip|dip|ip|cmc|mc)(iii|ii|iv|i|v)", plain)
    if numbered:
        plain = numbered[1] + _ROMAN[numbered[2]]
    return _BY_SPELLING.get(plain)


def known_side(text: object) -> str | None:
    """Return ``"L"`` or ``"R"`` from another spelling of a side, or None.

    Examples
    --------
    >>> from napari_jsn.anatomy.sites import known_side
    >>> known_side(" Right"), known_side("links"), known_side("both")
    ('R', 'L', None)
    """
    return _SIDE_OF.get(str(text).strip().lower())
