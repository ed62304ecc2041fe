"""Simulated patients: the anatomy and the joint space widths of a hand at baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.simulation.shapes.bone import BoneShape
from napari_jsn.simulation.shapes.growth import Growth
from napari_jsn.simulation.shapes.hand_bones import FIRST_BONES, carpal_bone, draw_bone, forearm_bone
from napari_jsn.simulation.shapes.joint_space import Sex, draw_sex, draw_widths
from napari_jsn.simulation.shapes.pose import BoneAngles
from napari_jsn.simulation.shapes.skeleton import Skeleton, draw_skeleton
from napari_jsn.simulation.tissue.material import Material, draw_material
from napari_jsn.simulation.tissue.soft_tissue import SoftTissue

#: Gap between a metacarpal's base and the landmark of its joint with the wrist, in mm.
_CMC_GAP_MM = 1.0
#: Length, width and depth of the carpals in mm, and their rotation in degrees; the landmarks give their middles only.
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
    """A small bone that moves with the bone it lies in front of.

    Attributes
    ----------
    shape : BoneShape
    bone : str
        The bone it moves with.
    position_mm : (float, float, float)
        In the frame of that bone.
    """

    shape: BoneShape
    bone: str
    position_mm: tuple[float, float, float]


@dataclass(frozen=True)
class SimulatedPatient:
    """Anatomy of one hand, as a left hand.

    Attributes
    ----------
    sex : {"F", "M"}
    skeleton : Skeleton
        Joint points in the plane, in mm.
    shapes, materials : mapping of bone to BoneShape and Material
    rest_angles : mapping of bone to BoneAngles
        Orientation of each bone in the hand at rest, flat on the detector.
    jsw_mm : mapping of joint to float
        Joint space widths at baseline, narrowed by the disease before it.
    healthy_jsw_mm : mapping of joint to float
        Joint space widths before the disease.
    sesamoids : tuple of Sesamoid
    soft_tissue : SoftTissue
    """

    sex: Sex
    skeleton: Skeleton = field(repr=False)
    shapes: Mapping[str, BoneShape] = field(repr=False)
    materials: Mapping[str, Material] = field(repr=False)
    rest_angles: Mapping[str, BoneAngles] = field(repr=False)
    jsw_mm: Mapping[str, float] = field(repr=False)
    healthy_jsw_mm: Mapping[str, float] = field(repr=False)
    sesamoids: tuple[Sesamoid, ...] = field(repr=False)
    soft_tissue: SoftTissue = field(repr=False)

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        disease: float | None = None,
        hand_rng: np.random.Generator | None = None,
        skeleton: Skeleton | None = None,
        widths_of: Callable[[np.random.Generator, Sex], dict[str, float]] = draw_widths,
        bones: int = FIRST_BONES,
        growth_of: Callable[[Sex], Growth] | None = None,
    ) -> SimulatedPatient:
        """Draw a patient.

        Parameters
        ----------
        rng : numpy.random.Generator
        disease : float, optional
            Severity of the narrowing before baseline, 0 to 1; drawn by default, mostly small.
        hand_rng : numpy.random.Generator, optional
            Draws what differs between a patient's two hands; ``rng`` draws what they share.
        skeleton : Skeleton, optional
            Drawn by default.
        widths_of : callable
            Draws the healthy joint space widths from a generator and the sex.
        bones : int
            Version of the outlines and the trabeculae; the same draws are made in every version.
        growth_of : callable, optional
            Returns how far a hand of this sex still has to grow; by default it is full-grown.
        """
        # one stream each, so that a change of one part leaves the others as they are
        streams = dict(zip(("person", "skeleton", "width", "shape", "material", "rest"), rng.spawn(6), strict=True))
        if hand_rng is not None:
            streams |= dict(zip(("shape", "material", "rest"), hand_rng.spawn(3), strict=True))
        person = streams["person"]
        sex = draw_sex(person)
        growth = growth_of(sex) if growth_of else Growth()
        skeleton = (skeleton or draw_skeleton(streams["skeleton"], sex)).scaled(growth.size)
        healthy = {joint: width * growth.width for joint, width in widths_of(streams["width"], sex).items()}
        severity = person.beta(1.0, 5.0) if disease is None else disease
        lost = {joint: float(np.clip(streams["width"].beta(1.0, 4.0) * 2 * severity, 0, 0.85)) for joint in healthy}
        widths = {joint: healthy[joint] * (1 - lost[joint]) for joint in healthy}
        size = (1.0 if sex == "F" else 1.06) * (1 + 0.04 * float(np.clip(person.standard_normal(), -2, 2)))
        size *= growth.size
        density = float(np.clip(person.normal(1.0, 0.13), 0.7, 1.3))
        texture_seed = int(person.integers(0, 2))

        shapes: dict[str, BoneShape] = {}
        rest_angles: dict[str, BoneAngles] = {}
        palm_roll, rest = streams["rest"].normal(0, 4.0), streams["rest"]
        for ray in anatomy.RAYS:
            chain = ray_points(skeleton.points, ray)
            gaps = [_CMC_GAP_MM, *(widths[joint] / 2 for joint in _joints_of(ray)), 0.0]
            for level, bone in enumerate(anatomy.RAYS[ray]):
                along = chain[level] - chain[level + 1]
                length = float(np.hypot(*along)) - gaps[level] - gaps[level + 1]
                shapes[bone] = draw_bone(bone, length, size, streams["shape"], bones)
                rest_angles[bone] = BoneAngles(
                    rotation_deg=float(np.rad2deg(np.arctan2(-along[0], along[1]))),
                    flexion_deg=float(rest.normal(0, 4.0)) + (0.0 if level else 3.0),
                    roll_deg=float(palm_roll + rest.normal(0, 4.0)),
                )
        materials = {bone: draw_material(bone, density, texture_seed, streams["material"], bones) for bone in shapes}
        wrist = _draw_wrist(skeleton, size, streams["shape"], growth.carpal_size)
        for bone, (shape, angles) in wrist.items():
            shapes[bone], rest_angles[bone] = shape, angles
            material = draw_material("MC3", density, texture_seed, streams["material"])
            cortex = 2.0 if bone in ("radius", "ulna") else 0.5
            shaft_fraction = 0.1 if cortex > 1 else 0.22
            materials[bone] = replace(material, cortex_mm=cortex, inner_cortex=0.0, shaft_fraction=shaft_fraction)
        sesamoids = _draw_sesamoids(shapes, streams["shape"]) if growth.has_sesamoids else ()
        if growth.left:
            plates = np.random.default_rng(streams["rest"].integers(2**32))
            shapes = {
                bone: shape if bone in _CARPALS else growth.grown(shape, plates) for bone, shape in shapes.items()
            }
        for one in sesamoids:
            material = draw_material("MC1", density, texture_seed, streams["material"])
            materials[one.shape.name] = replace(material, cortex_mm=0.35, inner_cortex=0.0, shaft_fraction=0.25)
        soft_tissue = SoftTissue.draw(streams["material"])
        return cls(sex, skeleton, shapes, materials, rest_angles, widths, healthy, sesamoids, soft_tissue)


def ray_points(points: Mapping[str, NDArray[np.float64]], ray: int) -> NDArray[np.float64]:
    """Return the (k, 2) joint points of a ray, from the wrist to the tip."""
    middle = ("MCP", "IP") if ray == 1 else ("MCP", "PIP", "DIP")
    return np.array([points[f"{name}{ray}"] for name in ("CMC", *middle, "TIP")])


def _joints_of(ray: int) -> list[str]:
    return [joint for joint in anatomy.JOINTS if int(joint[-1]) == ray]


def _draw_wrist(
    skeleton: Skeleton, size: float, rng: np.random.Generator, carpal_size: float
) -> dict[str, tuple[BoneShape, BoneAngles]]:
    """Draw shape and orientation of the carpals, the radius and the ulna."""
    bones: dict[str, tuple[BoneShape, BoneAngles]] = {}
    for name, (long, wide, deep, rotation) in _CARPALS.items():
        factor = carpal_size * size * (1 + 0.05 * np.clip(rng.standard_normal(3), -2, 2))
        shape = carpal_bone(name, *(float(v) for v in np.multiply((long, wide, deep), factor)))
        angles = BoneAngles(rotation + float(rng.normal(0, 5)), float(rng.normal(0, 8)), float(rng.normal(0, 8)))
        bones[name] = shape, angles
    for name in ("radius", "ulna"):
        along = skeleton.points[f"{name}_shaft"] - skeleton.points[name]
        bones[name] = (
            forearm_bone(name, 90.0, size),
            BoneAngles(float(np.rad2deg(np.arctan2(-along[0], along[1]))), 0.0, float(rng.normal(0, 4))),
        )
    return bones


def _draw_sesamoids(shapes: Mapping[str, BoneShape], rng: np.random.Generator) -> tuple[Sesamoid, ...]:
    """Draw two sesamoids in front of the head of MC1, and in some hands those of MC2 and MC5 (Yammine 2014)."""
    sesamoids = []
    for bone, sides, probability in (("MC1", (-1, 1), 1.0), ("MC2", (-1,), 0.48), ("MC5", (1,), 0.82)):
        if rng.random() > probability:
            continue
        left, _, depth, _ = shapes[bone].profile(np.array(4.0))
        for side in sides:
            across = side * float(left) * rng.uniform(0.55, 1.0)
            long, wide, deep = rng.uniform(3.5, 5.5), rng.uniform(3.0, 4.5), rng.uniform(2.5, 4.0)
            name = f"sesamoid {bone}{'-' if side < 0 else '+'}"
            position = (across, float(rng.uniform(1.0, 5.0)), float(depth) + deep / 2)
            sesamoids.append(Sesamoid(carpal_bone(name, long, wide, deep), bone, position))
    return tuple(sesamoids)
