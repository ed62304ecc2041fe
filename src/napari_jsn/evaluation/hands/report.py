"""Write the tables of the page docs/hands.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.hands.measured import MISMATCH_MM
from napari_jsn.evaluation.page import table

if TYPE_CHECKING:
    from napari_jsn.evaluation.hands.measured import MeasuredJoint
    from napari_jsn.evaluation.hands.timing import Timing
    from napari_jsn.progression.progression import Narrowing


def simulated_lines(measured: Sequence[MeasuredJoint], hands: int, boxes: str) -> list[str]:
    """Return the section on the errors of simulated hands, by joint."""
    source = "found by the localization model" if boxes == "found" else "the true ones"
    lines = [
        "## Simulated hands",
        "",
        f"{hands} hands at two visits, {len(measured)} joints. Joint boxes are {source}; the network finds the bones. "
        "The error is the narrowing minus `jsn_projected_mm` at the centre of the joint. RMSE, median and coverage "
        "are computed over the reliable joints. *Wrong and reliable* is an error over 0.175 mm that was not flagged, "
        "as a share of all joints.",
        "",
    ]
    columns = ("joint", "n", "reliable", "RMSE mm", "median error mm", "bias mm", "in 95 % interval",
               "wrong and reliable", "RMSE of the change of JSW mm")  # fmt: skip
    rows = [_row("all", measured)]
    rows += [_row(joint, [one for one in measured if one.joint == joint]) for joint in MEASURED_JOINTS]
    lines += table(columns, rows)
    reasons = Counter(one.reason for one in measured if not one.reliable)
    kinds = Counter({reason.split("(")[0].strip(): 0 for reason in reasons})
    for reason, count in reasons.items():
        kinds[reason.split("(")[0].strip()] += count
    lines += ["", "Not reliable, by reason:", ""]
    lines += table(("reason", "joints"), [(reason, str(count)) for reason, count in kinds.most_common(8)])
    return [*lines, ""]


def _row(name: str, measured: Sequence[MeasuredJoint]) -> tuple[str, ...]:
    trusted = [one for one in measured if one.reliable]
    errors = np.array([one.error_mm for one in trusted])
    coverage = np.mean(np.abs(errors) <= Z95 * np.array([one.sd_mm for one in trusted]))
    wrong = sum(abs(one.error_mm) > MISMATCH_MM for one in trusted) / len(measured)
    jsw_errors = np.array([one.jsw_change_mm - one.true_mm for one in trusted])
    return (
        name, str(len(measured)), f"{len(trusted) / len(measured):.1%}", f"{np.sqrt(np.mean(errors**2)):.4f}",
        f"{np.median(np.abs(errors)):.4f}", f"{errors.mean():+.4f}", f"{coverage:.1%}", f"{wrong:.2%}",
        f"{np.sqrt(np.nanmean(jsw_errors**2)):.3f}",
    )  # fmt: skip


def re_exposed_lines(rows: Sequence[Narrowing], hands: int) -> list[str]:
    """Return the section on the narrowing between a radiograph and its copy, where the truth is zero."""
    lines = ["## The same radiograph, rotated and exposed again", ""]
    if not hands:
        return [*lines, "Not measured: there are no real radiographs (`NAPARI_JSN_DATA`).", ""]
    measured = np.array([abs(row.jsn_mm) for row in rows if np.isfinite(row.jsn_mm)])
    trusted = np.array([abs(row.jsn_mm) for row in rows if row.reliable])
    return [
        *lines,
        f"{hands} real hands, each against a copy rotated by 5 deg, translated and exposed again with more noise. "
        "The pixel size is the one that makes the hand 157 mm long.",
        "",
        *table(
            ("joints", "measured", "reliable", "median of all mm", "95 % of the reliable mm", "largest reliable mm"),
            [(str(len(rows)), str(len(measured)), str(len(trusted)), f"{np.median(measured):.4f}",
              f"{np.quantile(trusted, 0.95):.4f}", f"{trusted.max():.4f}")],
        ),
        "",
    ]  # fmt: skip


def timing_lines(timing: Timing) -> list[str]:
    """Return the section on time by stage and on memory."""
    return [
        "## Time and memory",
        "",
        "Two radiographs of 2010 x 1490 pixels of one hand, ten joints, models already loaded, two threads.",
        "",
        *table(
            ("stage", "seconds"),
            [*((name, f"{seconds:.2f}") for name, seconds in timing.stages.items()), ("all", f"{timing.seconds:.2f}")],
        ),
        "",
        f"Peak resident memory: {timing.peak_gb:.2f} GB.",
        "",
    ]
