"""Attenuation of a bone on a lattice of cells.

The density of a cell is a mean density plus the trabecular texture times its amplitude. Remodelling changes the texture
only, so mean and amplitude are computed once per bone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.simulation.shapes.bone import BoneShape, Erosion
from napari_jsn.simulation.tissue import trabecular_texture
from napari_jsn.simulation.tissue.material import COMPACT_PER_MM, Material

#: Least density of a cell, as a fraction of compact bone: fatty marrow attenuates less than the soft tissue it
#: displaces.
_FAT = np.float32(-0.05)

#: Largest height of an osteophyte above the surface of a bone, in mm.
OSTEOPHYTE_MM = 1.8

Cells = NDArray[np.float32]
Positions = NDArray[np.float64]


@dataclass(frozen=True)
class BoneVolume:
    """Density of a bone, or of a part of it, on a lattice fixed to the bone: a part has the same cells as the whole.

    Attributes
    ----------
    x, y, z : (X,), (Y,), (Z,) float arrays
        Middles of the cells in mm.
    mean_density : (Z, Y, X) float32 array
        Density without trabeculae, as a fraction of compact bone.
    texture_amplitude : (Z, Y, X) float32 array
        Factor of the trabecular texture.
    isotropic_share : (Y,) float32 array
        Share of the trabeculae without preferred direction.
    """

    x: Positions
    y: Positions
    z: Positions
    mean_density: Cells
    texture_amplitude: Cells
    isotropic_share: Cells


@dataclass(frozen=True)
class AttenuationSlabs:
    """Attenuation of a solid, summed over slabs of depth.

    Attributes
    ----------
    values : (Z, Y, X) float32 array
        Attenuation of each slab along z, in nepers.
    x, y, z : (X,), (Y,), (Z,) float arrays
        Middles of the cells in the bone's frame, in mm, evenly spaced.
    """

    values: Cells
    x: Positions
    y: Positions
    z: Positions


def make_bone_volume(
    shape: BoneShape,
    material: Material,
    erosions: tuple[Erosion, ...] = (),
    y_range: tuple[float, float] = (-1e9, 1e9),
    x_range: tuple[float, float] = (-1e9, 1e9),
    step_mm: float = trabecular_texture.STEP_MM[1],
    slab_mm: float = trabecular_texture.STEP_MM[0],
    osteophytes: tuple[Erosion, ...] = (),
) -> BoneVolume | None:
    """Compute the volume of a bone inside ``y_range`` and ``x_range`` (mm); None if there is no bone inside.

    Parameters
    ----------
    shape : BoneShape
    material : Material
    erosions : tuple of Erosion
    y_range, x_range : (float, float)
        Part of the bone along and across it, in mm.
    step_mm, slab_mm : float
        Size of the cells in the plane of the radiograph and in depth.
    osteophytes : tuple of Erosion
        Ellipsoids of bone that are added at the surface.
    """
    first, last = max(shape.extent[0], y_range[0]), min(shape.extent[1], y_range[1])
    if first >= last:
        return None
    x, y, z = _lattice(shape, (first, last), x_range, step_mm, slab_mm, OSTEOPHYTE_MM if osteophytes else 0.0)
    if len(x) < 2:
        return None
    xs, ys, zs = (a.astype(np.float32) for a in (x[None, None, :], y[None, :, None], z[:, None, None]))
    head, base = shape.end_distances(xs, ys, zs)
    depth = shape.distance_within(xs, ys, zs, head, base)

    for osteophyte in osteophytes:
        depth = np.maximum(depth, osteophyte.inside(xs, ys, zs))

    # 1 in the ends, 0 in the middle of the shaft
    u = np.clip(ys / np.float32(shape.length), 0, 1)
    end = np.float32(1) - np.clip(np.float32(1.35) * np.abs(np.sin(np.float32(np.pi) * u)) ** np.float32(2.2), 0, 1)
    cortex = np.float32(material.cortex_mm) + np.float32(material.shell_mm - material.cortex_mm) * end
    # cells are longer in depth than across, so surfaces are softened over a length between the two
    soft = np.float32(0.15 + 0.1 * slab_mm)
    solid = np.clip(depth / soft + np.float32(0.5), 0, 1)
    core = np.clip((depth - cortex) / soft + np.float32(0.5), 0, 1)

    shaft_fraction = np.float32(material.shaft_fraction)
    # trabecular bone is denser towards a joint surface, over about 2 mm
    near_surface = 1 + np.float32(1.3) * np.exp(-((base / np.float32(0.28 * shape.right[-2])) ** 2))
    near_surface += np.float32(0.35) * np.exp(np.abs(head) * np.float32(-0.6))
    trabecular = shaft_fraction + (np.float32(material.end_fraction * material.periarticular) - shaft_fraction) * end
    inner = trabecular * near_surface
    plate = np.exp(-((base / np.float32(material.plate_mm)) ** 2))
    plate += np.float32(0.55) * np.exp(-((head * np.float32(1.8 / material.plate_mm)) ** 2))
    mean_density = solid - core + core * np.minimum(inner + plate, 1)
    if material.inner_cortex:
        mean_density += core * np.float32(material.inner_cortex) * _inner_cortex(shape, xs, ys, zs, head, material.fine)
    amplitude = core * (trabecular * np.float32(material.trabecular_contrast))
    if not material.fine:
        amplitude = amplitude * np.sqrt(np.sqrt(near_surface))
    for erosion in erosions:
        left = 1 - np.clip(erosion.inside(xs, ys, zs) / soft + np.float32(0.5), 0, 1)
        mean_density, amplitude = mean_density * left, amplitude * left
        if erosion.rim:
            mean_density = mean_density + core * np.float32(erosion.rim) * _rim(erosion, xs, ys, zs)
            mean_density = np.minimum(mean_density, 1)
    isotropic = np.float32(material.isotropic_share) * np.clip(1.5 - 3 * u[0, :, 0], 0, 1)
    return BoneVolume(
        x, y, z, mean_density.astype(np.float32), amplitude.astype(np.float32), isotropic.astype(np.float32)
    )


def attenuation_slabs(volume: BoneVolume, material: Material) -> AttenuationSlabs:
    """Return the attenuation of each slab in excess of soft tissue, with the material's trabeculae and density."""
    slab_mm = float(volume.z[1] - volume.z[0])
    density = volume.mean_density
    if material.trabecular_contrast:
        density = np.maximum(density + volume.texture_amplitude * _texture(volume, material), _FAT)
    values = density * np.float32(COMPACT_PER_MM * slab_mm * material.density)
    return AttenuationSlabs(values, volume.x, volume.y, volume.z)


def _lattice(
    shape: BoneShape,
    y_range: tuple[float, float],
    x_range: tuple[float, float],
    step_mm: float,
    slab_mm: float,
    margin_mm: float,
) -> tuple[Positions, Positions, Positions]:
    left, right, depth, middle = shape.profile(np.linspace(*y_range, 60))

    def axis(low: float, high: float, step: float) -> Positions:
        return np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step

    return (
        axis(
            max(-left.max() - step_mm - margin_mm, x_range[0]),
            min(right.max() + step_mm + margin_mm, x_range[1]),
            step_mm,
        ),
        axis(*y_range, step_mm),
        axis((middle - depth).min(), (middle + depth).max(), slab_mm),
    )


def _rim(erosion: Erosion, x: Cells, y: Cells, z: Cells) -> Cells:
    """Return the profile of a sclerotic rim: 1 at 0.3 mm outside the erosion, 0 inside it and far from it."""
    outside = -erosion.inside(x, y, z)
    return np.asarray(np.exp(-(((outside - 0.3) / 0.35) ** 2)) * (outside > -0.2), np.float32)


def _inner_cortex(shape: BoneShape, x: Cells, y: Cells, z: Cells, head: Cells, waisted: bool) -> Cells:
    """Return the density of the shaft's side walls where they continue inside the wider head, as on radiographs.

    ``waisted`` walls are narrowest 8 mm below the joint surface and meet the outer cortex below.
    """
    left, right, deep, _ = (v.astype(np.float32) for v in shape.profile(y))
    half = np.where(x < 0, left, right)
    if waisted:
        wall = half * np.clip(0.62 + 0.3 * np.square(head / np.float32(8) - 1), 0.62, 0.9)
        below = np.clip((head - np.float32(3.5)) / 4, 0, 1)
    else:
        wall = half * np.float32(0.66)
        below = np.clip(head / 4 - np.float32(0.6), 0, 1)
    across = np.exp(-(((np.abs(x) - wall) * 2) ** 2))
    along = np.clip((np.float32(0.5 * shape.length) - y) / np.float32(0.2 * shape.length), 0, 1)
    return across * (np.exp(-((z / (np.float32(0.75) * deep)) ** 4)) * along) * below


def _texture(volume: BoneVolume, material: Material) -> Cells:
    """Return the trabecular texture of a volume's cells."""
    # the texture is tied to the lattice's cells, so that a part of a bone has the same trabeculae as the whole
    steps = [float(axis[1] - axis[0]) for axis in (volume.z, volume.y, volume.x)]
    first = [round(float(axis[0]) / step) for axis, step in zip((volume.z, volume.y, volume.x), steps, strict=True)]
    isotropic_share = volume.isotropic_share[:, None]

    def block(shift: int) -> Cells:
        along, isotropic = trabecular_texture.trabecular_textures(material.texture_seed, material.fine)
        start = tuple(a + b + c * shift for a, b, c in zip(first, material.texture_offset, (1, 5, 11), strict=True))
        cells = trabecular_texture.texture_block(along, volume.mean_density.shape, start) * (1 - isotropic_share)
        cells += trabecular_texture.texture_block(isotropic, volume.mean_density.shape, start) * isotropic_share
        return cells

    texture = block(0)
    if material.remodelled:
        share = np.float32(material.remodelled)
        texture = np.sqrt(1 - share**2) * texture + share * block(17)
    return texture
