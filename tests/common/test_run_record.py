"""What ``run.json`` states about options, models, inputs and versions."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from napari_jsn.common.run_record import GIVEN_PATH, input_record, run_record

DIGEST = sha256(b"weights").hexdigest()


@pytest.mark.parametrize(
    "value", [Path("QZfolder"), "QZfolder/film.dcm", "C:\\QZfolder\\film.dcm", [Path("QZ1.png"), Path("QZ2.png")]]
)
def test_paths_are_options_without_a_value_unless_the_identity_is_kept(value):
    hidden, kept = (run_record("measure", {"mask": value}, keep_identity=keep)["options"] for keep in (False, True))
    assert "QZ" not in json.dumps(hidden) and GIVEN_PATH in json.dumps(hidden) and "QZ" in json.dumps(kept)


def test_the_name_of_a_file_that_exists_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "QZlayout.json").write_text("{}")
    options = {"layout": "QZlayout.json", "method": "refined", "joints": ["MCP2"], "wide-mm": 0.15, "spacing-mm": None}
    assert run_record("convert", options)["options"] == {**options, "layout": GIVEN_PATH}


@pytest.mark.parametrize(("value", "stated"), [(float("inf"), "inf"), (float("nan"), "nan"), ((1, 0.5), [1, 0.5])])
def test_options_are_what_json_can_state(value, stated):
    assert json.loads(json.dumps(run_record("measure", {"wide-mm": value}), allow_nan=False))["options"] == {
        "wide-mm": stated
    }


def test_models_by_name_and_hash():
    models = {"localization": f"default {DIGEST}, own {DIGEST}", "registration-refined": f"card {DIGEST}", "x": "bare"}
    assert run_record("measure", models=models)["models"] == {
        "localization": [{"name": "default", "sha256": DIGEST}, {"name": "own", "sha256": DIGEST}],
        "registration-refined": {"name": "card", "sha256": DIGEST},
        "x": {"name": "bare", "sha256": ""},
    }


@pytest.mark.parametrize("kind", ["file", "folder", "pixels"])
def test_inputs_by_their_hash(tmp_path, kind):
    (tmp_path / "QZ.png").write_bytes(b"weights")
    pixels = np.frombuffer(b"weights", np.uint8)
    source = {"file": tmp_path / "QZ.png", "folder": tmp_path, "pixels": pixels}[kind]
    record = input_record("fixed", source, visit=1)
    assert (record["input"], record["visit"]) == ("fixed", 1) and "QZ" not in json.dumps(record)
    assert record["sha256"] == (sha256(f"{DIGEST}\n".encode()).hexdigest() if kind == "folder" else DIGEST)
    if kind != "pixels":
        assert input_record("fixed", source, keep_identity=True)["path"] == str(source)
