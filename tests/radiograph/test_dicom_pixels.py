"""Grey levels of DICOM images: bit depth, polarity, lookup tables, padding, windows."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from napari_jsn import InputError, read_radiograph


def intensities(path):
    return read_radiograph(path).pixels


@pytest.mark.parametrize("bits", [10, 12, 14, 15])
def test_stored_bits_are_the_scale(save, cr, stored, bits):
    values = stored >> 2  # 10 bits
    np.testing.assert_allclose(intensities(save(cr(values, bits))), values / (2**bits - 1), atol=1e-6)


def test_16_stated_bits_mean_the_depth_that_is_used(save, cr, stored):
    np.testing.assert_allclose(intensities(save(cr(stored, 16))), stored / 4095, atol=1e-6)


def test_8_bits_and_signed_values(save, cr, stored):
    eight = (stored >> 4).astype(np.uint8)
    np.testing.assert_allclose(intensities(save(cr(eight, 8))), eight / 255, atol=1e-6)
    signed = stored.astype(np.int16) - 2048
    np.testing.assert_allclose(intensities(save(cr(signed, 12))), stored / 4095, atol=1e-6)


def test_a_lead_letter_does_not_change_the_grey_levels_of_bone(save, cr, stored):
    bone = stored // 2
    letter = bone.copy()
    letter[:3, :3] = 4095
    np.testing.assert_array_equal(intensities(save(cr(bone)))[3:], intensities(save(cr(letter)))[3:])


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME2", None, False),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),  # one inversion, said twice
        ("MONOCHROME2", "INVERSE", True),
    ],
)
def test_bone_is_bright(save, cr, stored, photometric, shape, inverted):
    attributes = {"PhotometricInterpretation": photometric} | ({"PresentationLUTShape": shape} if shape else {})
    expected = 1 - stored / 4095 if inverted else stored / 4095
    np.testing.assert_allclose(intensities(save(cr(stored, **attributes))), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("keyword", "text", "words"),
    [
        ("RescaleSlope", "1,5", "Rescale Slope is '1,5', which is not a number other than 0"),
        ("RescaleSlope", "0", "Rescale Slope is '0'"),
        ("RescaleSlope", "-1\\-1", "Rescale Slope is"),
        ("RescaleIntercept", "nan", "Rescale Intercept is 'nan', which is not a number"),
        ("PixelPaddingValue", "none", "Pixel Padding Value is 'none'"),
        ("WindowWidth", "40O", "Window Width is '40O'"),
    ],
)
def test_a_number_that_cannot_be_read_is_refused_by_name_and_value(save, cr, keyword, text, words):
    dataset, tag = cr(VOILUTFunction="SIGMOID", WindowCenter=2000, WindowWidth=400), Tag(tag_for_keyword(keyword))
    value = text.encode() + b" " * (len(text) % 2)
    dataset[tag] = RawDataElement(tag, "DS", len(value), value, 0, False, True)
    with pytest.raises(InputError) as error:
        read_radiograph(save(dataset))
    assert words in str(error.value) and error.value.argument == "path"


@pytest.mark.parametrize("keyword", ["WindowWidth", "WindowCenter"])
def test_a_linear_window_that_cannot_be_read_changes_nothing(save, cr, stored, keyword):
    dataset, tag = cr(WindowCenter=2000, WindowWidth=400), Tag(tag_for_keyword(keyword))
    dataset[tag] = RawDataElement(tag, "DS", 2, b"x ", 0, False, True)
    np.testing.assert_allclose(intensities(save(dataset)), stored / 4095, atol=1e-6)


def test_rescale_keeps_the_scale_and_a_negative_slope_inverts(save, cr, stored):
    straight = save(cr(RescaleSlope=0.5, RescaleIntercept=-100))
    np.testing.assert_allclose(intensities(straight), stored / 4095, atol=1e-6)
    inverse = save(cr(RescaleSlope=-10, RescaleIntercept=3000))
    np.testing.assert_allclose(intensities(inverse), 1 - stored / 4095, atol=1e-6)


def test_a_plain_window_is_for_display_and_cuts_nothing(save, cr, stored):
    radiograph = read_radiograph(save(cr(WindowCenter=[1024.5, 9], WindowWidth=[1025, 9])))
    np.testing.assert_allclose(radiograph.pixels, stored / 4095, atol=1e-6)
    assert radiograph.display_range == pytest.approx((512 / 4095, 1536 / 4095))
    inverted = read_radiograph(
        save(
            cr(
                WindowCenter=1024,
                WindowWidth=1024,
                VOILUTFunction="LINEAR_EXACT",
                PhotometricInterpretation="MONOCHROME1",
            )
        )
    )
    assert inverted.display_range == pytest.approx((1 - 1536 / 4095, 1 - 512 / 4095))


def test_a_sigmoid_window_is_applied(save, cr, stored):
    path = save(cr(WindowCenter=2000, WindowWidth=1500, VOILUTFunction="SIGMOID"))
    np.testing.assert_allclose(intensities(path), 1 / (1 + np.exp(-4 * (stored - 2000.0) / 1500)), atol=1e-6)


CURVE = (np.linspace(0, 1, 4096) ** 0.5 * 4095).round().astype(int)


@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence", "PresentationLUTSequence"])
def test_lookup_tables_are_applied(save, cr, lut, stored, keyword):
    path = save(cr(**{keyword: [lut(CURVE.tolist())]}))
    np.testing.assert_allclose(intensities(path), CURVE[stored] / 4095, atol=1e-6)


def test_a_voi_lut_goes_before_a_window(save, cr, lut, stored):
    whole = lut(CURVE.tolist())
    radiograph = read_radiograph(save(cr(VOILUTSequence=[whole, lut([5, 9])], WindowCenter=9, WindowWidth=3)))
    np.testing.assert_allclose(radiograph.pixels, CURVE[stored] / 4095, atol=1e-6)
    assert radiograph.display_range is None


def ramp(low, high, first=0, count=4096):
    """The entries of a window from ``low`` to ``high``, written as a table."""
    return np.clip((first + np.arange(count) - low) / (high - low) * 4095, 0, 4095).round().astype(int).tolist()


SATURATING = {
    "both ends": (ramp(300, 1800), 0),
    "white end": (ramp(0, 2500), 0),
    "black end": (ramp(900, 4095), 0),
    "beyond its ends": (ramp(1000, 2999, 1000, 2000), 1000),
    "one step": (ramp(2000, 2001), 0),
    "curved": ((np.clip(np.linspace(0, 1.3, 4096), 0, 1) ** 0.5 * 4095).round().astype(int).tolist(), 0),
}


@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence", "PresentationLUTSequence"])
@pytest.mark.parametrize("name", SATURATING)
@pytest.mark.parametrize("falling", [False, True])
def test_a_table_that_saturates_cuts_nothing_off(save, cr, lut, stored, keyword, name, falling):
    entries, first = SATURATING[name]
    if keyword == "PresentationLUTSequence":
        first = 0
    table = lut([4095 - entry for entry in entries] if falling else entries, first=first)
    if keyword == "PresentationLUTSequence" and name == "beyond its ends":
        pytest.skip("a presentation table covers the whole range of its input")
    pixels = intensities(save(cr(**{keyword: [table]})))
    np.testing.assert_allclose(pixels, 1 - stored / 4095 if falling else stored / 4095, atol=1e-6)


@pytest.mark.parametrize(("centre", "width"), [(2000, 200), (500, 300), (3500, 50)])
def test_a_sigmoid_that_saturates_cuts_nothing_off(save, cr, stored, centre, width):
    path = save(cr(WindowCenter=centre, WindowWidth=width, VOILUTFunction="SIGMOID"))
    np.testing.assert_allclose(intensities(path), stored / 4095, atol=1e-6)


def test_a_table_that_saturates_is_a_window_for_display(save, cr, lut, stored):
    plain = read_radiograph(save(cr(VOILUTSequence=[lut(ramp(1024, 2048))])))
    assert plain.display_range == pytest.approx((1024 / 4095, 2048 / 4095), abs=0.01)
    negative = read_radiograph(
        save(cr(VOILUTSequence=[lut(ramp(1024, 2048))], PhotometricInterpretation="MONOCHROME1"))
    )
    assert negative.display_range == pytest.approx((1 - 2048 / 4095, 1 - 1024 / 4095), abs=0.01)
    np.testing.assert_allclose(negative.pixels, 1 - stored / 4095, atol=1e-6)


def test_a_table_after_a_modality_table_that_saturates_is_left_out_too(save, cr, lut, stored):
    tables = {"ModalityLUTSequence": [lut(ramp(300, 1800))], "VOILUTSequence": [lut(CURVE.tolist())]}
    np.testing.assert_allclose(intensities(save(cr(**tables))), stored / 4095, atol=1e-6)


def test_a_table_applies_after_a_rescale_that_inverts(save, cr, lut, stored):
    rescale = {"RescaleSlope": -1, "RescaleIntercept": 4095}
    np.testing.assert_allclose(
        intensities(save(cr(VOILUTSequence=[lut(ramp(300, 1800))], **rescale))), 1 - stored / 4095, atol=1e-6
    )
    np.testing.assert_allclose(
        intensities(save(cr(VOILUTSequence=[lut(CURVE.tolist())], **rescale))), CURVE[4095 - stored] / 4095, atol=1e-6
    )


@pytest.mark.parametrize("dtype", [np.uint32, np.int32])
def test_values_of_32_bits(save, cr, stored, dtype):
    wide = stored.astype(dtype) * 300
    pixels = intensities(save(cr(wide, 32)))
    np.testing.assert_allclose(pixels, stored / 4095, atol=1e-6)


def test_a_lut_maps_signed_and_rescaled_values(save, cr, lut, stored):
    signed = stored.astype(np.int16) - 2048
    np.testing.assert_allclose(
        intensities(save(cr(signed, VOILUTSequence=[lut(CURVE.tolist(), first=-2048)]))),
        CURVE[stored] / 4095,
        atol=1e-6,
    )
    halves = cr(VOILUTSequence=[lut(CURVE.tolist())], RescaleSlope=0.5, RescaleIntercept=0)
    expected = np.interp(stored / 2, np.arange(4096), CURVE) / 4095
    np.testing.assert_allclose(intensities(save(halves)), expected, atol=1e-6)


def test_8_bit_entries_packed_into_bytes(save, cr, stored):
    entries = (CURVE >> 4).astype(np.uint8)
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 8]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = entries.tobytes()
    item["LUTData"].VR = "OW"
    np.testing.assert_allclose(intensities(save(cr(VOILUTSequence=[item]))), entries[stored] / 255, atol=1e-6)


def test_a_lut_that_contradicts_its_descriptor_is_left_out(save, cr, lut, stored):
    item = lut([1, 2, 3])
    item.LUTDescriptor = [4096, 0, 12]
    np.testing.assert_allclose(intensities(save(cr(VOILUTSequence=[item]))), stored / 4095, atol=1e-6)


def test_padding_is_black_whatever_the_polarity(save, cr, stored):
    padded = stored.copy()
    padded[:, :4] = 60000
    pixels = intensities(save(cr(padded, 16, PixelPaddingValue=60000)))
    np.testing.assert_allclose(pixels[:, 4:], stored[:, 4:] / 4095, atol=1e-6)
    assert (pixels[:, :4] == 0).all()
    padded[:, :4], padded[12, 12] = 0, 0
    pixels = intensities(save(cr(padded, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1")))
    assert (pixels[:, :4] == 0).all()
    assert pixels[12, 12] == 1, "a saturated pixel inside the image is no padding"


def test_colour_becomes_grey(save, cr, stored):
    rgb = np.stack([stored >> 4] * 3, axis=-1).astype(np.uint8)
    attributes = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    np.testing.assert_allclose(intensities(save(cr(rgb, 8, **attributes))), rgb[..., 0] / 255, atol=1e-6)


@pytest.mark.parametrize("attributes", [{}, {"PixelPaddingValue": 7}, {"RescaleSlope": 2, "RescaleIntercept": 1}])
def test_no_contrast_is_refused(save, cr, attributes):
    path = save(cr(np.full((9, 9), 7, np.uint16), **attributes))
    with pytest.raises(InputError, match="hand.dcm has no contrast"):
        read_radiograph(path)


def _with_unused_bits(values, unused):
    """Values of 12 bits with other bits above them."""
    return (values | (unused.astype(np.uint16) << 12)).astype(np.uint16)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("kind", ["overlay", "all set", "several overlays", "sign not extended"])
def test_bits_above_those_stored_are_cut_off(cr, save, stored, kind, syntax):
    rng = np.random.default_rng(0)
    drawn = np.zeros(stored.shape, np.uint16)
    drawn[10:30, 10:20], drawn[40:, 5] = 1, 1
    values, expected = {
        "overlay": (_with_unused_bits(stored, drawn), stored),
        "all set": (_with_unused_bits(stored, np.full(stored.shape, 15)), stored),
        "several overlays": (_with_unused_bits(stored, rng.integers(0, 16, stored.shape)), stored),
        "sign not extended": ((stored.astype(int) - 2048 & 0xFFF).astype(np.int16), stored),
    }[kind]
    dataset = cr(values)
    if syntax != ExplicitVRLittleEndian:
        dataset.compress(syntax, generate_instance_uid=False)
    pixels = intensities(save(dataset))
    np.testing.assert_allclose(pixels, expected / 4095, atol=1e-6)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("kind", ["10 bits stated", "11 bits stated", "8 bits stated", "a few values", "signed"])
def test_values_that_need_more_bits_than_stated_are_refused(cr, save, stored, kind, syntax):
    values, bits = {
        "10 bits stated": (stored, 10),
        "11 bits stated": (stored, 11),
        "8 bits stated": (stored, 8),
        "a few values": ((stored.astype(int) * 9 // 8).astype(np.uint16), 12),
        "signed": (stored.astype(np.int16) - 1000, 12),
    }[kind]
    dataset = cr(values)
    if syntax != ExplicitVRLittleEndian:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    with pytest.raises(InputError, match=f"states {bits} bits as Bits Stored, but its pixels have larger values"):
        read_radiograph(save(dataset))
