"""Write the clinical assessment as a page, and as the files of a folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.notes import counted
from napari_jsn.evaluation.clinical.assess import Assessment
from napari_jsn.evaluation.clinical.plots import clinical_plots, format_p

PAGE, TABLE = "clinical.md", "clinical-joints.csv"
#: The plot that a page of the documentation shows.
MAIN_PLOT = "clinical-box.png"
_CAPTIONS = {
    "clinical-box.png": "Narrowing of joints without and with a change of score. Box: median and quartiles; whiskers: "
    "the last joint within 1.5 interquartile ranges.",
    "clinical-score.png": "Narrowing by change of score.",
    "clinical-cumulative.png": "Cumulative probability of narrowing. Joints outside the band changed by more than the "
    "smallest detectable change.",
    "clinical-bland-altman.png": "Bland-Altman plot of the first two readings, with 95 % intervals of mean and limits.",
}

_CLUSTERED = "patients resampled (cluster bootstrap)"

Row = tuple[str, str, str]


def clinical_rows(found: Assessment) -> list[Row]:
    """Return the results in rows of (figure, value, 95 % interval)."""
    difference, r = _mm(found.difference_mm), f"{found.r:.3f}"
    test = f"t = {found.t:.2f}, df = {found.degrees_of_freedom:.0f}, {format_p(found.p)}"
    mixed = f"{_mm(found.mixed_mm)}, {format_p(found.mixed_p)}" if math.isfinite(found.mixed_mm) else "not fitted"
    rows = [
        ("Joints, score rose", _mean(found.changed), ""),
        ("Joints, no change of score", _mean(found.unchanged), ""),
        ("Difference of the means", difference, _interval(found.difference_ci95, "mm")),
        ("t-test, unpaired, one-tailed (Welch)", test, ""),
        ("Pearson r, narrowing and score change", r, _interval(found.r_ci95)),
        (f"Difference, {_CLUSTERED}", difference, _interval(found.difference_clustered_ci95, "mm")),
        (f"Pearson r, {_CLUSTERED}", r, _interval(found.r_clustered_ci95)),
        ("Difference, mixed model (patient as random intercept)", mixed, _interval(found.mixed_ci95, "mm")),
    ]
    if found.agreement is not None and found.bland_altman is not None:
        agreed, compared = found.agreement, found.bland_altman
        read = f"{agreed.readings} readings of {agreed.subjects} joints"
        rows += [
            (f"ICC(2,1), {read}", f"{agreed.icc_2_1:.4f}", _interval(agreed.icc_2_1_ci95)),
            ("ICC(3,1)", f"{agreed.icc_3_1:.4f}", _interval(agreed.icc_3_1_ci95)),
            ("Mean difference of readings", _mm(compared.bias), _interval(compared.bias_ci95, "mm")),
            ("Limits of agreement", f"{compared.limits[0]:+.3f} to {compared.limits[1]:+.3f} mm", ""),
            ("SDC of the readings", f"{agreed.sdc:.3f} mm", ""),
        ]
    if math.isfinite(found.sdc_mm):
        beyond = float((found.joints["jsn_mm"] > found.sdc_mm).mean())
        rows.append((f"Smallest detectable change (SDC), {found.sdc_source}", f"{found.sdc_mm:.3f} mm", ""))
        rows.append(("Joints narrowed by more than the SDC", f"{100 * beyond:.0f} %", ""))
    return rows


def clinical_page(found: Assessment, source: str, pictures: list[str]) -> str:
    """Return the page in Markdown; ``pictures`` are the file names of the plots in its folder."""
    lines = ["# Narrowing against change of score", "", clinical_section(found, source).rstrip()]
    for name in pictures:
        lines += ["", f"![{_CAPTIONS[name]}]({name})", "", f"*{_CAPTIONS[name]}*"]
    return "\n".join(lines) + "\n"


def clinical_section(found: Assessment, source: str, folder: str = "", pictures: Sequence[str] = ()) -> str:
    """Return the table of results with its notes, and some of the plots of a folder, in Markdown."""
    table = ["| figure | value | 95 % interval |", "|---|---|---|"]
    table += [f"| {name} | {value} | {interval} |" for name, value, interval in clinical_rows(found)]
    joints = f"{counted(len(found.joints), 'joint')} of {counted(found.patients, 'patient')}"
    lines = [
        f"{joints}, {source}. Narrowing is positive.",
        "",
        *table,
        "",
        *(f"- {note}" for note in (*found.notes, *_methods(found))),
    ]
    lines += [f"\n![{_CAPTIONS[name]}]({folder}{name})" for name in pictures]
    return "\n".join(lines) + "\n"


def clinical_figures(found: Assessment) -> dict[str, object]:
    """Return all figures of an assessment by name, with the numbers of joints and patients, without the joints."""
    arrays = ("joints", "changed", "unchanged")
    figures = {each.name: getattr(found, each.name) for each in fields(found) if each.name not in arrays}
    for name in ("agreement", "bland_altman"):
        figures[name] = None if figures[name] is None else asdict(figures[name])
    return {"joints": len(found.joints), "changed": len(found.changed), "unchanged": len(found.unchanged), **figures}


def clinical_files(found: Assessment, source: str) -> dict[str, bytes]:
    """Return the files by name: the page, its plots, and the table of the joints that count."""
    pictures = clinical_plots(found)
    return {PAGE: clinical_page(found, source, list(pictures)).encode(), TABLE: csv_bytes(found.joints), **pictures}


def _methods(found: Assessment) -> list[str]:
    notes = [
        "The t-test and the intervals of the first rows treat joints as independent. Joints of one patient are not "
        "independent: where the figures differ, use the cluster bootstrap and the mixed model, which account for this.",
    ]
    if found.agreement is not None:
        notes.append(
            f"Readings: {', '.join(found.readings)}. Their SDC = 1.96 x SEM, where SEM is the root of the residual "
            "mean square; with two readings that is 1.96 x SD(difference) / sqrt(2) (Bruynesteyn et al. 2005). "
            "Readings of the same radiographs do not include the effect of repositioning the hand."
        )
    else:
        notes.append("No joint was read twice, so there are no ICC and no limits of agreement.")
    if found.sdc_source == "stated uncertainties":
        notes.append("SDC of stated uncertainties = 1.96 x root mean square of jsn_sd_mm.")
    return notes


def _mean(values: object) -> str:
    import numpy as np

    given = np.asarray(values, dtype=float)
    return f"n = {len(given)}, {given.mean():+.3f} +- {given.std(ddof=1):.3f} mm (mean, SD)"


def _mm(value: float) -> str:
    return f"{value:+.3f} mm"


def _interval(pair: tuple[float, float], unit: str = "") -> str:
    if not all(map(math.isfinite, pair)):
        return "not known"
    sign = "+" if unit else ""
    return f"{pair[0]:{sign}.3f} to {pair[1]:{sign}.3f} {unit}".strip()
