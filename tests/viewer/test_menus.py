"""Every menu entry of the plugin, chosen in napari's menus: widgets, samples and file readers."""

from importlib import import_module
from importlib.resources import files

import numpy as np
import pytest
from magicgui.widgets import FunctionGui
from napari._app_model.constants import MenuId
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog
from npe2 import PluginManager, PluginManifest
from PIL import Image
from qtpy.QtWidgets import QDockWidget, QFileDialog

from napari_jsn.export.simulated.writer import RadiographWriter
from napari_jsn.viewer.read_patient.dock import ReadPatient

PLUGIN = "Joint space narrowing"
WIDGETS = ["Read patient", "Score hands", "Register joint pair", "Segment joint", "Train"]
#: Entries of widgets by the ids of their menus in the manifest.
LAYERS_MENUS = {
    "napari/layers/measure": (
        "Layers",
        "Measure",
        ["Read patient", "Score hands", "Register joint pair"],
    ),
    "napari/layers/register": ("Layers", "Register", ["Register joint pair"]),
    "napari/layers/segment": ("Layers", "Segment", ["Segment joint", "Train"]),
}
WIDGET_ENTRIES = [("Plugins", PLUGIN, title) for title in WIDGETS] + [
    (menu, submenu, title) for menu, submenu, titles in LAYERS_MENUS.values() for title in titles
]
TIMES = ("baseline", "week 52", "week 104", "week 156")
SAMPLES = {
    "Joint pair (MCP)": ["baseline", "baseline bones", "follow-up", "follow-up bones"],
    "Hand, baseline and 52 weeks": ["radiographs", "left, baseline", "left, week 52"],
    "Both hands, four visits": ["radiographs", *(f"both, {time}" for time in TIMES)],
}


@pytest.fixture(scope="module")
def contributions():
    return PluginManifest.from_file(str(files("napari_jsn") / "napari.yaml")).contributions


@pytest.fixture
def reader_dialogs(monkeypatch):
    """Accept napari's dialog "Choose reader" as it opens; list the file readers that were preselected."""
    preselected = []

    def accept(dialog):
        preselected.append(dialog.reader_btn_group.checkedButton().text())
        return True

    monkeypatch.setattr(QtReaderDialog, "exec_", accept)
    return preselected


def choose(viewer, *path):
    """Trigger the entry of the menu bar with these texts; the last one may be followed by the plugin's name."""
    menu = viewer.window._qt_window.menuBar()
    for text in path[:-1]:
        menu = action_of(menu, text).menu()
        menu.aboutToShow.emit()
    action = action_of(menu, path[-1])
    assert action.isEnabled()
    action.trigger()


def action_of(menu, text):
    texts = {action.text().replace("&", "").removesuffix(f" ({PLUGIN})"): action for action in menu.actions()}
    assert text in texts
    return texts[text]


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_every_menu_exists_and_takes_commands(contributions):
    # `npe2 validate` accepts a wrong menu id, whose commands napari never shows
    assert set(contributions.menus) <= {str(menu) for menu in MenuId.contributables()}


def test_every_entry_of_the_manifest_is_tested_below(contributions):
    titles = {command.id: command.title for command in contributions.commands}
    menus = {str(menu): [titles[item.command] for item in items] for menu, items in contributions.menus.items()}
    assert menus == {menu: titles for menu, (_, _, titles) in LAYERS_MENUS.items()}
    assert [widget.display_name for widget in contributions.widgets] == WIDGETS
    assert [sample.display_name for sample in contributions.sample_data] == list(SAMPLES)
    assert len(contributions.readers) == 2


def test_every_command_is_callable(contributions):
    for command in contributions.commands:
        module, name = command.python_name.split(":")
        assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("entry", WIDGET_ENTRIES, ids=" > ".join)
def test_every_widget_opens_from_its_menu(make_napari_viewer, contributions, entry):
    viewer = make_napari_viewer()
    choose(viewer, *entry)
    (dock,) = (each for each in viewer.window._qt_window.findChildren(QDockWidget) if PLUGIN in each.windowTitle())
    assert dock.windowTitle() == f"{entry[-1]} ({PLUGIN})"
    (command,) = (each for each in contributions.commands if each.title == entry[-1])
    assert type(dock.inner_widget()).__name__ == command.python_name.split(":")[1]


@pytest.mark.parametrize("title", WIDGETS)
def test_every_widget_is_made_by_its_command(make_napari_viewer, contributions, title):
    """A command runs without arguments, for the current viewer."""
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((4, 4)), name="a")
    (command,) = (each for each in contributions.commands if each.title == title)
    widget = PluginManager.instance().commands.execute(command.id)
    assert isinstance(widget, FunctionGui | ReadPatient) and widget._viewer.layers["a"] is viewer.layers["a"]
    assert type(widget).__name__ == command.python_name.split(":")[1]
    widget.close()


@pytest.mark.parametrize("title", ["Open a simulated joint pair", "Open a simulated hand at two visits"])
def test_samples_are_made_by_their_commands(contributions, title):
    (command,) = (each for each in contributions.commands if each.title == title)
    made = PluginManager.instance().commands.execute(command.id)
    assert len(made) >= 3 and all(len(layer) == 3 for layer in made)


@pytest.mark.parametrize(("reads", "name"), [(True, "napari-jsn.read_folder"), (False, "napari-jsn.read_dicom")])
def test_file_readers_are_found_by_their_commands(contributions, tmp_path, reads, name):
    for kind in ("fixed", "moving"):
        Image.fromarray(np.arange(96, dtype=np.uint8).reshape(8, 12)).save(tmp_path / f"{kind}.png")
    reader = PluginManager.instance().commands.execute(name, (str(tmp_path),))
    assert callable(reader) == reads
    if reads:
        assert [options["name"] for _, options, _ in reader(str(tmp_path))] == ["fixed", "moving"]


@pytest.mark.parametrize("title", SAMPLES)
def test_every_sample_opens_from_its_menu(make_napari_viewer, title):
    viewer = make_napari_viewer()
    choose(viewer, "File", "Open Sample", PLUGIN, title)
    assert names(viewer) == SAMPLES[title]


def test_the_folder_of_a_pair_opens_from_the_menu(make_napari_viewer, reader_dialogs, tmp_path, monkeypatch):
    for name in ("fixed", "moving"):
        Image.fromarray(np.arange(96, dtype=np.uint8).reshape(8, 12)).save(tmp_path / f"{name}.png")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(tmp_path))
    viewer = make_napari_viewer()
    choose(viewer, "File", "Open Folder...")
    assert names(viewer) == ["fixed", "moving"]
    assert reader_dialogs == [PLUGIN]


def test_a_patients_folder_and_a_dicom_file_open_from_the_menu(
    make_napari_viewer, reader_dialogs, film, tmp_path, monkeypatch
):
    with RadiographWriter(tmp_path) as writer:
        for visit in (1, 2):
            writer.add(film(visit=visit))
    viewer = make_napari_viewer()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(tmp_path / "SIM0001"))
    choose(viewer, "File", "Open with Plugin", "Open Folder...")
    assert names(viewer) == ["radiographs", "left, baseline", "left, week 52"]
    viewer.layers.clear()
    path = min((tmp_path / "SIM0001").glob("*.dcm"))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *arguments, **options: ([str(path)], ""))
    choose(viewer, "File", "Open File(s)...")
    assert names(viewer) == [path.stem]
    assert reader_dialogs == [PLUGIN, PLUGIN]
