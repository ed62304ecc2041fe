"""The result of a measurement of the joint space width."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.reasons import Reason, WithReasons
from napari_jsn.common.statistics import Estimate


@dataclass(frozen=True, eq=False)
class JointSpaceWidth(WithReasons):
    """The absolute width of a joint space on one radiograph, from its two margins.

    Attributes
    ----------
    width_px : Estimate
        Mean over the articulating width along the joint normal, in pixels of the joint image, and its standard
        uncertainty: the sd of the width over repeated radiographs of the same joint.
    spacing_mm : float or None
        Pixel size of the joint image.
    upper, lower : (n, 2) float arrays
        ``(x, y)`` of the points of each margin, in pixels of the joint image, with sub-pixel accuracy.
    reasons : tuple of Reason
        Why the width has failed; empty where it has not.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> image = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> width = jsn.joint_space_width(image, jsn.segment(image))
    >>> width.reliable, round(width.mm, 1), width.sd_mm < 0.2
    (True, 1.4, True)
    """

    width_px: Estimate
    spacing_mm: float | None
    upper: NDArray[np.floating] = field(repr=False)
    lower: NDArray[np.floating] = field(repr=False)
    reasons: tuple[Reason, ...] = ()

    @property
    def width_mm(self) -> Estimate:
        """The width in mm; NaN if the pixel size is not known."""
        return self.width_px.scaled(self.spacing_mm)

    @property
    def mm(self) -> float:
        """The width in mm."""
        return self.width_mm.value

    @property
    def sd_mm(self) -> float:
        """Standard uncertainty of the width in mm."""
        return self.width_mm.sd

    @property
    def px(self) -> float:
        """The width in pixels."""
        return self.width_px.value

    @property
    def sd_px(self) -> float:
        """Standard uncertainty of the width in pixels."""
        return self.width_px.sd

    def __repr__(self) -> str:
        figure, unit = (self.width_px, "px") if self.spacing_mm is None else (self.width_mm, "mm")
        state = "" if self.reliable else ", not reliable"
        return f"<JointSpaceWidth: {figure.value:.2f} {unit}, sd {figure.sd:.2f}{state}>"
