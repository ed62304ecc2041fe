"""Return the uncertainty that repositioning of the hand adds to a narrowing.

The uncertainty of a registration describes how well two images match. But a bone that flexed or rolled a little has
another projection. This error is measured on simulated hands, from whole radiographs to narrowings
(``python -m napari_jsn.evaluation.calibration repositioning``).
"""

from __future__ import annotations

from functools import cache

from napari_jsn.anatomy import joint_kind
from napari_jsn.networks.weights import card

#: Card with the standard deviations by kind of joint.
CARD = "progression-repositioning"


def repositioning_sd_mm(joint: str) -> float:
    """Return the standard deviation in mm that repositioning adds to the narrowing between any two visits."""
    return _by_kind()[joint_kind(joint)]


@cache
def _by_kind() -> dict[str, float]:
    return {kind: float(sd) for kind, sd in card(CARD)["sd_mm"].items()}
