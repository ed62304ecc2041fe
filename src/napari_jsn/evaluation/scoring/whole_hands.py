"""Grade whole simulated hands by the one-stage network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_jsn.common.progress import Progress
from napari_jsn.evaluation.scoring.figures import GradedSites
from napari_jsn.evaluation.scoring.simulated import sites_of
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.grader import OneStageGrader
from napari_jsn.scoring.training.simulated_patients import GradedPatients
from napari_jsn.scoring.training.whole_hands import whole_hand_probabilities


def graded_whole_hands(
    patients: GradedPatients,
    seed: int,
    grades: str,
    grader: OneStageGrader,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, GradedSites]:
    """Return what the network says of all joints with a true grade, by kind; joints not marked are not scored.

    Parameters
    ----------
    patients : GradedPatients
        The first ones of the seed, whose grades are the truth.
    seed, grades
        As for :func:`~napari_jsn.scoring.training.simulated_patients.simulated_patients`.
    grader : OneStageGrader
    cache, progress : optional

    Raises
    ------
    Aborted
        When the progress is aborted.
    """
    found = whole_hand_probabilities(len(patients), seed, grades, grader, cache, progress)
    marked = {kind: np.asarray(np.isfinite(each).all(-1), bool) for kind, each in found.items()}
    return {kind: sites_of(patients, kind, found[kind], marked[kind]) for kind in HIGHEST}
