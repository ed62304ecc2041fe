"""A joint on a radiograph: its name, its side and its box."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError


@dataclass(frozen=True, eq=False)
class Joint:
    """Where one joint lies on a radiograph.

    Parameters
    ----------
    name : str
        One of :data:`napari_jsn.anatomy.JOINTS`, for instance ``"MCP2"``.
    side : {"L", "R"} or None
        The hand that it belongs to; None where this is unknown.
    box : (4, 2) float array
        Corners ``(row, col)`` of the joint image on the radiograph, in pixels, rotated with the finger: distal left,
        distal right, proximal right and proximal left, as seen in the joint image.
    confidence : float
        Confidence of the localisation, 0 to 1; 1 for a box drawn by hand.
    edited : bool
        Whether a person drew or moved the box.

    Examples
    --------
    >>> from napari_jsn import Joint
    >>> joint = Joint.around("MCP2", "L", centre=(300.0, 200.0), axis=(1.0, 0.0), size=150)
    >>> joint.centre
    (300.0, 200.0)
    >>> joint.box[0].tolist()
    [225.0, 125.0]
    """

    name: str
    side: str | None
    box: NDArray[np.float64] = field(repr=False)
    confidence: float = 1.0
    edited: bool = False

    def __post_init__(self) -> None:
        box = np.asarray(self.box, dtype=float)
        if box.shape != (4, 2) or not np.isfinite(box).all():
            raise InputError(
                f"The box of {self.name} has shape {box.shape} or contains NaN. Give four (row, col) corners.",
                "box",
            )
        object.__setattr__(self, "box", box)

    @classmethod
    def around(
        cls,
        name: str,
        side: str | None,
        centre: tuple[float, float],
        axis: tuple[float, float],
        size: float | tuple[float, float],
        confidence: float = 1.0,
    ) -> Joint:
        """Return a joint with a square box around ``centre`` (row, col).

        ``axis`` (row, col) points from the distal to the proximal bone, in mm and of any length. ``size`` is the side
        of the box in pixels, (row, col) where pixels are not square.

        Examples
        --------
        >>> from napari_jsn import Joint
        >>> Joint.around("PIP3", "R", centre=(40.0, 30.0), axis=(1.0, 0.0), size=20).box.tolist()
        [[30.0, 20.0], [30.0, 40.0], [50.0, 40.0], [50.0, 20.0]]
        """
        down = np.asarray(axis, dtype=float) / np.hypot(*axis)
        right = np.array([-down[1], down[0]])  # (row, col): down is (1, 0), right is (0, 1)
        half = np.broadcast_to(np.asarray(size, dtype=float), (2,)) / 2
        corners = np.array([-down - right, -down + right, down + right, down - right])
        return cls(name, side, np.asarray(centre, dtype=float) + corners * half, confidence)

    @property
    def centre(self) -> tuple[float, float]:
        """``(row, col)`` of the middle of the box."""
        row, col = self.box.mean(axis=0)
        return float(row), float(col)

    @property
    def axis(self) -> NDArray[np.float64]:
        """Unit vector ``(row, col)`` from the distal to the proximal end of the box, in pixels."""
        along = self.box[2:].mean(axis=0) - self.box[:2].mean(axis=0)
        unit: NDArray[np.float64] = along / np.hypot(*along)
        return unit
