"""``LazyModule``: a module that is imported when it is first used, so that type hints can name slow libraries."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """A module that is imported when one of its names is read.

    Annotations that name it are resolved by :func:`typing.get_type_hints`, which magicgui and documentation tools use;
    the module that has the annotations is still fast to import.

    Parameters
    ----------
    name : str
        Of the module, with all packages.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """Import the module and return its attribute."""
        return getattr(import_module(self._name), attribute)
