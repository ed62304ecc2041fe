"""Wrong pairs: methods that state an uncertainty must flag them as unreliable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.methods_compared import OURS, BenchmarkRow, ComparedMethod
from napari_jsn.common.statistics import share
from napari_jsn.evaluation.public_images import FingerJoint, Pixels, finger_joints
from napari_jsn.evaluation.registration.known_motion import KnownMotion, expose, render_followup
from napari_jsn.evaluation.settings import Settings
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.methods import PreparedPair

Visit = tuple[Pixels, BoneMasks]

#: Shift of the masks in pixels; they then cover part of the joint space and of the other bone.
SHIFT_PX = (15, 25)
#: Flexion of a finger out of the detector plane: it is foreshortened by its cosine, and its bones roll.
FLEXION_DEG = (35, 45)
FLEXION_ROLL_PX = 4.0


def run(methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Register the same number of each kind, by the methods that state an uncertainty."""
    rng = settings.rng("wrong")
    joints = list(finger_joints(size=127, part="report", min_visits=2))
    kinds, pairs = [], []
    for k in range(settings.pairs):
        kind = list(KINDS)[k % len(KINDS)]
        joint = joints[rng.integers(len(joints))]
        first, second = rng.permutation(len(joint.visits))[:2]
        moving, moving_masks = KINDS[kind](joint, joint.visits[second], joints, rng)
        fixed, fixed_masks = joint.visits[first]
        pairs.append(PreparedPair.from_masks(fixed, moving, fixed_masks, moving_masks, joint.spacing_mm))
        kinds.append(kind)
    return [_row(method, pairs, np.array(kinds)) for method in methods if method.states_uncertainty]


def another_joint(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """Return a joint of another finger."""
    return _any_visit([other for other in joints if other.joint != joint.joint], rng)


def another_patient(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """Return the same joint of another patient."""
    others = [other for other in joints if other.case != joint.case]
    return _any_visit([other for other in others if (other.joint, other.side) == (joint.joint, joint.side)], rng)


def swapped_masks(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """Return the follow-up with upper and lower mask exchanged."""
    image, masks = visit
    return image, BoneMasks(masks.lower, masks.upper)


def shifted_masks(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """Return the follow-up with both masks shifted along the finger."""
    image, masks = visit
    shift = rng.choice([-1, 1]) * rng.uniform(*SHIFT_PX)
    upper, lower = (ndimage.shift(mask.astype(float), (shift, 0), order=0) > 0.5 for mask in (masks.upper, masks.lower))
    return image, BoneMasks(upper, lower)


def strong_flexion(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """Return the follow-up with the finger flexed, so that its bones are foreshortened and rolled."""
    image, masks = visit
    centre = (image.shape[0] - 1) / 2
    shorter = np.diag([1.0, np.cos(np.deg2rad(rng.uniform(*FLEXION_DEG))), 1.0])
    shorter[1, 2] = centre - shorter[1, 1] * centre
    motion = KnownMotion(roll_px=FLEXION_ROLL_PX)
    flexed, flexed_masks = render_followup(image, masks, shorter, shorter, rng, motion)
    return expose(flexed, rng, motion.noise), flexed_masks


def _any_visit(joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    joint = joints[rng.integers(len(joints))]
    return joint.visits[rng.integers(len(joint.visits))]


KINDS: dict[str, Callable[[FingerJoint, Visit, Sequence[FingerJoint], np.random.Generator], Visit]] = {
    "another joint": another_joint,
    "another patient": another_patient,
    "swapped masks": swapped_masks,
    "shifted masks": shifted_masks,
    "strong flexion": strong_flexion,
}


def _row(method: ComparedMethod, pairs: Sequence[PreparedPair], kinds: NDArray[np.str_]) -> BenchmarkRow:
    flagged = np.array([not result.reliable for result in method.run(pairs)])
    row = BenchmarkRow("wrong pairs", method.name, len(pairs), reliable=1 - share(flagged))
    each = ", ".join(f"{kind} {share(flagged[kinds == kind]):.0%}" for kind in KINDS)
    row.remarks = f"flagged {share(flagged):.1%}: {each}"
    if method.name == OURS:
        row.target, row.reached = "95 % or more flagged", bool(share(flagged) >= 0.95)
    return row
