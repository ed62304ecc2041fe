"""Make the pictures of the dock "Read patient" in ``docs/viewer.md``, on the shipped simulated hand.

Run it with ``make pictures``, which opens the window on a screen of its own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parents[1] / "docs" / "images"
_SIZE = (1366, 768)


def main() -> None:
    """Measure the sample in a window, and save a picture of each step."""
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")
    import napari
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    import napari_jsn as jsn

    viewer: Any = napari.Viewer()
    viewer.window.resize(*_SIZE)
    _, dock = viewer.window.add_plugin_dock_widget("napari-jsn", "Read patient")
    _until(lambda: dock.is_ready)

    def save(name: str) -> None:
        QTest.qWait(1500)  # what is drawn later, and messages of napari that disappear
        viewer.screenshot(str(IMAGES / f"{name}.png"), canvas_only=False, flash=False)
        print(name, flush=True)

    def press(keys: str) -> None:
        for key in keys:
            QTest.keyClick(viewer.window._qt_viewer.canvas.native, getattr(Qt.Key, f"Key_{key}"))
            QTest.qWait(50)

    def ready() -> bool:
        return not dock.flow.jobs.running

    with tempfile.TemporaryDirectory() as folder:
        dock.flow.open_paths([jsn.sample_folder("hand_pair")])
        _until(ready)
        dock.radiographs.reader.value, dock.radiographs.patient.value = "A", "SIM0001"
        save("read-radiographs")
        dock.radiographs.store.value = Path(folder) / "readings.db"
        dock.sources.measure()
        _until(ready)
        press("AAUNN")  # to PIP3, which narrows
        save("read")
        press("L")
        save("read-spectra")
        press("SG1021E1")
        save("read-scores")
        press("G")
        dock.open_step(dock.steps[1])
        dock.joints.boxes_button.click()
        save("read-joints")
    viewer.close()


def _until(done: Callable[[], bool]) -> None:
    from qtpy.QtTest import QTest

    while not done():
        QTest.qWait(20)


if __name__ == "__main__":
    main()
