"""Masks belong to the image that they were made for, and training data are what a person made or checked."""

import numpy as np
import pytest
from napari.components import LayerList
from napari.layers import Image, Labels

from napari_jsn.joint import BoneMasks
from napari_jsn.viewer.inputs.pair import PairForm
from napari_jsn.viewer.inputs.train import PairsField, labelled_images, visit_pairs
from napari_jsn.viewer.layers.bones import bones_entry, show_found_bones
from napari_jsn.viewer.layers.read_layer import KEY
from napari_jsn.viewer.layers.registration import placement_of

HALVES = np.repeat([1, 2], 8)[:, None] * np.ones((16, 12), dtype=np.uint8)


def named(*names):
    rng = np.random.default_rng(0)
    return LayerList(
        [Labels(HALVES.copy(), name=n) if "mask" in n else Image(rng.random((16, 12)), name=n) for n in names]
    )


def find_bones(layers, image):
    """Add the bones of an image as the widget Segment joint does."""
    masks = BoneMasks(HALVES == 1, HALVES == 2)
    return show_found_bones(layers, masks, bones_entry(image), placement_of(image))


@pytest.fixture
def form(qtbot):
    form = PairForm()
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize(
    ("names", "chosen", "masks"),
    [
        (("fixed", "fixed mask", "moving"), "fixed", "fixed mask"),  # by role: there is one pair
        (("baseline", "fixed mask", "moving", "other"), "other", None),
        (("MCP2 fixed", "MCP2 fixed mask", "PIP3 fixed", "moving"), "PIP3 fixed", None),
        (("MCP2 fixed", "MCP2 fixed mask", "PIP3 fixed", "moving"), "MCP2 fixed", "MCP2 fixed mask"),
        (("a", "b", "b mask", "a masks"), "a", "a masks"),
        (("fixed", "fixed mask", "moving", "moving mask"), "moving", "moving mask"),  # of the follow-up, in any field
    ],
)
def test_the_form_takes_the_masks_of_the_image(form, names, chosen, masks):
    layers = named(*names)
    form.set_choices(layers)
    form.fields["fixed"].value = layers[chosen]
    found = form.inputs().fixed_masks
    assert (found and found.name) == masks


@pytest.mark.parametrize("how", ["chosen", "found", "named"])
def test_masks_of_the_image_before_do_not_stay(form, how):
    layers = named("fixed", "moving", "third")
    if how == "found":
        find_bones(layers, layers["fixed"])
    elif how == "named":
        layers.append(Labels(HALVES, name="bones of fixed"))
    else:
        layers.append(Labels(HALVES, name="mine"))
    form.set_choices(layers)
    form.fields["fixed"].value = layers["fixed"]
    if how == "chosen":
        form.fields["fixed_masks"].value = layers["mine"]
    assert form.inputs().fixed_masks is layers[-1]
    form.set_choices(layers)  # as when another layer arrives
    assert form.inputs().fixed_masks is layers[-1]
    form.fields["fixed"].value = layers["third"]
    assert form.inputs().fixed_masks is None
    form.fields["fixed"].value = layers["fixed"]
    assert form.inputs().fixed_masks is (None if how == "chosen" else layers[-1])


def test_results_are_no_training_data():
    layers = named("baseline", "follow-up", "baseline mask", "follow-up mask")
    for name, role in (
        ("transformed follow-up", "transformed"),
        ("loss", "original_spectrum"),
        ("worst", "worst_image"),
    ):
        layers.append(Image(np.zeros((16, 12)), name=name, metadata={KEY: {"role": role}}))
    layers.append(Labels(HALVES, name="worst mask", metadata={KEY: {"role": "worst_truth"}}))
    names = [(image.name, labels.name) for image, labels in labelled_images(layers)]
    assert names == [("baseline", "baseline mask"), ("follow-up", "follow-up mask")]
    assert [(a.name, b.name) for a, b in visit_pairs(layers)] == [("baseline", "follow-up")]


@pytest.mark.parametrize("own", ["baseline mask", "Labels of baseline mask", "baseline masks"])
def test_labels_of_the_user_are_not_displaced_by_bones_that_were_found(own):
    layers = named("baseline", "other", own)
    find_bones(layers, layers["baseline"])
    assert [(image.name, labels.name) for image, labels in labelled_images(layers)] == [("baseline", own)]


@pytest.mark.parametrize(("edited", "ticked"), [(False, False), (True, True)])
def test_bones_that_were_found_are_training_data_once_they_were_corrected(qtbot, edited, ticked):
    layers = named("baseline", "other")
    bones = find_bones(layers, layers["baseline"])
    if edited:
        bones.data[0, 0] = 2
    field = PairsField("Pairs", "")
    qtbot.addWidget(field.native)
    field.set_choices(layers)
    assert field.native.count() == 1 and bool(field.value) == ticked
    field.value = [(layers["baseline"], bones)]  # the user may tick them
    field.set_choices(layers)
    assert field.value == ((layers["baseline"], bones),)
