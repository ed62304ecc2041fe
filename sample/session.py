"""Open a simulated hand at two visits in napari, measure every joint, and show the results as layers and as a table.

Run it with ``napari sample/session.py``, or with ``python sample/session.py``.
"""

import tempfile
from pathlib import Path

import napari
from magicgui.widgets import Table

import napari_jsn as jsn
from napari_jsn.viewer import reading_dock

viewer = napari.current_viewer() or napari.Viewer()

# Open the dock "Read patient". It has steps for radiographs, joints, reading and report.
dock = reading_dock(viewer)
viewer.window.add_dock_widget(dock, name="Read patient")

# Open a left hand at baseline and after 52 weeks, find the joints and their bones, and register each joint between the
# visits. Everything is saved in a store: here in a temporary one, for your own radiographs beside their folder.
store = Path(tempfile.mkdtemp()) / "readings.db"
progression = dock(jsn.sample_folder("hand_pair"), reader="A", store=store, patient="SIM0001")

# Print the main values, and show all values in a table, with one row per joint.
table = progression.table()
columns = ["joint", "side", "jsn_mm", "ci_low_mm", "ci_high_mm", "jsw_change_mm", "reliable", "reason"]
print(table[columns].to_string(index=False, float_format="%+.3f"))
table_widget = Table(table.round(4))
table_widget.native.resizeColumnsToContents()
viewer.window.add_dock_widget(table_widget, name="Joint space narrowing", area="bottom")

napari.run()
