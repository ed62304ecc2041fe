"""From the registrations of one joint between all its visits to its rows of a progression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.statistics import Z95
from napari_jsn.localization.mean_hand import BOX_MM
from napari_jsn.patient.find_hands import Hand
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.progression.pairwise import Ends, steps_of
from napari_jsn.progression.progression import NAN, JointView, Narrowing
from napari_jsn.progression.repositioning import repositioning_sd_mm
from napari_jsn.progression.trajectory import Trajectory, follow
from napari_jsn.registration.result import Registration

#: Standard uncertainty of registration above which a narrowing is not relied on, in mm: that of one joint in thirty.
_MOST_SD_MM = 0.030
#: Widths of the joint space that change by so much more or less than it narrowed, in mm, speak against one of the two:
#: on simulated hands one joint in a hundred, and most of those that are a pixel off.
_MOST_APART_MM = 0.15


@dataclass(frozen=True)
class JointCourse:
    """One joint over the visits, by visit number; pairs of visits count from 0."""

    name: str
    side: str | None
    films: Mapping[int, Hand]
    views: Mapping[int, JointView]
    registrations: Mapping[Ends, Registration]

    def doubts(self, visit: int) -> tuple[str, ...]:
        """What is doubtful about the joint's view at a visit."""
        return (*self.films[visit].reasons, *self.views[visit].reasons)


def rows_of(course: JointCourse, visits: int, complete: bool = True) -> list[Narrowing]:
    """One row for each follow-up visit.

    Parameters
    ----------
    course : JointCourse
    visits : int
    complete : bool
        Whether all was measured; otherwise visits that were not reached are left out.
    """
    trusted = {
        (first, second)
        for (first, second), one in course.registrations.items()
        if one.reliable
        and not (course.doubts(first + 1) or course.doubts(second + 1))
        and not _vague(course.views[first + 1], one)
    }
    baseline = course.views.get(1)
    variance_px2 = (repositioning_sd_mm(course.name) / _pixel_mm(baseline)) ** 2 if baseline else 0.0
    followed = follow(visits, steps_of(course.registrations, trusted), variance_px2)
    rows = []
    for visit in range(2, visits + 1):
        unseen = _unseen(course, visit)
        if unseen:
            rows.append(Narrowing(course.name, course.side or "", visit, reason=unseen))
        elif (0, visit - 1) in course.registrations:
            rows.append(_row(course, visit, followed))
        elif complete:
            raise AssertionError(f"{course.name} was not registered at visit {visit}.")
    return rows


def _row(course: JointCourse, visit: int, followed: Trajectory) -> Narrowing:
    baseline, followup, direct = course.views[1], course.views[visit], course.registrations[0, visit - 1]
    spacing_mm = NAN if baseline.image.spacing_mm is None else baseline.image.spacing_mm
    k = visit - 1
    jsn_px, sd_px = float(followed.jsn[k]), float(followed.sd[k])
    scale = (direct.upper.dz + direct.lower.dz) / 2
    change_px = baseline.jsw.px - followup.jsw.px / scale
    reasons = _reasons(course, visit, followed, spacing_mm)
    apart_mm = abs(jsn_px - change_px) * _pixel_mm(baseline)
    if not reasons and baseline.jsw.reliable and followup.jsw.reliable and apart_mm > _MOST_APART_MM:
        reasons.append(f"The change of the joint space width differs from the narrowing by {apart_mm:.2f} mm.")
    return Narrowing(
        joint=course.name,
        side=course.side or "",
        visit=visit,
        jsn_mm=jsn_px * spacing_mm,
        jsn_sd_mm=sd_px * spacing_mm,
        ci95_mm=((jsn_px - Z95 * sd_px) * spacing_mm, (jsn_px + Z95 * sd_px) * spacing_mm),
        jsn_px=jsn_px,
        jsn_sd_px=sd_px,
        reliable=not reasons,
        reason=" ".join(reasons),
        angle_deg=angle_deg(direct),
        closure_mm=float(followed.closure[k]) * spacing_mm,
        jsw_change_mm=change_px * spacing_mm,
        jsw_change_sd_mm=float(np.hypot(baseline.jsw.sd_px, followup.jsw.sd_px / scale)) * spacing_mm,
        registration=direct,
        baseline=baseline,
        followup=followup,
    )


def _unseen(course: JointCourse, visit: int) -> str:
    """Why there is nothing to measure; empty where there is."""
    for number in (1, visit):
        if number not in course.films:
            return f"There is no film of this hand at visit {number}."
        if number not in course.views:
            return f"{course.name} is not in view at visit {number}."
    return ""


def _reasons(course: JointCourse, visit: int, followed: Trajectory, spacing_mm: float) -> list[str]:
    reasons = [
        f"{radiograph_label(number).capitalize()}: {reason[:1].lower()}{reason[1:]}"
        for number in (1, visit)
        for reason in course.doubts(number)
    ]
    direct = course.registrations[0, visit - 1]
    if not followed.joined[visit - 1]:
        if direct.reason:
            reasons.append(direct.reason)
        elif vague := _vague(course.views[1], direct):
            reasons.append(vague)
        elif not reasons:
            reasons.append("No reliable registration leads from the baseline to this visit.")
    if followed.open[visit - 1]:
        size = float(followed.closure[visit - 1])
        told = f"{size:.1f} pixels" if np.isnan(spacing_mm) else f"{size * spacing_mm:.2f} mm"
        reasons.append(f"The registrations between three visits do not add up (closure {told}).")
    return reasons


def _vague(fixed: JointView, one: Registration) -> str:
    """That a registration is too uncertain; empty where it is not."""
    sd_mm = one.jsn_sd_px * _pixel_mm(fixed)
    return f"The narrowing is too uncertain (sd {sd_mm:.3f} mm by registration alone)." if sd_mm > _MOST_SD_MM else ""


def angle_deg(registration: Registration) -> float:
    """Turn of the upper bone against the lower one, -180 to 180 degrees."""
    turn = registration.upper.dtheta - registration.lower.dtheta
    return float(np.rad2deg((turn + np.pi) % (2 * np.pi) - np.pi))


def _pixel_mm(view: JointView) -> float:
    """Size of a pixel; where it is not known, such that the box is as large as boxes are."""
    side: NDArray[np.int_] = np.array(view.image.pixels.shape)
    return view.image.spacing_mm or BOX_MM / float(side.max())
