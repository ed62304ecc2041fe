"""Simulate radiographs of feet: a film that looks like a hand and is none.

A foot has the five rays of a hand, two phalanges in the first and three in the others. Its metatarsals are long and
nearly parallel, its phalanges short, and its first ray lies beside the others and is the thickest. So the simulator of
hands draws it, with other lengths, directions and widths. Bones of the midfoot and the hindfoot are blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.radiograph import Radiograph
from napari_jsn.simulation.exposure import radiograph_artefacts as artefacts
from napari_jsn.simulation.exposure.bone_projector import BoneProjector
from napari_jsn.simulation.exposure.detector import Detector, expose, store
from napari_jsn.simulation.patient import SimulatedPatient, ray_points
from napari_jsn.simulation.shapes.hand_bones import carpal_bone, draw_bone
from napari_jsn.simulation.shapes.pose import BoneAngles, RadiographTransform
from napari_jsn.simulation.shapes.skeleton import Skeleton
from napari_jsn.simulation.visit import Disease, Positioning, pose_hand, posed_rays

Array = NDArray[np.float64]

#: Bases of the metatarsals, ``(x, y)`` in mm: x towards the great toe, y towards the heel.
_BASES = {1: (17.0, 0.0), 2: (3.0, 3.0), 3: (-9.0, 1.0), 4: (-19.0, -1.0), 5: (-29.0, -3.0)}
#: Lengths of metatarsal and phalanges in mm, and the direction of the metatarsal in degrees towards the great toe.
_LENGTHS = {
    1: (62.0, 33.0, 25.0),
    2: (74.0, 28.0, 13.0, 10.0),
    3: (70.0, 26.0, 11.0, 10.0),
    4: (69.0, 24.0, 9.0, 10.0),
    5: (67.0, 22.0, 8.0, 9.0),
}
_DIRECTION_DEG = {1: 5.0, 2: 0.0, 3: -4.0, 4: -8.0, 5: -12.0}
#: Width of a ray's bones as a factor of a hand's.
_WIDTH = {1: 1.3, 2: 0.9, 3: 0.88, 4: 0.9, 5: 0.95}
#: Bones of the midfoot and hindfoot by the carpal bone that each replaces: middle; length, width and depth.
_TARSALS = {
    "trapezium": ((17.0, 14.0), (24.0, 20.0, 24.0)),  # medial cuneiform
    "trapezoid": ((4.0, 14.0), (18.0, 16.0, 20.0)),
    "capitate": ((-7.0, 13.0), (22.0, 16.0, 20.0)),
    "hamate": ((-23.0, 17.0), (34.0, 26.0, 24.0)),  # cuboid
    "scaphoid": ((9.0, 32.0), (18.0, 38.0, 26.0)),  # navicular
    "lunate": ((8.0, 58.0), (44.0, 36.0, 34.0)),  # talus
    "triquetrum": ((-14.0, 62.0), (66.0, 34.0, 38.0)),  # calcaneus
}


@dataclass(frozen=True)
class SimulatedFoot:
    """The radiograph of a left foot, toes up, or of a right one.

    Attributes
    ----------
    radiograph : Radiograph
    points : (14, 2) array
        ``(x, y)`` in pixels of the joints that lie where those of :data:`napari_jsn.anatomy.JOINTS` lie in a hand.
    right : bool
        Whether the great toe is on the left, as the thumb of a right hand.
    """

    radiograph: Radiograph
    points: Array = field(repr=False)
    right: bool


def simulate_feet(
    count: int, seed: int = 0, shape: tuple[int, int] = (500, 340), spacing_mm: float = 0.48, mirror: bool = True
) -> Iterator[SimulatedFoot]:
    """Simulate radiographs of feet, one per person.

    Parameters
    ----------
    count : int
    seed : int
        Draws everything; a foot does not depend on their number.
    shape : (int, int)
        Rows and columns.
    spacing_mm : float
        Pixel pitch of the detector.
    mirror : bool
        Draw half of them as right feet.

    Examples
    --------
    >>> from napari_jsn.simulation.foot import simulate_feet
    >>> next(simulate_feet(1, seed=3)).radiograph.shape
    (500, 340)
    """
    for number in range(count):
        yield _draw_foot(np.random.default_rng([int(seed), 11, number]), shape, spacing_mm, mirror)


def _draw_foot(rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float, mirror: bool) -> SimulatedFoot:
    patient = _foot(rng)
    right = bool(mirror and rng.random() < 0.5)
    device = Detector.draw(rng)
    transform = RadiographTransform(float(rng.normal(0, 5.0)), (0.0, 0.0), device.magnification, right)
    rays = [ray_points(patient.skeleton.points, ray) for ray in anatomy.RAYS]
    outline = transform.points(np.concatenate(rays))
    low, high = outline.min(0), outline.max(0)
    extent = np.array(shape[::-1]) * spacing_mm
    # the forefoot lies in the middle; the heel may be cut off
    middle = extent / 2 + rng.normal(0, 0.04, 2) * extent - (0.0, rng.uniform(0.0, 0.1) * extent[1])
    x, y = middle - (low + high) / 2
    transform = replace(transform, translation_mm=(float(x), float(y)))
    positioning = Positioning.draw(rng, 0.6)
    posed = pose_hand(patient, positioning, Disease())
    total, _ = BoneProjector(patient, keep=False).project(posed, Disease(), transform, shape, spacing_mm)
    lines = {ray: transform.points(line) for ray, line in posed_rays(patient, posed).items()}
    points = patient.skeleton.points
    ankle = {name: transform.points(points[name]) for name in ("radius", "ulna", "radius_shaft", "ulna_shaft")}
    total += patient.soft_tissue.attenuation(lines, shape, spacing_mm, visit_rng=rng, wrist=ankle)
    total = artefacts.add_markers(total, spacing_mm, ("R" if right else "L",), rng, False)
    collimated = artefacts.draw_collimated_field(total, spacing_mm, rng)
    total = artefacts.collimate(total, spacing_mm, collimated)
    stored = store(expose(total, spacing_mm, device, rng), device.bits, False)
    pixels = stored.astype(np.float32) / np.float32(2**device.bits - 1)
    centres = np.array([transform.points(posed.joints[joint].centre[:2]) for joint in anatomy.JOINTS]) / spacing_mm
    return SimulatedFoot(Radiograph(pixels, spacing_mm / device.magnification), centres, right)


def _foot(rng: np.random.Generator) -> SimulatedPatient:
    """Draw the bones and the soft tissue of a left foot."""
    skeleton = _draw_skeleton(rng)
    patient = SimulatedPatient.draw(rng, disease=0.0, skeleton=skeleton)
    shapes = {bone: shape for bone, shape in patient.shapes.items() if bone not in ("radius", "ulna")}
    size = float(rng.normal(1.0, 0.05))
    for ray, bones in anatomy.RAYS.items():
        for bone in bones:
            shapes[bone] = draw_bone(bone, shapes[bone].length, size * _WIDTH[ray], rng)
    angles = dict(patient.rest_angles)
    for bone, (_, lengths) in _TARSALS.items():
        shapes[bone] = carpal_bone(bone, *(float(v) for v in np.array(lengths) * size))
        angles[bone] = BoneAngles(float(rng.normal(0, 8)), 0.0, 0.0)
    pisiform = carpal_bone("pisiform", 6.0, 5.0, 5.0)
    shapes["pisiform"] = pisiform
    depth = float(rng.uniform(1.2, 1.6))
    build = patient.soft_tissue.build
    build = replace(build, width=build.width * 1.05, depth=build.depth * depth, web=float(rng.uniform(0.2, 0.45)))
    return replace(
        patient,
        shapes=shapes,
        rest_angles=angles,
        sesamoids=tuple(one for one in patient.sesamoids if one.bone == "MC1"),
        soft_tissue=replace(patient.soft_tissue, build=build),
    )


def _draw_skeleton(rng: np.random.Generator) -> Skeleton:
    size = float(np.exp(rng.normal(0, 0.08)))
    splay, valgus = float(rng.normal(1.2, 0.25)), float(rng.normal(-10.0, 8.0))
    points: dict[str, Array] = {}
    for ray, base in _BASES.items():
        points[f"CMC{ray}"] = size * (np.array(base) + rng.normal(0, 0.8, 2))
        names = ("MCP1", "IP1", "TIP1") if ray == 1 else tuple(f"{kind}{ray}" for kind in ("MCP", "PIP", "DIP", "TIP"))
        direction = splay * _DIRECTION_DEG[ray] + float(rng.normal(0, 1.0))
        at = points[f"CMC{ray}"]
        toe = valgus if ray == 1 else 0.5 * valgus * (5 - ray) / 3 + float(rng.normal(0, 3.0))
        shorter = 1.0 if ray == 1 else float(rng.uniform(0.75, 1.05))  # toes are bent, so that they look shorter
        for level, (name, length) in enumerate(zip(names, _LENGTHS[ray], strict=True)):
            angle = np.deg2rad(direction + toe * min(level, 1) + (float(rng.normal(0, 3.0)) if level > 1 else 0.0))
            reach = size * length * float(np.exp(rng.normal(0, 0.04))) * (shorter if level else 1.0) + 1.2
            at = at + reach * np.array([np.sin(angle), -np.cos(angle)])
            points[name] = at
    for bone, (middle, _) in _TARSALS.items():
        points[bone] = size * np.array(middle)
    points["pisiform"] = points["hamate"] + size * np.array([-8.0, -14.0])
    points["radius"], points["ulna"] = size * np.array([8.0, 50.0]), size * np.array([-12.0, 54.0])
    down = size * np.array([0.0, 40.0])
    points["radius_shaft"], points["ulna_shaft"] = points["radius"] + down, points["ulna"] + down
    return Skeleton("F", points)
