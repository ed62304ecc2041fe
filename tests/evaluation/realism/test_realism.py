"""Measures of joint images with known properties; the real sample skips where NAPARI_JSN_DATA is unset."""

import os

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.evaluation.page import put_section, table
from napari_jsn.evaluation.realism import measures as realism_measures
from napari_jsn.evaluation.realism import report as realism_report
from napari_jsn.evaluation.realism.__main__ import main
from napari_jsn.evaluation.realism.residual import registration_residuals
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.methods import PreparedPair

SPACING_MM = 22.2 / 256


def masks():
    """Two bones 14 mm broad with a gap of 1.7 mm between them."""
    upper, lower = np.zeros((2, 256, 256), bool)
    upper[:118, 48:208] = True
    lower[138:, 48:208] = True
    return BoneMasks(upper, lower)


def bones(blur_px=0.0):
    """Bone 0.6, everything else 0.2."""
    one = masks()
    image = np.where(one.upper | one.lower, 0.6, 0.2).astype(np.float32)
    return ndimage.gaussian_filter(image, blur_px) if blur_px else image


def test_regions_do_not_touch_the_cortex_or_each_other():
    parts = realism_measures.regions(masks(), SPACING_MM)
    assert set(parts) == set(realism_measures.REGIONS)
    assert np.unique(bones()[parts["inside bone"]]).tolist() == pytest.approx([0.6])
    assert np.unique(bones()[parts["gap"]]).tolist() == pytest.approx([0.2])
    assert not (parts["gap"] & parts["beside the bones"]).any()
    assert parts["inside bone"][0].any(), "the border of the image is no border of the bone"


def test_numbers_of_a_plain_joint():
    found = realism_measures.measure_image(bones(2.0), masks(), SPACING_MM).numbers
    assert found["contrast between bone and beside the bones"] == pytest.approx(0.4, abs=0.01)
    # a Gaussian edge of sd s rises from 20 to 80 % within 1.683 s
    assert found["edge width of the cortex, mm"] == pytest.approx(1.683 * 2 * SPACING_MM, abs=0.05)
    assert found["depth of the gap"] == pytest.approx(0.4, abs=0.02)
    assert found["share of pixels at full white"] == 0


def test_noise_is_found_where_there_is_nothing_else():
    rng = np.random.default_rng(0)
    coarse = 0.5 + 0.02 * rng.standard_normal((128, 128))
    found = realism_measures.noise_by_intensity(np.kron(coarse, np.ones((2, 2))))
    assert np.nanmedian(found) == pytest.approx(0.02, rel=0.1)


def test_the_spectrum_of_a_part_is_that_of_the_whole():
    rng = np.random.default_rng(1)
    field = ndimage.gaussian_filter(rng.standard_normal((256, 256)), 3, mode="wrap")
    part = np.zeros((256, 256))
    part[40:216, 60:200] = 1
    whole, inside = (realism_measures.radial_spectrum(field, w, SPACING_MM) for w in (np.ones_like(part), part))
    middle = (realism_measures.FREQUENCIES > 0.3) & (realism_measures.FREQUENCIES < 1)
    np.testing.assert_allclose(inside[middle], whole[middle], rtol=0.4)
    white = realism_measures.radial_spectrum(rng.standard_normal((256, 256)), part, SPACING_MM)
    np.testing.assert_allclose(np.nanmean(white[middle]), SPACING_MM**2, rtol=0.2)


def test_texture_tells_along_from_across():
    rng = np.random.default_rng(2)
    field = ndimage.gaussian_filter(rng.standard_normal((256, 256)), (5, 2), mode="wrap")
    field *= 0.05 / field.std()
    sd, along, across = realism_measures.texture(field, np.ones((256, 256), bool), SPACING_MM)
    assert 0.03 < sd <= 0.05
    assert realism_measures.half_length(along) > 1.5 * realism_measures.half_length(across)


def test_the_residual_is_small_for_one_bone_seen_twice_and_large_for_two_bones(plain_pair):
    one, other = plain_pair(0.2, 1), plain_pair(0.2, 2)
    same = PreparedPair.from_masks(one.fixed, one.moving, one.fixed_masks, one.moving_masks, one.spacing_mm)
    strange = PreparedPair.from_masks(one.fixed, other.moving, one.fixed_masks, other.moving_masks, one.spacing_mm)
    identical = PreparedPair.from_masks(one.fixed, one.fixed, one.fixed_masks, one.fixed_masks, one.spacing_mm)
    found, wrong, nothing = registration_residuals([same, strange, identical])
    assert nothing.residual < 0.02 < found.residual < 0.25 < wrong.residual
    assert nothing.ncc > 0.99 and found.ncc > 0.85


def test_separation_and_distance():
    values = np.arange(10.0)
    assert realism_report.separation(values, values) == pytest.approx(0.5)
    assert realism_report.separation(values, values + 20) == 1
    assert realism_report.separation(values + 20, np.append(values, np.nan)) == 0
    one, other = np.eye(realism_measures.BINS)[[10, 26]]
    assert realism_report.wasserstein(one, other) == pytest.approx(0.25)


def test_a_section_is_replaced_and_the_rest_of_the_page_kept(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nWords.\n")
    put_section(page, "one", ["first"])
    put_section(page, "two", ["second"])
    put_section(page, "one", table(("a", "b"), [("1|2", "3")]))
    text = page.read_text()
    assert text.startswith("# Title\n\nWords.\n") and "first" not in text and "second" in text
    assert "| 1\\|2 | 3 |" in text and text.index("end of one") < text.index("made by two")
    assert not list(tmp_path.glob("*.part"))


def test_without_the_real_images_it_says_so(monkeypatch, capsys):
    monkeypatch.setenv("NAPARI_JSN_DATA", "")
    assert main(["--quick"]) == 2
    assert "NAPARI_JSN_DATA" in capsys.readouterr().err


@pytest.mark.skipif(not os.environ.get("NAPARI_JSN_DATA"), reason="NAPARI_JSN_DATA is unset")
def test_the_whole_comparison(tmp_path, capsys):
    assert main(["--n", "5", "--threads", "1", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "simulator.md").read_text()
    for expected in (
        "5 real joints",
        "Remaining differences",
        "All figures",
        "Wasserstein",
        "images/simulator-curves.png",
    ):
        assert expected in text
    assert {path.name for path in (tmp_path / "images").iterdir()} == {
        f"simulator-{name}.png" for name in ("residual", "intensity", "curves")
    }
    assert "nan" not in text.split("### Remaining differences")[0]
