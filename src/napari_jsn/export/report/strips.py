"""Each joint in five images, after Fig. 6 of Wang et al. 2023, with its figures beside them."""

from __future__ import annotations

from html import escape

import numpy as np

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.drawing.joint import joint_svg, spectrum_svg
from napari_jsn.drawing.pictures import display_range, spectrum_scale_uri
from napari_jsn.drawing.svg import plain, signed, tag
from napari_jsn.export.report.plots import Scales
from napari_jsn.export.report.tables import interval_text
from napari_jsn.progression.labels import Unit, joint_label
from napari_jsn.progression.narrowing import JointView, Narrowing
from napari_jsn.progression.progression import Progression

#: Most figures whose images are shown, and most of them that failed: a report of many visits can still be sent.
MOST_IMAGES, MOST_FAILED = 120, 40
TITLES = ("Baseline", "Follow-up", "Transformed", "Original loss", "Transformed loss")


def strips_section(progression: Progression, scales: Scales, reliable: bool) -> str:
    """Return the images of all joints that have not failed, or of all that have; empty where there are none."""
    rows = [row for row in progression.narrowings if row.reliable is reliable]
    if not rows:
        return ""
    failed = min(MOST_FAILED, sum(not row.reliable for row in progression.narrowings))
    most = MOST_IMAGES - failed if reliable else failed
    shown = sorted(sorted(range(len(rows)), key=lambda k: -rows[k].visit)[:most])
    title = "Images of each joint" if reliable else "Failed"
    lead = (
        "Transformed: each bone of the follow-up is mapped onto the baseline. Loss: squared difference of intensity "
        "before and after registration, over both bones. Lines: outlines of the bones that were measured."
        if reliable
        else "These figures are kept, but should not be used."
    )
    limit = scales.spectrum_limit
    if len(shown) < len(rows):
        lead += f" Images of {len(shown)} of {len(rows)} figures are shown, those of the last visits."
    colours = tag("span", "loss 0", tag("img", src=spectrum_scale_uri(), alt=""), f"{limit:.3g} and above")
    legend = tag("div", colours, class_="legend") if reliable else ""
    many = len({row.visit for row in progression.narrowings}) > 1
    drawn = [strip(row, scales, with_visit=many) for row in (rows[k] for k in shown)]
    return tag("h2", title) + tag("p", lead, class_="lead") + legend + "".join(drawn)


def strip(row: Narrowing, scales: Scales, with_visit: bool) -> str:
    """Draw one joint at one follow-up visit; ``with_visit`` adds the visit to its title."""
    unit = scales.unit
    title = joint_label(row) + (f", visit {row.visit}" if with_visit else "")
    colour = jsn_colour(unit.jsn(row).value, scales.colour_end) if row.reliable else UNRELIABLE
    head = tag("h4", tag("i", " ", class_="dot", style=f"background:{colour}"), escape(title))
    reason = "" if row.reliable else tag("p", escape(row.reason or "Not measured."), class_="reason")
    figures = tag("div", head, reason, _figures(row, unit), class_="figures")
    images = _images(row, scales.spectrum_limit)
    panels = "".join(tag("figure", drawn, tag("figcaption", name)) for name, drawn in images)
    return tag("div", figures, tag("div", panels, class_="panels"), class_="strip" if row.reliable else "strip failed")


def _figures(row: Narrowing, unit: Unit) -> str:
    jsn, change = unit.jsn(row), unit.jsw_change(row)
    facts = []
    if jsn.known:
        facts.append(("JSN", f"<b>{signed(jsn.value, unit.decimals)}</b> {unit.name}"))
        facts.append(("95 %", interval_text(jsn.ci95, unit.decimals)))
    if change.known:
        facts.append(("\u0394JSW", f"{signed(change.value)} {unit.name}"))
    if row.registration is not None:
        facts.append(("MSE", f"{row.registration.original_loss:.4f} \u2192 {row.registration.transformed_loss:.4f}"))
    if np.isfinite(row.angle_deg):
        facts.append(("Rotation", f"{signed(row.angle_deg, 1)}\u00b0"))
    if np.isfinite(row.closure_mm):
        facts.append(("Closure", f"{plain(row.closure_mm, 3)} mm"))
    return tag("dl", *(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)) if facts else ""


def _images(row: Narrowing, limit: float) -> list[tuple[str, str]]:
    """Titles and drawings of the images that exist."""
    drawn = []
    if row.baseline is not None:
        drawn.append(_view(row.baseline, row.baseline.image.spacing_mm))
    if row.followup is not None:
        drawn.append(_view(row.followup))
    registration = row.registration
    if registration is not None and row.followup is not None:
        drawn.append(joint_svg(registration.transformed, limits=display_range(row.followup.image.pixels)))
        for spectrum in (registration.original_spectrum, registration.transformed_spectrum):
            drawn.append(spectrum_svg(spectrum, limit))
    titles = TITLES if row.baseline is not None else TITLES[1:]
    return list(zip(titles, drawn, strict=False))


def _view(view: JointView, spacing_mm: float | None = None) -> str:
    return joint_svg(view.image.pixels, (view.masks.upper, view.masks.lower), spacing_mm)
