"""A registration made from a simulated pair's truth, so that exports are tested without an engine."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.common.statistics import Estimate
from napari_jsn.registration.result import Registration


@pytest.fixture(scope="session")
def registration(simulated):
    rows, cols = np.indices(simulated.fixed.shape, dtype=float)
    bones = []
    for motion in (simulated.upper, simulated.lower):
        moved = motion(np.stack([cols, rows], axis=-1))
        bones.append(ndimage.map_coordinates(simulated.moving, [moved[..., 1], moved[..., 0]], order=1, mode="nearest"))
    transformed = np.where(rows < simulated.point[1], *bones)
    before, after = ((simulated.fixed - image) ** 2 for image in (simulated.moving, transformed))
    return Registration(
        upper=simulated.upper,
        lower=simulated.lower,
        narrowing_px=Estimate(simulated.jsn_mm / simulated.spacing_mm, 0.01 / simulated.spacing_mm),
        point=simulated.point,
        axis=simulated.axis,
        reasons=(),
        method="refined",
        original_loss=float(before.mean()),
        transformed_loss=float(after.mean()),
        transformed=transformed.astype(np.float32),
        original_spectrum=before.astype(np.float32),
        transformed_spectrum=after.astype(np.float32),
        fixed_masks=simulated.fixed_masks,
        spacing_mm=simulated.spacing_mm,
    )


@pytest.fixture(scope="session")
def unscaled(registration):
    """The same without a pixel spacing."""
    from dataclasses import replace

    return replace(registration, spacing_mm=None)
