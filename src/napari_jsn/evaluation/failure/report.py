"""Write the tables on wrong pairs and changed images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.failure.cases import CHANGED, CROP_KINDS, OTHER, SLIGHT, WRONG
from napari_jsn.evaluation.failure.measured import CaseResult
from napari_jsn.evaluation.page import table

#: A figure of a wrong pair that is right all the same: within 3 sd and this error.
_RIGHT_SD, _RIGHT_MM = 3.0, 0.06


def wrong_lines(results: Sequence[CaseResult]) -> list[str]:
    """Return the section on pairs that must fail."""
    columns = (
        "pairs",
        "images",
        "n",
        "failed, or right within 3 sd and 0.06 mm",
        "of these failed",
        "most frequent reason",
    )
    rows = [_wrong_row(kind, some) for kind, some in _by_kind(results, (*OTHER, *WRONG))]
    return ["## Pairs that must fail", "", *table(columns, rows), ""] if rows else []


def changed_lines(results: Sequence[CaseResult]) -> list[str]:
    """Return the sections on right pairs of which one visit was changed."""
    columns = (
        "one visit",
        "images",
        "n",
        "in 95 % interval or failed",
        "not failed",
        "of these in the interval",
        "bias mm",
        "median half width mm",
    )
    rows = [_changed_row(kind, some) for kind, some in _by_kind(results, tuple(CHANGED))]
    lines = ["## One visit changed", "", *table(columns, rows), ""] if rows else []
    columns = (
        "one visit",
        "images",
        "n",
        "not failed",
        "of these in 95 % interval",
        "RMSE mm",
        "median half width mm",
        "most frequent reason",
    )
    rows = [_slight_row(kind, some) for kind, some in _by_kind(results, (*SLIGHT, *CROP_KINDS))]
    return lines + (["## Right pairs that must not fail", "", *table(columns, rows), ""] if rows else [])


def _by_kind(results: Sequence[CaseResult], kinds: Sequence[str]) -> list[tuple[str, list[CaseResult]]]:
    groups = [
        (kind, [one for one in results if one.kind == kind and one.source == source])
        for kind in kinds
        for source in ("simulated", "real")
    ]
    return [(kind, some) for kind, some in groups if some]


def _wrong_row(kind: str, results: Sequence[CaseResult]) -> tuple[str, ...]:
    failed = [one.failed for one in results]
    right = [abs(one.error_mm) <= min(_RIGHT_SD * one.sd_mm, _RIGHT_MM) for one in results]
    held = [a or b for a, b in zip(failed, right, strict=True)]
    return (kind, results[0].source, str(len(results)), _share(held), _share(failed), _most_frequent(results))


def _changed_row(kind: str, results: Sequence[CaseResult]) -> tuple[str, ...]:
    counted = [one for one in results if not one.failed]
    inside = [_inside(one) for one in results]
    held = [a or one.failed for a, one in zip(inside, results, strict=True)]
    return (
        kind, results[0].source, str(len(results)), _share(held), _share([not one.failed for one in results]),
        _share([_inside(one) for one in counted]), _figure(np.mean, [one.error_mm for one in counted], "+.3f"),
        _figure(np.median, [Z95 * one.sd_mm for one in counted], ".3f"),
    )  # fmt: skip


def _slight_row(kind: str, results: Sequence[CaseResult]) -> tuple[str, ...]:
    counted = [one for one in results if not one.failed]
    known = [one for one in counted if np.isfinite(one.true_mm)]
    return (
        kind, results[0].source, str(len(results)), _share([not one.failed for one in results]),
        _share([_inside(one) for one in known]),
        _figure(lambda errors: np.sqrt(np.mean(np.square(errors))), [one.error_mm for one in known], ".4f"),
        _figure(np.median, [Z95 * one.sd_mm for one in counted], ".3f"), _most_frequent(results),
    )  # fmt: skip


def _inside(one: CaseResult) -> bool:
    return abs(one.error_mm) <= Z95 * one.sd_mm


def _share(held: Sequence[bool]) -> str:
    return f"{np.mean(held):.1%}" if held else "-"


def _figure(of: Callable[[Sequence[float]], float], values: Sequence[float], form: str) -> str:
    return f"{of(values):{form}}" if values else "-"


def _most_frequent(results: Sequence[CaseResult]) -> str:
    found = Counter(reason for one in results for reason in one.reasons.split() if one.failed)
    return found.most_common(1)[0][0] if found else "-"
