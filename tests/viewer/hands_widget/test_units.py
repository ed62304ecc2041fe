"""Results on radiographs whose layers have different units, or are mirrored: where they lie, and where one looks."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_jsn.viewer.hands_widget.boxes import read_boxes
from napari_jsn.viewer.hands_widget.camera import BoxWatcher, centre_on_box
from napari_jsn.viewer.hands_widget.layers import HandLayers
from napari_jsn.viewer.layers.radiograph import read_radiograph_layer, separate_layers
from tests.progression.made_up import progression

PER_MM = {"mm": 1, "um": 1e3, "cm": 0.1}


def opened(hand_layers, units, mirrored=False):
    """Return a viewer with baseline and follow-up in these units, and the radiographs."""
    viewer = ViewerModel()
    for (data, options, _), unit in zip(hand_layers[1:], units):
        scale = np.multiply(options["scale"], PER_MM[unit])
        viewer.add_image(data, scale=scale * (1, -1 if mirrored else 1), units=unit, name=options["name"])
    separate_layers(viewer.layers, viewer.layers.units)
    return viewer, [read_radiograph_layer(layer, visit).loaded() for visit, layer in enumerate(viewer.layers, start=1)]


def to_viewer(viewer, layer, points):
    """Return data points of a layer in coordinates of the viewer."""
    world = np.array([layer.data_to_world(point) for point in points])
    return world * [(1 * unit).to(wanted).magnitude for unit, wanted in zip(layer.units, viewer.layers.units)]


@pytest.mark.parametrize("units", [("mm", "um"), ("um", "mm"), ("cm", "um"), ("um", "um"), ("mm", "cm")])
def test_everything_lies_on_the_radiographs(hand_layers, units):
    viewer, radiographs = opened(hand_layers, units)
    shown = HandLayers(viewer.layers, progression(), radiographs)
    shown.show()
    for hand, radiograph, role in zip(progression().hands, list(viewer.layers)[:2], ("joints", "joints at follow-up")):
        joint, boxes = hand.joints[4].joint, viewer.layers[role]
        expected = to_viewer(viewer, radiograph, joint.box)
        np.testing.assert_allclose(to_viewer(viewer, boxes, boxes.data[4]), expected, rtol=1e-5)
        bones = viewer.layers["bones, baseline" if role == "joints" else "bones, visit 2"]
        assert bones.data.shape == radiograph.data.shape
        corners = [(0, 0), np.array(radiograph.data.shape) - 1]
        np.testing.assert_allclose(
            to_viewer(viewer, bones, corners), to_viewer(viewer, radiograph, corners), atol=1e-4 * expected.max()
        )
    assert not any(box.joint.edited for box in read_boxes(viewer.layers, shown.boxes))
    corners = shown.corners("L", progression().hands[0].joints[4].joint.name)
    centre_on_box(viewer, corners)
    centre = to_viewer(viewer, viewer.layers[0], [progression().hands[0].joints[4].joint.centre])[0]
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], centre, rtol=1e-5)


@pytest.mark.parametrize("units", [("mm", "um"), ("um", "mm"), ("mm", "mm")])
def test_lines_texts_and_choices_fit_the_zoom(hand_layers, units, qtbot):
    viewer, radiographs = opened(hand_layers, units)
    HandLayers(viewer.layers, progression(), radiographs).show()
    watcher, chosen = BoxWatcher(viewer), []
    watcher.chosen.connect(lambda *box: chosen.append(box))
    watcher.watch()
    mm = (1 * viewer.layers.units[0]).to("mm").magnitude
    viewer.scene.camera.zoom = 4 * mm  # 4 canvas pixels per mm
    for name in ("joints", "joints at follow-up"):
        layer = viewer.layers[name]
        px = 4 * (1 * layer.units[0]).to("mm").magnitude
        assert 1.5 < layer.edge_width[0] * px < 3.1
        assert 5 < layer.text.size <= 9
        chosen.clear()
        layer.selected_data = {3}
        qtbot.wait_until(lambda: len(chosen) == 1)
        np.testing.assert_allclose(chosen[-1][2], to_viewer(viewer, layer, layer.data[3]), rtol=1e-5)


@pytest.mark.parametrize("units", [("mm", "um"), ("um", "mm"), ("cm", "um")])
def test_layers_that_overlap_are_separated_whatever_their_units(hand_layers, units):
    viewer, _ = opened(hand_layers, units)
    low, high = (to_viewer(viewer, layer, [(0, 0), np.array(layer.data.shape) - 1]) for layer in viewer.layers)
    gap, width = high[0, 1] - low[1, 1], high[1, 1] - high[0, 1]
    assert 0 < gap < 0.05 * width


def test_boxes_lie_on_mirrored_radiographs(hand_layers):
    viewer, radiographs = opened(hand_layers, ("mm", "mm"), mirrored=True)
    HandLayers(viewer.layers, progression(), radiographs).show()
    joint, boxes = progression().hands[0].joints[4].joint, viewer.layers["joints"]
    np.testing.assert_allclose(boxes.data[4], to_viewer(viewer, viewer.layers[0], joint.box), atol=1e-3)
    bones = viewer.layers["bones, baseline"]
    at = np.round(bones.world_to_data(viewer.layers[0].data_to_world(joint.centre))).astype(int)
    assert bones.data[at[0] - 30 : at[0] + 30, at[1] - 5 : at[1] + 5].any()
