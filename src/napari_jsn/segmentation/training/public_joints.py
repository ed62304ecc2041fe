"""What is known of the public finger joints that the shipped network learned from and is measured on.

380 MCP joints of adults with rheumatoid arthritis at one to four visits, 256 x 256 pixels each, with masks drawn by
experts, from the public dataset of BLS-GAN (Wang et al., AAAI 2025). None of their pixels is in this project.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from zlib import crc32

SOURCE = "MCP joints of the public dataset of BLS-GAN (Wang et al., AAAI 2025), with the masks of its experts"
TERMS = "no licence stated; no pixel is shipped"

#: Joints whose two masks are the same region: folder and file.
WRONG_MASKS = {"00086_R_11/3", "00111_L_5/3", "00307_R_5/0", "00314_R_13/2"}
#: Joints that are also there under another number.
DUPLICATES = {"00157_R_11", "00458_L_5", "00031_L_13", "00462_L_2", "00340_L_8"}
#: The crops state no spacing; a joint image of Wang et al. 2023 is 22.2 mm wide.
SPACING_MM = 22.2 / 256

_NAME = re.compile(r"\d{5}_[LR]_(?:2|5|8|11|13)")
#: Rests by 20 of the hashes of those never trained on: about a fifth, all among those that no constant of the
#: registration was fitted on either.
_NEVER = {0, 2, 4, 6, 10}


def are_public(groups: Iterable[str]) -> bool:
    """Whether the folder's joints bear the names of that dataset."""
    groups = list(groups)
    return bool(groups) and all(_NAME.fullmatch(group) for group in groups)


def is_left_out(group: str, file: str) -> bool:
    """Whether an image is of no use: its masks are wrong, or the joint is there twice."""
    return group in DUPLICATES or f"{group}/{file}" in WRONG_MASKS


def is_test(group: str) -> bool:
    """Whether a joint is never trained on, nor used to choose between epochs or recipes: 82 joints of 375."""
    return crc32(group.encode()) % 20 in _NEVER


def joint_of(group: str) -> str:
    """``"MCP1"`` for number 13, which is the thumb; which of the other numbers is which finger is not told."""
    return "MCP1" if group.endswith("_13") else "MCP2-5"
