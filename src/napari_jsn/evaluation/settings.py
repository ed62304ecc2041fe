"""How large a run is, and where its chance comes from."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

#: An error beyond this is a mismatch where the truth is known, in pixels.
MISMATCH_PX = 1.0


@dataclass(frozen=True)
class Settings:
    """``pairs`` for each known motion, ``joints`` for closure, ``seed`` of all chance, ``threads`` of all libraries."""

    pairs: int = 500
    joints: int = 60
    seed: int = 2023
    threads: int = 2

    def rng(self, name: str) -> np.random.Generator:
        """Independent of what else is run, so that one test alone gives the figures it gives in a full run."""
        return np.random.default_rng([self.seed, crc32(name.encode())])


def limit_threads(count: int) -> None:
    """Hold every library in the table to the same number of cores."""
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
