"""Return the uncertainty of a narrowing between two visits.

The uncertainty of a registration describes how well two images match. But a bone that flexed or rolled a little has
another projection, and the narrowing is read at a point that is a little off the middle of the joint, where a rotation
of the bones against each other adds to it. With s the standard uncertainty of the registration, and r the rotation of
the bones against each other, the variance is ``registration s^2 + repositioning^2 + (lever r)^2``. The constants are
fitted on simulated hands, from whole radiographs to narrowings, at several pixel pitches
(``python -m napari_jsn.evaluation.calibration repositioning``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from napari_jsn.anatomy import joint_kind
from napari_jsn.networks.weights import card

#: Card with the constants.
CARD = "progression-repositioning"


@dataclass(frozen=True)
class NarrowingUncertainty:
    """Constants of the variance of a narrowing between two visits.

    Attributes
    ----------
    registration : float
        Factor of the variance that the registration states.
    lever_mm : float
        Narrowing that a rotation of one radian adds, standard deviation.
    repositioning_mm : mapping of str to float
        Standard deviation that repositioning adds, by kind of joint.
    shared : float
        Correlation of the errors of two joints of one hand.
    """

    registration: float
    lever_mm: float
    repositioning_mm: dict[str, float]
    shared: float

    def variance_mm2(self, joint: str, registration_sd_mm: float, rotation_rad: float) -> float:
        """Return the variance of the narrowing of a joint between two visits, in square mm."""
        repositioning = self.repositioning_mm[joint_kind(joint)] ** 2
        return self.registration * registration_sd_mm**2 + repositioning + (self.lever_mm * rotation_rad) ** 2


@cache
def narrowing_uncertainty() -> NarrowingUncertainty:
    """Return the constants of the shipped card."""
    content = card(CARD)
    by_kind = {kind: float(sd) for kind, sd in content["repositioning_mm"].items()}
    return NarrowingUncertainty(
        float(content["registration"]), float(content["lever_mm"]), by_kind, float(content["shared"])
    )
