"""What is true of every joint, from the geometry alone: no pixel is looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.joint.similarity import Similarity, image_centre, joint_space_narrowing
from napari_jsn.simulation.exposure.render import Placement
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.joint_space import erosion_grade, narrowing_grade
from napari_jsn.simulation.shapes.pose import Angles, PosedHand
from napari_jsn.simulation.simulated_radiograph import JointTruth
from napari_jsn.simulation.tissue.bone_volume import fill, make_mould
from napari_jsn.simulation.visit import Disease, Positioning

#: How much of each bone a registration of the joint sees, in mm from the joint.
_REACH_MM = 11.0


@dataclass(frozen=True)
class VisitGeometry:
    """One hand at one visit on one film.

    Attributes
    ----------
    hand : PosedHand
    positioning : Positioning
    disease : Disease
    placement : Placement
    shape : (int, int)
        Rows and columns of the film.
    spacing_mm : float
        Pixel pitch of the detector.
    """

    hand: PosedHand
    positioning: Positioning
    disease: Disease
    placement: Placement
    shape: tuple[int, int]
    spacing_mm: float

    def pixels(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Pixels ``(x, y)`` on the film of (..., 3) points of the hand in space."""
        return self.placement.points(np.asarray(points)[..., :2]) / self.spacing_mm


class Substance:
    """Points of a patient's bones and their weights, for fitting what a registration would see."""

    def __init__(self, patient: SimulatedPatient) -> None:
        self.patient = patient
        self._points: dict[tuple[str, bool], tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def near(self, bone: str, distal: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n, 3) points near one end of a bone, in its frame in mm, and their (n,) shares of its shadow."""
        if (bone, distal) not in self._points:
            shape = self.patient.shapes[bone]
            y_range = (-5.0, _REACH_MM) if distal else (shape.length - _REACH_MM, shape.length + 10.0)
            even = replace(self.patient.materials[bone], grain=0.0)
            mould = make_mould(shape, even, (), y_range, step_mm=0.8, slab_mm=0.8)
            assert mould is not None
            slabs = fill(mould, even)
            z, y, x = np.nonzero(slabs.values > 1e-4)
            points = np.stack([slabs.x[x], slabs.y[y], slabs.z[z]], axis=-1)
            self._points[bone, distal] = points, slabs.values[z, y, x].astype(float)
        return self._points[bone, distal]


def joint_truth(
    substance: Substance, joint: str, side: str, baseline: VisitGeometry, visit: VisitGeometry
) -> JointTruth:
    """The truth of one joint at one visit.

    ``upper`` and ``lower`` carry the middle of the joint as the two bones do, seen on the film, with the turn and scale
    that fit the shadow of each bone's substance within 11 mm of the joint best. ``jsn_projected_mm`` is read from them
    as from a registration. On bones that roll or flex no similarity fits the whole shadow, and where a fit's residual
    goes depends on what a method looks at; what the bones do at the joint does not. Of the definitions tried (fits to
    all substance, to its dense part, to the part near the joint) `refined` agrees best with this one.

    Parameters
    ----------
    substance : Substance
        Of the patient.
    joint, side : str
    baseline, visit : VisitGeometry
        The same twice for the baseline itself.
    """
    patient = substance.patient
    upper, lower = anatomy.bones_of(joint)
    first, now = baseline.hand.joints[joint], visit.hand.joints[joint]
    middle = (first.on_upper + first.on_lower) / 2
    if visit is baseline:
        maps = [Similarity(centre=image_centre(visit.shape))] * 2
    else:
        ends = ((upper, False), (lower, True))
        maps = [_map(substance.near(bone, distal), middle, baseline, visit, bone) for bone, distal in ends]
    point = baseline.pixels(middle)
    axis = _unit(baseline, first.axis)
    projected = joint_space_narrowing(maps[0].matrix, maps[1].matrix, point, axis)
    moved_upper, moved_lower = (
        visit.positioning.bones.get(bone, Angles()) - baseline.positioning.bones.get(bone, Angles())
        for bone in (upper, lower)
    )
    across = np.array([axis[1], -axis[0]])
    apart = (maps[0].matrix - maps[1].matrix)[:2] @ np.append(point, 1.0)
    return JointTruth(
        joint=joint,
        side=side,
        jsw_mm=now.jsw_mm,
        jsn_mm=first.jsw_mm - now.jsw_mm,
        jsn_projected_mm=projected * baseline.spacing_mm / baseline.placement.magnification,
        centre=visit.pixels(np.stack([now.on_upper, now.on_lower])).mean(0),
        axis=_unit(visit, now.axis),
        upper=maps[0],
        lower=maps[1],
        svdh_narrowing=narrowing_grade(now.jsw_mm, patient.healthy_mm[joint]),
        svdh_erosion=_eroded(patient, visit.disease, upper, lower),
        turn_deg=moved_upper.turn_deg - moved_lower.turn_deg,
        flexion_deg=moved_upper.flexion_deg - moved_lower.flexion_deg,
        slide_mm=float(across @ apart) * baseline.spacing_mm / baseline.placement.magnification,
        roll_upper_deg=moved_upper.roll_deg,
        roll_lower_deg=moved_lower.roll_deg,
    )


def _unit(visit: VisitGeometry, axis: NDArray[np.float64]) -> NDArray[np.float64]:
    on_film = visit.placement.plane @ axis[:2]
    return on_film / np.hypot(*on_film)


def _map(
    points_and_weights: tuple[NDArray[np.float64], NDArray[np.float64]],
    middle: NDArray[np.float64],
    baseline: VisitGeometry,
    visit: VisitGeometry,
    bone: str,
) -> Similarity:
    """The similarity that takes a bone's shadow at baseline to its shadow at the visit.

    It takes the joint's ``middle`` (3,) exactly where the bone carries it; its turn and scale fit the bone's substance
    best (weighted least squares).
    """
    points, weights = points_and_weights
    before, after = baseline.hand.poses[bone], visit.hand.poses[bone]
    start, end = baseline.pixels(middle), visit.pixels(after(before.inverse(middle)))
    # in complex numbers a similarity is one multiplication
    a = (baseline.pixels(before(points)) - start) @ [1, 1j]
    b = (visit.pixels(after(points)) - end) @ [1, 1j]
    factor = (weights * np.conj(a)) @ b / ((weights * np.conj(a)) @ a).real
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = linear, end - linear @ start
    return Similarity.from_matrix(matrix, image_centre(visit.shape))


def _eroded(patient: SimulatedPatient, disease: Disease, upper: str, lower: str) -> int:
    bites = [
        (bite, patient.shapes[bone])
        for bone, distal in ((upper, False), (lower, True))
        for bite in disease.erosions.get(bone, ())
        if (bite.centre[1] < patient.shapes[bone].length / 2) == distal
    ]
    if not bites:
        return 0
    ends = sum(
        4 * float(patient.shapes[b].profile(np.array(y))[0])
        for b, y in ((upper, patient.shapes[upper].length), (lower, 0.0))
    )
    lost = sum(2 * float(np.sqrt(bite.radii[0] * bite.radii[1])) for bite, _ in bites)
    return erosion_grade(min(lost / ends, 1.0), len(bites))
