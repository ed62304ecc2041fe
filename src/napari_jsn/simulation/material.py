"""What a bone is made of: a shell of cortex around spongy bone, denser under the joint surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.simulation import texture
from napari_jsn.simulation.bone import BoneShape, Erosion, smooth_min
from napari_jsn.simulation.projection import Slabs

#: Attenuation of compact bone beyond that of the soft tissue it displaces, per mm, at the mean energy of a hand film
#: (about 45 keV; NIST XCOM: 0.099 for cortical bone of 1.85 g/cm3, 0.026 for muscle).
COMPACT = 0.085


@dataclass(frozen=True)
class Material:
    """The substance of one bone.

    Attributes
    ----------
    cortex_mm : float
        Thickness of the cortex at the middle of the shaft.
    shell_mm : float
        Its thickness at the ends.
    plate_mm : float
        Thickness of the dense plate under the base's joint surface; that of a head has half.
    spongy : float
        Share of compact bone in the spongy bone of the ends.
    marrow : float
        The same in the middle of the shaft.
    grain : float
        Strength of the struts: 1 leaves the texture as it is, 0 is even.
    mesh : float
        Share of the struts without direction in the head.
    buried : float
        Strength of the shaft's cortex where it goes on inside the head.
    bank : int
        Which texture.
    offset : (3,) tuple of int
        Where in the texture this bone begins.
    density : float
        Factor of all mineral: less than 1 is osteopenia.
    near_joint : float
        The same for spongy bone within about 6 mm of a joint.
    remodelled : float
        Share of the struts that are others than at baseline, 0-1.
    """

    cortex_mm: float
    shell_mm: float = 0.3
    plate_mm: float = 0.55
    spongy: float = 0.28
    marrow: float = 0.06
    grain: float = 0.8
    mesh: float = 0.7
    buried: float = 0.5
    bank: int = 0
    offset: tuple[int, int, int] = (0, 0, 0)
    density: float = 1.0
    near_joint: float = 1.0
    remodelled: float = 0.0


def lay_out(
    shape: BoneShape, y_range: tuple[float, float], step_mm: float, slab_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Places x, y, z of the cells that hold the part of a bone within ``y_range`` mm, on a lattice fixed to the bone.

    The lattice does not move with ``y_range``: a part holds the same values as the whole.
    """
    first, last = shape.reach()
    first, last = max(first, y_range[0]), min(last, y_range[1])
    left, right, depth, middle = shape.profile(np.linspace(first, last, 60))

    def axis(low: float, high: float, step: float) -> NDArray[np.float64]:
        return np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step

    return (
        axis(-left.max() - step_mm, right.max() + step_mm, step_mm),
        axis(first, last, step_mm),
        axis((middle - depth).min(), (middle + depth).max(), slab_mm),
    )


def fill(
    shape: BoneShape,
    material: Material,
    erosions: tuple[Erosion, ...] = (),
    y_range: tuple[float, float] = (-1e9, 1e9),
    step_mm: float = 0.15,
    slab_mm: float = 0.5,
) -> Slabs | None:
    """Fill a bone, or the part of it within ``y_range``, with its substance.

    Returns
    -------
    Slabs
        Attenuation in excess of soft tissue.
    None
        If no bone lies within the range.
    """
    first, last = shape.reach()
    if y_range[0] >= last or y_range[1] <= first:
        return None
    x, y, z = lay_out(shape, y_range, step_mm, slab_mm)
    values = _density(shape, material, erosions, x, y, z, slab_mm)
    values *= np.float32(COMPACT * slab_mm * material.density)
    return Slabs(values, x, y, z)


def _density(
    shape: BoneShape,
    material: Material,
    erosions: tuple[Erosion, ...],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    slab_mm: float,
) -> NDArray[np.float32]:
    xs, ys, zs = (a.astype(np.float32) for a in (x[None, None, :], y[None, :, None], z[:, None, None]))
    side = shape.side_distance(xs, ys, zs)
    head, base = shape.end_distances(xs, ys, zs)
    depth = smooth_min(smooth_min(side, head, shape.rounding), base, shape.rounding)

    # how far along: 1 in the ends, 0 in the middle of the shaft
    u = np.clip(ys / shape.length, 0, 1)
    end = np.float32(1) - np.clip(1.6 * np.abs(np.sin(np.pi * u)) ** 1.5, 0, 1)
    cortex = material.cortex_mm + (material.shell_mm - material.cortex_mm) * end
    # cells are longer in depth than across, so surfaces are softened by a length between the two
    soft = np.float32(0.22 + 0.1 * slab_mm)
    solid = np.clip(depth / soft + 0.5, 0, 1)
    core = np.clip((depth - cortex) / soft + 0.5, 0, 1)

    spongy = (material.marrow + (material.spongy * material.near_joint - material.marrow) * end).astype(np.float32)
    inner = spongy * (1 + material.grain * _struts(material, u, depth.shape)) if material.grain else spongy
    # spongy bone thickens towards a joint surface, over about 2.5 mm
    inner = inner * (1 + 1.4 * np.exp(-((base / 2.4) ** 2)) + 0.35 * np.exp(-np.abs(head) * 0.6))
    plate = np.exp(-((base / material.plate_mm) ** 2)) + 0.55 * np.exp(-((head * 1.8 / material.plate_mm) ** 2))
    density = solid - core + core * np.minimum(inner + plate, 1.0)
    if material.buried:
        density += core * material.buried * _buried_cortex(shape, xs, ys, zs, head)
    for bite in erosions:
        density *= 1 - np.clip(bite.inside(xs, ys, zs) / soft + 0.5, 0, 1)
    return density.astype(np.float32)


def _buried_cortex(shape: BoneShape, x: NDArray, y: NDArray, z: NDArray, head: NDArray) -> NDArray:  # type: ignore[type-arg]
    """The shaft's side walls where they go on inside the wider head and fade, as films show them."""
    left, right, deep, _ = shape.profile(y)
    wall = np.where(x < 0, left, right) * 0.66
    near = np.exp(-(((np.abs(x) - wall) / 0.5) ** 2)) * np.exp(-((z / (0.75 * deep)) ** 4))
    return near * np.clip(head / 4.0 - 0.6, 0, 1) * np.clip((0.5 * shape.length - y) / (0.2 * shape.length), 0, 1)


def _struts(material: Material, u: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.float32]:
    size = (shape[0], shape[1], shape[2])
    mesh_share = (material.mesh * np.clip(1.5 - 3 * u, 0, 1)).astype(np.float32)

    def at(shift: int) -> NDArray[np.float32]:
        along, mesh = texture.struts(material.bank)
        a, b, c = material.offset
        start = (a + shift, b + 5 * shift, c + 11 * shift)
        return texture.cut(along, size, start) * (1 - mesh_share) + texture.cut(mesh, size, start) * mesh_share

    now = at(0)
    if material.remodelled:
        share = np.float32(material.remodelled)
        now = np.sqrt(1 - share**2) * now + share * at(17)
    return now
