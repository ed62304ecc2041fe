"""The figures of an evaluation of registration by name, as JSON holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from napari_jsn.evaluation.registration.known_errors import NarrowingErrors
from napari_jsn.evaluation.registration.report import MethodEvaluation


def registration_figures(evaluations: Sequence[MethodEvaluation]) -> dict[str, object]:
    """Return of each method what the tables show: closure between visits, known motion, simulated joints, robustness.

    The closure of all joints has the name ``all``. Figures of single pairs are left out.
    """
    return {
        each.method: {
            "parameters": each.parameters,
            "seconds": each.seconds,
            "closure": {name or "all": asdict(figures) for name, figures in each.closures.items()},
            "known_motion": {name: _figures(errors) for name, errors in each.known.items()},
            "simulated": None if each.simulated is None else _figures(each.simulated),
            "robustness": {name: [_figures(level) for level in levels] for name, levels in each.curves.items()},
        }
        for each in evaluations
    }


def _figures(errors: NarrowingErrors) -> dict[str, object]:
    original, transformed = np.mean(errors.losses, 0) if len(errors.losses) else (float("nan"), float("nan"))
    return {
        "pairs": len(errors.px),
        "rmse_mm": errors.rmse_mm,
        "mismatch": errors.mismatch,
        "reliable": float(np.mean(errors.reliable)),
        "covered": float(np.mean(errors.covered)),
        "original_loss": float(original),
        "transformed_loss": float(transformed),
        "seconds": errors.seconds,
    }
