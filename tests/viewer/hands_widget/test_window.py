"""The widget "Measure hands" in a real napari window, with napari's features table."""

import numpy as np

from napari_jsn.viewer import measure_hands
from tests.progression.made_up import progression


def test_layers_tables_and_camera_are_connected(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    viewer.open_sample("napari-jsn", "hand_pair")
    widget = measure_hands(viewer)
    viewer.window.add_dock_widget(widget, name="Measure hands")
    widget.show_progression(progression())
    qtbot.wait(20)
    joints = viewer.layers["joints"]
    _, features = viewer.window.add_plugin_dock_widget("napari", "Features table widget")
    model = features.table.model()
    header = [model.headerData(k, features.table.horizontalHeader().orientation()) for k in range(model.columnCount())]
    assert model.rowCount() == 10 and {"joint", "jsn_mm", "reliable", "reason"} <= set(header)

    features.table.selectRow(3)
    qtbot.wait_until(lambda: widget.results.table.currentRow() == 3)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], joints.data[3].mean(axis=0), rtol=1e-5)
    widget.results.table.selectRow(6)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], joints.data[6].mean(axis=0), rtol=1e-5)

    viewer.window.remove_dock_widget("all")
    qtbot.wait(20)
    joints.selected_data = {1}
    viewer.scene.camera.zoom = 5
    viewer.add_image(np.zeros((4, 4)), name="after")
    qtbot.wait(20)
