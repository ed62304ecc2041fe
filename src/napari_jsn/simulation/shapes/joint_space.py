"""Healthy joint space widths, and Sharp/van der Heijde grades computed from the geometry of a joint.

Widths are radiographic: from subchondral plate to subchondral plate on a posteroanterior radiograph, in mm.

The means of healthy adults, 1.7 mm in the MCP, 1.0 mm in the PIP and 0.75 mm in the DIP joints of the fingers, are
rounded figures: wider in MCP than in PIP joints [1]_, and above the 1.40 (SD 0.25) mm of MCP and 0.70 (SD 0.25) mm of
DIP joints in patients of 65 years with osteoarthritis, whose controls had wider spaces [2]_. The spread of 15 % gives
the same 0.25 mm in the MCP joints. Men's spaces are 11.1 % wider in the MCP [4]_ and 15.4 % in the PIP joints [5]_. The
steps between fingers (the index widest, the little finger narrowest) and the thumb's widths are assumed.

References
----------
.. [1] Goligher EC, Duryea J, Foster MP, Wolfe F, Solomon DH. Radiographic joint space width in the fingers of patients
   with rheumatoid arthritis of less than one year's duration. Arthritis Rheum 2006;54:1440-3.
.. [2] Kwok WY et al. Validity of joint space width measurements in hand osteoarthritis. Osteoarthritis Cartilage
   2011;19:1349-55.
.. [3] Angwin J, Heald G, Lloyd A, Howland K, Davy M, James MF. Reliability and sensitivity of joint space measurements
   in hand radiographs using computerized image analysis. J Rheumatol 2001;28:1825-36.
.. [4] Pfeil A et al. Alters- und geschlechtsspezifische Quantifizierung der Gelenkspaltweite der
   Metakarpo-Phalangeal-Gelenke mittels Computer-assistierter Gelenkspaltweitenmessung. Rofo 2007;179:WI_PO_5.
.. [5] Pfeil A et al. Computer-aided joint space analysis (CAJSA) of the proximal-interphalangeal joint: normative
   age-related and gender specific data. Acad Radiol 2007;14:594-602.
.. [6] van der Heijde D. How to read radiographs according to the Sharp/van der Heijde method. J Rheumatol
   2000;27:261-3.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError

Sex = Literal["F", "M"]

#: Share of women among simulated patients, as among patients with rheumatoid arthritis.
SHARE_OF_WOMEN = 0.7

#: Mean width of healthy adults, both sexes taken together, in mm.
_MEAN_MM = {
    "MCP1": 1.60, "IP1": 1.00,
    "MCP2": 1.85, "PIP2": 1.05, "DIP2": 0.80,
    "MCP3": 1.80, "PIP3": 1.05, "DIP3": 0.80,
    "MCP4": 1.65, "PIP4": 1.00, "DIP4": 0.75,
    "MCP5": 1.50, "PIP5": 0.90, "DIP5": 0.65,
}  # fmt: skip

#: Ratio of men's to women's widths; none is published for DIP and IP, so that of PIP is used.
_MEN_TO_WOMEN = {"MCP": 1.111, "PIP": 1.154, "DIP": 1.154, "IP": 1.154}

#: Relative standard deviation shared by all joints of a person, and that of each joint.
_SHARED_SD, _OWN_SD = 0.12, 0.09
_CLIP_SD = 2.0

#: Smallest share of the healthy width that counts as normal, as doubtful (grade 1), and as grade 2.
NORMAL_SHARE, DOUBTFUL_SHARE, HALF = 0.90, 0.75, 0.50
#: Lateral displacement of the bones, as a share of the joint's width, from which it is subluxed, and luxated.
SUBLUXATION, LUXATION = 0.25, 1.0
#: Share of the surface from which an erosion counts 2, and 3 (past the middle of the bone), and of a collapsed joint.
LARGE_EROSION, PAST_MIDDLE, COLLAPSE = 0.15, 0.50, 0.90


def draw_sex(rng: np.random.Generator) -> Sex:
    """Draw ``"F"`` or ``"M"`` with the share of :data:`SHARE_OF_WOMEN`."""
    return "F" if rng.random() < SHARE_OF_WOMEN else "M"


def check_sex(sex: str | None) -> None:
    """Raise an InputError for anything but ``"F"``, ``"M"`` and None."""
    if sex not in ("F", "M", None):
        raise InputError(f'The sex of a simulated patient is "F" or "M", not {sex!r}.', "sex")


def mean_widths(sex: Sex) -> dict[str, float]:
    """Return the mean joint space widths of healthy women or men.

    Parameters
    ----------
    sex : {"F", "M"}

    Returns
    -------
    dict of str to float
        Joint name to width in mm, in the order of :data:`napari_jsn.anatomy.JOINTS`.
    """
    check_sex(sex)
    widths = {}
    for joint in JOINTS:
        ratio = _MEN_TO_WOMEN[joint[:-1]]
        widths[joint] = _MEAN_MM[joint] * 2 * (ratio if sex == "M" else 1.0) / (1 + ratio)
    return widths


def draw_widths(rng: np.random.Generator, sex: Sex | None = None) -> dict[str, float]:
    """Draw the healthy joint space widths of one hand.

    The widths of a hand are correlated: all joints share a factor with a standard deviation of 12 %, each joint has
    its own of 9 %, both clipped at 2 standard deviations.

    Parameters
    ----------
    rng : numpy.random.Generator
    sex : {"F", "M"}, optional
        Drawn if not given.

    Returns
    -------
    dict of str to float
        Joint name to joint space width in mm, in the order of :data:`napari_jsn.anatomy.JOINTS`.

    Raises
    ------
    InputError
        If ``sex`` is something else.
    """
    check_sex(sex)
    sex = sex or draw_sex(rng)
    shared = _SHARED_SD * _clipped_normal(rng, 1)[0]
    own = _OWN_SD * _clipped_normal(rng, len(JOINTS))
    return {joint: float(mean * np.exp(shared + mine)) for (joint, mean), mine in zip(mean_widths(sex).items(), own)}


def narrowing_grade(jsw_mm: float, healthy_mm: float, displacement: float = 0.0) -> int:
    """Return the Sharp/van der Heijde grade of joint space narrowing, computed from the geometry.

    ===== ================================== ===============================================
    grade of readers [6]_                    here
    ===== ================================== ===============================================
    0     normal                             at least 90 % of the healthy width is left
    1     focal or doubtful                  75 to 90 %
    2     generalised, over 50 % left        over 50 and under 75 %
    3     under 50 % left, or subluxation    up to 50 %, or displaced by 25 % of the width
    4     bony ankylosis, complete luxation  nothing is left, or displaced by the whole width
    ===== ================================== ===============================================

    The limit between 0 and 1 lies a little above 7 %, the smallest change that a repeated radiograph detects [3]_. On a
    radiograph, surfaces in contact cannot be distinguished from fused ones, so grade 4 begins at 0 mm.

    Parameters
    ----------
    jsw_mm, healthy_mm : float
        Joint space width at the visit, and before the disease. Overlapping bones have a width below 0.
    displacement : float
        Lateral displacement of the bones as a share of the joint's width.

    Returns
    -------
    int
        0 to 4.

    Raises
    ------
    InputError
        If the healthy width is not above 0, or a figure is not finite.
    """
    if not (np.isfinite(healthy_mm) and healthy_mm > 0):
        raise InputError(f"A healthy joint space is wider than 0 mm, not {healthy_mm} mm.", "healthy_mm")
    if not np.isfinite(jsw_mm):
        raise InputError(f"A joint space of {jsw_mm} mm cannot be graded.", "jsw_mm")
    left = jsw_mm / healthy_mm
    if left <= 0 or abs(displacement) >= LUXATION:
        return 4
    if left <= HALF or abs(displacement) >= SUBLUXATION:
        return 3
    if left < DOUBTFUL_SHARE:
        return 2
    return 1 if left < NORMAL_SHARE else 0


def erosion_grade(share_of_surface: float, count: int) -> int:
    """Return the Sharp/van der Heijde grade of erosion, computed from the geometry.

    Readers give 1 for each discrete erosion, 2 for a larger one, 3 for one past the middle of the bone, add them up to
    5 at most, and give 5 for a collapsed joint [6]_. Here all erosions of a joint are assumed to be of equal size: 2
    each from 15 % and 3 each from 50 % of the joint's surface, and 5 if 90 % of the surface is lost.

    Parameters
    ----------
    share_of_surface : float
        Share of the joint's surface that is eroded, both bones and all erosions together, 0 to 1.
    count : int
        Number of discrete erosions.

    Returns
    -------
    int
        0 to 5.

    Raises
    ------
    InputError
        If the share is not in 0 to 1, the count is negative, or an eroded surface has no erosion.
    """
    if not 0 <= share_of_surface <= 1:
        raise InputError(f"The eroded share of a surface is 0 to 1, not {share_of_surface}.", "share_of_surface")
    if count < 0 or (count == 0 and share_of_surface > 0):
        raise InputError(f"{count} erosions cannot erode {share_of_surface:.0%} of the surface.", "count")
    if share_of_surface == 0:
        return 0
    if share_of_surface >= COLLAPSE:
        return 5
    each = share_of_surface / count
    points = 3 if each >= PAST_MIDDLE else 2 if each >= LARGE_EROSION else 1
    return min(5, points * count)


def _clipped_normal(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.clip(rng.standard_normal(size), -_CLIP_SD, _CLIP_SD)
