"""Run our methods and the peers with one interface: pairs of joint images in, narrowings out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import PEERS, Peer
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Silent
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint.similarity import Matrix, joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair, load_method
from napari_jsn.registration.result import Registration

#: Pairs registered in one call.
BATCH = 64
#: Name of our default method in the tables.
OURS = "napari-jsn refined"
PIPOC = "PIPOC (Ou et al. 2023)"


@dataclass(frozen=True)
class ComparedResult:
    """The result of one method for one pair.

    Attributes
    ----------
    jsn_px : float
        Narrowing; NaN where the method failed.
    point, axis : (2,) array
        Point and axis ``(x, y)`` at which it was read.
    upper, lower : (3, 3) array
        Maps of the bones, fixed ``(x, y, 1)`` to moving.
    low_px, high_px : float
        95 % interval; NaN where the method gives none.
    reliable : bool
    seconds : float
    """

    jsn_px: float
    point: NDArray[np.float64]
    axis: NDArray[np.float64]
    upper: Matrix
    lower: Matrix
    low_px: float = np.nan
    high_px: float = np.nan
    reliable: bool = True
    seconds: float = np.nan

    def covers(self, truth_px: float) -> bool:
        """Return whether the 95 % interval contains the truth."""
        return bool(self.low_px <= truth_px <= self.high_px)


@dataclass(frozen=True)
class ComparedMethod:
    """A method in the comparison.

    Attributes
    ----------
    name : str
    run : callable
        Register pairs; return a result for each, in order.
    states_uncertainty : bool
        Whether it gives an interval and flags unreliable results.
    max_pairs, max_joints : int
        Largest number of pairs, and of joints for closure; smaller for slow methods.
    """

    name: str
    run: Callable[[Sequence[PreparedPair]], list[ComparedResult]]
    states_uncertainty: bool = False
    max_pairs: int = 10_000
    max_joints: int = 10_000


@dataclass
class BenchmarkRow:
    """The figures of one method in one test; NaN or empty where there are none.

    Attributes
    ----------
    test, method : str
    n : int
        Number of pairs.
    mismatch, rmse_mm, bias_mm, reliable, covered, ms : float
        Shares, errors without mismatches, and time per pair.
    remarks : str
    target : str
        What our own method must reach in this test.
    reached : bool or None
        Whether it did.
    data : dict of str to array
        Values for the plots.
    """

    test: str
    method: str
    n: int
    mismatch: float = np.nan
    rmse_mm: float = np.nan
    bias_mm: float = np.nan
    reliable: float = np.nan
    covered: float = np.nan
    ms: float = np.nan
    remarks: str = ""
    target: str = ""
    reached: bool | None = None
    data: dict[str, NDArray[np.float64]] = field(default_factory=dict)


def methods_compared(with_peers: bool = True) -> tuple[list[ComparedMethod], list[str]]:
    """Return all methods that are installed, and a sentence for each that is not."""
    methods = [ComparedMethod(OURS, run_refined, True), ComparedMethod(PIPOC, run_pipoc, True)]
    missing = []
    for peer in PEERS if with_peers else ():
        if peer.version is None:
            missing.append(f"{peer.name} is left out: {peer.package} is not installed (extra `bench`).")
        else:
            methods.append(ComparedMethod(peer.name, _peer_runner(peer), False, peer.max_pairs, peer.max_joints))
    return methods, missing


def run_refined(pairs: Sequence[PreparedPair]) -> list[ComparedResult]:
    """Run the public call `register_many` with its defaults."""
    results = []
    for start in range(0, len(pairs), BATCH):
        results += _run_public(pairs[start : start + BATCH])
    return results


def _run_public(pairs: Sequence[PreparedPair]) -> list[ComparedResult]:
    from napari_jsn.registration.register import register_many

    start = perf_counter()
    try:
        registrations = register_many(
            [pair.fixed for pair in pairs],
            [pair.moving for pair in pairs],
            [pair.fixed_masks for pair in pairs],
            [pair.moving_masks for pair in pairs],
            [pair.spacing_mm for pair in pairs],
        )
    except InputError:  # one pair that cannot be registered must not fail the others
        if len(pairs) == 1:
            return [_failure(pairs[0], perf_counter() - start)]
        return [result for pair in pairs for result in _run_public([pair])]
    seconds = (perf_counter() - start) / len(pairs)
    return [_from_registration(registration, seconds) for registration in registrations]


def _from_registration(registration: Registration, seconds: float) -> ComparedResult:
    return ComparedResult(
        registration.jsn_px, registration.point, registration.axis, registration.upper.matrix,
        registration.lower.matrix, *registration.ci95_px, reliable=registration.reliable, seconds=seconds,
    )  # fmt: skip


def run_pipoc(pairs: Sequence[PreparedPair]) -> list[ComparedResult]:
    """Run our implementation of PIPOC, without what the public call adds."""
    import torch

    start = perf_counter()
    estimates = load_method("pipoc")(pairs, torch.device("cpu"), Silent())
    seconds = (perf_counter() - start) / max(1, len(pairs))
    return [
        ComparedResult(
            e.jsn_px, pair.point, pair.axis, e.upper, e.lower,
            *Estimate(e.jsn_px, e.jsn_sd_px).ci95, not e.reasons, seconds,
        )
        for pair, e in zip(pairs, estimates, strict=True)
    ]  # fmt: skip


def _peer_runner(peer: Peer) -> Callable[[Sequence[PreparedPair]], list[ComparedResult]]:
    def run(pairs: Sequence[PreparedPair]) -> list[ComparedResult]:
        return [_run_peer(peer, pair) for pair in pairs]

    return run


def _run_peer(peer: Peer, pair: PreparedPair) -> ComparedResult:
    start = perf_counter()
    maps = []
    for bone in ("upper", "lower"):
        masks = getattr(pair.fixed_masks, bone), getattr(pair.moving_masks, bone)
        try:
            maps.append(peer.register_bone(pair.fixed, pair.moving, *masks))
        except Exception:  # every library has its own exceptions; a failure counts as a mismatch
            return _failure(pair, perf_counter() - start)
    jsn_px = joint_space_narrowing(*maps, pair.point, pair.axis)
    return ComparedResult(jsn_px, pair.point, pair.axis, *maps, seconds=perf_counter() - start)


def _failure(pair: PreparedPair, seconds: float) -> ComparedResult:
    unknown = np.full((3, 3), np.nan)
    return ComparedResult(np.nan, pair.point, pair.axis, unknown, unknown, reliable=False, seconds=seconds)
