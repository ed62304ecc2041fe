"""Inputs and form of the widget "Measure hands"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from magicgui.widgets import Label
from napari.layers import Image

from napari_jsn.common.errors import InputError
from napari_jsn.patient.order.file_names import day_in
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.method_names import METHODS
from napari_jsn.viewer.forms.fields import ChoiceField, FormField, LayerField, MethodField, SpacingField
from napari_jsn.viewer.forms.form import DEVICE_TIP, DEVICES, Form, form_field, spacing_problem
from napari_jsn.viewer.layers.patient import FRAMES, OPENED, RADIOGRAPH
from napari_jsn.viewer.layers.radiograph import (
    RadiographLayer,
    check_layers_of_one_patient,
    read_radiograph_layer,
    separate_layers,
)
from napari_jsn.viewer.layers.read_layer import FIXED, MOVING, dimension_problem, layer_metadata, role_of

#: Choices of the field "Measure".
PATIENT, TWO_IMAGES = "the opened patient", "two image layers"
#: The field at which to show an error of :func:`napari_jsn.progression.measure.measure`, by the argument it names.
_FIELD_OF_ARGUMENT = {"followups": "followup", "moving": "followup", "fixed": "baseline"}
#: Roles of layers that are offered as radiographs. An image can have the role 'fixed' or 'moving' only because of its
#: layer name.
_OFFERED_ROLES = (None, RADIOGRAPH, FIXED, MOVING)


class RadiographsField(FormField, Label):
    """The radiographs of the patient that is open, without a choice."""

    def __init__(self, label: str, tip: str) -> None:
        self._layers: tuple[Any, ...] = ()
        super().__init__(label, tip)
        self.native.setWordWrap(True)

    def get_value(self) -> Any:
        """Return the layers of the radiographs, by visit."""
        return self._layers

    def set_value(self, value: Any) -> None:
        """Refuse: the radiographs are those of the patient that is open."""
        self.refuse("These are the radiographs of the patient that is open. Open the patient's folder.")

    def set_layers(self, layers: Sequence[Any]) -> None:
        """Show how many radiographs and visits there are."""
        self._layers = tuple(layers)
        visits = len({layer_metadata(layer)["visit"] for layer in layers})
        shown = _count(visits, "visit")  # a longer text would take two lines of a narrow dock
        self.native.setText(shown if len(layers) == visits else f"{_count(len(layers), 'radiograph')}, {shown}")
        self.native.setToolTip("\n".join(layer.name for layer in layers))


@dataclass(frozen=True)
class MeasureInputs:
    """The radiographs to measure, and how."""

    source: str = form_field(
        "Measure", "choice", "radiographs", "A patient whose folder was opened, or any two images.", PATIENT
    )
    patient: tuple[Any, ...] = form_field(
        "Patient", RadiographsField, "radiographs", "The radiographs of the folder that was opened.", ()
    )
    baseline: Any = form_field(
        "Baseline", "image", "radiographs", "Radiograph of a hand at the first visit: 2-D, bone bright."
    )
    followup: Any = form_field(
        "Follow-up", "image", "radiographs", "Radiograph of the same hand at a later visit: 2-D, bone bright."
    )
    spacing_mm: Spacing = form_field(
        "Pixel size, mm",
        "spacing",
        "radiographs",
        "Size of a pixel in mm, for all radiographs.\nEmpty: that of each layer.",
    )
    method: str = form_field("Method", MethodField, "how", "How the bones are registered.", next(iter(METHODS)))
    device: str = form_field("Device", "choice", "how", DEVICE_TIP, "auto", DEVICES)

    def problems(self) -> dict[str, str]:
        """Return why nothing can be measured: field name to a sentence; empty where it can."""
        found = {"spacing_mm": spacing_problem(self.spacing_mm)}
        if self.source == PATIENT:
            found["patient"] = patient_problem(self.patient)
        else:
            found["baseline"] = radiograph_problem(
                self.baseline, "Open a patient's folder, or the radiographs of two visits."
            )
            found["followup"] = radiograph_problem(
                self.followup, "Open a radiograph of the same hand at a later visit."
            ) or _pair_problem(self.baseline, self.followup)
        return {name: problem for name, problem in found.items() if problem}

    @property
    def layers(self) -> tuple[Any, ...]:
        """The image layers to measure."""
        return self.patient if self.source == PATIENT else (self.baseline, self.followup)

    def radiographs(self) -> list[RadiographLayer]:
        """Return a copy of the radiographs to measure, which later changes of the layers do not affect."""
        visits = visits_of(self.patient) if self.source == PATIENT else [1, 2]
        return [
            read_radiograph_layer(layer, visit, self.spacing_mm)
            for layer, visit in zip(self.layers, visits, strict=True)
        ]


class MeasureForm(Form):
    """The form of the hands; fields that the chosen source does not need are hidden."""

    def __init__(self) -> None:
        super().__init__(MeasureInputs, {"radiographs": ("Radiographs", ""), "how": ("Measurement", "")})
        self._sources: list[str] = []
        self.fields["source"].changed.connect(self._update_fields)
        for name in ("baseline", "followup"):
            self.fields[name].changed.connect(self._update_fields)

    def set_choices(self, layers: Any) -> None:
        """Update the choices to the viewer's layers: a patient where one is open, else the first two images."""
        images = [layer for layer in layers if isinstance(layer, Image)]
        patient = patient_layers(images)
        sources = [PATIENT, TWO_IMAGES] if patient else [TWO_IMAGES]
        self.field("source", ChoiceField).set_choices(sources, None if sources == self._sources else sources[0])
        self._sources = sources
        self.field("patient", RadiographsField).set_layers(patient)
        plain = [la for la in images if role_of(la, False) in _OFFERED_ROLES and not dimension_problem(la)]
        if None not in (days := {layer: _day(layer) for layer in plain}).values():
            plain.sort(key=lambda layer: days[layer] or date.max)
        baseline = patient[0] if patient else _with_role(plain, FIXED) or next(iter(plain), None)
        self.field("baseline", LayerField).set_choices(images, baseline)
        followup = _default_followup(plain, self.fields["baseline"].value)
        self.field("followup", LayerField).set_choices(images, followup)
        self._update_fields()

    def field_of_argument(self, argument: str | None) -> str | None:
        """Return the name of the field at which to show an error about an argument of the core; None for no field."""
        if argument in (None, "spacing_mm", "method", "device"):
            return argument
        if self.inputs().source == PATIENT:
            return "patient"
        name = _FIELD_OF_ARGUMENT.get(str(argument), argument)
        return name if name in self.fields else None

    def _update_fields(self) -> None:
        """Show the fields of the chosen source, and the pixel size that is used where the field is empty."""
        inputs = self.inputs()
        two = inputs.source == TWO_IMAGES
        for name, visible in {"patient": not two, "baseline": two, "followup": two}.items():
            self.fields[name].set_visible(visible)
        layers = [layer for layer in inputs.layers if layer is not None]
        self.field("spacing_mm", SpacingField).set_placeholder(spacing_placeholder(layers))
        self._on_change()


def patient_layers(layers: Sequence[Any]) -> list[Any]:
    """Return the images of a patient whose folder was opened, by visit."""
    patient = [la for la in layers if role_of(la, False) == RADIOGRAPH and "visit" in layer_metadata(la)]
    return sorted(patient, key=lambda layer: int(layer_metadata(layer)["visit"]))


def visits_of(patient: Sequence[Any]) -> list[int]:
    """Return the visit of each layer of a patient; visits whose layers were removed are not counted."""
    numbers = [layer_metadata(layer)["visit"] for layer in patient]
    return [sorted(set(numbers)).index(number) + 1 for number in numbers]


def radiograph_problem(layer: Any, missing: str) -> str:
    """Return why a layer is no radiograph: ``missing`` where there is none; "" where it is one."""
    return missing if layer is None else dimension_problem(layer)


def patient_problem(layers: Sequence[Any], least_visits: int = 2) -> str:
    """Return why these radiographs, which were opened as folders, cannot be used together; "" where they can."""
    if other := _other_patient(layers):
        return other
    folders = len({layer_metadata(layer).get(OPENED) for layer in layers})
    if folders > 1:
        return (
            f"The radiographs of {folders} folders are open. Remove the layers of all but one, or open one folder with "
            "all radiographs of the patient."
        )
    if len({layer_metadata(layer)["visit"] for layer in layers}) < least_visits:
        return "This patient has one visit only. Open the folder with all visits."
    return ""


def _pair_problem(baseline: Any, followup: Any) -> str:
    """Return why the second radiograph is no follow-up of the first."""
    if baseline is None:
        return ""
    if followup is baseline:
        return "This is the baseline. Choose another image."
    if other := _other_patient((baseline, followup)):
        return other
    first, later = _day(baseline), _day(followup)
    if first and later and later < first:
        return f"This radiograph is of {later}, before the baseline of {first}. Choose the earlier one as baseline."
    return ""


def _other_patient(layers: Sequence[Any]) -> str:
    """Return that the radiographs are of more than one patient; "" where nothing states so."""
    try:
        check_layers_of_one_patient(layers, "")
    except InputError as error:
        return str(error)
    return ""


def _day(layer: Any) -> date | None:
    """Return the day of a radiograph, as its file or else its name states it."""
    acquired = layer_metadata(layer).get("acquired")
    return datetime.fromisoformat(acquired).date() if acquired else day_in(layer.name)


def _with_role(images: list[Any], role: str) -> Any:
    return next((image for image in images if role_of(image, False) == role), None)


def _default_followup(images: list[Any], baseline: Any) -> Any:
    """Return an image of a later visit: by name, else the next one of the same side that is not older."""
    others = [image for image in images if image is not baseline]
    by_name = _with_role(others, MOVING)
    if by_name is not None or baseline is None:
        return by_name
    first = layer_metadata(baseline)
    later = [
        other
        for other in others
        if layer_metadata(other).get("side") == first.get("side")
        and layer_metadata(other).get("visit", 2) != first.get("visit", 1)
        and (_day(other) or date.max) >= (_day(baseline) or date.min)
    ]
    return next(iter(later or others), None)


def spacing_placeholder(layers: Sequence[Any]) -> str:
    """Return the pixel size of the layers as a text."""
    sizes = [read_radiograph_layer(layer, 1, copy=False).spacing_mm for layer in layers]
    known = [min(size) if isinstance(size, tuple) else size for size in sizes if size is not None]
    if not sizes:
        return ""
    if len(known) < len(sizes):
        return "not known for all" if known else "not known"
    low, high = min(known), max(known)
    return f"{low:.4g}" if high - low < 5e-5 else f"{low:.4g} to {high:.4g}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def radiographs_of_form(inputs: Any, all_layers: Any, argument: str) -> tuple[list[RadiographLayer], dict[str, Any]]:
    """Return the radiographs that a form names, and patient and notes of the folder they were read from.

    Parameters
    ----------
    inputs : object
        Of a form, with ``layers``, ``source`` and ``radiographs()``.
    all_layers : LayerList
        All layers of the viewer.
    argument : str
        That an error names if the layers show several patients.

    Raises
    ------
    InputError
        If a layer is no radiograph, or they show several patients.
    """
    separate_layers(inputs.layers, all_layers.units)
    notes = check_layers_of_one_patient(inputs.layers, argument)
    about: dict[str, Any] = {}
    if inputs.source == PATIENT:
        about = layer_metadata(inputs.layers[0])
        entries = (layer_metadata(layer) for layer in all_layers)
        opened = (entry for entry in entries if entry.get("role") == FRAMES and entry[OPENED] == about.get(OPENED))
        notes = [*next(opened, {}).get("notes", ()), *notes]
    return inputs.radiographs(), {"patient_id": about.get("patient_id"), "notes": notes}
