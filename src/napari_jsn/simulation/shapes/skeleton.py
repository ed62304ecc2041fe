"""Positions of the joints and wrist bones of a random adult hand, in mm.

The directions of the bones, the layout of the wrist and the covariance of the bones come from statistics of the
landmarks of 894 hands (``hand_shape.json``, made by ``python -m napari_jsn.evaluation.calibration hand-shape``). These
are hands of children and adolescents, the landmarks lie slightly beside the joint gaps, and the pixel size of the
radiographs is unknown. So the mean lengths are those of adult bones [1]_, from which the landmarks' proportions differ
by 8 % at most; only the deviations from the mean come from the landmarks.

References
----------
.. [1] Buryanov A, Kotiuk V. Proportions of hand segments. Int J Morphol 2010;28:755-8. Radiographs of 66 adults of 19
   to 78 years, both sexes.
.. [2] Gordon CC et al. 1988 Anthropometric survey of U.S. Army personnel. Natick/TR-89/044. Men's hands are 7 % longer
   than women's; within a sex their lengths spread by 5 %.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS, RAYS
from napari_jsn.simulation.shapes.joint_space import Sex, check_sex, draw_sex, mean_widths

Array = NDArray[np.float64]

#: Mean lengths of adult bones in mm, both sexes together [1]_. Distal phalanges end with the bone, not with the skin.
BONE_LENGTH_MM = {
    "MC1": 46.22, "PP1": 31.57, "DP1": 21.67,
    "MC2": 68.12, "PP2": 39.78, "MP2": 22.38, "DP2": 15.82,
    "MC3": 64.60, "PP3": 44.63, "MP3": 26.33, "DP3": 17.40,
    "MC4": 58.00, "PP4": 41.37, "MP4": 25.65, "DP4": 17.30,
    "MC5": 53.69, "PP5": 32.57, "MP5": 18.11, "DP5": 15.96,
}  # fmt: skip

#: Length of women's and men's bones over the mean of both, and standard deviation of the size within a sex [2]_.
_SEX_FACTOR: dict[Sex, float] = {"F": 0.96, "M": 1.04}
_SIZE_SD = 0.05

#: Limits, in standard deviations, of each principal component and of each figure computed from them.
_COMPONENT_CLIP, _FIGURE_CLIP = 2.0, 2.5
#: Neighbouring rays' lines stay this far apart beyond the metacarpophalangeal joints; one in 200 real hands is closer.
_MIN_GAP_MM = 16.0
_FOREARM_MM = 40.0
#: Half of a carpometacarpal joint space.
_HALF_CMC_MM = 0.75


@dataclass(frozen=True)
class Skeleton:
    """Joint points of one left hand on a posteroanterior radiograph, fingers up.

    Attributes
    ----------
    sex : {"F", "M"}
    points : mapping of str to (2,) float array
        ``(x, y)`` in mm from the base of the third metacarpal, which points straight up: x grows towards the thumb, y
        towards the forearm. A right hand is the mirror image. Keys: ``CMC1``-``CMC5``, the joints of
        :data:`napari_jsn.anatomy.JOINTS` (the middle of the gap), ``TIP1``-``TIP5`` (the distal end of the bone, not
        the skin), the carpals of :data:`napari_jsn.anatomy.CARPALS` (centres), ``radius`` and ``ulna`` (middle of
        the distal end), ``radius_shaft`` and ``ulna_shaft`` (on the shaft's middle line, 40 mm proximal).
    """

    sex: Sex
    points: Mapping[str, Array] = field(repr=False)

    def scaled(self, factor: float) -> Skeleton:
        """Return this hand in another size."""
        if factor == 1:
            return self
        return Skeleton(self.sex, {name: factor * point for name, point in self.points.items()})

    def rays(self) -> dict[int, Array]:
        """Return the points of each ray from proximal to distal: (5, 2) for fingers, (4, 2) for the thumb, in mm."""
        return {ray: np.stack([self.points[name] for name in names]) for ray, names in _RAY_POINTS.items()}

    def ends(self, bone: str) -> tuple[Array, Array]:
        """Return proximal and distal end point of a bone of the rays, in mm: the middles of its joints, or its tip."""
        proximal, distal = _ENDS[bone]
        return self.points[proximal], self.points[distal]


def draw_skeleton(rng: np.random.Generator, sex: Sex | None = None, variation: float = 1.0) -> Skeleton:
    """Draw the joint points of a random adult's hand.

    Parameters
    ----------
    rng : numpy.random.Generator
    sex : {"F", "M"}, optional
        Drawn if not given. Men's bones are 8 % longer than women's.
    variation : float
        Factor of the deviation from the mean: 1 as in the population, 0 gives the mean hand of that sex.

    Returns
    -------
    Skeleton
        In mm. The distance of joint points is a bone's length plus half of the mean joint spaces. Fingers never cross:
        if they are too close, the deviation of the whole hand is reduced.

    Raises
    ------
    InputError
        If ``sex`` is something else.
    """
    check_sex(sex)
    sex = sex or draw_sex(rng)
    shape = _Shape.shipped()
    deviation = variation * shape.draw(rng)
    size = variation * _SIZE_SD * float(np.clip(rng.standard_normal(), -_FIGURE_CLIP, _FIGURE_CLIP))
    for share in (1.0, 0.75, 0.5, 0.25):
        points = _points(shape, share * deviation, size, sex)
        if _apart(points):
            break
    else:
        points = _points(shape, 0 * deviation, size, sex)
    return Skeleton(sex, points)


@dataclass(frozen=True)
class _Shape:
    """The fitted statistics: figures by name, their mean, standard deviation and principal components."""

    index: Mapping[str, int]
    mean: Array
    sd: Array
    component_sd: Array
    components: Array

    @staticmethod
    @cache
    def shipped() -> _Shape:
        """Read the statistics of ``hand_shape.json``."""
        content: dict[str, Any] = json.loads(
            files("napari_jsn.simulation").joinpath("hand_shape.json").read_text(encoding="utf-8")
        )
        arrays = (np.asarray(content[key], dtype=float) for key in ("mean", "sd", "component_sd", "components"))
        return _Shape({name: k for k, name in enumerate(content["features"])}, *arrays)

    def draw(self, rng: np.random.Generator) -> Array:
        """Draw the deviations of all figures from their mean, clipped."""
        scores = np.clip(rng.standard_normal(len(self.component_sd)), -_COMPONENT_CLIP, _COMPONENT_CLIP)
        standard = (scores * self.component_sd) @ self.components
        return self.sd * np.clip(standard, -_FIGURE_CLIP, _FIGURE_CLIP)


def _ray_points() -> dict[int, tuple[str, ...]]:
    joints = {ray: tuple(joint for joint in JOINTS if joint.endswith(str(ray))) for ray in RAYS}
    return {ray: (f"CMC{ray}", *joints[ray], f"TIP{ray}") for ray in RAYS}


_RAY_POINTS = _ray_points()
#: Bone of a ray to the names of the points at its proximal and distal end.
_ENDS = {bone: ends for ray, bones in RAYS.items() for bone, ends in zip(bones, pairwise(_RAY_POINTS[ray]))}


def _points(shape: _Shape, deviation: Array, size: float, sex: Sex) -> dict[str, Array]:
    """Return the points of the hand with this deviation from the mean."""
    figures = shape.mean + deviation
    lengths = {}
    for bone, mean in BONE_LENGTH_MM.items():
        lengths[bone] = mean * _SEX_FACTOR[sex] * np.exp(size + deviation[shape.index[f"length:{bone}"]])
    unit = float(np.exp(np.mean(np.log(list(lengths.values())))))

    def landmark(number: int) -> Array:
        """Return a landmark of the wrist in mm; 15, the base of the third metacarpal, is the origin."""
        if number == 15:
            return np.zeros(2)
        return unit * np.array([figures[shape.index[f"{axis}:{number}"]] for axis in "xy"])

    points = _wrist(landmark)
    spaces = _spaces(sex)
    for ray, bones in RAYS.items():
        for bone in bones:
            proximal, distal = _ENDS[bone]
            angle = np.deg2rad(figures[shape.index[f"angle:{bone}"]])
            gaps = (spaces.get(proximal, 0.0) + spaces.get(distal, 0.0)) / 2
            reach = lengths[bone] + gaps + (_HALF_CMC_MM if proximal == f"CMC{ray}" else 0.0)
            points[distal] = points[proximal] + reach * np.array([np.sin(angle), -np.cos(angle)])
    return points


@cache
def _spaces(sex: Sex) -> dict[str, float]:
    return mean_widths(sex)


def _wrist(landmark: Callable[[int], Array]) -> dict[str, Array]:
    """Return bases of the metacarpals, carpals and forearm from the landmarks of the wrist.

    The landmarks are corners on the radiographs: 0 and 2 the ulna's metaphysis, 1 its styloid; 3 and 4 the radius's
    metaphysis, 5 its styloid; 6 to 12 the proximal ends of triquetrum, lunate, scaphoid, hamate, capitate, trapezoid
    and trapezium; 13 to 17 the bases of the metacarpals 5 to 1. A carpal's centre lies midway to its distal neighbours.
    """

    def between(first: Array, second: Array, share: float = 0.5) -> Array:
        return first + share * (second - first)

    points = {f"CMC{18 - number}": landmark(number) for number in range(13, 18)}
    points["scaphoid"] = between(landmark(8), between(landmark(11), landmark(12)))
    points["lunate"] = between(landmark(7), between(landmark(9), landmark(10)))
    points["CMC5"] = between(landmark(14), landmark(13), 1.25)  # its landmark lies on the ring finger's side
    points["triquetrum"] = between(landmark(6), landmark(13), 0.35)
    points["pisiform"] = between(landmark(6), landmark(13), 0.25)  # in front of the triquetrum
    points["trapezium"] = between(landmark(12), landmark(17))
    points["trapezoid"] = between(landmark(11), landmark(16))
    points["capitate"] = between(landmark(10), between(landmark(14), landmark(15)))
    points["hamate"] = between(landmark(9), between(landmark(13), landmark(14)))

    across = landmark(4) - landmark(0)
    down = np.array([-across[1], across[0]]) / np.hypot(*across)  # along the forearm, proximally
    radius, ulna = between(landmark(3), landmark(4)), between(landmark(0), landmark(2))
    # the radius ends midway to its styloid's tip, the ulna's head a quarter short of its own
    for bone, middle, styloid, share in (("radius", radius, landmark(5), 0.5), ("ulna", ulna, landmark(1), 0.75)):
        points[bone] = middle + share * down * float((styloid - middle) @ down)
        points[f"{bone}_shaft"] = points[bone] + _FOREARM_MM * down
    return points


def _apart(points: Mapping[str, Array]) -> bool:
    """Return whether neighbouring rays keep the minimum distance beyond the metacarpophalangeal joints."""
    lines = []
    for names in _RAY_POINTS.values():
        corners = np.stack([points[name] for name in names[1:]])
        steps = np.linspace(0, len(corners) - 1, 4 * len(corners))
        lines.append(np.stack([np.interp(steps, np.arange(len(corners)), corners[:, axis]) for axis in (0, 1)], axis=1))
    nearest = (np.linalg.norm(a[:, None] - b[None], axis=-1).min() for a, b in pairwise(lines))
    return all(distance >= _MIN_GAP_MM for distance in nearest)
