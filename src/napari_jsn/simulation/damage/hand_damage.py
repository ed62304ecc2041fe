"""The damage of one hand: the patient's healthy and damaged anatomy, and the course over the visits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from napari_jsn import anatomy
from napari_jsn.anatomy.normal_widths import SD_MM, normal_width, normal_widths
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.damage.difficulty import FIRST, Difficulty
from napari_jsn.simulation.damage.difficulty import difficulty as difficulty_of
from napari_jsn.simulation.damage.joint_damage import (
    Narrowing,
    draw_cyst,
    draw_erosions,
    draw_narrowing,
    draw_osteophytes,
)
from napari_jsn.simulation.damage.notch import share_in_space
from napari_jsn.simulation.damage.sampler import DrawnGrades, check_sampling, draw_grades
from napari_jsn.simulation.damage.visible import joint_margins
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.shapes.growth import ADULT_AGE, Growth
from napari_jsn.simulation.shapes.joint_grades import COLLAPSE
from napari_jsn.simulation.shapes.joint_space import Sex, draw_widths
from napari_jsn.simulation.visit import Disease, Positioning, pose_hand

#: Age of patients with rheumatoid arthritis in years: mean, standard deviation, limits.
_AGE = (56.0, 13.0, 20.0, 85.0)
#: Ages that can be simulated.
_AGE_LIMITS = (7.0, 90.0)
#: Share of the variance of the widths that all joints of a person have in common; limit in standard deviations.
_SHARED, _CLIP = 0.64, 2.0
#: Narrowest healthy joint space, as a share of the mean of joint, age and sex.
_LEAST = 0.5
#: Loss of mineral at the worst grade of a hand: of all bone, and near the joints.
_LOSS, _PERIARTICULAR_LOSS = 0.10, 0.45
#: Per year of a joint that progresses: loss of the healthy width as a share, growth of erosions as a share.
_NARROWS, _GROWS = 0.12, 0.10
#: Largest growth of erosions as a share, and farthest that the bones of a joint move together, where bones stay apart
#: after baseline and where they close up: larger erosions would leave a gap that nothing closes.
_MOST_GROWN, _MOST_CLOSED_MM = (np.inf, 1.0), (6.0, 12.0)
_REMODELLED = 0.12


@dataclass(frozen=True)
class HandDamage:
    """The damage of one hand, and its course.

    Attributes
    ----------
    healthy : SimulatedPatient
        Before the disease.
    patient : SimulatedPatient
        With the shapes and widths at baseline.
    age : float
    narrowings : mapping of joint to Narrowing
    erosions : tuple of (joint, bone, Erosion)
        At baseline, cysts included.
    osteophytes : mapping of bone to tuple of Erosion
    implants, swollen : frozenset of joint
    hidden : frozenset of bone
        Bones that are missing.
    progresses : frozenset of joint
    density, periarticular : float
        Factors of mineral at baseline.
    closes : bool
        Whether bones also move together where a joint surface is lost after baseline, or by several erosions of one
        bone or of both.
    """

    healthy: SimulatedPatient = field(repr=False)
    patient: SimulatedPatient = field(repr=False)
    age: float
    narrowings: Mapping[str, Narrowing] = field(repr=False)
    erosions: tuple[tuple[str, str, Erosion], ...] = field(repr=False)
    osteophytes: Mapping[str, tuple[Erosion, ...]] = field(default_factory=dict, repr=False)
    implants: frozenset[str] = frozenset()
    swollen: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    progresses: frozenset[str] = frozenset()
    density: float = 1.0
    periarticular: float = 1.0
    closes: bool = False

    def at(self, years: float) -> Disease:
        """Return the disease after this number of years."""
        healthy = self.healthy.healthy_jsw_mm
        by_bone: dict[str, list[Erosion]] = {}
        for _, bone, erosion in self._erosions_at(years):
            by_bone.setdefault(bone, []).append(erosion)
        closed: dict[str, float] = {}
        if self.closes and years:
            closed = {
                joint: mm - (self.narrowings[joint].left * healthy[joint] - self.patient.jsw_mm[joint])
                for joint, mm in self.closed_up_mm(years).items()
            }
        return Disease(
            narrowing_mm={joint: self._lost_at(joint, years) * healthy[joint] for joint in self.progresses},
            closed_mm=closed,
            erosions={bone: tuple(erosions) for bone, erosions in by_bone.items()},
            density=self.density,
            periarticular=self.periarticular,
            remodelled=float(min(_REMODELLED * np.sqrt(years), 0.9)),
            osteophytes=self.osteophytes,
            displaced_mm={joint: one.displaced_mm for joint, one in self.narrowings.items() if any(one.displaced_mm)},
            deviation_deg={joint: one.deviation_deg for joint, one in self.narrowings.items() if one.deviation_deg},
        )

    def closed_up_mm(self, years: float) -> dict[str, float]:
        """Return how far the bones of each collapsed joint have moved together, until the visible gap has its width."""
        erosions = self._erosions_at(years)
        shapes, healthy = self.healthy.shapes, self.healthy.healthy_jsw_mm
        # later versions decide below by the margins, which erosions of both bones remove together
        least = 0.0 if self.closes else COLLAPSE
        eroded = {joint for joint, bone, one in erosions if one.counted and share_in_space(shapes[bone], one) >= least}
        if not eroded:
            return {}
        left = {joint: one.left - self._lost_at(joint, years) for joint, one in self.narrowings.items()}
        widths = {joint: left[joint] * width for joint, width in healthy.items()}
        posed = pose_hand(replace(self.patient, jsw_mm=widths), Positioning(), Disease())
        sound = pose_hand(self.healthy, Positioning(), Disease())
        by_bone = {bone: [one for _, of, one in erosions if of == bone] for bone in shapes}
        closed = {}
        for joint in eroded:
            visible = joint_margins(self.patient.shapes, posed, joint, by_bone)
            intact = joint_margins(shapes, sound, joint).width_mm
            if np.isfinite(visible.width_mm) and not (self.closes and visible.surface_is_left):
                moved = visible.width_mm - left[joint] * intact
                closed[joint] = float(np.clip(moved, 0.0, _MOST_CLOSED_MM[self.closes]))
        return closed

    def _erosions_at(self, years: float) -> list[tuple[str, str, Erosion]]:
        """Return (joint, bone, erosion) after this number of years, cysts included."""
        factors = dict.fromkeys(self.progresses, 1 + min(_GROWS * years, _MOST_GROWN[self.closes]))
        return [(joint, bone, one.grown(factors.get(joint, 1.0))) for joint, bone, one in self.erosions]

    def _lost_at(self, joint: str, years: float) -> float:
        """Return the share of the healthy width that is lost since baseline."""
        if joint not in self.progresses:
            return 0.0
        return min(_NARROWS * years, max(self.narrowings[joint].left - 0.03, 0.0))

    def left_at(self, joint: str, disease: Disease) -> float:
        """Return the share of the healthy width that is left in space."""
        lost = disease.narrowing_mm.get(joint, 0.0) / self.healthy.healthy_jsw_mm[joint]
        return self.narrowings[joint].left - lost

    def population_width_mm(self, joint: str) -> float:
        """Return the mean width of healthy people of this age and sex, in mm."""
        return normal_width(joint, self.healthy.sex, self.age)


@dataclass(frozen=True)
class Sampled:
    """How the damage of a run is drawn: sampling of the grades, difficulty, and range of ages (see draw_age)."""

    sampling: str
    difficulty: Difficulty
    ages: tuple[float, float] | None = None


def checked_sampling(
    grades: str | None, version: int, jsn_mm: float | None, ages: tuple[float, float] | None = None
) -> Sampled | None:
    """Return how damage is drawn; None if no grades are asked for.

    Raises
    ------
    InputError
        If there is no such sampling or version, a narrowing is stated as well, or ages are out of range or stated
        without a sampling.
    """
    if ages is not None:
        first, last = ages
        if grades is None:
            raise InputError("Ages are given without grades. Give the grades as well.", "ages")
        if not _AGE_LIMITS[0] <= first <= last <= _AGE_LIMITS[1]:
            raise InputError(
                f"Ages from {first:g} to {last:g} years cannot be simulated. Give two ages from {_AGE_LIMITS[0]:g} to "
                f"{_AGE_LIMITS[1]:g} years, the lower one first.",
                "ages",
            )
    if grades is None:
        return None
    check_sampling(grades)
    if jsn_mm is not None:
        raise InputError("The narrowing is stated, and grades are drawn as well. Give one of the two.", "jsn_mm")
    return Sampled(grades, difficulty_of(version), ages)


def draw_age(rng: np.random.Generator, ages: tuple[float, float] | None = None) -> float:
    """Draw the age of a patient in years: evenly from a range, by default that of adults with rheumatoid arthritis."""
    if ages is not None:
        return float(rng.uniform(*ages))
    mean, sd, low, high = _AGE
    return float(np.clip(rng.normal(mean, sd), low, high))


def draw_normal_widths(rng: np.random.Generator, sex: Sex, age: float) -> dict[str, float]:
    """Draw the healthy widths of one hand from the means and the standard deviation of the norms, in mm."""
    drawn = np.clip(rng.standard_normal(1 + len(anatomy.JOINTS)), -_CLIP, _CLIP)
    standard = np.sqrt(_SHARED) * drawn[0] + np.sqrt(1 - _SHARED) * drawn[1:]
    means = normal_widths(sex, age)
    return {j: max(means[j] + SD_MM * float(s), _LEAST * means[j]) for j, s in zip(anatomy.JOINTS, standard)}


def draw_damage(
    healthy: SimulatedPatient, age: float, drawn: DrawnGrades, difficulty: Difficulty, rng: np.random.Generator
) -> HandDamage:
    """Draw the damage of one hand that has the drawn grades."""
    streams = dict(zip(("jsn", "erosion", "artefact", "course"), rng.spawn(4), strict=True))
    narrowings, erosions = {}, []
    for joint in anatomy.JOINTS:
        width = healthy.healthy_jsw_mm[joint]
        narrowings[joint] = draw_narrowing(
            joint, drawn.of(joint, "jsn"), width, healthy.shapes, difficulty, streams["jsn"]
        )
        of_joint = draw_erosions(
            joint, drawn.of(joint, "erosion"), healthy.shapes, healthy.materials, difficulty, streams["erosion"]
        )
        erosions += [(joint, bone, one) for bone, one in of_joint]
    worst = np.mean([drawn.of(joint, "jsn") / 4 + drawn.of(joint, "erosion") / 5 for joint in anatomy.JOINTS]) / 2
    severity = float(np.clip(worst + 0.15 * streams["artefact"].standard_normal(), 0, 1))
    damage = HandDamage(
        healthy,
        replace(healthy, shapes=_sloped(healthy.shapes, narrowings)),
        age,
        narrowings,
        tuple(erosions),
        density=1 - _LOSS * severity,
        periarticular=1 - _PERIARTICULAR_LOSS * severity,
        closes=difficulty.course.closes,
        progresses=frozenset(
            joint
            for joint in anatomy.JOINTS
            if streams["course"].random() < _progression(joint, drawn, difficulty)
            and not narrowings[joint].fused
            and not any(narrowings[joint].displaced_mm)
        ),
    )
    damage = _with_findings(damage, drawn, difficulty, streams["artefact"])
    return replace(damage, patient=replace(damage.patient, jsw_mm=_widths(damage)))


def _progression(joint: str, drawn: DrawnGrades, difficulty: Difficulty) -> float:
    """Return the probability that a joint progresses."""
    damaged = drawn.of(joint, "jsn") or drawn.of(joint, "erosion")
    return difficulty.course.damaged if damaged else difficulty.course.healthy


def _sloped(shapes: Mapping[str, BoneShape], narrowings: Mapping[str, Narrowing]) -> dict[str, BoneShape]:
    """Return the shapes with the slope of focal narrowing at the bases of the upper bones."""
    sloped = dict(shapes)
    for joint, one in narrowings.items():
        upper, _ = anatomy.bones_of(joint)
        if one.slope:
            base = shapes[upper].base
            sloped[upper] = replace(shapes[upper], base=replace(base, slant=base.slant + one.slope))
    return sloped


def _with_findings(
    damage: HandDamage, drawn: DrawnGrades, difficulty: Difficulty, rng: np.random.Generator
) -> HandDamage:
    """Add cysts, osteophytes, swelling, implants and missing fingers."""
    chance, shapes = difficulty.part("artefacts"), damage.healthy.shapes
    erosions, osteophytes = list(damage.erosions), dict(damage.osteophytes)
    implants, swollen, hidden = set(), set(), set()
    for joint in anatomy.JOINTS:
        upper, lower = anatomy.bones_of(joint)
        diseased = drawn.of(joint, "jsn") or drawn.of(joint, "erosion")
        cyst, osteophyte, swelling, implant = rng.random(4)
        if cyst < chance["cyst"]:
            erosions.append((joint, lower, draw_cyst(shapes[lower], True, rng)))
        # osteophytes are most frequent at DIP joints and the thumb
        if osteophyte < chance["osteophyte"] * (2.0 if joint[:3] in ("DIP", "IP1") else 0.6):
            for bone, distal in ((lower, True), (upper, False)):
                found = draw_osteophytes(shapes[bone], distal, rng)
                if shapes[bone].plate is None:  # bones that grow have none; the draws are those of the adult
                    osteophytes[bone] = osteophytes.get(bone, ()) + tuple(found)
        if swelling < chance["swelling"] * (3.0 if diseased else 0.4) and not joint.startswith("MCP"):
            swollen.add(joint)
        if implant < chance["implant"] and not joint.startswith("DIP"):
            implants.add(joint)
    if rng.random() < chance["missing_finger"] * len(anatomy.RAYS):
        ray = int(rng.integers(2, 6))
        first = int(rng.integers(2, 4))  # the middle or the distal phalanx and all beyond
        hidden |= set(anatomy.RAYS[ray][first:])
    return replace(
        damage,
        erosions=tuple(erosions),
        osteophytes=osteophytes,
        implants=frozenset(implants),
        swollen=frozenset(swollen),
        hidden=frozenset(hidden),
    )


def _widths(damage: HandDamage) -> dict[str, float]:
    """Return the widths at baseline, less what the bones have moved together where bone is lost."""
    closed = damage.closed_up_mm(0.0)
    healthy = damage.healthy.healthy_jsw_mm
    return {joint: damage.narrowings[joint].left * width - closed.get(joint, 0.0) for joint, width in healthy.items()}


def draw_hand(
    sampling: str,
    difficulty: Difficulty,
    side: int,
    stream: Callable[..., np.random.Generator],
    ages: tuple[float, float] | None = None,
) -> HandDamage:
    """Draw one hand of a patient with damage.

    Parameters
    ----------
    sampling : {"uniform", "natural"}
    difficulty : Difficulty
    side : int
        0 is left, 1 is right.
    stream : callable
        Returns the patient's random generator of a name and a number; each call returns a new one in the same state.
    ages : (float, float), optional
        Range of ages in years; see :func:`draw_age`. The bones of a person under 18 have growth plates.
    """
    age = draw_age(stream("age"), ages)
    drawn = draw_grades(sampling, stream("grades", 1 + side), stream("grades", 0))
    healthy = SimulatedPatient.draw(
        stream("patient"),
        disease=0.0,
        hand_rng=stream("hand", side),
        widths_of=draw_widths if difficulty.version == FIRST else lambda rng, sex: draw_normal_widths(rng, sex, age),
        bones=difficulty.bones,
        growth_of=None if age >= ADULT_AGE else lambda sex: Growth.draw(stream("growth"), sex, age),
    )
    factor = difficulty.part("contrast")["density_factor"]
    materials = {name: replace(one, density=one.density * factor) for name, one in healthy.materials.items()}
    healthy = replace(healthy, materials=materials, jsw_mm=healthy.healthy_jsw_mm)
    return draw_damage(healthy, age, drawn, difficulty, stream("damage", side))
