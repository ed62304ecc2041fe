"""Make the pictures of README and docs that show a result: the report, and napari windows with simulated images.

Run it with a display, for example ``xvfb-run -s "-screen 0 1600x1000x24" python docs/make_screenshot.py``. The picture
of the report also needs Chromium. ``--only report`` makes that picture alone.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parent / "images"
WINDOW_SIZE = (1440, 800)
READ_SIZE = (1366, 768)
REPORT_SIZE = (1108, 1285)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Save one screenshot of each widget after a measurement of simulated images, and one of the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("report", "viewer", "read"), help="the picture to make; by default all")
    only = parser.parse_args().only
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")  # napari's default settings
    if only in (None, "report"):
        save_report(IMAGES / "report.png")
    if only in (None, "viewer"):
        save_screenshot("joint_pair_mcp", "Register joint pair", IMAGES / "viewer.png")
    if only in (None, "read"):
        save_reading()


def save_report(target: Path) -> None:
    """Measure the sample hand, write its report, and save a picture of the top of the page."""
    from PIL import Image

    import napari_jsn as jsn

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"{target} needs one of: {', '.join(BROWSERS)}. Install one, or leave the picture out with --only.")
    patient = jsn.read_patient(jsn.sample_folder("hand_pair"), patient_id="SIM0001")
    with tempfile.TemporaryDirectory() as folder:
        jsn.write_progression(folder, jsn.measure(patient))
        page, picture = Path(folder) / "report.html", Path(folder) / "report.png"
        size = ",".join(map(str, REPORT_SIZE))
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}"]
        subprocess.run([browser, *options, f"--screenshot={picture}", page.as_uri()], check=True, timeout=120)
        Image.open(picture).convert("RGB").save(target, optimize=True)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


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
    QTest.qWait(1000)  # in which the new layers are drawn, however long that takes
    QTest.qWait(1000)
    pixels = viewer.screenshot(canvas_only=False)
    viewer.close()
    target.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels[..., :3]).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


def save_reading() -> None:
    """Measure the sample hand in the dock "Read patient", and save screenshots of its views."""
    import napari
    from qtpy.QtTest import QTest

    import napari_jsn as jsn

    viewer = napari.Viewer()
    viewer.window.resize(*READ_SIZE)
    _, dock = viewer.window.add_plugin_dock_widget("napari-jsn", "Read patient")
    while not dock.is_ready:
        QTest.qWait(50)
    with tempfile.TemporaryDirectory() as folder:
        dock.flow.open_paths([jsn.sample_folder("hand_pair")])
        while dock.flow.jobs.running:
            QTest.qWait(50)
        dock.radiographs.reader.value = "A"
        _save(viewer, "read-radiographs")
        dock(jsn.sample_folder("hand_pair"), reader="A", store=Path(folder) / "readings.db", patient="SIM0001")
        control = dock.controller
        for decision in ("accepted", "accepted", "unsure"):
            control.decide(decision)
        control.go_to("L", "PIP3")
        views = {"read": "side by side", "read-spectra": "loss spectra", "read-scores": "side by side"}
        for name, view in views.items():
            scoring = name == "read-scores"
            control.show_view(view)
            control.set_scoring(scoring)
            if scoring:
                dock.flow.grade_by_model()
                while dock.flow.jobs.running:
                    QTest.qWait(50)
                for grade in (0, 1, 2):
                    control.digit(grade)
            _save(viewer, name)
        control.set_scoring(False)
        dock.open_step(dock.steps[1])
        control.show_view("hand")
        _save(viewer, "read-joints")
        dock.flow.close()
    viewer.close()


def _save(viewer: Any, name: str) -> None:
    """Save a screenshot of the window."""
    from PIL import Image
    from qtpy.QtTest import QTest

    QTest.qWait(2000)
    target = IMAGES / f"{name}.png"
    Image.fromarray(viewer.screenshot(canvas_only=False)[..., :3]).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
