"""Measure a sample of real finger joints and one of simulated joints.

Only numbers and plots computed from the real images are published, never a picture of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_jsn.evaluation.public_images import Pixels, finger_joints
from napari_jsn.evaluation.realism.measures import ImageMeasures, measure_image
from napari_jsn.evaluation.realism.residual import Residual, registration_residuals
from napari_jsn.joint import BoneMasks
from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.segmentation.training.public_joints import SPACING_MM
from napari_jsn.simulation.damage.difficulty import FIRST

Visit = tuple[Pixels, BoneMasks]

#: Numbers of the joints in the real images. Their source does not name the joints; this order follows from the breadth
#: and the intensity of the bones.
NUMBERS = {"13": "MCP1", "11": "MCP2", "8": "MCP3", "5": "MCP4", "2": "MCP5"}
MCPS = tuple(NUMBERS.values())
#: Standard deviation of the narrowing of simulated pairs, in mm.
JSN_SD_MM = 0.15
#: Side of the images that are registered, in pixels of 0.173 mm.
_SIZE = 127


@dataclass(frozen=True)
class JointSample:
    """Measures of a sample of joints at two visits.

    ``joints`` and ``residuals`` have one item per joint, ``measures`` two: baseline and follow-up.
    """

    joints: list[str]
    measures: list[ImageMeasures]
    residuals: list[Residual]

    def select(self, joint: str | None) -> JointSample:
        """Return the joints of one MCP; None keeps all."""
        return self._keep([k for k, name in enumerate(self.joints) if joint in (None, name)])

    def half(self, which: int) -> JointSample:
        """Return every second joint, to compare real joints with real joints."""
        return self._keep(range(which, len(self.joints), 2))

    def _keep(self, chosen: Sequence[int]) -> JointSample:
        measures = [self.measures[2 * k + visit] for k in chosen for visit in (0, 1)]
        return JointSample([self.joints[k] for k in chosen], measures, [self.residuals[k] for k in chosen])

    def numbers(self) -> dict[str, NDArray[np.float64]]:
        """Return the values of every number by name, one per image or per pair."""
        values = {name: np.array([one.numbers[name] for one in self.measures]) for name in self.measures[0].numbers}
        for name in (field.name for field in fields(Residual)):
            values[RESIDUAL_NAMES[name]] = np.array([getattr(one, name) for one in self.residuals])
        return values


#: Names of the fields of a Residual in the tables.
RESIDUAL_NAMES = {
    "residual": "residual after registration, of local contrast",
    "rms": "residual after registration, root mean square",
    "ncc": "normalised cross-correlation after registration",
    "roll_sd_px": "sd of the roll field, px of 0.175 mm",
    "rotation_deg": "rotation of one bone against the other, deg",
    "scale_percent": "scale of the upper bone over that of the lower one, %",
}


def real_sample(n: int, seed: int) -> JointSample:
    """Measure up to ``n`` real joints with two visits, equally many of each MCP, of the half that no fit uses."""
    rng = np.random.default_rng([seed, 1])
    joints = list(finger_joints(part="report", min_visits=2))
    pairs: list[tuple[str, Visit, Visit]] = []
    for number, name in NUMBERS.items():
        of_name = [joint for joint in joints if joint.joint == number]
        for k in rng.permutation(len(of_name))[: max(1, n // len(NUMBERS))]:
            first, second = rng.permutation(len(of_name[k].visits))[:2]
            pairs.append((name, of_name[k].visits[first], of_name[k].visits[second]))
    return _measure(pairs)


def simulated_sample(n: int, seed: int, difficulty: int = FIRST) -> JointSample:
    """Measure ``n`` simulated pairs with the same pixel size, motion as between two visits, and a little narrowing."""
    return _measure(simulated_pairs(n, seed, difficulty))


def simulated_pairs(n: int, seed: int, difficulty: int = FIRST) -> list[tuple[str, Visit, Visit]]:
    """Return ``n`` simulated pairs of a version: joint and two visits each."""
    from napari_jsn.simulation.joint_pair import joint_pair

    rng = np.random.default_rng([seed, 2])
    pairs: list[tuple[str, Visit, Visit]] = []
    for k in range(n):
        joint = MCPS[k % len(MCPS)]
        jsn_mm = float(JSN_SD_MM * rng.standard_normal())
        pair = joint_pair(joint, jsn_mm, seed=int(rng.integers(2**31)), spacing_mm=SPACING_MM, difficulty=difficulty)
        pairs.append((joint, (pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)))
    return pairs


def _measure(pairs: Sequence[tuple[str, Visit, Visit]]) -> JointSample:
    measures = [measure_image(*visit, SPACING_MM) for _, *visits in pairs for visit in visits]
    residuals = registration_residuals([coarse_pair(fixed, moving) for _, fixed, moving in pairs])
    return JointSample([joint for joint, *_ in pairs], measures, residuals)


def coarse_pair(fixed: Visit, moving: Visit) -> PreparedPair:
    """Return the two visits at 0.173 mm per pixel, as the benchmark registers real joints."""
    (a, a_masks), (b, b_masks) = ((_small(image), _small_masks(masks)) for image, masks in (fixed, moving))
    return PreparedPair.from_masks(a, b, a_masks, b_masks, 2 * SPACING_MM)


def _small(image: NDArray[np.generic]) -> Pixels:
    return block_mean(image, 2)[:_SIZE, :_SIZE]


def _small_masks(masks: BoneMasks) -> BoneMasks:
    return BoneMasks(_small(masks.upper) >= 0.5, _small(masks.lower) >= 0.5)
