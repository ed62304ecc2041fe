"""Composition of a bone: a shell of cortex around trabecular bone, denser below the joint surfaces."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_jsn.simulation.shapes.hand_bones import FIRST_BONES, random_factor

#: Attenuation of compact bone minus that of the soft tissue that it replaces, per mm, at the mean energy of a hand
#: radiograph (about 45 keV; NIST XCOM: 0.099 for cortical bone of 1.85 g/cm3, 0.026 for muscle).
COMPACT_PER_MM = 0.085

#: Mean thickness of the cortex at mid-shaft, in mm.
_CORTEX_MM = {
    "MC1": 1.6, "PP1": 1.3, "DP1": 1.1,
    "MC2": 1.7, "PP2": 1.5, "MP2": 1.2, "DP2": 0.9,
    "MC3": 1.7, "PP3": 1.6, "MP3": 1.3, "DP3": 0.9,
    "MC4": 1.4, "PP4": 1.5, "MP4": 1.2, "DP4": 0.9,
    "MC5": 1.4, "PP5": 1.2, "MP5": 1.0, "DP5": 0.8,
}  # fmt: skip


@dataclass(frozen=True)
class Material:
    """Material of one bone.

    Attributes
    ----------
    cortex_mm : float
        Thickness of the cortex at the middle of the shaft.
    shell_mm : float
        Thickness of the cortex at the ends of the bone.
    plate_mm : float
        Thickness of the dense plate below the joint surface of the base; the plate of a head has half of it.
    end_fraction : float
        Density of the trabecular bone of the ends as a fraction of compact bone.
    shaft_fraction : float
        The same in the middle of the shaft.
    trabecular_contrast : float
        Factor of the trabecular texture: 1 leaves it as it is, 0 removes it.
    isotropic_share : float
        Share of the trabeculae without preferred direction in the head.
    inner_cortex : float
        Relative density of the shaft's cortex where it continues inside the head.
    texture_seed : int
        Seed of the trabecular texture.
    texture_offset : (3,) tuple of int
        Cell of the texture at the origin of this bone.
    density : float
        Factor of all mineral; less than 1 is osteopenia.
    periarticular : float
        Factor of trabecular bone within about 6 mm of a joint.
    remodelled : float
        Share of the trabeculae that changed since baseline, 0-1.
    fine : bool
        Whether the trabecular texture is the fine one, and even up to the joint surface.
    """

    cortex_mm: float
    shell_mm: float = 0.3
    plate_mm: float = 0.55
    end_fraction: float = 0.28
    shaft_fraction: float = 0.06
    trabecular_contrast: float = 0.8
    isotropic_share: float = 0.7
    inner_cortex: float = 0.5
    texture_seed: int = 0
    texture_offset: tuple[int, int, int] = (0, 0, 0)
    density: float = 1.0
    periarticular: float = 1.0
    remodelled: float = 0.0
    fine: bool = False


def draw_material(
    name: str, density: float, texture_seed: int, rng: np.random.Generator, version: int = FIRST_BONES
) -> Material:
    """Draw the material of a metacarpal or phalanx.

    Parameters
    ----------
    name : str
        ``"PP2"``.
    density : float
        The patient's mineral density, 1 on average.
    texture_seed : int
    rng : numpy.random.Generator
    version : int
        The same draws are made in every version.
    """
    offset = rng.integers(0, 10_000, 3)
    material = Material(
        cortex_mm=_CORTEX_MM[name] * random_factor(rng, 0.12),
        shell_mm=0.30 * random_factor(rng, 0.2),
        plate_mm=0.7 * random_factor(rng, 0.25),
        end_fraction=(0.38 if name.startswith("MC") else 0.30) * random_factor(rng, 0.18),
        shaft_fraction=0.05 * random_factor(rng, 0.4),
        trabecular_contrast=1.6 * random_factor(rng, 0.15),
        isotropic_share=float(rng.uniform(0.35, 0.8)),
        inner_cortex=(0.6 if name.startswith("MC") else 0.2) * random_factor(rng, 0.4),
        texture_seed=texture_seed,
        texture_offset=(int(offset[0]), int(offset[1]), int(offset[2])),
        density=density,
    )
    if version != FIRST_BONES:
        material = replace(
            material,
            shell_mm=1.35 * material.shell_mm,
            plate_mm=0.75 * material.plate_mm,
            trabecular_contrast=1.15 * material.trabecular_contrast,
            inner_cortex=1.5 * material.inner_cortex,
            fine=True,
        )
    if name.startswith("DP"):
        return replace(material, plate_mm=0.6 * material.plate_mm)
    return material
