"""Results that were read from a store: their pixels are loaded from the radiograph's file when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from napari_jsn.joint import JointImage
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.result import Registration

Loaded = Callable[[], Mapping[str, Any]]
Made = TypeVar("Made")


class _Deferred:
    """Base of results of which some attributes are loaded at their first use, and then kept."""

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


def deferred(kind: type[Made], load: Loaded, **known: Any) -> Made:
    """Return an object with the known attributes; ``load`` returns the others.

    ``kind`` is one of the classes of this module. The checks of its constructor are not done again.
    """
    made: Made = object.__new__(kind)
    for name, value in known.items():
        object.__setattr__(made, name, value)
    object.__setattr__(made, "_load", load)
    return made
