from types import SimpleNamespace

import numpy as np
import pytest
import torch

import napari_jsn as jsn
from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.networks import weights
from napari_jsn.patient.patient import Hand
from napari_jsn.scoring.maps.site_map import site_map
from napari_jsn.scoring.one_stage.canvas import CANVAS, hand_canvas
from napari_jsn.scoring.one_stage.grader import OneStageGrader, sites_on_maps
from napari_jsn.scoring.one_stage.network import (
    ARCHITECTURES,
    CircleMean,
    FullPrecisionConvolution,
    HandNet,
    PixelClasses,
    build_hand_net,
    with_coordinates,
)


@pytest.mark.parametrize(("preset", "most_mb"), [("one-stage", 11.0), ("paper", 74)])
def test_every_pixel_has_three_classes_and_what_is_learned_as_well(preset, most_mb):
    with torch.device("meta"):  # shapes without memory
        network = build_hand_net(ARCHITECTURES[preset])
        found = network(torch.empty(1, 3, 96, 64))
    assert [tuple(each.shape) for each in found] == [(1, n, 96, 64) for n in (15, 5, 6, 1, 5, 2)]
    assert 2 * sum(each.numel() for each in network.parameters()) / 1e6 < most_mb
    layers = [each for each in network.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    assert layers and all(each.momentum == 0.1 for each in layers)  # statistics keep up with the weights
    heads = [network.joint, *network.narrowing, network.eroded, network.widths]
    assert all(head.kernel_size == (1, 1) for head in heads if isinstance(head, torch.nn.Conv2d))


def test_the_mean_over_a_circle():
    means = CircleMean(2)
    features = torch.zeros(1, 2, 64, 64)
    features[0, 1] = 1.0
    assert torch.allclose(means(features)[0, 1, 20:40, 20:40], torch.ones(20, 20), atol=1e-5)
    features[0, 0, 28:36, 28:36] = 1.0
    found = means(features)[0, 0]
    assert found[32, 32] == pytest.approx(64 / (16 * (means.kernel[0] > 0).sum().item()))
    assert found[32, 44] > 0 and found[32, 56] == 0 and found[44, 44] == 0


def test_depthwise_convolutions_of_full_precision_give_what_others_give():
    network = build_hand_net(ARCHITECTURES["one-stage"])
    full = [each for each in network.modules() if isinstance(each, FullPrecisionConvolution)]
    assert full and all(each.groups > 1 and each.bias is None for each in full)
    features = torch.rand(1, full[0].in_channels, 20, 20)
    with torch.autocast("cpu", torch.bfloat16):
        found, usual = full[0](features), torch.nn.Conv2d.forward(full[0], features)
    assert found.dtype == torch.float32 and usual.dtype == torch.bfloat16
    assert torch.allclose(found, usual.float(), atol=0.02 * found.abs().max().item())


def test_coordinates_run_from_minus_one_to_one_on_the_canvas():
    channels = with_coordinates(torch.zeros(2, *CANVAS))
    assert channels.shape == (2, 3, *CANVAS)
    assert channels[0, 1, 0, [0, -1]].tolist() == [-1, 1] and channels[1, 2, [0, -1], 0].tolist() == [-1, 1]
    part = with_coordinates(torch.zeros(2, 5, 3), torch.tensor([[0.0, 0.0], [20.0, 30.0]]))
    assert torch.equal(part[1], channels[1, :, 30:35, 20:23]) and torch.equal(part[0], channels[0, :, :5, :3])


def test_places_and_grades_are_read_from_the_maps():
    joint, narrowing, erosion = (torch.zeros(1, n, 60, 50) for n in (15, 5, 6))
    joint[:, 0] = 1.0
    joint[0, :, 20:31, 10:21] = 0.0
    joint[0, 1 + JOINTS.index("PIP2"), 20:31, 10:21] = 0.9
    narrowing[0, 3, :, :25], narrowing[0, 0, :, 25:] = 1.0, 1.0
    erosion[0, 5] = 1.0
    places, grades = sites_on_maps(PixelClasses(joint, narrowing, erosion, erosion[:, :1], narrowing), 4.0)
    assert places == {"PIP2": pytest.approx((15.0, 25.0))}
    assert grades["jsn"]["PIP2"].argmax() == 3
    assert grades["erosion"]["PIP2"].argmax() == 5


@pytest.mark.parametrize("more", [0.0, 0.6, 1.0])
def test_pixels_far_from_a_joint_do_not_move_it(more):
    classes = PixelClasses(*(torch.zeros(1, n, 96, 64) for n in (15, 5, 6, 1, 5)))
    k = 1 + JOINTS.index("MCP4")
    classes.joint[0, k, 50:61, 20:31] = 0.9
    classes.joint[0, k, 4:8, 50:54] = more  # a smaller spot elsewhere
    classes.jsn[0, 1], classes.jsn[0, 4, 4:8] = 1.0, 1.0
    places, grades = sites_on_maps(classes, 5.5)
    assert places == {"MCP4": pytest.approx((25.0, 55.0), abs=0.1)}
    assert grades["jsn"]["MCP4"].argmax() == 1


def test_a_joint_that_is_probable_at_a_few_pixels_only_is_not_marked():
    classes = PixelClasses(*(torch.zeros(1, n, 96, 64) for n in (15, 5, 6, 1, 5)))
    classes.joint[0, 3, 30:32, 30:33] = 1.0
    assert sites_on_maps(classes, 6.0)[0] == {}


def test_the_canvas_shows_the_hand_and_knows_where_it_lies(both_hands):
    radiographs, boxes = both_hands
    left, right = (hand_canvas(each, side) for each, side in zip(radiographs, "LR"))
    assert left.image.shape == CANVAS
    assert np.abs(left.image - right.image).mean() < 0.01
    for canvas, side in ((left, "L"), (right, "R")):
        inverse = np.linalg.inv(canvas.to_radiograph)
        for joint in boxes[1, side]:
            x, y, _ = inverse @ (joint.centre[1], joint.centre[0], 1)
            assert 0 < x < CANVAS[1]
            assert 0 < y < CANVAS[0]
    middle = np.array([200.0, 300.0, 1.0])
    (x, y, _), pixel = left.to_radiograph @ middle, left.image[300, 200]
    shown = radiographs[0].pixels[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].mean()
    assert abs(shown / np.percentile(radiographs[0].pixels, 99.8) - pixel) < 0.15


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_of_the_card_sharpens_the_grades(left_hand, temperature, monkeypatch):
    radiograph, _ = left_hand
    joint, narrowing, erosion = (torch.zeros(1, n, *CANVAS) for n in (15, 5, 6))
    joint[0, 3] = 1.0
    narrowing[0, :2], erosion[0, 4] = torch.tensor([0.8, 0.2])[:, None, None], 1.0
    grader = OneStageGrader.of_network(None, {"temperature": {"jsn": temperature}}, "cpu")
    classes = PixelClasses(joint, narrowing, erosion, erosion[:, :1], narrowing)
    monkeypatch.setattr(grader, "pixel_classes", lambda image: classes)
    found = grader.grade([Hand(1, None, radiograph)]).probabilities
    odds = found["L", JOINTS[2], "jsn"][0] / found["L", JOINTS[2], "jsn"][1]
    assert odds == pytest.approx(4 ** (1 / temperature), rel=1e-4)
    assert found["L", JOINTS[2], "erosion"][4] == pytest.approx(1)


@pytest.mark.parametrize(("away_mm", "graded"), [(0.0, True), (4.0, True), (20.0, False)])
def test_a_place_that_contradicts_the_joint_found_is_not_graded(left_hand, away_mm, graded, monkeypatch):
    radiograph, joints = left_hand
    canvas = hand_canvas(radiograph, "L")
    inverse = np.linalg.inv(canvas.to_radiograph)
    at = {joint.name: (inverse @ (joint.centre[1], joint.centre[0], 1))[:2] for joint in joints}
    joint, narrowing, erosion = (torch.zeros(1, n, *CANVAS) for n in (15, 5, 6))
    rows, cols = torch.meshgrid(*map(torch.arange, CANVAS), indexing="ij")
    for name in ("MCP2", "PIP4", "DIP5"):
        x, y = at[name] + (np.array([away_mm, 0]) / canvas.pixel_mm if name == "PIP4" else 0.0)
        joint[0, 1 + JOINTS.index(name)] = ((rows - y) ** 2 + (cols - x) ** 2 <= 14**2).float()
    narrowing[0, 2], erosion[0, 1] = 1.0, 1.0
    classes = PixelClasses(joint, narrowing, erosion, erosion[:, :1], narrowing)
    grader = OneStageGrader.of_network(None, {}, "cpu")
    monkeypatch.setattr(grader, "pixel_classes", lambda image: classes)
    known = tuple(each for each in joints if each.name != "DIP5")  # which is not in view
    found = grader.grade([SimpleNamespace(side="L", joints=known, radiograph=radiograph)])
    assert {joint for _, joint, _ in found.probabilities} == {"MCP2", *(["PIP4"] if graded else [])}
    assert found.refused == (() if graded else (("L", "PIP4"),))


def test_a_model_of_the_method_scores_a_hand_in_one_pass(left_hand, tmp_path, monkeypatch):
    about = {
        "statement": "Random.", "architecture": {"class": HandNet.__name__, **ARCHITECTURES["one-stage"]},
        "task": "scoring", "name": "random", "preset": "one-stage", "input_size_px": [CANVAS[0]] * 2,
        "normalisation": "none", "training_data": [], "figures": {}, "command": "none", "seed": 0, "versions": {},
    }  # fmt: skip
    network = build_hand_net(ARCHITECTURES["one-stage"])
    model = str(weights.save(tmp_path, {k: v.half() for k, v in network.state_dict().items()}, about))
    radiograph, joints = left_hand
    found = jsn.score(radiograph, "one-stage", model=model, boxes={(1, "L"): joints})
    assert found.method == "one-stage"
    assert len(found.sites) == 19
    passes = []
    whole = OneStageGrader.pixel_classes
    monkeypatch.setattr(OneStageGrader, "pixel_classes", lambda *each: passes.append(1) or whole(*each))
    for site in ("MCP2", "PIP3", "DIP5"):
        for kind in ("jsn", "erosion"):
            shown = site_map(found.hands, "L", site, kind, "one-stage", model)
            assert shown.shape == radiograph.shape and shown.min() >= 0 and shown.max() > 0
    assert len(passes) == 1
    with pytest.raises(InputError, match="one-stage"):
        jsn.score(radiograph, "two-stage", model=model)


def test_a_model_that_graded_by_pixels_is_refused(tmp_path):
    network = build_hand_net(ARCHITECTURES["one-stage"])
    before = {key: value for key, value in ARCHITECTURES["one-stage"].items() if key != "regions"}
    about = {
        "statement": "Random.", "architecture": {"class": HandNet.__name__, **before},
        "task": "scoring", "name": "old", "preset": "one-stage", "input_size_px": [CANVAS[0]] * 2,
        "normalisation": "none", "training_data": [], "figures": {}, "command": "none", "seed": 0, "versions": {},
    }  # fmt: skip
    state = {key: value for key, value in network.state_dict().items() if not key.startswith("regions")}
    model = str(weights.save(tmp_path, state, about))
    with pytest.raises(InputError, match="do not fit the network that the card describes"):
        OneStageGrader(model, "cpu")
