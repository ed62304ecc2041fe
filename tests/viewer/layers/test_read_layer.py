import logging

import dask.array
import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.layers.read_layer import (
    KEY,
    frozen_pixels,
    layer_metadata,
    load_pixels,
    pixels_of,
    role_in_name,
    role_of,
    shown_otherwise,
    spacing_of,
    unit_factors,
)

TURN = np.array([[np.cos(0.5), -np.sin(0.5), 7], [np.sin(0.5), np.cos(0.5), -9], [0, 0, 1]])


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("fixed", "fixed"),
        ("sample-Fixed", "fixed"),
        ("MCP2 baseline", "fixed"),
        ("moving", "moving"),
        ("followup", "moving"),
        ("follow-up 2024", "moving"),
        ("hand", None),
        ("fixed and moving", None),
    ],
)
def test_role_in_a_name(name, role):
    assert role_in_name(name, mask=False) == role
    assert role_in_name(name, mask=True) == (role and f"{role}_masks")


def test_metadata_comes_before_the_name(images):
    layer = Image(images[0], name="moving", metadata={KEY: {"role": "fixed"}})
    assert role_of(layer, mask=False) == "fixed"
    assert role_of(Labels(images[2], name="moving"), mask=True) == "moving_masks"


def test_foreign_metadata_under_the_key_is_ignored(images):
    assert layer_metadata(Image(images[0], metadata={KEY: "something else"})) == {}


@pytest.mark.parametrize(
    ("options", "spacing_mm"),
    [
        ({"scale": (0.1, 0.1), "units": "mm"}, 0.1),
        ({"affine": np.diag([0.1, 0.1, 1]), "units": "mm"}, 0.1),
        ({"affine": np.diag([0.2, 0.1, 1]), "units": "mm"}, (0.2, 0.1)),
        ({"scale": (0.5, 0.5), "affine": np.diag([0.2, 0.2, 1]), "units": "mm"}, 0.1),
        ({"scale": (-0.1, 0.1), "units": "mm"}, 0.1),
        ({"scale": (0.1, -0.15), "units": "mm"}, (0.1, 0.15)),
        ({"scale": (0.1, 0.1), "rotate": 30, "translate": (1e4, 3), "units": "mm"}, 0.1),
        ({"affine": TURN @ np.diag([0.1, -0.1, 1]), "units": "mm"}, 0.1),
        ({"scale": (100, 100), "units": "um"}, 0.1),
        ({"affine": np.diag([100, 0.1, 1]), "units": ("um", "mm")}, 0.1),
        ({"affine": [[0, 0.1, 0], [100, 0, 0], [0, 0, 1]], "units": ("mm", "um")}, 0.1),
        ({"scale": (0.1, 0.1)}, None),
        ({"affine": np.diag([0.1, 0.1, 1])}, None),
        ({"scale": (0.1, 0.1), "units": ("mm", "pixel")}, None),
        ({"scale": (0.1, 0.1), "units": ("mm", "s")}, None),
        ({"scale": (0.1, 0.1), "shear": [0.2], "units": "mm"}, None),
        ({"affine": [[0.1, 0.03, 0], [0, 0.1, 0], [0, 0, 1]], "units": "mm"}, None),
        ({"affine": [[0.1, 0, 0], [0.005, 0.2, 0], [0, 0, 1]], "units": "mm"}, None),
    ],
)
@pytest.mark.parametrize("multiscale", [False, True])
def test_the_pixel_size_is_that_of_the_whole_transform(options, spacing_mm, multiscale):
    data = [np.eye(40), np.eye(20)] if multiscale else np.eye(40)
    assert spacing_of(Image(data, multiscale=multiscale, **options)) == spacing_mm


def test_only_2d_layers_have_a_pixel_size():
    assert spacing_of(Image(np.zeros((3, 4, 5)), scale=(1, 0.1, 0.1), units="mm")) is None


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, ""),
        ({"rotate": 20}, ""),
        ({"scale": (0.1, 2)}, ""),
        ({"scale": (-1, 1)}, "mirrored"),
        ({"affine": np.diag([1, -0.1, 1])}, "mirrored"),
        ({"affine": [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}, "mirrored"),
        ({"scale": (-1, -1)}, "rotated"),
        ({"rotate": 90}, "rotated"),
        ({"rotate": -120}, "rotated"),
    ],
)
def test_a_layer_that_is_shown_otherwise_than_it_is_stored(options, shown):
    assert shown_otherwise(Image(np.eye(5), **options)) == shown


def test_factors_between_units():
    layers = [Image(np.eye(3), units=unit) for unit in ("mm", "um", "m", "pixel")]
    mm, um, m, pixel = (layer.units for layer in layers)
    np.testing.assert_allclose(unit_factors(mm, um), 1000)
    np.testing.assert_allclose(unit_factors(um, mm), 0.001)
    np.testing.assert_allclose(unit_factors(m, (pixel[0], *mm)), 1000)
    for units, wanted in ((mm, pixel), (pixel, um), (um, None)):
        np.testing.assert_allclose(unit_factors(units, wanted), 1)


class Array:
    """An array that is read when it is needed, as those of zarr and h5py."""

    dtype, shape, ndim = np.dtype(float), (4, 5), 2

    def __init__(self, error=None):
        self.error, self.reads = error, 0

    def __getitem__(self, index):
        return np.ones(self.shape)[index]

    def __array__(self, dtype=None, copy=None):
        self.reads += 1
        if self.error:
            raise self.error
        return np.ones(self.shape)


def test_an_array_in_memory_is_copied_and_a_lazy_one_is_read_later(images):
    layer = Image(images[0])
    frozen = frozen_pixels(layer)
    layer.data[:] = 0
    np.testing.assert_array_equal(load_pixels(frozen, "hand"), images[0] * 0 + frozen)
    assert frozen.any()
    lazy = Array()
    layer = Image(lazy, contrast_limits=(0, 1))
    reads = lazy.reads
    frozen = frozen_pixels(layer)
    assert lazy.reads == reads and frozen is pixels_of(layer)
    assert type(load_pixels(frozen, "hand")) is np.ndarray and lazy.reads == reads + 1
    blocks = dask.array.ones((4, 5))
    assert frozen_pixels(Image(blocks)) is blocks


def fails(block):
    raise OSError("the server is gone")


@pytest.mark.parametrize(
    "pixels",
    [
        Array(OSError("the server is gone")),
        Array(KeyError("the server is gone")),
        dask.array.ones((4, 5)).map_blocks(fails, dtype=float, meta=np.empty((0, 0))),
    ],
)
def test_pixels_that_cannot_be_read_are_an_error_of_one_sentence_and_a_traceback_in_the_log(pixels, caplog):
    with caplog.at_level(logging.ERROR, "napari_jsn"), pytest.raises(InputError) as error:
        load_pixels(pixels, "left hand", "baseline")
    assert error.value.argument == "baseline"
    assert str(error.value).startswith("The pixels of 'left hand' cannot be read (") and "server" in str(error.value)
    assert "\n" not in str(error.value) and caplog.records[0].exc_info
