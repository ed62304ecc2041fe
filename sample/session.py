"""Open a simulated hand at two visits in napari, measure every joint, and show the results as layers and as a table.

Run it with ``napari sample/session.py``, or with ``python sample/session.py``.
"""

import napari
from magicgui.widgets import Table

from napari_jsn.viewer import measure_hands

viewer = napari.current_viewer() or napari.Viewer()

# Open the sample, a left hand at baseline and after 52 weeks, with one layer per radiograph. Then open the widget.
viewer.open_sample("napari-jsn", "hand_pair")
widget = measure_hands(viewer)
viewer.window.add_dock_widget(widget, name="Measure hands")

# Find the joints and their bones, and register each joint between the visits. The widget adds the joints as boxes
# coloured by narrowing, the bones, the transformed follow-up, and both loss spectra.
progression = widget()

# Print the main values, and show all values in a table, with one row per joint.
table = progression.table()
columns = ["joint", "side", "jsn_mm", "ci_low_mm", "ci_high_mm", "jsw_change_mm", "reliable", "reason"]
print(table[columns].to_string(index=False, float_format="%+.3f"))
table_widget = Table(table.round(4))
table_widget.native.resizeColumnsToContents()
viewer.window.add_dock_widget(table_widget, name="Joint space narrowing", area="bottom")

napari.run()
