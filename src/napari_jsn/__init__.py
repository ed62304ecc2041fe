"""Joint space narrowing of the fingers between radiographs: a napari plugin and a library.

Public names are loaded when first used, so that importing the package stays fast.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("napari-jsn")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

_HOME = {
    "InputError": "errors",
    "BoneMasks": "joint",
    "Joint": "joint",
    "JointImage": "joint",
    "Progression": "study.progression",
    "Radiograph": "radiograph",
    "read_masks": "radiograph",
    "read_radiograph": "radiograph",
    "Registration": "registration.result",
    "Similarity": "transform",
    "Study": "study",
    "Visit": "study",
    "find_joints": "localization.api",
    "joint_image": "localization.crop",
    "measure": "study.measuring",
    "read_study": "study",
    "register": "registration.api",
    "register_many": "registration.api",
    "segment": "segmentation.api",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
