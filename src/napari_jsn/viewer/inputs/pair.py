"""Inputs and form of the widget "Register joint pair"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_jsn.common.progress import Progress
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.viewer.forms.fields import LayerField, MethodField, SpacingField
from napari_jsn.viewer.forms.form import (
    DEVICE_TIP,
    DEVICES,
    Form,
    device_of,
    form_field,
    image_problem,
    layer_reader,
    spacing_problem,
)
from napari_jsn.viewer.layers.masks import masks_of
from napari_jsn.viewer.layers.read_layer import layer_metadata, pixels_of, role_of, spacing_of

if TYPE_CHECKING:
    from napari_jsn.registration.result import Registration

#: Imported in the worker, because it is slow to import.
REGISTER_MODULE = "napari_jsn.registration.register"
#: The fields that hold layers.
_LAYERS = ("fixed", "fixed_masks", "moving", "moving_masks")

_TITLES = {"fixed": ("Fixed", "baseline"), "moving": ("Moving", "follow-up"), "registration": ("Registration", "")}
#: Name of the pixel size field that belongs to each image field.
_SPACING_OF = {"fixed": "spacing_mm", "moving": "moving_spacing_mm"}

_MASKS_TIP = (
    "Labels layer of the image's shape: 1 upper (distal) bone, 2 lower (proximal) bone, 3 both.\n"
    "If empty, the bones are found automatically."
)
_SPACING_TIP = (
    "Size of a pixel in mm (rows x columns if not square),\nread from the layer's scale if its unit is a length.\n"
)


@dataclass(frozen=True)
class PairInputs:
    """A joint pair as given by the user; ``None`` where a field is empty.

    Each field has the name of an argument of :func:`napari_jsn.register`, so that an error about an argument can be
    shown at its field.
    """

    fixed: Any = form_field(
        "Image", "image", "fixed", "Joint image of the baseline visit: 2-D, greyscale, bone bright."
    )
    fixed_masks: Any = form_field("Bone masks", "labels", "fixed", _MASKS_TIP)
    spacing_mm: Spacing = form_field(
        "Pixel size, mm", "spacing", "fixed", _SPACING_TIP + "Empty: not known, results are in pixels."
    )
    moving: Any = form_field(
        "Image", "image", "moving", "Joint image of the follow-up visit: 2-D, greyscale, bone bright."
    )
    moving_masks: Any = form_field("Bone masks", "labels", "moving", _MASKS_TIP)
    moving_spacing_mm: Spacing = form_field(
        "Pixel size, mm", "spacing", "moving", _SPACING_TIP + "Empty: same as the fixed image."
    )
    method: str = form_field("Method", MethodField, "registration", "How the bones are registered.", "refined")
    device: str = form_field("Device", "choice", "registration", DEVICE_TIP, "auto", DEVICES)

    def problems(self) -> dict[str, str]:
        """Return why the pair cannot be registered, as field name to sentence; empty if it can be registered."""
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
        """Return the arguments of :func:`napari_jsn.register`; layers are functions that return their arrays.

        See :func:`~napari_jsn.viewer.forms.form.layer_reader`: later changes of the layers do not matter.
        """
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        for name in _LAYERS:
            values[name] = None if values[name] is None else layer_reader(values[name], name)
        values["device"] = device_of(self.device)
        return values

    def work(self, arguments: Mapping[str, Any] | None = None) -> Callable[[Progress], Registration]:
        """Return the registration of the pair; call it in any thread.

        Parameters
        ----------
        arguments : mapping, optional
            Of :meth:`as_core_arguments`, by default as they are now.
        """
        given = self.as_core_arguments() if arguments is None else arguments

        def register(progress: Progress) -> Registration:
            arrays = {name: given[name] and given[name]() for name in _LAYERS}
            progress.update(0, 0, "Registering")
            found: Registration = import_module(REGISTER_MODULE).register(**{**given, **arrays}, progress=progress)
            return found

        return register


class PairForm(Form):
    """The form of a joint pair. Where the user chose no layer, the form selects one by its role or name."""

    def __init__(self) -> None:
        super().__init__(PairInputs, _TITLES)
        self._layers: list[Any] = []
        self._prefilled: dict[str, Any] = {}
        self._masked: dict[str, Any] = {}
        for image in _SPACING_OF:
            self.fields[image].changed.connect(self._set_mask_choices)
            self.fields[image].changed.connect(self._prefill)

    def set_choices(self, layers: Any) -> None:
        """Offer the viewer's layers as choices of images and masks."""
        self._layers = list(layers)
        images = [layer for layer in layers if isinstance(layer, Image)]
        for name, default in _default_images(images).items():
            self.field(name, LayerField).set_choices(images, default)
        self._set_mask_choices()
        self._prefill()

    def spacing_source(self, image: str) -> str:
        """Return the source of the pixel size of ``fixed`` or ``moving`` as text; empty if there is no pixel size."""
        field = self.field(_SPACING_OF[image], SpacingField)
        if field.value is None:
            return ""
        if field.edited:
            return "typed in"
        # if the user changed the layer's scale, the pixel size from the file no longer applies
        entry = layer_metadata(self.fields[image].value)
        return str(entry.get("spacing_source")) if entry.get("spacing_mm") == field.value else "layer scale"

    def _set_mask_choices(self) -> None:
        """Select the masks of the chosen image; masks that were chosen for another image are not kept."""
        labels = [layer for layer in self._layers if isinstance(layer, Labels)]
        for image in _SPACING_OF:
            masks, chosen = self.field(f"{image}_masks", LayerField), self.fields[image].value
            if self._masked.get(image) is not chosen:
                self._masked[image] = chosen
                masks.forget_choice()
            masks.set_choices(labels, masks_of(chosen, self._layers))

    def _prefill(self) -> None:
        """Fill in the pixel size of an image layer that has been chosen, or whose scale has changed."""
        for image, spacing in _SPACING_OF.items():
            layer = self.fields[image].value
            layer_spacing = (layer, None if layer is None else spacing_of(layer))
            if self._prefilled.get(image) != layer_spacing:
                self._prefilled[image] = layer_spacing
                self.field(spacing, SpacingField).prefill(layer_spacing[1])
        self._on_change()


def _default_images(images: list[Any]) -> dict[str, Any]:
    """Return images for ``fixed`` and ``moving``: by role or name, else the first 2-D images without role."""
    defaults = {name: _first(images, name, mask=False) for name in _SPACING_OF}
    without_role = [image for image in images if role_of(image, False) is None and image.ndim == 2]
    for name in defaults:
        if defaults[name] is None:
            defaults[name] = next((image for image in without_role if image not in defaults.values()), None)
    return defaults


def _first(layers: list[Any], role: str, mask: bool) -> Any:
    return next((layer for layer in layers if role_of(layer, mask) == role), None)


def _masks_problem(layer: Any, image: Any) -> str:
    if layer is None or image is None:
        return ""
    shape, image_shape = np.shape(pixels_of(layer)), np.shape(pixels_of(image))[:2]
    if shape == image_shape:
        return ""
    return f"These masks are {_size(shape)} pixels, the image is {_size(image_shape)}. Choose masks of this image."


def _size(shape: tuple[int, ...]) -> str:
    return "\xa0×\xa0".join(map(str, shape))
