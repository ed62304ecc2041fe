"""Where every bone of a hand lies at a visit.

Fingers are chains: each bone sits on the head of the one below it, at the joint's width along the joint's axis, however
both are turned. So the width is exact at every visit, and a turn, a flexion or a roll does not change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.simulation.shapes.bone import BoneShape, meet_base
from napari_jsn.simulation.shapes.projection import Pose, rotation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Angles:
    """How one bone is turned, in degrees: in the plane, out of it, and about its own axis."""

    turn_deg: float = 0.0
    flexion_deg: float = 0.0
    roll_deg: float = 0.0

    def __add__(self, other: Angles) -> Angles:
        return Angles(
            self.turn_deg + other.turn_deg,
            self.flexion_deg + other.flexion_deg,
            self.roll_deg + other.roll_deg,
        )

    def __sub__(self, other: Angles) -> Angles:
        return self + Angles(-other.turn_deg, -other.flexion_deg, -other.roll_deg)

    @property
    def rotation(self) -> Array:
        """(3, 3) matrix."""
        return rotation(self.turn_deg, self.flexion_deg, self.roll_deg)


@dataclass(frozen=True)
class Seat:
    """How the upper bone of a joint sits on the lower one.

    Attributes
    ----------
    jsw_mm : float
        Gap along the joint's axis; 0 is contact.
    slide_mm : float
        Sideways, across the finger.
    """

    jsw_mm: float
    slide_mm: float = 0.0


@dataclass(frozen=True)
class JointPlace:
    """The middle of a joint in space: on the upper bone's surface, on the lower one's, and the axis between."""

    on_upper: Array
    on_lower: Array
    axis: Array

    @property
    def jsw_mm(self) -> float:
        """The gap along the axis, from upper to lower."""
        return float(self.axis @ (self.on_lower - self.on_upper))


@dataclass(frozen=True)
class PosedHand:
    """All bones of a hand in space, in mm of a left hand.

    Attributes
    ----------
    poses : mapping of bone to Pose
    joints : mapping of joint to JointPlace
    """

    poses: Mapping[str, Pose] = field(repr=False)
    joints: Mapping[str, JointPlace] = field(repr=False)


def seat(upper: BoneShape, lower_pose: Pose, upper_rotation: Array, place: Seat) -> tuple[Pose, JointPlace]:
    """Set a bone on the head of another.

    The joint's axis is the mean of the two bones' own axes; it passes through the middle of the lower bone's head, and
    the gap is measured along it, between the two surfaces.

    Returns
    -------
    pose : Pose
        Of the upper bone.
    joint : JointPlace
    """
    axis = lower_pose.matrix[:, 1] + upper_rotation[:, 1]
    axis = axis / np.linalg.norm(axis)
    across = np.array([axis[1], -axis[0], 0.0]) / np.hypot(axis[0], axis[1])
    apex = lower_pose.shift
    base = upper_rotation @ np.array([0.0, upper.length, 0.0])
    pose = Pose(upper_rotation, apex - place.jsw_mm * axis + place.slide_mm * across - base)
    gap = meet_base(upper, pose.inverse(apex), -axis @ upper_rotation)
    # a move along the axis changes the gap by as much
    pose = Pose(upper_rotation, pose.shift + (gap - place.jsw_mm) * axis)
    return pose, JointPlace(apex - place.jsw_mm * axis, apex, axis)


def pose_chain(
    shapes: Mapping[str, BoneShape], ray: int, root: Array, angles: Mapping[str, Angles], seats: Mapping[str, Seat]
) -> tuple[dict[str, Pose], dict[str, JointPlace]]:
    """Pose the bones of one ray, from the metacarpal's base at ``root`` (3,) to the finger's tip."""
    metacarpal = f"MC{ray}"
    turned = angles[metacarpal].rotation
    pose = Pose(turned, root - turned @ np.array([0.0, shapes[metacarpal].length, 0.0]))
    poses, joints = {metacarpal: pose}, {}
    for joint in anatomy.JOINTS:
        if int(joint[-1]) != ray:
            continue
        upper, lower = anatomy.bones_of(joint)
        poses[upper], joints[joint] = seat(shapes[upper], poses[lower], angles[upper].rotation, seats[joint])
    return poses, joints
