"""What would make a comparison of visits wrong, told in words before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.patient.hand_size import check_hand_sizes
from napari_jsn.patient.labels import radiograph_label, side_label
from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.patient.view_position import is_oblique, is_palm_up
from napari_jsn.radiograph import Radiograph

if TYPE_CHECKING:
    from napari_jsn.localization.found_joints import FoundJoints

_OTHER_SIDE = {"L": "R", "R": "L"}


def check_films(study: Patient) -> list[str]:
    """Check what files and tags tell, before any hand is looked for.

    Refused: two radiographs of one hand in a visit; lateral and oblique views; visits out of order; visits that share
    no hand; one image for two hands; pixel spacing that only some radiographs state.

    Parameters
    ----------
    study : Patient
        Split: one hand a radiograph.

    Returns
    -------
    list of str
        What a reader of the figures should know: visits on one day, the same image twice, hands that are not followed,
        unknown pixel spacing, and spacing of different kinds.

    Raises
    ------
    InputError
        It names visits and sides, and says what to do.
    """
    for visit in study.visits:
        _check_one_film_a_hand(visit)
    for visit, film in _films(study):
        if is_oblique(film):
            raise InputError(
                f"{radiograph_label(visit.number, film.side).capitalize()} is a lateral or oblique view ({film.view}), "
                "on which joint spaces cannot be measured. Give the posteroanterior view.",
                "followup",
            )
    return [*_in_order(study), *_common_hands(study), *_spacing(study), *_same_images(study)]


def check_study(study: Patient, found: Mapping[tuple[int, str | None], FoundJoints]) -> list[str]:
    """Check all of :func:`check_films`, and that the hands which were found can be compared.

    Refused besides: a radiograph that shows no hand, a follow-up that shows the other hand (or is mirrored), hands that
    are no hand's size by their pixel spacing, and hands whose size differs between visits.

    Parameters
    ----------
    study : Patient
        Split: one hand a radiograph.
    found : mapping of (visit, side) to FoundJoints
        The joints on every radiograph; those whose joints were set by hand may be left out.

    Returns
    -------
    list of str
        As :func:`check_films`, and what is doubtful about the hands.

    Raises
    ------
    InputError
        It names visits and sides, and says what to do.
    """
    notes = check_films(study)
    for visit, film in _films(study):
        name, joints = radiograph_label(visit.number, film.side), found.get((visit.number, film.side))
        if joints is None:
            continue
        _check_is_hand(name, film, joints)
        notes += [f"{name.capitalize()}: {reason}" for reason in joints.reasons]
        if len(joints.sides) == 2 and film.side_source != joints.side_source:
            notes.append(f"{name.capitalize()}: the file states one hand, but both are seen; that one is measured.")
        if is_palm_up(film) and film.side_source.startswith("anatomy"):
            notes.append(
                f"{name.capitalize()}: the file states an anteroposterior view, on which left and right look "
                "exchanged; its side was told as on a posteroanterior one."
            )
    return [*notes, *_same_hand(study, found), *check_hand_sizes(study, found)]


def _films(study: Patient) -> Iterator[tuple[Visit, Radiograph]]:
    for visit in study.visits:
        for film in visit.radiographs:
            yield visit, film


def _check_one_film_a_hand(visit: Visit) -> None:
    for one, other in combinations(visit.radiographs, 2):
        if one.side == other.side:
            files = [str(film.path) for film in (one, other) if film.path is not None]
            which = f" ({' and '.join(files)})" if len(files) == 2 else ""
            when = f" ({visit.day})" if visit.day else ""
            hand = f"of the {side_label(one.side)} hand" if one.side else "without a known side"
            raise InputError(
                f"Visit {visit.number}{when} has two radiographs {hand}{which}. Leave out the one that is not to be "
                "measured; if they are two visits, name them after the visits (v01, v02).",
                "followup",
            )


def _in_order(study: Patient) -> Iterator[str]:
    dated = [visit for visit in study.visits if visit.day is not None]
    for one, other in pairwise(dated):
        if one.day > other.day:  # type: ignore[operator]
            raise InputError(
                f"The visits are out of order: visit {other.number} ({other.day}) was taken before visit {one.number} "
                f"({one.day}). Give the baseline first.",
                "followup",
            )
        if one.day == other.day:
            yield f"Visits {one.number} and {other.number} were taken on the same day ({one.day})."


def _common_hands(study: Patient) -> Iterator[str]:
    baseline, *followups = study.visits
    first = _sides(baseline)
    for visit in followups:
        now = _sides(visit)
        if not first & now and None not in first | now:
            raise InputError(
                f"Visit {baseline.number} shows the {_listed(first)} hand and visit {visit.number} the {_listed(now)}: "
                "nothing can be compared. Give radiographs of the same hand; if a side is stated wrongly, correct it.",
                "followup",
            )
        for side in sorted(filter(None, first ^ now), reverse=True):
            absent = baseline if side in now else visit
            yield f"Visit {absent.number} does not show the {side_label(side)} hand."


def _sides(visit: Visit) -> set[str | None]:
    return {film.side for film in visit.radiographs}


def _listed(sides: set[str | None]) -> str:
    return " and ".join(side_label(side) for side in sorted(filter(None, sides), reverse=True))


def _spacing(study: Patient) -> Iterator[str]:
    films = {radiograph_label(visit.number, film.side): film for visit, film in _films(study)}
    unknown = [name for name, film in films.items() if film.spacing_mm is None]
    if len(unknown) == len(films):
        yield "No pixel spacing is known: lengths are in pixels, not in mm."
        return
    if unknown:
        known = next(name for name in films if name not in unknown)
        raise InputError(
            f"{unknown[0].capitalize()} does not state its pixel spacing, but {known} does. Give spacing_mm, or state "
            "it for each file in radiographs.csv.",
            "spacing_mm",
        )
    kinds: dict[str, str] = {}
    for name, film in films.items():
        kinds.setdefault(film.spacing_source, name)
    if len(kinds) > 1:
        told = ", ".join(f"{kind} ({name})" for kind, name in kinds.items())
        yield f"Pixel spacings are of different kinds, so that sizes may differ by some per cent: {told}."


def _same_images(study: Patient) -> Iterator[str]:
    for (one, film), (other, later) in combinations(_films(study), 2):
        if film.origin != later.origin or not np.array_equal(film.pixels, later.pixels):
            continue
        names = (
            f"{radiograph_label(one.number, film.side).capitalize()} and {radiograph_label(other.number, later.side)}"
        )
        if film.side != later.side:
            raise InputError(
                f"{names} are the same image, which cannot show two hands. Give the radiograph of each.", "followup"
            )
        yield f"{names} are the same image."


def _check_is_hand(name: str, film: Radiograph, joints: FoundJoints) -> None:
    if joints:
        return
    why = " ".join(joints.reasons) or "No finger joint was found on it."
    file = f" ({film.path})" if film.path is not None else ""
    raise InputError(
        f"{name.capitalize()}{file} shows no hand that can be measured. {why} Give a posteroanterior radiograph of a "
        "whole hand.",
        "followup",
    )


def _same_hand(study: Patient, found: Mapping[tuple[int, str | None], FoundJoints]) -> Iterator[str]:
    """A hand that looks like the other one: at some visits the wrong hand, at all of them a wrong or a mirrored tag."""
    for side in sorted({film.side for _, film in _films(study) if film.side}, reverse=True):
        looks = {visit: joints.contradicts for (visit, of), joints in sorted(found.items(), key=_visit) if of == side}
        if not any(looks.values()):
            continue
        words, other = side_label(side), side_label(_OTHER_SIDE[side])
        if not all(looks.values()):
            which = ", ".join(str(visit) for visit, contradicts in looks.items() if contradicts)
            raise InputError(
                f"Visit {which} looks like the {other} hand, but is said to be the {words} one as at the other visits: "
                "another hand, or a mirrored image. Give radiographs of the same hand, mirrored alike.",
                "followup",
            )
        yield (
            f"The hand said to be the {words} one looks like the {other}: the side is stated wrongly, the palm "
            "faces up, or the images are mirrored."
        )


def _visit(item: tuple[tuple[int, str | None], FoundJoints]) -> int:
    return item[0][0]
