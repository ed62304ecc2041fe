"""Widths of simulated joints, whose gap in space is known."""

import numpy as np
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks, JointImage
from napari_jsn.width.joint_space_width import joint_space_width
from napari_jsn.width.result import JointSpaceWidth


def of(pair, moving=False, **options):
    pixels, masks = (pair.moving, pair.moving_masks) if moving else (pair.fixed, pair.fixed_masks)
    return joint_space_width(JointImage(pixels, pair.spacing_mm), masks, **options)


@pytest.mark.parametrize("joint", ["MCP2", "PIP3", "DIP4"])
def test_the_width_is_near_the_gap_in_space(plain_pair, joint):
    pair = plain_pair(joint=joint)
    width = of(pair)
    assert width.reliable, width.reason
    assert abs(width.mm - pair.fixed_truth.jsw_mm) < 0.25
    assert 0.01 < width.sd_mm < 0.15
    assert width.px * pair.spacing_mm == pytest.approx(width.mm)


@pytest.mark.parametrize("jsn_mm", [-0.3, 0.0, 0.4])
def test_its_change_is_the_narrowing(plain_pair, jsn_mm):
    pair = plain_pair(jsn_mm)
    change = of(pair).mm - of(pair, moving=True).mm
    assert change == pytest.approx(jsn_mm, abs=0.12)


def test_the_lower_margin_is_the_head_and_the_upper_one_lies_above_the_rims(simulated):
    width = of(simulated)
    cols, rows = width.lower.T
    head = simulated.fixed_masks.lower[:, np.round(cols).astype(int)].argmax(axis=0)
    assert np.abs(rows - head).max() < 0.6 / simulated.spacing_mm
    assert len(width.upper) == len(width.lower) > 8
    assert (width.upper[:, 1] < width.lower[:, 1]).all()


def test_gain_offset_and_pixel_size_do_not_matter(simulated):
    plain = of(simulated)
    dimmed = JointImage(0.2 + 0.4 * simulated.fixed, simulated.spacing_mm)
    assert joint_space_width(dimmed, simulated.fixed_masks).mm == pytest.approx(plain.mm, abs=1e-3)
    finer = JointImage(np.kron(simulated.fixed, np.ones((2, 2), np.float32)), simulated.spacing_mm / 2)
    masks = BoneMasks(
        *(np.kron(m, np.ones((2, 2), bool)) for m in (simulated.fixed_masks.upper, simulated.fixed_masks.lower))
    )
    assert joint_space_width(finer, masks).mm == pytest.approx(plain.mm, abs=0.03)


def test_a_mirrored_joint_is_as_wide(simulated):
    masks = BoneMasks(simulated.fixed_masks.upper[:, ::-1], simulated.fixed_masks.lower[:, ::-1])
    mirrored = joint_space_width(JointImage(simulated.fixed[:, ::-1], simulated.spacing_mm), masks)
    assert mirrored.mm == pytest.approx(of(simulated).mm, abs=0.02)


def test_without_a_spacing_it_is_in_pixels(simulated):
    width = joint_space_width(JointImage(simulated.fixed), simulated.fixed_masks)
    assert np.isnan(width.mm) and np.isnan(width.sd_mm) and width.reliable
    assert width.px == pytest.approx(of(simulated).px, rel=0.05)


def test_a_point_and_an_axis_of_ones_own_are_taken(simulated):
    width = of(simulated, point=simulated.point, axis=5 * simulated.axis)
    assert width.mm == pytest.approx(of(simulated).mm, abs=0.15)
    middle = (width.upper.mean(0) + width.lower.mean(0)) / 2
    assert np.abs(middle - simulated.point).max() < 1 / simulated.spacing_mm


def test_a_joint_without_a_visible_gap_is_not_reliable(simulated):
    even = np.random.default_rng(0).normal(0.5, 0.02, simulated.fixed.shape).astype(np.float32)
    width = joint_space_width(JointImage(even, simulated.spacing_mm), simulated.fixed_masks)
    assert not width.reliable and "margin" in width.reason
    assert isinstance(width, JointSpaceWidth)


def test_halves_missing_bones_and_bones_apart_are_reported(simulated):
    image = JointImage(simulated.fixed, simulated.spacing_mm)
    upper = np.indices(image.pixels.shape)[0] < 64
    nothing = np.zeros_like(upper)
    left, right = nothing.copy(), nothing.copy()
    left[10:50, 5:40], right[70:110, 80:120] = True, True
    for masks, message in (
        (BoneMasks(upper, ~upper), "halves"),
        (BoneMasks(simulated.fixed_masks.upper, nothing), "not found"),
        (BoneMasks(left, right), "do not face"),
    ):
        width = joint_space_width(image, masks)
        assert not width.reliable and message in width.reason and np.isnan(width.mm) and width.upper.shape == (0, 2)


def test_what_does_not_fit_is_refused(simulated):
    with pytest.raises(InputError, match="masks of this image") as refused:
        joint_space_width(JointImage(simulated.fixed[:-2]), simulated.fixed_masks)
    assert refused.value.argument == "masks"
    with pytest.raises(InputError, match="finite and not zero"):
        of(simulated, axis=(0, 0))
