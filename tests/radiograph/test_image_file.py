"""PNG, JPEG, BMP and TIFF files; masks; and files that are refused."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_jsn as jsn
from napari_jsn.joint.read_masks import read_masks

EIGHT = np.add.outer(np.arange(16) * 12, np.arange(12) * 4).astype(np.uint8)


def intensities(path):
    return jsn.read_radiograph(path).pixels


@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
def test_8_bit_files(tmp_path, ending):
    Image.fromarray(EIGHT).save(tmp_path / f"hand.{ending}")
    np.testing.assert_allclose(intensities(tmp_path / f"hand.{ending}"), EIGHT / 255, atol=1e-6)


def test_jpeg(tmp_path):
    Image.fromarray(EIGHT).save(tmp_path / "hand.jpg", quality=95)
    np.testing.assert_allclose(intensities(tmp_path / "hand.jpg"), EIGHT / 255, atol=0.03)


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize(("factor", "full"), [(16, 4095), (256, 65535)])
def test_16_bit_files(tmp_path, ending, factor, full):
    deep = EIGHT.astype(np.uint16) * factor + 3
    Image.fromarray(deep).save(tmp_path / f"hand.{ending}")
    np.testing.assert_allclose(intensities(tmp_path / f"hand.{ending}"), deep / full, atol=1e-6)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_greyscale_in_other_modes(tmp_path, mode):
    Image.fromarray(EIGHT).convert(mode).save(tmp_path / "hand.png")
    np.testing.assert_allclose(intensities(tmp_path / "hand.png"), EIGHT / 255, atol=1e-6)


def test_a_palette_means_its_colours(tmp_path):
    image = Image.fromarray(EIGHT)
    image.putpalette([255 - level for level in range(256) for _ in range(3)])
    image.save(tmp_path / "hand.png")
    np.testing.assert_allclose(intensities(tmp_path / "hand.png"), 1 - EIGHT / 255, atol=1e-6)


def test_float_and_white_is_zero_tiff(tmp_path):
    levels = (EIGHT / 300).astype(np.float32)
    tifffile.imwrite(tmp_path / "float.tif", levels)
    np.testing.assert_array_equal(intensities(tmp_path / "float.tif"), levels)
    for dtype, full in ((np.uint8, 255), (np.uint16, 65535)):
        tifffile.imwrite(tmp_path / "film.tif", EIGHT.astype(dtype) * (full // 255), photometric="miniswhite")
        pixels = intensities(tmp_path / "film.tif")
        np.testing.assert_allclose(pixels - pixels.max(), -(EIGHT.astype(float) - EIGHT.min()) / 255, atol=1e-6)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(("dtype", "full"), [("u1", 255), ("u2", 65535), ("i2", 255), ("f4", 1)])
def test_tiff_files_of_either_byte_order(tmp_path, order, photometric, tile, compression, dtype, full):
    levels = np.zeros((64, 48))
    levels[8:40, 9:33] = np.linspace(0, 1, 32)[:, None] * np.linspace(0.1, 1, 24)
    values = (levels * full).round().astype(dtype) if full > 1 else levels.astype(dtype)
    written = full - values if photometric == "miniswhite" else values
    tifffile.imwrite(
        tmp_path / "film.tif", written.astype(order + dtype), byteorder=order, photometric=photometric, tile=tile,
        compression=compression,
    )  # fmt: skip
    np.testing.assert_allclose(intensities(tmp_path / "film.tif"), values / full, atol=1e-6)


@pytest.mark.parametrize("edge", [0, 3500, 4095])
def test_white_is_zero_does_not_depend_on_what_the_image_shows(tmp_path, edge):
    """A lead letter or an edge of the collimator does not change the intensities of the rest."""
    bone = EIGHT.astype(np.uint16) * 10 + 500
    with_edge = bone.copy()
    with_edge[:3] = edge
    for name, values in (("bone", bone), ("edge", with_edge)):
        tifffile.imwrite(tmp_path / f"{name}.tif", values, photometric="miniswhite")
    np.testing.assert_array_equal(intensities(tmp_path / "bone.tif")[3:], intensities(tmp_path / "edge.tif")[3:])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("noise", [0, 1, 2])
def test_a_greyscale_image_stored_as_colour(tmp_path, mode, noise):
    image = np.stack([EIGHT + 5] * 3, -1)
    image[::2, ::2, 0] += np.uint8(noise)
    Image.fromarray(image).convert(mode).save(tmp_path / "hand.png")
    np.testing.assert_allclose(intensities(tmp_path / "hand.png"), (EIGHT + 5) / 255, atol=2 / 255)


def test_the_orientation_tag_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    Image.fromarray(EIGHT).save(tmp_path / "hand.png", exif=exif)
    np.testing.assert_allclose(intensities(tmp_path / "hand.png"), np.rot90(EIGHT, -1) / 255, atol=1e-6)


@pytest.mark.parametrize(("options", "source"), [({}, ""), ({"dpi": (300, 300)}, "resolution tag is not trusted")])
def test_no_spacing_unless_given(tmp_path, options, source):
    path = tmp_path / "hand.png"
    Image.fromarray(EIGHT).save(path, **options)
    radiograph = jsn.read_radiograph(path)
    assert radiograph.spacing_mm is None and radiograph.spacing_source.endswith(source)
    assert (radiograph.side, radiograph.acquired, radiograph.name) == (None, None, "hand.png")
    radiograph = jsn.read_radiograph(path, spacing_mm=(0.2, 0.1))
    assert (radiograph.spacing_mm, radiograph.spacing_source) == ((0.2, 0.1), "given")


@pytest.mark.parametrize(
    ("name", "options", "aspect"),
    [
        ("hand.png", {"dpi": (200, 100)}, 2.0),
        ("hand.tif", {"dpi": (130, 185.7)}, 0.7),
        ("hand.jpg", {"dpi": (204, 98)}, 204 / 98),
        ("hand.bmp", {"dpi": (150, 300)}, 0.5),
        ("hand.png", {"dpi": (300, 299)}, 1.0),
        ("hand.png", {"dpi": (200, 100), "exif": 6}, 0.5),
        ("hand.png", {"dpi": (200, 100), "exif": 3}, 2.0),
    ],
)
def test_different_resolutions_across_and_down_mean_pixels_that_are_not_square(tmp_path, name, options, aspect):
    if turned := options.get("exif"):
        exif = Image.Exif()
        exif[0x0112] = turned
        options = options | {"exif": exif}
    Image.fromarray(EIGHT).save(tmp_path / name, **options)
    assert jsn.read_radiograph(tmp_path / name).pixel_aspect == pytest.approx(aspect, rel=1e-3)
    row, col = np.broadcast_to(jsn.read_radiograph(tmp_path / name, spacing_mm=0.1).spacing_mm, 2)
    assert (row, col) == (pytest.approx(0.1 * aspect, rel=1e-3), 0.1)


def refusal_of(path, read=jsn.read_radiograph):
    with pytest.raises(jsn.InputError) as refusal:
        read(path)
    sentence = str(refusal.value)
    assert str(path) in sentence and sentence.endswith(".") and "\n" not in sentence
    return sentence


def png_of_16_bit_colour(levels):
    """A kind that Pillow can read (as 8 bits) but not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + np.repeat(row, 3).astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("read", [jsn.read_radiograph, read_masks])
def test_bad_paths(tmp_path, read):
    assert "There is no file" in refusal_of(tmp_path / "missing.png", read)
    assert "is a folder" in refusal_of(tmp_path, read)
    (tmp_path / "empty.dcm").touch()
    assert "is empty" in refusal_of(tmp_path / "empty.dcm", read)
    (tmp_path / "notes.png").write_text("JSN of the second finger\n" * 20)
    assert "not an image" in refusal_of(tmp_path / "notes.png", read)
    for nonsense in (None, 3, "a\0b"):
        with pytest.raises(jsn.InputError):
            read(nonsense)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read(tmp_path):
    (tmp_path / "hand.png").write_bytes(b"x")
    (tmp_path / "hand.png").chmod(0)
    assert "cannot be opened" in refusal_of(tmp_path / "hand.png")


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_truncated_files(tmp_path, ending):
    path = tmp_path / f"hand.{ending}"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    assert "damaged" in refusal_of(path)


def test_files_without_a_single_greyscale_image(tmp_path):
    tifffile.imwrite(tmp_path / "pages.tif", np.stack([EIGHT] * 4), photometric="minisblack")
    assert "4 images" in refusal_of(tmp_path / "pages.tif")
    (tmp_path / "deep.png").write_bytes(png_of_16_bit_colour(EIGHT.astype(np.uint16)))
    assert "16-bit greyscale" in refusal_of(tmp_path / "deep.png")
    Image.fromarray(EIGHT).save(tmp_path / "hand.gif")
    assert "PNG, JPEG, BMP or TIFF" in refusal_of(tmp_path / "hand.gif")
    Image.fromarray(np.full((9, 9), 7, np.uint8)).save(tmp_path / "flat.png")
    assert "no contrast" in refusal_of(tmp_path / "flat.png")


LABELS = np.zeros((16, 12), np.uint8)
LABELS[1:8, 2:10], LABELS[7:15, 2:10] = 1, 2
LABELS[7, 3:8] = 3


@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_masks_of_labels(tmp_path, ending, mode):
    image = Image.fromarray(LABELS)
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 0])
    path = tmp_path / f"masks.{ending}"
    (image if mode == "P" else image.convert(mode)).save(path)
    np.testing.assert_array_equal(read_masks(path).labels, LABELS)


@pytest.mark.parametrize("mode", ["1", "L", "RGBA"])
def test_a_binary_mask_is_the_upper_side(tmp_path, mode):
    Image.fromarray((LABELS == 1).astype(np.uint8) * 255).convert(mode).save(tmp_path / "masks.png")
    masks = read_masks(tmp_path / "masks.png")
    np.testing.assert_array_equal(masks.upper, LABELS == 1)
    np.testing.assert_array_equal(masks.lower, LABELS != 1)


def test_masks_that_are_none(tmp_path):
    Image.fromarray(EIGHT).save(tmp_path / "hand.png")
    assert "contains no bone masks" in refusal_of(tmp_path / "hand.png", read_masks)
    Image.fromarray(LABELS * 80).save(tmp_path / "masks.jpg")
    assert "Save the masks as PNG" in refusal_of(tmp_path / "masks.jpg", read_masks)
    Image.fromarray(np.stack([LABELS, LABELS * 0, LABELS], axis=-1)).save(tmp_path / "colour.png")
    assert "colour image" in refusal_of(tmp_path / "colour.png", read_masks)


@pytest.mark.skipif(not os.environ.get("NAPARI_JSN_DATA"), reason="NAPARI_JSN_DATA is not set: no real images")
def test_the_published_pair():
    folder = Path(os.environ["NAPARI_JSN_DATA"]) / "published-pair"
    images = [path for path in sorted(folder.glob("*")) if path.suffix in (".png", ".jpg", ".bmp", ".tif")]
    assert images
    for path in images:
        if "mask" in path.name:
            assert read_masks(path).upper.any()
        else:
            assert np.ptp(jsn.read_radiograph(path, spacing_mm=0.175).pixels) > 0.2
