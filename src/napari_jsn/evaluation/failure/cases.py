"""Make the cases: pairs that must fail, and right pairs of which one visit was changed.

A case is wrong (another joint, another patient, masks beside the bones, ...), changed by much (saturation, blur,
gamma), or changed by little. Where the narrowing of the images is known, so is that of the case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.anatomy import MEASURED_JOINTS, joint_kind
from napari_jsn.evaluation.public_images import FingerJoint
from napari_jsn.evaluation.registration.known_motion import KnownPair
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.register import register_many
from napari_jsn.registration.result import Registration
from napari_jsn.simulation.joint_pair import JointPair, joint_pair, joint_pairs

Image = NDArray[np.floating[Any]]
Change = Callable[["Case", np.random.Generator], "Case"]

#: Shape of the simulated images, and their pixel size in mm, which varies by 15 %.
_SHAPE, _PIXEL_MM = (128, 128), 0.175
#: Side of the simulated images from which crops are cut, and the crops of both visits, in pixels of 0.1 mm.
_LARGE, _CROPS = 384, ((256, 256), (200, 256), (256, 320), (384, 256), (384, 200))
#: Pairs registered in one call.
_BATCH = 16
#: Distances by which masks are displaced, and parts of the image that a crop or metal takes.
_DISPLACED_MM, _CUT, _BAR, _BAR_ROW = (2.0, 4.0), (0.25, 0.40), (0.05, 0.12), (0.35, 0.60)
#: Width of the columns beside the finger that are replaced, as a share of the image, and their least distance from the
#: bones.
_BESIDE, _NEAR_MM = (0.08, 0.16), 1.0


@dataclass(frozen=True)
class Case:
    """One pair to register; ``maps`` are the true maps of both bones, None where they are not known.

    Masks that are None are found by the network.
    """

    fixed: Image
    moving: Image
    fixed_masks: BoneMasks | None
    moving_masks: BoneMasks | None
    spacing_mm: float
    maps: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def true_mm(self, point: NDArray[np.float64], axis: NDArray[np.float64]) -> float:
        """Return the true narrowing at a point and axis of the fixed image, in mm; NaN where it is not known."""
        if self.maps is None:
            return float("nan")
        return self.spacing_mm * joint_space_narrowing(*self.maps, point, axis)

    def without_masks(self) -> Case:
        """Return the same case with bones that the network finds."""
        return replace(self, fixed_masks=None, moving_masks=None)


def register_cases(cases: Sequence[Case]) -> Sequence[Registration]:
    """Register all cases in one call; raises InputError if one of them is refused."""
    return register_many(
        [case.fixed for case in cases],
        [case.moving for case in cases],
        [case.fixed_masks for case in cases],
        [case.moving_masks for case in cases],
        [case.spacing_mm for case in cases],
    )


def _mirrored(case: Case, _: np.random.Generator) -> Case:
    return replace(case, moving=case.moving[:, ::-1].copy(), moving_masks=_flipped(case.moving_masks, columns=True))


def _upside_down(case: Case, _: np.random.Generator) -> Case:
    return replace(
        case, fixed=case.fixed[::-1].copy(), moving=case.moving[::-1].copy(), fixed_masks=_flipped(case.fixed_masks),
        moving_masks=_flipped(case.moving_masks), maps=None,
    )  # fmt: skip


def _flipped(masks: BoneMasks | None, columns: bool = False) -> BoneMasks | None:
    if masks is None:
        return None
    if columns:
        return BoneMasks(masks.upper[:, ::-1].copy(), masks.lower[:, ::-1].copy())
    return BoneMasks(masks.lower[::-1].copy(), masks.upper[::-1].copy())


def _displaced(case: Case, rng: np.random.Generator, both: bool) -> Case:
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(*_DISPLACED_MM) / case.spacing_mm
    offset = distance * np.sin(angle), distance * np.cos(angle)

    def moved(masks: BoneMasks | None) -> BoneMasks | None:
        return masks and BoneMasks(
            *(ndimage.shift(each.astype(float), offset, order=0) > 0.5 for each in (masks.upper, masks.lower))
        )

    fixed_masks = moved(case.fixed_masks) if both else case.fixed_masks
    return replace(case, fixed_masks=fixed_masks, moving_masks=moved(case.moving_masks))


def _exchanged(case: Case, _: np.random.Generator) -> Case:
    masks = case.moving_masks
    return replace(case, moving_masks=masks and BoneMasks(masks.lower, masks.upper))


def _out_of_view(case: Case, rng: np.random.Generator) -> Case:
    rows = slice(round(case.moving.shape[0] * rng.uniform(*_CUT)), None)
    masks = case.moving_masks and BoneMasks(case.moving_masks.upper[rows], case.moving_masks.lower[rows])
    shift = np.array([[1, 0, 0], [0, 1, -rows.start], [0, 0, 1.0]])
    maps = case.maps and (shift @ case.maps[0], shift @ case.maps[1])
    return replace(case, moving=case.moving[rows].copy(), moving_masks=masks, maps=maps)


def _metal(case: Case, rng: np.random.Generator) -> Case:
    height, moving = case.moving.shape[0], case.moving.copy()
    first, thick = round(height * rng.uniform(*_BAR_ROW)), round(height * rng.uniform(*_BAR))
    moving[first : first + thick] = np.maximum(moving[first : first + thick], 0.97)
    return replace(case, moving=moving)


def _saturated(case: Case, _: np.random.Generator, share: float) -> Case:
    return replace(case, moving=np.clip(case.moving / np.quantile(case.moving, 1 - share), 0, 1))


def _blurred(case: Case, _: np.random.Generator, blur_mm: float) -> Case:
    return replace(case, moving=ndimage.gaussian_filter(case.moving, blur_mm / case.spacing_mm))


def _gamma(case: Case, _: np.random.Generator, exponent: float) -> Case:
    return replace(case, moving=(case.moving**exponent).astype(np.float32))


def _beside(case: Case, rng: np.random.Generator, value: float | None) -> Case:
    """Replace the columns at both sides, but not those of bones or near them."""
    moving, width = case.moving.copy(), round(case.moving.shape[1] * rng.uniform(*_BESIDE))
    masks, near = case.moving_masks, round(_NEAR_MM / case.spacing_mm)
    bones = np.flatnonzero((masks.upper | masks.lower).any(axis=0)) if masks is not None else np.array([], int)
    left = max(0, min(width, bones.min() - near)) if bones.size else width
    right = max(0, min(width, moving.shape[1] - 1 - bones.max() - near)) if bones.size else width
    for columns in (moving[:, :left], moving[:, moving.shape[1] - right :]):
        columns[:] = rng.random(columns.shape) if value is None else value
    return replace(case, moving=moving)


#: Changes after which a pair is wrong, by the name of the row.
WRONG: dict[str, Change] = {
    "mirrored follow-up": _mirrored,
    "both images upside down": _upside_down,
    "masks of both images displaced": partial(_displaced, both=True),
    "masks of the follow-up displaced": partial(_displaced, both=False),
    "masks exchanged": _exchanged,
    "one bone out of view": _out_of_view,
    "metal across the joint": _metal,
}
#: Pairs of two different joints.
ANOTHER_JOINT, ANOTHER_PATIENT = "another joint of the same patient", "same joint of another patient"
ANOTHER_SIDE = "left against right hand"
OTHER = (ANOTHER_JOINT, ANOTHER_PATIENT, ANOTHER_SIDE)
#: Changes that displace edges: the truth must lie inside the interval, or the figure must fail.
CHANGED: dict[str, Change] = {
    **{f"saturation of {100 * share:g} %": partial(_saturated, share=share) for share in (0.2, 0.275, 0.35)},
    **{f"blur of {blur:g} mm": partial(_blurred, blur_mm=blur) for blur in (0.2, 0.3, 0.4)},
    **{f"gamma {exponent:g}": partial(_gamma, exponent=exponent) for exponent in (0.5, 2.0, 4.0)},
}
#: Changes after which a right figure must not fail.
RIGHT = "right pairs"
SLIGHT: dict[str, Change] = {
    RIGHT: lambda case, _: case,
    "saturation of 3 %": partial(_saturated, share=0.03),
    "blur of 0.1 mm": partial(_blurred, blur_mm=0.1),
    "gamma 0.8": partial(_gamma, exponent=0.8),
    "gamma 1.25": partial(_gamma, exponent=1.25),
    "white beside the finger": partial(_beside, value=1.0),
    "black beside the finger": partial(_beside, value=0.0),
    "noise beside the finger": partial(_beside, value=None),
}
#: Right pairs whose images are crops of two sizes.
CROP_KINDS = tuple(f"crops of {fixed} and {moving} px" for fixed, moving in _CROPS)
#: These need the given masks; in every second pair of the other kinds the network finds the bones.
_WITH_MASKS = tuple(name for name in WRONG if name.startswith("masks"))


def simulated_joints(count: int, seed: int) -> list[JointPair]:
    """Simulate at least ``count`` joint pairs, all joints of one patient after those of another."""
    patients = -(-count // len(MEASURED_JOINTS)) + 1
    return list(islice(joint_pairs(seed, shape=_SHAPE, spacing_mm=_PIXEL_MM), patients * len(MEASURED_JOINTS)))


def simulated_cases(kind: str, pairs: Sequence[JointPair], count: int, seed: int) -> Iterator[Case]:
    """Yield ``count`` cases of a kind from simulated joint pairs, as :func:`simulated_joints` returns them."""
    joints = len(MEASURED_JOINTS)
    if kind in CROP_KINDS:
        yield from _crops(kind, count, seed)
    elif kind == ANOTHER_JOINT:
        for number in range(count):
            other = number // joints * joints + (number + 1) % joints
            yield _masked(_case(pairs[number], pairs[other]), number, kind)
    elif kind == ANOTHER_PATIENT:
        for number in range(count):
            yield _masked(_case(pairs[number], pairs[number + joints]), number, kind)
    elif kind == ANOTHER_SIDE:
        yield from (_left_against_right(seed, number) for number in range(count))
    else:
        yield from _changed((_case(pair, pair) for pair in pairs[:count]), kind, seed)


def real_cases(kind: str, joints: Sequence[FingerJoint], count: int, seed: int) -> Iterator[Case]:
    """Yield at most ``count`` cases of a kind from real joints.

    Their true narrowing is not known. Where a wrong case shows the two visits of one joint, the maps are those of the
    registration before the change, and pairs for which it has failed are left out.
    """
    if kind in OTHER:
        partners = _partners(kind, joints, np.random.default_rng(seed))
        for number, (first, second) in enumerate(islice(partners, count)):
            (fixed, fixed_masks), (moving, moving_masks) = first.visits[0], second.visits[-1]
            yield _masked(Case(fixed, moving, fixed_masks, moving_masks, first.spacing_mm), number, kind)
        return
    pairs = (
        Case(fixed, moving, fixed_masks, moving_masks, joint.spacing_mm)
        for joint in joints
        for k, (fixed, fixed_masks) in enumerate(joint.visits)
        for moving, moving_masks in joint.visits[k + 1 :]
    )
    yield from _changed(islice(_with_maps(pairs) if kind in WRONG else pairs, count), kind, seed)


def _with_maps(cases: Iterator[Case]) -> Iterator[Case]:
    """Yield the cases whose registration has not failed, with the maps that it found."""
    while batch := list(islice(cases, _BATCH)):
        for case, found in zip(batch, register_cases(batch), strict=True):
            if found.reliable:
                yield replace(case, maps=(found.upper.matrix, found.lower.matrix))


def _partners(
    kind: str, joints: Sequence[FingerJoint], rng: np.random.Generator
) -> Iterator[tuple[FingerJoint, FingerJoint]]:
    """Yield pairs of two different real joints (of one patient: of one kind); a case is taken for a patient."""

    def belongs(a: FingerJoint, b: FingerJoint) -> bool:
        if kind == ANOTHER_JOINT:
            same_kind = joint_kind(a.joint) == joint_kind(b.joint)
            return a.case == b.case and a.side == b.side and a.joint != b.joint and same_kind
        if kind == ANOTHER_PATIENT:
            return a.case != b.case and a.joint == b.joint
        return a.case == b.case and a.side != b.side and a.joint == b.joint

    for k in rng.permutation(len(joints)):
        others = [each for each in joints if belongs(joints[k], each)]
        for n in rng.permutation(len(others))[:2]:
            yield joints[k], others[n]


def _changed(cases: Iterator[Case], kind: str, seed: int) -> Iterator[Case]:
    change, rng = (WRONG | CHANGED | SLIGHT)[kind], np.random.default_rng([seed, len(kind)])
    for number, case in enumerate(cases):
        yield _masked(change(case, rng), number, kind)


def _masked(case: Case, number: int, kind: str) -> Case:
    return case.without_masks() if number % 2 and kind not in _WITH_MASKS else case


def _case(first: JointPair, second: JointPair) -> Case:
    """Return the baseline of one pair and the follow-up of another; the maps are known where both are one pair."""
    maps = None
    if first is second:
        known = KnownPair.from_simulated(first)
        maps = known.upper, known.lower
    return Case(first.fixed, second.moving, first.fixed_masks, second.moving_masks, first.spacing_mm, maps)


def _left_against_right(seed: int, number: int) -> Case:
    name = MEASURED_JOINTS[number % len(MEASURED_JOINTS)]
    left, right = (
        joint_pair(name, 0.2, 1000 * seed + number, shape=_SHAPE, spacing_mm=_PIXEL_MM, side=side)
        for side in ("L", "R")
    )
    return _masked(_case(left, right), number, ANOTHER_SIDE)


def _crops(kind: str, count: int, seed: int) -> Iterator[Case]:
    """Yield pairs whose images are cut to two sizes, which the kind names: ``crops of 200 and 256 px``."""
    sides = [int(word) for word in kind.split() if word.isdigit()]
    for number, pair in enumerate(islice(joint_pairs(seed, shape=(_LARGE, _LARGE)), count)):
        case = _case(pair, pair)
        parts = [(_LARGE - side) // 2 for side in sides]
        (fixed, fixed_masks), (moving, moving_masks) = (
            (image[cut, cut], BoneMasks(masks.upper[cut, cut], masks.lower[cut, cut]))
            for image, masks, cut in zip(
                (case.fixed, case.moving),
                (pair.fixed_masks, pair.moving_masks),
                [slice(part, part + side) for part, side in zip(parts, sides, strict=True)],
                strict=True,
            )
        )
        into, out = np.eye(3), np.eye(3)
        into[:2, 2], out[:2, 2] = parts[0], -parts[1]
        assert case.maps is not None
        maps = out @ case.maps[0] @ into, out @ case.maps[1] @ into
        yield _masked(Case(fixed, moving, fixed_masks, moving_masks, case.spacing_mm, maps), number, kind)
