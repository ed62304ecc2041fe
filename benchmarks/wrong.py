"""Wrong pairs: what must not pass for a measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from benchmarks.contestants import OURS, Contestant
from benchmarks.rows import Row
from napari_jsn.common.statistics import share
from napari_jsn.evaluation.public_images import FingerJoint, Pixels, finger_joints
from napari_jsn.evaluation.registration.known_motion import Motion, expose, render_followup
from napari_jsn.evaluation.settings import Settings
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.methods import PreparedPair

Visit = tuple[Pixels, BoneMasks]

#: A mask this far off covers part of the gap and of the other bone, in pixels.
SHIFT_PX = (15, 25)
#: A finger bent this far towards the detector's normal looks shorter by 1 - cos, and its bones roll.
TILT_DEG = (35, 45)
TILT_ROLL_PX = 4.0


def run(field: Sequence[Contestant], settings: Settings) -> list[Row]:
    """Equal parts of each kind; only those contestants that judge themselves."""
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
    return [_row(one, pairs, np.array(kinds)) for one in field if one.judges]


def another_joint(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """The joint of another finger."""
    return _any_visit([other for other in joints if other.joint != joint.joint], rng)


def another_patient(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """The same finger of someone else."""
    others = [other for other in joints if other.case != joint.case]
    return _any_visit([other for other in others if (other.joint, other.side) == (joint.joint, joint.side)], rng)


def swapped_masks(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """Upper and lower bone exchanged at the follow-up."""
    image, masks = visit
    return image, BoneMasks(masks.lower, masks.upper)


def shifted_masks(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """Masks of the follow-up that lie beside its bones."""
    image, masks = visit
    shift = rng.choice([-1, 1]) * rng.uniform(*SHIFT_PX)
    upper, lower = (ndimage.shift(mask.astype(float), (shift, 0), order=0) > 0.5 for mask in (masks.upper, masks.lower))
    return image, BoneMasks(upper, lower)


def strong_tilt(joint: FingerJoint, visit: Visit, joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    """A finger so bent that its bones are foreshortened and rolled."""
    image, masks = visit
    middle = (image.shape[0] - 1) / 2
    shorter = np.diag([1.0, np.cos(np.deg2rad(rng.uniform(*TILT_DEG))), 1.0])
    shorter[1, 2] = middle - shorter[1, 1] * middle
    bent, bent_masks = render_followup(image, masks, shorter, shorter, rng, Motion(roll_px=TILT_ROLL_PX))
    return expose(bent, rng, Motion().noise), bent_masks


def _any_visit(joints: Sequence[FingerJoint], rng: np.random.Generator) -> Visit:
    joint = joints[rng.integers(len(joints))]
    return joint.visits[rng.integers(len(joint.visits))]


KINDS: dict[str, Callable[[FingerJoint, Visit, Sequence[FingerJoint], np.random.Generator], Visit]] = {
    "another joint": another_joint,
    "another patient": another_patient,
    "swapped masks": swapped_masks,
    "shifted masks": shifted_masks,
    "strong tilt": strong_tilt,
}


def _row(one: Contestant, pairs: Sequence, kinds: np.ndarray) -> Row:
    flagged = np.array([not answer.reliable for answer in one.ask(pairs)])
    row = Row("wrong pairs", one.name, len(pairs), reliable=1 - share(flagged))
    each = ", ".join(f"{kind} {share(flagged[kinds == kind]):.0%}" for kind in KINDS)
    row.words = f"flagged {share(flagged):.1%}: {each}"
    if one.name == OURS:
        row.bar, row.met = "95 % or more flagged", bool(share(flagged) >= 0.95)
    return row
