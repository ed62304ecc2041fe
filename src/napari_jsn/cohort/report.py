"""The report of a cohort as one HTML page: flow of patients, distributions, SDC, arms, and doubtful joints."""

from __future__ import annotations

import base64
import io
import math
import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn.cohort.arms import arm_plot
from napari_jsn.common.notes import counted
from napari_jsn.common.reasons import ReasonCode
from napari_jsn.drawing.svg import plain, signed, tag
from napari_jsn.evaluation.clinical.plots import format_p
from napari_jsn.export.report.page import html_page
from napari_jsn.export.report.sections import USE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from napari_jsn.store.cohorts import CohortPatient

#: Most rows of the table of doubtful joints, and of the table of patients that failed.
MOST_DOUBTFUL, MOST_FAILED = 300, 200
#: Heading of the column of commands.
COMMAND = "Command"
STATES = ("good", "wide", "failed")
_KINDS = ("MCP", "IP", "PIP", "DIP")
_COLOURS = {"MCP": "#0b5fa5", "IP": "#8a6d1d", "PIP": "#c2571a", "DIP": "#3d8c40"}


def cohort_html(
    joints: pd.DataFrame,
    patients: Sequence[CohortPatient],
    total: int,
    store: str,
    arms: Sequence[str] = (),
    statistics: pd.DataFrame | None = None,
) -> str:
    """Return the report of a cohort, which loads nothing.

    Parameters
    ----------
    joints : DataFrame
        ``patient joint side visit jsn_mm jsn_sd_mm state reliable reasons arm`` of all figures.
    patients : sequence of CohortPatient
    total : int
        Number of patients of the source.
    store : str
        How a command names the store.
    arms : sequence of str
        In their order; the first one is the reference.
    statistics : DataFrame, optional
        See :func:`napari_jsn.cohort.arms.arm_statistics`.
    """
    last = joints[joints["visit"] == joints.groupby("patient")["visit"].transform("max")] if len(joints) else joints
    sound = last[last["reliable"].astype(bool) & last["jsn_mm"].notna()] if len(joints) else joints
    return html_page(
        "Joint space narrowing of a cohort",
        tag("h1", "Joint space narrowing of a cohort"),
        tag("p", escape(USE), class_="use"),
        _flow(joints, patients, total),
        _distributions(sound),
        _sdc(sound),
        _arms(sound, arms, statistics),
        _doubtful(joints, store),
        _failed(patients),
    )


def _flow(joints: pd.DataFrame, patients: Sequence[CohortPatient], total: int) -> str:
    measured = [each for each in patients if each.state == "measured"]
    states = Counter(joints["state"]) if len(joints) else Counter()
    usable = joints[joints["reliable"].astype(bool)] if len(joints) else joints
    of_patients = [
        (total, "patients in the source"), (len(patients) - len(measured), "patients failed, see below"),
        (len(measured), "patients measured"), (usable["patient"].nunique(), "with a figure that has not failed"),
    ]  # fmt: skip
    of_figures = [(len(joints), "figures"), *((states[state], f"figures {state}") for state in STATES)]
    text = tag("h2", "Flow of patients") + _facts(of_patients) + _facts(of_figures)
    if without := int(usable["jsn_mm"].isna().sum()):
        note = f"{counted(without, 'figure')} without a pixel spacing are in pixels; they stand in joints.csv only."
        text += tag("p", note, class_="note")
    reasons = Counter(code for cell in joints["reasons"] if cell for code in str(cell).split()) if len(joints) else {}
    rows = [(_reason(code), str(number)) for code, number in Counter(reasons).most_common()]
    return text + (_table(("Why figures failed", "figures"), rows) if rows else "")


def _facts(facts: Sequence[tuple[int, str]]) -> str:
    return tag(
        "div", *(tag("div", tag("b", str(number)), tag("span", words)) for number, words in facts), class_="facts"
    )


def _reason(code: str) -> str:
    return ReasonCode[code].value if code in ReasonCode.__members__ else code


def _distributions(sound: pd.DataFrame) -> str:
    if not len(sound):
        return tag("h2", "Distributions") + tag("p", "There is no figure in mm that has not failed.", class_="note")
    kinds = sound["joint"].str.rstrip("0123456789")
    lead = "Figures that have not failed, each patient at the last visit. Positive is narrower."
    histogram, axes = _figure()
    edges = np.linspace(*_range(sound["jsn_mm"]), 1 + min(60, max(12, round(2 * math.sqrt(len(sound))))))
    cumulative, under = _figure()
    sdc = 1.96 * math.sqrt(float((sound["jsn_sd_mm"] ** 2).mean()))
    for kind in _KINDS:
        values = np.sort(sound["jsn_mm"][kinds == kind].to_numpy(float))
        if len(values):
            label = f"{kind} (n = {len(values)})"
            axes.hist(
                np.clip(values, edges[0], edges[-1]), edges, histtype="step", lw=1.6, color=_COLOURS[kind], label=label
            )
            at = 100 * (np.arange(1, len(values) + 1) - 0.5) / len(values)
            mark = "o" if len(values) < 10 else None
            under.plot(at, values, color=_COLOURS[kind], lw=1.6, label=label, marker=mark, ms=3)
    axes.set(xlabel="joint space narrowing, mm", ylabel="joints")
    axes.yaxis.get_major_locator().set_params(integer=True)
    under.axhspan(-sdc, sdc, color="#0b5fa5", alpha=0.1, lw=0, label=f"within the SDC of {sdc:.3f} mm")
    under.axhline(0, color="#cccccc", lw=1, zorder=0)
    under.set(xlabel="cumulative probability, %", ylabel="joint space narrowing, mm", xlim=(0, 100))
    for each in (axes, under):
        each.legend(frameon=False, fontsize=8)
    pictures = _picture(histogram, "Distribution of the narrowing.") + _picture(
        cumulative, "Cumulative probability plot."
    )
    return tag("h2", "Distributions") + tag("p", lead, class_="lead") + tag("div", pictures, class_="beside")


def _range(values: pd.Series) -> tuple[float, float]:
    low, high = np.percentile(values.to_numpy(float), [0.5, 99.5])
    margin = max(0.1 * (high - low), 0.05)
    return float(low - margin), float(high + margin)


def _sdc(sound: pd.DataFrame) -> str:
    if not len(sound):
        return ""
    kinds = sound["joint"].str.rstrip("0123456789")
    rows = []
    for kind in (*_KINDS, "all"):
        part = sound if kind == "all" else sound[kinds == kind]
        if len(part):
            sdc = 1.96 * math.sqrt(float((part["jsn_sd_mm"] ** 2).mean()))
            beyond = 100 * float((part["jsn_mm"] > sdc).mean())
            rows.append(
                (kind, str(len(part)), signed(float(part["jsn_mm"].mean()), 3), f"{sdc:.3f}", f"{beyond:.1f} %")
            )
    heads = ("Joints", "n", "Mean JSN (mm)", "SDC (mm)", "Narrowed by more than the SDC")
    note = (
        "SDC is the smallest detectable change of one joint: 1.96 times the root mean square of the standard "
        "uncertainties. It does not cover how patients are repositioned beyond simulated hands."
    )
    return tag("h2", "Smallest detectable change") + _table(heads, rows) + tag("p", note, class_="note small")


def _arms(sound: pd.DataFrame, arms: Sequence[str], statistics: pd.DataFrame | None) -> str:
    if not arms or statistics is None:
        return ""
    rows = [
        (
            str(row["visit"]), f"{row['arm']} against {row['reference']}", f"{row['patients']}, {row['joints']}",
            _mm(row["difference_mm"]), _interval(row["ci_low_mm"], row["ci_high_mm"]), _p(row["mixed_p"]),
            f"t = {plain(row['t'])}, {_p(row['t_test_p'])}" if math.isfinite(row["t"]) else "",
        )
        for row in statistics.to_dict("records")
    ]  # fmt: skip
    heads = ("Visit", "Arms", "Patients, joints", "Difference (mm)", "95 % interval", "Mixed model", "t-test (Welch)")
    note = (
        "Differences are of a linear mixed model with visits, arms and their interaction as fixed effects, and the "
        "patient as random intercept. Its intervals and p (two-sided) are of a jackknife over patients, so that they "
        "also hold where patients progress at rates of their own. The t-test takes joints as independent, as in the "
        "paper; joints of one patient are not."
    )
    picture = _picture(arm_plot(sound, list(arms)), "Narrowing at the last visit of each patient, by arm.")
    return tag("h2", "Arms") + _table(heads, rows) + tag("p", note, class_="note small") + picture


def _doubtful(joints: pd.DataFrame, store: str) -> str:
    doubtful = joints[joints["state"].isin(["failed", "wide"])] if len(joints) else joints
    if not len(doubtful):
        return tag("h2", "Doubtful joints") + tag("p", "None.", class_="note")
    worst = doubtful.assign(size=doubtful["jsn_mm"].abs().fillna(-1.0), wide=doubtful["state"] == "wide")
    worst = worst.sort_values(["wide", "size"], ascending=[True, False], kind="stable").head(MOST_DOUBTFUL)
    rows = [
        (
            str(row["patient"]), f"{row['side']}\u00a0{row['joint']}".strip(), str(row["visit"]), _mm(row["jsn_mm"]),
            str(row["state"]), " ".join(_reason(code) for code in str(row["reasons"]).split()),
            read_command(store, row),
        )
        for row in worst.to_dict("records")
    ]  # fmt: skip
    place = "" if "://" in store or os.path.isabs(store) else ", in the folder where the cohort was measured"
    text = f"{counted(len(doubtful), 'figure')}; each command opens the joint{place}."
    if len(doubtful) > len(rows):
        text += f" The table has {len(rows)} of them, failed ones and large ones first; joints.csv has all."
    heads = ("Patient", "Joint", "Visit", "JSN (mm)", "State", "Reasons", COMMAND)
    return tag("h2", "Doubtful joints") + tag("p", escape(text), class_="lead") + _table(heads, rows, "small")


def read_command(store: str, row: Mapping[Any, Any]) -> str:
    """Return the command that opens a joint in the window."""
    words = ["napari-jsn", "read", "--store", store, "--patient", str(row["patient"]), "--joint", str(row["joint"])]
    return shlex.join([*words, "--side", str(row["side"])] if row["side"] else words)


def _failed(patients: Sequence[CohortPatient]) -> str:
    failed = [each for each in patients if each.state != "measured"]
    if not failed:
        return ""
    rows = [(each.patient, "see patients.csv" if len(each.sentence) > 400 else each.sentence) for each in failed]
    more = f"{len(failed) - MOST_FAILED} more are in patients.csv." if len(failed) > MOST_FAILED else ""
    return tag("h2", "Patients that failed") + _table(("Patient", "Why"), rows[:MOST_FAILED]) + tag("p", more)


def _mm(value: float) -> str:
    return signed(value, 3) if math.isfinite(value) else ""


def _interval(low: float, high: float) -> str:
    return f"{_mm(low)}\u00a0to\u00a0{_mm(high)}" if math.isfinite(low) else ""


def _p(value: float) -> str:
    return format_p(value).replace(" ", "\u00a0") if math.isfinite(value) else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    head = tag("thead", tag("tr", *(tag("th", escape(name)) for name in heads)))
    cells = [
        [tag("code", escape(cell)) if head == COMMAND else escape(cell) for head, cell in zip(heads, row)]
        for row in rows
    ]
    body = tag("tbody", *(tag("tr", *(tag("td", cell) for cell in row)) for row in cells))
    return tag("div", tag("table", head, body, class_=f"plain {kind}".strip()), class_="scroll")


def _figure() -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((5.4, 3.8), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _picture(figure: Figure, caption: str) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110, metadata={"Software": None})
    source = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    image = tag("img", src=source, alt=caption, style="max-width:100%")
    return tag("figure", image, tag("figcaption", caption), style="margin:0")
