"""Slow imports stay where they are used: no window, help text or widget waits for them."""

import os
import subprocess
import sys

import pytest

HEAVY = ("torch", "monai", "lightning", "pytorch_lightning", "highdicom", "matplotlib", "pandas")

HELP = """
import sys
from napari_jsn.cli import main
sys.argv = ["napari-jsn", "--help"]
try:
    main()
except SystemExit as exit:
    assert not exit.code, exit.code
"""

WIDGETS = """
import napari
from npe2 import PluginManager
viewer = napari.Viewer(show=False)
widgets = PluginManager.instance().get_manifest("napari-jsn").contributions.widgets
assert widgets
for widget in widgets:
    viewer.window.add_plugin_dock_widget("napari-jsn", widget.display_name)
viewer.close()
"""


def heavy_imports(code: str, **environment: str) -> list[str]:
    """Run the code in a new interpreter and return the heavy packages that it imported."""
    code += f"\nimport sys\nprint('heavy:', *sorted(set({HEAVY}) & set(sys.modules)))\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()[1:]


def test_the_check_sees_a_heavy_import():
    assert heavy_imports("import sys; sys.modules['torch'] = sys") == ["torch"]


def test_import_is_light():
    assert heavy_imports("import napari_jsn; dir(napari_jsn); napari_jsn.InputError") == []


def test_help_is_light():
    assert heavy_imports(HELP) == []


@pytest.mark.skipif(
    sys.platform == "linux" and not os.environ.get("DISPLAY"), reason="needs a display: run under xvfb-run"
)
def test_viewer_and_every_widget_are_light(tmp_path):
    assert heavy_imports(WIDGETS, NAPARI_CONFIG=str(tmp_path / "settings.yaml")) == []


def test_the_import_takes_neither_numpy_nor_metadata():
    code = "import sys; before = set(sys.modules); import napari_jsn; print(*sorted({*sys.modules} - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"numpy", "napari", "torch", "pandas", "importlib.metadata"} & set(done.stdout.split())


def test_the_viewer_package_imports_its_names_when_they_are_used():
    code = (
        "import sys, napari_jsn.viewer as viewer; print(*sorted(viewer.__all__)); "
        "print(*({'numpy', 'napari', 'qtpy', 'magicgui', 'torch'} & {*sys.modules})); "
        "print(viewer.functions.register.__module__, viewer.train.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    names, imported, modules = done.stdout.splitlines()
    assert names == "functions measure_hands reading_dock register_pair score_hands segment_joint train"
    assert imported == ""
    assert modules == "napari_jsn.viewer.functions napari_jsn.viewer.widgets"


def test_all_public_names_can_be_imported_at_once():
    """EAGER_IMPORT makes lazy_loader import all names: a misspelt name in the stub fails."""
    code = "import napari_jsn; assert {*napari_jsn.__all__} <= {*vars(napari_jsn)}; print(napari_jsn.__version__)"
    environment = {**os.environ, "EAGER_IMPORT": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
