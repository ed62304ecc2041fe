"""What the form of the widget "Measure hands" asks for, and the radiographs among the viewer's layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari.layers import Image
from qtpy.QtWidgets import QLabel

from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.methods import choices as methods
from napari_jsn.viewer.forms.fields import ChoiceField, Field, SpacingField
from napari_jsn.viewer.forms.form import Form
from napari_jsn.viewer.forms.inputs import DEVICES, ask, ask_with, image_problem, spacing_problem
from napari_jsn.viewer.layers.patient import RADIOGRAPH
from napari_jsn.viewer.layers.radiograph import FilmLayer, film_layer
from napari_jsn.viewer.layers.roles import FIXED, MOVING, notes, role_of

STUDY, TWO = "the opened study", "two image layers"
#: Where a refusal of :func:`napari_jsn.progression.measure.measure` is told, by the argument it names.
_TOLD_AT = {"followups": "followup", "moving": "followup", "fixed": "baseline"}
#: Parts of a joint pair are no radiographs of a hand, but a name may say no more than "baseline".
_PLAIN = (None, RADIOGRAPH, FIXED, MOVING)


class FilmsField(Field):
    """The radiographs of the study that is open; nothing to choose."""

    def __init__(self, label: str, tip: str) -> None:
        self._words = QLabel()
        self._words.setWordWrap(True)
        super().__init__(self._words, label, tip)
        self._films: tuple[Any, ...] = ()

    def value(self) -> tuple[Any, ...]:
        """Their layers, by visit."""
        return self._films

    def offer(self, films: Sequence[Any]) -> None:
        """Show how many of how many visits."""
        self._films = tuple(films)
        visits = len({notes(film)["visit"] for film in films})
        self._words.setText(f"{_many(len(films), 'radiograph')} of {_many(visits, 'visit')}")
        self._words.setToolTip("\n".join(film.name for film in films))


@dataclass(frozen=True)
class MeasureInputs:
    """What to measure, and with what."""

    source: str = ask("Measure", "choice", "films", "A patient's folder that was opened, or any two images.", STUDY)
    study: tuple[Any, ...] = ask_with(FilmsField, "Patient", "films", "The radiographs of the folder that was opened.")
    baseline: Any = ask("Baseline", "image", "films", "Radiograph of a hand at the first visit: 2-D, bone bright.")
    followup: Any = ask("Follow-up", "image", "films", "Radiograph of the same hand at a later visit.")
    spacing_mm: Spacing = ask(
        "Pixel size", "spacing", "films", "Size of a pixel in mm, the same for all.\nEmpty: as each layer says."
    )
    method: str = ask("Method", "choice", "how", "How the bones are registered.", methods()[0], tuple(methods()))
    device: str = ask("Device", "choice", "how", "auto takes a CUDA GPU if there is one.", DEVICES[0], DEVICES)

    def problems(self) -> dict[str, str]:
        """Why nothing can be measured: field name to a sentence; empty when it can."""
        found = {"spacing_mm": spacing_problem(self.spacing_mm)}
        if self.source == STUDY:
            if len({notes(film)["visit"] for film in self.study}) < 2:
                found["study"] = "This study has one visit only. Open the folder with all of them."
        else:
            found["baseline"] = image_problem(self.baseline)
            found["followup"] = image_problem(self.followup, self.baseline)
            if self.baseline is None:
                found["baseline"] = "Open a patient's folder, or the radiographs of two visits."
            if self.followup is None:
                found["followup"] = "Open a radiograph of the same hand at a later visit."
        return {name: problem for name, problem in found.items() if problem}

    @property
    def layers(self) -> tuple[Any, ...]:
        """The image layers to measure."""
        return self.study if self.source == STUDY else (self.baseline, self.followup)

    def films(self) -> list[FilmLayer]:
        """A copy of what is to be measured, safe from the user's hands."""
        visits = [1, 2]
        if self.source == STUDY:  # counted anew where the layers of a visit were removed
            told = [notes(film)["visit"] for film in self.study]
            visits = [sorted(set(told)).index(visit) + 1 for visit in told]
        return [film_layer(layer, visit, self.spacing_mm) for layer, visit in zip(self.layers, visits, strict=True)]


class MeasureForm(Form):
    """The form of the hands; what does not matter for the chosen source is hidden."""

    def __init__(self) -> None:
        super().__init__(MeasureInputs, {"films": ("Radiographs", ""), "how": ("Measurement", "")})
        self._offered: list[str] = []
        self.fields["source"].changed.connect(self._show_what_matters)
        for name in ("baseline", "followup"):
            self.fields[name].changed.connect(self._show_what_matters)

    def offer(self, layers: Any) -> None:
        """Take up the viewer's layers: a study where one is open, else the first two images."""
        images = [layer for layer in layers if isinstance(layer, Image)]
        study = [layer for layer in images if role_of(layer, False) == RADIOGRAPH and "visit" in notes(layer)]
        study.sort(key=lambda layer: notes(layer)["visit"])
        choices = [STUDY, TWO] if study else [TWO]
        source = self.fields["source"]
        assert isinstance(source, ChoiceField)
        source.offer(choices, None if choices == self._offered else choices[0])
        self._offered = choices
        self.fields["study"].offer(study)  # type: ignore[attr-defined]
        plain = [layer for layer in images if role_of(layer, False) in _PLAIN and layer.ndim == 2 and not layer.rgb]
        baseline = study[0] if study else _named(plain, FIXED) or next(iter(plain), None)
        self.fields["baseline"].offer(images, baseline)  # type: ignore[attr-defined]
        self.fields["followup"].offer(images, _later(plain, self.fields["baseline"].value()))  # type: ignore[attr-defined]
        self._show_what_matters()

    def place_of(self, argument: str | None) -> str | None:
        """The field at which to tell what is wrong with an argument of the core."""
        if argument in (None, "spacing_mm", "method", "device"):
            return argument
        if self.inputs().source == STUDY:
            return "study"
        name = _TOLD_AT.get(str(argument), argument)
        return name if name in self.fields else None

    def _show_what_matters(self) -> None:
        inputs = self.inputs()
        two = inputs.source == TWO
        for name, matters in {"study": not two, "baseline": two, "followup": two}.items():
            field = self.fields[name]
            for widget in (field.label, field.editor):
                widget.setVisible(matters)
        spacing = self.fields["spacing_mm"]
        assert isinstance(spacing, SpacingField)
        spacing.show_empty(_spacing_words([layer for layer in inputs.layers if layer is not None]))
        self._changed()


def _named(images: list[Any], role: str) -> Any:
    return next((image for image in images if role_of(image, False) == role), None)


def _later(images: list[Any], baseline: Any) -> Any:
    """An image of a later visit: by name, else the next one of the same side."""
    others = [image for image in images if image is not baseline]
    named = _named(others, MOVING)
    if named is not None or baseline is None:
        return named
    noted = notes(baseline)
    fitting = [
        other
        for other in others
        if notes(other).get("side") == noted.get("side") and notes(other).get("visit", 2) != noted.get("visit", 1)
    ]
    return next(iter(fitting or others), None)


def _spacing_words(layers: Sequence[Any]) -> str:
    """What is taken where the field is left empty."""
    sizes = [film_layer(layer, 1, copy=False).spacing_mm for layer in layers]
    if not sizes:
        return ""
    if None in sizes:
        return "not known" if not any(sizes) else "not known for all"
    least, most = (function(_least(size) for size in sizes) for function in (min, max))
    return f"{least:.4g}" if most - least < 5e-5 else f"{least:.4g} to {most:.4g}"


def _least(spacing_mm: Any) -> float:
    return min(spacing_mm) if isinstance(spacing_mm, tuple) else spacing_mm


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
