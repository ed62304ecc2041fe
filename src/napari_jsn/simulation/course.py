"""How a patient's joints change from visit to visit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.visit import Disease

#: Least gap that a joint keeps in a course that is drawn, in mm.
_LEAST_MM = 0.05
#: Loss of mineral a year in all bone, and in the spongy bone of the joints, of a patient with much disease.
_OSTEOPENIA, _NEAR_JOINTS = 0.02, 0.06
#: Share of the struts that are others after a year.
_REMODELLED = 0.12


@dataclass(frozen=True)
class _Growing:
    """An erosion: where it starts, and how it grows."""

    bone: str
    place: tuple[float, float, float]
    start_mm: float
    mm_a_year: float
    flatness: float

    def at(self, years: float) -> Erosion | None:
        radius = self.start_mm + self.mm_a_year * years
        if radius < 0.3:
            return None
        return Erosion(self.place, (radius * self.flatness, radius, 1.3 * radius))


@dataclass(frozen=True)
class Course:
    """The course of disease of one hand.

    Attributes
    ----------
    mm_a_year : dict of joint to float
        Narrowing; negative widens.
    erosions : tuple
    severity : float
        0 to 1, of the loss of mineral.
    """

    mm_a_year: dict[str, float]
    erosions: tuple[_Growing, ...] = field(repr=False)
    severity: float

    @classmethod
    def draw(cls, patient: SimulatedPatient, rng: np.random.Generator, years: float) -> Course:
        """Draw a course over so many years.

        Most joints change by less than 0.03 mm a year, some narrow by 0.05 to 0.4, few widen; these are round figures.
        No joint comes to contact.
        """
        rates_rng, erosion_rng = rng.spawn(2)
        severity = float(rates_rng.beta(1.5, 2.5))
        rates = {}
        for joint in anatomy.JOINTS:
            rate = float(rates_rng.normal(0, 0.01))
            if rates_rng.random() < 0.1 + 0.4 * severity:
                rate += float(rates_rng.uniform(0.05, 0.4)) * (0.4 + severity)
            elif rates_rng.random() < 0.05:
                rate -= float(rates_rng.uniform(0.03, 0.12))
            most = (patient.widths_mm[joint] - _LEAST_MM) / max(years, 1e-6)
            rates[joint] = min(rate, most)
        erosions = []
        for joint in anatomy.MEASURED_JOINTS:
            for bone, distal in zip(anatomy.bones_of(joint), (False, True), strict=True):
                for side in (-1, 1):
                    if erosion_rng.random() < 0.12 * severity * (1.5 if distal else 0.7):
                        erosions.append(_bare_area(patient.shapes[bone], distal, side, erosion_rng))
        return cls(rates, tuple(erosions), severity)

    @classmethod
    def fixed(cls, patient: SimulatedPatient, rng: np.random.Generator, years: float, jsn_mm: float) -> Course:
        """A course whose finger joints narrow by ``jsn_mm`` over so many years.

        Raises
        ------
        InputError
            If a joint would narrow beyond contact.
        """
        course = cls.draw(patient, rng, years)
        for joint in anatomy.MEASURED_JOINTS:
            if jsn_mm >= patient.widths_mm[joint]:
                raise InputError(
                    f"A narrowing of {jsn_mm} mm is beyond contact: the {joint} joint of a patient is "
                    f"{patient.widths_mm[joint]:.2f} mm wide at baseline. Give less.",
                    "jsn_mm",
                )
        rates = dict.fromkeys(anatomy.MEASURED_JOINTS, jsn_mm / years if years else 0.0)
        return cls({**course.mm_a_year, **rates}, course.erosions, course.severity)

    def at(self, years: float) -> Disease:
        """How far it has come after so many years."""
        found: dict[str, list[Erosion]] = {}
        for growing in self.erosions:
            bite = growing.at(years)
            if bite is not None:
                found.setdefault(growing.bone, []).append(bite)
        return Disease(
            narrowing_mm={joint: rate * years for joint, rate in self.mm_a_year.items()},
            erosions={bone: tuple(bites) for bone, bites in found.items()},
            density=1 - _OSTEOPENIA * self.severity * years,
            near_joint=1 - _NEAR_JOINTS * self.severity * years,
            remodelled=float(min(_REMODELLED * np.sqrt(years), 0.9)),
        )


def _bare_area(shape: BoneShape, distal: bool, side: int, rng: np.random.Generator) -> _Growing:
    """An erosion where cartilage ends and the joint's lining lies on bare bone."""
    y = float(rng.uniform(1.5, 4.0))
    y = y if distal else shape.length - 0.6 * y
    left, right, depth, middle = shape.profile(np.array(y))
    x = side * float(right if side > 0 else left)
    z = float(middle) + float(depth) * float(rng.uniform(-0.3, 0.3))
    return _Growing(
        shape.name,
        (x, y, z),
        start_mm=float(max(rng.normal(0.6, 0.6), 0.0)),
        mm_a_year=float(rng.uniform(0.0, 0.5)),
        flatness=float(rng.uniform(0.5, 0.9)),
    )
