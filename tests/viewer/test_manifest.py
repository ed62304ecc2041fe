from importlib import import_module
from importlib.resources import files

import pytest
from napari._app_model import get_app_model
from napari._app_model.constants import MenuId
from npe2 import PluginManifest


@pytest.fixture
def contributions():
    return PluginManifest.from_file(str(files("napari_jsn") / "napari.yaml")).contributions


def test_every_menu_exists_and_takes_commands(contributions):
    # a wrong menu id passes `npe2 validate`, and its command is never seen
    assert contributions.menus
    assert set(contributions.menus) <= {str(menu) for menu in MenuId.contributables()}


def test_every_command_leads_to_something_callable(contributions):
    for command in contributions.commands:
        module, name = command.python_name.split(":")
        assert callable(getattr(import_module(module), name))


def test_the_widgets_are_found_in_their_menus(make_napari_viewer, contributions):
    make_napari_viewer()
    promised = {str(menu): [item.command for item in items] for menu, items in contributions.menus.items()}
    promised["napari/plugins/napari-jsn"] = [widget.command for widget in contributions.widgets]
    for menu, wanted in promised.items():
        commands = [item.command.id for item in get_app_model().menus.get_menu(menu) if hasattr(item, "command")]
        assert set(wanted) <= set(commands), menu
