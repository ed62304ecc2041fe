"""Open a simulated hand at two visits in napari, measure every joint, and show layers and figures.

Run it with ``napari sample/session.py``, or with ``python sample/session.py``.
"""

import napari
from magicgui.widgets import Table

import napari_jsn as jsn

viewer = napari.current_viewer() or napari.Viewer()

# The sample: a left hand at baseline and after 52 weeks, one layer a radiograph; and the widget that measures it.
viewer.open_sample("napari-jsn", "hand_pair")
dock, panel = viewer.window.add_plugin_dock_widget("napari-jsn", "Measure hands")

# Find the joints and their bones, and register each joint between the visits.
progression = jsn.measure(panel.patient(), device="cpu")

# Show boxes coloured by narrowing, bones, the transformed follow-up, and the loss spectra before and after.
panel.show_progression(progression)

# Print and show all figures, one row a joint.
table = progression.table()
shown = ["joint", "side", "jsn_mm", "ci_low_mm", "ci_high_mm", "jsw_change_mm", "reliable", "reason"]
print(table[shown].to_string(index=False, float_format="%+.3f"))
whole = Table(table.round(4))
whole.native.resizeColumnsToContents()
viewer.window.add_dock_widget(whole, name="Joint space narrowing", area="bottom")

napari.run()
