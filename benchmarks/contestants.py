"""Our methods and the peers behind one question: how far did it narrow, and can that be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from benchmarks.peers import PEERS, Peer
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Silent
from napari_jsn.joint.similarity import Matrix, joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair, load_method
from napari_jsn.registration.result import Registration

#: Pairs handed over in one call.
BATCH = 64
#: The row of our own default method.
OURS = "napari-jsn refined"
PIPOC = "PIPOC (Ou et al. 2023)"


@dataclass(frozen=True)
class Answer:
    """What one contestant says of one pair.

    ``jsn_px`` is NaN where it failed; the interval is NaN where it gives none. ``point`` and ``axis`` tell where it
    was read; ``upper`` and ``lower`` are the maps of the bones. ``seconds`` is the time it took.
    """

    jsn_px: float
    point: np.ndarray
    axis: np.ndarray
    upper: Matrix
    lower: Matrix
    low_px: float = np.nan
    high_px: float = np.nan
    reliable: bool = True
    seconds: float = np.nan

    def holds(self, truth_px: float) -> bool:
        """Whether the 95 % interval holds the truth."""
        return bool(self.low_px <= truth_px <= self.high_px)


@dataclass(frozen=True)
class Contestant:
    """A method under test; ``judges`` where it says itself what not to trust and gives intervals."""

    name: str
    ask: Callable[[Sequence[PreparedPair]], list[Answer]]
    judges: bool = False
    most_pairs: int = 10_000
    most_joints: int = 10_000


def contestants(with_peers: bool = True) -> tuple[list[Contestant], list[str]]:
    """All that are installed, and a sentence for each that is not."""
    found = [Contestant(OURS, ask_ours, judges=True), Contestant(PIPOC, ask_pipoc, judges=True)]
    missing = []
    for peer in PEERS if with_peers else ():
        if peer.version is None:
            missing.append(f"{peer.name} is left out: {peer.package} is not installed (extra `bench`).")
        else:
            found.append(Contestant(peer.name, _peer(peer), False, peer.most_pairs, peer.most_joints))
    return found, missing


def ask_ours(pairs: Sequence[PreparedPair]) -> list[Answer]:
    """The public call with its defaults: `register_many`."""
    answers = []
    for start in range(0, len(pairs), BATCH):
        answers += _ask_public(pairs[start : start + BATCH])
    return answers


def _ask_public(pairs: Sequence[PreparedPair]) -> list[Answer]:
    from napari_jsn.registration.register import register_many

    start = perf_counter()
    try:
        results = register_many(
            [pair.fixed for pair in pairs],
            [pair.moving for pair in pairs],
            [pair.fixed_masks for pair in pairs],
            [pair.moving_masks for pair in pairs],
            [pair.spacing_mm for pair in pairs],
        )
    except InputError:  # one pair that cannot be measured at all must not hide the others
        if len(pairs) == 1:
            return [_failed(pairs[0], perf_counter() - start)]
        return [answer for pair in pairs for answer in _ask_public([pair])]
    seconds = (perf_counter() - start) / len(pairs)
    return [_from_result(result, seconds) for result in results]


def _from_result(result: Registration, seconds: float) -> Answer:
    return Answer(
        result.jsn_px, result.point, result.axis, result.upper.matrix, result.lower.matrix,
        *result.ci95_px, reliable=result.reliable, seconds=seconds,
    )  # fmt: skip


def ask_pipoc(pairs: Sequence[PreparedPair]) -> list[Answer]:
    """Our implementation of PIPOC, without what the public call adds."""
    import torch

    start = perf_counter()
    estimates = load_method("pipoc")(pairs, torch.device("cpu"), Silent())
    seconds = (perf_counter() - start) / max(1, len(pairs))
    return [
        Answer(
            e.jsn_px, pair.point, pair.axis, e.upper, e.lower,
            e.jsn_px - 1.96 * e.jsn_sd_px, e.jsn_px + 1.96 * e.jsn_sd_px, not e.reasons, seconds,
        )
        for pair, e in zip(pairs, estimates, strict=True)
    ]  # fmt: skip


def _peer(peer: Peer) -> Callable[[Sequence[PreparedPair]], list[Answer]]:
    def ask(pairs: Sequence[PreparedPair]) -> list[Answer]:
        return [_ask_peer(peer, pair) for pair in pairs]

    return ask


def _ask_peer(peer: Peer, pair: PreparedPair) -> Answer:
    start = perf_counter()
    maps = []
    for bone in ("upper", "lower"):
        masks = getattr(pair.fixed_masks, bone), getattr(pair.moving_masks, bone)
        try:
            maps.append(peer.register_bone(pair.fixed, pair.moving, *masks))
        except Exception:  # every library fails in its own way; a failure is a mismatch
            return _failed(pair, perf_counter() - start)
    jsn_px = joint_space_narrowing(*maps, pair.point, pair.axis)
    return Answer(jsn_px, pair.point, pair.axis, *maps, seconds=perf_counter() - start)


def _failed(pair: PreparedPair, seconds: float) -> Answer:
    nowhere = np.full((3, 3), np.nan)
    return Answer(np.nan, pair.point, pair.axis, nowhere, nowhere, reliable=False, seconds=seconds)
