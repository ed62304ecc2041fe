"""Grade whole simulated hands by the one-stage network, and calibrate the network on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.progress import Progress, counted
from napari_jsn.patient.patient import Hand
from napari_jsn.radiograph import Radiograph
from napari_jsn.scoring.graded_joints import GradedJoints
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.grader import OneStageGrader, tempered
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.training.calibration import Floats, fit_all
from napari_jsn.scoring.training.simulated_patients import CHUNK, simulated_chunk, simulated_hand_images
from napari_jsn.scoring.training.task import CALIBRATION, TOTALS

#: The hands are kept as left ones.
_KEPT_SIDE = "L"


class _Grader(Protocol):
    def grade(self, hands: Sequence[Hand]) -> GradedJoints: ...


def whole_hand_probabilities(
    count: int, seed: int, grades: str, grader: _Grader, cache: Path | None = None, progress: Progress | None = None
) -> dict[str, Floats]:
    """Return the probabilities (P, 28, K + 1) of the grades of all joints by kind; NaN where a joint is not marked.

    Parameters
    ----------
    count, seed, grades
        As for :func:`~napari_jsn.scoring.training.simulated_patients.simulated_patients`.
    grader : OneStageGrader
    cache, progress : optional

    Raises
    ------
    Aborted
        When the progress is aborted.
    """
    tokens = len(SIDES) * len(JOINTS)
    found = {kind: np.full((count, tokens, highest + 1), np.nan) for kind, highest in HIGHEST.items()}
    for number in counted(range(count), count, "Grading whole hands", progress):
        hands = simulated_hand_images(seed + number // CHUNK, grades, cache)
        for place in range(len(SIDES)):
            image, spacing = hands["images"][number % CHUNK, place], float(hands["spacing_mm"][number % CHUNK])
            radiograph = Radiograph(image.astype(np.float32) / 255, spacing, _KEPT_SIDE)
            for (_, joint, kind), each in grader.grade([Hand(1, None, radiograph)]).probabilities.items():
                found[kind][number, place * len(JOINTS) + JOINTS.index(joint)] = each
    return found


def one_stage_calibration(
    network: Any, card: Mapping[str, Any], cache: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Return temperatures, confusion matrices and errors of totals, fitted to hands that were not trained on.

    Parameters
    ----------
    network : HandNet
        In evaluation mode.
    card : mapping
        With ``inner_mm``, the radius of the circles.
    cache, progress : optional

    Raises
    ------
    Aborted
        When the progress is aborted.
    """
    device = str(next(network.parameters()).device)
    grader = OneStageGrader.of_network(network, {"inner_mm": card["inner_mm"]}, device)
    graded = {
        grades: _graded(count, seed, grades, grader, cache, progress)
        for grades, (count, seed) in (CALIBRATION | TOTALS).items()  # of both the same seeds, and more for totals
    }
    found, of_totals = (
        _joined([(graded[grades], count) for grades, (count, _) in kinds.items()]) for kinds in (CALIBRATION, TOTALS)
    )
    return fit_all(found, of_totals, tempered)


_Graded = dict[str, tuple[Floats, NDArray[np.int64]]]


def _graded(
    count: int, seed: int, grades: str, grader: _Grader, cache: Path | None, progress: Progress | None
) -> _Graded:
    """Return the probabilities and the true grades of patients by kind."""
    found = whole_hand_probabilities(count, seed, grades, grader, cache, progress)
    chunks = [simulated_chunk(seed + k, grades, cache)["grades"] for k in range(-(-count // CHUNK))]
    truth = np.concatenate(chunks)[:count].reshape(count, -1, len(HIGHEST)).astype(np.int64)
    return {kind: (found[kind], truth[..., k]) for k, kind in enumerate(HIGHEST)}


def _joined(parts: Sequence[tuple[_Graded, int]]) -> _Graded:
    """Return the first patients of each part, their number given, as one."""
    return {
        kind: (
            np.concatenate([part[kind][0][:count] for part, count in parts]),
            np.concatenate([part[kind][1][:count] for part, count in parts]),
        )
        for kind in HIGHEST
    }
