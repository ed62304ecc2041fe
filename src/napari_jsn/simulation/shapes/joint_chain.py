"""Compute the poses of all bones of a hand at one visit.

Each ray is a chain of bones, posed from proximal to distal. The gap between each bone and the head of the next
proximal bone, along the joint's axis, is the given joint space width. So rotation, flexion and roll do not
change the width.
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
    """Position of the upper bone of a joint relative to the lower bone.

    Attributes
    ----------
    jsw_mm : float
        Gap along the joint's axis; 0 is contact.
    slide_mm : float
        Lateral translation, across the finger.
    displaced_mm : (float, float, float)
        Displacement by subluxation or luxation: lateral like the slide, palmar, and proximal, in addition to the rest.
        A proximal displacement makes the bones overlap on the radiograph.
    """

    jsw_mm: float
    slide_mm: float = 0.0
    displaced_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class JointGeometry:
    """Axis of a joint in 3-D.

    Attributes
    ----------
    on_upper, on_lower : (3,) float array
        Points where the joint's axis meets the surface of the upper and of the lower bone, in mm.
    axis : (3,) float array
        Unit vector from the upper to the lower bone.
    """

    on_upper: Array
    on_lower: Array
    axis: Array

    @property
    def centre(self) -> Array:
        """(3,) centre of the gap."""
        return np.asarray((self.on_upper + self.on_lower) / 2)

    @property
    def jsw_mm(self) -> float:
        """Joint space width: the gap along the axis."""
        return float(self.axis @ (self.on_lower - self.on_upper))


@dataclass(frozen=True)
class PosedHand:
    """Poses of all bones and axes of all joints of a hand in 3-D, in mm, in the coordinates of a left hand.

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
    """Return the pose of the upper bone at a given joint space width from the head of the lower bone.

    The direction of the joint's axis is the mean of the directions of the two bones' long axes. The axis passes through
    the apex of the lower bone's head. The gap is measured along the axis, between the two bone surfaces.

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
        Pose of the upper bone.
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
    on_upper = apex - joint_pose.jsw_mm * axis
    if any(joint_pose.displaced_mm):
        lateral, palmar, proximal = joint_pose.displaced_mm
        displacement = lateral * across + palmar * np.array([0.0, 0.0, 1.0]) + proximal * axis
        pose = SolidPose(upper_rotation, pose.translation + displacement)
        on_upper = on_upper + displacement
    return pose, JointGeometry(on_upper, apex, axis)


def pose_ray(
    shapes: Mapping[str, BoneShape],
    ray: int,
    root: Array,
    angles: Mapping[str, BoneAngles],
    joint_poses: Mapping[str, JointPose],
) -> tuple[dict[str, SolidPose], dict[str, JointGeometry]]:
    """Return bone poses and joint axes of one ray; the base of the metacarpal is at ``root`` (3,)."""
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
