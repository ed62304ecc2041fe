"""The result of registering one joint pair."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, WithReasons
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import Similarity

#: State of a figure: nothing shows that it has failed and it is precise; not failed, but not precise; failed.
State = Literal["good", "wide", "failed"]
#: Half width of the 95 % interval in mm, above which the state of a narrowing is ``"wide"``.
WIDE_MM = 0.15


def check_wide_mm(wide_mm: Any) -> float:
    """Return a checked half width above which a figure is called wide.

    Raises
    ------
    InputError
        If it is not a number above 0.
    """
    if isinstance(wide_mm, Real) and not isinstance(wide_mm, (bool, np.bool_)) and float(wide_mm) > 0:
        return float(wide_mm)
    raise InputError(
        f"The half width above which a figure is called wide is {wide_mm!r}. Give a number of mm above 0.", "wide_mm"
    )


class NarrowingFigures(WithReasons):
    """Base of results that state a narrowing: its figures in pixels and in mm, and its state."""

    narrowing_px: Estimate
    spacing_mm: float | None
    wide_mm: float

    @property
    def reliable(self) -> bool:
        """Whether the narrowing was measured and nothing shows that it has failed."""
        return self.narrowing_px.known and not self.reasons

    @property
    def state(self) -> State:
        """``"failed"``; ``"wide"``, if half the 95 % interval exceeds ``wide_mm``; or ``"good"``.

        Without a pixel size a figure is never wide.
        """
        if not self.reliable:
            return "failed"
        low, high = self.ci95_mm
        return "wide" if (high - low) / 2 > self.wide_mm else "good"

    @property
    def narrowing_mm(self) -> Estimate:
        """The narrowing in baseline mm."""
        return self.narrowing_px.scaled(self.spacing_mm)

    @property
    def narrowing_and_unit(self) -> tuple[Estimate, str]:
        """The narrowing in mm and ``"mm"``, or in pixels and ``"px"`` if the pixel size is not known."""
        return (self.narrowing_px, "px") if self.spacing_mm is None else (self.narrowing_mm, "mm")

    @property
    def jsn_mm(self) -> float:
        """The narrowing in baseline mm."""
        return self.narrowing_mm.value

    @property
    def jsn_sd_mm(self) -> float:
        """Standard uncertainty of the narrowing in mm."""
        return self.narrowing_mm.sd

    @property
    def ci95_mm(self) -> tuple[float, float]:
        """95 % interval of the narrowing in mm."""
        return self.narrowing_mm.ci95

    @property
    def jsn_px(self) -> float:
        """The narrowing in baseline pixels."""
        return self.narrowing_px.value

    @property
    def jsn_sd_px(self) -> float:
        """Standard uncertainty of the narrowing in pixels."""
        return self.narrowing_px.sd


@dataclass(frozen=True, eq=False)
class Registration(NarrowingFigures):
    """Joint space narrowing of one joint between two visits, and how it was found.

    Figures in mm are NaN where no pixel spacing was given. A registration that has failed has ``reliable`` False and
    its reasons; its figures are kept.

    Attributes
    ----------
    upper, lower : Similarity
        Where each bone of the fixed image lies in the moving image, in native pixels of both.
    narrowing_px : Estimate
        Narrowing along the baseline joint axis in baseline pixels, positive is narrower, with its standard
        uncertainty: noise, choice of motion model and choice of region.
    point, axis : (2,) float array
        ``(x, y)`` of the reference point, and unit vector from upper to lower bone, fixed image.
    reasons : tuple of Reason
        Why the figure has failed; empty where it has not.
    method : str
    original_loss, transformed_loss : float
        Mean squared difference before and after, half for each bone (Eq. 6).
    transformed : (H, W) float32 array
        The moving image brought onto the fixed one, each bone by its own map (Eq. 2-4).
    original_spectrum, transformed_spectrum : (H, W) float32 array
        Squared difference per pixel before and after (Eq. 5).
    fixed_masks : BoneMasks
        The bone regions that were measured, on the fixed image.
    spacing_mm : float or None
        Pixel size of the fixed image.
    wide_mm : float
        Half width of the 95 % interval above which ``state`` is ``"wide"``.
    checks : dict of str to float
        The quantities that decide whether the figure has failed, by name; not all methods have all.
    models : dict of str to str
        Name and SHA-256 of each model that was used, by task.
    seconds : float or None
        How long ``register`` took, with the finding of the bones; None for one of many that were registered at once.

    References
    ----------
    Wang et al., CMIG 108:102273 (2023).

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> fixed = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> moving = jsn.joint_image(followup, jsn.find_joints(followup)[2])
    >>> registration = jsn.register(fixed, moving)
    >>> registration.state, round(registration.jsn_mm, 1)
    ('good', 0.4)
    >>> registration.transformed_loss < registration.original_loss
    True
    """

    upper: Similarity
    lower: Similarity
    narrowing_px: Estimate
    point: NDArray[np.float64]
    axis: NDArray[np.float64]
    reasons: tuple[Reason, ...]
    method: str
    original_loss: float
    transformed_loss: float
    transformed: NDArray[np.float32] = field(repr=False)
    original_spectrum: NDArray[np.float32] = field(repr=False)
    transformed_spectrum: NDArray[np.float32] = field(repr=False)
    fixed_masks: BoneMasks = field(repr=False)
    spacing_mm: float | None
    wide_mm: float = WIDE_MM
    checks: dict[str, float] = field(default_factory=dict, repr=False)
    models: dict[str, str] = field(default_factory=dict, repr=False)
    seconds: float | None = field(default=None, repr=False)

    @property
    def ci95_px(self) -> tuple[float, float]:
        """95 % interval of the narrowing in pixels."""
        return self.narrowing_px.ci95

    @property
    def jsn_eq7_mm(self) -> float:
        """The paper's ``dy0 - dy1`` in mm (Eq. 7)."""
        return float("nan") if self.spacing_mm is None else (self.upper.dy - self.lower.dy) * self.spacing_mm

    def _repr_html_(self) -> str:
        from napari_jsn.drawing.joint import joint_svg, spectrum_svg
        from napari_jsn.drawing.notebook import picture_html, result_html, table_html

        figure, unit = self.narrowing_and_unit
        low, high = figure.ci95
        rows = [
            (f"JSN ({unit})", f"{figure.value:+.3f}"),
            (f"95 % interval ({unit})", f"{low:+.3f} to {high:+.3f}"),
            ("state", self.state),
            ("original loss", f"{self.original_loss:.5f}"),
            ("transformed loss", f"{self.transformed_loss:.5f}"),
            ("method", self.method),
        ]
        limit = float(max(self.original_spectrum.max(), 1e-6))
        masks = self.fixed_masks.upper, self.fixed_masks.lower
        pictures = (
            picture_html(joint_svg(self.transformed, masks, self.spacing_mm), 160, "transformed image"),
            picture_html(spectrum_svg(self.original_spectrum, limit), 160, "original loss spectrum"),
            picture_html(spectrum_svg(self.transformed_spectrum, limit), 160, "transformed loss spectrum"),
        )
        notes = [str(reason) for reason in self.reasons]
        return result_html(repr(self)[1:-1], table_html(("figure", "value"), rows), *pictures, notes=notes)

    def __repr__(self) -> str:
        figure, unit = self.narrowing_and_unit
        low, high = figure.ci95
        return f"<Registration: JSN {figure.value:+.3f} {unit} [{low:+.3f}, {high:+.3f}], {self.method}, {self.state}>"
