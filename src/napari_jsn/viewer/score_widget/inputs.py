"""Inputs and form of the widget "Score hands"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari.layers import Image

from napari_jsn.networks import weights
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.scoring.automatic.score import METHODS
from napari_jsn.viewer.forms.fields import ChoiceField, LayerField, SpacingField
from napari_jsn.viewer.forms.form import DEVICE_TIP, DEVICES, Form, form_field, spacing_problem
from napari_jsn.viewer.hands_widget.inputs import (
    PATIENT,
    RadiographsField,
    patient_layers,
    patient_problem,
    radiograph_problem,
    spacing_placeholder,
    visits_of,
)
from napari_jsn.viewer.layers.patient import RADIOGRAPH
from napari_jsn.viewer.layers.radiograph import RadiographLayer, read_radiograph_layer
from napari_jsn.viewer.layers.read_layer import FIXED, MOVING, dimension_problem, role_of

#: The other choice of the field "Score".
ONE_IMAGE = "one image layer"
_METHODS = {
    "two-stage": "Grades the picture of each joint.",
    "one-stage": "Grades the whole hand at once.",
}
#: Choices of the field "Maps": which kinds of damage each one shows.
MAPS = {"none": (), "narrowing": ("jsn",), "erosion": ("erosion",), "both": ("jsn", "erosion")}
_MAPS = {
    "none": "No maps.",
    "narrowing": "What raised the grades of narrowing.",
    "erosion": "What raised the grades of erosion.",
    "both": "Maps of narrowing and of erosion.",
}


@dataclass(frozen=True)
class ScoreInputs:
    """The radiographs to score, and how."""

    source: str = form_field(
        "Score", "choice", "radiographs", "A patient whose folder was opened, or any image.", PATIENT
    )
    patient: tuple[Any, ...] = form_field(
        "Patient", RadiographsField, "radiographs", "The radiographs of the folder that was opened.", ()
    )
    image: Any = form_field("Image", "image", "radiographs", "Radiograph of one or both hands: 2-D, bone bright.")
    spacing_mm: Spacing = form_field(
        "Pixel size, mm",
        "spacing",
        "radiographs",
        "Size of a pixel in mm, for all radiographs.\nEmpty: that of each layer.",
    )
    method: str = form_field("Method", "choice", "how", "How the grades are found.", "two-stage", _METHODS)
    maps: str = form_field(
        "Maps", "choice", "how", "Maps of what raised the grades, as layers. They take seconds a hand.", "none", _MAPS
    )
    device: str = form_field("Device", "choice", "how", DEVICE_TIP, "auto", DEVICES)

    def problems(self) -> dict[str, str]:
        """Return why nothing can be scored: field name to a sentence; empty where it can."""
        found = {"spacing_mm": spacing_problem(self.spacing_mm)}
        if self.source == PATIENT:
            found["patient"] = patient_problem(self.patient, 1)
        else:
            found["image"] = radiograph_problem(self.image, "Open a patient's folder, or a radiograph of a hand.")
        if METHODS[self.method] not in weights.names("scoring"):
            found["method"] = "There is no network for this method yet. Choose the other one, or train one."
        return {name: problem for name, problem in found.items() if problem}

    @property
    def layers(self) -> tuple[Any, ...]:
        """The image layers to score."""
        return self.patient if self.source == PATIENT else (self.image,)

    def radiographs(self) -> list[RadiographLayer]:
        """Return a copy of the radiographs to score, which later changes of the layers do not affect."""
        visits = visits_of(self.patient) if self.source == PATIENT else [1]
        return [
            read_radiograph_layer(layer, visit, self.spacing_mm)
            for layer, visit in zip(self.layers, visits, strict=True)
        ]


class ScoreForm(Form):
    """The form of the hands; the field that the chosen source does not need is hidden."""

    def __init__(self) -> None:
        super().__init__(ScoreInputs, {"radiographs": ("Radiographs", ""), "how": ("Scoring", "")})
        self._sources: list[str] = []
        for name in ("source", "image"):
            self.fields[name].changed.connect(self._update_fields)

    def set_choices(self, layers: Any) -> None:
        """Update the choices to the viewer's layers: a patient where one is open, else the first image."""
        images = [layer for layer in layers if isinstance(layer, Image)]
        patient = patient_layers(images)
        sources = [PATIENT, ONE_IMAGE] if patient else [ONE_IMAGE]
        self.field("source", ChoiceField).set_choices(sources, None if sources == self._sources else sources[0])
        self._sources = sources
        self.field("patient", RadiographsField).set_layers(patient)
        roles = (None, RADIOGRAPH, FIXED, MOVING)
        plain = (la for la in images if role_of(la, False) in roles and not dimension_problem(la))
        self.field("image", LayerField).set_choices(images, next(plain, None))
        self._update_fields()

    def field_of_argument(self, argument: str | None) -> str | None:
        """Return the name of the field at which to show an error about an argument of the core; None for no field."""
        if argument in (None, "spacing_mm", "method", "device"):
            return argument
        return "patient" if self.inputs().source == PATIENT else "image"

    def _update_fields(self) -> None:
        """Show the field of the chosen source, and the pixel size that is used where the field is empty."""
        inputs = self.inputs()
        for name, visible in {"patient": inputs.source == PATIENT, "image": inputs.source != PATIENT}.items():
            self.fields[name].set_visible(visible)
        layers = [layer for layer in inputs.layers if layer is not None]
        self.field("spacing_mm", SpacingField).set_placeholder(spacing_placeholder(layers))
        self._on_change()
