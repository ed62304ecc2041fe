"""Motion of the two bones of a joint between two visits, and their pose at one: real joints against simulated ones.

Only rotation in the plane and slide can be measured on radiographs. Roll leaves a field of displacements across the
bone, flexion changes its scale, and both leave a residual (:mod:`napari_jsn.evaluation.realism`). The pose at rest
shows in how far their masks overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.evaluation.page import table
from napari_jsn.joint import BoneMasks

if TYPE_CHECKING:
    from napari_jsn.registration.methods import PreparedPair
    from napari_jsn.simulation.simulated_radiograph import JointTruth, SimulatedRadiograph

#: Rotation from which a pair counts for the slope of slide over rotation, in degrees.
_LEAST_DEG = 1.0
#: Pixel of the published figure of the slide.
PIXEL_MM = 0.175


@dataclass(frozen=True)
class PoseSample:
    """Motion of joints between two visits, one value each.

    Attributes
    ----------
    name : str
    rotation_deg, slide_mm : (n,) float arrays
        Of the upper bone against the lower one.
    """

    name: str
    rotation_deg: NDArray[np.float64]
    slide_mm: NDArray[np.float64]

    @property
    def slide_px_per_deg(self) -> float:
        """Slope of the slide over the rotation, in pixels of 0.175 mm: the median over pairs that rotated enough."""
        chosen = np.abs(self.rotation_deg) >= _LEAST_DEG
        if not chosen.any():
            return float("nan")
        return float(np.median(self.slide_mm[chosen] / self.rotation_deg[chosen])) / PIXEL_MM

    def row(self) -> list[str]:
        """Return the cells of the table."""
        rotation, slide = np.abs(self.rotation_deg), np.abs(self.slide_mm) / PIXEL_MM
        return [
            self.name,
            str(len(rotation)),
            _quantiles(rotation, 1),
            _quantiles(slide, 2),
            f"{self.slide_px_per_deg:.2f}",
        ]


def _quantiles(values: NDArray[np.float64], digits: int) -> str:
    """Return the quantiles 5, 25, 50, 75 and 95 %."""
    return " / ".join(f"{value:.{digits}f}" for value in np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)))


def pose_lines(samples: Sequence[PoseSample]) -> list[str]:
    """Return the table of poses."""
    spread = "5 / 25 / 50 / 75 / 95 %"
    head = (
        "pairs",
        "n",
        f"relative rotation, deg: {spread}",
        f"slide, px of 0.175 mm: {spread}",
        "slide, px per deg",
    )
    return table(head, [sample.row() for sample in samples])


def drawn_pose(count: int, seed: int, difficulty: int) -> PoseSample:
    """Return the motion that is drawn for simulated joint pairs of a version."""
    from napari_jsn.simulation.damage.difficulty import difficulty as difficulty_of
    from napari_jsn.simulation.joint_motion import Motion
    from napari_jsn.simulation.visit import SLIDE_MM_PER_DEG

    rng, factors = np.random.default_rng([seed, 2]), difficulty_of(difficulty).joint_pose
    drawn = [Motion.draw(rng, factors=factors) for _ in range(count)]
    rotation = np.array([one.rotation_deg for one in drawn])
    slide = np.array([one.slide_mm for one in drawn]) + SLIDE_MM_PER_DEG * rotation
    return PoseSample(f"simulated joint pairs, difficulty {difficulty}", rotation, slide)


def simulated_pose(patients: int, seed: int, difficulty: int, grades: str | None = "natural") -> PoseSample:
    """Return the motion between two visits of simulated hands, in undisplaced joints, without pixels."""
    from napari_jsn.simulation.hand import graded_truths

    rotation, slide = [], []
    for truths, _, _ in graded_truths(patients, seed, grades or "natural", difficulty, visit=1):
        for truth in truths:
            if truth.grades is not None and not truth.grades.mark and not truth.grades.not_scored:
                rotation.append(truth.rotation_deg)
                slide.append(truth.slide_mm)
    return PoseSample(f"simulated hands, difficulty {difficulty}", np.array(rotation), np.array(slide))


def real_pose(count: int, seed: int) -> PoseSample:
    """Return the motion between two visits of real MCP joints, found by registration with the experts' masks."""
    from napari_jsn.evaluation.public_images import finger_joints
    from napari_jsn.radiograph.resampling import block_mean
    from napari_jsn.registration.register import register_many
    from napari_jsn.segmentation.training.public_joints import SPACING_MM

    joints = list(finger_joints(part="report", min_visits=2))
    chosen = np.random.default_rng([seed, 1]).permutation(len(joints))[:count]
    visits = [[joints[k].visits[number] for k in chosen] for number in (0, 1)]

    def small(masks: BoneMasks) -> BoneMasks:
        return BoneMasks(block_mean(masks.upper, 2) >= 0.5, block_mean(masks.lower, 2) >= 0.5)

    results = register_many(
        [block_mean(pixels, 2) for pixels, _ in visits[0]],
        [block_mean(pixels, 2) for pixels, _ in visits[1]],
        [small(masks) for _, masks in visits[0]],
        [small(masks) for _, masks in visits[1]],
        spacing_mm=2 * SPACING_MM,
        moving_spacing_mm=2 * SPACING_MM,
    )
    rotation, slide = [], []
    for one in results:
        if not one.reliable:
            continue
        relative = np.linalg.solve(one.lower.matrix[:2, :2], one.upper.matrix[:2, :2])
        rotation.append(np.rad2deg(np.arctan2(relative[1, 0], relative[0, 0])))
        across = np.array([one.axis[1], -one.axis[0]])
        moved = (one.upper.matrix - one.lower.matrix)[:2] @ np.append(one.point, 1.0)
        slide.append(float(across @ moved) * 2 * SPACING_MM)
    return PoseSample("real MCP joints", np.array(rotation), np.array(slide))


@dataclass(frozen=True)
class RegisteredPairs:
    """Pairs of visits with the masks of one visit, in which bones that roll and flex leave traces."""

    name: str
    pairs: list[PreparedPair]


def registered_samples(
    hands: int, count: int, seed: int, versions: Sequence[int], with_real: bool
) -> list[RegisteredPairs]:
    """Return real pairs, simulated joint pairs and joints of simulated hands."""
    from napari_jsn.evaluation.realism.compare import coarse_pair, simulated_pairs

    samples = [RegisteredPairs("real MCP joints", _real_pairs(count, seed))] if with_real else []
    for version in versions:
        made = [coarse_pair(fixed, moving) for _, fixed, moving in simulated_pairs(count, seed, version)]
        samples.append(RegisteredPairs(f"simulated joint pairs, difficulty {version}", made))
    for version in versions:
        samples.append(RegisteredPairs(f"simulated hands, difficulty {version}", _pairs_of_hands(hands, seed, version)))
    return samples


def registered_lines(samples: Sequence[RegisteredPairs]) -> list[str]:
    """Return the table of what roll, flexion and the pose at rest leave on the radiographs."""
    head = (
        "pairs",
        "n",
        "sd of the roll field, px of 0.175 mm: median [quartiles]",
        "scale of one bone over the other, %: quartiles",
        "residual of local contrast",
        "overlap of the masks at one visit, mm: median [quartiles]",
    )
    return table(head, [_registered_row(one) for one in samples])


def _registered_row(sample: RegisteredPairs) -> list[str]:
    from napari_jsn.evaluation.realism.measures import breadths
    from napari_jsn.evaluation.realism.residual import registration_residuals

    found = registration_residuals(sample.pairs)
    low, middle, high = np.quantile([one.roll_sd_px for one in found], (0.25, 0.5, 0.75))
    scale = np.quantile([one.scale_percent for one in found], (0.25, 0.75))
    overlap = [
        breadths(one.fixed_masks, one.spacing_mm or PIXEL_MM)["overlap of the two masks, mean depth, mm"]
        for one in sample.pairs
    ]
    narrow, usual, wide = np.quantile(overlap, (0.25, 0.5, 0.75))
    residual = float(np.median([one.residual for one in found]))
    return [
        sample.name,
        str(len(found)),
        f"{middle:.2f} [{low:.2f}, {high:.2f}]",
        f"{scale[0]:+.2f}, {scale[1]:+.2f}",
        f"{residual:.3f}",
        f"{usual:.2f} [{narrow:.2f}, {wide:.2f}]",
    ]


def _real_pairs(count: int, seed: int) -> list[PreparedPair]:
    from napari_jsn.evaluation.public_images import finger_joints
    from napari_jsn.radiograph.resampling import block_mean
    from napari_jsn.registration.methods import PreparedPair
    from napari_jsn.segmentation.training.public_joints import SPACING_MM

    joints = list(finger_joints(part="report", min_visits=2))
    pairs = []
    for k in np.random.default_rng([seed, 1]).permutation(len(joints))[:count]:
        (fixed, fixed_masks), (moving, moving_masks) = joints[k].visits[:2]
        first, second = (
            BoneMasks(block_mean(one.upper, 2) >= 0.5, block_mean(one.lower, 2) >= 0.5)
            for one in (fixed_masks, moving_masks)
        )
        images = (block_mean(fixed, 2), block_mean(moving, 2))
        pairs.append(PreparedPair.from_masks(*images, first, second, 2 * SPACING_MM))
    return pairs


def _pairs_of_hands(hands: int, seed: int, version: int) -> list[PreparedPair]:
    """Return undisplaced MCP2-5 joints of simulated hands at two visits, with the true masks."""
    from napari_jsn.registration.methods import PreparedPair
    from napari_jsn.simulation.hand import simulate

    pairs = []
    options = {"grades": "natural", "difficulty": version, "spacing_mm": PIXEL_MM}
    radiographs = simulate(hands, 2, seed, "left", (1654, 1226), **options)  # type: ignore[arg-type]
    for first, second in zip(radiographs, radiographs, strict=True):
        for before, after in zip(first.truths, second.truths, strict=True):
            marked = before.grades is None or before.grades.mark or before.grades.not_scored
            if before.joint not in ("MCP2", "MCP3", "MCP4", "MCP5") or marked:
                continue
            (fixed, a), (moving, b) = _joint_crop(first, before), _joint_crop(second, after)
            pairs.append(PreparedPair.from_masks(fixed, moving, a, b, PIXEL_MM))
    return pairs


def _joint_crop(simulated: SimulatedRadiograph, truth: JointTruth) -> tuple[NDArray[np.float32], BoneMasks]:
    """Return the image of one joint and its masks, 127 pixels of 0.175 mm wide, its axis vertical."""
    from scipy import ndimage

    at = (np.arange(127) - 63) * (PIXEL_MM / simulated.spacing_mm)
    x = truth.centre[0] + at[None, :] * truth.axis[1] + at[:, None] * truth.axis[0]
    y = truth.centre[1] - at[None, :] * truth.axis[0] + at[:, None] * truth.axis[1]
    where = np.stack([y, x])
    pixels = ndimage.map_coordinates(simulated.radiograph().pixels, where, order=3, mode="nearest")
    masks = [
        ndimage.map_coordinates(simulated.bone_mask(truth.side, bone).astype(np.float32), where, order=1) > 0.5
        for bone in anatomy.bones_of(truth.joint)
    ]
    return pixels.astype(np.float32), BoneMasks(*masks)
