"""The form of a joint pair, without a window and an engine."""

import numpy as np
import pytest
from napari.components import LayerList
from napari.layers import Image, Labels

from napari_jsn.viewer.inputs.pair import PairForm
from napari_jsn.viewer.layers.read_layer import KEY

MM = {"scale": (0.2, 0.2), "units": ("mm", "mm")}


@pytest.fixture
def form(qtbot):
    form = PairForm()
    qtbot.addWidget(form)
    return form


def chosen(form):
    inputs = form.inputs()
    names = ("fixed", "fixed_masks", "moving", "moving_masks")
    return [layer and layer.name for layer in (getattr(inputs, name) for name in names)]


def named(images, *names):
    return LayerList([Labels(images[2], name=n) if "mask" in n else Image(images[0], name=n) for n in names])


def test_layers_are_chosen_by_name(form, images):
    form.set_choices(named(images, "other", "moving mask", "follow-up", "fixed mask", "baseline"))
    assert chosen(form) == ["baseline", "fixed mask", "follow-up", "moving mask"]


def test_layers_are_chosen_by_role_first(form, images):
    layers = named(images, "fixed", "moving", "b")
    layers["b"].metadata = {KEY: {"role": "fixed"}}
    layers["fixed"].metadata = {KEY: {"role": "transformed"}}
    form.set_choices(layers)
    assert chosen(form)[::2] == ["b", "moving"]


def test_other_layers_are_chosen_in_order_and_results_never(form, images):
    layers = named(images, "result", "a", "b", "c")
    layers["result"].metadata = {KEY: {"role": "transformed"}}
    form.set_choices(layers)
    assert chosen(form) == ["a", None, "b", None]


def test_images_stored_in_colour_are_defaults_and_stacks_are_none(form, images):
    layers = named(images, "a", "b")
    layers.insert(0, Image(np.zeros((3, 16, 12)), name="stack"))
    layers.insert(0, Image(np.zeros((16, 12, 3)), name="colour", rgb=True))
    form.set_choices(layers)
    assert chosen(form)[::2] == ["colour", "a"]


def test_defaults_follow_layers_that_arrive_until_the_user_chooses(form, images):
    layers = named(images, "moving")
    form.set_choices(layers)
    assert chosen(form)[::2] == [None, "moving"]
    layers.append(Image(images[0], name="fixed"))
    form.set_choices(layers)
    assert chosen(form)[::2] == ["fixed", "moving"]
    choose(form, "fixed", "moving")
    layers.append(Image(images[0], name="another"))
    form.set_choices(layers)
    assert chosen(form)[0] == "moving"
    layers.remove("moving")
    form.set_choices(layers)
    assert chosen(form)[0] == "fixed"


def choose(form, field, name):
    """Choose a layer as the user does."""
    combo = form.fields[field].editor
    index = combo.findText(name)
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


@pytest.mark.parametrize(
    ("place", "spacing"),
    [
        (MM, 0.2),
        ({"scale": (175, 175), "units": ("um", "um")}, 0.175),
        ({"scale": (0.2, 0.1), "units": ("mm", "mm")}, (0.2, 0.1)),
        ({"scale": (0.2, 0.2)}, None),
        ({}, None),
    ],
)
def test_the_pixel_size_comes_from_a_scale_that_is_a_length(form, images, place, spacing):
    form.set_choices(LayerList([Image(images[0], name="fixed", **place), Image(images[1], name="moving", **place)]))
    assert form.inputs().spacing_mm == form.inputs().moving_spacing_mm == spacing
    assert form.check()
    assert form.spacing_source("fixed") == ("" if spacing is None else "layer scale")


def test_a_typed_pixel_size_stays_until_another_image_is_chosen(form, images, qtbot):
    layers = LayerList([Image(images[0], name=name, **MM) for name in ("fixed", "moving", "other")])
    form.set_choices(layers)
    type_spacing(form, qtbot, "0,15")
    form.set_choices(layers)
    assert form.inputs().spacing_mm == 0.15
    assert form.spacing_source("fixed") == "typed in"
    choose(form, "fixed", "other")
    assert form.inputs().spacing_mm == 0.2


def test_a_layer_scaled_while_the_form_is_open(form, images):
    layers = LayerList([Image(images[0], name=name, **MM) for name in ("fixed", "moving")])
    form.set_choices(layers)
    layers["fixed"].scale = (0.3, 0.3)
    form.set_choices(layers)
    assert form.inputs().spacing_mm == 0.3


def test_the_spacing_source_of_the_file_is_shown_until_the_layer_is_scaled(form, images):
    metadata = {KEY: {"spacing_mm": 0.2, "spacing_source": "uncalibrated"}}
    layers = LayerList([Image(images[0], name="fixed", metadata=metadata, **MM), Image(images[1], name="moving")])
    form.set_choices(layers)
    assert form.spacing_source("fixed") == "uncalibrated"
    layers["fixed"].scale = (0.3, 0.3)
    form.set_choices(layers)
    assert form.spacing_source("fixed") == "layer scale"


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "two", "0.1 x 0.1 x 0.1", "0.1 x"])
def test_a_wrong_pixel_size_is_shown_at_its_field(form, images, qtbot, text):
    form.set_choices(named(images, "fixed", "moving"))
    type_spacing(form, qtbot, text)
    assert not form.check()
    assert "above 0" in form.fields["spacing_mm"].message.text()
    assert [name for name, field in form.fields.items() if not field.message.isHidden()] == ["spacing_mm"]
    type_spacing(form, qtbot, "0.1")
    assert form.check()
    assert form.fields["spacing_mm"].message.isHidden()


def type_spacing(form, qtbot, text):
    edit = form.fields["spacing_mm"].input_widget
    edit.clear()
    qtbot.keyClicks(edit, text)


def test_every_field_has_a_label_and_a_tip(form):
    assert all(field.label_widget.text() and field.label_widget.toolTip() for field in form.fields.values())
