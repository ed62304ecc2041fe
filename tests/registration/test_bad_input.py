"""Every input that cannot be measured: one sentence, and the argument it is about."""

import numpy as np
import pytest
import torch

from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.method_names import METHODS
from napari_jsn.registration.register import register, register_many

NAN = float("nan")


def refused(simulated, argument, *words, **changed):
    given = {
        "fixed": simulated.fixed, "moving": simulated.moving, "fixed_masks": simulated.fixed_masks,
        "moving_masks": simulated.moving_masks, "spacing_mm": simulated.spacing_mm,
    }  # fmt: skip
    with pytest.raises(InputError) as caught:
        register(**(given | changed))
    a_sentence(caught.value, argument, *words)


def a_sentence(error, argument, *words):
    message = str(error)
    assert error.argument == argument
    assert message[0].isupper() and message.endswith(".") and "\n" not in message, message
    for word in words:
        assert word in message


BAD_IMAGES = {
    "no contrast": lambda image: np.full_like(image, 0.4),
    "NaN": lambda image: np.where(image > 0.5, NAN, image),
    "infinite": lambda image: np.where(image > 0.5, np.inf, image),
    "shape (128,)": lambda image: image[0],
    "shape (128, 128, 5)": lambda image: np.repeat(image[..., None], 5, axis=2),
    "empty": lambda image: image[:0],
    "values": lambda image: image.astype(complex),
    "12 x 128": lambda image: image[:12],
    "2-D array": lambda image: "fixed.png",
    "array": lambda image: None,
}


@pytest.mark.parametrize("name", ["fixed", "moving"])
@pytest.mark.parametrize("word", BAD_IMAGES)
def test_images(simulated, name, word):
    bad = BAD_IMAGES[word](getattr(simulated, name))
    refused(simulated, name, word, name, **{name: bad, f"{name}_masks": None})


BAD_MASKS = {
    "shape (128, 127)": lambda masks: BoneMasks(masks.upper[:, 1:], masks.lower[:, 1:]),
    "shape (50, 50)": lambda masks: np.eye(50, dtype=np.uint8),
    "upper bone's mask": lambda masks: (np.zeros_like(masks.upper), masks.lower),
    "lower bone's mask": lambda masks: (masks.upper, np.zeros_like(masks.lower)),
    "is empty": lambda masks: np.zeros_like(masks.labels),
    "only 1 pixels": lambda masks: (masks.upper, np.arange(128 * 128).reshape(128, 128) == 128 * 90),
    "shapes": lambda masks: (masks.upper, masks.lower[1:]),
    "[0, 1, 2, 4]": lambda masks: np.where(np.indices(masks.shape)[1] < 60, masks.labels, 4 * masks.upper),
    "nan": lambda masks: np.where(masks.upper, NAN, masks.labels),
    "NaN": lambda masks: (np.where(masks.upper, NAN, 0), masks.lower),
    "(2, 128, 128)": lambda masks: np.stack([masks.upper, masks.lower]),
    "labels": lambda masks: "mask.png",
    "shapes (128, 128) and ()": lambda masks: (masks.upper, None),
    "shapes (2,) and (1,)": lambda masks: [[1, 2], [3]],
    "as arrays": lambda masks: [[0, 1], [1], [2]],
}  # fmt: skip


@pytest.mark.parametrize("name", ["fixed", "moving"])
@pytest.mark.parametrize("word", BAD_MASKS)
def test_masks(simulated, name, word):
    argument = f"{name}_masks"
    refused(simulated, argument, word, **{argument: BAD_MASKS[word](getattr(simulated, argument))})


def test_an_image_without_bones_to_find_asks_for_masks(simulated):
    blot = np.zeros((40, 40))
    blot[1, 1] = 1
    try:
        register(blot, simulated.moving)
    except InputError as error:
        a_sentence(error, "fixed_masks", "Give masks")


@pytest.mark.parametrize("argument", ["spacing_mm", "moving_spacing_mm"])
@pytest.mark.parametrize("spacing", [0, -0.1, NAN, float("inf"), "wide", "0.175", True, (0.1, 0), (1, 1, 1), [], {}])
def test_spacings(simulated, argument, spacing):
    refused(simulated, argument, "mm", **{argument: spacing})


def test_a_spacing_known_for_one_image_only(simulated):
    refused(simulated, "spacing_mm", "fixed image has none", spacing_mm=None, moving_spacing_mm=0.175)
    from napari_jsn.joint import JointImage

    fixed = JointImage(simulated.fixed, 0.175)
    refused(simulated, "moving_spacing_mm", "moving image has none", fixed=fixed, spacing_mm=None)


@pytest.mark.parametrize("method", ["magic", "", None, "refined:mine"])
def test_an_unknown_method_lists_the_choices(simulated, method):
    refused(simulated, "method", *METHODS, method=method)


@pytest.mark.parametrize("device", ["toaster", "", "cuda:99", 1.5])
def test_an_unknown_device_lists_the_choices(simulated, device):
    refused(simulated, "device", "cpu", device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_where_there_is_none(simulated):
    refused(simulated, "device", "'cuda'", "cpu", device="cuda")


@pytest.mark.parametrize("argument", ["movings", "fixed_masks", "moving_masks", "spacing_mm", "moving_spacing_mm"])
def test_lengths_that_differ(simulated, argument):
    given = {"fixeds": [simulated.fixed] * 2, "movings": [simulated.moving] * 2}
    one = {"movings": simulated.moving, "fixed_masks": simulated.fixed_masks, "moving_masks": simulated.moving_masks}
    with pytest.raises(InputError) as caught:
        register_many(**(given | {argument: [one.get(argument, 0.175)]}))
    a_sentence(caught.value, argument, "2 pairs", "1")


@pytest.mark.parametrize("argument", ["fixeds", "movings", "fixed_masks"])
def test_one_thing_where_many_are_meant(simulated, argument):
    given = {"fixeds": [simulated.fixed] * 2, "movings": [simulated.moving] * 2}
    with pytest.raises(InputError) as caught:
        register_many(**(given | {argument: 3}))
    a_sentence(caught.value, argument)


def test_the_pair_of_many_that_is_wrong_is_named(simulated):
    flat = np.zeros_like(simulated.fixed)
    with pytest.raises(InputError, match=r"[Pp]air 1\b.*no contrast"):
        register_many([simulated.fixed, flat], [simulated.moving] * 2)


@pytest.mark.parametrize("name", ["fixed", "moving"])
@pytest.mark.parametrize("shape", [(4001, 4000), (30, 600_000), (8000, 2500)])
def test_images_that_are_too_large_for_one_joint(simulated, name, shape):
    large = np.broadcast_to(np.linspace(0, 1, shape[1], dtype=np.float32), shape)
    refused(simulated, name, "16 megapixels", "Cut out the joint", **{name: large, f"{name}_masks": None})


@pytest.mark.parametrize(
    ("fixed_mm", "moving_mm", "argument"),
    [((0.3, 0.0002), 0.1, "spacing_mm"), (0.1, (0.00025, 0.25), "moving_spacing_mm"), (0.1, 0.0015, "spacing_mm")],
)
def test_pixel_sizes_that_would_make_images_too_large(simulated, fixed_mm, moving_mm, argument):
    large = {"moving": np.tile(simulated.moving, (25, 25)), "moving_masks": None} if argument == "spacing_mm" else {}
    refused(simulated, argument, "megapixels", spacing_mm=fixed_mm, moving_spacing_mm=moving_mm, **large)
