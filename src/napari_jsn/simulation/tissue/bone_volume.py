"""A bone filled with its substance: what it takes from the beam, cell by cell.

What a bone is made of is the sum of an even part and of struts times their strength. The two do not change when bone is
remodelled, only which struts they are does; so they are worked out once and kept as the bone's mould.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.simulation.shapes.bone import BoneShape, Erosion, smooth_min
from napari_jsn.simulation.shapes.material import COMPACT, Material
from napari_jsn.simulation.shapes.projection import Slabs
from napari_jsn.simulation.tissue import trabeculae as texture

#: Marrow between the struts is fat, which takes less than the soft tissue it displaces: as a share of compact bone.
_FAT = np.float32(-0.05)

Cells = NDArray[np.float32]
Places = NDArray[np.float64]


@dataclass(frozen=True)
class Mould:
    """A bone, or a part of it, on a lattice fixed to the bone: a part holds the same cells as the whole.

    Attributes
    ----------
    x, y, z : (X,), (Y,), (Z,) float arrays
        Middles of the cells in mm.
    even : (Z, Y, X) float32 array
        Share of compact bone without struts.
    struts : (Z, Y, X) float32 array
        How much of it the struts redistribute.
    mesh : (Y,) float32 array
        Share of struts without direction.
    """

    x: Places
    y: Places
    z: Places
    even: Cells
    struts: Cells
    mesh: Cells


def make_mould(
    shape: BoneShape,
    material: Material,
    erosions: tuple[Erosion, ...] = (),
    y_range: tuple[float, float] = (-1e9, 1e9),
    x_range: tuple[float, float] = (-1e9, 1e9),
    step_mm: float = texture.STEP_MM[1],
    slab_mm: float = texture.STEP_MM[0],
) -> Mould | None:
    """Work out what does not change with the struts; None if no bone lies within ``y_range`` and ``x_range`` mm."""
    first, last = max(shape.reach[0], y_range[0]), min(shape.reach[1], y_range[1])
    if first >= last:
        return None
    x, y, z = _lattice(shape, (first, last), x_range, step_mm, slab_mm)
    if len(x) < 2:
        return None
    xs, ys, zs = (a.astype(np.float32) for a in (x[None, None, :], y[None, :, None], z[:, None, None]))
    head, base = shape.end_distances(xs, ys, zs)
    depth = smooth_min(smooth_min(shape.side_distance(xs, ys, zs), head, shape.rounding), base, shape.rounding)

    # how far along: 1 in the ends, 0 in the middle of the shaft
    u = np.clip(ys / np.float32(shape.length), 0, 1)
    end = np.float32(1) - np.clip(np.float32(1.35) * np.abs(np.sin(np.float32(np.pi) * u)) ** np.float32(2.2), 0, 1)
    cortex = np.float32(material.cortex_mm) + np.float32(material.shell_mm - material.cortex_mm) * end
    # cells are longer in depth than across, so surfaces are softened by a length between the two
    soft = np.float32(0.15 + 0.1 * slab_mm)
    solid = np.clip(depth / soft + np.float32(0.5), 0, 1)
    core = np.clip((depth - cortex) / soft + np.float32(0.5), 0, 1)

    marrow = np.float32(material.marrow)
    # spongy bone thickens towards a joint surface, over about 2 mm
    nearer = 1 + np.float32(1.3) * np.exp(-((base / np.float32(0.28 * shape.right[-2])) ** 2))
    nearer += np.float32(0.35) * np.exp(np.abs(head) * np.float32(-0.6))
    spongy = marrow + (np.float32(material.spongy * material.near_joint) - marrow) * end
    inner = spongy * nearer
    plate = np.exp(-((base / np.float32(material.plate_mm)) ** 2))
    plate += np.float32(0.55) * np.exp(-((head * np.float32(1.8 / material.plate_mm)) ** 2))
    even = solid - core + core * np.minimum(inner + plate, 1)
    if material.buried:
        even += core * np.float32(material.buried) * _buried_cortex(shape, xs, ys, zs, head)
    struts = core * (spongy * np.float32(material.grain)) * np.sqrt(np.sqrt(nearer))
    for bite in erosions:
        left = 1 - np.clip(bite.inside(xs, ys, zs) / soft + np.float32(0.5), 0, 1)
        even, struts = even * left, struts * left
    mesh = np.float32(material.mesh) * np.clip(1.5 - 3 * u[0, :, 0], 0, 1)
    return Mould(x, y, z, even.astype(np.float32), struts.astype(np.float32), mesh.astype(np.float32))


def fill(mould: Mould, material: Material) -> Slabs:
    """Attenuation of each slab in excess of soft tissue, the struts of the day included."""
    slab_mm = float(mould.z[1] - mould.z[0])
    values = mould.even
    if material.grain:
        values = np.maximum(values + mould.struts * _struts(mould, material), _FAT)
    return Slabs(values * np.float32(COMPACT * slab_mm * material.density), mould.x, mould.y, mould.z)


def _lattice(
    shape: BoneShape, y_range: tuple[float, float], x_range: tuple[float, float], step_mm: float, slab_mm: float
) -> tuple[Places, Places, Places]:
    left, right, depth, middle = shape.profile(np.linspace(*y_range, 60))

    def axis(low: float, high: float, step: float) -> Places:
        return np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step

    return (
        axis(max(-left.max() - step_mm, x_range[0]), min(right.max() + step_mm, x_range[1]), step_mm),
        axis(*y_range, step_mm),
        axis((middle - depth).min(), (middle + depth).max(), slab_mm),
    )


def _buried_cortex(shape: BoneShape, x: Cells, y: Cells, z: Cells, head: Cells) -> Cells:
    """The shaft's side walls where they go on inside the wider head and fade, as films show them."""
    left, right, deep, _ = (v.astype(np.float32) for v in shape.profile(y))
    wall = np.where(x < 0, left, right) * np.float32(0.66)
    across = np.exp(-(((np.abs(x) - wall) * 2) ** 2))
    along = np.clip((np.float32(0.5 * shape.length) - y) / np.float32(0.2 * shape.length), 0, 1)
    return (
        across * (np.exp(-((z / (np.float32(0.75) * deep)) ** 4)) * along) * np.clip(head / 4 - np.float32(0.6), 0, 1)
    )


def _struts(mould: Mould, material: Material) -> Cells:
    # the texture is tied to the lattice's cells, so that a part of a bone holds the struts of the whole
    steps = [float(axis[1] - axis[0]) for axis in (mould.z, mould.y, mould.x)]
    first = [round(float(axis[0]) / step) for axis, step in zip((mould.z, mould.y, mould.x), steps, strict=True)]
    mesh_share = mould.mesh[:, None]

    def at(shift: int) -> Cells:
        along, mesh = texture.struts(material.bank)
        start = tuple(a + b + c * shift for a, b, c in zip(first, material.offset, (1, 5, 11), strict=True))
        piece = texture.cut(along, mould.even.shape, start) * (1 - mesh_share)
        piece += texture.cut(mesh, mould.even.shape, start) * mesh_share
        return piece

    now = at(0)
    if material.remodelled:
        share = np.float32(material.remodelled)
        now = np.sqrt(1 - share**2) * now + share * at(17)
    return now
