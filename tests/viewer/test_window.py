"""The widget "Register joint pair" in a real napari window, opened through the manifest."""

import numpy as np
import pytest

from napari_jsn.common.errors import InputError

MM = {"scale": (0.2, 0.2), "units": ("mm", "mm")}


@pytest.fixture
def opened(make_napari_viewer, engine, images, qtbot):
    """A viewer with a pair and the widget; no run continues after the test."""
    viewer = make_napari_viewer()
    viewer.add_image(images[0], name="fixed", **MM)
    _, widget = viewer.window.add_plugin_dock_widget("napari-jsn", "Register joint pair")
    viewer.add_image(images[1], name="moving", **MM)
    yield viewer, widget
    engine.go_on.set()
    widget.abort()
    qtbot.wait(20)


def test_a_run_an_abort_and_an_error(opened, engine, qtbot):
    viewer, widget = opened
    widget.run_button.click()
    qtbot.wait_until(widget.run_button.isEnabled)
    assert [layer.name for layer in viewer.layers][2:] == [
        "transformed moving",
        "original loss spectrum",
        "transformed loss spectrum",
    ]
    for layer in viewer.layers[2:]:
        np.testing.assert_allclose(layer.scale, (0.2, 0.2))
        assert [str(unit) for unit in layer.units] == ["millimeter", "millimeter"]

    viewer.layers["moving"].name = "late"
    engine.started.clear()
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    widget.abort_button.click()
    engine.go_on.set()
    qtbot.wait_until(engine.saw_abort.is_set)
    qtbot.wait(50)
    assert len(viewer.layers) == 5

    engine.error = InputError("The fixed image has no contrast.", "fixed")
    widget.run_button.click()
    qtbot.wait_until(widget.run_button.isEnabled)
    assert widget.form.fields["fixed"].message.text() == "The fixed image has no contrast."


def test_closing_the_widget_stops_its_run(opened, engine, qtbot):
    viewer, widget = opened
    widget.run_button.click()
    qtbot.wait_until(widget.run_button.isEnabled)
    qtbot.wait_until(lambda: viewer.canvas.grid.enabled)
    viewer.layers["moving"].name = "late"
    engine.started.clear()
    engine.go_on.clear()
    widget.run_button.click()
    qtbot.wait_until(engine.started.is_set)
    viewer.window.remove_dock_widget("all")
    engine.go_on.set()
    qtbot.wait_until(engine.saw_abort.is_set)
    qtbot.wait(50)
    assert len(viewer.layers) == 5
    assert not viewer.canvas.grid.enabled
    viewer.add_image(np.zeros((4, 4)), name="after")
