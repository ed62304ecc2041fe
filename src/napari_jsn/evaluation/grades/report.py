"""Tables of simulated damage: shares of the grades, visible truth against that in space, widths against the norms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_jsn import anatomy
from napari_jsn.anatomy.normal_widths import SD_MM, normal_width
from napari_jsn.anatomy.sites import FINGER_JSN_SITES
from napari_jsn.evaluation.page import table
from napari_jsn.simulation.shapes.joint_grades import HIGHEST, JointGrades, Kind
from napari_jsn.simulation.shapes.joint_space import DOUBTFUL_SHARE, HALF, NORMAL_SHARE

#: Groups of joints in the tables.
GROUPS = ("MCP", "PIP", "DIP", "MCP1", "IP1")
#: Limits of age in the table of widths, in years.
_AGES = (20, 45, 60, 86)
_NAMES: dict[Kind, str] = {"jsn": "narrowing", "erosion": "erosion"}


@dataclass(frozen=True)
class GradedSite:
    """One joint of a simulated hand with its grades."""

    joint: str
    sex: str
    age: float
    grades: JointGrades


def graded_sites(count: int, seed: int, sampling: str, difficulty: int) -> list[GradedSite]:
    """Return ``count`` joints of simulated left hands, without pixels."""
    from napari_jsn.simulation.hand import graded_truths

    hands = -(-count // len(anatomy.JOINTS))
    found = [
        GradedSite(truth.joint, sex, age, truth.grades)
        for truths, sex, age in graded_truths(hands, seed, sampling, difficulty)
        for truth in truths
        if truth.grades is not None
    ]
    return found[:count]


def pair_of(grades: JointGrades, kind: Kind) -> tuple[int, int]:
    """Return the grade in space and the visible one of a scored joint."""
    found = (grades.narrowing_3d, grades.narrowing) if kind == "jsn" else (grades.erosion_3d, grades.erosion)
    assert found[0] is not None and found[1] is not None
    return found[0], found[1]


def scored(sites: Sequence[GradedSite]) -> list[GradedSite]:
    """Return the joints that are scored."""
    return [one for one in sites if not one.grades.not_scored]


def shares(sites: Sequence[GradedSite], kind: Kind, in_space: bool = False) -> list[float]:
    """Return the share of each grade of a kind among scored joints."""
    grades = [pair_of(one.grades, kind)[0 if in_space else 1] for one in scored(sites)]
    return [grades.count(grade) / max(len(grades), 1) for grade in range(HIGHEST[kind] + 1)]


def share_lines(sites: Sequence[GradedSite]) -> list[str]:
    """Return the table of the shares of all grades."""
    rows = []
    for kind, name in _NAMES.items():
        for what, in_space in (("visible", False), ("in space", True)):
            cells = [f"{share:.1%}" for share in shares(sites, kind, in_space)]
            rows.append([name, what, *cells, *[""] * (6 - len(cells))])
    not_scored = len(sites) - len(scored(sites))
    return [
        f"{len(sites)} joints, {not_scored} of them not scored (missing, surgery, not visible).",
        "",
        *table(("kind", "truth", *map(str, range(6))), rows),
    ]


def difference_lines(sites: Sequence[GradedSite]) -> list[str]:
    """Return the tables of visible grades minus those in space, by site and by grade in space."""
    lines = []
    for kind, name in _NAMES.items():
        rows = []
        for joint in anatomy.JOINTS:
            pairs = [pair_of(one.grades, kind) for one in scored(sites) if one.joint == joint]
            rows.append([joint, *(_difference(pairs, grade) for grade in range(HIGHEST[kind] + 1)), _difference(pairs)])
        pairs = [pair_of(one.grades, kind) for one in scored(sites)]
        rows.append(["all", *(_difference(pairs, grade) for grade in range(HIGHEST[kind] + 1)), _difference(pairs)])
        head = ("site", *(f"{grade} in space" for grade in range(HIGHEST[kind] + 1)), "all")
        lines += [f"{name.capitalize()}: mean of visible minus in space (share that differs; n).", ""]
        lines += [*table(head, rows), ""]
    return lines


def _difference(pairs: Sequence[tuple[int, int]], grade: int | None = None) -> str:
    chosen = np.array([visible - space for space, visible in pairs if grade in (None, space)])
    return f"{chosen.mean():+.2f} ({np.mean(chosen != 0):.0%}; {len(chosen)})" if len(chosen) else "(0)"


def grade_by_width(width_mm: float, reference_mm: float) -> int:
    """Return the textbook's grade of narrowing from the width alone."""
    left = width_mm / reference_mm
    return 4 if left <= 0 else sum(left < limit for limit in (NORMAL_SHARE, DOUBTFUL_SHARE, HALF))


def balanced_accuracy(
    sites: Sequence[GradedSite], reference: Callable[[JointGrades], float]
) -> tuple[float, list[float]]:
    """Return the balanced accuracy of grading by the true visible width, and the recall of each grade."""
    true = np.array([pair_of(one.grades, "jsn")[1] for one in sites])
    found = np.array([grade_by_width(one.grades.width_mm, reference(one.grades)) for one in sites])
    recalls = [float(np.mean(found[true == grade] == grade)) for grade in np.unique(true)]
    return float(np.mean(recalls)) if recalls else float("nan"), recalls


def width_lines(sites: Sequence[GradedSite]) -> list[str]:
    """Return the table of grading by the true visible width over a reference."""
    everyone = scored(sites)
    choices = {
        "all joints": everyone,
        "sites of the score (MCP1-5, PIP2-5)": [one for one in everyone if one.joint in FINGER_JSN_SITES],
        "the same without focal narrowing": [
            one for one in everyone if one.joint in FINGER_JSN_SITES and not _is_focal(one)
        ],
        **{name: [one for one in everyone if anatomy.joint_kind(one.joint) == name] for name in GROUPS},
    }
    rows = []
    for name, chosen in choices.items():
        population, recalls = balanced_accuracy(chosen, lambda grades: grades.population_width_mm)
        own, _ = balanced_accuracy(chosen, lambda grades: grades.healthy_width_mm)
        cells = " / ".join(f"{recall:.2f}" for recall in recalls)
        rows.append([name, str(len(chosen)), f"{population:.3f}", cells, f"{own:.3f}"])
    head = ("joints", "n", "over the population's mean", "recall of each grade", "over the patient's own healthy width")
    return [
        "Balanced accuracy of grading narrowing by the true visible width, textbook cut points.",
        "",
        *table(head, rows),
    ]


def _is_focal(site: GradedSite) -> bool:
    """Return whether a joint is narrowed on one side and has a normal mean width."""
    grades = site.grades
    return grades.narrowing == 1 and grades.width_mm >= NORMAL_SHARE * grades.healthy_width_mm


def norm_lines(sites: Sequence[GradedSite]) -> list[str]:
    """Return the table of healthy visible widths against the norms, by joint, sex and age."""
    rows = []
    for joint in anatomy.JOINTS:
        for sex in ("F", "M"):
            cells = []
            for low, high in zip(_AGES, _AGES[1:]):
                chosen = [one for one in sites if (one.joint, one.sex) == (joint, sex) and low <= one.age < high]
                if not chosen:
                    cells.append("(0)")
                    continue
                widths = [one.grades.healthy_width_mm for one in chosen]
                norm = np.mean([normal_width(joint, sex, one.age) for one in chosen])
                cells.append(f"{np.mean(widths):.2f} (SD {np.std(widths):.2f}) / {norm:.2f}; {len(chosen)}")
            rows.append([joint, sex, *cells])
    head = ("joint", "sex", *(f"{low} to {high - 1} years" for low, high in zip(_AGES, _AGES[1:])))
    return [
        f"Healthy widths along the visible margins, in mm: simulated mean (SD) / norm (its SD is {SD_MM}); n.",
        "",
        *table(head, rows),
    ]
