"""True narrowing and motion of every joint, computed from the geometry and not from pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.joint.similarity import Similarity, image_centre, joint_space_narrowing
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.joint_chain import PosedHand
from napari_jsn.simulation.shapes.joint_space import erosion_grade, narrowing_grade
from napari_jsn.simulation.shapes.pose import BoneAngles, RadiographTransform
from napari_jsn.simulation.simulated_radiograph import JointTruth
from napari_jsn.simulation.tissue.bone_volume import attenuation_slabs, make_bone_volume
from napari_jsn.simulation.visit import Disease, Positioning

#: Part of each bone to which the true similarity is fitted, in mm from the joint.
_REACH_MM = 11.0


@dataclass(frozen=True)
class VisitGeometry:
    """Geometry of one hand on the radiograph of one visit.

    Attributes
    ----------
    hand : PosedHand
    positioning : Positioning
    disease : Disease
    transform : RadiographTransform
    shape : (int, int)
        Rows and columns of the radiograph.
    spacing_mm : float
        Pixel pitch of the detector.
    """

    hand: PosedHand
    positioning: Positioning
    disease: Disease
    transform: RadiographTransform
    shape: tuple[int, int]
    spacing_mm: float

    def pixels(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the pixels ``(x, y)`` on the radiograph of (..., 3) points of the hand in space."""
        return self.transform.points(np.asarray(points)[..., :2]) / self.spacing_mm


class BonePoints:
    """Points of a patient's bones weighted by attenuation, to which the true similarities are fitted.

    Parameters
    ----------
    patient : SimulatedPatient
    """

    def __init__(self, patient: SimulatedPatient) -> None:
        self.patient = patient
        self._points: dict[tuple[str, bool], tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def near_joint(self, bone: str, distal: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (n, 3) points near one end of a bone, in its frame in mm, and their (n,) attenuations."""
        if (bone, distal) not in self._points:
            shape = self.patient.shapes[bone]
            y_range = (-5.0, _REACH_MM) if distal else (shape.length - _REACH_MM, shape.length + 10.0)
            without_texture = replace(self.patient.materials[bone], trabecular_contrast=0.0)
            volume = make_bone_volume(shape, without_texture, (), y_range, step_mm=0.8, slab_mm=0.8)
            assert volume is not None
            slabs = attenuation_slabs(volume, without_texture)
            z, y, x = np.nonzero(slabs.values > 1e-4)
            points = np.stack([slabs.x[x], slabs.y[y], slabs.z[z]], axis=-1)
            self._points[bone, distal] = points, slabs.values[z, y, x].astype(float)
        return self._points[bone, distal]


def joint_truth(
    bone_points: BonePoints, joint: str, side: str, baseline: VisitGeometry, visit: VisitGeometry
) -> JointTruth:
    """Return the truth of one joint at one visit.

    The similarities ``upper`` and ``lower`` map the middle of the joint exactly as the two bones do, projected on the
    radiograph. Their rotation and scale are the least-squares fit to the projection of each bone within 11 mm of the
    joint. ``jsn_projected_mm`` is computed from them as from a registration. If a bone rolls or flexes, no similarity
    fits its whole projection, and the residual depends on the registration method; the motion at the joint does not. Of
    the definitions tried (fits to the whole bone, to its dense part, to the part near the joint) `refined` agrees best
    with this one.

    Parameters
    ----------
    bone_points : BonePoints
        Of the patient.
    joint, side : str
    baseline, visit : VisitGeometry
        Give the same object twice for the baseline.
    """
    patient = bone_points.patient
    upper, lower = anatomy.bones_of(joint)
    first, current = baseline.hand.joints[joint], visit.hand.joints[joint]
    if visit is baseline:
        maps = [Similarity(centre=image_centre(visit.shape))] * 2
    else:
        ends = ((upper, False), (lower, True))
        maps = [
            _similarity(bone_points.near_joint(bone, distal), first.centre, baseline, visit, bone)
            for bone, distal in ends
        ]
    point = baseline.pixels(first.centre)
    axis = _projected_axis(baseline, first.axis)
    projected = joint_space_narrowing(maps[0].matrix, maps[1].matrix, point, axis)
    upper_angles, lower_angles = (
        visit.positioning.angles.get(bone, BoneAngles()) - baseline.positioning.angles.get(bone, BoneAngles())
        for bone in (upper, lower)
    )
    across = np.array([axis[1], -axis[0]])
    displacement = (maps[0].matrix - maps[1].matrix)[:2] @ np.append(point, 1.0)
    return JointTruth(
        joint=joint,
        side=side,
        jsw_mm=current.jsw_mm,
        jsn_mm=first.jsw_mm - current.jsw_mm,
        jsn_projected_mm=projected * baseline.spacing_mm / baseline.transform.magnification,
        centre=visit.pixels(np.stack([current.on_upper, current.on_lower])).mean(0),
        axis=_projected_axis(visit, current.axis),
        upper=maps[0],
        lower=maps[1],
        svdh_narrowing=narrowing_grade(current.jsw_mm, patient.healthy_jsw_mm[joint]),
        svdh_erosion=_joint_erosion_grade(patient, visit.disease, upper, lower),
        rotation_deg=upper_angles.rotation_deg - lower_angles.rotation_deg,
        flexion_deg=upper_angles.flexion_deg - lower_angles.flexion_deg,
        slide_mm=float(across @ displacement) * baseline.spacing_mm / baseline.transform.magnification,
        roll_upper_deg=upper_angles.roll_deg,
        roll_lower_deg=lower_angles.roll_deg,
    )


def _projected_axis(visit: VisitGeometry, axis: NDArray[np.float64]) -> NDArray[np.float64]:
    projected = visit.transform.linear @ axis[:2]
    return projected / np.hypot(*projected)


def _similarity(
    points_and_weights: tuple[NDArray[np.float64], NDArray[np.float64]],
    middle: NDArray[np.float64],
    baseline: VisitGeometry,
    visit: VisitGeometry,
    bone: str,
) -> Similarity:
    """Return the similarity that maps a bone's projection at baseline to its projection at the visit.

    It maps the joint's ``middle`` (3,) exactly as the bone does; its rotation and scale are the weighted least-squares
    fit to the bone's points.
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


def _joint_erosion_grade(patient: SimulatedPatient, disease: Disease, upper: str, lower: str) -> int:
    erosions = [
        erosion
        for bone, distal in ((upper, False), (lower, True))
        for erosion in disease.erosions.get(bone, ())
        if (erosion.centre[1] < patient.shapes[bone].length / 2) == distal
    ]
    if not erosions:
        return 0
    surface = sum(
        4 * float(patient.shapes[b].profile(np.array(y))[0])
        for b, y in ((upper, patient.shapes[upper].length), (lower, 0.0))
    )
    eroded = sum(2 * float(np.sqrt(erosion.radii[0] * erosion.radii[1])) for erosion in erosions)
    return erosion_grade(min(eroded / surface, 1.0), len(erosions))
