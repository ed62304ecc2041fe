"""Growth of a hand: how mature the bones of a child are, their size, and the growth plates of the bones.

Phalanges and the first metacarpal grow at their base, the other metacarpals at their head, radius and ulna at the wrist
[1]_. The plates close at about 17 years in boys and two years earlier in girls. Sizes, thicknesses and breadths between
7 years and the end of growth are assumed: they are set so that simulated hands look like radiographs of children.

References
----------
.. [1] Greulich WW, Pyle SI. 1959 Radiographic atlas of skeletal development of the hand and wrist, 2nd edn. Stanford.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_jsn.simulation.shapes.bone import BoneShape, GrowthPlate
from napari_jsn.simulation.shapes.joint_space import Sex

#: Age in years below which a person grows.
ADULT_AGE = 18.0
#: Bone age of a boy in years at which the plates are closed, the years before it that are simulated, the years by which
#: girls are ahead, and the standard deviation of the bone age.
_CLOSED, _YEARS, _GIRLS_AHEAD, _SD = 17.5, 10.5, 2.0, 0.9
#: Size of the youngest hand over that of an adult's, and its joint spaces: cartilage is not yet mineral.
_SMALLEST, _WIDEST = 0.70, 1.4
#: Bone age at which the sesamoids are mineral.
_SESAMOIDS = 12.5
#: Distance of a plate from the joint surface over the breadth of the end, at the end of growth, and what it is less in
#: the youngest.
_FROM_BASE, _FROM_HEAD, _FROM_WRIST, _LESS = 0.31, 0.62, 0.27, 0.09


@dataclass(frozen=True)
class Growth:
    """How far a hand still has to grow.

    Attributes
    ----------
    left : float
        0 is full-grown, 1 the youngest hand that is simulated (7 years).
    """

    left: float = 0.0

    @classmethod
    def draw(cls, rng: np.random.Generator, sex: Sex, age: float) -> Growth:
        """Draw the growth of a person of this sex and age in years; adults are full-grown."""
        deviation = float(np.clip(rng.standard_normal(), -2, 2)) * _SD
        if age >= ADULT_AGE:
            return cls()
        bone_age = age + deviation + (_GIRLS_AHEAD if sex == "F" else 0.0)
        return cls(float(np.clip((_CLOSED - bone_age) / _YEARS, 0, 1)))

    @property
    def size(self) -> float:
        """Size of the hand over that of the same person as an adult."""
        return 1 - (1 - _SMALLEST) * self.left

    @property
    def width(self) -> float:
        """Joint space width over that of an adult."""
        return 1 + (_WIDEST - 1) * self.left

    @property
    def carpal_size(self) -> float:
        """Size of the mineral part of the carpals, over their size in the full-grown hand of the same size."""
        return 1 - 0.3 * self.left

    @property
    def has_sesamoids(self) -> bool:
        """Whether the sesamoids are mineral."""
        return self.left <= (_CLOSED - _SESAMOIDS) / _YEARS

    def grown(self, shape: BoneShape, rng: np.random.Generator) -> BoneShape:
        """Return a bone with the growth plate that it has at this age, if any.

        Parameters
        ----------
        shape : BoneShape
            A metacarpal, a phalanx, the radius or the ulna.
        rng : numpy.random.Generator
        """
        standard, phase = np.clip(rng.standard_normal(3), -2, 2), float(rng.uniform(0, 6.28))
        if not self.left:
            return shape
        of_wrist = shape.name in ("radius", "ulna")
        at_head = of_wrist or (shape.name.startswith("MC") and shape.name != "MC1")
        left, right, _, _ = shape.profile(np.array(4.0 if at_head else shape.length - 1.0))
        reach = _FROM_WRIST if of_wrist else _FROM_HEAD if at_head else _FROM_BASE
        plate = GrowthPlate(
            at_head,
            from_end_mm=float(left + right) * (reach - _LESS * self.left) * float(1 + 0.08 * standard[0]),
            gap_mm=(0.4 + 0.9 * self.left) * float(1 + 0.2 * standard[1]),
            breadth=float(np.clip(1.02 - 0.3 * max(self.left - 0.2, 0.0) + 0.02 * standard[2], 0.7, 1.0)),
            wave_mm=0.2,
            phase=phase,
        )
        return replace(shape, plate=plate)
