"""Compute the narrowing of one joint at every visit from the registrations of its visits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from napari_jsn.anatomy import joint_kind
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.common.statistics import Estimate
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.patient.patient import Hand
from napari_jsn.progression.narrowing import JointView, MeasuredHand, Narrowing, difference_sd
from napari_jsn.progression.pairwise import Ends, pairwise_narrowings, rotation_rad
from napari_jsn.progression.repositioning import narrowing_uncertainty
from napari_jsn.progression.trajectory import Trajectory, fit_trajectory
from napari_jsn.registration.result import WIDE_MM, Registration

#: Difference between the narrowing and the change of the joint space width, in standard deviations, above which one of
#: the two is wrong.
_MAX_CONTRADICTION_SD = 2.5


@dataclass(frozen=True)
class JointCourse:
    """One joint over the visits: hands and views by visit number, registrations by pairs of visits counted from 0."""

    name: str
    side: str | None
    hands: Mapping[int, Hand | MeasuredHand]
    views: Mapping[int, JointView]
    registrations: Mapping[Ends, Registration]

    def reasons_at(self, visit: int) -> tuple[Reason, ...]:
        """Return why the joint may be wrong at a visit."""
        return (*self.hands[visit].reasons, *self.views[visit].reasons)


def narrowings_of(course: JointCourse, visits: int, complete: bool = True, wide_mm: float = WIDE_MM) -> list[Narrowing]:
    """Return the narrowing of one joint at each follow-up visit.

    Parameters
    ----------
    course : JointCourse
    visits : int
    complete : bool
        Whether all pairs were registered; if not, visits without a registration are left out.
    wide_mm : float
        Half width of the 95 % interval above which the state is ``"wide"``.
    """
    trusted = {
        (first, second)
        for (first, second), one in course.registrations.items()
        if one.reliable and not (course.reasons_at(first + 1) or course.reasons_at(second + 1))
    }
    baseline, known = course.views.get(1), narrowing_uncertainty()
    pixel_mm = baseline.pixel_mm if baseline else 1.0
    pairs = pairwise_narrowings(course.registrations, trusted, known.lever_mm / pixel_mm)
    variance_px2 = (known.repositioning_mm[joint_kind(course.name)] / pixel_mm) ** 2
    trajectory = fit_trajectory(visits, pairs, variance_px2, known.registration)
    narrowings = []
    for visit in range(2, visits + 1):
        not_measured = _why_not_measured(course, visit)
        if not_measured:
            narrowings.append(
                Narrowing(course.name, course.side or "", visit, reasons=(not_measured,), wide_mm=wide_mm)
            )
        elif (0, visit - 1) in course.registrations:
            narrowings.append(replace(_narrowing(course, visit, trajectory), wide_mm=wide_mm))
        elif complete:
            raise AssertionError(f"{course.name} was not registered at visit {visit}.")
    return narrowings


def _narrowing(course: JointCourse, visit: int, trajectory: Trajectory) -> Narrowing:
    baseline, followup, direct = course.views[1], course.views[visit], course.registrations[0, visit - 1]
    k = visit - 1
    narrowing = Estimate(float(trajectory.jsn[k]), float(trajectory.sd[k]))
    scale = (direct.upper.dz + direct.lower.dz) / 2
    change = Estimate(
        baseline.jsw.px - followup.jsw.px / scale, float(np.hypot(baseline.jsw.sd_px, followup.jsw.sd_px / scale))
    )
    reasons = _reasons(course, visit, trajectory, baseline.image.spacing_mm)
    if not reasons and baseline.jsw.reliable and followup.jsw.reliable and contradict(narrowing, change):
        unit, size = ("px", 1.0) if baseline.image.spacing_mm is None else ("mm", baseline.image.spacing_mm)
        sentence = (
            f"The decrease of the joint space width ({change.value * size:+.2f} {unit}) contradicts the narrowing "
            f"({narrowing.value * size:+.2f} {unit})."
        )
        reasons.append(Reason(ReasonCode.JSW_CONTRADICTS, sentence))
    return Narrowing(
        joint=course.name,
        side=course.side or "",
        visit=visit,
        narrowing_px=narrowing,
        spacing_mm=baseline.image.spacing_mm,
        reasons=tuple(reasons),
        angle_deg=angle_deg(direct),
        closure_px=float(trajectory.closure[k]),
        width_change_px=change,
        registration=direct,
        baseline=baseline,
        followup=followup,
    )


def _why_not_measured(course: JointCourse, visit: int) -> Reason | None:
    """Return why the joint cannot be measured at a visit; None if it can."""
    for number in (1, visit):
        if number not in course.hands:
            return Reason(ReasonCode.NO_RADIOGRAPH, f"There is no radiograph of this hand at visit {number}.")
        view = course.views.get(number)
        if view is None:
            return Reason(ReasonCode.JOINT_NOT_IN_VIEW, f"{course.name} is not in view at visit {number}.")
        if not view.has_both_bones:
            reason = view.reasons[0] if view.reasons else Reason(ReasonCode.BONE_NOT_FOUND)
            return reason.about(radiograph_label(number).capitalize())
    return None


def _reasons(course: JointCourse, visit: int, trajectory: Trajectory, spacing_mm: float | None) -> list[Reason]:
    reasons = [
        reason.about(radiograph_label(number).capitalize())
        for number in (1, visit)
        for reason in course.reasons_at(number)
    ]
    direct = course.registrations[0, visit - 1]
    if not trajectory.joined[visit - 1]:
        if direct.reasons:
            reasons += direct.reasons
        elif not reasons:
            reasons.append(Reason(ReasonCode.NOT_CONNECTED))
    if trajectory.open[visit - 1]:
        size = float(trajectory.closure[visit - 1])
        figure = f"{size:.1f} pixels" if spacing_mm is None else f"{size * spacing_mm:.2f} mm"
        sentence = f"The registrations between three visits do not add up (closure {figure})."
        reasons.append(Reason(ReasonCode.CLOSURE_OPEN, sentence))
    return reasons


def contradict(narrowing: Estimate, width_change: Estimate) -> bool:
    """Return whether narrowing and decrease of the joint space width differ by more than 2.5 standard deviations."""
    return abs(difference_sd(narrowing, width_change)) > _MAX_CONTRADICTION_SD


def angle_deg(registration: Registration) -> float:
    """Return the rotation of the upper bone against the lower one, -180 to 180 degrees."""
    return float(np.rad2deg(rotation_rad(registration)))
