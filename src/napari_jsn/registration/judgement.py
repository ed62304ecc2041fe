"""How sure a measurement is, and whether to trust it at all."""

from __future__ import annotations

import numpy as np

from napari_jsn.registration.methods import Estimate, Pair
from napari_jsn.registration.solutions import Solutions


def judge(pair: Pair, solved: Solutions) -> Estimate:
    """Combine the solutions of a pair into one estimate with its uncertainty and the reasons against it."""
    upper, lower = solved.maps[1].mean(axis=0)
    from napari_jsn.transform import joint_space_narrowing

    narrowing = joint_space_narrowing(upper, lower, pair.point, pair.axis)
    return Estimate(upper, lower, narrowing, float(np.sqrt(solved.variance_px2.mean())))
