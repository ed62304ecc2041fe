import json
import os
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from napari_jsn import InputError
from napari_jsn.networks import weights
from napari_jsn.networks.weights import card, cards, halved

ABOUT = dict.fromkeys(weights.FIELDS, "text") | {"task": "toys", "name": "mine"}
MODELS = sorted(Path(str(files("napari_jsn").joinpath("models"))).glob("*.safetensors"))
STATE = {"layer.weight": torch.arange(6.0).reshape(2, 3).T, "steps": torch.tensor(3)}


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    """The user's own models lie here during a test."""
    folder = tmp_path / "models"
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(folder))
    return folder


def test_the_calibration_of_refined_is_shipped():
    assert "registration-refined" in cards()
    content = card("registration-refined")
    assert (content["task"], content["method"]) == ("registration", "refined")


@pytest.mark.parametrize("name", cards())
def test_every_card_says_its_task_and_is_plain_data(name):
    assert card(name)["task"]
    json.dumps(card(name), allow_nan=False)


@pytest.mark.parametrize("name", cards())
def test_every_card_states_its_licence(name):
    about = card(name)
    assert about["licence"].startswith("BSD-3-Clause")
    sources = about.get("training_data", [])
    assert ("no licence" in about["licence"]) == any("no licence" in source["terms"] for source in sources)


@pytest.mark.parametrize("name", ["nothing", "../napari", "registration-refined.json", ""])
def test_an_unknown_card_lists_the_choices(name):
    with pytest.raises(InputError, match="Choose one of: .*registration-refined") as error:
        card(name)
    assert error.value.argument == "name"


def test_a_users_model_is_saved_found_and_loaded(models):
    assert weights.names("toys") == []
    path = weights.save(weights.user_folder(), STATE, ABOUT, {".csv": b"curves"})
    assert path == models / "toys-mine.safetensors" and (models / "toys-mine.csv").read_bytes() == b"curves"
    assert weights.names("toys") == ["mine"] and weights.names("toy") == []
    for name in ("mine", str(path)):
        state, about = weights.load("toys", name)
        assert all(torch.equal(state[key], STATE[key]) for key in STATE)
        assert len(about["sha256"]) == 64 and len(about.pop(weights.CARD_HASH)) == 64
        assert {**about, "sha256": "text"} == ABOUT


def test_without_the_variable_models_lie_where_the_platform_says(monkeypatch):
    monkeypatch.delenv("NAPARI_JSN_MODELS")
    assert "napari-jsn" in weights.user_folder().parts


def test_an_unknown_model_lists_the_choices(models):
    with pytest.raises(InputError, match="none yet"):
        weights.load("toys", "mine")
    weights.save(models, STATE, ABOUT)
    for name in ("yours", "../toys-mine", ""):
        with pytest.raises(InputError, match="Choose one of: mine"):
            weights.load("toys", name)
    with pytest.raises(InputError, match="no file"):
        weights.load("toys", "yours.safetensors")


@pytest.mark.parametrize("damage", [b"", b"foreign", None])
def test_a_foreign_or_truncated_file_is_refused(models, damage):
    path = weights.save(models, STATE, ABOUT)
    path.write_bytes(path.read_bytes()[:-5] if damage is None else damage)
    with pytest.raises(InputError, match="changed or cut short"):
        weights.load("toys", "mine")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "\x00", "[" * 200_000, '{"a":' * 100_000, " " * 5_000_000], ids=lambda text: text[:5]
)
def test_a_damaged_card_is_refused(models, text):
    path = weights.save(models, STATE, ABOUT)
    path.with_suffix(".json").write_text(text)
    with pytest.raises(InputError, match="card"):
        weights.load("toys", "mine")
    assert weights.model_identity("toys", "mine") == "mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_a_pipe_is_no_card(models):
    path = weights.save(models, STATE, ABOUT).with_suffix(".json")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="card"):
        weights.load("toys", str(path.with_suffix(".safetensors")))


def test_what_is_no_safetensors_is_refused_even_with_the_right_hash(models):
    from hashlib import sha256

    path = weights.save(models, STATE, ABOUT)
    path.write_bytes(b"PK no weights")
    about = ABOUT | {"sha256": sha256(b"PK no weights").hexdigest()}
    path.with_suffix(".json").write_bytes(weights.card_bytes(about))
    with pytest.raises(InputError, match="holds no weights"):
        weights.load("toys", "mine")


def test_weights_without_a_card_and_those_of_another_task(models):
    path = weights.save(models, STATE, ABOUT)
    with pytest.raises(InputError, match="for 'toys', not 'games'"):
        weights.load("games", str(path))
    path.with_suffix(".json").unlink()
    assert weights.names("toys") == []
    with pytest.raises(InputError, match="card"):
        weights.load("toys", str(path))


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "ä", "a b", "a" * 65])
def test_names_that_no_file_can_bear(models, name):
    with pytest.raises(InputError, match="cannot be called"):
        weights.save(models, STATE, {**ABOUT, "name": name})
    assert not models.exists()


def test_a_card_says_all_it_must(models):
    with pytest.raises(ValueError, match="seed"):
        weights.save(models, STATE, {key: value for key, value in ABOUT.items() if key != "seed"})


@pytest.mark.parametrize("name", cards())
def test_every_shipped_card_has_the_hash_of_its_contents(name):
    assert card(name)[weights.CARD_HASH] == weights.card_hash(card(name)), "run the command card-hashes"


@pytest.mark.parametrize(
    ("key", "value"), [("input_size_px", [512, 512]), ("normalisation", "none"), ("figures", {"dsc": 1.0}), ("new", 1)]
)
def test_a_card_that_was_edited_is_not_believed(models, key, value):
    path = weights.save(models, STATE, ABOUT).with_suffix(".json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(content.items()))))  # written otherwise, but with the same contents
    weights.load("toys", "mine")
    path.write_text(
        json.dumps({each: old for each, old in content.items() if each != weights.CARD_HASH} | {key: value})
    )
    with pytest.raises(InputError, match="lacks the hash of its contents"):
        weights.load("toys", "mine")
    path.write_text(json.dumps({**content, key: value}))
    with pytest.raises(InputError, match="was changed after it was written") as error:
        weights.load("toys", "mine")
    assert error.value.argument == "model"


def test_the_command_writes_the_hashes_of_shipped_cards(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_shipped", lambda: tmp_path)
    for name, content in (("a", {"x": 1}), ("b", {"x": 2, weights.CARD_HASH: "0"}), ("c", {"x": [1.5, "ä"]})):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert len(weights.write_card_hashes()) == 3 and weights.write_card_hashes() == []
    assert [card(name)["x"] for name in "abc"] == [1, 2, [1.5, "ä"]]


@pytest.mark.parametrize("named", ["~", "~/models", "~/of mine/models"])
def test_the_home_folder_of_the_variable_is_found(tmp_path, monkeypatch, named):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("NAPARI_JSN_MODELS", named)
    weights.save(weights.user_folder(), STATE, ABOUT)
    assert (tmp_path / named[2:] / "toys-mine.json").is_file() and weights.names("toys") == ["mine"]
    weights.load("toys", f"{named}/toys-mine.safetensors")


def test_values_that_16_bits_can_not_hold_keep_their_type():
    state = {"small": torch.tensor([0.5, -2.0]), "large": torch.tensor([1.0, 1e6]), "count": torch.tensor(3)}
    found = halved(state)
    assert [found[key].dtype for key in state] == [torch.float16, torch.float32, torch.int64]
    assert all(torch.equal(found[key].to(state[key].dtype), state[key]) for key in state)


def test_a_network_is_complete_without_the_numbers_of_batches_of_its_normalisations():
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(2))
    found = halved(network.state_dict())
    assert set(found) == {"0.weight", "0.bias", "0.running_mean", "0.running_var"}
    network.load_state_dict(found)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_shipped_weight_is_finite(path):
    assert all(each.isfinite().all() for each in load_file(path).values())
