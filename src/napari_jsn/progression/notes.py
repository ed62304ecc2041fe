"""Write the notes that apply to all figures of a patient: on pixel sizes and scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from napari_jsn.common.reasons import ReasonCode
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.patient.patient import Hand
from napari_jsn.progression.distortion import (
    NOTED_CURVATURE,
    NOTED_DRIFT,
    NOTED_STRETCH,
    scale_curvature,
    scale_drift,
    stretch,
)
from napari_jsn.progression.narrowing import Narrowing
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.width.directional_blur import detail_ratios, directional_change
from napari_jsn.width.edge_width import edge_widths_mm, sharpness_change

_Figures = TypeVar("_Figures")

#: Relative change of scale, of both bones of most joints, above which a pixel size is probably wrong.
_MAX_SCALE_CHANGE = 0.03
#: Smallest number of joints with such a change for a note.
_MIN_JOINTS = 3
#: Relative change of the width of bone edges that is noted. On 32 simulated hands at two visits it is at most 0.03;
#: a blur of 0.75 pixels of 0.144 mm changes it by 0.08 to 0.14, one of 1 pixel by 0.16 to 0.23.
_NOTED_SHARPNESS = 0.10
#: Change of the detail along the fingers against that across them that is noted. On 12 simulated hands at two visits it
#: is at most 0.04; motion of 3 pixels of 0.144 mm along the fingers changes it by 0.10, one of 5 pixels by 0.23.
_NOTED_DIRECTION = 0.10
#: Likeliest causes of the failure of all joints, by the reasons that most joints have; of equally frequent ones the
#: first.
_CAUSES = {
    frozenset({ReasonCode.MIRRORED}): "One of the radiographs is probably mirrored, or shows the other hand.",
    frozenset({ReasonCode.CLIPPED, ReasonCode.EXPOSURES_DIFFER}): "One of the radiographs is probably saturated, or "
    "processed in another way.",
    frozenset({ReasonCode.NOT_SIMILAR, ReasonCode.NO_IMPROVEMENT, ReasonCode.DIRECTIONS_DISAGREE,
               ReasonCode.MASKS_DIFFER, ReasonCode.MOTION_TOO_LARGE}): "These may not be radiographs of the same hand, "
    "or the hand was positioned in another way.",
    frozenset({ReasonCode.BONE_UNCERTAIN, ReasonCode.OUTLINE_UNCERTAIN, ReasonCode.BONE_IN_PIECES,
               ReasonCode.BONES_NOT_FACING, ReasonCode.GAP_IMPLAUSIBLE}): "The bones cannot be distinguished well in "
    "one of the radiographs.",
    frozenset({ReasonCode.JSW_CONTRADICTS}): "The joint space widths contradict all narrowings; the pixel size of one "
    "of the radiographs may be wrong.",
}  # fmt: skip
#: Notes by the source of the pixel size.
_SPACING_NOTES = {
    "uncalibrated": "Pixel sizes are as stated, and not calibrated.",
    "calibration unknown": "Pixel sizes are as stated; whether they are calibrated is not known.",
    "at detector": "Pixel sizes are those at the detector: true lengths are a little smaller than the figures.",
    "nominal scanned": "Pixel sizes are the scanner's nominal ones.",
}


def progression_notes(hands: Sequence[Hand], narrowings: Iterable[Narrowing]) -> list[str]:
    """Return notes on the pixel sizes, and on a scale or a sharpness that differs between visits.

    Parameters
    ----------
    hands : sequence of Hand
    narrowings : iterable of Narrowing
    """
    rows = list(narrowings)
    return [
        *_spacing_notes([hand.radiograph for hand in hands]),
        *_scale_notes(hands, rows),
        *_distortion_notes(rows),
        *_sharpness_notes(rows),
        *_failure_notes(rows),
    ]


def _spacing_notes(radiographs: Sequence[Radiograph]) -> list[str]:
    """Return a note on the source of the pixel sizes, if all have the same source."""
    sources = {radiograph.spacing_source for radiograph in radiographs if radiograph.spacing_mm is not None}
    return [_SPACING_NOTES[source] for source in sources if len(sources) == 1 and source in _SPACING_NOTES]


def _failure_notes(rows: Sequence[Narrowing]) -> list[str]:
    """Return a note for each visit of a hand at which all registered joints have failed, with the likeliest cause."""
    notes = []
    for visit, side in sorted({(row.visit, row.side) for row in rows}):
        codes = [
            {reason.code for reason in row.reasons}
            for row in rows
            if (row.visit, row.side) == (visit, side) and row.registration is not None
        ]
        if len(codes) < _MIN_JOINTS or not all(codes):
            continue
        likeliest = max(_CAUSES, key=lambda cause: sum(bool(each & cause) for each in codes))
        shown = sum(bool(each & likeliest) for each in codes)
        cause = _CAUSES[likeliest] if shown >= len(codes) / 2 else "The reasons of the joints differ."
        label = radiograph_label(visit, side or None).capitalize()
        notes.append(f"{label}: all {len(codes)} joints have failed. {cause}")
    return notes


def _scale_notes(hands: Sequence[Hand], rows: Sequence[Narrowing]) -> list[str]:
    spacing = {hand.place: hand.radiograph.spacing_mm for hand in hands}
    notes = []
    for visit, side in sorted({(row.visit, row.side) for row in rows}):
        first, later = spacing.get((1, side or None)), spacing.get((visit, side or None))
        scales = [
            np.array([row.registration.upper.dz, row.registration.lower.dz])
            * _smaller_side(later)
            / _smaller_side(first)
            for row in rows
            if (row.visit, row.side) == (visit, side) and row.registration is not None and row.registration.reliable
        ]
        changed = [
            scale for scale in scales if (scale > 1 + _MAX_SCALE_CHANGE).all() or (scale < 1 - _MAX_SCALE_CHANGE).all()
        ]
        if len(changed) < max(_MIN_JOINTS, len(scales) / 2 + 0.5):
            continue
        percent = 100 * (float(np.median(np.mean(changed, axis=1))) - 1)
        change = "larger" if percent > 0 else "smaller"
        cause = (
            "Its pixel size, or the baseline's, is probably wrong" if first else "It was taken or stored in another way"
        )
        notes.append(
            f"{radiograph_label(visit, side or None).capitalize()}: both bones of {len(changed)} of {len(scales)} "
            f"joints are {abs(percent):.1f} % {change} than at baseline. {cause}."
        )
    return notes


def _distortion_notes(rows: Sequence[Narrowing]) -> list[str]:
    """Return notes on a scale that varies across the hand, and on a radiograph stretched in one direction."""
    notes = []
    for visit, side in sorted({(row.visit, row.side) for row in rows}):
        of_hand = [row for row in rows if (row.visit, row.side) == (visit, side)]
        drift, curved, stretched = scale_drift(of_hand), scale_curvature(of_hand), stretch(of_hand)
        label = radiograph_label(visit, side or None).capitalize()
        if drift is not None and drift > NOTED_DRIFT:
            notes.append(
                f"{label}: the scale of the bones drifts by {100 * drift:.1f} % over 10 cm of the hand since baseline: "
                "a radiograph is distorted (a photograph taken at an angle), or the hand was tilted."
            )
        if curved is not None and abs(curved) > NOTED_CURVATURE:
            change = "grows" if curved > 0 else "falls"
            notes.append(
                f"{label}: the scale of the bones {change} by {100 * abs(curved):.1f} % over 10 cm from the middle "
                "outwards, compared with baseline: a radiograph is distorted (a barrel or pincushion distortion, as of "
                "a lens)."
            )
        if stretched is not None and stretched > NOTED_STRETCH:
            notes.append(
                f"{label}: it is stretched by {100 * stretched:.1f} % in one direction since baseline: a radiograph is "
                "distorted (pixels that are not square, or a film scanned or photographed at an angle), or the fingers "
                "were bent."
            )
    return notes


def _sharpness_notes(rows: Sequence[Narrowing]) -> list[str]:
    """Return notes on a sharpness that differs between visits, in all directions or in one."""
    views = {
        (row.joint, row.side, visit): view
        for row in rows
        for visit, view in ((1, row.baseline), (row.visit, row.followup))
        if view is not None
    }
    widths = {key: edge_widths_mm(view.image.pixels, view.masks, view.pixel_mm) for key, view in views.items()}
    ratios = {key: detail_ratios(view.image.pixels, view.masks, view.pixel_mm) for key, view in views.items()}
    notes = []
    for visit, side in sorted({(row.visit, row.side) for row in rows}):
        names = [row.joint for row in rows if (row.visit, row.side) == (visit, side)]
        label = radiograph_label(visit, side or None).capitalize()
        change = sharpness_change(*_before_and_now(widths, names, side, visit))
        if change > _NOTED_SHARPNESS or change < 1 / (1 + _NOTED_SHARPNESS) - 1:
            notes.append(
                f"{label}: the edges of the bones are {abs(change):.0%} {'wider' if change > 0 else 'narrower'} than "
                "at baseline: the radiographs differ in blur or edge processing, which moves all narrowings to one "
                "side."
            )
        change = directional_change(*_before_and_now(ratios, names, side, visit))
        if change > _NOTED_DIRECTION or change < 1 / (1 + _NOTED_DIRECTION) - 1:
            notes.append(
                f"{label}: detail of the bones along the fingers, against detail across them, is {abs(change):.0%} "
                f"{'stronger' if change > 0 else 'weaker'} than at baseline: a radiograph is blurred in one direction "
                "(the hand moved, or the scanner did not move evenly)."
            )
    return notes


def _before_and_now(
    measured: Mapping[tuple[str, str, int], _Figures], names: Sequence[str], side: str, visit: int
) -> tuple[dict[str, _Figures], dict[str, _Figures]]:
    """Return the figures of the joints of one hand at the baseline and at a visit."""
    first, later = (
        {name: measured[name, side, number] for name in names if (name, side, number) in measured}
        for number in (1, visit)
    )
    return first, later


def _smaller_side(spacing_mm: Spacing) -> float:
    """Return the smaller side of a pixel, which is the pixel size of joint images; 1 if it is not known."""
    return 1.0 if spacing_mm is None else float(np.min(spacing_mm))
