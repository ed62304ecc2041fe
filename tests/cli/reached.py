"""Which arguments the errors of a command can carry: found by following its function through the source."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import napari_jsn

PACKAGE = Path(napari_jsn.__file__).parent


@cache
def modules():
    """The syntax trees of all modules without Qt, by name."""
    return {
        ".".join(("napari_jsn", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): ast.parse(
            path.read_text("utf-8")
        )
        for path in PACKAGE.rglob("*.py")
        if "viewer" not in path.parts
    }


@cache
def _definitions():
    """Functions, classes and constants by module and name."""
    found = {}
    for module, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[module, node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    found[module, ast.unparse(target)] = node
    return found


def _imports(node):
    return {
        alias.asname or alias.name: (each.module, alias.name)
        for each in ast.walk(node)
        if isinstance(each, ast.ImportFrom) and (each.module or "").startswith("napari_jsn")
        for alias in each.names
    }


_imports_of_module = cache(lambda module: _imports(modules()[module]))


def _resolved(module, name, local=None):
    """The module and name of a definition; the name is None for a module."""
    seen = set()
    while (module, name) not in seen:
        seen.add((module, name))
        if local and name in local:
            (module, name), local = local[name], None
        elif (module, name) in _definitions():
            return module, name
        elif f"{module}.{name}" in modules():
            return f"{module}.{name}", None
        elif module in modules() and name in _imports_of_module(module):
            module, name = _imports_of_module(module)[name]
    return None


def _references(module, node):
    local = _imports(node)
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield _resolved(module, each.id, local)
        elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            owner = _resolved(module, each.value.id, local)
            if owner and owner[1] is None:
                yield _resolved(owner[0], each.attr)
        elif isinstance(each, ast.Constant) and each.value in modules():  # imported by its name when it is used
            yield from (key for key in _definitions() if key[0] == each.value)


def _texts(node):
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def _arguments(node):
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            name = ast.unparse(each.func).split(".")[-1]
            position = {"InputError": 1, "damaged_file": 1}.get(name)
            given = [] if position is None else each.args[position : position + 1]
            given += [keyword.value for keyword in each.keywords if keyword.arg == "argument"]
            found |= {text for value in given if not isinstance(value, ast.JoinedStr) for text in _texts(value)}
            found |= {"path"} if name == "too_large" else set()
        elif isinstance(each, ast.FunctionDef):
            names = [*each.args.args[len(each.args.args) - len(each.args.defaults) :], *each.args.kwonlyargs]
            for one, default in zip(names, [*each.args.defaults, *each.args.kw_defaults], strict=True):
                if one.arg == "argument" and default is not None:
                    found |= _texts(default)
    return found


def arguments_reached(module, function):
    """Arguments of InputErrors in all functions that this one can call, with one place each."""
    todo, seen, found = [(module, function)], set(), defaultdict(str)
    while todo:
        key = todo.pop()
        if key is None or key in seen or key[1] is None:
            continue
        seen.add(key)
        node = _definitions()[key]
        todo += _references(key[0], node)
        found |= dict.fromkeys(_arguments(node), ".".join(key))
    return found
