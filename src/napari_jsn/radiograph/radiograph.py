"""The radiograph: its pixels and the facts known about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import shortened
from napari_jsn.radiograph.dates import StatedDate
from napari_jsn.radiograph.intensity import are_known_intensities, known_intensities, to_intensities
from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: Source of a fact that the user gave.
GIVEN = "given"

#: View Position codes of lateral and oblique views.
_CODES = {"LL", "RL", "LLD", "RLD", "ML", "LM", "MLO", "LMO", "LLO", "RLO", "LPO", "RPO", "LAO", "RAO"}
#: Parts of words that mean such a view in codes and free text of several languages, and in View Code Sequence.
_OBLIQUE = re.compile(
    r"^LAT|(?<!BI)(?<!UNI)(?<!IPSI)(?<!CONTRA)LAT(?:ERAL\w*)?$|OBL|^SEITL|^SCHR(?:AE|\u00c4|A)G|PROFIL|SAGIT|AXIAL|TANGENT|"
    r"N(?:O|\u00d8)RG|BREWERTON|BALLCATCHER|ZITHER|"
    r"^OB$|OBQ|^SEITE|TROISQUARTS|^(?:PA|AP)?(?:30|45|60)(?:DEG\w*|\u00b0)?$"
)
_ANTEROPOSTERIOR = re.compile(r"\b(?:A[.-]?P|V[.-]?D)\b|ANTERO-?\s?POSTERIOR|PALMO-?\s?DORSAL")
_POSTEROANTERIOR = re.compile(
    r"\b(?:P[.-]?A|D[.-]?P|D[.-]?V|FACE|FRONTAL)\b|POSTER[IO]O?-?\s?ANTERIOR|DORSO-?\s?(?:PALMAR|VOLAR)"
)
#: What separates the words of a view.
VIEW_SEPARATORS = re.compile(r"[\s_/,;.()-]+")


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One radiograph, and the source of each fact about it. It contains no identity of the patient.

    Parameters
    ----------
    pixels : (H, W) array
        Bone bright. Any numeric type; stored as float32 in [0, 1] by
        :func:`napari_jsn.radiograph.intensity.to_intensities`.
    spacing_mm : float, (row, col) pair of float, or None
        Size of a pixel in mm; a pair where pixels are not square; None where it is unknown.
    side : {"L", "R"}, optional
        Side of the hand; None where it is unknown, or where the radiograph shows both hands.
    acquired : datetime.datetime or datetime.date, optional
        Date of acquisition, with the time where it is known.
    spacing_source : str
        Source of the spacing: ``"calibrated"``, ``"uncalibrated"``, ``"calibration unknown"``,
        ``"magnification corrected"``, ``"at detector"``, ``"nominal scanned"`` or ``"given"``. Without a spacing
        ``""``, or the reason why there is none.
    side_source, acquired_source : str
        The DICOM attribute that states it, ``"given"``, or ``""``.
    display_range : (float, float), optional
        The intensities that the file asks to show black and white.
    modality : str
        DICOM modality (``"CR"``, ``"DX"``, ...); ``""`` where it is not stated.
    view : str
        View as stated in the file (``"PA"``, ``"LL"``, ``"oblique"``, ...); ``""`` where it is not stated.
    view_code : str
        The view as View Code Sequence states it in words, else ``""``.
    presentation_intent : str
        ``"FOR PROCESSING"`` or ``"FOR PRESENTATION"``; ``""`` where it is not stated.
    other_dates : tuple of StatedDate
        Dates of the file that were not used: impossible ones, and those that contradict ``acquired``.
    described_oblique : bool
        Whether a description of the series, which is free text, names a lateral or oblique view.
    pixel_aspect : float
        Height of a pixel over its width; 1 where pixels are square or where ``spacing_mm`` states their shape.
    origin : (int, int)
        Row and column of the first pixel on the radiograph that this one was cropped from; (0, 0) if not cropped.
    path : Path, optional
        The file that it was read from.
    name : str
        Name in tables and messages; by default that of the file.
    magnification : float, optional
        The stated magnification of the hand by which a spacing at the detector was divided.

    Raises
    ------
    InputError
        If an argument is invalid; the error names the argument.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_jsn as jsn
    >>> radiograph = jsn.Radiograph(pixels=np.eye(64), spacing_mm=0.15, side="L")
    >>> radiograph.shape, radiograph.spacing_source
    ((64, 64), 'given')
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
    view_code: str = ""
    presentation_intent: str = ""
    other_dates: tuple[StatedDate, ...] = field(default=(), repr=False)
    described_oblique: bool = False
    pixel_aspect: float = 1.0
    origin: tuple[int, int] = (0, 0)
    path: Path | None = None
    name: str = ""
    magnification: float | None = None

    def __post_init__(self) -> None:
        def set_fields(**values: object) -> None:
            for name, value in values.items():
                object.__setattr__(self, name, value)

        if self.side not in ("L", "R", None):
            raise InputError(f"The side of a hand is {self.side!r}. Give 'L', 'R' or None (unknown).", "side")
        if not isinstance(self.acquired, (date, type(None))):
            raise InputError(
                f"The date of a radiograph is {self.acquired!r}. Give a datetime.date, a datetime.datetime or None.",
                "acquired",
            )
        if not are_known_intensities(self.pixels):  # a large radiograph is not copied each time that a fact is added
            set_fields(pixels=known_intensities(to_intensities(self.pixels)))
        set_fields(spacing_mm=check_spacing(self.spacing_mm))
        for fact in ("spacing_mm", "side", "acquired"):
            source = f"{fact.removesuffix('_mm')}_source"
            if getattr(self, fact) is not None and not getattr(self, source):
                set_fields(**{source: GIVEN})
        if self.path is not None:
            set_fields(path=Path(self.path), name=self.name or Path(self.path).name)

    def __repr__(self) -> str:
        rows, cols = self.shape
        name = f" {shortened(self.name)}" if self.name else ""
        sizes = () if self.spacing_mm is None else np.atleast_1d(self.spacing_mm)
        spacing = f" of {' x '.join(f'{size:.4g}' for size in sizes)} mm" if len(sizes) else ""
        facts = "".join(f", {fact}" for fact in (self.side, self.day) if fact is not None)
        return f"<Radiograph{name}: {rows} x {cols} pixels{spacing}{facts}>"

    def with_spacing(self, spacing_mm: Any) -> Radiograph:
        """Return the radiograph with a pixel size that the user gives.

        Parameters
        ----------
        spacing_mm : float or (row, col) pair of float
            A single number is the column spacing; the row spacing is that number times ``pixel_aspect``.

        Examples
        --------
        >>> import numpy as np
        >>> import napari_jsn as jsn
        >>> jsn.Radiograph(np.eye(64), pixel_aspect=2.0).with_spacing(0.1).spacing_mm
        (0.2, 0.1)
        """
        spacing = check_spacing(spacing_mm)
        if isinstance(spacing, float) and self.pixel_aspect != 1.0:
            spacing = (spacing * self.pixel_aspect, spacing)
        return replace(self, spacing_mm=spacing, spacing_source=GIVEN, magnification=None)

    def inverted(self) -> Radiograph:
        """Return the radiograph with inverted intensities, for a file that holds a negative.

        Examples
        --------
        >>> import numpy as np
        >>> import napari_jsn as jsn
        >>> jsn.Radiograph(np.eye(2), display_range=(0.0, 0.75)).inverted().pixels.tolist()
        [[0.0, 1.0], [1.0, 0.0]]
        """
        shown = None if self.display_range is None else (1 - self.display_range[1], 1 - self.display_range[0])
        return replace(self, pixels=1 - self.pixels, display_range=shown)

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        return self.pixels.shape

    @property
    def day(self) -> date | None:
        """The date of acquisition, without the time: comparable between any two radiographs."""
        return self.acquired.date() if isinstance(self.acquired, datetime) else self.acquired

    @property
    def stated_view(self) -> str:
        """View Position, or View Code Sequence in words where View Position names no view."""
        return self.view if kind_of_view(self.view) else self.view_code

    @property
    def is_oblique(self) -> bool:
        """Whether the file states a lateral or an oblique view."""
        return kind_of_view(self.stated_view) == "oblique"

    @property
    def is_anteroposterior(self) -> bool:
        """Whether the file states an anteroposterior view, on which a left hand looks like a right one."""
        return kind_of_view(self.stated_view) == "AP"


def kind_of_view(view: str) -> str:
    """Return ``"oblique"`` (or lateral), ``"AP"``, ``"PA"``, or ``""`` for a text that names no view."""
    text = view.upper().replace("_", " ").replace("3/4", "TROIS QUARTS")
    words = [word for word in VIEW_SEPARATORS.split(text) if word]
    if any(word in _CODES or _OBLIQUE.search(word) for word in (*words, "".join(words))):
        return "oblique"
    if _ANTEROPOSTERIOR.search(text):
        return "AP"
    return "PA" if _POSTEROANTERIOR.search(text) else ""
