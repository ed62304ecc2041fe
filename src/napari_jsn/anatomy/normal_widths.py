"""Joint space widths of healthy adults by joint, age and sex, from published tables.

PIP joints: Pfeil et al., Acad Radiol 2007;14:594-602, by age and sex; the standard deviation is about 0.2 to 0.3 mm.
MCP and DIP joints: 1.40 (SD 0.25) and 0.70 (SD 0.25) mm in patients of 65 years, Kwok et al., Osteoarthritis Cartilage
2011;19:1349-55. Assumed, because no table was found: the age effect of MCP, DIP and thumb joints is that of the PIP
joints; men's MCP joints are 11.1 % wider than women's, their DIP and IP joints as much wider as their PIP joints; the
steps between the fingers and the thumb's joints.

References
----------
Pfeil A et al. Computer-aided joint space analysis (CAJSA) of the proximal-interphalangeal joint: normative age-related
and gender specific data. Acad Radiol 2007;14:594-602.
"""

from __future__ import annotations

import math

from napari_jsn.anatomy.joints import JOINTS, bones_of
from napari_jsn.common.errors import InputError

#: Middle of each age group in years, and the widths of PIP2, 3, 4 and 5 in mm.
_AGES = (23.0, 38.0, 53.0, 68.0)
_PIP_MM = {
    "F": ((1.3, 1.2, 1.1, 1.0), (1.2, 1.2, 1.0, 1.0), (1.1, 1.1, 1.0, 0.9), (1.0, 1.0, 0.9, 0.9)),
    "M": ((1.4, 1.5, 1.3, 1.2), (1.4, 1.4, 1.2, 1.1), (1.3, 1.3, 1.2, 1.0), (1.2, 1.2, 1.0, 0.9)),
}
#: Width of the other joints in mm, both sexes together, at the age at which they were measured.
_OTHER_MM = {
    "MCP1": 1.35, "IP1": 0.95,
    "MCP2": 1.53, "MCP3": 1.48, "MCP4": 1.36, "MCP5": 1.23,
    "DIP2": 0.75, "DIP3": 0.75, "DIP4": 0.70, "DIP5": 0.60,
}  # fmt: skip
_OTHER_AGE = 65.0
#: Ratio of men's to women's widths.
_MEN_TO_WOMEN = {"MCP": 1.111, "DIP": 1.154, "IP": 1.154}
#: Standard deviation in the population, in mm: the published 0.25, and the middle of the published 0.2 to 0.3 for PIP.
SD_MM = 0.25


def normal_width(joint: str, sex: str, age: float) -> float:
    """Return the mean joint space width in mm of healthy people of this age and sex.

    Between the middles of the published age groups it is interpolated, beyond them it is constant.

    Parameters
    ----------
    joint : str
    sex : {"F", "M"}
    age : float
        In years.

    Raises
    ------
    InputError
        If there is no such joint, sex or age.

    Examples
    --------
    >>> from napari_jsn.anatomy.normal_widths import normal_width
    >>> normal_width("PIP2", "F", 38.0)
    1.2
    >>> round(normal_width("MCP3", "M", 65.0), 2)
    1.56
    """
    bones_of(joint)
    if sex not in _PIP_MM:
        raise InputError(f'The sex of a normal width is "F" or "M", not {sex!r}.', "sex")
    if not (math.isfinite(age) and age >= 0):
        raise InputError(f"The age is {age} years. Give 0 or more.", "age")
    if joint.startswith("PIP"):
        return _interpolated([row[int(joint[-1]) - 2] for row in _PIP_MM[sex]], age)
    mean = [sum(row) / len(row) for row in _PIP_MM[sex]]
    ratio = _MEN_TO_WOMEN[joint[:-1]]
    of_sex = 2 * (ratio if sex == "M" else 1.0) / (1 + ratio)
    return _OTHER_MM[joint] * of_sex * _interpolated(mean, age) / _interpolated(mean, _OTHER_AGE)


def normal_widths(sex: str, age: float) -> dict[str, float]:
    """Return the mean joint space width in mm of every finger joint; see :func:`normal_width`."""
    return {joint: normal_width(joint, sex, age) for joint in JOINTS}


def _interpolated(values: list[float], age: float) -> float:
    if age <= _AGES[0]:
        return values[0]
    for first, last, before, after in zip(_AGES, _AGES[1:], values, values[1:]):
        if age <= last:
            return before + (after - before) * (age - first) / (last - first)
    return values[-1]
