"""The solutions of one pair: the maps of two motion models in both directions, and measures of their quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint.similarity import Matrix, joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair

#: Prior standard deviations of the roll field, in working pixels; the roll fit averages the solutions of all of them.
#: The first one allows almost no roll.
ROLL_PRIOR_SDS_PX = (0.05, 0.2, 0.4, 0.7, 1.0, 1.5, 2.2)


@dataclass(frozen=True)
class Solutions:
    """All solutions of one pair, in pixels of the pair.

    Models are similarity and roll fit; directions are forward and backward; bones are upper and lower.

    Attributes
    ----------
    maps : (2 models, 2 directions, 2 bones, 3, 3) array
        Each maps a point ``(x, y, 1)`` of the fixed image to the moving image.
    network : (2 directions, 2 bones, 3, 3) array
        Maps of the network; a map that puts the bone far from its position in the roll fit is replaced.
    variance_px2 : (2 directions,) array
        Variance of the narrowing, from the covariance matrix of the roll fit.
    ncc : (2 directions, 2 bones) array
        Normalised cross-correlation of local contrast after registration.
    in_view : (2 directions, 2 bones) array
        Share of the bone's region that is mapped inside the other image.
    roll_prior_sd_px : (2 directions, 2 bones) array
        Mean prior standard deviation of the roll field.
    overlap : (2 bones,) array
        Share that both masks have in common where both images show the bone.
    ncc_identity : (2 directions, 2 bones) array
        Normalised cross-correlation without registration; only the centres of both images are aligned.
    margin_px : (2 directions, 2 bones) array
        Remaining translation along the columns, if only the joint-facing margin is registered after the whole bone.
    region_px2 : (2 directions, 2 bones) array
        Area of the bone's region.
    ncc_inside : (2 directions, 2 bones) array
        Normalised cross-correlation of local contrast inside the bone, with the roll field.
    sharpness, curve : float
        Difference of sharpness, and curvature of the relation of the intensities, from fixed to moving image.
    unit_px : int
        Size of a working pixel, in pixels of the pair.
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
    ncc_inside: NDArray[np.float64]
    sharpness: float
    curve: float
    unit_px: int = 1

    def narrowings(self, pair: PreparedPair) -> NDArray[np.float64]:
        """Return the (2 models, 2 directions) narrowings at the pair's reference point along its axis, in pixels."""
        return np.array(
            [
                [joint_space_narrowing(upper, lower, pair.point, pair.axis) for upper, lower in directions]
                for directions in self.maps
            ]
        )
