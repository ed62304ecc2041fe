"""Results that were read from a store: their pixels are loaded from the radiograph's file when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from napari_jsn.joint import JointImage
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.result import Registration

Loaded = Callable[[], Mapping[str, Any]]
Made = TypeVar("Made")


class _Deferred:
    """Base of results of which some attributes are loaded at their first use, and then kept.

    What is made from such a result (``dataclasses.replace``, a copy, a pickle) is a plain one, with all attributes.
    """

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        """Return a plain result; only :func:`deferred` makes one whose attributes are loaded later."""
        return _plain(cls)(*arguments, **named)

    def __reduce__(self) -> Any:
        """Copy and pickle as a plain result."""
        return _plain(type(self)), tuple(getattr(self, each.name) for each in fields(_plain(type(self))))

    def __getattr__(self, name: str) -> Any:
        """Load the attributes that are not known yet; only called for an attribute that is absent."""
        load = self.__dict__.get("_load")
        if load is None or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        for each, value in load().items():
            object.__setattr__(self, each, value)
        if name not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self.__dict__[name]


class StoredRadiograph(_Deferred, Radiograph):
    """A radiograph whose pixels are read from its file when they are first used."""

    stored_shape: tuple[int, int]

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        return self.stored_shape


class StoredJointImage(_Deferred, JointImage):
    """A joint image that is cut out of its radiograph when its pixels are first used."""


class StoredRegistration(_Deferred, Registration):
    """A registration whose transformed image and loss spectra are computed when they are first used."""


def _plain(kind: type[_Deferred]) -> Any:
    """Return the class of the result whose attributes are all there."""
    return next(base for base in kind.__mro__ if is_dataclass(base) and not issubclass(base, _Deferred))


def deferred(kind: type[Made], load: Loaded, **known: Any) -> Made:
    """Return an object with the known attributes; ``load`` returns the others.

    ``kind`` is one of the classes of this module. The checks of its constructor are not done again.
    """
    made: Made = object.__new__(kind)
    for name, value in known.items():
        object.__setattr__(made, name, value)
    object.__setattr__(made, "_load", load)
    return made
