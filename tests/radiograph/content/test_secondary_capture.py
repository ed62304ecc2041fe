import numpy as np
import pydicom
import pytest

import napari_jsn as jsn
from napari_jsn.radiograph.content.secondary_capture import is_page

SAMPLES = sorted(path for name in ("hand_pair", "both_hands") for path in jsn.sample_folder(name).glob("*.dcm"))


def write(path, pixels):
    dataset = pydicom.dcmread(SAMPLES[0])
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = pixels.ndim if pixels.ndim == 3 else 1
    dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path)
    return path


def text(background, ink, shape=(300, 200), channels=None):
    pixels = np.full((*shape, channels) if channels else shape, background, np.uint8)
    pixels[20:280:12, 10:150:2] = ink
    return pixels


@pytest.mark.parametrize(("background", "ink"), [(255, 0), (0, 255), (240, 10)])
@pytest.mark.parametrize("channels", [None, 3])
def test_pages_of_text(tmp_path, background, ink, channels):
    assert is_page(write(tmp_path / "a.dcm", text(background, ink, channels=channels)))


def test_pictures_in_colour(tmp_path):
    for colour in ((255, 0, 0), (90, 160, 90), (0, 0, 255)):
        pixels = np.repeat(np.random.default_rng(0).integers(0, 255, (60, 50, 1), dtype=np.uint8), 3, axis=2)
        assert not is_page(write(tmp_path / "a.dcm", pixels))
        pixels[5:8] = colour
        assert is_page(write(tmp_path / "a.dcm", pixels))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_radiographs_are_no_pages_with_a_border_and_in_negative_too(tmp_path, path):
    pixels = (pydicom.dcmread(path).pixel_array[::4, ::4] >> 2).astype(np.uint8)
    for border in (0, 100, 400):
        padded = np.pad(pixels, border)
        for each in (padded, 255 - padded, np.stack([padded] * 3, axis=-1)):
            assert not is_page(write(tmp_path / "a.dcm", each))
    assert not is_page(path)


@pytest.mark.parametrize("content", [b"", b"text", SAMPLES[0].read_bytes()[:3000]])
def test_what_cannot_be_looked_at_is_no_page(tmp_path, content):
    (tmp_path / "a.dcm").write_bytes(content)
    assert not is_page(tmp_path / "a.dcm")
