"""Grades of Sharp/van der Heijde from figures of a joint: shares of width and surface, and displacement.

The same rules grade a joint in space and on its projection; only the figures differ.

References
----------
van der Heijde D. How to read radiographs according to the Sharp/van der Heijde method. J Rheumatol 2000;27:261-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from napari_jsn.simulation.shapes.joint_space import DOUBTFUL_SHARE, HALF, NORMAL_SHARE

Mark = Literal["", "subluxation", "luxation", "ankylosis"]
Kind = Literal["jsn", "erosion"]

#: Displacement as a share of the joint's breadth from which it is subluxed, and completely luxated.
SUBLUXATION, LUXATION = 0.25, 0.8
#: Overlap of the bones along the finger, in mm, from which they are subluxed, and completely luxated.
SUBLUXED_MM, LUXATED_MM = 1.0, 3.5
#: Share of the joint surface's breadth from which an erosion counts 1, 2 and 3. Readers give 2 for a larger erosion and
#: 3 for one past the middle of the bone; the limit of 2 is assumed.
EROSION_SHARES = (0.04, 0.25, 0.50)
#: Share of the breadth of one bone's joint surface from which the joint counts as collapsed.
COLLAPSE = 0.80
#: Highest grade of each kind.
HIGHEST: dict[Kind, int] = {"jsn": 4, "erosion": 5}


@dataclass(frozen=True)
class JointGrades:
    """What a perfect reader grades at one joint of one radiograph.

    Attributes
    ----------
    narrowing, erosion : int or None
        Grades of what the projection shows; None if the joint is not scored.
    narrowing_3d, erosion_3d : int or None
        The same rules in space.
    mark, mark_3d : str
        ``"subluxation"``, ``"luxation"``, ``"ankylosis"`` or empty.
    not_scored : str
        ``"missing"``, ``"surgery"``, ``"not_visible"`` or empty.
    width_mm, healthy_width_mm, population_width_mm : float
        Width along the visible margins, that of the same patient before the disease, and the mean of the joint, age and
        sex.
    erosion_shares : tuple of float
        Visible share of the joint surface's breadth of each erosion.
    """

    narrowing: int | None = None
    erosion: int | None = None
    narrowing_3d: int | None = None
    erosion_3d: int | None = None
    mark: Mark = ""
    mark_3d: Mark = ""
    not_scored: str = ""
    width_mm: float = float("nan")
    healthy_width_mm: float = float("nan")
    population_width_mm: float = float("nan")
    erosion_shares: tuple[float, ...] = field(default=(), repr=False)

    def shown(self, kind: Kind) -> int | str:
        """Return the visible grade, or ``"X"`` where the joint is not scored."""
        grade = self.narrowing if kind == "jsn" else self.erosion
        return "X" if grade is None else grade


def displacement_mark(displacement: float, overlap_mm: float, fused: bool) -> Mark:
    """Return the mark of a joint.

    Parameters
    ----------
    displacement : float
        As a share of the breadth of the joint.
    overlap_mm : float
        Overlap of the two bones along the finger; negative is a gap.
    fused : bool
    """
    if fused:
        return "ankylosis"
    if abs(displacement) >= LUXATION or overlap_mm >= LUXATED_MM:
        return "luxation"
    return "subluxation" if abs(displacement) >= SUBLUXATION or overlap_mm >= SUBLUXED_MM else ""


def narrowing_from(left: float, narrowest: float = 1.0, mark: Mark = "") -> int:
    """Return the grade of narrowing, 0 to 4.

    Parameters
    ----------
    left : float
        Share of the healthy width that is left.
    narrowest : float
        The same in the narrowest third of the joint, against the same joint without damage in the same position; it
        decides whether a joint of normal mean width is narrowed on one side (grade 1, focal).
    mark : str
        Bony ankylosis and complete luxation are grade 4, subluxation is at least grade 3. Surfaces in contact that are
        not fused are grade 3.
    """
    if mark in ("ankylosis", "luxation"):
        return 4
    if mark == "subluxation" or left <= HALF:
        return 3
    if left < DOUBTFUL_SHARE:
        return 2
    return 1 if left < NORMAL_SHARE or narrowest < DOUBTFUL_SHARE else 0


def erosion_points(share: float) -> int:
    """Return the points of one erosion, 0 to 3, from its share of the breadth of the joint surface."""
    return sum(share >= limit for limit in EROSION_SHARES)


def erosion_from(shares: Sequence[float], collapsed: bool = False) -> int:
    """Return the grade of erosion of a site, 0 to 5: the sum of its erosions' points, or 5 if it collapsed."""
    if collapsed or any(share >= COLLAPSE for share in shares):
        return 5
    return min(5, sum(erosion_points(share) for share in shares))
