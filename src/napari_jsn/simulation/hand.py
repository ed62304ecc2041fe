"""Simulate radiographs of whole hands over several visits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.course import DiseaseCourse
from napari_jsn.simulation.exposure import radiograph_artefacts as artefacts
from napari_jsn.simulation.exposure.bone_projector import BoneProjector
from napari_jsn.simulation.exposure.detector import Detector, expose, store
from napari_jsn.simulation.joint_pair import check_narrowing
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.pose import RadiographTransform
from napari_jsn.simulation.simulated_radiograph import BoneMask, JointTruth, SimulatedRadiograph
from napari_jsn.simulation.truth import BonePoints, VisitGeometry, joint_truth
from napari_jsn.simulation.visit import Positioning, pose_hand, posed_rays

#: Sides on each radiograph of a visit, from left to right; the thumbs are in the middle if both hands are on one.
HANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "left": (("L",),),
    "right": (("R",),),
    "each": (("L",), ("R",)),
    "together": (("L", "R"),),
}
#: Day of every patient's baseline.
BASELINE = date(2020, 1, 15)
#: Spread of the positioning against the hand at rest, so that two visits differ as those of the development joints.
_SPREAD = 0.7
_MAX_YEARS, _MAX_PIXELS = 30, 12_000
#: Share of radiographs with a mirrored side marker.
_MIRRORED = 0.03
#: Share of radiographs with a ring on the proximal phalanx of ray 3 or 4.
_RINGED = 0.05


@dataclass(frozen=True)
class _HandSeries:
    """One hand of a patient with its course, its projector and the points of its bones."""

    patient: SimulatedPatient
    course: DiseaseCourse
    projector: BoneProjector
    bone_points: BonePoints


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
    skipped_visits: int = 0,
) -> Iterator[SimulatedRadiograph]:
    """Simulate radiographs of patients' hands.

    Parameters
    ----------
    patients, visits : int
    seed : int
        Draws everything; patients of the same seed do not depend on their number.
    hands : {"left", "right", "each", "together"}
        One radiograph of one hand at each visit, one of each hand, or one of both.
    shape : (int, int)
        Rows and columns of a radiograph.
    spacing_mm : float
        Pixel pitch of the detector.
    interval_days : int
        Days from one visit to the next.
    jsn_mm : float, optional
        Narrowing of every finger joint from the first visit to the last, in space; drawn by default.
    skipped_visits : int
        Visits, patient by patient, that are left out at the beginning; the others are the same as without it.

    Returns
    -------
    iterator of SimulatedRadiograph
        Simulated on demand: patient by patient, visit by visit, radiograph by radiograph.

    Raises
    ------
    InputError
        Before anything is simulated, if a number, the hands or the shape are out of range, a hand does not fit on the
        radiograph, or a narrowing is too large for a joint.

    Examples
    --------
    >>> from napari_jsn.simulation.hand import simulate
    >>> [one.visit for one in simulate(1, 2, seed=2, shape=(720, 540), spacing_mm=0.4)]
    [1, 2]
    """
    _check(patients, visits, seed, hands, shape, spacing_mm, interval_days)
    years = (visits - 1) * interval_days / 365.25
    if jsn_mm is not None:
        check_narrowing(jsn_mm)  # check all patients now, so that the simulation cannot fail at the last one
        for number in range(patients):
            for side in _sides(hands):
                _draw_series(_person(seed, number), side, years, jsn_mm)
    return _radiographs(patients, visits, seed, hands, shape, spacing_mm, interval_days, jsn_mm, skipped_visits)


def _radiographs(
    patients: int,
    visits: int,
    seed: int,
    hands: str,
    shape: tuple[int, int],
    spacing_mm: float,
    interval_days: int,
    jsn_mm: float | None,
    skipped_visits: int,
) -> Iterator[SimulatedRadiograph]:
    years = (visits - 1) * interval_days / 365.25
    for number in range(skipped_visits // visits, patients):
        person = _person(seed, number)
        series = {side: _draw_series(person, side, years, jsn_mm) for side in _sides(hands)}
        device = Detector.draw(_stream(person, "device"))
        baseline: dict[str, VisitGeometry] = {}
        for visit in range(visits):
            skipped = number * visits + visit < skipped_visits
            if skipped and visit:
                continue  # the others depend on the baseline only
            for index, sides in enumerate(HANDS[hands]):
                geometry_rng = _stream(person, "geometry", visit, index)
                pixels_rng = _stream(person, "pixels", visit, index)
                visit_device = device.vary(pixels_rng) if visit else device
                years_now = visit * interval_days / 365.25
                current = _position_hands(series, sides, years_now, visit_device, shape, spacing_mm, geometry_rng)
                baseline = {**current, **baseline}
                day = BASELINE + timedelta(days=visit * interval_days)
                patient_id = f"SIM{number + 1:04d}"
                if skipped:
                    continue
                yield _radiograph(patient_id, visit + 1, day, series, current, baseline, visit_device, pixels_rng)


def _position_hands(
    series: dict[str, _HandSeries],
    sides: tuple[str, ...],
    years: float,
    device: Detector,
    shape: tuple[int, int],
    spacing_mm: float,
    rng: np.random.Generator,
) -> dict[str, VisitGeometry]:
    """Position each hand in the middle of its part of the radiograph, with a small rotation and translation."""
    geometries = {}
    part = shape[1] * spacing_mm / len(sides)
    for number, side in enumerate(sides):
        hand = series[side]
        disease = hand.course.at(years)
        positioning = Positioning.draw(rng, _SPREAD)
        transform = RadiographTransform(float(rng.normal(0, 3.0)), (0.0, 0.0), device.magnification, side == "R")
        points = transform.points(_outline(hand.patient))
        low, high = points.min(0), points.max(0)
        height = shape[0] * spacing_mm
        free = np.array([part, height]) - (high - low)
        jitter = np.clip(rng.normal(0, 0.12, 2), -0.35, 0.35) * np.maximum(free, 0)
        middle = np.array([(number + 0.5) * part, height / 2])
        translation = middle - (low + high) / 2 + jitter
        transform = replace(transform, translation_mm=(float(translation[0]), float(translation[1])))
        posed = pose_hand(hand.patient, positioning, disease)
        geometries[side] = VisitGeometry(posed, positioning, disease, transform, shape, spacing_mm)
    return geometries


def _radiograph(
    patient_id: str,
    visit: int,
    day: date,
    series: dict[str, _HandSeries],
    current: dict[str, VisitGeometry],
    baseline: dict[str, VisitGeometry],
    device: Detector,
    rng: np.random.Generator,
) -> SimulatedRadiograph:
    total: NDArray[np.float32] | None = None
    masks: dict[tuple[str, str], BoneMask] = {}
    truths: list[JointTruth] = []
    for side, at in current.items():
        hand = series[side]
        attenuation, hand_masks = hand.projector.project(at.hand, at.disease, at.transform, at.shape, at.spacing_mm)
        points = hand.patient.skeleton.points
        rays = {ray: at.transform.points(line) for ray, line in posed_rays(hand.patient, at.hand).items()}
        wrist = {name: at.transform.points(points[name]) for name in _FOREARM}
        attenuation += hand.patient.soft_tissue.attenuation(rays, at.shape, at.spacing_mm, visit_rng=rng, wrist=wrist)
        if rng.random() < _RINGED:
            attenuation = _with_ring(attenuation, rays[int(rng.integers(3, 5))], at.spacing_mm)
        total = attenuation if total is None else total + attenuation
        masks |= {(side, bone): mask for bone, mask in hand_masks.items()}
        truths += [joint_truth(hand.bone_points, joint, side, baseline[side], at) for joint in anatomy.JOINTS]
    assert total is not None
    spacing_mm = next(iter(current.values())).spacing_mm
    mirrored = bool(rng.random() < _MIRRORED)
    total = artefacts.add_markers(total, spacing_mm, tuple(current), rng, mirrored)
    field = artefacts.draw_collimated_field(total, spacing_mm, rng)
    total = artefacts.collimate(total, spacing_mm, field)
    intensity = expose(total, spacing_mm, device, rng)
    if rng.random() < 0.5:
        intensity = artefacts.shutter(intensity, spacing_mm, field)
    return SimulatedRadiograph(
        patient_id,
        visit,
        day,
        tuple(current),
        store(intensity, device.bits, device.monochrome1),
        device.bits,
        device.monochrome1,
        spacing_mm,
        device.magnification,
        tuple(truths),
        masks,
    )


def _with_ring(attenuation: NDArray[np.float32], ray: NDArray[np.float64], spacing_mm: float) -> NDArray[np.float32]:
    _, mcp, pip, *_ = ray
    centre, along = 0.55 * mcp + 0.45 * pip, pip - mcp
    return artefacts.add_ring(attenuation, spacing_mm, tuple(centre), tuple(along))


_FOREARM = ("radius", "ulna", "radius_shaft", "ulna_shaft")


def _outline(patient: SimulatedPatient) -> NDArray[np.float64]:
    """Return the (n, 2) points of a hand that must lie on the radiograph."""
    points = patient.skeleton.points
    return np.array([points[name] for name in points if not name.endswith("_shaft")])


def _draw_series(person: np.random.SeedSequence, side: str, years: float, jsn_mm: float | None) -> _HandSeries:
    """Draw one hand and its course; the two hands of a patient share skeleton and widths at baseline."""
    patient = SimulatedPatient.draw(_stream(person, "patient"), hand_rng=_stream(person, "hand", "LR".index(side)))
    rng = _stream(person, "course", "LR".index(side))
    if jsn_mm is None:
        course = DiseaseCourse.draw(patient, rng, years)
    else:
        course = DiseaseCourse.with_narrowing(patient, rng, years, jsn_mm)
    return _HandSeries(patient, course, BoneProjector(patient, keep=False), BonePoints(patient))


#: Independent random streams: the truth does not depend on the pixels.
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
        raise InputError(f"There is no choice of hands {hands!r}. Choose one of: {', '.join(HANDS)}.", "hands")
    if not 0.05 <= spacing_mm <= 0.5:
        raise InputError(f"A detector pixel of {spacing_mm} mm cannot be simulated. Give 0.05 to 0.5 mm.", "spacing_mm")
    years = (visits - 1) * interval_days / 365.25
    if years > _MAX_YEARS:
        raise InputError(
            f"{visits} visits every {interval_days} days are {years:.0f} years. Give {_MAX_YEARS} years at most.",
            "interval_days",
        )
    height, width = (n * spacing_mm for n in shape)
    count = len(HANDS[hands][0])
    if max(shape) > _MAX_PIXELS:
        raise InputError(
            f"A radiograph of {shape[0]} x {shape[1]} pixels cannot be simulated. Give at most {_MAX_PIXELS} rows and "
            "columns.",
            "shape",
        )
    if height < 240 or width < 150 * count:
        raise InputError(
            f"A radiograph of {shape[0]} x {shape[1]} pixels of {spacing_mm} mm is {height:.0f} x {width:.0f} mm, "
            f"too small for {'both hands' if count == 2 else 'a hand'}. Give at least 240 x {150 * count} mm.",
            "shape",
        )
