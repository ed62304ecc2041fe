"""Draw the grades of all joints of a hand: stratified, or as among patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.stats import norm

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.shapes.joint_grades import HIGHEST, Kind

Sampling = Literal["uniform", "natural"]
SAMPLINGS: tuple[str, ...] = get_args(Sampling)

#: Share of each grade in the natural sampling: about 90 % are 0; the others are assumed.
NATURAL_SHARES: dict[Kind, tuple[float, ...]] = {
    "jsn": (0.90, 0.045, 0.028, 0.018, 0.009),
    "erosion": (0.90, 0.050, 0.025, 0.013, 0.007, 0.005),
}
#: Share of the variance that all joints of a patient have in common, and both kinds of one joint.
_OF_PATIENT, _OF_JOINT = 0.5, 0.2


@dataclass(frozen=True)
class DrawnGrades:
    """Grades of one hand that are to be drawn: ``grades[joint][kind]``."""

    grades: Mapping[str, Mapping[Kind, int]]

    def of(self, joint: str, kind: Kind) -> int:
        """Return the grade of a joint."""
        return self.grades[joint][kind]


def check_sampling(sampling: str) -> None:
    """Raise an InputError if there is no such sampling."""
    if sampling not in SAMPLINGS:
        raise InputError(
            f"There is no sampling of grades {sampling!r}. Choose one of: {', '.join(SAMPLINGS)}.", "grades"
        )


def draw_grades(sampling: str, hand_rng: np.random.Generator, patient_rng: np.random.Generator) -> DrawnGrades:
    """Draw the grades of one hand.

    Parameters
    ----------
    sampling : {"uniform", "natural"}
        Uniform: every grade of every kind has the same share, as evenly as the number of joints of one hand permits,
        and the kinds are independent. Natural: about 90 % of the joints have grade 0, and the joints of a patient are
        correlated.
    hand_rng, patient_rng : numpy.random.Generator
        Of this hand; and of the patient, in the same state for both hands.

    Raises
    ------
    InputError
        If there is no such sampling.
    """
    check_sampling(sampling)
    if sampling == "uniform":
        decks = {kind: _deck(hand_rng, highest + 1) for kind, highest in HIGHEST.items()}
        return DrawnGrades({joint: {kind: deck[k] for kind, deck in decks.items()} for k, joint in enumerate(JOINTS)})
    severity = float(patient_rng.standard_normal())
    return DrawnGrades({joint: _correlated(severity, hand_rng) for joint in JOINTS})


def _deck(rng: np.random.Generator, grades: int) -> list[int]:
    """Return one grade for each joint, every grade equally often up to one."""
    deck = (int(rng.integers(grades)) + np.arange(len(JOINTS))) % grades
    return [int(grade) for grade in rng.permutation(deck)]


def _correlated(severity: float, rng: np.random.Generator) -> dict[Kind, int]:
    of_joint = float(rng.standard_normal())
    own = 1 - _OF_PATIENT - _OF_JOINT
    drawn: dict[Kind, int] = {}
    for kind, shares in NATURAL_SHARES.items():
        value = np.sqrt(_OF_PATIENT) * severity + np.sqrt(_OF_JOINT) * of_joint + np.sqrt(own) * rng.standard_normal()
        drawn[kind] = int(np.searchsorted(np.cumsum(shares[:-1]), norm.cdf(value), side="right"))
    return drawn
