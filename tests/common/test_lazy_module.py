"""Modules that are imported when they are first used."""

import sys

import pytest

from napari_jsn.common.lazy_module import LazyModule


def test_the_module_is_imported_when_a_name_is_read(monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    lazy = LazyModule("wave")
    assert "wave" not in sys.modules
    assert lazy.Wave_read.__module__ == "wave"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        _ = LazyModule("json").nothing


def test_a_module_that_is_not_installed_is_reported_when_it_is_used():
    lazy = LazyModule("no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = lazy.name
