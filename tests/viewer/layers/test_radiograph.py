"""Radiographs read from image layers: intensities, messages, units, and whose they are."""

import numpy as np
import pytest
from napari.layers import Image

from napari_jsn.common.errors import InputError
from napari_jsn.patient.identity import Identity, identity_codes
from napari_jsn.viewer.layers.patient import identity_entry
from napari_jsn.viewer.layers.radiograph import (
    check_layers_of_one_patient,
    patient_from_layers,
    read_radiograph_layer,
    transform_points,
)
from napari_jsn.viewer.layers.read_layer import KEY, dimension_problem

GREY = np.add.outer(np.arange(40), np.arange(30)).astype(np.uint8)
ALPHA = np.full_like(GREY, 200)


def colour(*channels):
    return np.stack(channels, axis=-1)


def loaded(pixels, name="hand", **options):
    return read_radiograph_layer(Image(pixels, name=name, **options), 1).loaded()


@pytest.mark.parametrize(
    ("pixels", "same"),
    [
        (colour(GREY, GREY, GREY), GREY),
        (colour(GREY, GREY, GREY, ALPHA), GREY),
        (colour(GREY, GREY, GREY) / np.float32(255), GREY / np.float32(255)),
        (colour(GREY, GREY, GREY, ALPHA) / 255, GREY / 255),
    ],
)
def test_a_grey_radiograph_stored_in_colour_is_that_in_grey(pixels, same):
    layer = Image(pixels, rgb=True)
    assert dimension_problem(layer) == ""
    radiograph, expected = loaded(pixels, rgb=True), loaded(same)
    np.testing.assert_allclose(radiograph.pixels, expected.pixels, rtol=1e-6)
    np.testing.assert_array_equal(radiograph.radiograph().pixels, radiograph.pixels)


@pytest.mark.parametrize("pixels", [GREY, GREY.astype(np.uint16) * 16, GREY / 255, GREY * 2.0 - 9])
def test_intensities_and_limits_are_those_of_the_radiograph(pixels):
    low, high = float(pixels.min()), float(pixels.max())
    radiograph = loaded(pixels, contrast_limits=(low, high))
    np.testing.assert_array_equal(radiograph.pixels, read_radiograph_layer(Image(pixels), 1).radiograph().pixels)
    limits = radiograph.pixels.min(), radiograph.pixels.max()
    np.testing.assert_allclose(radiograph.contrast_limits, limits, atol=1e-6)


@pytest.mark.parametrize(
    ("pixels", "what"),
    [
        (np.where(GREY > 3, GREY, np.nan), "contains NaN"),
        (np.full((40, 30), 7), "has no contrast"),
        (np.where(GREY > 3, GREY, -np.inf), "infinite values"),
        (GREY * 1j, "values of type complex"),
    ],
)
@pytest.mark.parametrize(("visit", "argument"), [(1, "baseline"), (2, "followup"), (3, "followup")])
def test_an_image_that_cannot_be_used_is_named(pixels, what, visit, argument):
    layer = Image(pixels.real, name="Anna 2024")
    layer._data = pixels
    with pytest.raises(InputError, match=rf"^The image 'Anna 2024' .*{what}") as error:
        read_radiograph_layer(layer, visit).loaded()
    assert error.value.argument == argument


@pytest.mark.parametrize("units", ["mm", "um", "m", "pixel"])
def test_the_position_in_other_units(units):
    layer = Image(GREY, scale=(0.2, 0.3), translate=(3, 4), units=units)
    radiograph = read_radiograph_layer(layer, 1)
    factor = {"mm": 1, "um": 1e-3, "m": 1e3, "pixel": 1}[units]
    mm = Image(GREY, units="mm").units
    expected = np.array(layer.data_to_world((5, 6))) * factor
    np.testing.assert_allclose(transform_points(radiograph.to_world_in(mm), (5, 6)), expected)
    np.testing.assert_allclose(transform_points(radiograph.to_world_in(layer.units), (5, 6)), expected / factor)


@pytest.mark.parametrize("scale", [(-1, 1), (1, -1), (-1, -1)])
def test_a_radiograph_that_is_shown_otherwise_is_noted(scale):
    layers = [Image(GREY, name="before", scale=scale), Image(GREY, name="after")]
    radiographs = [read_radiograph_layer(layer, visit).loaded() for visit, layer in enumerate(layers, start=1)]
    patient = patient_from_layers(radiographs, ("first",), split=False)
    assert patient.notes[0] == "first"
    assert patient.notes[1].startswith(f"'before' is shown {'rotated' if scale == (-1, -1) else 'mirrored'}")
    assert "before" not in patient.notes[1].public


BORN = {"number": "1", "birth_date": "19600101"}


def of_patient(layer_name, stated):
    return Image(GREY, name=layer_name, metadata={KEY: identity_entry(identity_codes([Identity(**stated)]))})


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ({"number": "1"}, {"number": "2"}, "Patient ID"),
        ({"number": "1", "birth_date": "19600101"}, {"number": "1", "birth_date": "19610101"}, "birth date"),
        ({"number": "1", "sex": "F"}, {"number": "1", "sex": "M"}, "sex"),
        ({"name": "Doe^Jane"}, {"name": "Doe^Joan"}, "name"),
    ],
)
def test_radiographs_of_two_patients_are_refused_without_naming_them(one, other, what):
    layers = [of_patient("A", one), Image(GREY, name="unknown"), of_patient("B", other)]
    with pytest.raises(InputError, match=f"more than one patient: the {what} in 'A' and in 'B' differs") as error:
        check_layers_of_one_patient(layers, "followup")
    texts = str(error.value), *(str(layer.metadata) for layer in layers)
    assert error.value.argument == "followup" and not any("Doe" in text or "196" in text[:99] for text in texts)


@pytest.mark.parametrize(
    ("one", "other", "notes"),
    [
        ({"number": " p-7 "}, {"number": "P-7"}, 0),
        ({"name": "Doe^Jane"}, {"name": "DOE, Jane", "number": "3"}, 0),
        ({**BORN, "name": "A^B"}, {**BORN, "name": "C^B"}, 1),
        ({"number": "1"}, {}, 0),
        ({"birth_date": "19000101", "sex": "O"}, {"birth_date": "19600101", "sex": "F"}, 0),
        ({"name": "Yamada^Taro"}, {"name": "\u5c71\u7530^\u592a\u90ce"}, 1),
    ],
)
def test_radiographs_of_one_patient(one, other, notes):
    assert len(check_layers_of_one_patient([of_patient("A", one), of_patient("B", other)], "followup")) == notes
