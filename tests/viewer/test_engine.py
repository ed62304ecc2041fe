"""The widget "Register joint pair" with the real registration, on a sample whose narrowing is known."""

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager

from napari_jsn.viewer.layers.read_layer import KEY
from napari_jsn.viewer.pair_widget.widget import RegisterPair


@pytest.fixture
def widget(qtbot):
    PluginManager.instance().discover()
    viewer = ViewerModel()
    viewer.open_sample("napari-jsn", "joint_pair_mcp")
    widget = RegisterPair(viewer)
    qtbot.addWidget(widget.native)
    yield widget
    widget.abort()


def run(widget, qtbot):
    widget.run_button.click()
    qtbot.wait_until(widget.run_button.isEnabled, timeout=60_000)
    qtbot.wait(5)


def test_the_true_narrowing_is_found(widget, qtbot):
    run(widget, qtbot)
    assert widget.failure.text() == ""
    layers = widget._viewer.layers
    result = layers["transformed follow-up"].metadata[KEY]
    truth = layers["baseline"].metadata[KEY]["true_jsn_projected_mm"]
    assert result["jsn_mm"] == pytest.approx(truth, abs=0.05)
    assert result["reliable"]
    assert result["transformed_loss"] < result["original_loss"]
    assert layers["transformed follow-up"].data.shape == layers["baseline"].data.shape


def test_results_cover_an_image_whose_pixels_are_not_square(widget, qtbot):
    layers = widget._viewer.layers
    pixel = layers["baseline"].scale[1]
    for layer in layers:
        layer.data = layer.data[::2]
        layer.scale = (2 * pixel, pixel)
    run(widget, qtbot)
    result = layers["transformed follow-up"]
    np.testing.assert_allclose(result.scale, (pixel, pixel))
    # the outlines of both grids, in mm
    edges = layers["baseline"].extent.world + np.outer((-0.5, 0.5), (2 * pixel, pixel))
    np.testing.assert_allclose(result.extent.world + np.outer((-0.5, 0.5), (pixel, pixel)), edges, atol=1e-6)


def test_an_error_of_the_engine_is_shown_at_its_field(widget, qtbot):
    masks = widget._viewer.layers["baseline bones"]
    masks.data[:] = 0
    run(widget, qtbot)
    assert widget.form.fields["fixed_masks"].message.text()
    assert len(widget._viewer.layers) == 4


def test_cuda_where_there_is_none(widget, qtbot):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    device = widget.form.fields["device"].editor
    device.setCurrentText("cuda")
    run(widget, qtbot)
    assert "cuda" in widget.form.fields["device"].message.text().lower()
