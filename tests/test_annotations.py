"""The annotations of all public names can be resolved, as magicgui and documentation tools do."""

import inspect
import subprocess
import sys
from typing import get_type_hints

import pytest

import napari_jsn

FUNCTIONS = [name for name in napari_jsn.__all__ if inspect.isfunction(getattr(napari_jsn, name))]
CLASSES = [name for name in napari_jsn.__all__ if inspect.isclass(getattr(napari_jsn, name))]


def own_methods(kind):
    """Return all methods and getters of properties that this package defines."""
    for each in vars(kind).values():
        function = getattr(each, "fget", None) or getattr(each, "__func__", each)
        if inspect.isfunction(function) and function.__module__.startswith("napari_jsn"):
            yield function


@pytest.mark.parametrize("name", FUNCTIONS)
def test_annotations_of_a_function_resolve(name):
    function = getattr(napari_jsn, name)
    hints = get_type_hints(function)
    assert {*hints} == {*inspect.signature(function).parameters, "return"}


@pytest.mark.parametrize("name", CLASSES)
def test_annotations_of_a_class_and_its_methods_resolve(name):
    kind = getattr(napari_jsn, name)
    get_type_hints(kind)
    for method in own_methods(kind):
        if method.__qualname__.startswith(kind.__name__):
            get_type_hints(method)


def test_a_table_is_resolved_to_its_class():
    import pandas as pd
    from matplotlib.figure import Figure

    assert get_type_hints(napari_jsn.Progression.table)["return"] is pd.DataFrame
    assert get_type_hints(napari_jsn.read_progression_sr)["return"] is pd.DataFrame
    assert get_type_hints(napari_jsn.registration_figure)["return"] is Figure


def test_slow_libraries_are_imported_with_the_hints_and_not_before():
    code = (
        "import sys, typing, napari_jsn as jsn; "
        "functions = jsn.read_progression_sr, jsn.registration_figure, jsn.train; "
        "print(*({'pandas', 'matplotlib', 'torch', 'lightning'} & {*sys.modules})); "
        "print(*(typing.get_type_hints(each)['return'].__name__ for each in functions))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["", "DataFrame Figure Trained"]
