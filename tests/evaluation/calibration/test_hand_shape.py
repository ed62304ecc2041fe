"""The statistics of the landmarks of hands."""

import json
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from napari_jsn.evaluation.calibration import hand_shape


@pytest.fixture
def hands():
    """200 hands that differ in position, rotation, size and the direction of one finger."""
    rng = np.random.default_rng(0)
    upright = np.stack([np.arange(37.0) % 6 * 40, 400 + np.arange(37.0) // 6 * 20], axis=1)
    for ray, marks in hand_shape.RAY_LANDMARKS.items():
        for level, mark in enumerate(marks):
            upright[mark] = 300 - 60 * ray - 10 * level, 380 - 90 * level
    drawn = []
    for _ in range(200):
        hand = upright + rng.normal(0, 1, (37, 2))
        hand[22:25] += [[3 * rng.standard_normal(), 0]] * 3
        angle = rng.uniform(-0.5, 0.5)
        matrix = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        drawn.append(rng.uniform(1, 3) * hand @ np.transpose(matrix) + rng.uniform(0, 500, 2))
    return np.array(drawn)


def test_features_do_not_depend_on_position_rotation_and_size(hands):
    rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
    features, size = hand_shape.describe(hands)
    moved, larger = hand_shape.describe(2 * hands @ rotation.T + 30)
    assert np.allclose(features, moved)
    assert np.allclose(larger - size, np.log(2))
    assert features.shape == (200, len(hand_shape.feature_names()))


def test_only_statistics_are_kept(hands):
    content = hand_shape.fit(hands)
    count = len(content["features"])
    assert content["hands"] + content["left_out"] == 200
    assert len(content["mean"]) == len(content["sd"]) == count
    assert len(content["components"]) == len(content["component_sd"]) < count
    assert all(len(component) == count for component in content["components"])


def test_a_wrongly_marked_hand_is_left_out(hands):
    wrong = hands.copy()
    wrong[0, 23] = wrong[0, 0]
    assert hand_shape.fit(wrong)["left_out"] > hand_shape.fit(hands)["left_out"]


def test_the_shipped_statistics_can_be_made_again():
    shipped = json.loads(files("napari_jsn.simulation").joinpath("hand_shape.json").read_text("utf-8"))
    assert shipped["features"] == hand_shape.feature_names()
    folder = os.environ.get("NAPARI_JSN_DATA", "")
    if not folder or not Path(folder, "hands", "landmarks.csv").is_file():
        pytest.skip("NAPARI_JSN_DATA is unset or holds no landmarks of hands")
    again = hand_shape.fit(hand_shape.read_landmarks(Path(folder, "hands", "landmarks.csv")))
    assert np.allclose(again["mean"], shipped["mean"], atol=2e-4)
    assert np.allclose(again["sd"], shipped["sd"], atol=2e-4)
    assert again["command"] == shipped["command"] and again["source"] == shipped["source"]
