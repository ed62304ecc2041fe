"""Grade whole simulated hands by the one-stage network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.progress import Progress, counted
from napari_jsn.evaluation.scoring.figures import GradedSites
from napari_jsn.evaluation.scoring.simulated import sites_of
from napari_jsn.patient.patient import Hand
from napari_jsn.radiograph import Radiograph
from napari_jsn.scoring.crops.patient_images import TOKENS
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.grader import OneStageGrader
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.training.simulated_patients import CHUNK, GradedPatients, simulated_hand_images

#: The hands are kept as left ones.
_KEPT_SIDE = "L"


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
    count = len(patients)
    found = {kind: np.zeros((count, TOKENS, highest + 1)) for kind, highest in HIGHEST.items()}
    scored = np.zeros((count, TOKENS), bool)
    for number in counted(range(count), count, "Grading whole hands", progress):
        hands = simulated_hand_images(seed + number // CHUNK, grades, cache)
        for place in range(len(SIDES)):
            image, spacing = hands["images"][number % CHUNK, place], float(hands["spacing_mm"][number % CHUNK])
            radiograph = Radiograph(image.astype(np.float32) / 255, spacing, _KEPT_SIDE)
            marked = grader.grade([Hand(1, None, radiograph)]).probabilities
            for (_, joint, kind), probabilities in marked.items():
                token = place * len(JOINTS) + JOINTS.index(joint)
                found[kind][number, token], scored[number, token] = probabilities, True
    return {kind: sites_of(patients, kind, found[kind], scored) for kind in HIGHEST}
