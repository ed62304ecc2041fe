"""The examples in docstrings run as printed, and every public function and class has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import napari_jsn

PUBLIC = {name: getattr(napari_jsn, name) for name in napari_jsn.__all__}


def examples(thing):
    finder = doctest.DocTestFinder(exclude_empty=True, recurse=False)
    return [test for test in finder.find(thing, thing.__name__) if test.examples]


def run(test):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    output = []
    runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example(name):
    assert "Examples\n    --------" in PUBLIC[name].__doc__
    assert examples(PUBLIC[name])


def public_methods():
    """Functions and class methods that a public class defines itself; a protocol's are shown in its own example."""
    found = {}
    for name, thing in PUBLIC.items():
        if not isinstance(thing, type) or getattr(thing, "_is_protocol", False):
            continue
        for attribute, value in vars(thing).items():
            method = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            if inspect.isfunction(method) and not attribute.startswith("_"):
                found[f"{name}.{attribute}"] = method
    return found


METHODS = public_methods()


@pytest.mark.parametrize("name", METHODS)
def test_every_public_method_has_an_example(name):
    assert METHODS[name].__doc__ and examples(METHODS[name])


@pytest.mark.parametrize("name", PUBLIC)
def test_only_examples_of_training_are_skipped(name):
    skipped = [e for test in examples(PUBLIC[name]) for e in test.examples if e.options.get(doctest.SKIP)]
    assert not skipped or name in ("Trained", "train", "task_from_folder")


def all_examples():
    """Examples of every object that a module of the core defines, with their full names."""
    found = {}
    for module in pkgutil.walk_packages(napari_jsn.__path__, "napari_jsn."):
        if module.name.startswith("napari_jsn.viewer") or module.name.endswith("__main__"):
            continue
        source = importlib.util.find_spec(module.name).origin
        with open(source, encoding="utf-8") as file:
            if ">>>" not in file.read():
                continue
        imported = importlib.import_module(module.name)
        for test in doctest.DocTestFinder(exclude_empty=True).find(imported, module.name):
            if test.examples:
                found[test.name] = test
    return found


EXAMPLES = all_examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run_as_printed(name):
    run(EXAMPLES[name])
