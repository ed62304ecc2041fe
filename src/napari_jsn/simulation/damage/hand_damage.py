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
from napari_jsn.simulation.shapes.joint_grades import COLLAPSE
from napari_jsn.simulation.shapes.joint_space import Sex, draw_widths
from napari_jsn.simulation.visit import Disease, Positioning, pose_hand

#: Age of patients with rheumatoid arthritis in years: mean, standard deviation, limits.
_AGE = (56.0, 13.0, 20.0, 85.0)
#: Share of the variance of the widths that all joints of a person have in common; limit in standard deviations.
_SHARED, _CLIP = 0.64, 2.0
#: Narrowest healthy joint space, as a share of the mean of joint, age and sex.
_LEAST = 0.5
#: Loss of mineral at the worst grade of a hand: of all bone, and near the joints.
_LOSS, _PERIARTICULAR_LOSS = 0.10, 0.45
#: Per year and joint: probability of progression, loss of the healthy width as a share, growth of erosions as a share.
_PROGRESSES, _NARROWS, _GROWS = 0.25, 0.12, 0.10
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

    def at(self, years: float) -> Disease:
        """Return the disease after this number of years."""
        by_bone: dict[str, list[Erosion]] = {}
        for joint, bone, erosion in self.erosions:
            factor = 1 + (_GROWS * years if joint in self.progresses else 0.0)
            rx, ry, rz = erosion.radii
            by_bone.setdefault(bone, []).append(replace(erosion, radii=(rx * factor, ry * factor, rz * factor)))
        narrowing = {}
        for joint in self.progresses:
            left = self.narrowings[joint].left
            lost = min(_NARROWS * years, max(left - 0.03, 0.0))
            narrowing[joint] = lost * self.healthy.healthy_jsw_mm[joint]
        return Disease(
            narrowing_mm=narrowing,
            erosions={bone: tuple(erosions) for bone, erosions in by_bone.items()},
            density=self.density,
            periarticular=self.periarticular,
            remodelled=float(min(_REMODELLED * np.sqrt(years), 0.9)),
            osteophytes=self.osteophytes,
            displaced_mm={joint: one.displaced_mm for joint, one in self.narrowings.items() if any(one.displaced_mm)},
            deviation_deg={joint: one.deviation_deg for joint, one in self.narrowings.items() if one.deviation_deg},
        )

    def left_at(self, joint: str, disease: Disease) -> float:
        """Return the share of the healthy width that is left in space."""
        lost = disease.narrowing_mm.get(joint, 0.0) / self.healthy.healthy_jsw_mm[joint]
        return self.narrowings[joint].left - lost

    def population_width_mm(self, joint: str) -> float:
        """Return the mean width of healthy people of this age and sex, in mm."""
        return normal_width(joint, self.healthy.sex, self.age)


@dataclass(frozen=True)
class Sampled:
    """How the damage of a run is drawn: the sampling of the grades, and the difficulty."""

    sampling: str
    difficulty: Difficulty


def checked_sampling(grades: str | None, version: int, jsn_mm: float | None) -> Sampled | None:
    """Return how damage is drawn; None if no grades are asked for.

    Raises
    ------
    InputError
        If there is no such sampling or version, or a narrowing is stated as well.
    """
    if grades is None:
        return None
    check_sampling(grades)
    if jsn_mm is not None:
        raise InputError("The narrowing is stated, and grades are drawn as well. Give one of the two.", "jsn_mm")
    return Sampled(grades, difficulty_of(version))


def draw_age(rng: np.random.Generator) -> float:
    """Draw the age of a patient in years."""
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
        progresses=frozenset(
            joint
            for joint in anatomy.JOINTS
            if streams["course"].random() < _PROGRESSES
            and not narrowings[joint].fused
            and not any(narrowings[joint].displaced_mm)
        ),
    )
    damage = _with_findings(damage, drawn, difficulty, streams["artefact"])
    return replace(damage, patient=replace(damage.patient, jsw_mm=_widths(damage)))


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
                osteophytes[bone] = osteophytes.get(bone, ()) + tuple(draw_osteophytes(shapes[bone], distal, rng))
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
    """Return the widths at baseline; where bone is lost, the bones move together until the visible gap is that wide."""
    widths = {joint: damage.narrowings[joint].left * width for joint, width in damage.healthy.healthy_jsw_mm.items()}
    erosions = damage.at(0.0).erosions
    collapsed = {
        joint
        for joint, bone, one in damage.erosions
        if one.counted and share_in_space(damage.healthy.shapes[bone], one) >= COLLAPSE
    }
    if not collapsed:
        return widths
    posed = pose_hand(replace(damage.patient, jsw_mm=widths), Positioning(), Disease())
    sound = pose_hand(damage.healthy, Positioning(), Disease())
    for joint in collapsed:
        visible = joint_margins(damage.patient.shapes, posed, joint, erosions).width_mm
        intact = joint_margins(damage.healthy.shapes, sound, joint).width_mm
        if np.isfinite(visible):
            wanted = damage.narrowings[joint].left * intact
            widths[joint] -= float(np.clip(visible - wanted, 0.0, 6.0))
    return widths


def draw_hand(
    sampling: str, difficulty: Difficulty, side: int, stream: Callable[..., np.random.Generator]
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
    """
    age = draw_age(stream("age"))
    drawn = draw_grades(sampling, stream("grades", 1 + side), stream("grades", 0))
    healthy = SimulatedPatient.draw(
        stream("patient"),
        disease=0.0,
        hand_rng=stream("hand", side),
        widths_of=draw_widths if difficulty.version == FIRST else lambda rng, sex: draw_normal_widths(rng, sex, age),
        bones=difficulty.bones,
    )
    factor = difficulty.part("contrast")["density_factor"]
    materials = {name: replace(one, density=one.density * factor) for name, one in healthy.materials.items()}
    healthy = replace(healthy, materials=materials, jsw_mm=healthy.healthy_jsw_mm)
    return draw_damage(healthy, age, drawn, difficulty, stream("damage", side))
