"""Whole radiographs of simulated patients' hands, visit after visit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.course import Course
from napari_jsn.simulation.exposure import radiograph_artefacts as furniture
from napari_jsn.simulation.exposure.detector import Detector, expose, store
from napari_jsn.simulation.exposure.render import Bones, Placement
from napari_jsn.simulation.joint_pair import check_narrowing
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.simulated_radiograph import BoneMask, JointTruth, SimulatedRadiograph
from napari_jsn.simulation.truth import Substance, VisitGeometry, joint_truth
from napari_jsn.simulation.visit import Positioning, pose_hand, posed_rays

#: Which sides each film of a visit shows, from left to right; thumbs lie inside when both hands lie on one.
HANDS = {"left": (("L",),), "right": (("R",),), "each": (("L",), ("R",)), "together": (("L", "R"),)}
#: Day of every patient's baseline.
BASELINE = date(2020, 1, 15)
#: Every visit differs from the resting hand, so that two differ by as much as two films of the development joints do.
_SPREAD = 0.7
#: Longest course, and largest side of a film.
_MOST_YEARS, _MOST_PIXELS = 30, 12_000
#: Share of films whose letter lies upside down, and so is seen mirrored.
_MIRRORED = 0.03
#: Share of films on which a finger wears a ring, on the proximal phalanx of ray 3 or 4.
_RINGED = 0.05


@dataclass(frozen=True)
class _Hand:
    """One hand of a patient and its course."""

    patient: SimulatedPatient
    course: Course
    bones: Bones
    substance: Substance


def simulate(
    patients: int = 1,
    visits: int = 2,
    seed: int = 0,
    hands: str = "left",
    shape: tuple[int, int] = (2010, 1490),
    *,
    spacing_mm: float = 0.144,
    interval_days: int = 364,
    jsn_mm: float | None = None,
) -> Iterator[SimulatedRadiograph]:
    """Simulate radiographs of patients' hands.

    Parameters
    ----------
    patients, visits : int
    seed : int
        Draws everything; the same seed gives the same patients whatever their number.
    hands : {"left", "right", "each", "together"}
        One film a visit of one hand, a film of each hand, or one film of both.
    shape : (int, int)
        Rows and columns of a film.
    spacing_mm : float
        Pixel pitch of the detector.
    interval_days : int
        From one visit to the next.
    jsn_mm : float, optional
        Narrowing of every finger joint from the first visit to the last, in space; drawn by default.

    Returns
    -------
    iterator of SimulatedRadiograph
        Drawn as they are asked for: patient by patient, visit by visit, film by film.

    Raises
    ------
    InputError
        Before anything is drawn, if a number, the hands or the film are out of range, a hand does not fit on the film,
        or a joint would narrow beyond contact.
    """
    _check(patients, visits, seed, hands, shape, spacing_mm, interval_days)
    years = (visits - 1) * interval_days / 365.25
    if jsn_mm is not None:
        check_narrowing(jsn_mm)  # and refuse now what would be refused at patient 20
        for number in range(patients):
            for side in _sides(hands):
                _draw_hand(_person(seed, number), side, years, jsn_mm)
    return _films(patients, visits, seed, hands, shape, spacing_mm, interval_days, jsn_mm)


def _films(
    patients: int,
    visits: int,
    seed: int,
    hands: str,
    shape: tuple[int, int],
    spacing_mm: float,
    interval_days: int,
    jsn_mm: float | None,
) -> Iterator[SimulatedRadiograph]:
    years = (visits - 1) * interval_days / 365.25
    for number in range(patients):
        person = _person(seed, number)
        both = {side: _draw_hand(person, side, years, jsn_mm) for side in _sides(hands)}
        device = Detector.draw(_stream(person, "device"))
        baseline: dict[str, VisitGeometry] = {}
        for visit in range(visits):
            for index, sides in enumerate(HANDS[hands]):
                geometry_rng = _stream(person, "geometry", visit, index)
                pixels_rng = _stream(person, "pixels", visit, index)
                taken = device.vary(pixels_rng) if visit else device
                now = _lay_down(both, sides, visit * interval_days / 365.25, taken, shape, spacing_mm, geometry_rng)
                baseline = {**now, **baseline}
                day = BASELINE + timedelta(days=visit * interval_days)
                yield _film(f"SIM{number + 1:04d}", visit + 1, day, both, now, baseline, taken, pixels_rng)


def _lay_down(
    both: dict[str, _Hand],
    sides: tuple[str, ...],
    years: float,
    device: Detector,
    shape: tuple[int, int],
    spacing_mm: float,
    rng: np.random.Generator,
) -> dict[str, VisitGeometry]:
    """Lay the hands on the film, each in the middle of its part, a little turned."""
    found = {}
    part = shape[1] * spacing_mm / len(sides)
    for place, side in enumerate(sides):
        hand = both[side]
        disease = hand.course.at(years)
        positioning = Positioning.draw(rng, _SPREAD)
        placement = Placement(float(rng.normal(0, 3.0)), (0.0, 0.0), device.magnification, side == "R")
        points = placement.points(_outline(hand.patient))
        low, high = points.min(0), points.max(0)
        height = shape[0] * spacing_mm
        free = np.array([part, height]) - (high - low)
        jitter = np.clip(rng.normal(0, 0.12, 2), -0.35, 0.35) * np.maximum(free, 0)
        middle = np.array([(place + 0.5) * part, height / 2])
        # a film shows some of the forearm: the hand lies a little above the middle of what is free
        shift = middle - (low + high) / 2 + jitter
        placement = replace(placement, shift_mm=(float(shift[0]), float(shift[1])))
        posed = pose_hand(hand.patient, positioning, disease)
        found[side] = VisitGeometry(posed, positioning, disease, placement, shape, spacing_mm)
    return found


def _film(
    patient: str,
    visit: int,
    day: date,
    both: dict[str, _Hand],
    now: dict[str, VisitGeometry],
    baseline: dict[str, VisitGeometry],
    device: Detector,
    rng: np.random.Generator,
) -> SimulatedRadiograph:
    attenuation: NDArray[np.float32] | None = None
    masks: dict[tuple[str, str], BoneMask] = {}
    truths: list[JointTruth] = []
    for side, at in now.items():
        hand = both[side]
        shadow, seen = hand.bones.cast(at.hand, at.disease, at.placement, at.shape, at.spacing_mm)
        points = hand.patient.skeleton.points
        rays = {ray: at.placement.points(line) for ray, line in posed_rays(hand.patient, at.hand).items()}
        wrist = {name: at.placement.points(points[name]) for name in _FOREARM}
        shadow += hand.patient.tissue.attenuation(rays, at.shape, at.spacing_mm, visit_rng=rng, wrist=wrist)
        if rng.random() < _RINGED:
            shadow = _with_ring(shadow, rays[int(rng.integers(3, 5))], at.spacing_mm)
        attenuation = shadow if attenuation is None else attenuation + shadow
        masks |= {(side, bone): mask for bone, mask in seen.items()}
        truths += [joint_truth(hand.substance, joint, side, baseline[side], at) for joint in anatomy.JOINTS]
    assert attenuation is not None
    spacing = next(iter(now.values())).spacing_mm
    misplaced = bool(rng.random() < _MIRRORED)
    attenuation = furniture.add_markers(attenuation, spacing, tuple(now), rng, misplaced)
    field = furniture.draw_field(attenuation, spacing, rng)
    attenuation = furniture.collimate(attenuation, spacing, field)
    grey = expose(attenuation, spacing, device, rng)
    if rng.random() < 0.5:
        grey = furniture.shutter(grey, spacing, field)
    return SimulatedRadiograph(
        patient,
        visit,
        day,
        tuple(now),
        store(grey, device.bits, device.monochrome1),
        device.bits,
        device.monochrome1,
        spacing,
        device.magnification,
        tuple(truths),
        masks,
    )


def _with_ring(attenuation: NDArray[np.float32], ray: NDArray[np.float64], spacing_mm: float) -> NDArray[np.float32]:
    _, mcp, pip, *_ = ray
    centre, along = 0.55 * mcp + 0.45 * pip, pip - mcp
    return furniture.add_ring(attenuation, spacing_mm, tuple(centre), tuple(along))


_FOREARM = ("radius", "ulna", "radius_shaft", "ulna_shaft")


def _outline(patient: SimulatedPatient) -> NDArray[np.float64]:
    """(n, 2) points of a hand that a film must show."""
    points = patient.skeleton.points
    return np.array([points[name] for name in points if not name.endswith("_shaft")])


def _draw_hand(person: np.random.SeedSequence, side: str, years: float, jsn_mm: float | None) -> _Hand:
    """Both hands of a patient share skeleton and health; substance and rest are each hand's own."""
    patient = SimulatedPatient.draw(_stream(person, "patient"), hand_rng=_stream(person, "hand", "LR".index(side)))
    rng = _stream(person, "course", "LR".index(side))
    course = Course.draw(patient, rng, years) if jsn_mm is None else Course.fixed(patient, rng, years, jsn_mm)
    return _Hand(patient, course, Bones(patient, keep=False), Substance(patient))


#: What is drawn independently of all else, so that the truth does not depend on how pixels are drawn.
_STREAMS = ("patient", "hand", "course", "device", "geometry", "pixels")


def _person(seed: int, number: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([int(seed), 3, number])


def _stream(person: np.random.SeedSequence, name: str, *which: int) -> np.random.Generator:
    key = (*person.spawn_key, _STREAMS.index(name), *which)
    return np.random.default_rng(np.random.SeedSequence(person.entropy, spawn_key=key))


def _sides(hands: str) -> list[str]:
    return sorted({side for sides in HANDS[hands] for side in sides})


def _check(
    patients: int, visits: int, seed: int, hands: str, shape: tuple[int, int], spacing_mm: float, interval_days: int
) -> None:
    for name, value, least in (("patients", patients, 1), ("visits", visits, 1), ("interval_days", interval_days, 1)):
        if value != int(value) or value < least:
            raise InputError(f"The number of {name.replace('_', ' ')} is {value}; give at least {least}.", name)
    if seed < 0:
        raise InputError(f"The seed is {seed}; give 0 or more.", "seed")
    if hands not in HANDS:
        raise InputError(f"There is no {hands!r}. Choose one of: {', '.join(HANDS)}.", "hands")
    if not 0.05 <= spacing_mm <= 0.5:
        raise InputError(f"A detector pixel of {spacing_mm} mm is not simulated. Give 0.05 to 0.5 mm.", "spacing_mm")
    years = (visits - 1) * interval_days / 365.25
    if years > _MOST_YEARS:
        raise InputError(
            f"{visits} visits every {interval_days} days are {years:.0f} years. Give {_MOST_YEARS} at most.",
            "interval_days",
        )
    height, width = (n * spacing_mm for n in shape)
    count = len(HANDS[hands][0])
    if max(shape) > _MOST_PIXELS:
        raise InputError(
            f"A film of {shape[0]} x {shape[1]} pixels is not simulated. Give {_MOST_PIXELS} a side at most.", "shape"
        )
    if height < 240 or width < 150 * count:
        raise InputError(
            f"A film of {shape[0]} x {shape[1]} pixels of {spacing_mm} mm is {height:.0f} x {width:.0f} mm, too small "
            f"for {'both hands' if count == 2 else 'a hand'}. Give at least 240 x {150 * count} mm.",
            "shape",
        )
