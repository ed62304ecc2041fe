"""Settings of an evaluation run: size, seed and threads."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

#: An error above this is a mismatch where the truth is known, in pixels of about 0.175 mm.
MISMATCH_PX = 1.0


@dataclass(frozen=True)
class Settings:
    """Size, seed and threads of a run.

    Parameters
    ----------
    pairs : int
        Number of pairs of each known motion.
    joints : int
        Number of joints for closure.
    seed : int
        Seed of all random numbers.
    threads : int
        Threads of every library.
    """

    pairs: int = 500
    joints: int = 60
    seed: int = 2023
    threads: int = 2

    def rng(self, name: str) -> np.random.Generator:
        """Return the random generator of one test; it does not depend on which other tests run."""
        return np.random.default_rng([self.seed, crc32(name.encode())])


def limit_threads(count: int) -> None:
    """Set the number of threads of torch and of every library that is compared."""
    import torch

    torch.set_num_threads(count)
    try:
        import cv2

        cv2.setNumThreads(count)
    except ImportError:
        pass
    try:
        import SimpleITK

        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(count)
    except ImportError:
        pass
    try:
        import itk

        itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(count)
    except ImportError:
        pass
