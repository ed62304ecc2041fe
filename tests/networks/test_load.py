import json

import pytest
import torch

from napari_jsn import InputError
from napari_jsn.networks import weights
from napari_jsn.networks.load import load_network


def build(arguments):
    return torch.nn.Linear(arguments["size"], 1)


def double(network):
    with torch.no_grad():
        network.weight.mul_(2)
    return network


@pytest.fixture
def save(tmp_path, monkeypatch):
    """Save a model ``mine``: ``save(size=3, **changes)``."""
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path))
    about = dict.fromkeys(weights.FIELDS, "") | {"task": "toys", "name": "mine", "input_size_px": [32, 32]}

    def save(size=3, **changes):
        architecture = {"class": "some.where.Net", "size": size}
        network = build(architecture)
        weights.save(tmp_path, network.state_dict(), {**about, "architecture": architecture, **changes})
        return network

    return save


def test_a_network_is_loaded_once_and_again_when_its_file_has_changed(save):
    saved = save()
    loaded = load_network("toys", "mine", "cpu", build)
    assert torch.equal(loaded.network.weight, saved.weight) and not loaded.network.training
    assert loaded.side == 32 and loaded.card["task"] == "toys"
    assert load_network("toys", "mine", "cpu", build) is loaded
    save(4)
    assert load_network("toys", "mine", "cpu", build).network.in_features == 4


def test_a_network_can_be_prepared_for_inference(save):
    saved = save()
    assert torch.equal(load_network("toys", "mine", "cpu", build, double).network.weight, 2 * saved.weight)


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": {"size": 4}},
        {"architecture": {"size": -3}},
        {"architecture": {"size": 10**12}},
        {"architecture": {"size": 2**70}},
        {"architecture": {"size": [3]}},
        {"architecture": {}},
        {"architecture": ""},
        {"architecture": {"size": None}},
        {"input_size_px": []},
        {"input_size_px": [-32, -32]},
        {"input_size_px": [0, 0]},
        {"input_size_px": [10**9, 10**9]},
        {"input_size_px": [None]},
    ],
    ids=json.dumps,
)
def test_weights_that_do_not_fit_their_card_are_refused(save, changes):
    save(**changes)
    with pytest.raises(InputError, match="do not fit the network that the card describes") as error:
        load_network("toys", "mine", "cpu", build)
    assert error.value.argument == "model"
