"""Simulate radiographs of whole hands over several visits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.simulation.course import DiseaseCourse
from napari_jsn.simulation.damage import effects
from napari_jsn.simulation.damage.difficulty import NEWEST
from napari_jsn.simulation.damage.hand_damage import HandDamage, Sampled, checked_sampling, draw_hand
from napari_jsn.simulation.damage.truth import visible_truth
from napari_jsn.simulation.exposure import radiograph_artefacts as artefacts
from napari_jsn.simulation.exposure.bone_projector import BoneProjector
from napari_jsn.simulation.exposure.detector import Detector, expose, store
from napari_jsn.simulation.hand_settings import HANDS, check_hands
from napari_jsn.simulation.joint_pair import check_narrowing
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.random_streams import random_stream
from napari_jsn.simulation.shapes.pose import RadiographTransform
from napari_jsn.simulation.simulated_radiograph import BoneMask, ErosionMask, JointTruth, SimulatedRadiograph
from napari_jsn.simulation.truth import BonePoints, VisitGeometry, joint_truth
from napari_jsn.simulation.visit import PoseFactors, Positioning, pose_hand, posed_rays

#: Day of every patient's baseline.
BASELINE = date(2020, 1, 15)
#: Spread of the positioning against the hand at rest, so that two visits differ as those of the development joints.
_SPREAD = 0.7
#: Share of radiographs with a mirrored side marker.
_MIRRORED = 0.03
#: Share of radiographs with a ring on the proximal phalanx of ray 3 or 4.
_RINGED = 0.05


@dataclass(frozen=True)
class _HandSeries:
    """One hand of a patient with its course, its projector and the points of its bones."""

    patient: SimulatedPatient
    course: DiseaseCourse | HandDamage
    projector: BoneProjector
    bone_points: BonePoints

    @property
    def damage(self) -> HandDamage | None:
        """The drawn damage, if any."""
        return self.course if isinstance(self.course, HandDamage) else None


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
    grades: str | None = None,
    difficulty: int = NEWEST,
    ages: tuple[float, float] | None = None,
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
    grades : {"uniform", "natural"}, optional
        Draw damage of all grades: every grade equally often, or as among patients. By default joints narrow and erode a
        little, as in :class:`~napari_jsn.simulation.course.DiseaseCourse`.
    difficulty : int
        With ``grades``: the version of :mod:`napari_jsn.simulation.damage.difficulty`. The patients of a seed have the
        same skeleton, bones and grades in every version.
    ages : (float, float), optional
        With ``grades``: range of the ages in years, from 7 to 90, drawn evenly; by default those of adults with
        rheumatoid arthritis. The bones of people under 18 have growth plates; they do not grow between visits.

    Returns
    -------
    iterator of SimulatedRadiograph
        Simulated on demand: patient by patient, visit by visit, radiograph by radiograph.

    Raises
    ------
    InputError
        Before anything is simulated, if a number, the hands, the shape or the ages are out of range, there is no such
        sampling or version, options contradict each other, a hand does not fit on the radiograph, or a narrowing is
        too large for a joint.

    Examples
    --------
    >>> from napari_jsn.simulation.hand import simulate
    >>> [one.visit for one in simulate(1, 2, seed=2, shape=(720, 540), spacing_mm=0.4)]
    [1, 2]
    """
    check_hands(patients, visits, seed, hands, shape, spacing_mm, interval_days)
    drawn = checked_sampling(grades, difficulty, jsn_mm, ages)
    years = (visits - 1) * interval_days / 365.25
    if jsn_mm is not None:
        check_narrowing(jsn_mm)  # check all patients now, so that the simulation cannot fail at the last one
        for number in range(patients):
            for side in _sides(hands):
                _draw_series(_person(seed, number), side, years, jsn_mm, None)
    return _radiographs(patients, visits, seed, hands, shape, spacing_mm, interval_days, jsn_mm, skipped_visits, drawn)


def graded_truths(
    patients: int,
    seed: int = 0,
    grades: str = "uniform",
    difficulty: int = NEWEST,
    visit: int = 0,
    spacing_mm: float = 0.144,
) -> Iterator[tuple[tuple[JointTruth, ...], str, float]]:
    """Return the truths of the left hands that :func:`simulate` draws with grades, with sex and age, without pixels.

    Parameters
    ----------
    patients, seed, grades, difficulty, spacing_mm
        As in :func:`simulate`, one year between visits.
    visit : int
        0 is the baseline.
    """
    drawn = checked_sampling(grades, difficulty, None)
    assert drawn is not None
    shape = (round(289.44 / spacing_mm), round(214.56 / spacing_mm))
    for number in range(patients):
        person = _person(seed, number)
        series = {"L": _draw_series(person, "L", float(visit), None, drawn)}
        device = drawn.difficulty.device(Detector.draw(random_stream(person, "device")))
        first, at = (
            _position_hands(
                series, ("L",), float(k), device, shape, spacing_mm, random_stream(person, "geometry", k, 0), drawn
            )["L"]
            for k in (0, visit)
        )
        hand = series["L"]
        assert hand.damage is not None
        baseline = first if visit else at
        truths = [joint_truth(hand.bone_points, joint, "L", baseline, at) for joint in anatomy.JOINTS]
        yield tuple(visible_truth(hand.damage, at, "L", truths, drawn.difficulty)[0]), *_person_of(series)


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
    drawn: Sampled | None,
) -> Iterator[SimulatedRadiograph]:
    years = (visits - 1) * interval_days / 365.25
    for number in range(skipped_visits // visits, patients):
        person = _person(seed, number)
        series = {side: _draw_series(person, side, years, jsn_mm, drawn) for side in _sides(hands)}
        device = Detector.draw(random_stream(person, "device"))
        if drawn:
            device = drawn.difficulty.device(device)
        baseline: dict[str, VisitGeometry] = {}
        for visit in range(visits):
            skipped = number * visits + visit < skipped_visits
            if skipped and visit:
                continue  # the others depend on the baseline only
            for index, sides in enumerate(HANDS[hands]):
                geometry_rng = random_stream(person, "geometry", visit, index)
                pixels_rng = random_stream(person, "pixels", visit, index)
                visit_device = device.vary(pixels_rng) if visit else device
                years_now = visit * interval_days / 365.25
                current = _position_hands(
                    series, sides, years_now, visit_device, shape, spacing_mm, geometry_rng, drawn
                )
                baseline = {**current, **baseline}
                day = BASELINE + timedelta(days=visit * interval_days)
                patient_id = f"SIM{number + 1:04d}"
                if skipped:
                    continue
                yield _radiograph(
                    patient_id, visit + 1, day, series, current, baseline, visit_device, pixels_rng, drawn
                )


def _position_hands(
    series: dict[str, _HandSeries],
    sides: tuple[str, ...],
    years: float,
    device: Detector,
    shape: tuple[int, int],
    spacing_mm: float,
    rng: np.random.Generator,
    drawn: Sampled | None,
) -> dict[str, VisitGeometry]:
    """Position each hand in the middle of its part of the radiograph, with a small rotation and translation."""
    geometries = {}
    part = shape[1] * spacing_mm / len(sides)
    for number, side in enumerate(sides):
        hand = series[side]
        disease = hand.course.at(years)
        positioning = Positioning.draw(rng, _SPREAD, drawn.difficulty.pose if drawn else PoseFactors())
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
    drawn: Sampled | None,
) -> SimulatedRadiograph:
    total: NDArray[np.float32] | None = None
    masks: dict[tuple[str, str], BoneMask] = {}
    truths: list[JointTruth] = []
    erosions: list[ErosionMask] = []
    for side, at in current.items():
        hand, damage = series[side], series[side].damage
        hidden = damage.hidden if damage else frozenset()
        attenuation, hand_masks = hand.projector.project(
            at.hand, at.disease, at.transform, at.shape, at.spacing_mm, hidden
        )
        points = hand.patient.skeleton.points
        rays = {ray: at.transform.points(line) for ray, line in posed_rays(hand.patient, at.hand).items()}
        wrist = {name: at.transform.points(points[name]) for name in _FOREARM}
        if damage:
            effects.add_bridges(attenuation, damage, at.hand, at.transform, at.spacing_mm)
            rays = effects.amputated(rays, damage)
        soft = hand.patient.soft_tissue.attenuation(rays, at.shape, at.spacing_mm, visit_rng=rng, wrist=wrist)
        if damage:
            effects.add_swelling(soft, damage, at.hand, at.transform, at.spacing_mm)
        attenuation += soft
        if damage:
            effects.add_implants(attenuation, damage, at.hand, at.transform, at.spacing_mm)
        if rng.random() < _RINGED:
            attenuation = _with_ring(attenuation, rays[int(rng.integers(3, 5))], at.spacing_mm)
        total = attenuation if total is None else total + attenuation
        masks |= {(side, bone): mask for bone, mask in hand_masks.items()}
        of_hand = [joint_truth(hand.bone_points, joint, side, baseline[side], at) for joint in anatomy.JOINTS]
        if damage and drawn:
            of_hand, found = visible_truth(damage, at, side, of_hand, drawn.difficulty)
            erosions += found
        truths += of_hand
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
        tuple(erosions),
        *_person_of(series),
    )


def _person_of(series: dict[str, _HandSeries]) -> tuple[str, float]:
    """Return sex and age of a patient with drawn damage."""
    damage = next(iter(series.values())).damage
    return (damage.healthy.sex, damage.age) if damage else ("", float("nan"))


def _with_ring(attenuation: NDArray[np.float32], ray: NDArray[np.float64], spacing_mm: float) -> NDArray[np.float32]:
    _, mcp, pip, *_ = ray
    centre, along = 0.55 * mcp + 0.45 * pip, pip - mcp
    return artefacts.add_ring(attenuation, spacing_mm, tuple(centre), tuple(along))


_FOREARM = ("radius", "ulna", "radius_shaft", "ulna_shaft")


def _outline(patient: SimulatedPatient) -> NDArray[np.float64]:
    """Return the (n, 2) points of a hand that must lie on the radiograph."""
    points = patient.skeleton.points
    return np.array([points[name] for name in points if not name.endswith("_shaft")])


def _draw_series(
    person: np.random.SeedSequence, side: str, years: float, jsn_mm: float | None, drawn: Sampled | None
) -> _HandSeries:
    """Draw one hand and its course; the two hands of a patient share skeleton and widths at baseline."""
    if drawn:
        damage = draw_hand(
            drawn.sampling, drawn.difficulty, "LR".index(side), partial(random_stream, person), drawn.ages
        )
        projector = BoneProjector(damage.patient, keep=False)
        return _HandSeries(damage.patient, damage, projector, BonePoints(damage.patient))
    patient = SimulatedPatient.draw(
        random_stream(person, "patient"), hand_rng=random_stream(person, "hand", "LR".index(side))
    )
    rng = random_stream(person, "course", "LR".index(side))
    if jsn_mm is None:
        course = DiseaseCourse.draw(patient, rng, years)
    else:
        course = DiseaseCourse.with_narrowing(patient, rng, years, jsn_mm)
    return _HandSeries(patient, course, BoneProjector(patient, keep=False), BonePoints(patient))


def _person(seed: int, number: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([int(seed), 3, number])


def _sides(hands: str) -> list[str]:
    return sorted({side for sides in HANDS[hands] for side in sides})
