"""The uncertainty that repositioning of the hand adds to a narrowing.

Registration measures how well two images fit, but a bone that flexed or rolled a little has another projection. The
size of this error is measured end to end on simulated hands
(``python -m napari_jsn.evaluation.calibration repositioning``).
"""

from __future__ import annotations

from functools import cache

from napari_jsn.networks.weights import card

#: Card with the standard deviations by kind of joint.
CARD = "progression-repositioning"


def joint_kind(joint: str) -> str:
    """``"MCP1"``, ``"IP1"``, ``"MCP"``, ``"PIP"`` or ``"DIP"``: thumbs are kinds of their own."""
    return joint if joint.endswith("1") else joint[:-1]


def repositioning_sd_mm(joint: str) -> float:
    """Return the standard deviation of a narrowing between any two visits beyond that of registration, in mm."""
    return _by_kind()[joint_kind(joint)]


@cache
def _by_kind() -> dict[str, float]:
    return {kind: float(sd) for kind, sd in card(CARD)["sd_mm"].items()}
