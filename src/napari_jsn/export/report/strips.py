"""One joint in five pictures, after Fig. 6 of Wang et al. 2023, with its figures beside them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
from numpy.typing import NDArray

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.drawing.pictures import grey_picture, grey_window, spectrum_picture
from napari_jsn.drawing.svg import line, plain, points, signed, svg, tag, text
from napari_jsn.export.report.unit import Unit
from napari_jsn.joint import BoneMasks
from napari_jsn.progression.progression import JointView, Narrowing

TITLES = ("Baseline", "Follow-up", "Transformed", "Original loss", "Transformed loss")
#: Outlines of the upper and the lower bone, as in the figures of single pairs.
_BONES = ("#56b4e9", "#e69f00")


def spectrum_limit(rows: Iterable[Narrowing]) -> float:
    """Where the colours of all loss spectra end: few pixels of few joints are beyond."""
    found = [
        float(np.nanpercentile(spectrum, 99.5))
        for row in rows
        if row.registration is not None
        for spectrum in (row.registration.original_spectrum, row.registration.transformed_spectrum)
    ]
    return max(float(np.percentile(found, 90)), 1e-6) if found else 1.0


def strip(row: Narrowing, unit: Unit, end: float, limit: float, followups: int) -> str:
    """Draw one joint at one follow-up visit.

    Parameters
    ----------
    row : Narrowing
    unit : Unit
    end : float
        Where the colour scale of narrowing ends.
    limit : float
        Where the colour scale of the spectra ends.
    followups : int
        How many follow-up visits the study has; the visit is named where there is more than one.
    """
    title = " ".join(word for word in (row.side, row.joint) if word)
    title += f", visit {row.visit}" if followups > 1 else ""
    colour = jsn_colour(unit.jsn(row).value, end) if row.reliable else UNRELIABLE
    head = tag("h4", tag("i", " ", class_="dot", style=f"background:{colour}"), escape(title))
    reason = "" if row.reliable else tag("p", escape(row.reason or "Not measured."), class_="reason")
    said = tag("div", head, reason, _figures(row, unit), class_="said")
    pictures = "".join(tag("figure", drawn, tag("figcaption", name)) for name, drawn in _panels(row, limit))
    return tag("div", said, tag("div", pictures, class_="panels"), class_="strip" if row.reliable else "strip doubted")


def _figures(row: Narrowing, unit: Unit) -> str:
    found, change = unit.jsn(row), unit.jsw_change(row)
    facts = []
    if found.known:
        facts.append(("JSN", f"<b>{signed(found.value, unit.decimals)}</b> {unit.name}"))
        facts.append(("95 %", f"{signed(found.low, unit.decimals)} to {signed(found.high, unit.decimals)}"))
    if change.known:
        facts.append(("\u0394JSW", f"{signed(change.value)} {unit.name}"))
    if row.registration is not None:
        facts.append(("MSE", f"{row.registration.original_loss:.4f} \u2192 {row.registration.transformed_loss:.4f}"))
    if np.isfinite(row.angle_deg):
        facts.append(("Turn", f"{signed(row.angle_deg, 1)}\u00b0"))
    if np.isfinite(row.closure_mm):
        facts.append(("Closure", f"{plain(row.closure_mm, 3)} mm"))
    return tag("dl", *(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in facts)) if facts else ""


def _panels(row: Narrowing, limit: float) -> list[tuple[str, str]]:
    """Titles and drawings of those pictures that there are."""
    panels = []
    if row.baseline is not None:
        panels.append((TITLES[0], _view(row.baseline, scale=True)))
    if row.followup is not None:
        panels.append((TITLES[1], _view(row.followup)))
    found = row.registration
    if found is not None and row.followup is not None:
        window = grey_window(row.followup.image.pixels)
        panels.append((TITLES[2], _picture(grey_picture(found.transformed, window), found.transformed.shape)))
        for name, spectrum in zip(TITLES[3:], (found.original_spectrum, found.transformed_spectrum), strict=True):
            panels.append((name, _picture(spectrum_picture(spectrum, limit), spectrum.shape)))
    return panels


def _view(view: JointView, scale: bool = False) -> str:
    """A joint image with thin outlines of its bones."""
    pixels = view.image.pixels
    drawn = _outlines(view.masks)
    if scale and view.image.spacing_mm:
        drawn += _scale_bar(pixels.shape, view.image.spacing_mm)
    return _picture(grey_picture(pixels, grey_window(pixels)), pixels.shape, drawn)


def _picture(uri: str, shape: tuple[int, ...], drawn: str = "") -> str:
    image = tag("image", href=uri, width=shape[1], height=shape[0])
    return svg(float(shape[1]), float(shape[0]), image, drawn, role="img")


def _outlines(masks: BoneMasks) -> str:
    from skimage.measure import approximate_polygon, find_contours

    drawn = []
    for mask, colour in zip((masks.upper, masks.lower), _BONES, strict=True):
        for outline in find_contours(mask.astype(float), 0.5):
            rows_cols: NDArray[np.floating] = approximate_polygon(outline, 0.4)
            place = points(rows_cols[:, ::-1] + 0.5)  # the middle of the first pixel lies half a pixel inside
            style = {"stroke": colour, "stroke_width": mask.shape[0] / 200, "stroke_opacity": 0.75}
            drawn.append(tag("polyline", points=place, fill="none", **style))
    return "".join(drawn)


def _scale_bar(shape: tuple[int, ...], spacing_mm: float) -> str:
    """5 mm, or 1 mm where that is too much."""
    length = 5 if 5 / spacing_mm < shape[1] / 2 else 1
    x, y, size = 0.06 * shape[1], 0.93 * shape[0], 0.075 * shape[0]
    bar = line(x, y, x + length / spacing_mm, y, stroke="#fff", stroke_width=shape[0] / 70)
    style = {"fill": "#fff", "font_size": size, "class_": "halo", "stroke_width": size / 5}
    return bar + text(x, y - size * 0.45, f"{length} mm", **style)
