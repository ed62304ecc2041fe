"""A session without a click: open a simulated joint at two visits, measure it, and look at everything.

Run it with ``napari sample/session.py``, or with ``python sample/session.py``.
"""

import napari
import pandas as pd
from magicgui.widgets import Table

import napari_jsn as jsn
from napari_jsn.export import words
from napari_jsn.viewer.layers import Pair, show
from napari_jsn.viewer.side_by_side import SideBySide

viewer = napari.current_viewer() or napari.Viewer()

# The sample: an MCP joint at baseline and follow-up with its bones, and a narrowing that is known.
fixed, fixed_masks, moving, moving_masks = viewer.open_sample("napari-jsn", "joint_pair_mcp")
known = fixed.metadata["napari_jsn"]

# Register each of the two bones between the visits.
result = jsn.register(
    fixed.data, moving.data, fixed_masks.data, moving_masks.data, spacing_mm=known["spacing_mm"], device="cpu"
)

# The follow-up brought onto the baseline, what differed before and after, and all of it side by side.
results = show(viewer.layers, result, Pair.of(fixed, moving), {})
SideBySide(viewer).show([fixed, fixed_masks, moving, *results])

# The figures: a row a joint, the truth beside them.
table = pd.DataFrame(
    {
        "joint": [known["joint"]],
        "side": [known["side"]],
        "narrowing": [words.jsn_words(result)],
        "95 % interval": [words.interval_words(result)],
        "truth": [f"{known['true_jsn_projected_mm']:+.3f} mm"],
        "reliable": [words.reliability_words(result)],
    }
)
print(table.to_string(index=False))
shown = Table(table)
shown.native.resizeColumnsToContents()
viewer.window.add_dock_widget(shown, name="Joint space narrowing", area="bottom")

napari.run()
