"""Compare the registration on a CUDA GPU with that on the CPU, and measure pairs per second by batch size."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from napari_jsn.registration.register import register_many
from napari_jsn.registration.result import Registration
from napari_jsn.simulation.joint_pair import JointPair, joint_pair

#: Batches of which the time is measured.
BATCHES = (64, 256, 1024, 4096)
#: Joint pairs on which CPU and GPU are compared; larger batches repeat them.
PAIRS = 64
#: The largest difference of the maps that is accepted, in pixels at the corners of the images.
AGREEMENT_PX = 1e-3
_JOINTS = ("MCP2", "PIP3", "MCP1", "IP1", "PIP5")


def run(methods: Sequence[str] = ("refined", "network"), batches: Sequence[int] = BATCHES, device: str = "") -> int:
    """Print agreement and speed; return the exit code, 1 if CPU and GPU do not agree.

    Parameters
    ----------
    methods : sequence of str
    batches : sequence of int
        Numbers of pairs in one call.
    device : str
        The device that is compared with the CPU; by default ``"cuda"``. Without a GPU one sentence is printed.
    """
    import torch

    if not device and not torch.cuda.is_available():
        print("There is no CUDA GPU here, so the registration on a GPU was not measured.")
        return 0
    device = device or "cuda"
    pairs = [joint_pair(_JOINTS[k % len(_JOINTS)], 0.1 * (k % 4), seed=k) for k in range(PAIRS)]
    agree = True
    for method in methods:
        difference = max(
            _difference_px(one, other)
            for one, other in zip(_register(pairs, method, "cpu"), _register(pairs, method, device), strict=True)
        )
        agree = agree and difference <= AGREEMENT_PX
        print(f"{method}: CPU and {device} differ by at most {difference:.2e} px ({PAIRS} pairs)")
        for size in batches:
            batch = [pairs[k % PAIRS] for k in range(size)]
            _register(batch[: min(size, PAIRS)], method, device)
            start = time.perf_counter()
            _register(batch, method, device)
            print(f"{method}: {size / (time.perf_counter() - start):.0f} pairs per second in a batch of {size}")
    return 0 if agree else 1


def _register(pairs: Sequence[JointPair], method: str, device: str) -> list[Registration]:
    return register_many(
        [pair.fixed for pair in pairs], [pair.moving for pair in pairs], [pair.fixed_masks for pair in pairs],
        [pair.moving_masks for pair in pairs], [pair.spacing_mm for pair in pairs], method=method, device=device,
    )  # fmt: skip


def _difference_px(one: Registration, other: Registration) -> float:
    """Return the largest distance of the four corners of the image under two registrations."""
    rows, cols = one.transformed.shape
    corners = np.array([[0, 0, 1], [cols - 1, 0, 1], [0, rows - 1, 1], [cols - 1, rows - 1, 1]], float).T
    distances = [
        np.abs((getattr(one, bone).matrix - getattr(other, bone).matrix) @ corners).max() for bone in ("upper", "lower")
    ]
    return float(max(distances))
