"""Measure what the masks of the published pair do to each method, and draw it; the drawing contains figures only.

The paper's repository gives both images the same mask, a pair of halves. Each method measures the pair twice: with
these halves, and with the bones found inside them. The result with halves is read at two points: that of the halves,
which is the middle column of the image, and that of the joint, which only bones show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.methods_compared import OURS, ComparedMethod, ComparedResult, methods_compared
from benchmarks.plots import FAINT, INK
from benchmarks.reference_pairs import printed_maps
from napari_jsn.common.files import write_files
from napari_jsn.common.progress import Silent
from napari_jsn.common.statistics import Z95, Estimate
from napari_jsn.evaluation.public_images import RealPair, published_pair
from napari_jsn.evaluation.registration.halved_losses import HalvedLosses, halved_losses
from napari_jsn.evaluation.registration.paper_figures import PairResult, VisitPair
from napari_jsn.export.figure import svg_bytes
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import facing_margins
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.halves import bones_of_pair
from napari_jsn.registration.methods import PreparedPair, load_method
from napari_jsn.registration.prepare import MIN_REGION
from napari_jsn.segmentation.segment import segment
from napari_jsn.segmentation.training.data import LabelledJoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The narrowing that the figure of the paper's repository prints.
PRINTED_JSN_MM = -0.01964
_NAME = "published-pair.svg"
_BONE, _SPACE, _BORDER = "#b9c7d3", "#f4f1ea", "#c1440e"
#: Marks of the three figures of a method.
_MARKS = (
    ("halves, read at the point of the halves", "o", "#c1440e"),
    ("halves, read at the point of the joint", "D", "#b8860b"),
    ("bones found inside the halves", "o", "#0b5fa5"),
)


@dataclass(frozen=True)
class MaskPosition:
    """Where the mask lies on one image of the pair.

    Attributes
    ----------
    upper_row, lower_row, border_row : float
        Mean rows of the upper bone's lower margin, of the lower bone's upper margin, and of the border of the halves,
        in the columns where the bones face each other.
    not_bone : float
        Share of the pixels of both halves that belong to no bone.
    """

    upper_row: float
    lower_row: float
    border_row: float
    not_bone: float


@dataclass(frozen=True)
class MaskEffect:
    """The narrowings of one method in the order of the legend, and the sd of the last one (NaN if not stated)."""

    method: str
    mm: tuple[float, float, float]
    sd_mm: float


def run(folder: Path = Path("docs/images")) -> int:
    """Measure the pair, print the figures, and write the drawing; return the exit code."""
    real = published_pair()
    positions, effects = measure(real, methods_compared()[0])
    for name, each in zip(("baseline", "follow-up"), positions, strict=True):
        middle = (each.upper_row + each.lower_row) / 2
        print(
            f"{name}: the border of the halves lies {each.border_row - middle:+.1f} px from the middle of the joint "
            f"space, which is {each.lower_row - each.upper_row:.1f} px wide; {each.not_bone:.0%} of it is no bone"
        )
    for effect in effects:
        sd = f" (sd {effect.sd_mm:.3f})" if np.isfinite(effect.sd_mm) else ""
        stated = [f"{label} {mm:+.3f}" for mm, (label, *_) in zip(effect.mm, _MARKS, strict=True) if np.isfinite(mm)]
        print(f"{effect.method}: {', '.join(stated)}{sd} mm")
    loss = exposure_part(real)
    print(
        f"loss of the printed parameters: {loss.transformed_loss:.5f}; with gain and offset of the exposures fitted "
        f"{loss.matched_transformed_loss:.5f}"
    )
    print(f"Written: {write_files(folder, {_NAME: svg_bytes(draw(positions, effects))})[0]}")
    return 0


def measure(real: RealPair, methods: Sequence[ComparedMethod]) -> tuple[list[MaskPosition], list[MaskEffect]]:
    """Return the position of the mask on both images, and its effect on the printed maps and on each method."""
    given = real.fixed_masks, real.moving_masks
    images = real.fixed, real.moving
    bones = bones_of_pair(images, given, [segment(image) for image in images], MIN_REGION)
    positions = [_position(found, half) for found, half in zip(bones, given, strict=True)]
    of_halves = PreparedPair.from_masks(real.fixed, real.moving, *given, real.spacing_mm)
    of_bones = PreparedPair.from_masks(real.fixed, real.moving, *bones, real.spacing_mm)
    printed = tuple(
        real.spacing_mm * joint_space_narrowing(*printed_maps(real.fixed.shape), pair.point, pair.axis)
        for pair in (of_halves, of_bones)
    )
    effects = [MaskEffect("parameters as printed", (*printed, np.nan), np.nan)]
    for method in (one for one in methods if one.name != "no registration"):
        run_pair = _refined_as_given if method.name == OURS else lambda pair, run=method.run: run([pair])[0]
        halves, found = run_pair(of_halves), run_pair(of_bones)
        read = [(halves, of_halves), (halves, of_bones), (found, of_bones)]
        mm = [real.spacing_mm * joint_space_narrowing(r.upper, r.lower, at.point, at.axis) for r, at in read]
        sd_mm = real.spacing_mm * (found.high_px - found.low_px) / (2 * Z95)
        effects.append(MaskEffect(method.name, (mm[0], mm[1], mm[2]), sd_mm))
    return positions, effects


def exposure_part(real: RealPair) -> HalvedLosses:
    """Return the losses of the printed parameters, as they are and without the difference of the exposures."""
    fixed, moving = (
        LabelledJoint(image, masks, "published pair")
        for image, masks in ((real.fixed, real.fixed_masks), (real.moving, real.moving_masks))
    )
    unused = np.zeros(2), np.array([0.0, 1.0]), np.nan, (np.nan, np.nan), True, *[np.nan] * 4
    return halved_losses([VisitPair(fixed, moving)], [PairResult(*printed_maps(real.fixed.shape), *unused)], [0.0])[0]


def _refined_as_given(pair: PreparedPair) -> ComparedResult:
    """Run our method on the masks as they are; the public call would search the bones inside halves."""
    import torch

    solved = load_method("refined")([pair], torch.device("cpu"), Silent())[0]
    low_px, high_px = Estimate(solved.jsn_px, solved.jsn_sd_px).ci95
    return ComparedResult(solved.jsn_px, pair.point, pair.axis, solved.upper, solved.lower, low_px, high_px)


def _position(bones: BoneMasks, halves: BoneMasks) -> MaskPosition:
    bottom, top = facing_margins(bones)
    facing = np.isfinite(bottom) & np.isfinite(top)
    above, below = facing_margins(halves)
    covered = bones.upper | bones.lower
    return MaskPosition(
        float(bottom[facing].mean()), float(top[facing].mean()), float(((above + below) / 2)[facing].mean()),
        float(np.mean(~covered[halves.upper | halves.lower])),
    )  # fmt: skip


def draw(positions: Sequence[MaskPosition], effects: Sequence[MaskEffect]) -> Figure:
    """Draw the position of the mask as two sketches, and the three narrowings of each method."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    sketches = figure.subplots(1, 3, width_ratios=(1, 1, 3.6))
    for axes, name, each in zip(sketches[:2], ("baseline", "follow-up"), positions, strict=True):
        _sketch(axes, name, each)
    sketches[0].set_ylabel("row, px (sketch from mean rows)", fontsize="small")
    _dots(sketches[2], effects)
    return figure


def _sketch(axes: Axes, name: str, each: MaskPosition) -> None:
    axes.axhspan(each.upper_row, each.lower_row, color=_SPACE)
    side = each.not_bone / 2  # the rest of a half, in the proportion that was measured
    for start, height in ((each.upper_row - 26, 26), (each.lower_row, 26)):
        axes.bar(0.5, height, 1 - 2 * side, bottom=start, color=_BONE)
    axes.axhline(each.border_row, color=_BORDER, lw=1.6)
    axes.axhline((each.upper_row + each.lower_row) / 2, color=INK, lw=0.8, ls=":")
    axes.text(0.5, each.upper_row - 13, "upper bone", ha="center", va="center", fontsize="small")
    axes.text(0.5, each.lower_row + 13, "lower bone", ha="center", va="center", fontsize="small")
    offset = each.border_row - (each.upper_row + each.lower_row) / 2
    axes.set_title(f"{name}\nborder of the mask {offset:+.1f} px", fontsize="small")
    axes.set(xlim=(0, 1), ylim=(each.lower_row + 26, each.upper_row - 26), xticks=[])
    axes.tick_params(labelsize="small")


def _dots(axes: Axes, effects: Sequence[MaskEffect]) -> None:
    axes.axvline(PRINTED_JSN_MM, color=INK, lw=0.8, ls="--", zorder=0, label="printed figure")
    for row, effect in enumerate(effects):
        axes.axhline(row, color=FAINT, lw=0.6, zorder=0)
        axes.plot(effect.mm, [row] * 3, color="#bbbbbb", lw=1, zorder=1)
        if np.isfinite(effect.sd_mm):
            axes.errorbar(effect.mm[2], row, xerr=Z95 * effect.sd_mm, color=_MARKS[2][2], lw=1, capsize=3, zorder=2)
        for value, (label, mark, colour) in zip(effect.mm, _MARKS, strict=True):
            face = "white" if colour == _MARKS[0][2] else colour
            axes.plot(value, row, mark, ms=6, color=colour, mfc=face, label=label if row == 1 else None, zorder=3)
    axes.set_yticks(range(len(effects)), [effect.method for effect in effects], fontsize="small")
    axes.invert_yaxis()
    axes.set_xlabel("narrowing of the published pair, mm; bars: 95 % interval", fontsize="small")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(labelsize="small", length=0)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, 1.22), ncols=2, frameon=False, fontsize="small")
