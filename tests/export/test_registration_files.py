import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_jsn.export.registration_files import registration_images, tiff_bytes, write_registration
from napari_jsn.radiograph import read_radiograph


@pytest.mark.parametrize("seconds", [None, 0.07, 12.5])
def test_the_record_states_how_long_the_registration_took(registration, tmp_path, seconds):
    pixels = registration.transformed
    write_registration(tmp_path, pixels, pixels, replace(registration, seconds=seconds))
    assert json.loads((tmp_path / "run.json").read_text())["seconds"] == seconds


def test_tiffs_hold_the_exact_floats(registration):
    files = registration_images(registration)
    assert list(files) == ["transformed.tif", "original-spectrum.tif", "transformed-spectrum.tif"]
    for content, pixels in zip(
        files.values(),
        (registration.transformed, registration.original_spectrum, registration.transformed_spectrum),
        strict=True,
    ):
        read = np.asarray(Image.open(io.BytesIO(content)))
        assert read.dtype == np.float32
        assert np.array_equal(read, pixels)


def test_the_pixel_size_is_kept_as_resolution():
    pixels = np.eye(4, dtype=np.float32)
    with Image.open(io.BytesIO(tiff_bytes(pixels, 0.175))) as image:
        assert image.tag_v2[296] == 3  # pixels per centimetre
        assert float(image.tag_v2[282]) == np.float32(10 / 0.175)
    with Image.open(io.BytesIO(tiff_bytes(pixels))) as image:
        assert 282 not in image.tag_v2


def test_the_transformed_image_can_be_measured_again(registration, tmp_path):
    path = tmp_path / "transformed.tif"
    path.write_bytes(tiff_bytes(registration.transformed))
    assert np.allclose(read_radiograph(path).pixels, registration.transformed)
