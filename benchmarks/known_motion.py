"""Known motion: follow-ups made from real joint images, so that the error of every method is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.methods_compared import OURS, BenchmarkRow, ComparedMethod, ComparedResult
from napari_jsn.common.statistics import rmse, share
from napari_jsn.evaluation.public_images import Pixels, finger_joints
from napari_jsn.evaluation.registration.known_motion import KnownPair, make_pair
from napari_jsn.evaluation.settings import MISMATCH_PX, Settings
from napari_jsn.joint import BoneMasks

#: Targets of our own method: share of mismatches and RMSE in mm.
TARGETS = {"easy": (0.0, 0.009), "roll": (0.0, 0.030), "hard": (0.002, 0.018)}
#: A result with an error up to this is correct and should be called reliable, in mm.
CORRECT_MM = 0.05


def run(preset: str, methods: Sequence[ComparedMethod], settings: Settings) -> list[BenchmarkRow]:
    """Run every method on the same follow-ups; slow methods on the first of them."""
    known = make_pairs(preset, settings)
    pairs = [each.pair for each in known]
    return [_row(preset, method, known, method.run(pairs[: method.max_pairs])) for method in methods]


@cache
def separate_images() -> list[tuple[Pixels, BoneMasks, float]]:
    """Return the joint images of the reported half whose bones do not overlap.

    Where bones overlap in projection, a single image does not show which of the two a pixel moves with, so a
    follow-up has no truth there.
    """
    return [
        (image, masks, joint.spacing_mm)
        for joint in finger_joints(size=127, part="report")
        for image, masks in joint.visits
        if not (masks.upper & masks.lower).any()
    ]


def make_pairs(preset: str, settings: Settings) -> list[KnownPair]:
    """Make follow-ups of images in random order, the same number of each image."""
    rng = settings.rng(preset)
    images = separate_images()
    order = np.concatenate([rng.permutation(len(images)) for _ in range(settings.pairs // len(images) + 1)])
    return [make_pair(*images[k], rng, preset) for k in order[: settings.pairs]]


def errors_px(known: Sequence[KnownPair], results: Sequence[ComparedResult]) -> NDArray[np.float64]:
    """Return each result minus the truth at its own point and axis; infinite where a method failed."""
    errors = [
        result.jsn_px - pair.jsn_px_at(result.point, result.axis) for pair, result in zip(known, results, strict=True)
    ]
    return np.nan_to_num(np.array(errors), nan=np.inf)


def _row(
    preset: str, method: ComparedMethod, all_known: Sequence[KnownPair], results: Sequence[ComparedResult]
) -> BenchmarkRow:
    known = all_known[: len(results)]
    errors = errors_px(known, results)
    spacing_mm = np.array([pair.spacing_mm for pair in known])
    matched = np.abs(errors) <= MISMATCH_PX
    errors_mm = (errors * spacing_mm)[matched]
    row = BenchmarkRow(
        f"known motion, {preset}", method.name, len(known), 1 - share(matched), rmse(errors_mm),
        float(np.mean(errors_mm)) if matched.any() else np.nan,
        ms=1e3 * float(np.mean([result.seconds for result in results])), data={"error_mm": errors * spacing_mm},
    )  # fmt: skip
    if method.states_uncertainty:
        reliable = np.array([result.reliable for result in results])
        covered = np.array(
            [result.covers(result.jsn_px - error) for result, error in zip(results, errors, strict=True)]
        )
        half_width_mm = np.array([result.high_px - result.low_px for result in results]) / 2 * spacing_mm
        row.reliable, row.covered = share(reliable), share(covered)
        row.remarks = (
            f"of the reliable: mismatch {1 - share(matched[reliable]):.2%}, "
            f"RMSE {rmse((errors * spacing_mm)[reliable & matched]):.4f} mm"
        )
        row.data |= {"reliable": reliable, "covered": covered, "half_width_mm": half_width_mm}
    if method.name == OURS and preset in TARGETS:
        max_mismatch, max_rmse_mm = TARGETS[preset]
        row.target = f"mismatch {max_mismatch:.1%} or less, RMSE {max_rmse_mm} mm or less"
        row.reached = row.mismatch <= max_mismatch and row.rmse_mm <= max_rmse_mm
    return row


def interval_rows(rows: Sequence[BenchmarkRow]) -> list[BenchmarkRow]:
    """Return the coverage over easy and roll together, and the share of correct results that are called reliable."""
    found = []
    for method in dict.fromkeys(row.method for row in rows):
        of_method = [row for row in rows if row.method == method and "covered" in row.data]
        plain = [row.data for row in of_method if row.test.endswith((" easy", " roll"))]
        if len(plain) == 2:
            covered = np.concatenate([data["covered"] for data in plain])
            row = BenchmarkRow("95 % interval, easy and roll", method, len(covered), covered=share(covered))
            half_width_mm = np.concatenate([data["half_width_mm"] for data in plain])
            row.remarks = f"half width {np.median(half_width_mm):.3f} mm median"
            if method == OURS:
                row.target, row.reached = "covers the truth in 93-98 %", bool(0.93 <= row.covered <= 0.98)
            found.append(row)
        if of_method:
            correct = np.concatenate([np.abs(row.data["error_mm"]) <= CORRECT_MM for row in of_method])
            reliable = np.concatenate([row.data["reliable"] for row in of_method])
            row = BenchmarkRow(
                "correct results called reliable", method, int(correct.sum()), reliable=share(reliable[correct])
            )
            row.remarks = f"known motion, error {CORRECT_MM} mm or less"
            if method == OURS:
                row.target, row.reached = "95 % or more", bool(row.reliable >= 0.95)
            found.append(row)
    return found
