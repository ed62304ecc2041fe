"""Motion of the two bones of a joint between two visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_jsn import anatomy
from napari_jsn.simulation.shapes.pose import BoneAngles
from napari_jsn.simulation.visit import PoseFactors


@dataclass(frozen=True)
class Motion:
    """Motion of a joint and its image between two visits.

    Attributes
    ----------
    rotation_deg, flexion_deg : float
        Of the upper bone against the lower one, in the plane and out of it.
    roll_upper_deg, roll_lower_deg : float
        Of each bone about its own long axis.
    slide_mm : float
        Lateral, in addition to the slide caused by the rotation.
    crop_rotation_deg : float
        Of the whole joint image.
    crop_translation_mm : (float, float)
        Of the whole joint image, x and y.
    magnification : float
        Of the whole joint image.
    """

    rotation_deg: float = 0.0
    flexion_deg: float = 0.0
    roll_upper_deg: float = 0.0
    roll_lower_deg: float = 0.0
    slide_mm: float = 0.0
    crop_rotation_deg: float = 0.0
    crop_translation_mm: tuple[float, float] = (0.0, 0.0)
    magnification: float = 1.0

    @classmethod
    def draw(cls, rng: np.random.Generator, spread: float = 1.0, factors: PoseFactors | None = None) -> Motion:
        """Draw a motion.

        Parameters
        ----------
        rng : numpy.random.Generator
        spread : float
            Factor of all of it.
        factors : PoseFactors, optional
            Of a difficulty; with those of the newest one the motion is that between two visits of the development
            joints. Without them the bones slide half as much, and roll less.
        """
        factors = factors or PoseFactors()
        rolled = factors.roll_factor * spread
        common_roll = rng.normal(0, 4.0 * rolled)
        rotation_deg = (
            3.5 * spread * factors.rotation_factor * float(np.clip(rng.standard_t(factors.rotation_df), -6, 6))
        )
        return cls(
            rotation_deg=rotation_deg,
            flexion_deg=float(rng.normal(0, 2.5 * spread * factors.flexion_factor)),
            roll_upper_deg=float(common_roll + rng.normal(0, 4.5 * rolled)),
            roll_lower_deg=float(common_roll + rng.normal(0, 3.5 * rolled)),
            slide_mm=float(rng.normal(0, 0.08 * spread * factors.slide_factor))
            + factors.further_slide_mm(rotation_deg),
            crop_rotation_deg=float(rng.normal(0, 2.0 * spread)),
            crop_translation_mm=(float(rng.normal(0, 0.25 * spread)), float(rng.normal(0, 0.25 * spread))),
            magnification=float(np.exp(rng.normal(0, 0.005 * spread))),
        )

    def angles(self, upper: str, lower: str) -> dict[str, BoneAngles]:
        """Return the angles of all bones of the ray: those distal to the joint move with its upper bone."""
        ray = anatomy.RAYS[int(lower[-1])]
        distal = BoneAngles(self.rotation_deg, self.flexion_deg, self.roll_upper_deg)
        proximal = BoneAngles(roll_deg=self.roll_lower_deg)
        return {bone: distal if ray.index(bone) >= ray.index(upper) else proximal for bone in ray}
