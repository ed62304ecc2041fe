"""State of a hand at one visit: disease and positioning, and the resulting poses of the bones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.joint import JOINT_IMAGE_MM
from napari_jsn.simulation.patient import Sesamoid, SimulatedPatient, ray_points
from napari_jsn.simulation.shapes.bone import Erosion
from napari_jsn.simulation.shapes.joint_chain import JointGeometry, JointPose, PosedHand, pose_ray
from napari_jsn.simulation.shapes.pose import BoneAngles, SolidPose

#: Slide per rotation: 0.57 px per degree, at 256 px a joint image, on the development joints.
SLIDE_MM_PER_DEG = 0.57 * JOINT_IMAGE_MM / 256


@dataclass(frozen=True)
class Disease:
    """Changes by disease since baseline.

    Attributes
    ----------
    narrowing_mm : mapping of joint to float
        Narrowing along the joint's axis; negative is widening. Joints not named do not change.
    closed_mm : mapping of joint to float
        How far the bones have moved together where a joint surface is lost.
    erosions : mapping of bone to tuple of Erosion
        All erosions at the visit.
    density, periarticular : float
        Factors of all mineral, and of the trabecular bone near the joints.
    remodelled : float
        Share of the trabeculae that changed, 0-1.
    osteophytes : mapping of bone to tuple of Erosion
        Ellipsoids of bone at the surface.
    displaced_mm : mapping of joint to (float, float, float)
        Subluxation or luxation of the upper bone: lateral, palmar, proximal.
    deviation_deg : mapping of joint to float
        Rotation of all bones distal to a joint in the plane.
    """

    narrowing_mm: Mapping[str, float] = field(default_factory=dict)
    closed_mm: Mapping[str, float] = field(default_factory=dict)
    erosions: Mapping[str, tuple[Erosion, ...]] = field(default_factory=dict)
    density: float = 1.0
    periarticular: float = 1.0
    remodelled: float = 0.0
    osteophytes: Mapping[str, tuple[Erosion, ...]] = field(default_factory=dict)
    displaced_mm: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    deviation_deg: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PoseFactors:
    """Factors of the standard deviations of :meth:`Positioning.draw`, and the degrees of freedom of the rotation.

    ``slide_slope`` is the factor of :data:`SLIDE_MM_PER_DEG`.
    """

    rotation_factor: float = 1.0
    rotation_df: float = 4
    roll_factor: float = 1.0
    flexion_factor: float = 1.0
    slide_factor: float = 1.0
    slide_slope: float = 1.0

    def further_slide_mm(self, rotation_deg: float) -> float:
        """Return what a rotation of the upper bone adds to the slide of :func:`pose_hand`."""
        return (self.slide_slope - 1) * SLIDE_MM_PER_DEG * rotation_deg


@dataclass(frozen=True)
class Positioning:
    """Position of the hand at a visit, against the hand at rest.

    Attributes
    ----------
    angles : mapping of bone to BoneAngles
        Rotation, flexion and roll of each bone.
    slide_mm : mapping of joint to float
        Slide in addition to that caused by the rotation.
    """

    angles: Mapping[str, BoneAngles] = field(default_factory=dict)
    slide_mm: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def draw(cls, rng: np.random.Generator, spread: float = 1.0, factors: PoseFactors = PoseFactors()) -> Positioning:
        """Draw a positioning; ``spread`` 1 gives the differences between two visits of the development joints.

        There the bones of a joint rotate by 2.8 deg against each other (median; 9 deg at 95 %). Roll and flexion cannot
        be measured directly; their spread is set so that the residual after registration of two visits is that of real
        pairs.
        """
        angles = {}
        turned, rolled, bent = factors.rotation_factor, factors.roll_factor, factors.flexion_factor
        hand_roll, hand_flexion = rng.normal(0, 4.0 * spread * rolled), rng.normal(0, 1.5 * spread * bent)
        for bones_of_ray in anatomy.RAYS.values():
            rotation = rng.normal(0, 1.5 * spread)  # of the whole ray: abduction of the fingers
            flexion, roll = rng.normal(hand_flexion, 1.0 * spread * bent), rng.normal(hand_roll, 4.0 * spread * rolled)
            for level, bone in enumerate(bones_of_ray):
                if level:  # angles add up from proximal to distal
                    rotation += 2.8 * spread * turned * float(np.clip(rng.standard_t(factors.rotation_df), -6, 6))
                    flexion += rng.normal(0, 2.2 * spread * bent)
                    roll += rng.normal(0, 5.0 * spread * rolled)
                angles[bone] = BoneAngles(float(rotation), float(flexion), float(roll))
        slide = {joint: float(rng.normal(0, 0.08 * spread * factors.slide_factor)) for joint in anatomy.JOINTS}
        for joint in slide:
            upper, lower = anatomy.bones_of(joint)
            relative = angles[upper].rotation_deg - angles[lower].rotation_deg
            slide[joint] += factors.further_slide_mm(relative)
        return cls(angles, slide)


def pose_hand(patient: SimulatedPatient, positioning: Positioning, disease: Disease) -> PosedHand:
    """Return the poses of all bones of a hand, with sesamoids and carpals."""
    zero = BoneAngles()
    angles = {bone: rest + positioning.angles.get(bone, zero) for bone, rest in patient.rest_angles.items()}
    for joint, deviation in disease.deviation_deg.items():
        for bone in _distal_to(joint):
            angles[bone] += BoneAngles(deviation)
    joint_poses = {}
    for joint in anatomy.JOINTS:
        upper, lower = anatomy.bones_of(joint)
        rotation = positioning.angles.get(upper, zero).rotation_deg - positioning.angles.get(lower, zero).rotation_deg
        width = patient.jsw_mm[joint] - disease.narrowing_mm.get(joint, 0.0) - disease.closed_mm.get(joint, 0.0)
        # a positive rotation moves the bone's distal end to +x, so its base would move to -x about its own middle;
        # about the centre of the head, further proximal, it moves to +x
        slide = SLIDE_MM_PER_DEG * rotation + positioning.slide_mm.get(joint, 0.0)
        joint_poses[joint] = JointPose(width, slide, disease.displaced_mm.get(joint, (0.0, 0.0, 0.0)))
    poses: dict[str, SolidPose] = {}
    joints: dict[str, JointGeometry] = {}
    for ray in anatomy.RAYS:
        root = ray_points(patient.skeleton.points, ray)[0]
        ray_poses, ray_joints = pose_ray(patient.shapes, ray, np.append(root, 0.0), angles, joint_poses)
        poses |= ray_poses
        joints |= ray_joints
    for bone, shape in patient.shapes.items():
        if bone in poses:
            continue
        matrix = angles[bone].matrix
        middle = 0.0 if bone in ("radius", "ulna") else shape.length / 2  # the landmark is an end, or a middle
        position = np.append(patient.skeleton.points[bone], 0.0)
        poses[bone] = SolidPose(matrix, position - matrix @ np.array([0.0, middle, 0.0]))
    for one in patient.sesamoids:
        poses[one.shape.name] = _sesamoid_pose(one, poses[one.bone])
    return PosedHand(poses, joints)


def _distal_to(joint: str) -> tuple[str, ...]:
    """Return the bones of the ray from the upper bone of a joint to the tip."""
    bones = anatomy.RAYS[int(joint[-1])]
    return bones[bones.index(anatomy.bones_of(joint)[0]) :]


def posed_rays(patient: SimulatedPatient, hand: PosedHand) -> dict[int, NDArray[np.float64]]:
    """Return the (k, 2) points of every ray in mm: the metacarpal's base, the joints, the distal end of the bone."""
    rays = {}
    for ray, bones in anatomy.RAYS.items():
        root = hand.poses[bones[0]](np.array([0.0, patient.shapes[bones[0]].length, 0.0]))
        joints = [hand.joints[joint].centre for joint in anatomy.JOINTS if int(joint[-1]) == ray]
        rays[ray] = np.array([root, *joints, hand.poses[bones[-1]].translation])[:, :2]
    return rays


def _sesamoid_pose(sesamoid: Sesamoid, pose: SolidPose) -> SolidPose:
    middle = np.array(sesamoid.position_mm) - [0, sesamoid.shape.length / 2, 0]
    return replace(pose, translation=pose(middle))
