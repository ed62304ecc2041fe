"""Motion of the two bones of a joint between two visits: real pairs against simulated ones.

Only rotation in the plane, slide and the roll field can be measured on radiographs. Flexion and the pose at rest
cannot; they act on the roll field and on the residual (:mod:`napari_jsn.evaluation.realism`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.evaluation.page import table

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
        low, middle, high = np.quantile(rotation, (0.25, 0.5, 0.75))
        return [
            self.name,
            str(len(rotation)),
            f"{middle:.1f} [{low:.1f}, {high:.1f}]",
            f"{np.quantile(rotation, 0.95):.1f}",
            f"{np.median(slide):.2f}",
            f"{self.slide_px_per_deg:.2f}",
        ]


def pose_lines(samples: Sequence[PoseSample]) -> list[str]:
    """Return the table of poses."""
    rotation = "relative rotation, deg: median [quartiles]"
    head = ("pairs", "n", rotation, "95 %", "slide, px of 0.175 mm", "slide, px per deg")
    return table(head, [sample.row() for sample in samples])


def simulated_pose(patients: int, seed: int, difficulty: int, grades: str | None = "natural") -> PoseSample:
    """Return the motion between two visits of simulated hands, in undisplaced joints, without pixels."""
    from napari_jsn.simulation.hand import graded_truths

    rotation, slide = [], []
    for truths, _, _ in graded_truths(patients, seed, grades or "natural", difficulty, visit=1):
        for truth in truths:
            if truth.grades is not None and not truth.grades.mark and not truth.grades.not_scored:
                rotation.append(truth.rotation_deg)
                slide.append(truth.slide_mm)
    return PoseSample(f"simulated, difficulty {difficulty}", np.array(rotation), np.array(slide))


def real_pose(count: int, seed: int) -> PoseSample:
    """Return the motion between two visits of real MCP joints, found by registration with the experts' masks."""
    from napari_jsn.evaluation.public_images import finger_joints
    from napari_jsn.joint import BoneMasks
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
