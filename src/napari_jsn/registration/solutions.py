"""The solutions of one pair: the maps of two motion models in both directions, and the figures of their quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint.similarity import Matrix, joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair

#: Prior standard deviations of the roll field that are averaged, in working pixels; the first one means almost no roll.
ROLL_PRIOR_SDS_PX = (0.05, 0.2, 0.4, 0.7, 1.0, 1.5, 2.2)


@dataclass(frozen=True)
class Solutions:
    """All solutions of one pair, in pixels of the pair.

    Models are similarity and roll fit; directions are forward and backward; bones are upper and lower.

    Attributes
    ----------
    maps : (2 models, 2 directions, 2 bones, 3, 3) array
        Each maps a fixed ``(x, y, 1)`` to the moving image.
    network : (2 directions, 2 bones, 3, 3) array
        The network's maps, replaced by the roll fit where they put the bone elsewhere.
    variance_px2 : (2 directions,) array
        Variance of the narrowing by the covariance of the roll fit.
    ncc : (2 directions, 2 bones) array
        Normalised cross-correlation of local contrast after registration.
    in_view : (2 directions, 2 bones) array
        Share of the region that lies inside the other image.
    roll_prior_sd_px : (2 directions, 2 bones) array
        Mean prior standard deviation of the roll field.
    overlap : (2 bones,) array
        Jaccard index of the transformed fixed mask and the moving mask.
    ncc_identity : (2 directions, 2 bones) array
        Normalised cross-correlation with the centres of both images on each other, without registration.
    margin_px : (2 directions, 2 bones) array
        Translation along the columns by which the joint-facing margin alone would still move.
    region_px2 : (2 directions, 2 bones) array
        Area of the region.
    unit_px : int
        Side of a working pixel.
    """

    maps: Matrix
    network: Matrix
    variance_px2: NDArray[np.float64]
    ncc: NDArray[np.float64]
    in_view: NDArray[np.float64]
    roll_prior_sd_px: NDArray[np.float64]
    overlap: NDArray[np.float64]
    ncc_identity: NDArray[np.float64]
    margin_px: NDArray[np.float64]
    region_px2: NDArray[np.float64]
    unit_px: int = 1

    def narrowings(self, pair: PreparedPair) -> NDArray[np.float64]:
        """Return the (2 models, 2 directions) narrowing at the pair's point along its axis, in pixels."""
        return np.array(
            [
                [joint_space_narrowing(upper, lower, pair.point, pair.axis) for upper, lower in directions]
                for directions in self.maps
            ]
        )
