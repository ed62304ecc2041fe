"""Make docs/images/viewer.png and docs/images/measure.png: napari windows with simulated images and their results.

Run it with a display, for example ``xvfb-run -s "-screen 0 1600x1000x24" python docs/make_screenshot.py``.
"""

import os
import tempfile
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
WINDOW_SIZE = (1440, 800)


def main() -> None:
    """Save one screenshot of each widget after a measurement of simulated images."""
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")  # napari's default settings
    save_screenshot("joint_pair_mcp", "Register joint pair", IMAGES / "viewer.png")
    save_screenshot("hand_pair", "Measure hands", IMAGES / "measure.png")


def save_screenshot(sample: str, title: str, target: Path) -> None:
    """Open a sample and a widget, run it, and save a screenshot of the window."""
    import napari
    from PIL import Image
    from qtpy.QtTest import QTest

    viewer = napari.Viewer()
    viewer.window.resize(*WINDOW_SIZE)
    viewer.open_sample("napari-jsn", sample)
    _, widget = viewer.window.add_plugin_dock_widget("napari-jsn", title)
    QTest.qWait(500)
    widget.run()
    while not widget.run_button.isEnabled():
        QTest.qWait(100)
    QTest.qWait(1000)
    pixels = viewer.screenshot(canvas_only=False)
    viewer.close()
    target.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels[..., :3]).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
