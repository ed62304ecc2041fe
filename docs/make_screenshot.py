"""Make docs/images/viewer.png: a real napari window with a simulated joint pair and what was measured in it.

Run it where a window can open, for example ``xvfb-run -s "-screen 0 1600x1000x24" python docs/make_screenshot.py``.
"""

import os
import tempfile
from pathlib import Path

TARGET = Path(__file__).parent / "images" / "viewer.png"
SIZE = (1440, 800)


def main() -> None:
    """Register the simulated pair in a window and save a picture of it."""
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")  # napari's own look

    import napari
    from PIL import Image
    from qtpy.QtTest import QTest

    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-jsn", "joint_pair_mcp")
    _, widget = viewer.window.add_plugin_dock_widget("napari-jsn", "Register joint pair")
    QTest.qWait(500)
    widget.run()
    while not widget.run_button.isEnabled():
        QTest.qWait(100)
    QTest.qWait(1000)
    pixels = viewer.screenshot(canvas_only=False)
    viewer.close()
    TARGET.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels[..., :3]).save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
