"""Facts about the public finger joints that the shipped networks were trained on and are measured on.

380 MCP joints of adults with rheumatoid arthritis at one to four visits, 256 x 256 pixels each, with masks drawn by
experts, from the public dataset of BLS-GAN (Wang et al., AAAI 2025). This project contains none of their pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from zlib import crc32

from napari_jsn.joint import JOINT_IMAGE_MM

SOURCE = (
    "MCP joints of the public dataset of BLS-GAN (Wang et al., AAAI 2025), with the masks of its experts; it does not "
    "name patients, so joints are split and not patients"
)
TERMS = "no licence stated; no pixel is shipped"

#: Joints whose two masks are the same region: folder and file.
WRONG_MASKS = {"00086_R_11/3", "00111_L_5/3", "00307_R_5/0", "00314_R_13/2"}
#: Joints that the dataset also has under another number.
DUPLICATES = {"00157_R_11", "00458_L_5", "00031_L_13", "00462_L_2", "00340_L_8"}
#: The crops state no spacing; a joint image of Wang et al. 2023 is 22.2 mm wide.
SPACING_MM = JOINT_IMAGE_MM / 256

_NAME = re.compile(r"\d{5}_[LR]_(?:2|5|8|11|13)")
#: Remainders of the group's hash divided by 20 of the joints kept for testing: about a fifth. No constant of the
#: registration was fitted on these either.
_TEST_REMAINDERS = {0, 2, 4, 6, 10}


def are_public(groups: Iterable[str]) -> bool:
    """Return whether all groups have names of that dataset."""
    groups = list(groups)
    return bool(groups) and all(_NAME.fullmatch(group) for group in groups)


def card_source(groups: Iterable[str]) -> dict[str, str]:
    """Return ``source`` and ``terms`` for a model card; empty where the groups are not of that dataset."""
    return {"source": SOURCE, "terms": TERMS} if are_public(groups) else {}


def is_left_out(group: str, file: str) -> bool:
    """Return whether an image is unusable: its masks are wrong, or the joint is a duplicate."""
    return group in DUPLICATES or f"{group}/{file}" in WRONG_MASKS


def is_test(group: str) -> bool:
    """Return whether a joint is kept for testing: not trained on, and not used to choose anything; 82 of 375 joints."""
    return crc32(group.encode()) % 20 in _TEST_REMAINDERS


def joint_of(group: str) -> str:
    """Return ``"MCP1"`` for number 13, the thumb; the dataset does not say which finger the other numbers are."""
    return "MCP1" if group.endswith("_13") else "MCP2-5"
