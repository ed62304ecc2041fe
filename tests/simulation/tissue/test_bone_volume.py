"""Filling bones with their substance."""

from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.simulation.shapes.bone import Erosion
from napari_jsn.simulation.shapes.material import COMPACT
from napari_jsn.simulation.shapes.sizes import draw_bone, draw_material
from napari_jsn.simulation.tissue import trabeculae as texture
from napari_jsn.simulation.tissue.bone_volume import fill, make_mould


@pytest.fixture(scope="module")
def bone():
    shape = draw_bone("PP2", 40.0, 1.0, np.random.default_rng(3))
    return shape, draw_material("PP2", 1.0, 0, np.random.default_rng(4))


def test_a_part_of_a_bone_is_like_the_whole(bone):
    shape, material = bone
    whole, part = (fill(make_mould(shape, material, (), y_range), material) for y_range in ((-9, 99), (30.0, 44.0)))

    rows, cols, depths = (np.searchsorted(getattr(whole, axis), getattr(part, axis) - 1e-6) for axis in "yxz")
    inner = slice(2, -2)
    np.testing.assert_allclose(
        part.values[:, inner], whole.values[np.ix_(depths, rows, cols)][:, inner], rtol=1e-4, atol=1e-6
    )


def test_cortex_is_compact_and_marrow_is_not(bone):
    shape, material = bone
    slabs = fill(make_mould(shape, replace(material, grain=0.0)), replace(material, grain=0.0))
    middle = np.argmin(np.abs(slabs.y - 20))
    plane = slabs.values[np.argmin(np.abs(slabs.z + shape.bow)), middle] / (COMPACT * 0.5)

    left, *_ = shape.profile(np.array(20.0))
    cortex = plane[np.argmin(np.abs(slabs.x + left - material.cortex_mm / 2))]
    assert cortex == pytest.approx(1.0, abs=0.05)
    assert plane[np.argmin(np.abs(slabs.x))] == pytest.approx(material.marrow, abs=0.03)


def test_struts_keep_the_mean(bone):
    shape, material = bone
    even, grainy = (
        fill(make_mould(shape, m), m).values.sum() for m in (replace(material, grain=0.0), replace(material, grain=1.0))
    )
    assert grainy == pytest.approx(even, rel=0.08)


def test_an_erosion_takes_bone_away_and_nothing_else(bone):
    shape, material = bone
    material = replace(material, grain=0.0)
    bite = Erosion((6.0, 38.0, 0.0), (1.5, 1.5, 2.0))
    whole, bitten = (fill(make_mould(shape, material, erosions), material).values for erosions in ((), (bite,)))

    assert (bitten <= whole + 1e-6).all()
    assert bitten.sum() < whole.sum()
    assert (bitten[:, :100] == whole[:, :100]).all()


def test_remodelling_changes_struts_but_not_the_mould(bone):
    shape, material = bone
    mould = make_mould(shape, material)
    then, now = (fill(mould, replace(material, remodelled=share)).values for share in (0.0, 0.5))

    inside = mould.struts > 0.1
    assert np.corrcoef(then[inside], now[inside])[0, 1] < 0.97
    np.testing.assert_array_equal(then[mould.struts == 0], now[mould.struts == 0])


def test_pieces_of_a_texture_repeat_with_its_period():
    along, _ = texture.struts(0)
    one, other = (texture.cut(along, (5, 150, 60), at) for at in ((3, 200, 180), (3 + 40, 200 + 224, 180 - 224)))

    np.testing.assert_array_equal(one, other)
    assert abs(float(along[:40, :224, :224].mean())) < 1e-3
