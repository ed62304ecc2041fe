"""The layers that show a made-up progression on the shipped simulated hands."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_jsn.common.errors import InputError
from napari_jsn.drawing.colours import UNRELIABLE
from napari_jsn.viewer.file_readers import samples
from napari_jsn.viewer.hands_widget.boxes import edited_joints, read_boxes
from napari_jsn.viewer.hands_widget.layers import HandLayers, layer_of, show_found
from napari_jsn.viewer.layers.radiograph import read_radiograph_layer
from napari_jsn.viewer.layers.read_layer import layer_metadata
from tests.progression.made_up import MISSING, progression

LAYERS = [
    "bones, baseline",
    "bones, visit 2",
    "transformed",
    "original loss spectrum",
    "transformed loss spectrum",
    "joints at follow-up",
    "joints",
]


@cache
def read(sample):
    return sample()


def opened(sample):
    viewer = ViewerModel()
    for data, options, kind in read(sample):
        getattr(viewer, f"add_{kind}")(data, **options)
    radiographs = [layer for layer in viewer.layers if layer_metadata(layer).get("role") == "radiograph"]
    return viewer, [read_radiograph_layer(layer, layer_metadata(layer)["visit"]) for layer in radiographs]


def show():
    viewer, radiographs = opened(samples.hand_pair)
    shown = HandLayers(viewer.layers, progression(), radiographs)
    shown.show()
    return shown, viewer.layers


@pytest.fixture
def hand():
    return show()


@pytest.fixture(scope="module")
def untouched():
    """The same, for tests that do not change it."""
    return show()


def names(layers):
    return [layer.name for layer in layers]


def row(layer, joint):
    return list(layer.features["joint"]).index(joint)


def moved(layer, joint, by):
    """Move the box of a joint, as a user does."""
    boxes = [np.array(box) for box in layer.data]
    boxes[row(layer, joint)] += by
    layer.data = [(box, "rectangle") for box in boxes]


def painted(layer, box, label):
    """Paint a spot at the middle of a box."""
    at = np.round((np.mean(box, axis=0) - layer.translate) / layer.scale).astype(int)
    layer.data[at[0] - 9 : at[0] - 3, at[1] - 4 : at[1] + 4] = label
    return at


def test_all_layers_lie_on_the_radiographs(untouched):
    _, layers = untouched
    assert names(layers)[3:] == LAYERS
    radiograph = layers["left, baseline"]
    for name in LAYERS[:1] + LAYERS[2:5]:
        assert layers[name].data.shape == radiograph.data.shape and layers[name].units == radiograph.units
        np.testing.assert_allclose(layers[name].scale, radiograph.scale)
        np.testing.assert_allclose(layers[name].translate, radiograph.translate)
        assert not layers[name].visible
    followup = layers["left, week 52"]
    np.testing.assert_allclose(layers["bones, visit 2"].translate, followup.translate)
    np.testing.assert_allclose(layers["bones, visit 2"].scale, followup.scale)
    view = progression().hands[1].joints[0]
    on_screen = followup.data_to_world(view.joint.centre)
    np.testing.assert_allclose(layers["joints at follow-up"].data[0].mean(axis=0), on_screen, atol=1e-3)


def test_boxes_show_every_figure_as_text_colour_and_features(untouched):
    _, layers = untouched
    joints, table = layers["joints"], progression().table()
    assert list(joints.features.columns) == list(table.columns)
    assert joints.features["joint"].tolist() == table["joint"].tolist()
    mcp2, mcp1, pip5 = (row(joints, joint) for joint in ("MCP2", "MCP1", MISSING))
    jsn = table.set_index("joint")["jsn_mm"]
    texts = list(joints.text.values)
    assert texts[mcp2] == f"MCP2 {jsn['MCP2']:+.2f}" and texts[pip5] == MISSING
    colours = np.round(255 * joints.edge_color[:, :3]).astype(int)
    grey = [int(UNRELIABLE[k : k + 2], 16) for k in (1, 3, 5)]
    assert colours[mcp1].tolist() == colours[pip5].tolist() == grey
    assert colours[mcp2][0] > colours[mcp2][2] + 60  # narrower: orange
    assert not joints.features["reliable"][pip5] and "not in view" in joints.features["reason"][pip5]
    assert MISSING not in set(layers["joints at follow-up"].features["joint"])


def test_images_are_shown_at_joints_only(untouched):
    _, layers = untouched
    view = progression().hands[0].joints[row(layers["joints"], "MCP2")]
    middle = tuple(np.round(view.joint.centre).astype(int))
    original, transformed = (layers[name].data for name in LAYERS[3:5])
    assert np.isfinite(layers["transformed"].data[middle]) and np.isnan(original[0, 0])
    assert np.nanmean(transformed) < np.nanmean(original)
    assert layers[LAYERS[3]].contrast_limits == layers[LAYERS[4]].contrast_limits
    assert np.unique(layers["bones, baseline"].data).tolist() == [0, 1, 2]


def test_a_second_run_updates_the_layers(hand):
    shown, layers = hand
    layers["joints"].name = "mine"
    layers["transformed"].visible = True
    layers.remove("bones, baseline")
    layers.remove("original loss spectrum")
    less = replace(progression(), hands=tuple(replace(f, joints=f.joints[:4]) for f in progression().hands))
    HandLayers(layers, less, [box.radiograph for box in shown.boxes]).show()
    assert sorted(names(layers)[3:]) == sorted([*LAYERS[:6], "mine"])
    assert len(layers["mine"].data) == len(layers["mine"].features) == len(layers["mine"].text.values) == 4
    assert layers["transformed"].visible


def test_boxes_that_were_not_moved_are_no_corrections(untouched):
    shown, layers = untouched
    now = read_boxes(layers, shown.boxes)
    assert not any(box.joint.edited for box in now)
    assert edited_joints(now, shown.boxes, shown.painted_masks(now)) == {}


def test_a_box_that_was_moved_is_measured_where_it_lies(hand):
    shown, layers = hand
    moved(layers["joints at follow-up"], "MCP3", (2, -1))
    now = read_boxes(layers, shown.boxes)
    corrected = edited_joints(now, shown.boxes, {})
    assert list(corrected) == [(2, "L")]
    joints = {joint.name: joint for joint in corrected[2, "L"]}
    before = next(view.joint for view in progression().hands[1].joints if view.joint.name == "MCP3")
    by_mm = np.subtract(joints["MCP3"].centre, before.centre) * layers["left, week 52"].scale
    np.testing.assert_allclose(by_mm, (2, -1), atol=1e-3)
    assert [name for name, joint in joints.items() if joint.edited] == ["MCP3"]


def test_a_box_that_was_removed_is_not_measured_and_a_second_one_is_refused(hand):
    shown, layers = hand
    joints = layers["joints"]
    joints.selected_data = {row(joints, "MCP4")}
    joints.remove_selected()
    corrected = edited_joints(read_boxes(layers, shown.boxes), shown.boxes, {})
    assert "MCP4" not in [joint.name for joint in corrected[1, "L"]] and len(corrected[1, "L"]) == 9
    joints.features.loc[0, "joint"] = "MCP5"
    with pytest.raises(InputError, match="Two boxes of 'joints' are called MCP5"):
        read_boxes(layers, shown.boxes)


def test_bones_that_were_painted_are_the_masks(hand):
    shown, layers = hand
    joints, bones = layers["joints"], layers["bones, baseline"]
    painted(bones, joints.data[row(joints, "PIP2")], 3)
    masks = shown.painted_masks(shown.boxes)
    assert list(masks) == [(1, "L", "PIP2")]
    before = shown._views[1][row(joints, "PIP2")][1].masks
    differ = (masks[1, "L", "PIP2"].upper & masks[1, "L", "PIP2"].lower) & ~(before.upper & before.lower)
    assert 40 <= differ.sum() <= 56
    assert ((masks[1, "L", "PIP2"].labels != before.labels) & ~differ).sum() == 0
    assert list(edited_joints(shown.boxes, shown.boxes, masks)) == [(1, "L")]
    painted(bones, joints.data[row(joints, "PIP2")], 4)
    with pytest.raises(InputError, match="bones of PIP2 have the label 4"):
        shown.painted_masks(shown.boxes)


def test_painted_masks_follow_a_moved_box_and_are_kept_for_the_next_run(hand):
    shown, layers = hand
    at = painted(layers["bones, baseline"], layers["joints"].data[row(layers["joints"], "MCP3")], 3)
    moved(layers["joints"], "MCP3", (2, -1))
    now = read_boxes(layers, shown.boxes)
    mask = shown.painted_masks(now)[1, "L", "MCP3"]
    both = np.argwhere(mask.upper & mask.lower).mean(axis=0)
    box = next(box for box in now if box.key == (1, "L", "MCP3"))
    on_image = (at - (6.5, 0.5) - box.joint.box[0]) @ np.linalg.inv(
        np.array([box.joint.box[3] - box.joint.box[0], box.joint.box[1] - box.joint.box[0]]) / len(mask.labels)
    )
    np.testing.assert_allclose(both, on_image, atol=1.5)
    again = HandLayers(layers, progression(), [box.radiograph for box in shown.boxes], shown.painted_masks(now))
    again.show()
    assert list(again.painted_masks(again.boxes)) == [(1, "L", "MCP3")]
    layers.remove("bones, baseline")
    assert again.painted_masks(again.boxes) == {}


def test_boxes_that_were_only_found(hand):
    shown, layers = hand
    layers.clear()
    show_found(layers, shown.boxes)
    assert names(layers) == ["joints at follow-up", "joints"]
    assert list(layers["joints"].text.values) == list(layers["joints"].features["joint"])
    moved(layers["joints"], "IP1", (0, 1))
    assert list(edited_joints(read_boxes(layers, shown.boxes), shown.boxes, {})) == [(1, "L")]


def test_another_visit_of_both_hands():
    viewer, radiographs = opened(samples.both_hands)
    shown = HandLayers(viewer.layers, progression(3, ("L", "R")), radiographs)
    shown.show()
    layers = viewer.layers
    assert shown.visit == 3 and "bones, visit 2" not in names(layers)
    last = layers["joints"].text.values.tolist()
    shown.show_visit(2)
    assert layers["joints"].text.values.tolist() != last
    assert set(layers["joints"].features["visit"]) == {2}
    assert "bones, visit 2" in names(layers) and len(layers) == 4 + 1 + 8
    right = next(view for view in progression(3, ("L", "R")).hands[0].joints if view.joint.name == "MCP2")
    origin = progression(3, ("L", "R")).hands[0].radiograph.origin
    assert origin[1] > 0  # the right hand lies right on the radiograph
    centre = layers["both, baseline"].data_to_world(np.add(right.joint.centre, origin))
    np.testing.assert_allclose(layers["joints"].data[row(layers["joints"], "MCP2")].mean(axis=0), centre, atol=1e-3)


def test_the_layer_of_a_hand_is_found_by_its_pixels():
    hands = [
        replace(hand, radiograph=replace(hand.radiograph, origin=(0, 0)))
        for hand in progression(3, ("L", "R")).hands[:2]
    ]
    layers = [read_radiograph_layer(Image(hand.radiograph.pixels[:, :-9] * 200, name=hand.side), 1) for hand in hands]
    for hand in hands:
        part = replace(hand, radiograph=replace(hand.radiograph, pixels=hand.radiograph.pixels[:, :-9]))
        assert layer_of(part, layers[::-1]).name == hand.side
    assert layer_of(replace(hands[0], visit=2), layers) is None


def test_without_a_pixel_size_figures_are_in_pixels(hand):
    shown, layers = hand
    rows = tuple(replace(row, spacing_mm=None) for row in progression().narrowings)
    HandLayers(layers, replace(progression(), narrowings=rows), [box.radiograph for box in shown.boxes]).show()
    jsn_px = next(row.jsn_px for row in rows if row.joint == "MCP2")
    assert layers["joints"].text.values[row(layers["joints"], "MCP2")] == f"MCP2 {jsn_px:+.1f}"
