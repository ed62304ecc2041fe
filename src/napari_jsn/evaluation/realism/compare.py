"""Is the simulator real enough? Real finger joints against simulated ones: ``python -m napari_jsn.evaluation.realism``.

Only figures made from the real images leave this command, never a picture of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_jsn.evaluation.public_images import NOMINAL_SPACING_MM, Pixels, downsample, finger_joints
from napari_jsn.evaluation.realism.measures import Look, look
from napari_jsn.evaluation.realism.residual import Remainder, remainders
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.methods import PreparedPair

Visit = tuple[Pixels, BoneMasks]

#: The joints of the real images as they are numbered there. Their source does not name them; breadth and brightness
#: of the bones order them this way.
NUMBERS = {"13": "MCP1", "11": "MCP2", "8": "MCP3", "5": "MCP4", "2": "MCP5"}
MCPS = tuple(NUMBERS.values())
#: Standard deviation of the narrowing that simulated pairs are given, in mm.
JSN_SD_MM = 0.15
#: Side of the images that are registered, in pixels of 0.173 mm.
_SIZE = 127


@dataclass(frozen=True)
class Side:
    """One side of the comparison: a row of each list is one joint at two visits, ``looks`` has two rows a joint."""

    joints: list[str]
    looks: list[Look]
    remainders: list[Remainder]

    def of(self, joint: str | None) -> Side:
        """Those of one MCP; None keeps all."""
        keep = [k for k, name in enumerate(self.joints) if joint in (None, name)]
        looks = [self.looks[2 * k + visit] for k in keep for visit in (0, 1)]
        return Side([self.joints[k] for k in keep], looks, [self.remainders[k] for k in keep])

    def half(self, which: int) -> Side:
        """Every second joint, to see how far real joints differ from real joints."""
        keep = range(which, len(self.joints), 2)
        looks = [self.looks[2 * k + visit] for k in keep for visit in (0, 1)]
        return Side([self.joints[k] for k in keep], looks, [self.remainders[k] for k in keep])

    def numbers(self) -> dict[str, NDArray[np.float64]]:
        """Every one-number figure, one value an image or a pair."""
        found = {name: np.array([one.numbers[name] for one in self.looks]) for name in self.looks[0].numbers}
        for name in (field.name for field in fields(Remainder)):
            found[REMAINDERS[name]] = np.array([getattr(one, name) for one in self.remainders])
        return found


#: How the figures of a pair are called in the tables.
REMAINDERS = {
    "residual": "residual after registration, of local contrast",
    "rms": "the same, root mean square",
    "likeness": "likeness after registration",
    "strength_px": "sideways field, px of 0.175 mm",
    "turn_deg": "turn of the bones against each other, deg",
}


def real_side(n: int, seed: int) -> Side:
    """Up to ``n`` real joints of the reported half with two visits, the MCPs in equal parts."""
    rng = np.random.default_rng([seed, 1])
    there = list(finger_joints(part="report", min_visits=2))
    pairs: list[tuple[str, Visit, Visit]] = []
    for number, joint in NUMBERS.items():
        mine = [one for one in there if one.joint == number]
        for k in rng.permutation(len(mine))[: max(1, n // len(NUMBERS))]:
            first, second = rng.permutation(len(mine[k].visits))[:2]
            pairs.append((joint, mine[k].visits[first], mine[k].visits[second]))
    return _measure(pairs)


def simulated_side(n: int, seed: int) -> Side:
    """``n`` simulated pairs with the same pixels, the simulator's own spread of motion, and a little narrowing."""
    from napari_jsn.simulation.joint_pair import joint_pair

    rng = np.random.default_rng([seed, 2])
    pairs: list[tuple[str, Visit, Visit]] = []
    for k in range(n):
        joint = MCPS[k % len(MCPS)]
        jsn_mm = float(JSN_SD_MM * rng.standard_normal())
        one = joint_pair(joint, jsn_mm, seed=int(rng.integers(2**31)), spacing_mm=NOMINAL_SPACING_MM)
        pairs.append((joint, (one.fixed, one.fixed_masks), (one.moving, one.moving_masks)))
    return _measure(pairs)


def _measure(pairs: Sequence[tuple[str, Visit, Visit]]) -> Side:
    looks = [look(*visit, NOMINAL_SPACING_MM) for _, *visits in pairs for visit in visits]
    return Side([joint for joint, *_ in pairs], looks, remainders([_coarse(a, b) for _, a, b in pairs]))


def _coarse(fixed: Visit, moving: Visit) -> PreparedPair:
    """The two visits at 0.173 mm a pixel, as the benchmarks measure real joints."""
    (a, a_masks), (b, b_masks) = ((_small(image), _small_masks(masks)) for image, masks in (fixed, moving))
    return PreparedPair.from_masks(a, b, a_masks, b_masks, 2 * NOMINAL_SPACING_MM)


def _small(image: NDArray[np.generic]) -> Pixels:
    return downsample(image)[:_SIZE, :_SIZE]


def _small_masks(masks: BoneMasks) -> BoneMasks:
    return BoneMasks(_small(masks.upper) >= 0.5, _small(masks.lower) >= 0.5)
