"""Grades of all joints of a hand on one radiograph: of what the projection shows, and in space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.simulation.damage.difficulty import Difficulty
from napari_jsn.simulation.damage.hand_damage import HandDamage
from napari_jsn.simulation.damage.notch import project_erosions
from napari_jsn.simulation.damage.visible import joint_margins, lateral_displacement
from napari_jsn.simulation.shapes.joint_chain import PosedHand
from napari_jsn.simulation.shapes.joint_grades import (
    JointGrades,
    displacement_mark,
    erosion_from,
    narrowing_from,
)
from napari_jsn.simulation.simulated_radiograph import ErosionMask, JointTruth
from napari_jsn.simulation.truth import VisitGeometry
from napari_jsn.simulation.visit import Disease, Positioning, pose_hand, posed_rays

Array = NDArray[np.float64]


def visible_truth(
    damage: HandDamage, visit: VisitGeometry, side: str, truths: Sequence[JointTruth], difficulty: Difficulty
) -> tuple[list[JointTruth], list[ErosionMask]]:
    """Return the truths of a hand's joints with their grades, and the erosions on the radiograph."""
    erosions = project_erosions(
        damage.patient, visit.hand, visit.disease, visit.transform, visit.shape, visit.spacing_mm, side,
        float(difficulty.part("visibility")["erosion_nepers"]), damage.hidden,
    )  # fmt: skip
    inside = np.array(visit.shape)[::-1]
    outside = frozenset(one.joint for one in truths if not ((one.centre >= 0) & (one.centre < inside)).all())
    if difficulty.part("visibility").get("covered", False):
        outside |= covered_joints(damage, visit.hand)
    grades = joint_grades(damage, visit.disease, visit.positioning, visit.hand, erosions, outside)
    graded = []
    for one in truths:
        found = grades[one.joint]
        graded.append(replace(one, svdh_narrowing=found.narrowing, svdh_erosion=found.erosion, grades=found))
    return graded, erosions


def covered_joints(damage: HandDamage, hand: PosedHand) -> frozenset[str]:
    """Return the joints whose middle lies on a bone of another finger."""
    rays = posed_rays(damage.patient, hand)
    covered = set()
    for joint in anatomy.JOINTS:
        for ray, line in rays.items():
            for bone, (start, end) in zip(anatomy.RAYS[ray], pairwise(line), strict=True):
                hides = ray != int(joint[-1]) and bone not in damage.hidden
                if hides and _distance(hand.joints[joint].centre[:2], start, end) < _half_breadth(damage, bone):
                    covered.add(joint)
    return frozenset(covered)


def _distance(point: Array, start: Array, end: Array) -> float:
    """Return the distance of a point from a line segment."""
    along = end - start
    share = np.clip((point - start) @ along / (along @ along), 0, 1)
    return float(np.hypot(*(point - start - share * along)))


def _half_breadth(damage: HandDamage, bone: str) -> float:
    """Return half of the breadth of a bone's shaft in mm."""
    shape = damage.patient.shapes[bone]
    left, right, _, _ = shape.profile(np.array(0.5 * shape.length))
    return float(left + right) / 2


def joint_grades(
    damage: HandDamage,
    disease: Disease,
    positioning: Positioning,
    hand: PosedHand,
    erosions: Sequence[ErosionMask],
    out_of_view: frozenset[str] = frozenset(),
) -> dict[str, JointGrades]:
    """Return the grades of every joint of one hand on one radiograph.

    The width is the mean gap between the visible margins in the middle of the joint. The share that is left is over the
    width of the same patient before the disease with the hand flat, so positioning changes the visible grade, as it
    does for readers.

    Parameters
    ----------
    damage : HandDamage
    disease : Disease
        At this visit.
    positioning : Positioning
    hand : PosedHand
        Bones at this visit.
    erosions : sequence of ErosionMask
        Of this hand and radiograph.
    out_of_view : frozenset of joint
    """
    flat = pose_hand(damage.healthy, Positioning(), Disease())
    sound = pose_hand(damage.healthy, positioning, Disease(deviation_deg=disease.deviation_deg))
    return {
        joint: _of_joint(
            joint,
            damage,
            disease,
            {"flat": flat, "sound": sound, "now": hand},
            [one for one in erosions if one.joint == joint],
            out_of_view,
        )
        for joint in anatomy.JOINTS
    }


def _of_joint(
    joint: str,
    damage: HandDamage,
    disease: Disease,
    posed: Mapping[str, PosedHand],
    erosions: Sequence[ErosionMask],
    out_of_view: frozenset[str],
) -> JointGrades:
    healthy_shapes = damage.healthy.shapes
    healthy = joint_margins(healthy_shapes, posed["flat"], joint).width_mm
    population = damage.population_width_mm(joint)
    reason = _not_scored(joint, damage, out_of_view)
    if reason:
        return JointGrades(not_scored=reason, healthy_width_mm=healthy, population_width_mm=population)
    now = joint_margins(damage.patient.shapes, posed["now"], joint, disease.erosions)
    lateral, in_space, overlap = lateral_displacement(posed["now"], joint, now.breadth_mm)
    narrowing = damage.narrowings[joint]
    displaced, fused = any(narrowing.displaced_mm), bool(narrowing.fused)
    mark = displacement_mark(lateral, overlap if displaced else 0.0, fused)
    mark_3d = displacement_mark(in_space if displaced else 0.0, overlap if displaced else 0.0, fused)
    width = now.width_mm if np.isfinite(now.width_mm) else -overlap
    if displaced and overlap > 0:
        width = -overlap
    if fused:
        width = 0.0
    sound = joint_margins(healthy_shapes, posed["sound"], joint).thirds_mm()
    thirds = joint_margins(damage.patient.shapes, posed["now"], joint).thirds_mm() / np.maximum(sound, 0.1)
    narrowest = float(np.nanmin(thirds)) if narrowing.slope and np.isfinite(thirds).any() else 1.0
    left_3d = damage.left_at(joint, disease)
    shares = tuple(one.share for one in erosions)
    return JointGrades(
        narrowing=narrowing_from(width / healthy, narrowest, mark),
        erosion=erosion_from(shares),
        narrowing_3d=narrowing_from(left_3d, _focal_in_space(joint, damage), mark_3d),
        erosion_3d=erosion_from([one.share_3d for one in erosions]),
        mark=mark,
        mark_3d=mark_3d,
        width_mm=float(width),
        healthy_width_mm=healthy,
        population_width_mm=population,
        erosion_shares=shares,
    )


def _not_scored(joint: str, damage: HandDamage, out_of_view: frozenset[str]) -> str:
    if any(bone in damage.hidden for bone in anatomy.bones_of(joint)):
        return "missing"
    if joint in damage.implants:
        return "surgery"
    return "not_visible" if joint in out_of_view else ""


def _focal_in_space(joint: str, damage: HandDamage) -> float:
    """Return the share of the healthy width that is left in space in the third that a slope narrows."""
    slope = damage.narrowings[joint].slope
    if not slope:
        return 1.0
    left, right, _, _ = damage.healthy.shapes[anatomy.bones_of(joint)[1]].profile(np.array(2.0))
    return 1.0 - abs(slope) * 0.28 * float(left + right) / damage.healthy.healthy_jsw_mm[joint]
