"""Sanity checks of the maps of erosion: they point at the drawn erosion, and what they point at matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.progress import Progress, counted
from napari_jsn.evaluation.page import table
from napari_jsn.scoring.crops.site_image import KEPT, SIDE, SIDE_MM
from napari_jsn.scoring.maps.joint_map import joint_map
from napari_jsn.scoring.training.simulated_patients import MASK_STEP, GradedPatients
from napari_jsn.scoring.two_stage.grader import TwoStageGrader
from napari_jsn.scoring.two_stage.network import TOKENS, build_patient_net

#: Distance from the erosion within which the peak of a map is right, in mm; least grade of the joints.
NEAR_MM, LEAST_GRADE = 2.0, 2
#: Share of the pixels that are deleted, and side of the deleted squares in pixels.
_DELETED, _SQUARE = 0.1, 8


@dataclass(frozen=True)
class MapCheck:
    """How the maps of one method did.

    Attributes
    ----------
    method : str
    joints : int
    near : float
        Share of the joints whose peak lies within 2 mm of a drawn erosion.
    near_random : float
        The same of a network with random weights.
    by_chance : float
        The same of a place drawn at random on the image.
    fall, fall_random : float
        Mean fall of the expected grade where the tenth of the image with the highest values is deleted, and where a
        tenth at random is.
    """

    method: str
    joints: int
    near: float
    near_random: float
    by_chance: float
    fall: float
    fall_random: float


def check_maps(
    patients: GradedPatients,
    grader: TwoStageGrader,
    methods: Sequence[str],
    most: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[MapCheck]:
    """Return how maps of erosion do on joints with an erosion of grade 2 or more.

    Parameters
    ----------
    patients : GradedPatients
        With the masks of their erosions.
    grader : TwoStageGrader
    methods : sequence of str
        See :data:`napari_jsn.scoring.maps.joint_map.METHODS`.
    most : int
        Largest number of joints, drawn at random.
    seed : int
    progress : Progress, optional

    Raises
    ------
    Aborted
        When the progress is aborted.
    """
    assert patients.erosions is not None
    rng = np.random.default_rng(seed)
    grades = patients.grades[..., 1].reshape(len(patients), TOKENS)
    masks = patients.erosions.reshape(len(patients), TOKENS, *patients.erosions.shape[3:])
    there = patients.there.reshape(len(patients), TOKENS)
    places = np.argwhere((grades >= LEAST_GRADE) & there & (masks.max((2, 3)) > 127))
    chosen = places[rng.permutation(len(places))[:most]]
    random_grader = _with_random_weights(grader, seed)
    return [
        _check(method, patients, grader, random_grader, chosen, masks, np.random.default_rng(seed))
        for method in counted(methods, len(methods), "Checking the maps", progress)
    ]


def maps_table(checks: Sequence[MapCheck]) -> list[str]:
    """Return the lines of a Markdown table."""
    heads = ("map of erosion", "joints", "peak within 2 mm", "random weights", "a place at random", "fall by deletion",
             "random deletion")  # fmt: skip
    rows = [
        [
            each.method, str(each.joints), f"{100 * each.near:.0f} %", f"{100 * each.near_random:.0f} %",
            f"{100 * each.by_chance:.0f} %", f"{each.fall:.2f}", f"{each.fall_random:.2f}",
        ]
        for each in checks
    ]  # fmt: skip
    return table(heads, rows)


def _check(
    method: str,
    patients: GradedPatients,
    grader: TwoStageGrader,
    random_grader: TwoStageGrader,
    places: NDArray[np.int64],
    masks: NDArray[np.uint8],
    rng: np.random.Generator,
) -> MapCheck:
    near, near_random, chance, falls, falls_random = [], [], [], [], []
    for patient, token in places:
        images = patients.images[patient].reshape(TOKENS, KEPT, KEPT)
        there = patients.there[patient].reshape(TOKENS)
        away = _away_mm(masks[patient, token], JOINTS[token % len(JOINTS)])
        shown = joint_map(grader, images, there, int(token), "erosion", method)
        by_random = joint_map(random_grader, images, there, int(token), "erosion", method)
        near.append(away[np.unravel_index(shown.argmax(), shown.shape)] <= NEAR_MM)
        near_random.append(away[np.unravel_index(by_random.argmax(), shown.shape)] <= NEAR_MM)
        chance.append((away <= NEAR_MM).mean())
        before, *after = _expected(grader, images, there, int(token), [shown, rng.random(shown.shape)])
        falls.append(before - after[0])
        falls_random.append(before - after[1])
    means = (
        float(np.mean(each)) if each else float("nan") for each in (near, near_random, chance, falls, falls_random)
    )
    return MapCheck(method, len(places), *means)


def _away_mm(mask: NDArray[np.uint8], joint: str) -> NDArray[np.float64]:
    """Return the distance (96, 96) of every pixel from an erosion, in mm."""
    first = (KEPT - SIDE) // 2
    drawn = mask.repeat(MASK_STEP, 0).repeat(MASK_STEP, 1)[first : first + SIDE, first : first + SIDE] > 127
    if not drawn.any():
        return np.full((SIDE, SIDE), np.inf)
    away: NDArray[np.float64] = ndimage.distance_transform_edt(~drawn) * SIDE_MM[joint[:-1]] / SIDE
    return away


def _expected(
    grader: TwoStageGrader,
    images: NDArray[np.uint8],
    there: NDArray[np.bool_],
    token: int,
    maps: Sequence[NDArray[np.floating]],
) -> list[float]:
    """Return the expected grade of erosion of a joint, and the same where the highest tenth of each map is deleted."""
    count = SIDE // _SQUARE
    given = [images]
    first = (KEPT - SIDE) // 2
    for each in maps:
        squares = each.reshape(count, _SQUARE, count, _SQUARE).mean((1, 3))
        limit = np.quantile(squares, 1 - _DELETED)
        deleted = (squares >= limit).repeat(_SQUARE, 0).repeat(_SQUARE, 1)
        changed = images.copy()
        middle = changed[token, first : first + SIDE, first : first + SIDE]
        middle[deleted] = round(float(middle.mean()))
        given.append(changed)
    found, _ = grader.probabilities(np.stack(given), np.repeat(there[None], len(given), 0))
    expected = found["erosion"][:, token] @ np.arange(found["erosion"].shape[2])
    return [float(each) for each in expected]


def _with_random_weights(grader: TwoStageGrader, seed: int) -> TwoStageGrader:
    """Return the same networks with random weights."""
    architecture = {key: value for key, value in grader.card["architecture"].items() if key != "class"}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_patient_net(architecture)
    other = object.__new__(TwoStageGrader)
    other.network, other.card, other.device = network.eval().to(grader.device), grader.card, grader.device
    return other
