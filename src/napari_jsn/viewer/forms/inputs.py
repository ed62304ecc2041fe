"""What the form asks for: the one source of its fields, their defaults and the core call's arguments.

Each field bears the name of the argument of :func:`napari_jsn.register` that it becomes, so that a
refusal of the core can be shown at the field it speaks of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

import numpy as np

from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.methods import choices
from napari_jsn.viewer.layers.read_layer import pixels_of

DEVICES = ("auto", "cpu", "cuda")


def ask(label: str, kind: str, part: str, tip: str, default: Any = None, choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field that tells how a form asks for it: label, kind of editor, part of the form, tip."""
    metadata = {"label": label, "kind": kind, "part": part, "tip": tip, "choices": choices}
    return field(default=default, metadata=metadata)


def ask_with(editor: Callable[[str, str], Any], label: str, part: str, tip: str, default: Any = None) -> Any:
    """The same, with an editor of its own, made from label and tip."""
    metadata = {"label": label, "kind": "own", "part": part, "tip": tip, "field": editor}
    return field(default=default, metadata=metadata)


_MASKS_TIP = "Labels layer of the image's shape: 1 upper (distal) bone, 2 lower (proximal) bone, 3 both.\n"
_FIND = "Without one, the bones are found automatically."
_SPACING_TIP = (
    "Size of a pixel in mm (rows x columns where not square),\ntaken from the layer's scale where that is a length.\n"
)


@dataclass(frozen=True)
class PairInputs:
    """A joint pair as the user describes it; ``None`` is a field left empty."""

    fixed: Any = ask("Image", "image", "fixed", "Joint image of the baseline visit: 2-D, grey, bone bright.")
    fixed_masks: Any = ask("Bone masks", "labels", "fixed", _MASKS_TIP + _FIND)
    spacing_mm: Spacing = ask(
        "Pixel size", "spacing", "fixed", _SPACING_TIP + "Empty: not known, results are in pixels."
    )
    moving: Any = ask("Image", "image", "moving", "Joint image of the follow-up visit: 2-D, grey, bone bright.")
    moving_masks: Any = ask("Bone masks", "labels", "moving", _MASKS_TIP + _FIND)
    moving_spacing_mm: Spacing = ask(
        "Pixel size", "spacing", "moving", _SPACING_TIP + "Empty: the same as the fixed image's."
    )
    method: str = ask("Method", "choice", "how", "How the bones are registered.", choices()[0], tuple(choices()))
    device: str = ask(
        "Device", "choice", "how", "Where to compute; auto takes a CUDA GPU if there is one.", DEVICES[0], DEVICES
    )

    def problems(self) -> dict[str, str]:
        """Why the pair cannot be registered: field name to a sentence; empty when it can."""
        checks: dict[str, Callable[[], str]] = {
            "fixed": lambda: image_problem(self.fixed),
            "moving": lambda: image_problem(self.moving, self.fixed),
            "fixed_masks": lambda: _masks_problem(self.fixed_masks, self.fixed),
            "moving_masks": lambda: _masks_problem(self.moving_masks, self.moving),
            "spacing_mm": lambda: spacing_problem(self.spacing_mm),
            "moving_spacing_mm": lambda: spacing_problem(self.moving_spacing_mm, self.spacing_mm, True),
        }
        return {name: problem for name, check in checks.items() if (problem := check())}

    def as_core_arguments(self) -> dict[str, Any]:
        """Keyword arguments of :func:`napari_jsn.register`; arrays are copies, safe from further painting."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        for name in ("fixed", "fixed_masks", "moving", "moving_masks"):
            values[name] = None if values[name] is None else np.array(pixels_of(values[name]))
        values["device"] = None if self.device == "auto" else self.device
        return values


def image_problem(layer: Any, other: Any = None) -> str:
    """Why a layer is no joint image, or not one of another visit than ``other``; empty when it is."""
    if layer is None:
        return "Open a second image of this joint." if other else "Open a joint image, or the folder of a pair."
    if layer is other:
        return "Choose another image than the fixed one."
    if layer.rgb:
        return "This is a colour image. Convert it to grey first."
    if layer.ndim != 2:
        return f"This image has {layer.ndim} dimensions. Choose a 2-D one."
    return ""


def _masks_problem(layer: Any, image: Any) -> str:
    if layer is None or image is None:
        return ""
    shape, wanted = np.shape(pixels_of(layer)), np.shape(pixels_of(image))[:2]
    if shape == wanted:
        return ""
    return f"These masks are {_size(shape)} pixels, the image is {_size(wanted)}. Choose masks drawn on it."


def _size(shape: tuple[int, ...]) -> str:
    return "\xa0×\xa0".join(map(str, shape))


def spacing_problem(spacing_mm: Spacing, fixed_mm: Spacing = None, moving: bool = False) -> str:
    """Why this is no pixel size; empty when it is one, or not known."""
    if spacing_mm is None:
        return ""
    sides = spacing_mm if isinstance(spacing_mm, tuple) else (spacing_mm,)
    if not all(isfinite(side) and side > 0 for side in sides):
        return "Give a number of mm above 0, or leave it empty."
    if moving and fixed_mm is None:
        return "Give the fixed image's pixel size too, or neither."
    return ""
