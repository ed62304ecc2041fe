"""Both hands on one film told apart and cut out, each a radiograph of its own; and a side for every film."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.patient.labels import radiograph_label, side_label
from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.patient.sides import by_marker
from napari_jsn.radiograph import Radiograph

if TYPE_CHECKING:
    from napari_jsn.localization.found_joints import FoundJoints

#: Share of a hand's length that must lie beside its outermost joint boxes, for finger tips and skin.
_MARGIN = 0.08
#: The space between two hands is looked for on a profile smoothed by this share of the film's width.
_SMOOTH = 0.01


def split_study(
    study: Patient,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
    find: Callable[..., FoundJoints] | None = None,
) -> Patient:
    """Cut films of both hands in two, and tell the side of films that do not state it.

    A film that states one side is left as it is. On the others the localiser finds the hands, and lead letters beside
    them are read.

    Parameters
    ----------
    study : Patient
    model, device : str
        Of the localiser; see :func:`napari_jsn.localization.find_joints.find_joints`.
    progress : Progress, optional
    find : callable, optional
        Finds joints in its place: for tests, and for joints that are known already.

    Returns
    -------
    Patient
        Radiographs of one hand each, the right one first, and notes on what was split and what the sides rest on.
        Films on which no hand is found stay as they are, and so do those that were not looked at when aborted.

    Raises
    ------
    InputError
        If two hands lie over one another.
    """
    progress = progress or Silent()
    unknown = [(visit, film) for visit in study.visits for film in visit.radiographs if film.side is None]
    hands: dict[int, tuple[Radiograph, ...]] = {}
    notes: list[str] = []
    for number, (visit, film) in enumerate(unknown):
        if progress.aborted:
            break
        progress.update(number, len(unknown), f"Looking for hands: visit {visit.number}")
        found = _find(find, film, model, device)
        if not found.sides:
            continue
        hands[id(film)], doubts = by_marker(split(film, found, radiograph_label(visit.number)), found)
        notes += _told(visit.number, film, hands[id(film)])
        notes += [f"Visit {visit.number}: {doubt}." for doubt in doubts]
    visits = []
    for visit in study.visits:
        films = [hand for film in visit.radiographs for hand in hands.get(id(film), (film,))]
        named = (replace(film, name=radiograph_label(visit.number, film.side)) for film in films)
        visits.append(Visit(visit.number, visit.day, tuple(sorted(named, key=by_side))))
    return replace(study, visits=tuple(visits), notes=(*study.notes, *notes))


def _find(find: Callable[..., FoundJoints] | None, film: Radiograph, model: str, device: str | None) -> FoundJoints:
    from napari_jsn.localization.find_joints import find_joints

    return (find or find_joints)(film, model=model, device=device)


def by_side(film: Radiograph) -> str:
    """Sorts the right hand before the left, and those before a film whose side is not known."""
    return {"R": "0", "L": "1"}.get(film.side or "", "2")


def split(film: Radiograph, found: FoundJoints, name: str = "") -> tuple[Radiograph, ...]:
    """The hands of one film, the right one first: each with its side, and what the side rests on.

    Two hands are cut apart where least lies between them. Where their joints come near each other both parts keep
    the joints whole, and so a strip of the film twice.

    Parameters
    ----------
    film : Radiograph
    found : FoundJoints
        On this film.
    name : str
        How a refusal calls the film; the film's own by default.

    Returns
    -------
    tuple of Radiograph
        The film itself with its side where there is one hand, and as it is where there is none. A part's ``origin``
        tells where it lies on the film.

    Raises
    ------
    InputError
        If the hands lie over one another.
    """
    if not found.sides:
        return (film,)
    if len(found.sides) == 1:
        return (replace(film, side=found.sides[0], side_source=found.side_source),)
    boxes = {side: np.array([joint.box for joint in found.of(side)]) for side in found.sides}
    for along in (1, 0):  # hands beside each other, or one above the other
        cuts = _cuts({side: box[..., along] for side, box in boxes.items()}, film.pixels, along, found.hand_px)
        if cuts:
            return tuple(
                replace(_part(film, along, *cuts[side]), side=side, side_source=found.side_source)
                for side in ("R", "L")
            )
    raise InputError(
        f"The two hands on {name or film.name or 'the radiograph'} lie over one another and cannot be told apart. "
        "Cut the image into one of each hand, or leave this film out.",
        "folder",
    )


def _cuts(
    boxes: dict[str, NDArray[np.float64]], pixels: NDArray[np.float32], along: int, hand_px: float
) -> dict[str, tuple[int, int]] | None:
    """From which to which row or column each hand's part goes; None where the joints' centres overlap."""
    centres = {side: box.mean(axis=1) for side, box in boxes.items()}
    first, last = sorted(boxes, key=lambda side: float(centres[side].mean()))
    if centres[first].max() >= centres[last].min():
        return None
    size = pixels.shape[along]
    low, high = float(boxes[first].max()), float(boxes[last].min())
    inner = sorted((centres[first].max(), centres[last].min()) if low >= high else (low, high))
    cut = _emptiest(pixels, along, *inner)
    margin = _MARGIN * hand_px if np.isfinite(hand_px) else 0.0
    # neither part may cut a joint's box, nor reach into the other hand's joints for the sake of its margin
    end = max(cut, min(low + margin, centres[last].min()), low)
    start = min(cut, max(high - margin, centres[first].max()), high)
    return {first: (0, min(int(np.ceil(end)), size)), last: (max(int(start), 0), size)}


def _emptiest(pixels: NDArray[np.float32], along: int, start: float, stop: float) -> float:
    """The row or column between two others where least lies in the beam; nearer the middle where all is air."""
    places = np.arange(max(int(np.ceil(start)), 0), min(int(stop), pixels.shape[along] - 1) + 1)
    if places.size < 2:
        return (start + stop) / 2
    profile = ndimage.gaussian_filter1d(pixels.mean(axis=1 - along), _SMOOTH * pixels.shape[along])[places]
    away = np.abs(places - (start + stop) / 2) / (stop - start)
    return float(places[np.argmin(profile + 0.1 * np.ptp(profile) * away)])


def _part(film: Radiograph, along: int, start: int, stop: int) -> Radiograph:
    where = (slice(None), slice(start, stop)) if along else (slice(start, stop), slice(None))
    row, col = film.origin
    origin = (row, col + start) if along else (row + start, col)
    return replace(film, pixels=film.pixels[where], origin=origin)


def _told(visit: int, film: Radiograph, hands: tuple[Radiograph, ...]) -> list[str]:
    """What was done with one film."""
    if len(hands) == 2:
        return [f"Visit {visit}: both hands on one film were told apart by {hands[0].side_source}."]
    words = side_label(hands[0].side)
    if film.side_source:  # it states both
        return [f"Visit {visit}: the film is said to show both hands, but only the {words} hand was found."]
    return [f"Visit {visit}: no side is stated; {words} by {hands[0].side_source}."]
