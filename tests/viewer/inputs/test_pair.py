from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_jsn.common.errors import InputError
from napari_jsn.registration.method_names import METHODS
from napari_jsn.registration.register import register
from napari_jsn.viewer.inputs.pair import PairInputs


@pytest.fixture
def pair(images):
    return {"fixed": Image(images[0]), "moving": Image(images[1])}


def test_a_pair_of_images_is_enough(pair):
    assert PairInputs(**pair).problems() == {}


def test_empty_inputs_are_a_problem_of_both_images():
    assert set(PairInputs().problems()) == {"fixed", "moving"}


def test_the_same_image_twice(pair):
    problems = PairInputs(fixed=pair["fixed"], moving=pair["fixed"]).problems()
    assert list(problems) == ["moving"]
    assert "another image" in problems["moving"]


@pytest.mark.parametrize("shape", [(4, 16, 12), (2, 2, 16, 12)])
def test_images_that_are_not_2d(pair, shape):
    problem = PairInputs(fixed=Image(np.zeros(shape)), moving=pair["moving"]).problems()["fixed"]
    assert f"{len(shape)} dimensions" in problem


@pytest.mark.parametrize("channels", [3, 4])
def test_a_greyscale_image_stored_in_colour_is_used(pair, images, channels):
    colour = np.repeat(np.rint(255 * images[0]).astype(np.uint8)[:, :, None], channels, axis=2)
    inputs = PairInputs(fixed=Image(colour, rgb=True), moving=pair["moving"])
    assert inputs.problems() == {}
    np.testing.assert_allclose(inputs.as_core_arguments()["fixed"](), images[0], atol=1 / 255)


def test_a_lazy_image_is_read_by_the_work_and_a_failing_one_is_named(pair, images):
    dask = pytest.importorskip("dask.array")
    reads = []

    def read(block):
        reads.append(block.shape)
        if len(reads) > 1:
            raise OSError("disk error")
        return block

    lazy = dask.from_array(images[0], chunks=images[0].shape).map_blocks(
        read, dtype=np.float32, meta=np.array((), "f4")
    )
    layer = Image(lazy, contrast_limits=(0, 1), name="slow")
    reads.clear()
    arguments = PairInputs(fixed=layer, moving=pair["moving"]).as_core_arguments()
    assert reads == []
    np.testing.assert_array_equal(arguments["fixed"](), images[0])
    with pytest.raises(InputError, match="'slow' cannot be read .*disk error") as caught:
        arguments["fixed"]()
    assert caught.value.argument == "fixed"


def test_masks_of_another_shape(pair):
    problems = PairInputs(**pair, moving_masks=Labels(np.ones((16, 13), dtype=int))).problems()
    assert list(problems) == ["moving_masks"]
    assert "16\xa0×\xa013 pixels, the image is 16\xa0×\xa012" in problems["moving_masks"]


@pytest.mark.parametrize("spacing", [0.0, -0.1, float("nan"), float("inf"), (0.1, 0.0)])
def test_a_spacing_that_is_no_length(pair, spacing):
    assert set(PairInputs(**pair, spacing_mm=spacing).problems()) == {"spacing_mm"}
    assert set(PairInputs(**pair, spacing_mm=0.1, moving_spacing_mm=spacing).problems()) == {"moving_spacing_mm"}


def test_a_spacing_of_the_moving_image_alone(pair):
    assert set(PairInputs(**pair, moving_spacing_mm=0.1).problems()) == {"moving_spacing_mm"}


def test_core_arguments_have_the_names_of_the_core():
    names = {field.name for field in fields(PairInputs)}
    assert names <= set(register.__code__.co_varnames[: register.__code__.co_argcount])


def test_core_arguments_are_copies_of_the_layers(pair, images):
    masks = Labels(images[2])
    arguments = PairInputs(**pair, fixed_masks=masks, spacing_mm=0.2).as_core_arguments()
    masks.data[:] = 0
    pair["fixed"].data[:] = 0
    assert arguments["fixed_masks"]().max() == 2
    assert arguments["fixed"]().max() > 0
    assert arguments["moving_masks"] is arguments["moving_spacing_mm"] is arguments["device"] is None
    assert arguments["spacing_mm"] == 0.2
    assert arguments["method"] == next(iter(METHODS))


def test_a_multiscale_image_is_registered_at_full_resolution(pair, images):
    inputs = PairInputs(fixed=Image([images[0], images[0][::2, ::2]], multiscale=True), moving=pair["moving"])
    assert inputs.problems() == {}
    assert inputs.as_core_arguments()["fixed"]().shape == images[0].shape


def test_inputs_are_frozen(pair):
    with pytest.raises(FrozenInstanceError):
        PairInputs(**pair).method = "other"
