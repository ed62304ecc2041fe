"""A figure of one registration in six panels, after Fig. 6 of Wang et al. 2023.

Panels: moving image, bone regions, fixed image, transformed image, and both loss spectra on one colour scale. Below
them: the transformation parameters P0 and P1, the losses L(F,G) and L(F,G') of the moving and of the transformed image,
the narrowing with its interval, and the reasons if it has failed.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.drawing.colours import LOWER_COLOUR, UPPER_COLOUR
from napari_jsn.joint import BoneMasks
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.labels import (
    eq7_label,
    interval_label,
    jsn_label,
    loss_labels,
    motion_labels,
    spacing_label,
    state_label,
)
from napari_jsn.registration.result import Registration

if TYPE_CHECKING:
    from matplotlib import figure as mpl_figure
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
else:
    mpl_figure = LazyModule("matplotlib.figure")

TITLES = ("Moving", "Bone regions", "Fixed", "Transformed", "Original loss spectrum", "Transformed loss spectrum")

_INK, _FAINT, _ALARM = "#222222", "#767676", "#b3261e"
_FONT: dict[str, Any] = {"family": "DejaVu Sans", "fontsize": 10.0}

# Layout of the page, in inches.
_MARGIN, _GAP, _LINE = 0.25, 0.14, 0.25
_BAR, _BAR_ROOM = 0.12, 0.75
_PANEL_AREA, _MAX_PANEL, _TITLE_WIDTH = 2.3**2, 4.5, 1.9
#: Panels with a larger ratio of width to height are placed in two rows, so that they stay large.
_WIDE = 1.4


def registration_figure(
    fixed: ArrayLike,
    moving: ArrayLike,
    registration: Registration,
    fixed_spacing_mm: Spacing = None,
    moving_spacing_mm: Spacing = None,
    title: str = "",
) -> mpl_figure.Figure:
    """Draw a registration.

    Parameters
    ----------
    fixed, moving : (H, W) array
        The two joint images; their shapes may differ.
    registration : Registration
        Its result.
    fixed_spacing_mm, moving_spacing_mm : float or (row, col) pair, optional
        Pixel sizes of the images, if they differ from that of the registration.
    title : str
        A line above the panels, such as the names of the two images.

    Returns
    -------
    matplotlib.figure.Figure
        It does not belong to pyplot; ``figure.savefig("pair.svg")`` writes it.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> from napari_jsn.simulation.joint_pair import joint_pair
    >>> pair = joint_pair("MCP2", 0.2, seed=1)
    >>> found = jsn.register(pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks, pair.spacing_mm)
    >>> len(jsn.registration_figure(pair.fixed, pair.moving, found).axes)  # six panels and a colour bar
    7
    """
    from matplotlib.figure import Figure

    fixed, moving = np.asarray(fixed), np.asarray(moving)
    # all panels have the same scale, in mm or, without a pixel size, in pixels
    unit = registration.spacing_mm
    fixed_pixel, moving_pixel = ((size or unit) if unit else 1.0 for size in (fixed_spacing_mm, moving_spacing_mm))
    height, width = np.maximum(np.multiply(fixed.shape, fixed_pixel), np.multiply(moving.shape, moving_pixel)).tolist()
    page = _Page.fit(width / height, registration, bool(title))
    figure = Figure((page.width, page.height), facecolor="white")
    panels = [page.panel(figure, k) for k in range(len(TITLES))]
    for panel, name in zip(panels, TITLES, strict=True):
        panel.set_title(name, color=_INK, pad=6, **_FONT)
        panel.set_axis_off()
        panel.set_xlim(-width / 2, width / 2)
        panel.set_ylim(height / 2, -height / 2)
    _show(panels[0], moving, moving_pixel, **_intensities(moving))
    _show(panels[1], fixed, fixed_pixel, **_intensities(fixed))
    _regions(panels[1], registration)
    _show(panels[2], fixed, fixed_pixel, **_intensities(fixed))
    if unit:
        _scale_bar(panels[2])
    _show(panels[3], registration.transformed, unit or 1.0, **_intensities(moving))
    _spectra(figure, page, panels[4:], registration)
    _write_figures(figure, page, registration, title)
    return figure


def png_bytes(figure: Figure, dpi: int = 200) -> bytes:
    """Return the figure as a PNG file; the same figure gives the same bytes."""
    return _saved(figure, format="png", dpi=dpi, metadata={"Software": None})


def svg_bytes(figure: Figure) -> bytes:
    """Return the figure as an SVG file; the same figure gives the same bytes."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "napari-jsn"}):
        return _saved(figure, format="svg", metadata={"Date": None, "Creator": "napari-jsn"})


def _saved(figure: Figure, **options: Any) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a file name in another script is shown as boxes
        figure.savefig(file, **options)
    return file.getvalue()


@dataclass(frozen=True)
class _Page:
    """Positions on the page, in inches from its lower left corner."""

    columns: int
    panel_width: float
    panel_height: float
    reasons: tuple[str, ...]
    titled: bool

    @classmethod
    def fit(cls, aspect: float, registration: Registration, titled: bool) -> _Page:
        """Return the page for panels of this ratio of width to height."""
        columns = 3 if aspect > _WIDE else 6
        area = 1.6 * _PANEL_AREA if columns == 3 else _PANEL_AREA
        panel_width = min(float(np.sqrt(area * aspect)), _MAX_PANEL)
        page = cls(columns, panel_width, panel_width / aspect, (), titled)
        words = "" if registration.reliable else f"Failed: {registration.reason}".rstrip(": ")
        return replace(page, reasons=tuple(textwrap.wrap(words, page.letters)))

    @property
    def rows(self) -> int:
        return len(TITLES) // self.columns

    @property
    def width(self) -> float:
        return 2 * _MARGIN + self.columns * self.column + _BAR_ROOM

    @property
    def column(self) -> float:
        """Width of a panel, or of its title if that is wider, with the gap after it."""
        return max(self.panel_width, _TITLE_WIDTH) + _GAP

    @property
    def letters(self) -> int:
        """Number of letters in a line: 13 letters of this font take one inch."""
        return int(13 * (self.width - 2 * _MARGIN))

    @property
    def text_height(self) -> float:
        """Height of captions, four lines of figures, the reasons, and the space around them."""
        return (5.4 + (0.5 + len(self.reasons) if self.reasons else 0.0)) * _LINE

    @property
    def height(self) -> float:
        title = 1.3 * _LINE if self.titled else 0.0
        return _MARGIN + self.text_height + self.rows * (self.panel_height + 1.4 * _LINE) + title

    def line(self, number: float) -> float:
        """Vertical position of a line of text; line 0 is directly below the panels."""
        return _MARGIN + self.text_height - (number + 0.7) * _LINE

    def corner(self, k: int) -> tuple[float, float]:
        """Left and bottom of a panel."""
        row, column = divmod(k, self.columns)
        left = _MARGIN + column * self.column + (self.column - _GAP - self.panel_width) / 2
        return left, _MARGIN + self.text_height + (self.rows - 1 - row) * (self.panel_height + 1.4 * _LINE)

    def panel(self, figure: Figure, k: int) -> Axes:
        return self.axes(figure, *self.corner(k), self.panel_width, self.panel_height)

    def axes(self, figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
        place = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return figure.add_axes(place)

    def write(self, figure: Figure, left: float, bottom: float, text: str, **style: Any) -> None:
        style = {"color": _INK, "va": "baseline", **_FONT, **style}
        figure.text(left / self.width, bottom / self.height, text, parse_math=False, **style)


def _show(panel: Axes, pixels: NDArray[np.floating], size: float | tuple[float, float], **style: Any) -> AxesImage:
    """Draw an image of this pixel size at the centre of the panel."""
    half_height, half_width = (np.multiply(pixels.shape[:2], size) / 2).tolist()
    frame = panel.get_xlim(), panel.get_ylim()
    drawn = panel.imshow(pixels, extent=(-half_width, half_width, half_height, -half_height), origin="upper", **style)
    panel.set(xlim=frame[0], ylim=frame[1])
    return drawn


def _intensities(pixels: NDArray[np.floating]) -> dict[str, Any]:
    low, high = np.nanpercentile(pixels, (0.2, 99.8))
    return {"cmap": "gray", "vmin": float(low), "vmax": float(max(high, low + 1e-6))}


def _regions(panel: Axes, registration: Registration) -> None:
    """Fill and outline both bones, and mark the point and the axis of the narrowing."""
    from matplotlib.colors import to_rgba

    masks: BoneMasks = registration.fixed_masks
    unit = registration.spacing_mm or 1.0
    rows, cols = (unit * (np.arange(n) - (n - 1) / 2) for n in masks.shape)
    for mask, colour in ((masks.upper, UPPER_COLOUR), (masks.lower, LOWER_COLOUR)):
        if mask.any() and not mask.all():
            _show(panel, mask[..., None] * np.array(to_rgba(colour, 0.28)), unit)
            panel.contour(cols, rows, mask, levels=(0.5,), colors=[colour], linewidths=1.1)
    middle = (np.array(masks.shape[::-1]) - 1) / 2
    point, half = np.asarray(registration.point) - middle, 0.05 * masks.shape[0] * np.asarray(registration.axis)
    panel.plot(*np.transpose([unit * (point - half), unit * (point + half)]), color="white", linewidth=1.4)
    panel.plot(*(unit * point), marker="o", markersize=4, color="white", markeredgecolor=_INK, markeredgewidth=0.6)


def _scale_bar(panel: Axes) -> None:
    """A bar of up to a quarter of the panel's width, in mm."""
    from matplotlib.patheffects import withStroke

    (left, right), (bottom, top) = panel.get_xlim(), panel.get_ylim()
    steps = (step * 10.0**power for power in range(-3, 4) for step in (1, 2, 5))
    length = max(step for step in steps if step <= (right - left) / 4)
    left, bottom = left + 0.05 * (right - left), bottom + 0.06 * (top - bottom)
    for width, colour in ((4.0, "black"), (2.2, "white")):  # white on black is visible on bone and on tissue
        panel.plot([left, left + length], [bottom, bottom], color=colour, linewidth=width, solid_capstyle="butt")
    style = {**_FONT, "fontsize": 8.5, "color": "white"}
    words = panel.text(left, bottom + 0.025 * (top - bottom), f"{length:g} mm", **style)
    words.set_path_effects([withStroke(linewidth=1.6, foreground="black")])


def _spectra(figure: Figure, page: _Page, panels: list[Axes], registration: Registration) -> None:
    """Draw both loss spectra on one colour scale, so that they can be compared."""
    spectra = registration.original_spectrum, registration.transformed_spectrum
    limit = max(float(np.nanpercentile(np.concatenate([s.ravel() for s in spectra]), 99.7)), 1e-6)
    for panel, spectrum in zip(panels, spectra, strict=True):
        drawn = _show(panel, spectrum, registration.spacing_mm or 1.0, cmap="viridis", vmin=0.0, vmax=limit)
    right, bottom = _MARGIN + page.columns * page.column, page.corner(len(TITLES) - 1)[1]
    axes = page.axes(figure, right, bottom, _BAR, page.panel_height)
    bar = figure.colorbar(drawn, cax=axes, extend="max", extendfrac=0.03)
    axes.tick_params(labelsize=7.5, colors=_INK, length=2)
    axes.set_ylabel("squared difference", color=_INK, **{**_FONT, "fontsize": 8.0})
    bar.outline.set_linewidth(0.5)
    for k, name, words in zip((4, 5), ("L(F,G)", "L(F,G')"), loss_labels(registration), strict=True):
        page.write(figure, page.corner(k)[0] + page.panel_width / 2, page.line(0), f"{name} = {words}", ha="center")


def _write_figures(figure: Figure, page: _Page, registration: Registration, title: str) -> None:
    if title:
        words = title if len(title) <= page.letters else f"{title[: page.letters - 3]}..."
        page.write(figure, _MARGIN, page.height - _MARGIN - 0.3 * _LINE, words, color=_FAINT)
    stops = (0.0, 1.25, 2.15, 4.05, 4.85)
    rows = [
        ("", "scale dz", "rotation d\u03b8", "dx (px)", "dy (px)"),
        ("P0, upper bone", *motion_labels(registration.upper)),
        ("P1, lower bone", *motion_labels(registration.lower)),
    ]
    for number, row in enumerate(rows):
        for stop, words in zip(stops, row, strict=True):
            page.write(figure, _MARGIN + stop, page.line(number + 1.6), words, color=_FAINT if number == 0 else _INK)
    ink = _INK if registration.reliable else _FAINT
    left = max(_MARGIN + page.columns // 2 * page.column, _MARGIN + stops[-1] + 1.0)
    results = [
        ("JSN", jsn_label(registration), {"weight": "bold", "color": ink}),
        ("95 % interval", interval_label(registration), {"color": ink}),
        ("Eq. 7, dy0 - dy1", eq7_label(registration), {"color": ink}),
        ("Pixel size", spacing_label(registration.spacing_mm), {}),
    ]
    for number, (name, words, style) in enumerate(results):
        page.write(figure, left, page.line(number + 1.6), name, color=_FAINT)
        page.write(figure, left + 1.35, page.line(number + 1.6), words, **style)
    if registration.reliable:
        page.write(figure, _MARGIN, page.line(4.6), f"State: {state_label(registration)}")
    for number, words in enumerate(page.reasons):
        page.write(figure, _MARGIN, page.line(number + 5.8), words, color=_ALARM)
