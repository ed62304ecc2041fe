"""Density and attenuation of bone volumes."""

from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.simulation.shapes.bone import Erosion
from napari_jsn.simulation.shapes.hand_bones import draw_bone
from napari_jsn.simulation.tissue.bone_volume import attenuation_slabs, make_bone_volume
from napari_jsn.simulation.tissue.material import COMPACT_PER_MM, draw_material
from napari_jsn.simulation.tissue.trabecular_texture import texture_block, trabecular_textures


@pytest.fixture(scope="module")
def bone():
    shape = draw_bone("PP2", 40.0, 1.0, np.random.default_rng(3))
    return shape, draw_material("PP2", 1.0, 0, np.random.default_rng(4))


def test_a_part_of_a_bone_equals_the_whole(bone):
    shape, material = bone
    whole, part = (
        attenuation_slabs(make_bone_volume(shape, material, (), y_range), material)
        for y_range in ((-9, 99), (30.0, 44.0))
    )

    rows, cols, depths = (np.searchsorted(getattr(whole, axis), getattr(part, axis) - 1e-6) for axis in "yxz")
    inner = slice(2, -2)
    np.testing.assert_allclose(
        part.values[:, inner], whole.values[np.ix_(depths, rows, cols)][:, inner], rtol=1e-4, atol=1e-6
    )


def test_cortex_is_compact_and_marrow_is_not(bone):
    shape, material = bone
    slabs = attenuation_slabs(
        make_bone_volume(shape, replace(material, trabecular_contrast=0.0)), replace(material, trabecular_contrast=0.0)
    )
    middle = np.argmin(np.abs(slabs.y - 20))
    plane = slabs.values[np.argmin(np.abs(slabs.z + shape.bow)), middle] / (COMPACT_PER_MM * 0.5)

    left, *_ = shape.profile(np.array(20.0))
    cortex = plane[np.argmin(np.abs(slabs.x + left - material.cortex_mm / 2))]
    assert cortex == pytest.approx(1.0, abs=0.05)
    assert plane[np.argmin(np.abs(slabs.x))] == pytest.approx(material.shaft_fraction, abs=0.03)


def test_the_texture_keeps_the_mean(bone):
    shape, material = bone
    without_texture, with_texture = (
        attenuation_slabs(make_bone_volume(shape, m), m).values.sum()
        for m in (replace(material, trabecular_contrast=0.0), replace(material, trabecular_contrast=1.0))
    )
    assert with_texture == pytest.approx(without_texture, rel=0.08)


def test_an_erosion_removes_bone_and_nothing_else(bone):
    shape, material = bone
    material = replace(material, trabecular_contrast=0.0)
    erosion = Erosion((6.0, 38.0, 0.0), (1.5, 1.5, 2.0))
    whole, eroded = (
        attenuation_slabs(make_bone_volume(shape, material, erosions), material).values for erosions in ((), (erosion,))
    )

    assert (eroded <= whole + 1e-6).all()
    assert eroded.sum() < whole.sum()
    assert (eroded[:, :100] == whole[:, :100]).all()


def test_remodelling_changes_the_texture_but_not_the_volume(bone):
    shape, material = bone
    volume = make_bone_volume(shape, material)
    then, now = (attenuation_slabs(volume, replace(material, remodelled=share)).values for share in (0.0, 0.5))

    inside = volume.texture_amplitude > 0.1
    assert np.corrcoef(then[inside], now[inside])[0, 1] < 0.97
    np.testing.assert_array_equal(then[volume.texture_amplitude == 0], now[volume.texture_amplitude == 0])


def test_pieces_of_a_texture_repeat_with_its_period():
    along, _ = trabecular_textures(0)
    one, other = (texture_block(along, (5, 150, 60), at) for at in ((3, 200, 180), (3 + 40, 200 + 224, 180 - 224)))

    np.testing.assert_array_equal(one, other)
    assert abs(float(along[:40, :224, :224].mean())) < 1e-3
