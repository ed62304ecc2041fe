"""What holds for all figures of a study, in sentences: pixel sizes, scale, sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from napari_jsn.patient.find_hands import Hand
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.progression.progression import Narrowing
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.spacing import Spacing

#: A film on which both bones of most joints are larger or smaller than at baseline by more has a wrong pixel size.
_SCALE = 0.03
#: The fewest joints that say so.
_LEAST_JOINTS = 3
#: What is to be known of a pixel size from these sources.
_SPACING_WORDS = {
    "uncalibrated": "Pixel sizes are as stated, and not calibrated.",
    "calibration unknown": "Pixel sizes are as stated; whether they are calibrated is not known.",
    "at detector": "Pixel sizes are those at the detector: the hand is a little smaller than figures say.",
    "nominal scanned": "Pixel sizes are the scanner's nominal ones.",
}


def notes_of(films: Sequence[Hand], rows: Iterable[Narrowing]) -> list[str]:
    """What a reader of the figures should know.

    Parameters
    ----------
    films : sequence of Hand
    rows : iterable of Narrowing
    """
    return [*_spacing_notes([film.radiograph for film in films]), *_scale_notes(films, list(rows))]


def _spacing_notes(radiographs: Sequence[Radiograph]) -> list[str]:
    """What the pixel sizes are, where all are of one kind."""
    sources = {radiograph.spacing_source for radiograph in radiographs if radiograph.spacing_mm is not None}
    return [_SPACING_WORDS[source] for source in sources if len(sources) == 1 and source in _SPACING_WORDS]


def _scale_notes(films: Sequence[Hand], rows: Sequence[Narrowing]) -> list[str]:
    spacing = {film.place: film.radiograph.spacing_mm for film in films}
    notes = []
    for visit, side in sorted({(row.visit, row.side) for row in rows}):
        first, later = spacing.get((1, side or None)), spacing.get((visit, side or None))
        scales = [
            np.array([row.registration.upper.dz, row.registration.lower.dz]) * _fine(later) / _fine(first)
            for row in rows
            if (row.visit, row.side) == (visit, side) and row.registration is not None and row.registration.reliable
        ]
        off = [scale for scale in scales if (scale > 1 + _SCALE).all() or (scale < 1 - _SCALE).all()]
        if len(off) < max(_LEAST_JOINTS, len(scales) / 2 + 0.5):
            continue
        percent = 100 * (float(np.median(np.mean(off, axis=1))) - 1)
        told = "larger" if percent > 0 else "smaller"
        meant = (
            "Its pixel size, or the baseline's, is probably wrong" if first else "It was taken or stored differently"
        )
        notes.append(
            f"{radiograph_label(visit, side or None).capitalize()}: both bones of {len(off)} of {len(scales)} joints "
            f"are {abs(percent):.1f} % {told} than at baseline. {meant}."
        )
    return notes


def _fine(spacing_mm: Spacing) -> float:
    """The finer side of a pixel, at which joint images are cut; 1 where it is not known."""
    return 1.0 if spacing_mm is None else float(np.min(spacing_mm))
