"""What differs from visit to visit: disease, how the hand is laid down, and how the film is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.simulation.patient import Sesamoid, SimulatedPatient, ray_points
from napari_jsn.simulation.shapes.bone import Erosion
from napari_jsn.simulation.shapes.pose import Angles, JointPlace, PosedHand, Seat, pose_chain
from napari_jsn.simulation.shapes.projection import Pose

#: Sideways motion tied to a turn: 0.57 px of 22.2/256 mm per degree on the development joints.
SLIDE_MM_PER_DEG = 0.57 * 22.2 / 256


@dataclass(frozen=True)
class Disease:
    """How far illness has come since baseline.

    Attributes
    ----------
    narrowing_mm : mapping of joint to float
        Lost joint space along the joint's axis; negative is widening. Joints not named keep theirs.
    erosions : mapping of bone to tuple of Erosion
        All that are there at the visit.
    density, near_joint : float
        Factors of all mineral, and of spongy bone at the joints.
    remodelled : float
        Share of the struts that are new, 0-1.
    """

    narrowing_mm: Mapping[str, float] = field(default_factory=dict)
    erosions: Mapping[str, tuple[Erosion, ...]] = field(default_factory=dict)
    density: float = 1.0
    near_joint: float = 1.0
    remodelled: float = 0.0


@dataclass(frozen=True)
class Positioning:
    """How the hand lies at a visit, against the resting hand.

    Attributes
    ----------
    bones : mapping of bone to Angles
        Each bone's own turn, flexion and roll.
    slide_mm : mapping of joint to float
        Sideways motion beyond that tied to the turn.
    """

    bones: Mapping[str, Angles] = field(default_factory=dict)
    slide_mm: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def draw(cls, rng: np.random.Generator, spread: float = 1.0) -> Positioning:
        """Draw one: 1 is the spread that two visits of the development joints show.

        There the bones of a joint turn by 2.8 deg against each other (median; 9 deg at 95 %). Roll and flexion cannot
        be seen directly; theirs leave what is left over after registering two visits as on real pairs.
        """
        bones = {}
        hand_roll, hand_flexion = rng.normal(0, 4.0 * spread), rng.normal(0, 1.5 * spread)
        for bones_of_ray in anatomy.RAYS.values():
            turn = rng.normal(0, 1.5 * spread)  # of the whole ray: fingers spread
            flexion, roll = rng.normal(hand_flexion, 1.0 * spread), rng.normal(hand_roll, 4.0 * spread)
            for level, bone in enumerate(bones_of_ray):
                if level:  # each bone further out adds its own
                    turn += 2.8 * spread * float(np.clip(rng.standard_t(4), -6, 6))
                    flexion += rng.normal(0, 2.2 * spread)
                    roll += rng.normal(0, 5.0 * spread)
                bones[bone] = Angles(float(turn), float(flexion), float(roll))
        slide = {joint: float(rng.normal(0, 0.08 * spread)) for joint in anatomy.JOINTS}
        return cls(bones, slide)


def pose_hand(patient: SimulatedPatient, positioning: Positioning, disease: Disease) -> PosedHand:
    """Pose all bones of a hand.

    Returns
    -------
    PosedHand
        Sesamoids and carpals included.
    """
    still = Angles()
    angles = {bone: patient.resting[bone] + positioning.bones.get(bone, still) for bone in patient.resting}
    seats = {}
    for joint in anatomy.JOINTS:
        upper, lower = anatomy.bones_of(joint)
        turn = positioning.bones.get(upper, still).turn_deg - positioning.bones.get(lower, still).turn_deg
        width = patient.widths_mm[joint] - disease.narrowing_mm.get(joint, 0.0)
        # a positive turn takes the bone's distal end to +x, so its base would go to -x about its own middle; about
        # the head's centre, further down, it goes to +x
        seats[joint] = Seat(width, SLIDE_MM_PER_DEG * turn + positioning.slide_mm.get(joint, 0.0))
    poses: dict[str, Pose] = {}
    joints: dict[str, JointPlace] = {}
    for ray in anatomy.RAYS:
        root = ray_points(patient.skeleton.points, ray)[0]
        some_poses, some_joints = pose_chain(patient.shapes, ray, np.append(root, 0.0), angles, seats)
        poses |= some_poses
        joints |= some_joints
    for bone, shape in patient.shapes.items():
        if bone in poses:
            continue
        turned = angles[bone].rotation
        middle = 0.0 if bone in ("radius", "ulna") else shape.length / 2  # landmarks: an end, or a middle
        at = np.append(patient.skeleton.points[bone], 0.0)
        poses[bone] = Pose(turned, at - turned @ np.array([0.0, middle, 0.0]))
    for one in patient.sesamoids:
        poses[one.shape.name] = _beside(one, poses[one.bone])
    return PosedHand(poses, joints)


def posed_rays(patient: SimulatedPatient, hand: PosedHand) -> dict[int, NDArray[np.float64]]:
    """(k, 2) points of every ray as it lies, in mm, from the metacarpal's base over the joints to the finger's tip."""
    rays = {}
    for ray, bones in anatomy.RAYS.items():
        root = hand.poses[bones[0]](np.array([0.0, patient.shapes[bones[0]].length, 0.0]))
        joints = [(hand.joints[j].on_upper + hand.joints[j].on_lower) / 2 for j in anatomy.JOINTS if int(j[-1]) == ray]
        rays[ray] = np.array([root, *joints, hand.poses[bones[-1]].shift])[:, :2]
    return rays


def _beside(sesamoid: Sesamoid, pose: Pose) -> Pose:
    return replace(pose, shift=pose(np.array(sesamoid.place) - [0, sesamoid.shape.length / 2, 0]))
