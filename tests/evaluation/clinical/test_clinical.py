"""The clinical assessment on artificial tables with a known result."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.clinical.assess import assess
from napari_jsn.evaluation.clinical.report import clinical_files
from napari_jsn.evaluation.clinical.simulated import simulated_rows
from napari_jsn.evaluation.clinical.table import read_table, tidy

JOINTS = ("MCP2", "MCP3", "MCP4", "PIP2", "PIP3", "PIP4")


def simulated(effect=0.15, shared=0.0, noise=0.04, patients=12, seed=0):
    """Joints of patients that narrow by ``effect`` a grade; ``shared`` belongs to all joints of a patient."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(patients):
        own = rng.normal(0, shared) if shared else 0.0
        for joint in JOINTS:
            change = int(rng.random() < 0.35) * int(rng.integers(1, 3))
            jsn = own + effect * change + rng.normal(0, noise)
            rows.append({"patient": f"P{number}", "joint": joint, "side": "L", "jsn_mm": jsn, "score_change": change})
    return pd.DataFrame(rows)


def twice(rows, seed=5, noise=0.02):
    rng = np.random.default_rng(seed)
    again = rows.assign(jsn_mm=rows.jsn_mm + rng.normal(0, noise, len(rows)), reading="b")
    return pd.concat([rows.assign(reading="a"), again])


def test_the_figures_are_those_of_the_libraries():
    rows = simulated()
    found = assess(tidy(rows))
    rose, stayed = (rows.jsn_mm[rows.score_change > 0], rows.jsn_mm[rows.score_change == 0])
    test = stats.ttest_ind(rose, stayed, equal_var=False, alternative="greater")
    assert (found.t, found.p) == pytest.approx((test.statistic, test.pvalue))
    assert found.r == pytest.approx(np.corrcoef(rows.jsn_mm, rows.score_change)[0, 1])
    assert found.difference_ci95[0] < found.difference_mm < found.difference_ci95[1]
    assert found.mixed_mm == pytest.approx(found.difference_mm, abs=0.05)
    assert found.mixed_ci95[0] > 0 and found.r_clustered_ci95[0] < found.r < found.r_clustered_ci95[1]


def test_intervals_treat_a_patient_as_a_cluster():
    rows = simulated(effect=0.0, shared=0.2, noise=0.01)
    rows["score_change"] = (rows.patient.str[1:].astype(int) < 6).astype(int)  # a whole patient changes or does not
    found = assess(tidy(rows))
    plain, clustered = (np.ptp(pair) for pair in (found.difference_ci95, found.difference_clustered_ci95))
    assert clustered > 1.5 * plain
    assert np.ptp(found.mixed_ci95) > 1.5 * plain


def test_the_bootstrap_is_seeded():
    table = tidy(simulated())
    assert assess(table, 3).r_clustered_ci95 == assess(table, 3).r_clustered_ci95
    assert assess(table, 3).r_clustered_ci95 != assess(table, 4).r_clustered_ci95


def test_few_patients_are_noted():
    found = assess(tidy(simulated(patients=3)))
    assert np.isnan(found.difference_clustered_ci95).all()
    assert any("Only 3 patients" in note for note in found.notes)
    one = assess(tidy(simulated(patients=1, seed=2)))
    assert np.isnan(one.mixed_mm) and any("two patients" in note for note in one.notes)


def test_repeated_readings_are_compared_and_averaged():
    rows = simulated()
    found = assess(tidy(twice(rows)))
    assert found.agreement.readings == 2 and found.agreement.subjects == len(found.joints) == len(rows)
    assert found.agreement.icc_2_1 > 0.9 and found.readings == ("a", "b")
    assert found.sdc_mm == pytest.approx(1.96 * 0.02 / np.sqrt(2), rel=0.25) and found.sdc_source == "repeated readings"


def test_what_does_not_count_is_noted():
    rows = simulated().assign(reliable=True, jsn_sd_mm=0.02)
    rows.loc[0, "reliable"], rows.loc[1, "jsn_mm"], rows.loc[2, "score_change"] = False, np.nan, -1
    table = tidy(rows)
    assert len(table.joints) == len(rows) - 2
    found = assess(table)
    assert found.sdc_mm == pytest.approx(1.96 * 0.02) and found.sdc_source == "stated uncertainties"
    for message in ("1 row not reliable", "1 row without narrowing", "The score of 1 joint"):
        assert any(message in note for note in found.notes), found.notes


def test_of_each_joint_the_last_visit_counts_unless_another_is_named(tmp_path):
    rows = simulated()
    both = pd.concat([rows.assign(visit=2), rows.assign(visit=3, jsn_mm=rows.jsn_mm + 1)])
    both.to_csv(tmp_path / "joints.csv", index=False)
    assert read_table(tmp_path / "joints.csv").joints.jsn_mm.mean() == pytest.approx(rows.jsn_mm.mean() + 1)
    assert read_table(tmp_path / "joints.csv", visit=2).joints.jsn_mm.mean() == pytest.approx(rows.jsn_mm.mean())
    with pytest.raises(InputError, match="no visit 7"):
        read_table(tmp_path / "joints.csv", visit=7)


def test_a_truth_gives_the_score_change(tmp_path):
    rows = simulated()
    rows.drop(columns="score_change").assign(visit=2).to_csv(tmp_path / "joints.csv", index=False)
    first = rows[["patient", "joint", "side"]].assign(visit=1, svdh_narrowing=1)
    second = first.assign(visit=2, svdh_narrowing=1 + rows.score_change)
    pd.concat([first, second]).to_csv(tmp_path / "truth.csv", index=False)
    table = read_table(tmp_path / "joints.csv", tmp_path / "truth.csv")
    assert table.joints.score_change.tolist() == rows.score_change.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="score_change"), "lacks the column score_change.*--truth"),
        (lambda rows: rows.drop(columns=["patient", "side"]), "lacks the columns patient, side"),
        (lambda rows: pd.concat([rows, rows[:1]]), "twice.*reading"),
        (lambda rows: rows[rows.score_change == 0], "0 joints rose"),
    ],
)
def test_tables_that_cannot_be_assessed_are_refused(tmp_path, change, message):
    change(simulated()).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match=message) as refused:
        assess(read_table(tmp_path / "table.csv"))
    assert refused.value.argument == "table"


def test_files_that_are_not_tables_are_refused(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    for name in ("empty.csv", "none.csv"):
        with pytest.raises(InputError):
            read_table(tmp_path / name)


def test_a_missing_statsmodels_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.regression.linear_model", None)
    with pytest.raises(InputError, match=r"napari-jsn\[stats\]"):
        assess(tidy(simulated()))


def test_the_page_and_its_figures():
    found = assess(tidy(twice(simulated())))
    written = clinical_files(found, "simulated")
    names = {f"clinical-{name}.png" for name in ("box", "score", "cumulative", "bland-altman")}
    assert set(written) == names | {"clinical.md", "clinical-joints.csv"}
    assert all(written[name].startswith(b"\x89PNG") for name in names)
    page = written["clinical.md"].decode()
    assert "72 joints of 12 patients, simulated" in page and "ICC(2,1)" in page and "nan" not in page
    alone = clinical_files(assess(tidy(simulated(patients=3))), "simulated")
    assert "clinical-bland-altman.png" not in alone and "nan" not in alone["clinical.md"].decode()


def test_simulated_joints_are_measured_twice_each():
    rows = simulated_rows(2, seed=1)
    assert len(rows) == 4 and set(rows.reading) == {"bones found", "bones exact"}
    assert np.abs(rows.jsn_mm - rows.true_mm).max() < 0.1


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("visit", "two", "visit of the table contains 'two'"),
        ("jsn_sd_mm", "x", ""),
        ("jsn_mm", "inf", ""),
        ("jsn_mm", "?", ""),
    ],
)
def test_texts_and_infinite_figures_are_refused_or_left_out(tmp_path, column, value, words):
    rows = simulated().assign(visit=2, jsn_sd_mm=0.02).astype(object)
    rows.loc[3, column] = value
    rows.to_csv(tmp_path / "joints.csv", index=False)
    if words:
        with pytest.raises(InputError, match=words):
            read_table(tmp_path / "joints.csv")
    else:
        joints = read_table(tmp_path / "joints.csv").joints
        assert np.isfinite(joints["jsn_mm"]).all() and len(joints) == len(rows) - (column == "jsn_mm")


@pytest.mark.parametrize(("column", "value"), [("visit", "one"), ("svdh_narrowing", "a")])
def test_texts_in_the_truth_are_refused(tmp_path, column, value):
    rows = simulated()
    rows.assign(visit=2).to_csv(tmp_path / "joints.csv", index=False)
    truth = pd.concat([rows.assign(visit=1, svdh_narrowing=0), rows.assign(visit=2, svdh_narrowing=1)]).astype(object)
    truth.iloc[2, truth.columns.get_loc(column)] = value
    truth.to_csv(tmp_path / "truth.csv", index=False)
    with pytest.raises(InputError, match=f"{column} of the table contains '{value}'"):
        read_table(tmp_path / "joints.csv", tmp_path / "truth.csv")
