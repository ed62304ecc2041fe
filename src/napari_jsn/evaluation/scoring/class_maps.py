"""Sanity checks of the class maps of the one-stage network, on whole hands with known erosions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_jsn.common.progress import Aborted, Progress, Silent
from napari_jsn.evaluation.scoring.maps import LEAST_GRADE, NEAR_MM, MapCheck
from napari_jsn.scoring.maps.site_map import class_map
from napari_jsn.scoring.one_stage.canvas import CANVAS, HandCanvas, hand_canvas
from napari_jsn.scoring.one_stage.grader import OneStageGrader
from napari_jsn.scoring.one_stage.network import PixelClasses, build_hand_net
from napari_jsn.scoring.one_stage.places import disc
from napari_jsn.scoring.training.simulated_patients import CHUNK, simulated_radiographs
from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph

#: Side in pixels of the square around a joint in which a tenth is deleted, side of the deleted squares, and that share.
_REACH, _SQUARE, _DELETED = 48, 4, 0.1


@dataclass(frozen=True)
class _Eroded:
    """A joint with an erosion: its centre (x, y) on the canvas, and where bone is eroded (N, 2), in the same pixels."""

    joint: str
    centre: NDArray[np.float64]
    eroded: NDArray[np.float64]


def check_class_maps(
    seed: int, grades: str, grader: OneStageGrader, most: int, progress: Progress | None = None
) -> MapCheck:
    """Return how the class maps of erosion do on joints with an erosion of grade 2 or more.

    The hands of the first patients of the seed are simulated again, because only they have the places of erosions.

    Parameters
    ----------
    seed, grades
        As for :func:`~napari_jsn.scoring.training.simulated_patients.simulated_patients`.
    grader : OneStageGrader
    most : int
        Number of joints.
    progress : Progress, optional

    Raises
    ------
    Aborted
        When the progress is aborted.
    """
    progress = progress or Silent()
    random = _with_random_weights(grader)
    rng = np.random.default_rng(0)
    rows: list[tuple[float, float, float, float, float]] = []
    for simulated in simulated_radiographs(seed, CHUNK, grades):
        progress.update(min(len(rows), most), most, "Checking the maps")
        if progress.aborted:
            raise Aborted
        canvas = hand_canvas(simulated.radiograph(), simulated.sides[0])
        classes, of_random = (each.pixel_classes(canvas.image) for each in (grader, random))
        for one in _eroded_joints(simulated, canvas):
            circle = _circle(one, grader.radius(canvas))
            near, near_random, chance = _near(one, canvas, circle, classes, of_random)
            shown = class_map(classes, one.joint, "erosion")
            before, after, after_random = _falls(one, canvas, circle, grader, classes, (shown, rng.random(CANVAS)))
            rows.append((near, near_random, chance, before - after, before - after_random))
        if len(rows) >= most:
            break
    means = np.mean(rows[:most], axis=0) if rows else np.full(5, np.nan)
    return MapCheck("class-map", len(rows[:most]), *map(float, means))


def _eroded_joints(simulated: SimulatedRadiograph, canvas: HandCanvas) -> Iterator[_Eroded]:
    to_canvas = np.linalg.inv(canvas.to_radiograph)
    for truth in simulated.truths:
        if truth.grades is None or truth.grades.not_scored or (truth.grades.erosion or 0) < LEAST_GRADE:
            continue
        places = [
            np.argwhere(each.mask.mask)[:, ::-1] + (each.mask.col, each.mask.row)
            for each in simulated.erosions
            if each.joint == truth.joint and each.mask is not None and each.mask.mask.any()
        ]
        if places:
            centre = _moved(to_canvas, np.array([truth.centre], float))[0]
            yield _Eroded(truth.joint, centre, _moved(to_canvas, np.concatenate(places).astype(float)))


def _moved(matrix: NDArray[np.floating], points: NDArray[np.floating]) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = points @ matrix[:2, :2].T + matrix[:2, 2]
    return moved


def _near(
    one: _Eroded, canvas: HandCanvas, circle: torch.Tensor, classes: PixelClasses, of_random: PixelClasses
) -> tuple[float, float, float]:
    """Return whether the peaks of both networks lie near the erosion, and the share of the circle that does."""
    limit = NEAR_MM / canvas.pixel_mm
    peaks = [
        np.array(np.unravel_index(class_map(each, one.joint, "erosion").argmax(), CANVAS))[::-1]
        for each in (classes, of_random)
    ]
    inside = np.argwhere(circle.numpy())[:, ::-1]
    away = [np.hypot(*(one.eroded[:, None] - np.atleast_2d(each)[None]).transpose(2, 0, 1)).min(0)
            for each in (*peaks, inside)]  # fmt: skip
    return float(away[0][0] <= limit), float(away[1][0] <= limit), float((away[2] <= limit).mean())


def _circle(one: _Eroded, radius: float) -> torch.Tensor:
    rows, cols = (torch.arange(length, dtype=torch.float32) for length in CANVAS)
    return disc(float(one.centre[0]), float(one.centre[1]), radius, rows, cols)


def _falls(
    one: _Eroded,
    canvas: HandCanvas,
    circle: torch.Tensor,
    grader: OneStageGrader,
    classes: PixelClasses,
    maps: tuple[NDArray[np.floating], ...],
) -> list[float]:
    """Return the expected grade of erosion of a joint, and the same where the highest tenth of each map is deleted."""
    half = _REACH // 2
    left, top = (int(np.clip(round(at) - half, 0, side - _REACH)) for at, side in zip(one.centre, CANVAS[::-1]))
    found = [_expected(classes, circle)]
    for each in maps:
        part = each[top : top + _REACH, left : left + _REACH]
        count = _REACH // _SQUARE
        squares = part.reshape(count, _SQUARE, count, _SQUARE).mean((1, 3))
        deleted = (squares >= np.quantile(squares, 1 - _DELETED)).repeat(_SQUARE, 0).repeat(_SQUARE, 1)
        image = canvas.image.copy()
        middle = image[top : top + _REACH, left : left + _REACH]
        middle[deleted] = middle.mean()
        found.append(_expected(grader.pixel_classes(image), circle))
    return found


def _expected(classes: PixelClasses, circle: torch.Tensor) -> float:
    probabilities = classes.erosion[0][:, circle].mean(1)
    return float(probabilities @ torch.arange(len(probabilities), dtype=probabilities.dtype))


def _with_random_weights(grader: OneStageGrader) -> OneStageGrader:
    architecture = {key: value for key, value in grader.card["architecture"].items() if key != "class"}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_hand_net(architecture).eval().to(grader.device)
    return OneStageGrader.of_network(network, grader.card, grader.device)
