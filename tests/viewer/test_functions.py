"""Functions on layers: the forms that magicgui makes of them, in a real window and with real computing."""

import gc

import magicgui
import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes

import napari_jsn
from napari_jsn.joint import BoneMasks
from napari_jsn.viewer import functions, returned
from napari_jsn.viewer.file_readers.samples import joint_pair_mcp
from napari_jsn.viewer.layers.read_layer import KEY, layer_metadata

SPECTRA = ["original loss spectrum", "transformed loss spectrum"]


@pytest.fixture
def pair(make_napari_viewer):
    """A viewer with the shipped joint pair, which is moved away from the origin."""
    viewer = make_napari_viewer()
    for data, options, kind in joint_pair_mcp():
        getattr(viewer, f"add_{kind}")(data, translate=(3, 4), **options)
    return viewer


@pytest.fixture
def hands(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.open_sample("napari-jsn", "hand_pair")
    return viewer


def names(viewer):
    return [layer.name for layer in viewer.layers]


@pytest.mark.parametrize("docked", [True, False])
def test_a_form_of_register_adds_transformed_image_and_both_spectra(pair, docked):
    form = magicgui.magicgui(functions.register)
    if docked:
        pair.window.add_dock_widget(form)
    fixed, moving = pair.layers["baseline"], pair.layers["follow-up"]
    assert list(form.fixed.choices) == [fixed, moving]
    form.fixed.value, form.moving.value = fixed, moving
    found = form()
    assert isinstance(found, napari_jsn.Registration)
    expected = napari_jsn.register(fixed.data, moving.data, spacing_mm=0.1)
    assert found.jsn_mm == pytest.approx(expected.jsn_mm, abs=1e-9)
    added = pair.layers[4:]
    assert [layer.name for layer in added] == ["transformed follow-up", *SPECTRA]
    for layer, data in zip(added, (found.transformed, found.original_spectrum, found.transformed_spectrum)):
        np.testing.assert_array_equal(layer.data, data)
        np.testing.assert_allclose(layer.translate, (3, 4))
        np.testing.assert_allclose(layer.scale, fixed.scale)
        assert layer.visible and layer.units == fixed.units
    assert added[0].metadata[KEY]["jsn_mm"] == pytest.approx(found.jsn_mm)


def test_a_form_of_segment_adds_the_bones_and_keeps_corrected_ones(pair):
    form = magicgui.magicgui(functions.segment)
    image = pair.layers["baseline"]
    found = form(joint_image=image)
    bones = pair.layers["bones of baseline"]
    assert isinstance(bones, Labels)
    np.testing.assert_array_equal(bones.data, found.labels)
    np.testing.assert_allclose(bones.translate, (3, 4))
    form(joint_image=image)
    assert len(pair.layers) == 5
    bones.data[0, 0] = 2
    with pytest.raises(napari_jsn.InputError, match="corrected by hand"):
        form(joint_image=image)
    assert bones.data[0, 0] == 2


def test_forms_of_find_joints_and_measure_add_boxes_and_bones(hands):
    baseline, followup = (layer for layer in hands.layers if isinstance(layer, Image))
    found = magicgui.magicgui(functions.find_joints)(radiograph=baseline)
    boxes = hands.layers["joints"]
    assert isinstance(boxes, Shapes) and len(boxes.data) == len(found) == 14
    assert boxes.features["joint"].tolist() == [joint.name for joint in found]
    progression = magicgui.magicgui(functions.measure)(baseline=baseline, followup=followup)
    assert len(progression.narrowings) == 10
    assert {"joints at follow-up", "bones, baseline", "transformed", *SPECTRA} <= {*names(hands)}
    assert "jsn_mm" in hands.layers["joints"].features


@pytest.mark.parametrize(
    "call",
    [
        lambda layers: functions.register(layers[0], layers[0]),
        lambda layers: functions.register(layers[0], None),
        lambda layers: functions.register(layers[0], layers[2], fixed_masks=layers[3], spacing_mm=-1.0),
        lambda layers: functions.segment(None),
        lambda layers: functions.find_joints(Image(np.zeros((4, 40, 40)))),
        lambda layers: functions.measure(layers[0], layers[0]),
        lambda layers: functions.segment(Image(np.zeros((2, 40, 40, 3)), rgb=True)),
    ],
)
def test_wrong_layers_are_refused_by_the_name_of_the_argument(call):
    layers = [kind(np.zeros((40, 40), int)) for kind in (Image, Labels, Image, Labels)]
    with pytest.raises(napari_jsn.InputError, match=r"^(fixed|moving|spacing_mm|joint_image|radiograph|followup)"):
        call(layers)


def test_a_function_of_the_user_on_layers_adds_the_layers_of_its_result(pair):
    def first_bones(first: Image, second: Image) -> BoneMasks:
        return functions.segment(second)

    def swapped(first: Image, second: Image) -> napari_jsn.Registration:
        return functions.register(second, first)

    magicgui.magicgui(first_bones)(second=pair.layers["follow-up"])
    magicgui.magicgui(swapped)(second=pair.layers["follow-up"])
    assert names(pair)[4:] == ["bones of follow-up", "transformed baseline", *SPECTRA]


@pytest.mark.parametrize(
    "result",
    [
        BoneMasks(np.ones((4, 4), bool), np.ones((4, 4), bool)),
        napari_jsn.FoundJoints(),
        napari_jsn.Progression((), ()),
    ],
    ids=lambda result: type(result).__name__,
)
def test_a_result_of_unknown_layers_is_not_placed_on_any(pair, result, monkeypatch):
    warnings = []
    monkeypatch.setattr(returned, "show_warning", warnings.append)

    def constant(image: Image):
        return result

    constant.__annotations__["return"] = type(result)
    form = magicgui.magicgui(constant)
    assert form() is result
    assert len(pair.layers) == 4
    assert warnings[0].startswith(f"This {type(result).__name__} is not shown. It is not known which layers")


def test_layers_are_remembered_as_long_as_the_result_exists():
    images = [Image(data) for data, options, kind in joint_pair_mcp() if kind == "image"]
    gc.collect()
    before = len(returned._inputs)
    results = [functions.segment(image) for image in images]
    assert [returned._inputs[id(result)] for result in results] == [(image,) for image in images]
    del results
    gc.collect()
    assert len(returned._inputs) == before


def test_pixels_that_are_not_square(pair):
    fixed, moving = pair.layers["baseline"], pair.layers["follow-up"]
    for layer in (fixed, moving):
        layer.data, layer.scale = layer.data[::2], (0.2, 0.1)
    found = magicgui.magicgui(functions.register)(fixed=fixed, moving=moving)
    shown = pair.layers["transformed follow-up"]
    assert found.transformed.shape[0] == pytest.approx(2 * fixed.data.shape[0], abs=1)
    np.testing.assert_allclose(shown.scale, (0.1, 0.1))
    assert layer_metadata(shown)["spacing_mm"] == 0.1


@pytest.mark.parametrize("name", ["register", "segment"])
def test_magicgui_makes_a_form_of_a_function_of_one_joint(pair, name):
    function = getattr(napari_jsn, name)
    assert magicgui.magicgui(function).return_annotation is function.__annotations__["return"]


@pytest.mark.parametrize("name", ["register", "segment", "measure", "find_joints"])
def test_a_form_offers_only_images_that_can_be_used(make_napari_viewer, name):
    viewer = make_napari_viewer()
    image = np.zeros((32, 32), np.float32)
    flat = viewer.add_image(image, name="flat")
    colour = viewer.add_image(np.zeros((32, 32, 3), np.uint8), rgb=True, name="colour")
    levels = viewer.add_image([image, image[::2, ::2]], multiscale=True, name="levels")
    viewer.add_image(np.zeros((3, 32, 32)), name="stack")
    viewer.add_image(np.zeros((1, 32, 32)), name="one slice")
    viewer.add_image(np.zeros((2, 2, 32, 32)), name="4-D")
    viewer.add_labels(np.zeros((32, 32), int), name="labels")
    form = magicgui.magicgui(getattr(functions, name))
    viewer.window.add_dock_widget(form)
    fields = ("fixed", "moving", "joint_image", "baseline", "followup", "radiograph")
    images = [each for each in form if each.name in fields]
    assert images and all(list(each.choices) == [flat, colour, levels] for each in images)
    with pytest.raises(napari_jsn.InputError, match=f"{images[0].name}: This image has 3 dimensions"):
        getattr(functions, name)(*[viewer.layers["stack"]] * len(images))
