"""Damage that changes the attenuation of the whole joint: bony bridges, swelling, implants."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn import anatomy
from napari_jsn.simulation.damage.hand_damage import HandDamage
from napari_jsn.simulation.shapes.joint_chain import PosedHand
from napari_jsn.simulation.shapes.pose import RadiographTransform
from napari_jsn.simulation.tissue.soft_tissue import MUSCLE

Pixels = NDArray[np.float32]
Rays = Mapping[int, NDArray[np.float64]]

#: Half the length of the former joint that a bridge replaces, over the breadth of the joint.
_BRIDGE = 0.28
#: Share of the former joint that stays visible.
_REMNANT = 0.12
#: Attenuation of metal and of silicone in excess of soft tissue, per mm.
_METAL_PER_MM, _SILICONE_PER_MM = 0.9, 0.03


def add_bridges(
    bones: Pixels, damage: HandDamage, hand: PosedHand, transform: RadiographTransform, spacing_mm: float
) -> None:
    """Replace the space of fused joints by bone that continues from one bone to the other, in place.

    Parameters
    ----------
    bones : (H, W) float32 array
        Attenuation of the bones.
    damage : HandDamage
    hand : PosedHand
    transform : RadiographTransform
    spacing_mm : float
    """
    for joint, one in damage.narrowings.items():
        if not one.fused or any(bone in damage.hidden for bone in anatomy.bones_of(joint)):
            continue
        frame = _frame(bones.shape, damage, joint, hand, transform, spacing_mm, 1.6)
        if frame is None:
            continue
        box, along, across, breadth = frame
        half = _BRIDGE * breadth
        here = bones[box]
        centre = _pixels(hand, joint, transform, spacing_mm) - [box[1].start, box[0].start]
        axis = _axis(hand, joint, transform)
        scale = transform.magnification / spacing_mm

        share = np.clip((along + half) / (2 * half), 0, 1)
        first, last = (
            sum(_at(here, centre, axis, scale, sign * reach * half, across) for reach in (1.0, 1.3)) / 2
            for sign in (-1, 1)
        )
        bridge = (1 - share) * first + share * last
        rough = here - ndimage.gaussian_filter(here, 0.8 / spacing_mm)
        bridge += 0.6 * np.clip(rough, -0.06, 0.06)
        inside = _soft_step(half - np.abs(along), 0.25 * half)
        inside *= _soft_step(one.fused * breadth / 2 - np.abs(across), 0.8)
        here += (1 - _REMNANT) * inside * (bridge - here)


def add_swelling(
    soft: Pixels, damage: HandDamage, hand: PosedHand, transform: RadiographTransform, spacing_mm: float
) -> None:
    """Add fusiform swelling of soft tissue around joints, in place."""
    for joint in sorted(damage.swollen):  # the order of a set differs from run to run, and swellings overlap
        frame = _frame(soft.shape, damage, joint, hand, transform, spacing_mm, 2.6)
        if frame is None or any(bone in damage.hidden for bone in anatomy.bones_of(joint)):
            continue
        box, along, across, breadth = frame
        wide, long, deep = 0.86 * breadth, 1.8 * breadth, 1.35 * breadth
        chord = deep * np.sqrt(np.clip(1 - (across / wide) ** 2 - (along / long) ** 2, 0, None))
        swollen = np.float32(MUSCLE) * chord
        here = soft[box]
        # a smooth union: the skin has no edge where the swelling begins
        here[...] = 0.5 * (here + swollen + np.sqrt((here - swollen) ** 2 + 1e-3)) - 0.5 * np.sqrt(1e-3)
        np.clip(here, 0, None, out=here)


def add_implants(
    total: Pixels, damage: HandDamage, hand: PosedHand, transform: RadiographTransform, spacing_mm: float
) -> None:
    """Add implants in place: a screw or wire across a fused joint, or a silicone hinge with its two stems."""
    for joint in sorted(damage.implants):
        frame = _frame(total.shape, damage, joint, hand, transform, spacing_mm, 3.0)
        if frame is None or any(bone in damage.hidden for bone in anatomy.bones_of(joint)):
            continue
        box, along, across, breadth = frame
        if joint.startswith("MCP"):
            half = 0.16 * breadth * np.clip(1 - np.abs(along) / (2.2 * breadth), 0.25, 1)
            half = np.where(np.abs(along) < 0.3 * breadth, 0.38 * breadth, half)
            inside = np.clip((half - np.abs(across)) / 0.3 + 0.5, 0, 1) * (np.abs(along) < 2.0 * breadth)
            total[box] += _SILICONE_PER_MM * 0.6 * breadth * inside
            continue
        radius = 0.09 * breadth
        chord = 2 * np.sqrt(np.clip(radius**2 - (across + 0.08 * along) ** 2, 0, None))
        thread = 1 + 0.25 * np.sign(np.sin(along * 5.0))
        total[box] += _METAL_PER_MM * chord * thread * (np.abs(along) < 1.5 * breadth)


def amputated(rays: Rays, damage: HandDamage) -> dict[int, NDArray[np.float64]]:
    """Return the points of the rays with the skin of missing bones drawn back to a stump."""
    shown = {ray: np.array(points) for ray, points in rays.items()}
    for ray, bones in anatomy.RAYS.items():
        first = next((k for k, bone in enumerate(bones) if bone in damage.hidden), None)
        if first is None:
            continue
        points = shown[ray]
        step = points[first] - points[first - 1]
        step /= np.hypot(*step)
        for k in range(first + 1, len(points)):
            points[k] = points[first] + step * 2.5 * (k - first)
    return shown


def _at(
    image: Pixels,
    centre: NDArray[np.float64],
    axis: NDArray[np.float64],
    scale: float,
    along_mm: float,
    across: Pixels,
) -> Pixels:
    """Return the image at one distance along a joint's axis, at every pixel's position across it."""
    x = centre[0] + scale * (along_mm * axis[0] + across * axis[1])
    y = centre[1] + scale * (along_mm * axis[1] - across * axis[0])
    return np.asarray(ndimage.map_coordinates(image, np.stack([y, x]), order=1, mode="nearest"), np.float32)


def _soft_step(inside: NDArray[np.floating], width: float) -> Pixels:
    share = np.clip(inside / np.float32(width) * np.float32(0.5) + np.float32(0.5), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _pixels(hand: PosedHand, joint: str, transform: RadiographTransform, spacing_mm: float) -> NDArray[np.float64]:
    return transform.points(hand.joints[joint].centre[:2]) / spacing_mm


def _axis(hand: PosedHand, joint: str, transform: RadiographTransform) -> NDArray[np.float64]:
    axis = transform.linear @ hand.joints[joint].axis[:2]
    return np.asarray(axis / np.hypot(*axis))


def _frame(
    shape: tuple[int, ...],
    damage: HandDamage,
    joint: str,
    hand: PosedHand,
    transform: RadiographTransform,
    spacing_mm: float,
    reach: float,
) -> tuple[tuple[slice, slice], Pixels, Pixels, float] | None:
    """Return the box around a joint, and there the positions along and across its axis in mm, and its breadth."""
    left, right, _, _ = damage.healthy.shapes[anatomy.bones_of(joint)[1]].profile(np.array(2.0))
    breadth = float(left + right)
    centre, axis = _pixels(hand, joint, transform, spacing_mm), _axis(hand, joint, transform)
    radius = reach * breadth * transform.magnification / spacing_mm
    first = np.maximum(np.floor(centre - radius).astype(int), 0)
    last = np.minimum(np.ceil(centre + radius).astype(int) + 1, shape[::-1])
    if (last <= first).any():
        return None
    scale = spacing_mm / transform.magnification
    x = ((np.arange(first[0], last[0]) - centre[0]) * scale).astype(np.float32)
    y = ((np.arange(first[1], last[1]) - centre[1]) * scale).astype(np.float32)[:, None]
    along = x * np.float32(axis[0]) + y * np.float32(axis[1])
    across = x * np.float32(axis[1]) - y * np.float32(axis[0])
    return (slice(first[1], last[1]), slice(first[0], last[0])), along, across, breadth
