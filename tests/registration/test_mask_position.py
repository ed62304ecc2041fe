"""Masks beside their bones are found by the edges of the image, which neither correlation nor precision shows."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.common.reasons import ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.mask_position import are_off_bones, mask_offset
from napari_jsn.registration.register import register

#: Rows and columns by which masks are moved, in pixels of 0.175 mm: 2 to 4 mm.
MOVED = [(0, 12), (0, -20), (14, 0), (-22, 0), (10, 10), (-15, 12)]
JOINTS = ["MCP2", "PIP3", "IP1"]


def moved(masks, rows, cols):
    return BoneMasks(*(ndimage.shift(m.astype(float), (rows, cols), order=0) > 0.5 for m in (masks.upper, masks.lower)))


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize("away", MOVED)
def test_masks_that_are_moved_off_their_bones_are_found(plain_pair, joint, away):
    pair = plain_pair(0.3, 1, joint)
    offset_px, fit = mask_offset(pair.fixed, moved(pair.fixed_masks, *away))
    assert offset_px == pytest.approx(np.hypot(*away), abs=2.5) and fit < 0.7
    assert are_off_bones(pair.fixed, moved(pair.fixed_masks, *away))


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize("change", ["as it is", "noise", "blur", "gamma", "two pixels off"])
def test_masks_on_their_bones_are_not(plain_pair, joint, change):
    pair = plain_pair(0.3, 1, joint)
    image, masks = pair.moving, pair.moving_masks
    image = {
        "noise": image + 0.05 * np.random.default_rng(0).standard_normal(image.shape),
        "blur": ndimage.gaussian_filter(image, 2),
        "gamma": image**2,
    }.get(change, image)
    masks = moved(masks, 1, 2) if change == "two pixels off" else masks
    assert not are_off_bones(image.astype(np.float32), masks)


@pytest.mark.parametrize("away", [(0, 18), (16, 0), (-12, -12)])
@pytest.mark.parametrize("which", ["both", "fixed", "moving"])
def test_a_figure_from_masks_beside_the_bones_has_failed(simulated, away, which):
    masks = {
        name: moved(getattr(simulated, f"{name}_masks"), *away) if which in (name, "both") else
        getattr(simulated, f"{name}_masks")
        for name in ("fixed", "moving")
    }  # fmt: skip
    result = register(simulated.fixed, simulated.moving, masks["fixed"], masks["moving"], simulated.spacing_mm)
    codes = [reason.code for reason in result.reasons]
    assert codes.count(ReasonCode.MASKS_OFF_BONES) == (2 if which == "both" else 1)
    assert ("In the fixed image: the masks do not lie" in result.reason) == (which != "moving")
