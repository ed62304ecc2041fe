"""A simulated patient: the hand's anatomy, drawn once, and its joints' health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.simulation.shapes.bone import BoneShape
from napari_jsn.simulation.shapes.joint_space import Sex, draw_sex, draw_widths
from napari_jsn.simulation.shapes.material import Material
from napari_jsn.simulation.shapes.pose import Angles
from napari_jsn.simulation.shapes.sizes import carpal, draw_bone, draw_material, forearm
from napari_jsn.simulation.shapes.skeleton import Skeleton, draw_skeleton
from napari_jsn.simulation.tissue.soft_tissue import Tissue

#: Gap between a metacarpal's base and the landmark of its joint with the wrist, in mm.
_CMC_GAP_MM = 1.0
#: Depth, width and length of carpals in mm; the landmarks give their middles only.
_CARPALS = {
    "scaphoid": (24.0, 13.0, 13.0, -35.0),
    "lunate": (15.0, 16.0, 16.0, 10.0),
    "triquetrum": (16.0, 15.0, 14.0, 40.0),
    "pisiform": (12.0, 10.0, 10.0, 0.0),
    "trapezium": (16.0, 17.0, 15.0, -40.0),
    "trapezoid": (14.0, 14.0, 15.0, -10.0),
    "capitate": (25.0, 15.0, 17.0, 3.0),
    "hamate": (21.0, 16.0, 16.0, 12.0),
}


@dataclass(frozen=True)
class Sesamoid:
    """A small bone that moves with the head it lies before: ``bone``, and its place there in mm."""

    shape: BoneShape
    bone: str
    place: tuple[float, float, float]


@dataclass(frozen=True)
class SimulatedPatient:
    """The anatomy of one hand, as a left one.

    Attributes
    ----------
    sex : {"F", "M"}
    skeleton : Skeleton
        Points of the joints in the plane, in mm.
    shapes, materials : mapping of bone to BoneShape and Material
    resting : mapping of bone to Angles
        How each bone is turned when the hand lies flat: its direction in the plane, its slope, its roll.
    widths_mm : mapping of joint to float
        Joint space widths at baseline, what illness took before then included.
    healthy_mm : mapping of joint to float
        What they were in health.
    sesamoids : tuple of Sesamoid
    tissue : Tissue
    """

    sex: Sex
    skeleton: Skeleton = field(repr=False)
    shapes: Mapping[str, BoneShape] = field(repr=False)
    materials: Mapping[str, Material] = field(repr=False)
    resting: Mapping[str, Angles] = field(repr=False)
    widths_mm: Mapping[str, float] = field(repr=False)
    healthy_mm: Mapping[str, float] = field(repr=False)
    sesamoids: tuple[Sesamoid, ...] = field(repr=False)
    tissue: Tissue = field(repr=False)

    @classmethod
    def draw(
        cls, rng: np.random.Generator, disease: float | None = None, hand_rng: np.random.Generator | None = None
    ) -> SimulatedPatient:
        """Draw a patient.

        Parameters
        ----------
        rng : numpy.random.Generator
        disease : float, optional
            How much of the joint spaces illness has taken before baseline, 0 to 1; drawn by default, mostly little.
        hand_rng : numpy.random.Generator, optional
            Draws what differs between a patient's two hands, where ``rng`` draws what they share.
        """
        streams = dict(zip(("person", "skeleton", "width", "shape", "substance", "rest"), rng.spawn(6), strict=True))
        if hand_rng is not None:
            streams |= dict(zip(("shape", "substance", "rest"), hand_rng.spawn(3), strict=True))
        person = streams["person"]
        sex = draw_sex(person)
        skeleton = draw_skeleton(streams["skeleton"], sex)
        healthy = draw_widths(streams["width"], sex)
        spread = person.beta(1.0, 5.0) if disease is None else disease
        lost = {joint: float(np.clip(streams["width"].beta(1.0, 4.0) * 2 * spread, 0, 0.85)) for joint in healthy}
        widths = {joint: healthy[joint] * (1 - lost[joint]) for joint in healthy}
        size = (1.0 if sex == "F" else 1.06) * (1 + 0.04 * float(np.clip(person.standard_normal(), -2, 2)))
        density = float(np.clip(person.normal(1.0, 0.13), 0.7, 1.3))
        bank = int(person.integers(0, 2))

        shapes: dict[str, BoneShape] = {}
        resting: dict[str, Angles] = {}
        palm_roll, rest = streams["rest"].normal(0, 4.0), streams["rest"]
        for ray in anatomy.RAYS:
            chain = ray_points(skeleton.points, ray)
            gaps = [_CMC_GAP_MM, *(widths[joint] / 2 for joint in _joints_of(ray)), 0.0]
            for level, bone in enumerate(anatomy.RAYS[ray]):
                along = chain[level] - chain[level + 1]
                length = float(np.hypot(*along)) - gaps[level] - gaps[level + 1]
                shapes[bone] = draw_bone(bone, length, size, streams["shape"])
                resting[bone] = Angles(
                    turn_deg=float(np.rad2deg(np.arctan2(-along[0], along[1]))),
                    flexion_deg=float(rest.normal(0, 4.0)) + (0.0 if level else 3.0),
                    roll_deg=float(palm_roll + rest.normal(0, 4.0)),
                )
        materials = {bone: draw_material(bone, density, bank, streams["substance"]) for bone in shapes}
        wrist = _wrist(skeleton, size, streams["shape"])
        for bone, (shape, angles) in wrist.items():
            shapes[bone], resting[bone] = shape, angles
            made = draw_material("MC3", density, bank, streams["substance"])
            cortex = 2.0 if bone in ("radius", "ulna") else 0.5
            materials[bone] = replace(made, cortex_mm=cortex, buried=0.0, marrow=0.1 if cortex > 1 else 0.22)
        sesamoids = _sesamoids(shapes, streams["shape"])
        for one in sesamoids:
            made = draw_material("MC1", density, bank, streams["substance"])
            materials[one.shape.name] = replace(made, cortex_mm=0.35, buried=0.0, marrow=0.25)
        return cls(
            sex, skeleton, shapes, materials, resting, widths, healthy, sesamoids, Tissue.draw(streams["substance"])
        )


def ray_points(points: Mapping[str, NDArray[np.float64]], ray: int) -> NDArray[np.float64]:
    """(k, 2) points of a ray, from the wrist to the tip."""
    middle = ("MCP", "IP") if ray == 1 else ("MCP", "PIP", "DIP")
    return np.array([points[f"{name}{ray}"] for name in ("CMC", *middle, "TIP")])


def _joints_of(ray: int) -> list[str]:
    return [joint for joint in anatomy.JOINTS if int(joint[-1]) == ray]


def _wrist(skeleton: Skeleton, size: float, rng: np.random.Generator) -> dict[str, tuple[BoneShape, Angles]]:
    bones: dict[str, tuple[BoneShape, Angles]] = {}
    for name, (long, wide, deep, turn) in _CARPALS.items():
        factor = size * (1 + 0.05 * np.clip(rng.standard_normal(3), -2, 2))
        shape = carpal(name, *(float(v) for v in np.multiply((long, wide, deep), factor)))
        bones[name] = shape, Angles(turn + float(rng.normal(0, 5)), float(rng.normal(0, 8)), float(rng.normal(0, 8)))
    for name in ("radius", "ulna"):
        along = skeleton.points[f"{name}_shaft"] - skeleton.points[name]
        bones[name] = (
            forearm(name, 90.0, size),
            Angles(float(np.rad2deg(np.arctan2(-along[0], along[1]))), 0.0, float(rng.normal(0, 4))),
        )
    return bones


def _sesamoids(shapes: Mapping[str, BoneShape], rng: np.random.Generator) -> tuple[Sesamoid, ...]:
    """Two before the thumb's head in everyone; before the index and little finger's in some (Yammine 2014)."""
    found = []
    for bone, sides, chance in (("MC1", (-1, 1), 1.0), ("MC2", (-1,), 0.48), ("MC5", (1,), 0.82)):
        if rng.random() > chance:
            continue
        left, _, depth, _ = shapes[bone].profile(np.array(4.0))
        for side in sides:
            across = side * float(left) * rng.uniform(0.55, 1.0)
            long, wide, deep = rng.uniform(3.5, 5.5), rng.uniform(3.0, 4.5), rng.uniform(2.5, 4.0)
            name = f"sesamoid {bone}{'-' if side < 0 else '+'}"
            place = (across, float(rng.uniform(1.0, 5.0)), float(depth) + deep / 2)
            found.append(Sesamoid(carpal(name, long, wide, deep), bone, place))
    return tuple(found)
