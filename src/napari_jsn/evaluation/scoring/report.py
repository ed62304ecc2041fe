"""Tables of the evaluation of scores, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from napari_jsn.anatomy import JOINTS
from napari_jsn.evaluation.page import table
from napari_jsn.evaluation.scoring.figures import GradedSites, figures
from napari_jsn.evaluation.scoring.maps import MapCheck, maps_table
from napari_jsn.scoring.grades import KINDS
from napari_jsn.simulation.damage.sampler import SAMPLINGS

#: Measures and their heads.
_HEADS = {
    "balanced": "balanced accuracy", "within_one": "within one", "exact": "exact", "macro_f1": "macro F1",
    "kappa_quadratic": "quadratic kappa", "mae": "MAE", "rmse": "RMSE", "rmse_nonzero": "RMSE, non-zero",
    "rmse_weighted": "RMSE, grades equally", "rps": "RPS", "ece": "ECE",
}  # fmt: skip
#: The weights of the weighted RMSE.
_WEIGHTS = 'Weights of "RMSE, grades equally": 1 for every grade that occurs, so 1/n for each of its n joints.'


@dataclass(frozen=True)
class ScoringEvaluation:
    """The sites of one set of patients, graded by several methods.

    Attributes
    ----------
    name : str
        Of the set: ``"uniform"``.
    patients : int
    methods : mapping of method to mapping of kind to GradedSites
    held : mapping of str to (int, int)
        Patients whose true total an interval holds, and their number, by what is summed.
    maps : sequence of MapCheck
        Sanity checks of the maps of erosion.
    """

    name: str
    patients: int
    methods: Mapping[str, Mapping[str, GradedSites]] = field(repr=False)
    held: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    maps: Sequence[MapCheck] = ()


def scoring_report(sets: Sequence[ScoringEvaluation]) -> str:
    """Return all tables; joints and confusion matrices are those of the first method."""
    lines: list[str] = [_WEIGHTS, ""] if sets else []
    for each in sets:
        detailed = next(iter(each.methods))
        name = f"{each.name[:1].upper()}{each.name[1:]}{' sampling' if each.name in SAMPLINGS else ''}"
        lines += [f"### {name}, {each.patients} {'patient' if each.patients == 1 else 'patients'}", ""]
        for kind in KINDS:
            rows = [
                _row(method, methods[kind])
                for method, methods in each.methods.items()
                if kind in methods and len(methods[kind].truth)
            ]
            if not rows:
                of_all = each.methods[detailed][kind].not_scored
                why = f"the method scored none of {of_all} joints with a grade" if of_all else "no joint has a grade"
                lines += [f"{KINDS[kind].capitalize()}: {why}, so there is no table.", ""]
                continue
            lines += [
                f"{KINDS[kind].capitalize()}:",
                "",
                *table(("method", "joints", "not scored", *_HEADS.values()), rows),
                "",
            ]
        lines += _totals(each)
        if each.maps:
            lines += [*maps_table(each.maps), ""]
        for kind in KINDS:
            sites = each.methods[detailed][kind]
            if not len(sites.truth):
                continue
            lines += [f"{detailed}, {KINDS[kind]}: share of each true grade (rows) by the grade found.", ""]
            lines += [*_confusion(sites), "", *_by_joint(sites), ""]
    return "\n".join(lines)


def scoring_figures(sets: Sequence[ScoringEvaluation]) -> dict[str, dict[str, Any]]:
    """Return the figures by set, for a card and for JSON.

    Returns
    -------
    dict of str to dict
        For each set ``patients``; ``methods``: the figures by method and kind, with the confusion matrix; ``totals``:
        number of patients whose true total an interval holds, by what is summed; ``maps``: the checks of the maps.
    """
    return {
        each.name: {
            "patients": each.patients,
            "methods": {
                name: {kind: _with_confusion(sites) for kind, sites in methods.items() if len(sites.truth)}
                for name, methods in each.methods.items()
            },
            "totals": {name: {"held": held, "patients": count} for name, (held, count) in each.held.items()},
            "maps": [asdict(check) for check in each.maps],
        }
        for each in sets
    }


def _with_confusion(sites: GradedSites) -> dict[str, Any]:
    return {**figures(sites), "confusion": sites.confusion().astype(int).tolist()}


def _row(name: str, sites: GradedSites) -> list[str]:
    found = figures(sites)
    return [name, f"{found['n']:.0f}", f"{found['not_scored']:.0f}", *(f"{found[key]:.3f}" for key in _HEADS)]


def _totals(each: ScoringEvaluation) -> list[str]:
    if not each.held:
        return []
    parts = [f"{name} {100 * held / max(count, 1):.1f} % of {count}" for name, (held, count) in each.held.items()]
    return [f"The 95 % interval of the finger total holds the truth of: {', '.join(parts)} patients.", ""]


def _confusion(sites: GradedSites) -> list[str]:
    counts = sites.confusion()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    grades = [str(k) for k in range(len(counts))]
    rows = [
        [f"{grade} (n = {counts[k].sum():.0f})", *(f"{100 * share:.1f}%" for share in shares[k])]
        for k, grade in enumerate(grades)
    ]
    return table(("true grade", *grades), rows)


def _by_joint(sites: GradedSites) -> list[str]:
    heads = ("joint", "n", "balanced accuracy", "within one", "RMSE")
    rows = []
    for k, joint in enumerate(JOINTS):
        one = sites.of_joint(k)
        if len(one.truth):
            found = figures(one)
            rows.append(
                [joint, str(len(one.truth)), *(f"{found[key]:.3f}" for key in ("balanced", "within_one", "rmse"))]
            )
    return table(heads, rows)
