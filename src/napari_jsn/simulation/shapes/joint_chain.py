"""Poses of all bones of a hand at one visit.

Each ray is a chain of bones. A bone is placed on the head of the bone proximal to it at the joint space width along the
joint's axis. So the width is exact at every visit: rotation, flexion and roll do not change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.simulation.shapes.bone import BoneShape, distance_to_base
from napari_jsn.simulation.shapes.pose import BoneAngles, SolidPose

Array = NDArray[np.float64]


@dataclass(frozen=True)
class JointPose:
    """Position of the upper bone of a joint against the lower one.

    Attributes
    ----------
    jsw_mm : float
        Gap along the joint's axis; 0 is contact.
    slide_mm : float
        Lateral displacement, across the finger.
    """

    jsw_mm: float
    slide_mm: float = 0.0


@dataclass(frozen=True)
class JointGeometry:
    """Centre line of a joint in space.

    Attributes
    ----------
    on_upper, on_lower : (3,) float array
        Points of the joint's axis on the surfaces of the upper and the lower bone, in mm.
    axis : (3,) float array
        Unit vector from the upper to the lower bone.
    """

    on_upper: Array
    on_lower: Array
    axis: Array

    @property
    def centre(self) -> Array:
        """(3,) middle of the gap."""
        return np.asarray((self.on_upper + self.on_lower) / 2)

    @property
    def jsw_mm(self) -> float:
        """Gap along the axis, from upper to lower."""
        return float(self.axis @ (self.on_lower - self.on_upper))


@dataclass(frozen=True)
class PosedHand:
    """All bones of a hand in space, in mm of a left hand.

    Attributes
    ----------
    poses : mapping of bone to SolidPose
    joints : mapping of joint to JointGeometry
    """

    poses: Mapping[str, SolidPose] = field(repr=False)
    joints: Mapping[str, JointGeometry] = field(repr=False)


def pose_upper_bone(
    upper: BoneShape, lower_pose: SolidPose, upper_rotation: Array, joint_pose: JointPose
) -> tuple[SolidPose, JointGeometry]:
    """Place the upper bone of a joint on the head of the lower one.

    The joint's axis is the mean of the two bones' own axes. It passes through the middle of the lower bone's head, and
    the gap is measured along it, between the two surfaces.

    Parameters
    ----------
    upper : BoneShape
    lower_pose : SolidPose
    upper_rotation : (3, 3) float array
        Orientation of the upper bone.
    joint_pose : JointPose

    Returns
    -------
    pose : SolidPose
        Of the upper bone.
    joint : JointGeometry
    """
    axis = lower_pose.matrix[:, 1] + upper_rotation[:, 1]
    axis = axis / np.linalg.norm(axis)
    across = np.array([axis[1], -axis[0], 0.0]) / np.hypot(axis[0], axis[1])
    apex = lower_pose.translation
    base = upper_rotation @ np.array([0.0, upper.length, 0.0])
    pose = SolidPose(upper_rotation, apex - joint_pose.jsw_mm * axis + joint_pose.slide_mm * across - base)
    gap = distance_to_base(upper, pose.inverse(apex), -axis @ upper_rotation)
    # a translation along the axis changes the gap by the same length
    pose = SolidPose(upper_rotation, pose.translation + (gap - joint_pose.jsw_mm) * axis)
    return pose, JointGeometry(apex - joint_pose.jsw_mm * axis, apex, axis)


def pose_ray(
    shapes: Mapping[str, BoneShape],
    ray: int,
    root: Array,
    angles: Mapping[str, BoneAngles],
    joint_poses: Mapping[str, JointPose],
) -> tuple[dict[str, SolidPose], dict[str, JointGeometry]]:
    """Pose the bones of one ray, from the metacarpal's base at ``root`` (3,) to the finger's tip."""
    metacarpal = f"MC{ray}"
    rotation = angles[metacarpal].matrix
    pose = SolidPose(rotation, root - rotation @ np.array([0.0, shapes[metacarpal].length, 0.0]))
    poses, joints = {metacarpal: pose}, {}
    for joint in anatomy.JOINTS:
        if int(joint[-1]) != ray:
            continue
        upper, lower = anatomy.bones_of(joint)
        poses[upper], joints[joint] = pose_upper_bone(
            shapes[upper], poses[lower], angles[upper].matrix, joint_poses[joint]
        )
    return poses, joints
