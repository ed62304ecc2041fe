"""A physical phantom whose gap a micrometer changed by 0.50 mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.contestants import OURS, Contestant
from benchmarks.rows import Row
from napari_jsn.common.statistics import rmse
from napari_jsn.evaluation.public_images import phantom
from napari_jsn.evaluation.settings import Settings
from napari_jsn.registration.methods import PreparedPair


def run(field: Sequence[Contestant], settings: Settings) -> list[Row]:
    """Each of two sets, measured both ways."""
    real = phantom()
    pairs = [PreparedPair.from_masks(p.fixed, p.moving, p.fixed_masks, p.moving_masks, p.spacing_mm) for p in real]
    # peers read along the micrometer, which moved along the columns; our public call finds its own axis
    pairs = [replace(pair, axis=np.array([0.0, 1.0])) for pair in pairs]
    rows = []
    for one in field:
        answers = one.ask(pairs)
        truth_px = np.array([p.jsn_mm / p.spacing_mm for p in real])
        spacing_mm = np.array([p.spacing_mm for p in real])
        errors_mm = (np.array([answer.jsn_px for answer in answers]) - truth_px) * spacing_mm
        held = [answer.holds(truth) for answer, truth in zip(answers, truth_px, strict=True)]
        row = Row("phantom, 0.50 mm", one.name, len(pairs), rmse_mm=rmse(errors_mm))
        mean = float(np.mean(np.abs(errors_mm)))
        row.words = f"mean |error| {mean:.4f} mm; " + ", ".join(
            f"{error:+.4f}{'' if inside or not one.judges else ' (outside its interval)'}"
            for error, inside in zip(errors_mm, held, strict=True)
        )
        if one.judges:
            row.covered = float(np.mean(held))
            row.reliable = float(np.mean([answer.reliable for answer in answers]))
        if one.name == OURS:
            row.bar = "mean |error| 0.010 mm or less, every error inside its interval"
            row.met = mean <= 0.010 and all(held)
        rows.append(row)
    return rows
