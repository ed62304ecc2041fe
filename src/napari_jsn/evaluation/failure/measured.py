"""Register the cases and keep the results in a CSV file, from which an interrupted run continues."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from napari_jsn.common.csv_files import read_csv, records_csv
from napari_jsn.common.errors import InputError
from napari_jsn.common.files import write_files
from napari_jsn.common.reasons import codes
from napari_jsn.evaluation.failure.cases import Case, register_cases
from napari_jsn.registration.result import Registration

_BATCH = 16
#: The code of a case that was refused before it was registered.
REFUSED = "REFUSED"


@dataclass(frozen=True)
class CaseResult:
    """The result of one case; ``source`` is "simulated" or "real", ``true_mm`` is NaN where it is not known."""

    source: str
    kind: str
    number: int
    jsn_mm: float
    sd_mm: float
    true_mm: float
    failed: bool
    reasons: str

    @property
    def error_mm(self) -> float:
        """Measured minus true narrowing."""
        return self.jsn_mm - self.true_mm


def measure_cases(
    source: str, kind: str, cases: Iterator[Case], done: Sequence[CaseResult], save: Path | None
) -> list[CaseResult]:
    """Return ``done`` and the results of the cases after those of this source and kind in it; save after each batch."""
    results = list(done)
    number = sum(one.source == source and one.kind == kind for one in done)
    cases = islice(cases, number, None)
    while batch := list(islice(cases, _BATCH)):
        for case, result in zip(batch, _register(batch), strict=True):
            results.append(_case_result(source, kind, number, case, result))
            number += 1
        if save is not None:
            write_files(save.parent, {save.name: records_csv([asdict(one) for one in results])})
        print(f"{source}: {kind}: {number}", file=sys.stderr, end="\r", flush=True)
    return results


def load_results(path: Path) -> list[CaseResult]:
    """Return the results of a CSV file that :func:`measure_cases` wrote."""
    table = read_csv(path, dtype={"reasons": str}, keep_default_na=True)
    table["reasons"] = table["reasons"].astype(object).fillna("")
    return [CaseResult(**{str(name): value for name, value in row.items()}) for row in table.to_dict("records")]


def _register(cases: Sequence[Case]) -> list[Registration | None]:
    """Return the registrations; None for a case that was refused."""
    try:
        return list(register_cases(cases))
    except InputError:
        return [None] if len(cases) == 1 else [result for case in cases for result in _register([case])]


def _case_result(source: str, kind: str, number: int, case: Case, result: Registration | None) -> CaseResult:
    if result is None:
        nan = float("nan")
        return CaseResult(source, kind, number, nan, nan, nan, True, REFUSED)
    true_mm = case.true_mm(result.point, result.axis)
    reasons = codes(result.reasons)
    return CaseResult(source, kind, number, result.jsn_mm, result.jsn_sd_mm, true_mm, not result.reliable, reasons)
