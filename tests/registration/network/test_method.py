"""The method ``network``, with a network that has learned nothing: its maps move nothing."""

import numpy as np
import pytest
import torch

from napari_jsn import InputError
from napari_jsn.common.progress import Silent
from napari_jsn.joint import BoneMasks
from napari_jsn.networks import weights
from napari_jsn.registration import method_names, methods
from napari_jsn.registration.network import method as network_method
from napari_jsn.registration.network.architectures import build_registration_net
from napari_jsn.registration.network.canvas import canvases
from napari_jsn.registration.register import register, register_many

TINY = {"kind": "default", "coarse": [8, 8, 8, 8], "fine": [8, 8, 8, 8], "passes": [1, 1]}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A model of the user's own, called ``tiny``."""
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path))
    about = dict.fromkeys(weights.FIELDS, "")
    about |= {"task": "registration", "name": "tiny", "architecture": TINY, "input_size_px": [128, 128], "figures": {}}
    torch.manual_seed(0)
    weights.save(tmp_path, build_registration_net(TINY).state_dict(), about)
    return "network:tiny"


def test_a_model_of_the_users_own_is_a_method(tiny, simulated):
    assert tiny in method_names.choices() and "network" in method_names.choices()
    with pytest.raises(InputError, match="no registration model 'none'"):
        register(simulated.fixed, simulated.moving, *[simulated.fixed_masks] * 2, method="network:none")
    with pytest.raises(InputError, match="refined:tiny"):
        methods.load_method("refined:tiny")


def test_nothing_moves_where_nothing_was_learned(tiny, simulated):
    images, masks = (simulated.fixed, simulated.moving), (simulated.fixed_masks, simulated.moving_masks)
    found = register(*images, *masks, simulated.spacing_mm, method=tiny)
    np.testing.assert_allclose(found.upper.matrix, np.eye(3), atol=1e-4)
    assert found.jsn_px == pytest.approx(0, abs=1e-4) and found.jsn_sd_px > 0 and found.method == tiny


def test_mixed_sizes_equal_single_calls(tiny, simulated):
    def cut(image, masks, by):
        return image[by:], BoneMasks(masks.upper[by:], masks.lower[by:])

    cuts = [cut(simulated.fixed, simulated.fixed_masks, by) for by in (0, 9)]
    images, masks = zip(*cuts, strict=True)
    moving, moving_masks = [simulated.moving] * 2, [simulated.moving_masks] * 2
    together = register_many(images, moving, masks, moving_masks, method=tiny)
    for k in range(2):
        alone = register(images[k], moving[k], masks[k], moving_masks[k], method=tiny)
        np.testing.assert_allclose(together[k].upper.matrix, alone.upper.matrix, atol=1e-3)


@pytest.mark.parametrize("size", [(127, 127), (128, 128), (256, 256), (200, 140), (90, 60)])
def test_maps_come_back_to_the_images_own_pixels(size):
    rows, cols = size
    masks = BoneMasks(np.indices(size)[0] < rows // 2, np.indices(size)[0] >= rows // 2)
    pair = methods.PreparedPair(
        np.zeros(size, np.float32), np.zeros((rows + 11, cols - 7), np.float32), masks,
        BoneMasks(np.ones((rows + 11, cols - 7)), np.zeros((rows + 11, cols - 7))), np.zeros(2), np.array([0.0, 1.0]),
    )  # fmt: skip
    squares = canvases([pair], 128, torch.device("cpu"))
    assert squares.fixed.shape == squares.moving.shape == (1, 1, 128, 128)
    assert squares.moving_masks.shape == (1, 2, 128, 128)
    # what lies in the middle of an image lies in the middle of its square, to a pixel that cannot be halved
    middle = squares.fixed_to_square[0] @ ((cols - 1) / 2, (rows - 1) / 2, 1)
    np.testing.assert_allclose(middle, (63.5, 63.5, 1), atol=0.51)
    native = squares.to_image_maps(np.eye(3)[None, None].repeat(2, 1))
    np.testing.assert_allclose(native[0, 0], np.linalg.inv(squares.moving_to_square[0]) @ squares.fixed_to_square[0])
    np.testing.assert_allclose(native[0, 0][:2, :2], np.eye(2), atol=0.02)


def test_a_wrong_pair_is_flagged(simulated, tiny):
    swapped = BoneMasks(simulated.moving_masks.lower, simulated.moving_masks.upper)
    found = register(
        simulated.fixed, simulated.moving, simulated.fixed_masks, swapped, simulated.spacing_mm, method=tiny
    )  # fmt: skip
    assert not found.reliable and "masks" in found.reason


def test_a_damaged_card_is_reported(tiny, tmp_path):
    state, about = weights.load("registration", "tiny")
    weights.save(tmp_path, state, {**about, "architecture": {"kind": "default", "coarse": [4, 4, 4, 4]}})
    with pytest.raises(InputError, match="do not fit"):
        network_method.predict([], torch.device("cpu"), Silent(), "tiny")


def test_unknown_terms_of_the_uncertainty_are_reported(tiny, tmp_path):
    state, about = weights.load("registration", "tiny")
    for terms in ({"unknown": 1.0}, {"constant": 0.1, "noise": 0.2, "angle": 0.3}):
        weights.save(tmp_path, state, {**about, "figures": {**about.get("figures", {}), "uncertainty_px2": terms}})
        with pytest.raises(InputError, match="unknown terms of the uncertainty"):
            network_method.predict([], torch.device("cpu"), Silent(), "tiny")


@pytest.mark.parametrize("joint", ["MCP2", "PIP3", "MCP4"])
def test_a_network_that_has_learned_nothing_leaves_the_bones_displaced(tiny, plain_pair, joint):
    pair = plain_pair(0.6, 2, joint)
    given = pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks, pair.spacing_mm
    result = register(*given, method=tiny)
    assert not result.reliable
    trained = register(*given, method="network")
    assert trained.reliable, trained.reason
    assert trained.jsn_mm == pytest.approx(pair.jsn_projected_mm_at(trained.point, trained.axis), abs=0.15)
