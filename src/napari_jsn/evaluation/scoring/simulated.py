"""Grade simulated patients by a network, and by two simple rules: all zeros, and the width that is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.progress import Progress, counted
from napari_jsn.evaluation.scoring.figures import Floats, GradedSites, Ints
from napari_jsn.joint import JointImage
from napari_jsn.scoring.automatic.total import TotalErrors
from napari_jsn.scoring.crops.site_image import KEPT, MARGIN, SIDE_MM
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.training.calibration import moments
from napari_jsn.scoring.training.simulated_patients import GradedPatients
from napari_jsn.scoring.two_stage.grader import TwoStageGrader
from napari_jsn.scoring.two_stage.network import TOKENS

#: Patients that are graded at once, and joint images whose bones are found at once.
_AT_ONCE = 5
#: Steps of the limits of width that are tried, as a share of the joint's mean width.
_STEP, _RANGE = 0.02, (0.0, 1.6)


def graded_sites(
    patients: GradedPatients, grader: TwoStageGrader, both_hands: bool = True, progress: Progress | None = None
) -> dict[str, GradedSites]:
    """Return what a network says of all joints with a true grade, by kind.

    Parameters
    ----------
    patients : GradedPatients
    grader : TwoStageGrader
    both_hands : bool
        Whether each hand is graded together with the other one, or alone.
    progress : Progress, optional

    Raises
    ------
    Aborted
        When the progress is aborted.
    """
    count, half = len(patients), TOKENS // len(SIDES)
    images = patients.images.reshape(count, TOKENS, KEPT, KEPT)
    there = patients.there.reshape(count, TOKENS)
    tokens = np.arange(TOKENS)
    shown: list[NDArray[np.bool_]] = (
        [tokens >= 0] if both_hands else [tokens // half == side for side in range(len(SIDES))]
    )
    parts = []
    starts = range(0, count, _AT_ONCE)
    for k in counted(starts, len(starts), "Grading joints", progress):
        each = [grader.probabilities(images[k : k + _AT_ONCE], there[k : k + _AT_ONCE] & of_hand) for of_hand in shown]
        found, can = each[0]
        if not both_hands:
            found = {kind: np.concatenate([found[kind][:, :half], each[1][0][kind][:, half:]], 1) for kind in found}
            can = np.concatenate([can[:, :half], each[1][1][:, half:]], 1)
        parts.append((found, can))
    gradable = np.concatenate([each for _, each in parts]) >= 0.5
    probabilities = {kind: np.concatenate([found[kind] for found, _ in parts]) for kind in HIGHEST}
    return {kind: sites_of(patients, kind, probabilities[kind], gradable & there) for kind in HIGHEST}


def sites_of(
    patients: GradedPatients, kind: str, probabilities: NDArray[np.floating], scored: NDArray[np.bool_]
) -> GradedSites:
    """Return the joints with a true grade and a grade found.

    Parameters
    ----------
    patients : GradedPatients
    kind : str
    probabilities : (P, 28, K + 1) array
    scored : (P, 28) bool array
    """
    truth = patients.grades[..., list(HIGHEST).index(kind)].reshape(len(patients), TOKENS).astype(int)
    used = (truth >= 0) & scored
    patient, token = np.nonzero(used)
    return GradedSites(
        truth[used],
        probabilities[used].astype(float),
        patient,
        token % len(JOINTS),
        int(((truth >= 0) & ~scored).sum()),
    )


def all_zeros(sites: GradedSites) -> GradedSites:
    """Return the same sites, each with the grade 0."""
    zeros = np.zeros_like(sites.probabilities)
    zeros[:, 0] = 1.0
    return GradedSites(sites.truth, zeros, sites.patients, sites.joints)


def measured_widths(patients: GradedPatients, device: str = "cpu", progress: Progress | None = None) -> Floats:
    """Return the joint space widths (P, 28) in mm that the program measures on the images; NaN where it measures none.

    The images of the networks are measured, whose pixels are 0.15 to 0.2 mm wide.
    """
    from napari_jsn.segmentation.segment import segment_many
    from napari_jsn.width.joint_space_width import joint_space_width

    found = np.full(patients.there.shape, np.nan)
    places = np.argwhere(patients.there)
    images = [
        JointImage(patients.images[tuple(at)].astype(np.float32) / 255, MARGIN * SIDE_MM[JOINTS[at[2]][:-1]] / KEPT)
        for at in places
    ]
    bones_of = segment_many(images, device=device)
    every = zip(places, images, bones_of, strict=True)
    for at, image, bones in counted(every, len(places), "Measuring widths", progress):
        width = joint_space_width(image, bones)
        found[tuple(at)] = width.mm if width.reliable else np.nan
    return found.reshape(len(patients), TOKENS)


@dataclass(frozen=True)
class WidthRule:
    """Grade narrowing by the measured width.

    Attributes
    ----------
    means : (14,) array
        Mean width of each joint, in mm.
    limits : tuple of float
        Shares of the mean below which the grade is 1, 2, 3 and 4, descending.
    without : int
        Grade of a joint without a width.
    """

    means: Floats
    limits: tuple[float, ...]
    without: int

    def grade(self, widths: Floats) -> Ints:
        """Return the grades (P, 28) of widths (P, 28)."""
        share = widths / np.tile(self.means, TOKENS // len(JOINTS))
        grades = sum((share < limit).astype(int) for limit in self.limits)
        return np.where(np.isfinite(widths), grades, self.without)


def fit_width_rule(widths: Floats, truth: Ints) -> WidthRule:
    """Return the rule with the highest balanced accuracy on patients.

    Parameters
    ----------
    widths : (P, 28) array
        NaN where there is none.
    truth : (P, 28) array
        Grades, -1 where there is none.
    """
    joints = np.tile(np.arange(len(JOINTS)), TOKENS // len(JOINTS))
    sound = (truth == 0) & np.isfinite(widths)
    overall = float(np.nanmean(widths[sound])) if sound.any() else float(np.nanmean(widths))
    means = np.array(
        [
            widths[:, joints == k][sound[:, joints == k]].mean() if sound[:, joints == k].any() else overall
            for k in range(len(JOINTS))
        ]
    )
    known = (truth >= 0) & np.isfinite(widths)
    share, grades = (widths / means[joints])[known], truth[known]
    highest = HIGHEST["jsn"]
    counts = np.bincount(grades, minlength=highest + 1)
    grid = np.arange(*_RANGE, _STEP)
    # shares[g, k]: share of grade g below the k-th limit; the best limits by dynamic programming
    below = np.array([[(share[grades == g] < limit).sum() / max(counts[g], 1) for limit in grid] for g in range(5)])
    best, choice = below[highest], [np.arange(len(grid))]
    for grade in range(highest - 1, 0, -1):
        # grade g lies between limit k (above it: limit of grade g) and limit of grade g + 1
        gain = best - below[grade]
        running = np.maximum.accumulate(gain)
        where = np.array([int(gain[: k + 1].argmax()) for k in range(len(grid))])
        best = below[grade] + running
        choice.append(where)
    last = int((best + 1 - below[0]).argmax())
    limits = [last]
    for where in reversed(choice[1:]):
        limits.append(int(where[limits[-1]]))
    none = (truth >= 0) & ~np.isfinite(widths)
    without = int(np.bincount(truth[none], minlength=highest + 1).argmax()) if none.any() else highest
    return WidthRule(means, tuple(float(grid[k]) for k in limits), without)


def by_width(patients: GradedPatients, widths: Floats, rule: WidthRule) -> GradedSites:
    """Return the joints graded by their measured widths."""
    probabilities = np.eye(HIGHEST["jsn"] + 1)[rule.grade(widths)]
    return sites_of(patients, "jsn", probabilities, np.ones(widths.shape, bool))


def totals_held(sites: Mapping[str, GradedSites], card: Mapping[str, Any], kinds: Sequence[str]) -> tuple[int, int]:
    """Return for how many patients the 95 % interval holds the true total of the finger sites, and their number."""
    from napari_jsn.scoring.schemes import scheme

    errors = TotalErrors.of_card(card, kinds[0] if len(kinds) == 1 else "total")
    held = count = 0
    used = {kind: [JOINTS.index(site) for site in scheme("svdh-fingers").sites[kind]] for kind in kinds}
    for patient in sorted({int(k) for kind in kinds for k in sites[kind].patients}):
        values: list[Floats] = []
        sds: list[Floats] = []
        truth = 0.0
        for kind in kinds:
            each = sites[kind]
            which = (each.patients == patient) & np.isin(each.joints, used[kind])
            mean, sd = moments(each.probabilities[which])
            values.append(mean)
            sds.append(sd)
            truth += float(each.truth[which].sum())
        _, low, high = errors.interval(np.concatenate(values), np.concatenate(sds))
        held += low <= truth <= high
        count += 1
    return held, count
