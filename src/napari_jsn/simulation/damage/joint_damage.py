"""Draw what a grade looks like at one joint: narrowing and displacement, erosions, cysts, osteophytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from napari_jsn import anatomy
from napari_jsn.simulation.damage.difficulty import Difficulty
from napari_jsn.simulation.damage.notch import bone_view, breadth_at, project_erosion
from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.tissue.material import Material

#: Sums of the points of the single erosions that make a grade; an empty one is a collapsed joint.
_SUMS: dict[int, tuple[tuple[int, ...], ...]] = {
    0: ((),),
    1: ((1,),),
    2: ((2,), (1, 1)),
    3: ((3,), (2, 1), (1, 1, 1)),
    4: ((3, 1), (2, 2), (2, 1, 1)),
    5: ((), (3, 2), (2, 2, 1)),
}
#: Steps in which the size of an erosion is fitted to its visible share, seen from the front.
_FITS = 3
#: Part of the healthy space that a focal narrowing removes on its side.
_FOCAL = (0.40, 0.65)


@dataclass(frozen=True)
class Narrowing:
    """Narrowing and displacement of one joint.

    Attributes
    ----------
    left : float
        Share of the healthy width that is left in space.
    slope : float
        Slope of the base's surface across the finger, added to that of the healthy bone: focal narrowing.
    displaced_mm : (float, float, float)
        Lateral, palmar, proximal.
    deviation_deg : float
    fused : float
        Share of the joint's breadth that a bony bridge covers; 0 is none.
    """

    left: float = 1.0
    slope: float = 0.0
    displaced_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation_deg: float = 0.0
    fused: float = 0.0


def draw_narrowing(
    joint: str,
    grade: int,
    healthy_mm: float,
    shapes: Mapping[str, BoneShape],
    difficulty: Difficulty,
    rng: np.random.Generator,
) -> Narrowing:
    """Draw a narrowing of a grade.

    Grade 1 is focal or generalised, 3 narrow, in contact or subluxed, 4 fused by bone or completely luxated.
    """
    shares, kinds = difficulty.part("narrowing_shares"), difficulty.part("narrowing_kinds")
    _, lower = anatomy.bones_of(joint)
    left, right, depth, _ = (float(v) for v in shapes[lower].profile(np.array(2.0)))
    breadth = left + right
    if grade == 4:
        if rng.random() < kinds["ankylosis"]:
            return Narrowing(left=float(rng.uniform(0.0, 0.12)), fused=float(rng.uniform(0.75, 1.05)))
        return _displaced(joint, 0.5, healthy_mm, breadth, depth, True, rng)
    if grade == 3 and rng.random() < kinds["subluxation"]:
        return _displaced(joint, float(rng.uniform(0.3, 0.9)), healthy_mm, breadth, depth, False, rng)
    if grade == 3 and rng.random() < kinds["contact"]:
        return Narrowing(left=float(rng.uniform(0.0, 0.04)))
    if grade == 1 and rng.random() < kinds["focal"]:
        lost = float(rng.uniform(*_FOCAL)) * healthy_mm
        slope = float(rng.choice([-1, 1])) * lost / (0.28 * breadth)
        return Narrowing(left=float(rng.uniform(0.97, 1.03)), slope=slope)
    return Narrowing(left=float(rng.uniform(*shares[str(grade)])))


def _displaced(
    joint: str,
    left: float,
    healthy_mm: float,
    breadth: float,
    depth: float,
    complete: bool,
    rng: np.random.Generator,
) -> Narrowing:
    """Draw a subluxation or a complete luxation: to the palm with overlap, or sideways.

    MCP joints are displaced to the palm and the little finger's side, other joints to either side.
    """
    of_mcp, width_mm = joint.startswith("MCP"), left * healthy_mm
    palmar = rng.random() < (0.8 if complete else 0.6 if of_mcp else 0.4)
    sign = -1.0 if of_mcp and rng.random() < 0.9 else float(rng.choice([-1, 1]))
    if palmar:
        overlap = float(rng.uniform(4.2, 8.5) if complete else rng.uniform(1.4, 3.0))
        deep = float(rng.uniform(1.5, 2.0) if complete else rng.uniform(0.45, 0.9)) * depth
        displaced = (sign * float(rng.uniform(0.0, 0.18)) * breadth, deep, width_mm + overlap)
    else:
        lateral = float(rng.uniform(0.84, 0.95) if complete else rng.uniform(0.30, 0.46))
        displaced = (
            sign * lateral * breadth,
            float(rng.uniform(0.0, 0.4)) * depth,
            width_mm + float(rng.uniform(0.5, 5.0)) if complete else 0.0,
        )
    deviation = sign * float(rng.uniform(2, 14 if of_mcp else 9))
    return Narrowing(left=left, displaced_mm=displaced, deviation_deg=deviation)


def draw_erosions(
    joint: str,
    grade: int,
    shapes: Mapping[str, BoneShape],
    materials: Mapping[str, Material],
    difficulty: Difficulty,
    rng: np.random.Generator,
) -> list[tuple[str, Erosion]]:
    """Draw the erosions of a joint, at most one at each side and in the middle of each bone's end.

    Their extent across the bone is that of their points (:data:`_SUMS`), as it is visible from the front.
    """
    if grade == 0:
        return []
    sizes = difficulty.part("erosion_shares")
    upper, lower = anatomy.bones_of(joint)
    points = _SUMS[grade][int(rng.integers(len(_SUMS[grade])))]
    if not points:
        ends = [lower] if rng.random() < 0.5 else [lower, upper]
        collapsed = []
        for bone in ends:
            share = float(rng.uniform(*sizes["collapse"]))
            one = _collapsed(shapes[bone], bone == lower, share, difficulty, rng)
            collapsed.append((bone, fit_to_share(shapes[bone], materials[bone], (), one, share, difficulty)))
        return collapsed
    places = [(lower, -1), (lower, 1), (upper, -1), (upper, 1), (lower, 0), (upper, 0)]
    weights = np.array([1.5, 1.5, 1.0, 1.0, 0.6, 0.3])
    found: list[tuple[str, Erosion]] = []
    free = list(range(len(places)))
    for size in points:
        chosen = int(rng.choice(free, p=weights[free] / weights[free].sum()))
        bone, side = places[chosen]
        # a large erosion leaves no place for another one at the same end of the bone
        free = [k for k in free if k != chosen and (places[k][0] != bone or (size == 1 and side and places[k][1]))]
        share = float(rng.uniform(*sizes[str(size)]))
        erosion = _erosion(shapes[bone], bone == lower, side, share, difficulty, rng)
        others = tuple(one for of, one in found if of == bone)
        fitted = fit_to_share(shapes[bone], materials[bone], others, erosion, share, difficulty)
        found.append((bone, fitted))
        if not free:
            free = [k for k, (of, _) in enumerate(places) if of != bone]
    return found


def _erosion(
    shape: BoneShape, distal: bool, side: int, share: float, difficulty: Difficulty, rng: np.random.Generator
) -> Erosion:
    """Draw a marginal (side -1 or 1) or central (0) erosion of this share of the joint surface's breadth."""
    inwards = float(rng.uniform(0.4, 2.8) if side else rng.uniform(0.0, 0.8)) * (1.0 if share < 0.3 else 0.5)
    y = inwards if distal else shape.length - 0.6 * inwards
    left, right, depth, middle = (float(v) for v in shape.profile(np.array(y)))
    breadth = left + right
    reach = share * breadth * (1.0 if side else 0.5)
    x = side * (right if side > 0 else left) if side else float(rng.uniform(-0.3, 0.3)) * left
    along = float(np.clip(reach * rng.uniform(0.6, 1.1), 0.8, 4.0))
    deep = float(rng.uniform(0.5, 0.9)) * depth * (1.0 if share > 0.25 else 0.8)
    z = middle + float(rng.uniform(-0.25, 0.25)) * depth
    if not side:
        y += 0.0 if not distal else float(shape.head.across(np.array(x)))
    return Erosion((x, y, z), (reach, along, max(deep, 0.8)), *_surface(difficulty, rng))


def _collapsed(
    shape: BoneShape, distal: bool, share: float, difficulty: Difficulty, rng: np.random.Generator
) -> Erosion:
    """Draw the loss of a whole joint surface."""
    y = 0.0 if distal else shape.length
    left, right, depth, middle = (float(v) for v in shape.profile(np.array(y)))
    radii = (share * 0.9 * (left + right), float(rng.uniform(1.8, 3.5)), 1.25 * depth)
    x = float(rng.uniform(-0.08, 0.08)) * left
    rim, rough, phase = _surface(difficulty, rng)
    return Erosion((x, y, middle), radii, rim, 1.7 * rough, phase)


def _surface(difficulty: Difficulty, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw rim, roughness and phase."""
    rim = float(rng.uniform(0.25, 0.6)) if rng.random() < difficulty.part("sclerotic_rim")["share"] else 0.0
    return rim, float(rng.uniform(0.08, 0.2)), float(rng.uniform(0, 6.28))


def fit_to_share(
    shape: BoneShape,
    material: Material,
    others: tuple[Erosion, ...],
    erosion: Erosion,
    share: float,
    difficulty: Difficulty,
) -> Erosion:
    """Return the erosion with the size at which its visible share is the given one, seen from the front."""
    pose, image, spacing = bone_view(shape)
    least = float(difficulty.part("visibility")["erosion_nepers"])
    for _ in range(_FITS):
        all_ = (*others, erosion)
        visible = project_erosion(shape, material, all_, len(others), pose, image, spacing, least).share
        if abs(visible - share) < 0.02:
            break
        factor = float(np.clip((share + 0.05) / (visible + 0.05), 0.6, 1.7))
        rx, ry, rz = erosion.radii
        limit = 1.3 * breadth_at(shape, erosion)
        erosion = replace(
            erosion,
            radii=(
                min(rx * factor, limit),
                min(ry * max(factor, 1.0) ** 0.5, 5.0),
                min(rz * max(factor, 1.0) ** 0.5, limit),
            ),
        )
    return erosion


def draw_cyst(shape: BoneShape, distal: bool, rng: np.random.Generator) -> Erosion:
    """Draw a cyst below an intact joint surface, which readers do not count."""
    radius = float(rng.uniform(0.8, 1.5))
    below = radius + float(rng.uniform(0.8, 2.0))
    y = below if distal else shape.length - below
    left, _, depth, middle = (float(v) for v in shape.profile(np.array(y)))
    x = float(rng.uniform(-0.5, 0.5)) * left
    y += float(shape.head.across(np.array(x))) if distal else 0.0
    return Erosion(
        (x, y, middle), (radius, radius * float(rng.uniform(0.8, 1.2)), min(1.6 * radius, 0.7 * depth)),
        float(rng.uniform(0.2, 0.6)), 0.08, float(rng.uniform(0, 6.28)), counted=False,
    )  # fmt: skip


def draw_osteophytes(shape: BoneShape, distal: bool, rng: np.random.Generator) -> list[Erosion]:
    """Draw osteophytes at one or both margins of a joint surface."""
    found = []
    for side in (-1, 1):
        if rng.random() < 0.35:
            continue
        y = float(rng.uniform(0.8, 1.6)) if distal else shape.length - float(rng.uniform(0.2, 0.8))
        left, right, depth, middle = (float(v) for v in shape.profile(np.array(y)))
        out = float(rng.uniform(0.4, 0.9))
        x = side * ((right if side > 0 else left) - 1.2 + out)
        radii = (1.2, float(rng.uniform(0.7, 1.2)), 0.7 * depth)
        found.append(Erosion((x, y, middle), radii, counted=False))
    return found
