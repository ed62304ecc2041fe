import numpy as np
import pytest

from benchmarks import published_pair
from benchmarks.__main__ import main
from benchmarks.methods_compared import OURS, methods_compared
from napari_jsn.evaluation.public_images import RealPair
from napari_jsn.evaluation.registration.known_errors import half_planes
from napari_jsn.joint import BoneMasks


@pytest.fixture
def real(simulated):
    """A simulated pair with the published pair's form of masks: the same halves, 4 px too low, for both images."""
    upper = np.roll(half_planes(simulated.fixed_masks).upper, 4, axis=0)
    upper[:10] = True
    halves = BoneMasks(upper, ~upper)
    return RealPair("pair", simulated.fixed, simulated.moving, halves, halves, simulated.spacing_mm)


def test_the_effect_of_the_masks_is_printed_and_drawn_from_figures_only(real, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(published_pair, "published_pair", lambda: real)
    monkeypatch.setattr(published_pair, "methods_compared", lambda: methods_compared(with_peers=False))
    assert published_pair.run(tmp_path) == 0
    printed = capsys.readouterr().out
    assert "baseline: the border of the halves lies +" in printed and "parameters as printed: halves" in printed
    assert f"{OURS}: halves, read at" in printed and "nan" not in printed
    (drawing,) = tmp_path.iterdir()
    text = drawing.read_text()
    assert text.startswith("<?xml") and "<image" not in text and "no registration" not in printed


def test_the_position_of_the_mask_and_three_narrowings_are_measured(real):
    methods = [one for one in methods_compared(with_peers=False)[0] if one.name == OURS]
    positions, (_, ours) = published_pair.measure(real, methods)
    assert all(0.1 < each.not_bone < 0.9 and each.upper_row < each.lower_row for each in positions)
    assert ours.sd_mm > 0 and np.isfinite(ours.mm).all()


def test_without_the_real_pair_it_says_so(monkeypatch, capsys):
    monkeypatch.setenv("NAPARI_JSN_DATA", "")
    assert main(["published-pair"]) == 2
    assert "NAPARI_JSN_DATA" in capsys.readouterr().err
