"""Register simulated joint pairs of known narrowing and compare with the truth."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from napari_jsn.evaluation.settings import MISMATCH_PX, Settings, limit_threads
from napari_jsn.segmentation.training.public_joints import SPACING_MM
from napari_jsn.simulation.joint_motion import Motion
from napari_jsn.simulation.joint_pair import JointPair, joint_pair

#: Kinds of joint, and the joints of each.
KINDS: dict[str, tuple[str, ...]] = {
    "MCP": ("MCP2", "MCP3", "MCP4", "MCP5"),
    "thumb MCP": ("MCP1",),
    "PIP": ("PIP2", "PIP3", "PIP4", "PIP5"),
    "IP": ("IP1",),
    "DIP": ("DIP2", "DIP3", "DIP4", "DIP5"),
}
#: An error above this is a mismatch: one pixel of the paper, in mm.
MISMATCH_MM = MISMATCH_PX * 0.175
#: The narrowing of the pairs of every condition is uniform within plus and minus this, in mm.
JSN_MM = 0.5
#: The curve: narrowing from -1 to 1 mm in steps of 0.01 mm, as in phantom studies.
CURVE_MM = np.round(np.linspace(-1.0, 1.0, 201), 2)
CURVE_KINDS = ("MCP", "PIP")
#: Pairs registered in one call.
_BATCH = 32


@dataclass(frozen=True)
class Condition:
    """What changes between the two visits, one thing at a time.

    Parameters
    ----------
    name : str
    seed_name : str
        The random numbers depend on it; it stays as it is when the name changes, so that figures stay comparable.
    what : str
    amount : float
        Absolute size; the sign is random. Degrees for rotation, roll and flexion, percent for scale, and for noise the
        factor that divides the dose.
    """

    name: str
    seed_name: str
    what: str = "nothing"
    amount: float = 0.0

    def motion(self, rng: np.random.Generator) -> Motion | None:
        """Draw the motion; None means that the simulator draws it, as between two visits."""
        first, second = rng.choice([-1.0, 1.0], 2) * self.amount
        if self.what == "visits":
            return None
        if self.what == "rotation":
            return Motion(rotation_deg=first)
        if self.what == "roll":
            return Motion(roll_upper_deg=first, roll_lower_deg=second)
        if self.what == "flexion":
            return Motion(flexion_deg=first)
        if self.what == "scale":
            return Motion(magnification=1 + first / 100)
        return Motion()


CONDITIONS = (
    Condition("identity", "still"),
    Condition("rotation 5 deg", "turn 5 deg", "rotation", 5),
    Condition("rotation 10 deg", "turn 10 deg", "rotation", 10),
    Condition("roll 2 deg", "roll 2 deg", "roll", 2),
    Condition("roll 5 deg", "roll 5 deg", "roll", 5),
    Condition("roll 10 deg", "roll 10 deg", "roll", 10),
    Condition("scale 1 %", "scale 1 %", "scale", 1),
    Condition("scale 3 %", "scale 3 %", "scale", 3),
    Condition("dose 1/4", "dose 1/4", "noise", 4),
    Condition("dose 1/16", "dose 1/16", "noise", 16),
    Condition("flexion 3 deg", "tilt 3 deg", "flexion", 3),
    Condition("flexion 6 deg", "tilt 6 deg", "flexion", 6),
    Condition("flexion 10 deg", "tilt 10 deg", "flexion", 10),
    Condition("as between visits", "as between visits", "visits"),
)
CURVE_CONDITIONS = (CONDITIONS[0], CONDITIONS[-1])


@dataclass(frozen=True)
class Job:
    """One pair to simulate."""

    joint: str
    jsn_mm: float
    seed: int
    condition: Condition


@dataclass(frozen=True)
class MeasuredPair:
    """The measured and the true narrowing of one pair, in mm.

    Attributes
    ----------
    kind, condition : str
    jsn_mm : float
        True narrowing in space.
    projected_mm : float
        True narrowing of the two projections: what a perfect registration measures.
    measured_mm, half_width_mm : float
        Measured narrowing, and half the width of its 95 % interval.
    truth_at_point_mm : float
        True narrowing at the point and along the axis of the measurement.
    overlap_mm : float
        Mean depth of the overlap of the two masks at baseline, over the columns that both cover.
    reliable : bool
    """

    kind: str
    condition: str
    jsn_mm: float
    projected_mm: float
    measured_mm: float
    half_width_mm: float
    truth_at_point_mm: float
    overlap_mm: float
    reliable: bool

    @property
    def error_mm(self) -> float:
        """Measured minus projected true narrowing."""
        return self.measured_mm - self.projected_mm


def condition_jobs(n: int, settings: Settings) -> list[Job]:
    """Return ``n`` pairs of each kind of joint under each condition, and ``3 n`` as between visits."""
    jobs = []
    for condition in CONDITIONS:
        for kind, joints in KINDS.items():
            rng = settings.rng(f"{condition.seed_name} {kind}")
            for k in range(3 * n if condition.what == "visits" else n):
                jobs.append(Job(joints[k % len(joints)], float(rng.uniform(-JSN_MM, JSN_MM)), _seed(rng), condition))
    return jobs


def curve_jobs(every: int, settings: Settings) -> list[Job]:
    """Return every ``every``-th step of the curve, for each of its kinds and conditions."""
    jobs = []
    for condition in CURVE_CONDITIONS:
        for kind in CURVE_KINDS:
            rng = settings.rng(f"curve {condition.seed_name} {kind}")
            steps = CURVE_MM[::every]
            jobs += [
                Job(KINDS[kind][k % len(KINDS[kind])], float(jsn_mm), _seed(rng), condition)
                for k, jsn_mm in enumerate(steps)
            ]
    return jobs


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def simulate_pair(job: Job) -> JointPair:
    """Simulate the pair of one job."""
    from napari_jsn.simulation.exposure.detector import Detector

    rng = np.random.default_rng([job.seed, 1])
    motion, detector = job.condition.motion(rng), None
    if job.condition.what == "noise":
        drawn = Detector.draw(rng)
        detector = replace(drawn, quanta_per_mm2=drawn.quanta_per_mm2 / job.condition.amount)
    return joint_pair(job.joint, job.jsn_mm, job.seed, motion=motion, detector=detector, spacing_mm=SPACING_MM)


def run(jobs: Sequence[Job], threads: int) -> list[MeasuredPair]:
    """Simulate and register the pairs in ``threads`` processes; the results are in the order of the jobs."""
    batches = [jobs[first : first + _BATCH] for first in range(0, len(jobs), _BATCH)]
    measured: list[MeasuredPair] = []
    with _pool(threads) as pool:
        for done, part in enumerate((pool.map if pool else map)(simulate_and_register, batches), 1):
            measured += part
            print(f"{done} of {len(batches)} batches", file=sys.stderr, flush=True)
    return measured


def _pool(threads: int) -> AbstractContextManager[ProcessPoolExecutor | None]:
    if threads == 1:
        return nullcontext()
    # One thread per process: with more, the threads of the libraries wait for each other and the run takes longer.
    return ProcessPoolExecutor(threads, get_context("spawn"), initializer=limit_threads, initargs=(1,))


def simulate_and_register(jobs: Sequence[Job]) -> list[MeasuredPair]:
    """Simulate a few pairs and register them in one call."""
    from napari_jsn.joint.similarity import joint_space_narrowing
    from napari_jsn.registration.register import register_many

    pairs = [simulate_pair(job) for job in jobs]
    results = register_many(
        [pair.fixed for pair in pairs],
        [pair.moving for pair in pairs],
        [pair.fixed_masks for pair in pairs],
        [pair.moving_masks for pair in pairs],
        [pair.spacing_mm for pair in pairs],
    )
    measured = []
    for job, pair, result in zip(jobs, pairs, results, strict=True):
        truth = pair.moving_truth
        at_point_px = joint_space_narrowing(truth.upper.matrix, truth.lower.matrix, result.point, result.axis)
        measured.append(
            MeasuredPair(
                next(kind for kind, joints in KINDS.items() if job.joint in joints),
                job.condition.name,
                pair.jsn_mm,
                pair.jsn_projected_mm,
                result.jsn_mm,
                (result.ci95_mm[1] - result.ci95_mm[0]) / 2,
                at_point_px * pair.spacing_mm,
                overlap_mm(pair),
                result.reliable,
            )
        )
    return measured


def overlap_mm(pair: JointPair) -> float:
    """Return the mean depth of the overlap of the two masks at baseline, over the columns that both cover."""
    upper, lower = pair.fixed_masks.upper, pair.fixed_masks.lower
    shared = upper.any(axis=0) & lower.any(axis=0)
    return float((upper & lower).sum() / max(1, shared.sum()) * pair.spacing_mm)
