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
    "InputError": "common.errors",
    "BoneMasks": "joint.bone_masks",
    "Joint": "joint.joint",
    "JointImage": "joint.joint_image",
    "Progression": "progression.progression",
    "Radiograph": "radiograph.radiograph",
    "read_masks": "joint.read_masks",
    "read_radiograph": "radiograph.read",
    "Registration": "registration.result",
    "Similarity": "joint.similarity",
    "Patient": "patient.patient",
    "Visit": "patient.patient",
    "find_joints": "localization.find_joints",
    "joint_image": "joint.crop",
    "measure": "progression.measure",
    "read_patient": "patient.read",
    "register": "registration.register",
    "register_many": "registration.register",
    "segment": "segmentation.segment",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
