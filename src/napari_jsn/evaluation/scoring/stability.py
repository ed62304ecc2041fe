"""How stable grades are between several images of one joint. No grade is known: this is no measure of accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.page import table
from napari_jsn.joint import JOINT_IMAGE_MM
from napari_jsn.scoring.crops.site_image import KEPT, MARGIN, SIDE_MM, kept_of_joint_image
from napari_jsn.scoring.grades import HIGHEST, KINDS, nearest_grade
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.two_stage.grader import LEAST_GRADABLE, TwoStageGrader
from napari_jsn.scoring.two_stage.network import TOKENS

#: What the last part of a folder's name of the public joints stands for; the finger of the others is not known.
_THUMB, _JOINT_OF_THUMB, _JOINT = "13", "MCP1", "MCP3"


@dataclass(frozen=True)
class Exposures:
    """Images (N, 120, 120) of one joint, in no known order.

    Attributes
    ----------
    name, side, joint : str
    images : (N, 120, 120) array
    """

    name: str
    side: str
    joint: str
    images: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True)
class Stability:
    """Grades of the images of joints.

    Attributes
    ----------
    joints, images : int
    scored : float
        Share of the images that a network grades.
    pairs : int
        Pairs of graded images of one joint.
    same, within_one : mapping of kind to float
        Share of the pairs with the same grade, and within one.
    grades : mapping of kind to (K + 1,) array
        Share of each grade among the graded images.
    """

    joints: int
    images: int
    scored: float
    pairs: int
    same: dict[str, float]
    within_one: dict[str, float]
    grades: dict[str, NDArray[np.float64]] = field(repr=False)


def read_exposures(folder: Path) -> list[Exposures]:
    """Read joints of the public set: folders ``CASE_SIDE_JOINT`` with two images (``.jpg``) or more.

    Raises
    ------
    InputError
        If there is no such folder, or an image cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give the folder of the joints.", "exposures")
    found = list(_exposures(folder))
    if not found:
        raise InputError(
            f"{folder} has no joint with two images. Give a folder with one folder CASE_SIDE_JOINT for each joint.",
            "exposures",
        )
    return found


def _exposures(folder: Path) -> Iterator[Exposures]:
    from napari_jsn.radiograph import read_radiograph

    for each in sorted(folder.iterdir()):
        _, _, rest = each.name.partition("_")
        side, _, number = rest.partition("_")
        paths = sorted(each.glob("*.jpg")) if each.is_dir() and side in SIDES and number else []
        if len(paths) < 2:
            continue
        joint = _JOINT_OF_THUMB if number == _THUMB else _JOINT
        # the pictures have no stated pixel size; their side is that of a joint image
        mm = JOINT_IMAGE_MM, SIDE_MM[joint[:-1]] * MARGIN
        images = [kept_of_joint_image(read_radiograph(path).pixels, side, *mm) for path in paths]
        yield Exposures(each.name, side, joint, np.stack(images))


def stability(joints: Iterable[Exposures], grader: TwoStageGrader) -> Stability:
    """Return how stable the grades of joints are; every image is graded on its own."""
    count = scored = total = 0
    pairs: dict[str, list[int]] = {kind: [] for kind in HIGHEST}
    grades: dict[str, list[int]] = {kind: [] for kind in HIGHEST}
    for each in joints:
        token = SIDES.index(each.side) * len(JOINTS) + JOINTS.index(each.joint)
        images = np.zeros((len(each.images), TOKENS, KEPT, KEPT), np.uint8)
        there = np.zeros((len(each.images), TOKENS), bool)
        images[:, token], there[:, token] = each.images, True
        probabilities, can = grader.probabilities(images, there)
        graded = can[:, token] >= LEAST_GRADABLE
        count, total, scored = count + 1, total + len(graded), scored + int(graded.sum())
        for kind in HIGHEST:
            found = [int(grade) for grade in nearest_grade(probabilities[kind][graded, token])]
            grades[kind] += found
            pairs[kind] += [abs(one - other) for one, other in combinations(found, 2)]
    away = {kind: np.array(each) for kind, each in pairs.items()}
    return Stability(
        count,
        total,
        scored / max(total, 1),
        len(pairs["jsn"]),
        {kind: float((each == 0).mean()) if len(each) else float("nan") for kind, each in away.items()},
        {kind: float((each <= 1).mean()) if len(each) else float("nan") for kind, each in away.items()},
        {kind: np.bincount(each, minlength=HIGHEST[kind] + 1) / max(len(each), 1) for kind, each in grades.items()},
    )


def stability_lines(found: Stability) -> Sequence[str]:
    """Return the lines of a Markdown section."""
    rows = [
        [
            KINDS[kind],
            f"{100 * found.same[kind]:.1f} %",
            f"{100 * found.within_one[kind]:.1f} %",
            " / ".join(f"{100 * share:.0f}" for share in found.grades[kind]),
        ]
        for kind in HIGHEST
    ]
    return [
        f"Stability, not accuracy: {found.images} images of {found.joints} real joints whose grades are not known, "
        f"{100 * found.scored:.1f} % of them scored, {found.pairs} pairs of images of one joint.",
        "",
        *table(("kind", "same grade", "within one", "share of the grades 0, 1, ..., %"), rows),
    ]
