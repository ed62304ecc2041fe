import numpy as np
import pytest

from napari_jsn.networks.inputs import Inputs, LeftOut, UsedImage, content_hash, first_names, joined_patients


@pytest.mark.parametrize("other", [np.float32, np.asfortranarray, lambda image: image + 1e-7])
def test_a_hash_depends_on_the_pixels_alone(other):
    image = np.arange(12).reshape(3, 4) / 255
    assert content_hash(other(image)) == content_hash(image)
    assert content_hash(image) != content_hash(image.T) != content_hash(image[::-1])
    assert len(content_hash(image)) == 16


@pytest.mark.parametrize(
    ("groups", "images", "patients", "count"),
    [
        ("abc", "123", {}, 3),
        ("abc", "113", {}, 2),
        ("aab", "123", {}, 2),
        ("abcd", "1234", {"a": "P", "c": "P"}, 3),
        ("abcd", "1223", {"a": "P", "b": "P"}, 2),
        ("aabbcc", "122331", {}, 1),
    ],
)
def test_groups_copies_and_patients_are_joined(groups, images, patients, count):
    found = joined_patients(list(groups), list(images), patients)
    assert len(set(found)) == count
    for one in range(len(groups)):
        for other in range(len(groups)):
            if images[one] == images[other] or groups[one] == groups[other]:
                assert found[one] == found[other]


def test_what_is_printed_before_training():
    images = [UsedImage(f"{k}.png", str(k), "m", f"P{k // 2}", k > 3) for k in range(6)]
    left_out = [LeftOut(f"x{k}.png", "no mask") for k in range(5)] + [LeftOut("y.png", "empty")]
    assert Inputs(tuple(images), tuple(left_out), ("All is well.",)).lines() == [
        "Images for training: 4 of 2 groups",
        "Images for validation: 2 of 1 group",
        "Left out: 5 (x0.png, x1.png, x2.png, ...): no mask",
        "Left out: 1 (y.png): empty",
        "Note: All is well.",
    ]
    assert Inputs().lines() == [] and first_names(["a"]) == "1 (a)"
    assert Inputs(tuple(images)).card()["validated_on"] == ["4", "5"]
