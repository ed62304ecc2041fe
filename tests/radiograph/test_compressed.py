"""Compressed pixels that contradict the header: the image data decide, or the file is refused in a sentence."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import get_decoder, get_encoder
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

import napari_jsn as jsn

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
LABELS = [JPEGBaseline8Bit, JPEG2000, JPEGLosslessSV1, JPEGLSLossless, RLELossless, ExplicitVRLittleEndian]


@pytest.fixture
def eight(stored):
    """(64, 48) stored values of 8 bits."""
    return (stored >> 4).astype(np.uint8)


def jpeg(values, **options):
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def with_stream(dataset: Dataset, stream: bytes, syntax: str) -> Dataset:
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dataset


def stream_of(dataset: Dataset, syntax: str) -> bytes:
    if not get_encoder(syntax).is_available:
        pytest.skip(f"no encoder for {syntax.name} is installed")
    dataset.compress(syntax)
    return next(generate_frames(dataset.PixelData, number_of_frames=1))


def decoded_jpeg(stream):
    return np.asarray(Image.open(io.BytesIO(stream)).convert("L"))


def refusal_of(path):
    with pytest.raises(jsn.InputError) as refusal:
        jsn.read_radiograph(path)
    sentence = str(refusal.value)
    assert str(path) in sentence and sentence.endswith(".") and "\n" not in sentence
    assert not any(word in sentence for word in ("NoneType", "libjpeg error", "plugin", "object", "buffer"))
    return sentence


@pytest.mark.parametrize("frame", [0xC0, 0xC1])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("end", [0, 1, 62])
def test_a_sequential_scan_contains_all_coefficients(save, cr, eight, frame, colour, end):
    right = jpeg(np.stack([eight] * 3, -1) if colour else eight)
    wrong = bytearray(right)
    wrong[right.index(b"\xff\xc0") + 1] = frame
    scan = right.index(b"\xff\xda")
    wrong[scan + 2 + struct.unpack_from(">H", right, scan + 2)[0] - 2] = end
    more = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL", "PlanarConfiguration": 0} if colour else {}
    path = save(
        with_stream(cr(eight, 8, **more), bytes(wrong), JPEGExtended12Bit if frame == 0xC1 else JPEGBaseline8Bit)
    )
    np.testing.assert_allclose(jsn.read_radiograph(path).pixels, decoded_jpeg(right) / 255, atol=2 / 255)


def test_a_12_bit_scan_of_another_program():
    repaired = jsn.read_radiograph(PYDICOM_FILES / "JPEG-lossy.dcm").pixels
    np.testing.assert_array_equal(repaired, jsn.read_radiograph(PYDICOM_FILES / "JPGExtended.dcm").pixels)


@pytest.mark.parametrize("coefficients", [(0, 0), (0, 1), (0, 62), (1, 63)])
def test_a_12_bit_scan_contains_all_coefficients(save, coefficients):
    dataset = dcmread(PYDICOM_FILES / "JPGExtended.dcm")
    stream = bytearray(next(generate_frames(dataset.PixelData, number_of_frames=1)))
    scan = stream.index(b"\xff\xda")
    end = scan + 2 + struct.unpack_from(">H", stream, scan + 2)[0]
    stream[end - 3 : end - 1] = bytes(coefficients)
    dataset.PixelData = encapsulate([bytes(stream)])
    expected = jsn.read_radiograph(PYDICOM_FILES / "JPGExtended.dcm").pixels
    np.testing.assert_array_equal(jsn.read_radiograph(save(dataset)).pixels, expected)


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.keyword)
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless], ids=lambda syntax: syntax.keyword)
def test_pixels_of_another_kind_than_the_label(save, cr, stored, syntax, label):
    stream = stream_of(cr(), syntax)
    np.testing.assert_allclose(
        jsn.read_radiograph(save(with_stream(cr(), stream, label))).pixels, stored / 4095, atol=1e-6
    )


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.keyword)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_another_kind_than_the_label(save, cr, eight, label, progressive):
    stream = jpeg(eight, progressive=progressive)
    pixels = jsn.read_radiograph(save(with_stream(cr(eight, 8), stream, label))).pixels
    np.testing.assert_allclose(pixels, decoded_jpeg(stream) / 255, atol=2 / 255)


@pytest.mark.parametrize("label", LABELS[:5], ids=lambda label: label.keyword)
def test_uncompressed_pixels_with_a_label_of_compression(save, cr, stored, label):
    path = save(cr())
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", str(label).encode().ljust(22, b"\0"))
    start = content.index(b"\x02\0\x10\0UI")
    path.write_bytes(content[: start + 6] + struct.pack("<H", 22) + content[start + 8 :])
    meta = content.index(b"\x02\0\0\0UL") + 8
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, meta, struct.unpack_from("<I", content, meta)[0] + 2)
    path.write_bytes(content)
    assert dcmread(path).file_meta.TransferSyntaxUID == label
    np.testing.assert_allclose(jsn.read_radiograph(path).pixels, stored / 4095, atol=1e-6)


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1", "monochrome2"])
def test_a_greyscale_jpeg_stored_as_colour(save, cr, eight, photometric):
    stream = jpeg(np.stack([eight] * 3, -1))
    path = save(with_stream(cr(eight, 8, PhotometricInterpretation=photometric), stream, JPEGBaseline8Bit))
    expected = decoded_jpeg(stream) / 255
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    np.testing.assert_allclose(jsn.read_radiograph(path).pixels, expected, atol=2 / 255)


@pytest.mark.parametrize("samples", [["RGB", 0], ["YBR_FULL", 0], ["YBR_FULL_422", 0]])
def test_a_greyscale_jpeg_whose_header_states_colour(save, cr, eight, samples):
    stream = jpeg(eight)
    more = {"SamplesPerPixel": 3, "PhotometricInterpretation": samples[0], "PlanarConfiguration": 0}
    pixels = jsn.read_radiograph(save(with_stream(cr(eight, 8, **more), stream, JPEGBaseline8Bit))).pixels
    np.testing.assert_allclose(pixels, decoded_jpeg(stream) / 255, atol=2 / 255)


def test_a_colour_jpeg_whose_header_states_grey_is_refused(save, cr, eight):
    colour = np.stack([eight, eight // 2, eight // 3], -1)
    assert "in colour" in refusal_of(save(with_stream(cr(eight, 8), jpeg(colour), JPEGBaseline8Bit)))


@pytest.mark.parametrize("size", [(48, 64), (64, 47), (65500, 65500)])
@pytest.mark.parametrize("kind", [JPEGBaseline8Bit, JPEG2000Lossless, JPEGLSLossless], ids=lambda kind: kind.keyword)
def test_image_data_of_another_size_than_the_header_are_refused(save, cr, eight, kind, size):
    if kind == JPEGBaseline8Bit:
        stream = bytearray(jpeg(eight))
        struct.pack_into(">HH", stream, stream.index(b"\xff\xc0") + 5, *size)
    else:
        stream = bytearray(stream_of(cr(eight, 8), kind))
        if kind == JPEG2000Lossless:
            struct.pack_into(">II", stream, stream.index(b"\xff\x51") + 6, size[1], size[0])
        else:
            struct.pack_into(">HH", stream, stream.index(b"\xff\xf7") + 5, *size)
    sentence = refusal_of(save(with_stream(cr(eight, 8), bytes(stream), kind)))
    assert "states 64 rows and 48 columns" in sentence and f"{size[0]} rows and {size[1]} columns" in sentence


@pytest.mark.parametrize(("rows", "cols"), [(32, 48), (64, 24), (60, 48)])
def test_more_pixels_than_the_header_states_are_refused(save, cr, rows, cols):
    assert f"states {rows} rows and {cols} columns" in refusal_of(save(cr(Rows=rows, Columns=cols)))


@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1, JPEGExtended12Bit], ids=lambda each: each.keyword)
def test_a_missing_decoder_is_named_with_the_command_that_installs_it(save, cr, eight, monkeypatch, syntax):
    monkeypatch.delitem(get_decoder(syntax)._available, "pylibjpeg", raising=False)
    stream = bytearray(jpeg(eight))
    frame = stream.index(b"\xff\xc0")
    stream[frame + 1], stream[frame + 4] = (0xC1, 12) if syntax == JPEGExtended12Bit else (0xC3, 8)
    sentence = refusal_of(save(with_stream(cr(), bytes(stream), syntax)))
    assert 'pip install "napari-jsn[jpeg]"' in sentence and "GPL" in sentence


def test_8_bit_jpeg_needs_no_extra(save, cr, eight, monkeypatch):
    stream = jpeg(eight)
    for syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        monkeypatch.delitem(get_decoder(syntax)._available, "pylibjpeg", raising=False)
        path = save(with_stream(cr(eight, 8), stream, syntax))
        np.testing.assert_allclose(jsn.read_radiograph(path).pixels, decoded_jpeg(stream) / 255, atol=2 / 255)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.102"])
def test_an_unknown_compression_is_refused(save, cr, syntax):
    assert "uncompressed" in refusal_of(save(with_stream(cr(), b"\0\0\1\xb3" * 50, syntax)))


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsStored", "SamplesPerPixel", "PixelRepresentation"])
def test_an_attribute_that_is_missing_is_named(save, cr, keyword):
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in keyword).strip().lower()
    assert words in refusal_of(save(cr(**{keyword: None}))).lower()


@pytest.mark.parametrize("photometric", [None, "", "GREY", "MONOCHROME3"])
def test_without_a_known_polarity_nothing_is_read(save, cr, photometric):
    assert "Photometric Interpretation" in refusal_of(save(cr(PhotometricInterpretation=photometric)))


@pytest.mark.parametrize("content", [b"", b"\1" * 100, b"\2" * 6142])
def test_too_few_pixels_are_refused(save, cr, content):
    assert f"{len(content)} of 6144 bytes" in refusal_of(save(cr(PixelData=content)))


@pytest.mark.parametrize("part", [0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["baseline", "progressive", "labelled as uncompressed", JPEGLSLossless, RLELossless])
def test_image_data_that_are_cut_off_are_refused(save, cr, stored, eight, kind, part):
    if kind in (JPEGLSLossless, RLELossless):
        dataset, stream, syntax = cr(stored), stream_of(cr(stored), kind), kind
    else:
        dataset, stream, syntax = cr(eight, 8), jpeg(eight, progressive=kind == "progressive"), JPEGBaseline8Bit
    cut = with_stream(dataset, stream[: int(part * len(stream))], syntax)
    if kind == "labelled as uncompressed":
        cut.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        assert "cut off" in refusal_of(save(cut, enforce_file_format=False))
        return
    assert "incomplete" in refusal_of(save(cut))


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b"\xff\xd8" * 30, b"\xff\x4f\xff\x51\0", b"\1\0\0\0" * 16, b"??"])
@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless, RLELossless], ids=lambda each: each.keyword)
def test_damaged_image_data_are_refused(save, cr, content, syntax):
    assert "damaged" in refusal_of(save(with_stream(cr(), content, syntax)))


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless, RLELossless], ids=lambda each: each.keyword)
def test_the_command_prints_one_sentence_and_no_words_of_a_decoder(save, cr, eight, syntax):
    stream = {JPEGBaseline8Bit: lambda: jpeg(eight)}.get(syntax, lambda: stream_of(cr(eight, 8), syntax))()
    path = save(with_stream(cr(eight, 8), stream[: len(stream) // 3], syntax))
    command = [sys.executable, "-m", "napari_jsn.cli", "register", str(path), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ") and len(done.stderr.splitlines()) == 1
