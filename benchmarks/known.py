"""Known motion: follow-ups made from real joints, so that the error of every method is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from benchmarks.contestants import OURS, Answer, Contestant
from benchmarks.rows import Row
from napari_jsn.common.statistics import rmse, share
from napari_jsn.evaluation.public_images import Pixels, finger_joints
from napari_jsn.evaluation.registration.known_motion import KnownPair, make_pair
from napari_jsn.evaluation.settings import MISMATCH_PX, Settings
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.methods import PreparedPair

#: What our own method must reach: mismatch share and RMSE in mm.
BARS = {"easy": (0.0, 0.009), "roll": (0.0, 0.030), "hard": (0.002, 0.018)}
#: An answer this near the truth is right, and should be called reliable, in mm.
RIGHT_MM = 0.05


def run(preset: str, field: Sequence[Contestant], settings: Settings) -> list[Row]:
    """Every contestant on the same follow-ups; slow ones on the first of them."""
    known = make_pairs(preset, settings)
    pairs = [PreparedPair.from_masks(pair) for pair in known]
    return [_row(preset, one, known, one.ask(pairs[: one.most_pairs])) for one in field]


@cache
def separate_images() -> list[tuple[Pixels, BoneMasks, float]]:
    """Joint images of the reported half whose bones do not overlap.

    Where bones overlap in projection, no single image tells which of the two a pixel moves with, and a made
    follow-up has no truth there.
    """
    return [
        (image, masks, joint.spacing_mm)
        for joint in finger_joints(size=127, part="report")
        for image, masks in joint.visits
        if not (masks.upper & masks.lower).any()
    ]


def make_pairs(preset: str, settings: Settings) -> list[KnownPair]:
    """Follow-ups of images in random order, each image as often as the others."""
    rng = settings.rng(preset)
    images = separate_images()
    order = np.concatenate([rng.permutation(len(images)) for _ in range(settings.pairs // len(images) + 1)])
    return [make_pair(*images[k], rng, preset) for k in order[: settings.pairs]]


def errors_px(known: Sequence[KnownPair], answers: Sequence[Answer]) -> np.ndarray:
    """Each answer less the truth where that answer was read; infinite where a method failed."""
    errors = [
        answer.jsn_px - pair.jsn_px_at(answer.point, answer.axis) for pair, answer in zip(known, answers, strict=True)
    ]
    return np.nan_to_num(np.array(errors), nan=np.inf)


def _row(preset: str, one: Contestant, all_known: Sequence[KnownPair], answers: list[Answer]) -> Row:
    known = all_known[: len(answers)]
    errors = errors_px(known, answers)
    spacing_mm = np.array([pair.spacing_mm for pair in known])
    matched = np.abs(errors) <= MISMATCH_PX
    errors_mm = (errors * spacing_mm)[matched]
    row = Row(
        f"known motion, {preset}", one.name, len(known), 1 - share(matched), rmse(errors_mm),
        float(np.mean(errors_mm)) if matched.any() else np.nan,
        ms=1e3 * float(np.mean([answer.seconds for answer in answers])), data={"error_mm": errors * spacing_mm},
    )  # fmt: skip
    if one.judges:
        trusted = np.array([answer.reliable for answer in answers])
        held = np.array([answer.holds(answer.jsn_px - error) for answer, error in zip(answers, errors, strict=True)])
        half_width_mm = np.array([answer.high_px - answer.low_px for answer in answers]) / 2 * spacing_mm
        row.reliable, row.covered = share(trusted), share(held)
        row.words = (
            f"of the reliable: mismatch {1 - share(matched[trusted]):.2%}, "
            f"RMSE {rmse((errors * spacing_mm)[trusted & matched]):.4f} mm"
        )
        row.data |= {"reliable": trusted, "held": held, "half_width_mm": half_width_mm}
    if one.name == OURS and preset in BARS:
        most, largest_mm = BARS[preset]
        row.bar = f"mismatch {most:.1%} or less, RMSE {largest_mm} mm or less"
        row.met = row.mismatch <= most and row.rmse_mm <= largest_mm
    return row


def interval_rows(rows: Sequence[Row]) -> list[Row]:
    """Coverage of the 95 % interval over easy and roll together, and how many right answers are called reliable."""
    out = []
    for method in dict.fromkeys(row.method for row in rows):
        mine = [row for row in rows if row.method == method and "held" in row.data]
        plain = [row.data for row in mine if row.test.endswith((" easy", " roll"))]
        if len(plain) == 2:
            held = np.concatenate([data["held"] for data in plain])
            row = Row("95 % interval, easy and roll", method, len(held), covered=share(held))
            half_width_mm = np.concatenate([data["half_width_mm"] for data in plain])
            row.words = f"half width {np.median(half_width_mm):.3f} mm median"
            if method == OURS:
                row.bar, row.met = "holds the truth in 93-98 %", bool(0.93 <= row.covered <= 0.98)
            out.append(row)
        if mine:
            right = np.concatenate([np.abs(row.data["error_mm"]) <= RIGHT_MM for row in mine])
            trusted = np.concatenate([row.data["reliable"] for row in mine])
            row = Row("right answers called reliable", method, int(right.sum()), reliable=share(trusted[right]))
            row.words = f"known motion, error {RIGHT_MM} mm or less"
            if method == OURS:
                row.bar, row.met = "95 % or more", bool(row.reliable >= 0.95)
            out.append(row)
    return out
