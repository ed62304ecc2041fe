"""The image of one joint."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: Width and height of a joint image in mm, as in Wang et al. 2023.
JOINT_IMAGE_MM = 22.2


@dataclass(frozen=True)
class JointImage:
    """The crop around one joint: finger axis vertical, distal end up.

    Parameters
    ----------
    pixels : (H, W) float32 array
        Intensities in [0, 1], bone bright.
    spacing_mm : float or None
        Size of a (square) pixel in mm; None where it is unknown.
    to_radiograph : (3, 3) array
        Maps ``(x, y, 1)`` of this image to the radiograph that it was cropped from.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn import JointImage
    >>> image = JointImage(np.zeros((256, 256), np.float32), spacing_mm=0.1)
    >>> image.to_radiograph.tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """

    pixels: NDArray[np.float32]
    spacing_mm: float | None = None
    to_radiograph: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))

    def __repr__(self) -> str:
        rows, cols = np.shape(self.pixels)
        size = "" if self.spacing_mm is None else f" of {self.spacing_mm:.4g} mm"
        return f"<JointImage: {rows} x {cols} pixels{size}>"
