"""A joint on a radiograph, the image cut out around it, and the masks of its two bones."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.errors import InputError

#: Label values of the two bones in a labels image; a pixel of both carries 3.
UPPER, LOWER = 1, 2
#: What "in" looks like in a binary mask: true, or the white of an 8-bit or a 16-bit picture.
_WHITE = (1, 255, 65535)


@dataclass(frozen=True)
class BoneMasks:
    """Where the two bones of a joint image lie; they may overlap.

    Parameters
    ----------
    upper, lower : (H, W) bool array
        The distal and the proximal bone, or whole halves of the image.
    """

    upper: NDArray[np.bool_]
    lower: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name in ("upper", "lower"):
            object.__setattr__(self, name, np.asarray(getattr(self, name)).astype(bool))
        if self.upper.shape != self.lower.shape or self.upper.ndim != 2:
            raise InputError(
                f"The two bone masks must be images of one shape, but have shapes {self.upper.shape} and "
                f"{self.lower.shape}. Draw both on the same joint image."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W) of the joint image."""
        return self.upper.shape

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(H, W) labels: 1 upper, 2 lower, 3 both."""
        return (UPPER * self.upper + LOWER * self.lower).astype(np.uint8)

    @classmethod
    def from_labels(cls, labels: ArrayLike) -> BoneMasks:
        """Read masks from labels 1 (upper), 2 (lower) and 3 (both).

        A binary image (0 and 1 or white; 0, 1 and white pass too) means the upper side and its complement.

        Raises
        ------
        InputError
            If it holds any other value: labels 4 or 5 are not taken for a bone.
        """
        labels = np.asarray(labels)
        values = np.unique(labels)
        if np.isin(values, (0, *_WHITE)).all():
            return cls(labels != 0, labels == 0)
        if not np.isin(values, (0, UPPER, LOWER, UPPER | LOWER)).all():
            raise InputError(
                f"The mask holds the values {values[:6].tolist()}; it must hold 1 (upper bone), 2 (lower bone) "
                "and 3 (both), or be a binary mask of the upper side (0 and 1, or 0 and 255)."
            )
        bits = labels.astype(np.uint8)
        return cls((bits & UPPER) != 0, (bits & LOWER) != 0)


@dataclass(frozen=True, eq=False)
class Joint:
    """Where one joint lies on a radiograph.

    Parameters
    ----------
    name : str
        As in :data:`napari_jsn.anatomy.JOINTS`, for instance ``"MCP2"``.
    side : {"L", "R"} or None
        The hand it belongs to; None where that is not known.
    box : (4, 2) float array
        Corners ``(row, col)`` of the joint image on the radiograph, in pixels, turned with the finger: distal left,
        distal right, proximal right and proximal left, as the joint image shows them.
    confidence : float
        How sure the localiser is, 0 to 1; 1 for a box drawn by hand.
    edited : bool
        Whether a person set or moved it.
    """

    name: str
    side: str | None
    box: NDArray[np.float64] = field(repr=False)
    confidence: float = 1.0
    edited: bool = False

    def __post_init__(self) -> None:
        box = np.asarray(self.box, dtype=float)
        if box.shape != (4, 2) or not np.isfinite(box).all():
            raise InputError(f"The box of {self.name} must be four (row, col) corners, but not {box.shape}.", "box")
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
        """A square box: ``centre`` (row, col), ``axis`` (row, col) from the distal to the proximal bone.

        ``size`` is the length of its sides in pixels, (row, col) where pixels are not square; the axis is that of
        the hand itself, in mm, and any length.
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


@dataclass(frozen=True)
class JointImage:
    """The crop around one joint: finger axis vertical, distal end up.

    Parameters
    ----------
    pixels : (H, W) float32 array
        Grey levels in [0, 1], bone bright.
    spacing_mm : float or None
        Size of a (square) pixel in mm; None where it is not known.
    to_radiograph : (3, 3) array
        Maps ``(x, y, 1)`` of this image to the radiograph it was cut from.
    """

    pixels: NDArray[np.float32]
    spacing_mm: float | None = None
    to_radiograph: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
