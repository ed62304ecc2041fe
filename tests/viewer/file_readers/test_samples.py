import time

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager

from napari_jsn.viewer.inputs.pair import PairForm
from napari_jsn.viewer.layers.read_layer import KEY, layer_metadata


@pytest.fixture
def open_sample():
    PluginManager.instance().discover()

    def opened(key):
        viewer = ViewerModel()
        viewer.open_sample("napari-jsn", key)
        for layer in viewer.layers:
            assert [str(unit) for unit in layer.units] == ["millimeter", "millimeter"]
        return viewer

    return opened


def test_the_joint_pair_opens_ready_to_register(open_sample, qtbot):
    viewer = open_sample("joint_pair_mcp")
    form = PairForm()
    qtbot.addWidget(form)
    form.set_choices(viewer.layers)
    assert form.check()
    inputs = form.inputs()
    assert [layer.name for layer in (inputs.fixed, inputs.fixed_masks, inputs.moving, inputs.moving_masks)] == [
        "baseline",
        "baseline bones",
        "follow-up",
        "follow-up bones",
    ]
    entry = layer_metadata(inputs.fixed)
    assert inputs.spacing_mm == inputs.moving_spacing_mm == pytest.approx(entry["spacing_mm"])
    assert form.spacing_source("fixed") == "simulated"
    assert entry["true_jsn_mm"] == pytest.approx(0.3) and entry["joint"] == "MCP2"
    assert np.unique(inputs.fixed_masks.data).tolist() in ([0, 1, 2], [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("hand_pair", ["left, baseline", "left, week 52"]),
        ("both_hands", ["both, baseline", "both, week 52", "both, week 104", "both, week 156"]),
    ],
)
def test_hands_open_visit_by_visit_in_mm(open_sample, key, names):
    start = time.perf_counter()
    frames, *radiographs = open_sample(key).layers
    assert time.perf_counter() - start < 10  # about 3 s on an idle machine
    assert [layer.name for layer in radiographs] == names
    assert frames.features.radiograph.tolist() == names
    for number, layer in enumerate(radiographs, start=1):
        entry = layer.metadata[KEY]
        assert (entry["visit"], entry["spacing_source"]) == (number, "magnification corrected")
        assert 0.1 < layer.scale[0] < 0.25
        assert 200 < np.ptp(layer.extent.world[:, 0]) < 320  # a hand in mm
