from functools import partial

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn import anatomy
from napari_jsn.simulation.damage.difficulty import difficulty
from napari_jsn.simulation.damage.hand_damage import draw_hand
from napari_jsn.simulation.hand import simulate
from napari_jsn.simulation.random_streams import random_stream
from napari_jsn.simulation.shapes.growth import Growth
from napari_jsn.simulation.tissue.bone_volume import make_bone_volume

CARPALS = set(anatomy.CARPALS)


def damage_of(ages, seed=4):
    stream = partial(random_stream, np.random.SeedSequence([seed, 3, 0]))
    return draw_hand("natural", difficulty(5), 0, stream, ages)


def person(ages, seed=4):
    return damage_of(ages, seed).healthy


def test_growth_ends_earlier_in_girls():
    def mean(sex, age):
        return np.mean([Growth.draw(np.random.default_rng(seed), sex, age).left for seed in range(40)])

    for sex in "FM":
        left = [mean(sex, age) for age in (7, 10, 13, 16, 18)]
        assert left == sorted(left, reverse=True) and left[-1] == 0 and left[0] > 0.75
    assert mean("F", 14) < mean("M", 14) - 0.1


def test_a_full_grown_hand_has_no_plates_and_the_size_of_an_adult():
    assert all(shape.plate is None for shape in person((30, 40)).shapes.values())
    for age in (18.0, 40.0):
        growth = Growth.draw(np.random.default_rng(1), "M", age)
        assert (growth.size, growth.width, growth.carpal_size, growth.has_sesamoids) == (1, 1, 1, True)


def test_a_child_s_hand_is_that_of_the_adult_but_smaller_with_plates_at_the_ends_that_grow():
    child, adult = person((9, 9)), person((30, 30))
    for name, shape in child.shapes.items():
        if name in CARPALS:
            assert shape.plate is None and shape.length < adult.shapes[name].length
            continue
        assert shape.plate.at_head == (name in ("MC2", "MC3", "MC4", "MC5", "radius", "ulna"))
        assert 0 < shape.plate.from_end_mm < 0.4 * shape.length and 0.4 < shape.plate.gap_mm < 2.0
    assert 0.65 < child.shapes["PP3"].length / adult.shapes["PP3"].length < 0.95
    assert child.healthy_jsw_mm["MCP2"] > adult.healthy_jsw_mm["MCP2"]
    assert not child.sesamoids and adult.sesamoids


def test_bones_that_grow_have_no_osteophytes():
    child, adult = damage_of((9, 9)), damage_of((30, 30))
    assert adult.osteophytes and not child.osteophytes
    assert (child.swollen, child.implants, child.hidden) == (adult.swollen, adult.implants, adult.hidden)


@pytest.mark.parametrize("bone", ["MC3", "PP2", "DP4"])
def test_a_plate_is_a_gap_in_the_mineral_of_its_thickness(bone):
    child = person((8, 8))
    shape = child.shapes[bone]
    volume = make_bone_volume(shape, child.materials[bone])
    along = volume.mean_density[np.abs(volume.z).argmin(), :, np.abs(volume.x).argmin()]
    at = shape.plate.from_end_mm if shape.plate.at_head else shape.length - shape.plate.from_end_mm
    near = np.abs(volume.y - at) < 0.7 * shape.plate.from_end_mm
    assert along[near].min() < 0.02 < 0.2 < along[near].max()
    assert np.ptp(volume.y[near & (along < 0.15)]) == pytest.approx(shape.plate.gap_mm, abs=0.35)


def test_the_mask_of_a_growing_bone_is_in_one_piece_and_the_image_shows_the_plate():
    (shown,) = simulate(1, 1, 3, shape=(960, 720), spacing_mm=0.3, grades="natural", difficulty=5, ages=(8.0, 8.0))
    assert shown.age == 8
    for bone in ("PP2", "PP3", "MP3", "MC3"):
        assert ndimage.label(shown.bone_mask("L", bone))[1] == 1
    mask = shown.bone_mask("L", "PP3")
    rows = np.flatnonzero(mask.any(1))
    inner = ndimage.binary_erosion(mask, iterations=3)
    pixels = shown.radiograph().pixels
    profile = np.array([pixels[row][inner[row]].mean() if inner[row].any() else np.nan for row in rows])
    base = profile[-int(0.35 * len(rows)) :]
    base = base[np.isfinite(base)]
    lowest = int(np.argmin(base[3:-3])) + 3
    assert base[lowest] < 0.85 * min(base[:lowest].max(), base[lowest:].max())
