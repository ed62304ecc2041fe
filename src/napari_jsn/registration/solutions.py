"""What was solved for one pair: the maps of two motion models in both directions, and how well they fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint.similarity import Matrix, joint_space_narrowing
from napari_jsn.registration.methods import Pair

#: Prior standard deviations of the roll field that are compared, in working pixels; the first is as good as none.
STRENGTHS_PX = (0.05, 0.2, 0.4, 0.7, 1.0, 1.5, 2.2)


@dataclass(frozen=True)
class Solutions:
    """Everything the ways of solving one pair say, in pixels of the pair.

    ``maps`` is (2 models, 2 directions, 2 bones, 3, 3), each fixed to moving; models are similarity and
    rolled, directions forward and backward, bones upper and lower. ``variance_px2`` (2 directions) is the
    model's own variance of the narrowing. ``likeness`` (2 directions, 2 bones) is the correlation of local
    contrast after registration, ``in_view`` the share of the region that is inside the other image, and
    ``strength_px`` how strong the sideways field is. ``overlap`` (2 bones) is the Jaccard index of the moved
    fixed mask and the moving mask. ``likeness_unmoved`` (2 directions, 2 bones) is the likeness with the images
    laid on each other centre to centre; ``margin_px`` how far the joint-facing margin would still move along the
    columns if it were free; ``region_px2`` the region's area. ``network`` (2 directions, 2 bones, 3, 3) are the maps
    that the network gave to begin with, where they were near. ``unit_px`` is the side of a working pixel.
    """

    maps: Matrix
    network: Matrix
    variance_px2: NDArray[np.float64]
    likeness: NDArray[np.float64]
    in_view: NDArray[np.float64]
    strength_px: NDArray[np.float64]
    overlap: NDArray[np.float64]
    likeness_unmoved: NDArray[np.float64]
    margin_px: NDArray[np.float64]
    region_px2: NDArray[np.float64]
    unit_px: int = 1

    def narrowings(self, pair: Pair) -> NDArray[np.float64]:
        """(2 models, 2 directions) narrowing at the pair's point and axis, in pixels."""
        return np.array(
            [
                [joint_space_narrowing(upper, lower, pair.point, pair.axis) for upper, lower in directions]
                for directions in self.maps
            ]
        )
