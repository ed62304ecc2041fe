"""What a bone is made of: a shell of cortex around spongy bone, denser under the joint surfaces."""

from __future__ import annotations

from dataclasses import dataclass

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
