from napari.components import ViewerModel
from npe2 import PluginManager

from napari_jsn.viewer.form import PairForm


def test_the_drawn_pair_opens_ready_to_register(qtbot):
    PluginManager.instance().discover()
    viewer = ViewerModel()
    viewer.open_sample("napari-jsn", "drawn_joint_pair")
    form = PairForm()
    qtbot.addWidget(form)
    form.offer(viewer.layers)
    assert form.check()
    inputs = form.inputs()
    assert [layer.name for layer in (inputs.fixed, inputs.fixed_masks, inputs.moving, inputs.moving_masks)] == [
        "baseline",
        "baseline bones",
        "follow-up",
        "follow-up bones",
    ]
    assert inputs.spacing_mm == inputs.moving_spacing_mm == 0.175
    assert form.spacing_source("fixed") == "drawn"
