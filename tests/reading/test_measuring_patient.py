"""Measuring a patient as a reader does."""

import napari_jsn as jsn
from napari_jsn.reading import measure_patient, warm_up


def test_nothing_is_loaded_in_the_first_measurement_after_warming_up(monkeypatch):
    warm_up("cpu")

    def refuse(task, path):
        raise AssertionError(f"The network for {task} is loaded.")

    monkeypatch.setattr("napari_jsn.networks.weights.load", refuse)
    patient = jsn.read_patient(jsn.sample_folder("hand_pair"))
    assert [row.joint for row in measure_patient(patient, ["MCP2"], device="cpu").narrowings] == ["MCP2"]
