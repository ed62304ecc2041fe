"""The masks of the two bones of a joint image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError

#: Label values of the two bones in a labels image; a pixel of both carries 3.
UPPER, LOWER = 1, 2
#: Values of "inside" in a binary mask: true, or white in an 8-bit or a 16-bit image.
_WHITE = (1, 255, 65535)


@dataclass(frozen=True)
class BoneMasks:
    """The masks of the two bones of a joint image; they may overlap.

    Parameters
    ----------
    upper, lower : (H, W) bool array
        The distal and the proximal bone, or whole halves of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn import BoneMasks
    >>> upper = np.zeros((6, 4), bool)
    >>> upper[:2] = True
    >>> masks = BoneMasks(upper, upper[::-1])
    >>> masks.labels[:, 0].tolist()
    [1, 1, 0, 0, 2, 2]
    """

    upper: NDArray[np.bool_]
    lower: NDArray[np.bool_]

    def __post_init__(self) -> None:
        upper, lower = (np.asarray(getattr(self, name)) for name in ("upper", "lower"))
        if upper.shape != lower.shape or upper.ndim != 2:
            raise InputError(
                f"The upper and the lower bone mask have shapes {upper.shape} and {lower.shape}. "
                "Draw both masks on the same joint image."
            )
        object.__setattr__(self, "upper", _binary(upper, "upper"))
        object.__setattr__(self, "lower", _binary(lower, "lower"))

    def __repr__(self) -> str:
        rows, cols = self.shape
        return f"<{type(self).__name__}: {rows} x {cols} pixels, {self._shares()}>"

    def _shares(self) -> str:
        upper, lower = (100 * float(mask.mean()) if mask.size else 0.0 for mask in (self.upper, self.lower))
        return f"upper {upper:.0f} %, lower {lower:.0f} %"

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
        """Return masks from labels 1 (upper), 2 (lower) and 3 (both).

        A binary image (0 with 1, with white, or with both) means the upper half and its complement.

        Raises
        ------
        InputError
            If the image contains any other value.

        Examples
        --------
        >>> from napari_jsn import BoneMasks
        >>> masks = BoneMasks.from_labels([[1, 1], [0, 3], [2, 2]])
        >>> masks.upper.tolist()
        [[True, True], [False, True], [False, False]]
        """
        labels = np.asarray(labels)
        values = np.unique(labels)
        if np.isin(values, (0, *_WHITE)).all():
            return cls(labels != 0, labels == 0)
        if not np.isin(values, (0, UPPER, LOWER, UPPER | LOWER)).all():
            raise InputError(
                f"The mask contains the values {values[:6].tolist()}. Give labels 1 (upper bone), 2 (lower bone) and "
                "3 (both), or a binary mask of the upper half (0 and 1, or 0 and 255)."
            )
        bits = labels.astype(np.uint8)
        return cls((bits & UPPER) != 0, (bits & LOWER) != 0)


def _binary(mask: NDArray[Any], name: str) -> NDArray[np.bool_]:
    """Return a mask as bool; refuse values that are not one value outside and one value inside."""
    if mask.dtype == np.bool_:
        return mask
    if mask.dtype.kind not in "uif":
        raise InputError(f"The {name} bone mask has the type {mask.dtype}. Give 0 outside and 1 inside the bone.")
    if mask.dtype.kind == "f" and np.isnan(mask).any():
        raise InputError(f"The {name} bone mask contains NaN. Give 0 outside and 1 inside the bone.")
    inside = mask != 0
    values = np.unique(mask[inside])
    if len(values) > 1 or (values < 1).any():
        shown = ", ".join(f"{value:g}" for value in values[:3])
        raise InputError(
            f"The {name} bone mask has the values {shown}{', ...' if len(values) > 3 else ''} besides 0, as "
            "probabilities and logits have. Give 0 outside and 1 inside the bone: for probabilities, mask >= 0.5."
        )
    return np.asarray(inside)
