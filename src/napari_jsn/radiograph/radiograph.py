"""The radiograph: its pixels, and what is known about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: Source of a spacing that the user stated.
GIVEN = "given"


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One radiograph, and where each fact about it comes from. It holds no patient's identity.

    Parameters
    ----------
    pixels : (H, W) array
        Bone bright. Any numeric type; kept as float32 in [0, 1] by the rule of
        :func:`napari_jsn.radiograph.intensity.to_intensities`.
    spacing_mm : float, (row, col) pair of float, or None
        Size of a pixel in mm; a pair where pixels are not square; None where not known.
    side : {"L", "R"}, optional
        The hand it shows; None where not stated, or where it shows both.
    acquired : datetime.datetime or datetime.date, optional
        When it was taken.
    spacing_source : str
        What the spacing is: ``"calibrated"``, ``"uncalibrated"``, ``"calibration unknown"``,
        ``"magnification corrected"``, ``"at detector"``, ``"nominal scanned"`` or ``"given"``. Without a spacing
        ``""``, or why there is none.
    side_source, acquired_source : str
        The DICOM attribute that says so, ``"given"``, or ``""``.
    display_range : (float, float), optional
        The grey levels that the file asks to be shown black and white.
    modality : str
        DICOM modality (``"CR"``, ``"DX"``, ...), ``""`` where not stated.
    view : str
        How the hand faces the detector as the file states it (``"PA"``, ``"LL"``, ``"oblique"``, ...), else ``""``.
    origin : (int, int)
        Row and column of its first pixel on the film that it was cut out of; (0, 0) for a whole film.
    path : Path, optional
        The file it was read from.
    name : str
        What to call it; the file's name by default.

    Raises
    ------
    InputError
        If an argument is not as above; it names the argument.
    """

    pixels: NDArray[np.float32] = field(repr=False)
    spacing_mm: Spacing = None
    side: str | None = None
    acquired: datetime | date | None = None
    spacing_source: str = ""
    side_source: str = ""
    acquired_source: str = ""
    display_range: tuple[float, float] | None = None
    modality: str = ""
    view: str = ""
    origin: tuple[int, int] = (0, 0)
    path: Path | None = None
    name: str = ""

    def __post_init__(self) -> None:
        def keep(**values: object) -> None:
            for name, value in values.items():
                object.__setattr__(self, name, value)

        if self.side not in ("L", "R", None):
            raise InputError(f"The side of a hand is 'L', 'R' or None (not known), not {self.side!r}.", "side")
        if not isinstance(self.acquired, (date, type(None))):
            raise InputError(
                f"The date of a radiograph is a datetime.date, a datetime.datetime or None, not {self.acquired!r}.",
                "acquired",
            )
        keep(pixels=to_intensities(self.pixels), spacing_mm=check_spacing(self.spacing_mm))
        for fact in ("spacing_mm", "side", "acquired"):
            source = f"{fact.removesuffix('_mm')}_source"
            if getattr(self, fact) is not None and not getattr(self, source):
                keep(**{source: GIVEN})
        if self.path is not None:
            keep(path=Path(self.path), name=self.name or Path(self.path).name)

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        return self.pixels.shape

    @property
    def day(self) -> date | None:
        """The day it was taken; unlike ``acquired``, the days of any two radiographs can be compared."""
        return self.acquired.date() if isinstance(self.acquired, datetime) else self.acquired
