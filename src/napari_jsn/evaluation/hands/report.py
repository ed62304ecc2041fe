"""Write the tables of the page docs/hands.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.anatomy import JOINTS, joint_kind
from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.hands.measured import MISMATCH_MM
from napari_jsn.evaluation.page import table

if TYPE_CHECKING:
    from napari_jsn.evaluation.hands.measured import MeasuredJoint
    from napari_jsn.evaluation.hands.timing import Timing
    from napari_jsn.progression.progression import Narrowing


#: Samples of patients with replacement for the intervals of shares.
_SAMPLES = 1000
#: Rotation of the bones against each other that is reported on its own, in degrees.
_LARGE_ROTATION_DEG = 6.0
#: Rolls between which joints are reported on their own, in degrees.
_ROLLS_DEG = (0.0, 8.0, 16.0, 90.0)


def simulated_lines(measured: Sequence[MeasuredJoint], boxes: str) -> list[str]:
    """Return the section on the errors of simulated hands, by pixel pitch and by kind of joint."""
    source = "found by the localization model" if boxes == "found" else "the true ones"
    hands = len({(one.patient, one.side) for one in measured})
    pitches = sorted({one.pitch_mm for one in measured})
    lines = [
        "## Simulated hands",
        "",
        f"{hands} hands at two visits, {len(measured)} joints, other patients at each pixel pitch. Joint boxes are "
        f"{source}; the network finds the bones. The error is the narrowing minus `jsn_projected_mm` at the centre of "
        "the joint. RMSE, bias, coverage and half width are computed over the joints that have not failed. *Wrong* is "
        "an error over 0.175 mm that has not failed, as a share of all joints. In brackets: 95 % intervals by "
        "bootstrap over patients; for *wrong* the upper end, 3 / n at least.",
        "",
    ]
    columns = ("joints", "n", "not failed", "wide", "RMSE mm", "bias mm", "in 95 % interval", "median half width mm",
               "wrong", "RMSE of the change of JSW mm")  # fmt: skip
    groups = [("all", list(measured))]
    groups += [(f"{pitch:g} mm pitch", [one for one in measured if one.pitch_mm == pitch]) for pitch in pitches]
    kinds = dict.fromkeys(joint_kind(joint) for joint in JOINTS)
    groups += [(kind, [one for one in measured if joint_kind(one.joint) == kind]) for kind in kinds]
    rotated = [one for one in measured if abs(one.rotation_deg) > _LARGE_ROTATION_DEG]
    groups.append((f"rotation over {_LARGE_ROTATION_DEG:g} deg", rotated))
    for least, most in pairwise(_ROLLS_DEG):
        groups.append((f"roll of {least:g} to {most:g} deg", [one for one in measured if least <= one.roll_deg < most]))
    lines += table(columns, [_row(name, some) for name, some in groups if some])
    failures = Counter(one.reasons for one in measured if one.failed)
    lines += ["", "Failed, by reasons:", ""]
    lines += table(("reasons", "joints"), [(reasons, str(count)) for reasons, count in failures.most_common(8)])
    return [*lines, ""]


def _row(name: str, measured: Sequence[MeasuredJoint]) -> tuple[str, ...]:
    counted = [one for one in measured if not one.failed]
    errors, half = (np.array([value(one) for one in counted]) for value in (_error, _half_width))
    jsw_errors = np.array([one.jsw_change_mm - one.true_mm for one in counted])
    wrong = [not one.failed and abs(one.error_mm) > MISMATCH_MM for one in measured]
    # without any wrong joint, a bootstrap gives 0; the upper bound is then 3 / n
    most_wrong = max(_bootstrap(wrong, measured)[1], 3 / len(measured))
    return (
        name, str(len(measured)), _share([not one.failed for one in measured], measured),
        f"{np.mean([one.state == 'wide' for one in measured]):.1%}", f"{np.sqrt(np.mean(errors**2)):.4f}",
        f"{errors.mean():+.4f}", _share((np.abs(errors) <= half).tolist(), counted), f"{np.median(half):.3f}",
        f"{np.mean(wrong):.2%} (up to {most_wrong:.2%})", f"{np.sqrt(np.nanmean(jsw_errors**2)):.3f}",
    )  # fmt: skip


def _error(one: MeasuredJoint) -> float:
    return one.error_mm


def _half_width(one: MeasuredJoint) -> float:
    return Z95 * one.sd_mm


def _share(held: Sequence[bool], measured: Sequence[MeasuredJoint]) -> str:
    low, high = _bootstrap(held, measured)
    return f"{np.mean(held):.1%} ({100 * low:.1f} to {100 * high:.1f})"


def _bootstrap(held: Sequence[bool], measured: Sequence[MeasuredJoint]) -> tuple[float, float]:
    """Return the 95 % interval of a share by bootstrap over patients: their joints are not independent."""
    patients = {one.patient: k for k, one in enumerate(reversed(measured))}
    numbers = {patient: number for number, patient in enumerate(patients)}
    of_patient = np.array([numbers[one.patient] for one in measured])
    counts = np.bincount(of_patient, minlength=len(numbers))
    sums = np.bincount(of_patient, np.asarray(held, float), minlength=len(numbers))
    drawn = np.random.default_rng(0).integers(len(numbers), size=(_SAMPLES, len(numbers)))
    low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
    return float(low), float(high)


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
            ("joints", "measured", "not failed", "median of all mm", "95 % of those not failed mm",
             "largest not failed mm"),
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
