"""Errors of a registration method where the truth is known: motion put into joint images, and simulated visits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.evaluation.registration.known_motion import KnownPair, Motion, expose, make_pair, render_followup
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.joint.similarity import Similarity
from napari_jsn.registration.register import register_many
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.simulation.joint_pair import JointPair, joint_pair, joint_pairs
from napari_jsn.simulation.joint_pair import Motion as JointMotion

#: An error above this is a mismatch, in pixels of about 0.175 mm.
MISMATCH_PX = 1.0
_BATCH = 32
#: Size of simulated joint images, in pixels, and of a pixel.
_SHAPE, _SIMULATED_MM = (128, 128), 0.175
#: What is varied one at a time: turn of both bones, their magnification, and roll about the long axis.
LEVELS: dict[str, tuple[float, ...]] = {
    "turn": (0, 5, 10, 15, 20, 25, 30),
    "scale": (0.80, 0.85, 0.90, 0.95, 1.0, 1.05, 1.10, 1.15, 1.20),
    "roll": (0, 3, 6, 10, 15, 20),
}
UNITS = {"turn": "turn, degrees", "scale": "magnification", "roll": "roll, degrees"}


@dataclass(frozen=True)
class Errors:
    """Of many pairs of known motion.

    ``px`` and ``mm`` are the error of each narrowing, ``reliable`` what the method says of it, ``held`` whether its
    95 % interval holds the truth, ``losses`` (N, 2) the original and the transformed loss; ``seconds`` is the time of
    a pair, all included.
    """

    px: NDArray[np.float64]
    mm: NDArray[np.float64]
    reliable: NDArray[np.bool_]
    held: NDArray[np.bool_]
    joints: tuple[str, ...]
    seconds: float
    losses: NDArray[np.float64]

    @property
    def mismatch(self) -> float:
        """Share of the errors above 1 px."""
        return float(np.mean(~self._matched))

    @property
    def rmse_mm(self) -> float:
        """Root mean square of the others."""
        return float(np.sqrt(np.mean(np.square(self.mm[self._matched])))) if self._matched.any() else float("nan")

    @property
    def _matched(self) -> NDArray[np.bool_]:
        return np.asarray(np.abs(self.px) <= MISMATCH_PX)

    def of(self, chosen: NDArray[np.bool_]) -> Errors:
        """Some of the pairs."""
        joints = tuple(joint for joint, taken in zip(self.joints, chosen, strict=True) if taken)
        return Errors(
            self.px[chosen], self.mm[chosen], self.reliable[chosen], self.held[chosen], joints, self.seconds,
            self.losses[chosen],
        )  # fmt: skip


def errors(known: Sequence[KnownPair], method: str, device: str | None = None) -> Errors:
    """Register pairs of known motion and compare with the truth at each answer's own point."""
    rows: list[tuple[float, float, bool, bool, float, float]] = []
    began = time.perf_counter()
    for first in range(0, len(known), _BATCH):
        some = known[first : first + _BATCH]
        found = register_many(
            [each.fixed for each in some], [each.moving for each in some], [each.fixed_masks for each in some],
            [each.moving_masks for each in some], [each.spacing_mm for each in some], method=method, device=device,
        )  # fmt: skip
        for each, one in zip(some, found, strict=True):
            truth = each.jsn_px_at(one.point, one.axis)
            held = one.ci95_px[0] <= truth <= one.ci95_px[1]
            error = one.jsn_px - truth
            rows.append(
                (error, error * each.spacing_mm, one.reliable, held, one.original_loss, one.transformed_loss)
            )  # fmt: skip
    seconds = (time.perf_counter() - began) / max(1, len(known))
    table = np.array(rows, dtype=float).reshape(-1, 6)
    joints = tuple(each.name for each in known)
    return Errors(
        table[:, 0], table[:, 1], table[:, 2].astype(bool), table[:, 3].astype(bool), joints, seconds, table[:, 4:]
    )  # fmt: skip


def known_pairs(
    images: Sequence[LabelledJoint], spacing_mm: float, motion: str | Motion, count: int, seed: int
) -> list[KnownPair]:
    """Follow-ups of images in random order, each as often as the others.

    Images whose bones overlap are left out: no single image tells which bone a pixel there moves with.
    """
    clean = [each for each in images if not (each.masks.upper & each.masks.lower).any()]
    if not clean:
        return []
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(clean)) for _ in range(count // len(clean) + 1)])[:count]
    return [
        make_pair(clean[k].image, clean[k].masks, spacing_mm, rng, motion, clean[k].joint) for k in order
    ]  # fmt: skip


def simulated_pairs(count: int, seed: int) -> list[KnownPair]:
    """Simulated joints of all kinds that move as between two visits, at about 0.175 mm a pixel."""
    pairs = joint_pairs(seed, shape=_SHAPE, spacing_mm=_SIMULATED_MM)
    return [of_simulated(pair) for pair in islice(pairs, count)]


def of_simulated(pair: JointPair) -> KnownPair:
    """A simulated joint with its truth, as any other pair of known motion."""
    truth = pair.moving_truth
    return KnownPair(
        pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks, pair.spacing_mm, truth.upper.matrix,
        truth.lower.matrix, *joint_frame(pair.fixed_masks), truth.joint,
    )  # fmt: skip


def robustness(
    images: Sequence[LabelledJoint], spacing_mm: float, count: int, seed: int
) -> dict[str, list[list[KnownPair]]]:
    """Pairs for the curves of :data:`LEVELS` (Wang et al. 2023, Fig. 10): of each kind, some pairs a level.

    Turn and scale are put into joint images; roll needs depth, so that those pairs are simulated.
    """
    clean = [each for each in images if not (each.masks.upper & each.masks.lower).any()]
    rng = np.random.default_rng(seed)
    curves: dict[str, list[list[KnownPair]]] = {}
    ways: dict[str, Callable[[float], tuple[float, float]]] = {
        "turn": lambda level: (1.0, float(rng.choice([-1, 1])) * level),
        "scale": lambda level: (level, 0.0),
    }
    for kind, way in ways.items():
        curves[kind] = [
            [_moved(clean[k], spacing_mm, rng, *way(level)) for k in rng.permutation(len(clean))[:count]]
            for level in LEVELS[kind]
        ]
    curves["roll"] = [[_rolled(k, level) for k in range(max(1, count // 2))] for level in LEVELS["roll"]]
    return curves


def _moved(
    joint: LabelledJoint, spacing_mm: float, rng: np.random.Generator, scale: float, turn_deg: float
) -> KnownPair:
    """Both bones turned and magnified about the joint, each shifted a little by itself."""
    motion = Motion(noise=0.015)
    point, axis = joint_frame(joint.masks)
    centre = (float(point[0]), float(point[1]))
    turn = float(np.deg2rad(turn_deg))
    shifts = rng.uniform(-1, 1, (2, 2))
    upper, lower = (Similarity(scale, turn, float(dx), float(dy), centre).matrix for dx, dy in shifts)
    moving, masks = render_followup(joint.image, joint.masks, upper, lower, rng, motion)
    exposed = expose(moving, rng, motion.noise)
    return KnownPair(joint.image, exposed, joint.masks, masks, spacing_mm, upper, lower, point, axis, joint.joint)


def _rolled(number: int, level_deg: float) -> KnownPair:
    """A simulated joint both of whose bones roll by that much."""
    joint = anatomy.MEASURED_JOINTS[number % len(anatomy.MEASURED_JOINTS)]
    sign = 1 if number % 2 else -1
    motion = JointMotion(roll_upper_deg=sign * level_deg, roll_lower_deg=sign * level_deg)
    return of_simulated(joint_pair(joint, 0.2, 5000 + number, motion=motion, shape=_SHAPE, spacing_mm=_SIMULATED_MM))
