"""A session without a click: open a simulated hand at two visits, measure every joint, and look at everything.

Run it with ``napari sample/session.py``, or with ``python sample/session.py``.
"""

import napari
from magicgui.widgets import Table

import napari_jsn as jsn

viewer = napari.current_viewer() or napari.Viewer()

# The sample: a left hand at baseline and after 52 weeks, each film a layer, and the widget that measures them.
viewer.open_sample("napari-jsn", "hand_pair")
dock, panel = viewer.window.add_plugin_dock_widget("napari-jsn", "Measure hands")

# Find the joints, find their bones, and register each of the two between the visits.
progression = jsn.measure(panel.patient(), device="cpu")

# Boxes coloured by narrowing, bones, the follow-up brought onto the baseline, and what differed before and after.
panel.show_progression(progression)

# All figures, a row a joint.
table = progression.table()
shown = ["joint", "side", "jsn_mm", "ci_low_mm", "ci_high_mm", "jsw_change_mm", "reliable", "reason"]
print(table[shown].to_string(index=False, float_format="%+.3f"))
whole = Table(table.round(4))
whole.native.resizeColumnsToContents()
viewer.window.add_dock_widget(whole, name="Joint space narrowing", area="bottom")

napari.run()
