"""Where a radiograph of a hand lies on that of an earlier visit, so that both can be shown one over the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_jsn.progression.narrowing import MeasuredHand, Narrowing

#: Joints that both radiographs must show.
_LEAST = 3


def hand_alignment(fixed: MeasuredHand, moving: MeasuredHand) -> NDArray[np.float64] | None:
    """Return the similarity that maps points (x, y, 1) of ``moving`` onto ``fixed``, by the centres of their joints.

    It is for display only: nothing is measured with it.

    Returns
    -------
    (3, 3) array, or None if fewer than three joints are in both
    """
    from skimage.transform import SimilarityTransform

    there = {view.joint.name: view.joint.centre for view in fixed.joints}
    pairs = [(view.joint.centre, there[view.joint.name]) for view in moving.joints if view.joint.name in there]
    if len(pairs) < _LEAST:
        return None
    source, target = (np.array([pair[k] for pair in pairs])[:, ::-1] for k in (0, 1))
    found = SimilarityTransform.from_estimate(source, target)
    return np.asarray(found.params, dtype=float) if found else None


def joint_alignment(narrowing: Narrowing) -> NDArray[np.float64] | None:
    """Return the similarity that maps points (x, y, 1) of the follow-up's joint image onto the baseline's.

    The lower (proximal) bone lies still, so that the motion of the upper one shows the narrowing.

    Returns
    -------
    (3, 3) array, or None if the joint was not registered
    """
    if narrowing.registration is None:
        return None
    matrix = np.asarray(narrowing.registration.lower.matrix, dtype=float)
    return np.linalg.inv(matrix) if np.isfinite(matrix).all() else None
