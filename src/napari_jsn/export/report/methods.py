"""What was measured on, how, with which models, and what the uncertainty does not contain."""

from __future__ import annotations

from html import escape

from napari_jsn import __version__
from napari_jsn.drawing.svg import tag
from napari_jsn.export.report.rows import HANDS
from napari_jsn.export.report.timeline import visit_labels
from napari_jsn.export.report.unit import Unit
from napari_jsn.progression.progression import MeasuredHand, Progression
from napari_jsn.registration.labels import spacing_words

_NOT_IN_IT = (
    "Repositioning beyond what simulated hands show: a hand laid down differently, or a tube at another angle, changes "
    "the projected joint space itself, and no registration of two images can tell that from narrowing. The uncertainty "
    "contains a share for it that was measured on simulated hands; how people are really laid down shows only where "
    "exposures are repeated.",
    "The pixel size: a spacing that is wrong by one per cent makes every figure wrong by one per cent. A spacing at "
    "the detector, without the magnification of the exposure, is somewhat too large for the joint.",
    "Bones that changed their own outline between the visits, by erosion or osteophytes.",
)


def films_section(progression: Progression) -> str:
    """Every radiograph: visit, hand, size, spacing and its source, and what was noticed."""
    named = visit_labels(progression)
    heads = ("Visit", "Hand", "Pixels", "Pixel size", "Side known from", "Not in view", "Noticed")
    rows = [tag("tr", *(tag("td", escape(cell)) for cell in _film(film, named))) for film in progression.films]
    head = tag("thead", tag("tr", *(tag("th", name) for name in heads)))
    listed = tag("table", head, tag("tbody", *rows), class_="plain")
    return tag("h2", "Radiographs") + tag("div", listed, class_="scroll")


def _film(film: MeasuredHand, named: dict[int, str]) -> tuple[str, ...]:
    radiograph = film.radiograph
    size = spacing_words(radiograph.spacing_mm) if radiograph.spacing_mm else "not known"
    source = f" ({radiograph.spacing_source})" if radiograph.spacing_source else ""
    return (
        named.get(film.visit, str(film.visit)),
        HANDS.get(film.side or "", "").removesuffix(" hand"),
        " \u00d7 ".join(str(length) for length in radiograph.shape),
        size + source,
        radiograph.side_source,
        ", ".join(film.missing),
        " ".join(film.notes),
    )


def methods_section(progression: Progression, unit: Unit) -> str:
    """Method, versions, limits."""
    versions = [("napari-jsn", __version__), ("Registration", progression.method), ("Computed on", progression.device)]
    versions += [(f"Model: {task}", name) for task, name in sorted(progression.models.items())]
    listed = tag("table", tag("tbody", *(_pair(*pair) for pair in versions)), class_="plain")
    many = len({film.visit for film in progression.films}) > 2
    how = [
        "Each joint is found on every radiograph; its two bones are outlined, and each is registered from the "
        "baseline to the follow-up. Narrowing is the difference of the two bones' displacements along the joint's "
        "axis at baseline, after Wang et al. 2023 (doi:10.1016/j.compmedimag.2023.102273).",
        "The standard uncertainty covers image noise, the choice of motion model and of bone region, and laying down "
        "the hand anew as simulated hands are laid down; it was calibrated on simulated joints and hands whose "
        "narrowing is known. The interval is that of 95 %.",
        "JSW is the mean distance of the two margins; its change shares only the outlines of the bones with JSN.",
    ]
    if many:
        how.append(
            "All pairs of visits are registered; each joint's course is their weighted least-squares solution, and "
            "closure tells how far the pairs disagree around triangles of visits."
        )
    if unit.name == "px":
        how.append("The pixel size is not known, so all figures are in pixels of the baseline.")
    limits = tag("h3", "What the uncertainty does not contain") + tag("ul", *(tag("li", each) for each in _NOT_IN_IT))
    told = tag("div", *(tag("p", each) for each in how), limits)
    return tag("h2", "Methods and limits") + tag("div", told, listed, class_="beside")


def _pair(name: str, value: str) -> str:
    return tag("tr", tag("th", escape(name)), tag("td", escape(value)))
