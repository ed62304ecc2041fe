"""DICOM files as they come: compressed, bare, misnamed, damaged, not images."""

from __future__ import annotations

import struct
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

import napari_jsn as jsn

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture
def hand(save, cr):
    return save(
        cr(
            ImagerPixelSpacing=[0.15, 0.15],
            ImageLaterality="L",
            StudyDate="20200501",
            PatientName="Doe^Jane",
            PatientID="7",
        )
    )


def test_facts_come_with_their_sources(hand, stored):
    radiograph = jsn.read_radiograph(hand)
    np.testing.assert_allclose(radiograph.pixels, stored / 4095, atol=1e-6)
    assert (radiograph.spacing_mm, radiograph.spacing_source) == (0.15, "at detector")
    assert (radiograph.side, radiograph.side_source) == ("L", "ImageLaterality")
    assert (radiograph.acquired, radiograph.acquired_source) == (date(2020, 5, 1), "StudyDate")
    assert (radiograph.modality, radiograph.name, radiograph.path) == ("CR", "hand.dcm", hand)


def test_no_identity_is_kept(hand):
    assert "Doe" not in str(vars(jsn.read_radiograph(hand)))


def test_a_given_spacing_overrides_the_file(hand):
    radiograph = jsn.read_radiograph(str(hand), spacing_mm=0.1)
    assert (radiograph.spacing_mm, radiograph.spacing_source) == (0.1, "given")
    with pytest.raises(jsn.InputError) as refusal:
        jsn.read_radiograph(hand, spacing_mm=0)
    assert refusal.value.argument == "spacing_mm"


@pytest.mark.parametrize("ending", ["", ".png", ".0001"])
def test_content_decides_not_the_ending(hand, stored, ending):
    renamed = hand.rename(hand.with_name("image" + ending))
    np.testing.assert_allclose(jsn.read_radiograph(renamed).pixels, stored / 4095, atol=1e-6)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_compressed_pixels(save, cr, stored, syntax):
    if not get_encoder(syntax).is_available:
        pytest.skip(f"no encoder for {syntax.name} is installed")
    dataset = cr()
    dataset.compress(syntax)
    np.testing.assert_allclose(jsn.read_radiograph(save(dataset)).pixels, stored / 4095, atol=1e-6)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_other_encodings(save, cr, stored, syntax):
    dataset = cr()
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = stored.astype(">u2").tobytes()
        dataset["PixelData"].VR = "OW"
    np.testing.assert_allclose(jsn.read_radiograph(save(dataset)).pixels, stored / 4095, atol=1e-6)


@pytest.mark.parametrize("implicit", [True, False])
def test_files_without_preamble(save, cr, stored, implicit):
    dataset = cr()
    del dataset.file_meta
    path = save(dataset, enforce_file_format=False, implicit_vr=implicit, little_endian=True)
    assert path.read_bytes()[128:132] != b"DICM"
    np.testing.assert_allclose(jsn.read_radiograph(path).pixels, stored / 4095, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_bigendian.dcm"],
)
def test_other_programs_compression(name):
    plain = jsn.read_radiograph(PYDICOM_FILES / "MR_small.dcm")
    np.testing.assert_array_equal(jsn.read_radiograph(PYDICOM_FILES / name).pixels, plain.pixels)


@pytest.mark.parametrize(
    "name", ["JPGExtended.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_16bit.dcm", "examples_palette.dcm"]
)
def test_jpeg_and_coloured_captures(name):
    pixels = jsn.read_radiograph(PYDICOM_FILES / name).pixels
    assert pixels.ndim == 2 and np.ptp(pixels) > 0.05


def lossless_jpeg(stored, bits):
    """JPEG Lossless, first-order prediction (ITU-T T.81 H): the process most archives use, and no library writes."""
    before = stored.astype(int)
    prediction = np.empty_like(before)
    prediction[:, 1:], prediction[1:, 0], prediction[0, 0] = before[:, :-1], before[:-1, 0], 2 ** (bits - 1)
    code = ""
    for difference in (before - prediction).ravel().tolist():
        size = abs(difference).bit_length()
        code += f"{size:05b}"  # one Huffman code of 5 bits for each size from 0 to 16
        if size:
            code += f"{difference if difference > 0 else difference + 2**size - 1:0{size}b}"
    code += "1" * (-len(code) % 8)
    scan = int(code, 2).to_bytes(len(code) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHBBBB", bits, *stored.shape, 1, 1, 0x11, 0)
    huffman = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    segments = ((b"\xff\xc3", frame), (b"\xff\xc4", huffman), (b"\xff\xda", bytes([1, 1, 0, 1, 0, 0])))
    head = b"".join(marker + struct.pack(">H", len(body) + 2) + body for marker, body in segments)
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


def test_lossless_jpeg(save, cr, stored):
    dataset = cr()
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    dataset.PixelData = encapsulate([lossless_jpeg(stored, 12)])
    dataset["PixelData"].VR = "OB"
    np.testing.assert_allclose(jsn.read_radiograph(save(dataset)).pixels, stored / 4095, atol=1e-6)


def test_reading_is_silent(hand):
    dataset = dcmread(hand)
    dataset.PixelData += b"\0" * 40
    dataset.save_as(hand)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jsn.read_radiograph(hand)


def refusal_of(path):
    with pytest.raises(jsn.InputError) as refusal:
        jsn.read_radiograph(path)
    sentence = str(refusal.value)
    assert str(path) in sentence and sentence.endswith(".") and "\n" not in sentence
    return sentence


@pytest.mark.parametrize("name", ["test-SR.dcm", "rtplan.dcm", "waveform_ecg.dcm", "reportsi.dcm"])
def test_dicom_without_an_image(name):
    assert "without an image" in refusal_of(PYDICOM_FILES / name)


@pytest.mark.parametrize("name", ["liver_1frame.dcm", "rtdose_1frame.dcm"])
def test_results_are_no_radiographs(name):
    assert "not an image" in refusal_of(PYDICOM_FILES / name)


def test_several_frames(save, cr, stored):
    two = np.stack([stored, stored])
    assert "2 frames" in refusal_of(save(cr(two, Rows=64, Columns=48, NumberOfFrames=2)))


def test_pixels_not_where_they_belong(save, cr):
    assert "below bit 15" in refusal_of(save(cr(HighBit=15)))


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.98])
@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless])
def test_truncated_dicom(save, cr, syntax, kept):
    noise = np.random.default_rng(0).integers(0, 4096, (64, 64), dtype=np.uint16)
    dataset = cr(noise)
    if syntax:
        dataset.compress(syntax)
    path = save(dataset)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert "incomplete" in refusal_of(path)


def test_a_damaged_header(save, cr):
    path = save(cr())
    path.write_bytes(path.read_bytes()[:150])
    assert "incomplete" in refusal_of(path)


@pytest.mark.parametrize(("ratio", "row_mm"), [([2, 1], 0.4), ([1, 2], 0.1), ([5, 4], 0.25)])
def test_one_given_spacing_is_that_of_the_columns_where_pixels_are_not_square(cr, save, ratio, row_mm):
    path = save(cr(PixelAspectRatio=ratio))
    assert jsn.read_radiograph(path).spacing_mm is None
    assert jsn.read_radiograph(path, 0.2).spacing_mm == pytest.approx((row_mm, 0.2))
    assert jsn.read_radiograph(path, (0.3, 0.2)).spacing_mm == (0.3, 0.2)


def test_a_given_spacing_replaces_one_that_cannot_be_read(cr, save):
    path = save(cr(PixelSpacing=[0, 0]))
    with pytest.raises(jsn.InputError, match=r"hand\.dcm: Pixel Spacing is"):
        jsn.read_radiograph(path)
    assert jsn.read_radiograph(path, 0.2).spacing_mm == 0.2
