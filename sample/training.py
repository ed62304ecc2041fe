"""Train a network for two epochs to find the bones of three simulated joints, and find bones with the new model.

Two epochs show how it works and do not make a good model. The model is kept in a folder that is deleted at the end.
Run it with ``napari sample/training.py``, or with ``python sample/training.py``; it takes some minutes.
"""

import os
import tempfile

import napari

from napari_jsn.simulation.joint_pair import joint_pair
from napari_jsn.viewer import segment_joint, train

models = tempfile.TemporaryDirectory()
os.environ["NAPARI_JSN_MODELS"] = models.name  # without this line, the model is in all menus from now on

viewer = napari.current_viewer() or napari.Viewer()
for seed, joint in enumerate(("MCP2", "PIP3", "MCP4")):
    pair = joint_pair(joint, 0.2, seed=seed)
    viewer.add_image(pair.fixed, name=joint)
    viewer.add_labels(pair.fixed_masks.labels, name=f"{joint} mask")

# Every image with labels of its name is offered as training data.
widget = train(viewer)
viewer.window.add_dock_widget(widget, name="Train")
trained = widget(epochs=2, name="sample")
for epoch in trained.history:
    print(f"epoch {epoch['epoch']}: loss {epoch['train_loss']:.4f}, DSC on the validation image {epoch['dsc']:.4f}")

# The new model is in the menu of the widget Segment joint.
bones = segment_joint(viewer)(joint_image=viewer.layers["MCP2"], model="sample")
print(f"bones found with {trained.path.name}: {bones.upper.sum()} and {bones.lower.sum()} px")

napari.run()
