"""The page docs/hands.md: what was measured of whole hands, in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.page import put_section, table

if TYPE_CHECKING:
    from napari_jsn.evaluation.hands.measured import Outcome
    from napari_jsn.evaluation.hands.timing import Timing
    from napari_jsn.progression.progression import Narrowing

_MISMATCH_MM = 0.175


def simulated(outcomes: Sequence[Outcome], hands: int, boxes: str) -> list[str]:
    """Errors of simulated hands, by joint."""
    found = "found by the localiser" if boxes == "found" else "the true ones"
    lines = [
        "## Simulated hands",
        "",
        f"{hands} hands at two visits, {len(outcomes)} joints; joint boxes are {found}, bones found by the network. "
        "The error is the narrowing less `jsn_projected_mm` at the joint's middle. RMSE, median and coverage are of "
        "the reliable; *wrong and reliable* is an error over 0.175 mm that was not flagged, as a share of all.",
        "",
    ]
    columns = ("joint", "n", "reliable", "RMSE mm", "median error mm", "bias mm", "in 95 % interval",
               "wrong and reliable", "RMSE of the change of JSW mm")  # fmt: skip
    rows = [_row("all", outcomes)]
    rows += [_row(joint, [one for one in outcomes if one.joint == joint]) for joint in MEASURED_JOINTS]
    lines += table(columns, rows)
    reasons = Counter(one.reason for one in outcomes if not one.reliable)
    kinds = Counter({reason.split("(")[0].strip(): 0 for reason in reasons})
    for reason, count in reasons.items():
        kinds[reason.split("(")[0].strip()] += count
    lines += ["", "Not reliable, by reason:", ""]
    lines += table(("reason", "joints"), [(reason, str(count)) for reason, count in kinds.most_common(8)])
    return [*lines, ""]


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    trusted = [one for one in outcomes if one.reliable]
    errors = np.array([one.error_mm for one in trusted])
    inside = np.mean(np.abs(errors) <= Z95 * np.array([one.sd_mm for one in trusted]))
    wrong = sum(abs(one.error_mm) > _MISMATCH_MM for one in trusted) / len(outcomes)
    width = np.array([one.jsw_change_mm - one.true_mm for one in trusted])
    return (
        name, str(len(outcomes)), f"{len(trusted) / len(outcomes):.1%}", f"{np.sqrt(np.mean(errors**2)):.4f}",
        f"{np.median(np.abs(errors)):.4f}", f"{errors.mean():+.4f}", f"{inside:.1%}", f"{wrong:.2%}",
        f"{np.sqrt(np.nanmean(width**2)):.3f}",
    )  # fmt: skip


def again(rows: Sequence[Narrowing], hands: int) -> list[str]:
    """What is found between a radiograph and itself."""
    lines = ["## The same radiograph, taken again", ""]
    if not hands:
        return [*lines, "Not measured: no real radiographs were at hand (`NAPARI_JSN_DATA`).", ""]
    measured = np.array([abs(row.jsn_mm) for row in rows if np.isfinite(row.jsn_mm)])
    trusted = np.array([abs(row.jsn_mm) for row in rows if row.reliable])
    return [
        *lines,
        f"{hands} real hands, each against itself turned by 5 deg, shifted, exposed anew and noisier. Pixel sizes are "
        "those that make the hand 157 mm long.",
        "",
        *table(
            ("joints", "measured", "reliable", "median of all mm", "95 % of the reliable mm", "largest reliable mm"),
            [(str(len(rows)), str(len(measured)), str(len(trusted)), f"{np.median(measured):.4f}",
              f"{np.quantile(trusted, 0.95):.4f}", f"{trusted.max():.4f}")],
        ),
        "",
    ]  # fmt: skip


def time(timing: Timing) -> list[str]:
    """Where time goes."""
    return [
        "## Time and memory",
        "",
        "Two radiographs of 2010 x 1490 pixels of one hand, ten joints, models loaded, two threads.",
        "",
        *table(
            ("stage", "seconds"),
            [*((name, f"{seconds:.2f}") for name, seconds in timing.stages.items()), ("all", f"{timing.seconds:.2f}")],
        ),
        "",
        f"Peak of resident memory: {timing.peak_gb:.2f} GB.",
        "",
    ]


def write(page: Path, lines: Sequence[str]) -> Path:
    """Put the tables on the page; its words stay as they are."""
    return put_section(page, "python -m napari_jsn.evaluation.hands", lines)
