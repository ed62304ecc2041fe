"""Course of the disease of one hand over the visits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.patient import SimulatedPatient
from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.visit import Disease

#: Smallest joint space width of a drawn course, in mm.
_MIN_JSW_MM = 0.05
#: Loss of mineral per year in all bone, and in the trabecular bone near the joints, at severity 1.
_LOSS_PER_YEAR, _PERIARTICULAR_LOSS_PER_YEAR = 0.02, 0.06
#: Share of the trabeculae that have changed after one year; it grows with the square root of time.
_REMODELLED = 0.12


@dataclass(frozen=True)
class _GrowingErosion:
    """Position, initial radius and growth of an erosion."""

    bone: str
    centre: tuple[float, float, float]
    start_mm: float
    mm_per_year: float
    flatness: float

    def at(self, years: float) -> Erosion | None:
        """Return the erosion after this number of years; None below a radius of 0.3 mm."""
        radius = self.start_mm + self.mm_per_year * years
        if radius < 0.3:
            return None
        return Erosion(self.centre, (radius * self.flatness, radius, 1.3 * radius))


@dataclass(frozen=True)
class DiseaseCourse:
    """Course of the disease of one hand.

    Attributes
    ----------
    mm_per_year : dict of joint to float
        Rate of narrowing; negative is widening.
    erosions : tuple
    severity : float
        Severity of the loss of bone mineral, 0 to 1.
    """

    mm_per_year: dict[str, float]
    erosions: tuple[_GrowingErosion, ...] = field(repr=False)
    severity: float

    @classmethod
    def draw(cls, patient: SimulatedPatient, rng: np.random.Generator, years: float) -> DiseaseCourse:
        """Draw a course over this number of years.

        Most joints change by less than 0.03 mm per year, some narrow by 0.05 to 0.4, few widen; these figures are
        assumed. The bones of a joint never come into contact.
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
            max_rate = (patient.jsw_mm[joint] - _MIN_JSW_MM) / max(years, 1e-6)
            rates[joint] = min(rate, max_rate)
        erosions = []
        for joint in anatomy.MEASURED_JOINTS:
            for bone, distal in zip(anatomy.bones_of(joint), (False, True), strict=True):
                for side in (-1, 1):
                    if erosion_rng.random() < 0.12 * severity * (1.5 if distal else 0.7):
                        erosions.append(_draw_erosion(patient.shapes[bone], distal, side, erosion_rng))
        return cls(rates, tuple(erosions), severity)

    @classmethod
    def with_narrowing(
        cls, patient: SimulatedPatient, rng: np.random.Generator, years: float, jsn_mm: float
    ) -> DiseaseCourse:
        """Draw a course in which all measured joints narrow by ``jsn_mm`` over ``years``.

        Raises
        ------
        InputError
            If the narrowing is not smaller than the joint space width of every measured joint.
        """
        course = cls.draw(patient, rng, years)
        for joint in anatomy.MEASURED_JOINTS:
            if jsn_mm >= patient.jsw_mm[joint]:
                raise InputError(
                    f"A narrowing of {jsn_mm} mm is too large: the joint space of {joint} of a patient is "
                    f"{patient.jsw_mm[joint]:.2f} mm wide at baseline. Give a smaller narrowing.",
                    "jsn_mm",
                )
        rates = dict.fromkeys(anatomy.MEASURED_JOINTS, jsn_mm / years if years else 0.0)
        return cls({**course.mm_per_year, **rates}, course.erosions, course.severity)

    def at(self, years: float) -> Disease:
        """Return the disease after this number of years."""
        by_bone: dict[str, list[Erosion]] = {}
        for growing_erosion in self.erosions:
            erosion = growing_erosion.at(years)
            if erosion is not None:
                by_bone.setdefault(growing_erosion.bone, []).append(erosion)
        return Disease(
            narrowing_mm={joint: rate * years for joint, rate in self.mm_per_year.items()},
            erosions={bone: tuple(erosions) for bone, erosions in by_bone.items()},
            density=1 - _LOSS_PER_YEAR * self.severity * years,
            periarticular=1 - _PERIARTICULAR_LOSS_PER_YEAR * self.severity * years,
            remodelled=float(min(_REMODELLED * np.sqrt(years), 0.9)),
        )


def _draw_erosion(shape: BoneShape, distal: bool, side: int, rng: np.random.Generator) -> _GrowingErosion:
    """Draw an erosion in the bare area: between the cartilage's edge and the insertion of the joint capsule."""
    y = float(rng.uniform(1.5, 4.0))
    y = y if distal else shape.length - 0.6 * y
    left, right, depth, middle = shape.profile(np.array(y))
    x = side * float(right if side > 0 else left)
    z = float(middle) + float(depth) * float(rng.uniform(-0.3, 0.3))
    return _GrowingErosion(
        shape.name,
        (x, y, z),
        start_mm=float(max(rng.normal(0.6, 0.6), 0.0)),
        mm_per_year=float(rng.uniform(0.0, 0.5)),
        flatness=float(rng.uniform(0.5, 0.9)),
    )
