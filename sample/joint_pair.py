"""Open a simulated joint pair in napari, find its bones, register both visits, print the narrowing beside the truth.

Run it with ``napari sample/joint_pair.py``, or with ``python sample/joint_pair.py``.
"""

import napari

from napari_jsn.viewer import register_pair, segment_joint

viewer = napari.current_viewer() or napari.Viewer()
viewer.open_sample("napari-jsn", "joint_pair_mcp")
baseline, followup = viewer.layers["baseline"], viewer.layers["follow-up"]

# Find the bones of both visits. They are layers of labels, which can be corrected with napari's brush.
segment = segment_joint(viewer)
for image in (baseline, followup):
    bones = segment(joint_image=image)
    print(f"{image.name}: upper bone {bones.upper.sum()} px, lower bone {bones.lower.sum()} px")

# Register the bones that were found. Masks belong to the image that they were found in.
widget = register_pair(viewer)
viewer.window.add_dock_widget(widget, name="Register joint pair")
widget.fixed_masks.value = viewer.layers["bones of baseline"]
widget.moving_masks.value = viewer.layers["bones of follow-up"]
registration = widget(fixed=baseline, moving=followup)

truth = baseline.metadata["napari_jsn"]["true_jsn_projected_mm"]
low, high = registration.ci95_mm
print(f"narrowing {registration.jsn_mm:+.3f} mm (95 % interval {low:+.3f} to {high:+.3f}), truth {truth:+.3f} mm")
print(f"loss {registration.original_loss:.5f} before and {registration.transformed_loss:.5f} after the registration")

napari.run()
