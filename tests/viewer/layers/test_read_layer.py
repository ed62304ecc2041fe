import pytest
from napari.layers import Image, Labels

from napari_jsn.viewer.layers.read_layer import KEY, layer_metadata, role_in_name, role_of


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("fixed", "fixed"),
        ("sample-Fixed", "fixed"),
        ("MCP2 baseline", "fixed"),
        ("moving", "moving"),
        ("followup", "moving"),
        ("follow-up 2024", "moving"),
        ("hand", None),
        ("fixed and moving", None),
    ],
)
def test_role_in_a_name(name, role):
    assert role_in_name(name, mask=False) == role
    assert role_in_name(name, mask=True) == (role and f"{role}_masks")


def test_metadata_comes_before_the_name(images):
    layer = Image(images[0], name="moving", metadata={KEY: {"role": "fixed"}})
    assert role_of(layer, mask=False) == "fixed"
    assert role_of(Labels(images[2], name="moving"), mask=True) == "moving_masks"


def test_foreign_metadata_under_the_key_is_ignored(images):
    assert layer_metadata(Image(images[0], metadata={KEY: "something else"})) == {}
