"""Measure simulated joints of known narrowing. Needs no real image."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from napari_jsn.evaluation.public_images import NOMINAL_SPACING_MM
from napari_jsn.evaluation.settings import MISMATCH_PX, Settings, limit_threads
from napari_jsn.simulation.joint_pair import JointPair, Motion, joint_pair

#: Kinds of joint and their members.
KINDS = {
    "MCP": ("MCP2", "MCP3", "MCP4", "MCP5"),
    "thumb MCP": ("MCP1",),
    "PIP": ("PIP2", "PIP3", "PIP4", "PIP5"),
    "IP": ("IP1",),
    "DIP": ("DIP2", "DIP3", "DIP4", "DIP5"),
}
#: An error beyond this is a mismatch: a pixel of the paper's, in mm.
MISMATCH_MM = MISMATCH_PX * 0.175
#: Narrowing of the pairs of every condition, uniform between plus and minus this, in mm.
JSN_MM = 0.5
#: The curve: narrowing from -1 to 1 mm in steps of 0.01 mm, as phantom studies set it.
CURVE_MM = np.round(np.linspace(-1.0, 1.0, 201), 2)
CURVE_KINDS = ("MCP", "PIP")
#: Pairs measured in one call.
_BATCH = 32


@dataclass(frozen=True)
class Condition:
    """What moves or changes between the two visits, one thing at a time.

    ``amount`` is the size (either sign is drawn) in the unit of ``what``: degrees for turn, roll and tilt, percent
    for scale, and for noise the factor by which the dose is divided.
    """

    name: str
    what: str = "nothing"
    amount: float = 0.0

    def motion(self, rng: np.random.Generator) -> Motion | None:
        """Draw the motion; None leaves it to the simulator: as between two visits."""
        first, second = rng.choice([-1.0, 1.0], 2) * self.amount
        if self.what == "visits":
            return None
        if self.what == "turn":
            return Motion(rotation_deg=first)
        if self.what == "roll":
            return Motion(roll_upper_deg=first, roll_lower_deg=second)
        if self.what == "tilt":
            return Motion(flexion_deg=first)
        if self.what == "scale":
            return Motion(magnification=1 + first / 100)
        return Motion()


CONDITIONS = (
    Condition("still"),
    Condition("turn 5 deg", "turn", 5),
    Condition("turn 10 deg", "turn", 10),
    Condition("roll 2 deg", "roll", 2),
    Condition("roll 5 deg", "roll", 5),
    Condition("roll 10 deg", "roll", 10),
    Condition("scale 1 %", "scale", 1),
    Condition("scale 3 %", "scale", 3),
    Condition("dose 1/4", "noise", 4),
    Condition("dose 1/16", "noise", 16),
    Condition("tilt 3 deg", "tilt", 3),
    Condition("tilt 6 deg", "tilt", 6),
    Condition("tilt 10 deg", "tilt", 10),
    Condition("as between visits", "visits"),
)
CURVE_CONDITIONS = (CONDITIONS[0], CONDITIONS[-1])


@dataclass(frozen=True)
class Job:
    """One pair to be simulated."""

    joint: str
    jsn_mm: float
    seed: int
    condition: Condition


@dataclass(frozen=True)
class Outcome:
    """What was measured of one pair against what is true; mm.

    ``overlap_mm`` is how deep the two bones' masks overlap at baseline, on average over the columns they share.
    """

    kind: str
    condition: str
    jsn_mm: float
    projected_mm: float
    found_mm: float
    half_width_mm: float
    read_truth_mm: float
    overlap_mm: float
    reliable: bool

    @property
    def error_mm(self) -> float:
        """Found less what a perfect registration of the two projections finds."""
        return self.found_mm - self.projected_mm


def jobs(n: int, settings: Settings) -> list[Job]:
    """``n`` pairs of each kind of joint under each condition; three times as many as between visits."""
    found = []
    for condition in CONDITIONS:
        for kind, joints in KINDS.items():
            rng = settings.rng(f"{condition.name} {kind}")
            for k in range(3 * n if condition.what == "visits" else n):
                found.append(Job(joints[k % len(joints)], float(rng.uniform(-JSN_MM, JSN_MM)), _seed(rng), condition))
    return found


def curve_jobs(every: int, settings: Settings) -> list[Job]:
    """Every ``every``-th step of the curve, for each of its kinds and conditions."""
    found = []
    for condition in CURVE_CONDITIONS:
        for kind in CURVE_KINDS:
            rng = settings.rng(f"curve {condition.name} {kind}")
            steps = CURVE_MM[::every]
            found += [
                Job(KINDS[kind][k % len(KINDS[kind])], float(jsn_mm), _seed(rng), condition)
                for k, jsn_mm in enumerate(steps)
            ]
    return found


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def simulate(job: Job) -> JointPair:
    """The pair of one job."""
    from napari_jsn.simulation.exposure.detector import Detector

    rng = np.random.default_rng([job.seed, 1])
    motion, detector = job.condition.motion(rng), None
    if job.condition.what == "noise":
        drawn = Detector.draw(rng)
        detector = replace(drawn, quanta_per_mm2=drawn.quanta_per_mm2 / job.condition.amount)
    return joint_pair(job.joint, job.jsn_mm, job.seed, motion=motion, detector=detector, spacing_mm=NOMINAL_SPACING_MM)


def run(asked: Sequence[Job], threads: int) -> list[Outcome]:
    """Simulate and measure, in as many processes as there are threads; the outcomes come in the order asked."""
    parts = [asked[first : first + _BATCH] for first in range(0, len(asked), _BATCH)]
    with _pool(threads) as pool:
        outcomes = []
        for done, some in enumerate((pool.map if pool else map)(measure, parts), 1):
            outcomes += some
            print(f"{done} of {len(parts)} batches", file=sys.stderr, flush=True)
    return outcomes


def _pool(threads: int) -> AbstractContextManager[ProcessPoolExecutor | None]:
    if threads == 1:
        return nullcontext()
    # each process keeps to one core: libraries whose threads wait for each other lose more than they win
    return ProcessPoolExecutor(threads, get_context("spawn"), initializer=limit_threads, initargs=(1,))


def measure(some: Sequence[Job]) -> list[Outcome]:
    """Simulate a few pairs and measure them in one call."""
    from napari_jsn.joint.similarity import joint_space_narrowing
    from napari_jsn.registration.register import register_many

    pairs = [simulate(job) for job in some]
    results = register_many(
        [pair.fixed for pair in pairs],
        [pair.moving for pair in pairs],
        [pair.fixed_masks for pair in pairs],
        [pair.moving_masks for pair in pairs],
        [pair.spacing_mm for pair in pairs],
    )
    outcomes = []
    for job, pair, result in zip(some, pairs, results, strict=True):
        truth = pair.moving_truth
        read = joint_space_narrowing(truth.upper.matrix, truth.lower.matrix, result.point, result.axis)
        outcomes.append(
            Outcome(
                next(kind for kind, joints in KINDS.items() if job.joint in joints),
                job.condition.name,
                pair.jsn_mm,
                pair.jsn_projected_mm,
                result.jsn_mm,
                (result.ci95_mm[1] - result.ci95_mm[0]) / 2,
                read * pair.spacing_mm,
                overlap_mm(pair),
                result.reliable,
            )
        )
    return outcomes


def overlap_mm(pair: JointPair) -> float:
    """Mean depth of the overlap of the two bones at baseline, over the columns that both cover."""
    upper, lower = pair.fixed_masks.upper, pair.fixed_masks.lower
    shared = upper.any(axis=0) & lower.any(axis=0)
    return float((upper & lower).sum() / max(1, shared.sum()) * pair.spacing_mm)
