"""A registration made from a drawn pair's truth, so that exports are tested without an engine."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.registration.result import Registration
from napari_jsn.simulation.drawn import drawn_pair


@pytest.fixture(scope="session")
def drawn():
    return drawn_pair(jsn_mm=0.3)


@pytest.fixture(scope="session")
def registration(drawn):
    rows, cols = np.indices(drawn.fixed.shape, dtype=float)
    bones = []
    for motion in (drawn.upper, drawn.lower):
        moved = motion(np.stack([cols, rows], axis=-1))
        bones.append(ndimage.map_coordinates(drawn.moving, [moved[..., 1], moved[..., 0]], order=1, mode="nearest"))
    transformed = np.where(rows < drawn.point[1], *bones)
    before, after = ((drawn.fixed - image) ** 2 for image in (drawn.moving, transformed))
    jsn_px = drawn.jsn_mm / drawn.spacing_mm
    return Registration(
        upper=drawn.upper,
        lower=drawn.lower,
        jsn_mm=drawn.jsn_mm,
        jsn_sd_mm=0.01,
        ci95_mm=(drawn.jsn_mm - 0.02, drawn.jsn_mm + 0.02),
        jsn_px=jsn_px,
        jsn_sd_px=0.01 / 0.175,
        ci95_px=(jsn_px - 0.02 / 0.175, jsn_px + 0.02 / 0.175),
        jsn_eq7_mm=0.25,
        point=drawn.point,
        axis=drawn.axis,
        reliable=True,
        reason="",
        method="refined",
        original_loss=float(before.mean()),
        transformed_loss=float(after.mean()),
        transformed=transformed.astype(np.float32),
        original_spectrum=before.astype(np.float32),
        transformed_spectrum=after.astype(np.float32),
        fixed_masks=drawn.fixed_masks,
        spacing_mm=drawn.spacing_mm,
    )


@pytest.fixture(scope="session")
def unscaled(registration):
    """The same without a pixel spacing."""
    from dataclasses import replace

    nan = float("nan")
    return replace(registration, spacing_mm=None, jsn_mm=nan, jsn_sd_mm=nan, ci95_mm=(nan, nan), jsn_eq7_mm=nan)
