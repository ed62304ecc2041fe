"""The clinical assessment on artificial tables with a known result."""

import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.clinical.assess import assess
from napari_jsn.evaluation.clinical.report import clinical_files
from napari_jsn.evaluation.clinical.simulated import simulated_rows
from napari_jsn.evaluation.clinical.table import read_table, tidy
from napari_jsn.patient.identity import Identity, pseudonym

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
    ("column", "value"),
    [("visit", "-1"), ("visit", "1.5"), ("jsn_sd_mm", "-0.02"), ("jsn_mm", "60"), ("jsn_mm", "-1e200"),
     ("visit", "two"), ("jsn_sd_mm", "x"), ("jsn_mm", "?"), ("score_change", "yes"), ("reliable", "maybe"),
     ("patient", "NA"), ("patient", " "), ("side", "both"), ("joint", "knee"), ("joint", "")],
)  # fmt: skip
def test_a_cell_that_cannot_be_used_is_refused_by_row_and_column(tmp_path, column, value):
    rows = simulated().assign(visit=2, jsn_sd_mm=0.02, reliable=True).astype(object)
    rows.loc[3, column] = value
    rows.to_csv(tmp_path / "joints.csv", index=False)
    with pytest.raises(
        InputError, match=rf"wrong in row 4, column {column}: '{re.escape(value)}'; allowed: "
    ) as refused:
        read_table(tmp_path / "joints.csv")
    assert refused.value.argument == "table"


@pytest.mark.parametrize("value", ["inf", "-Infinity", "", "NaN"])
def test_rows_without_a_finite_narrowing_are_left_out_and_counted(tmp_path, value):
    rows = simulated().assign(jsn_mm=lambda table: table.jsn_mm.astype(object))
    rows.loc[3, "jsn_mm"] = value
    rows.to_csv(tmp_path / "joints.csv", index=False)
    table = read_table(tmp_path / "joints.csv")
    assert len(table.joints) == len(rows) - 1 and np.isfinite(table.joints.jsn_mm).all()
    assert any("1 row without narrowing" in note for note in table.notes)
    assert any("infinite" in note for note in table.notes) == ("nf" in value)


@pytest.mark.parametrize(("column", "value"), [("visit", "one"), ("svdh_narrowing", "a"), ("joint", "MCP9")])
def test_texts_in_the_truth_are_refused(tmp_path, column, value):
    rows = simulated()
    rows.assign(visit=2).to_csv(tmp_path / "joints.csv", index=False)
    truth = pd.concat([rows.assign(visit=1, svdh_narrowing=0), rows.assign(visit=2, svdh_narrowing=1)]).astype(object)
    truth.iloc[2, truth.columns.get_loc(column)] = value
    truth.to_csv(tmp_path / "truth.csv", index=False)
    with pytest.raises(InputError, match=f"row 3, column {column}: '{value}'") as refused:
        read_table(tmp_path / "joints.csv", tmp_path / "truth.csv")
    assert refused.value.argument == "truth"


def _padded(rows):
    return rows.assign(patient=[f"{int(name[1:]) + 1:03d}" for name in rows.patient])


@pytest.mark.parametrize(
    "spell",
    [
        lambda rows: rows.assign(joint=rows.joint.str.lower()),
        lambda rows: rows.assign(joint=rows.joint + " "),
        lambda rows: rows.assign(joint=rows.joint.str[:3] + "-" + rows.joint.str[3]),
        lambda rows: rows.assign(side="left"),
        lambda rows: rows.assign(side=" Links"),
        lambda rows: rows.assign(patient=rows.patient.str.lstrip("0")),
        lambda rows: rows.assign(patient=" " + rows.patient),
    ],
)
def test_a_second_reader_may_spell_names_otherwise(tmp_path, spell):
    first = _padded(simulated())
    again = spell(first.assign(jsn_mm=first.jsn_mm + 0.01))
    pd.concat([first.assign(reading="a"), again.assign(reading="b")]).to_csv(tmp_path / "table.csv", index=False)
    table = read_table(tmp_path / "table.csv")
    assert len(table.joints) == len(first) and table.joints.patient.nunique() == 12
    assert len(table.readings) == len(first)
    changed = [note for note in table.notes if "spelling" in note or "leading zeros" in note]
    assert len(changed) == (not (again.patient.str.startswith(" ").any()))


@pytest.mark.parametrize(
    ("write", "count"),
    [
        (lambda rows: rows.to_csv(index=False, sep=";", decimal=","), 72),
        (lambda rows: rows.to_csv(index=False, decimal=",", quoting=1), 72),
        (lambda rows: "sep=;\n" + rows.to_csv(index=False, sep=";"), 72),
        (lambda rows: rows.assign(reliable=np.where(rows.index < 2, "FALSCH", "WAHR")).to_csv(index=False), 70),
        (lambda rows: rows.assign(reliable=1.0).to_csv(index=False), 72),
        (lambda rows: rows.assign(visit="V2").to_csv(index=False), 72),
        (lambda rows: rows.assign(visit="Visit 3").to_csv(index=False), 72),
        (lambda rows: pd.concat([rows.assign(visit=0, jsn_mm=0.0), rows.assign(visit=1)]).to_csv(index=False), 72),
        (lambda rows: pd.concat([rows.assign(visit=1), rows.assign(visit=0), rows[:9].assign(visit=2)]).to_csv(), 72),
        (lambda rows: rows.assign(visit=np.where(rows.index < 30, "", "2")).to_csv(index=False), 72),
    ],
)
def test_tables_of_spreadsheets_are_read_whole(tmp_path, write, count):
    rows = simulated().assign(jsn_sd_mm=0.02, reliable=True, visit=2)
    (tmp_path / "table.csv").write_text(write(rows))
    table = read_table(tmp_path / "table.csv")
    assert len(table.joints) == count and table.joints.patient.nunique() == 12
    assert table.joints.jsn_sd_mm.eq(0.02).all()
    assert table.joints.jsn_mm.mean() == pytest.approx(rows.jsn_mm[len(rows) - count :].mean(), abs=1e-4)


def test_a_decimal_comma_between_commas_is_explained(tmp_path):
    (tmp_path / "table.csv").write_text("patient,joint,side,jsn_mm,score_change\nP1,MCP2,L,0,25,1\n")
    with pytest.raises(InputError, match="Row 1 .* 6 cells, .* 5 columns.*semicolons"):
        read_table(tmp_path / "table.csv")


def test_a_blank_visit_beside_a_stated_one_is_refused():
    rows = pd.concat([simulated().assign(visit=2), simulated()[:1].assign(visit=np.nan)])
    with pytest.raises(InputError, match="a row with a visit and one without"):
        tidy(rows)


@pytest.mark.parametrize("named", ["own", "pseudonyms", "one patient", "no column"])
def test_the_truth_fits_a_table_with_pseudonyms(tmp_path, named, monkeypatch):
    monkeypatch.setenv("NAPARI_JSN_KEY", str(tmp_path / "key"))
    rows = simulated(patients=1 if named in ("one patient", "no column") else 4)
    rows["patient"] = [f"SIM{int(name[1:]) + 1:04d}" for name in rows.patient]
    first = rows[["patient", "joint", "side"]].assign(visit=1, svdh_narrowing=1)
    second = first.assign(visit=2, svdh_narrowing=1 + rows.score_change)
    pd.concat([first, second]).to_csv(tmp_path / "truth.csv", index=False)
    measured = rows.drop(columns="score_change").assign(visit=2)
    if named == "pseudonyms":
        of = {name: pseudonym([Identity(number=name, name=f"SIM^{name[3:]}")])[0] for name in set(rows.patient)}
        measured["patient"] = measured.patient.map(of)
    elif named == "one patient":
        measured["patient"] = "anonymous"
    elif named == "no column":
        measured = measured.drop(columns="patient")
    measured.to_csv(tmp_path / "joints.csv", index=False)
    table = read_table(tmp_path / "joints.csv", tmp_path / "truth.csv")
    assert table.joints.score_change.tolist() == rows.score_change.tolist()
    assert table.joints.patient.tolist() == rows.patient.tolist()


def test_many_patients_need_little_memory():
    rows = pd.concat([simulated().assign(patient=lambda table, k=k: f"{k}-" + table.patient) for k in range(170)])
    table = tidy(rows)
    tracemalloc.start()
    assess(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6  # one batch of replicates, not all at once


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reliable": False}, "rows not reliable left out"),
        ({"score_change": ""}, "rows without narrowing or score left out"),
        ({"visit": 1}, "baseline .visit 1. only"),
        ({"jsn_mm": 0.1}, "does not differ between the joints"),
    ],
)
def test_why_a_table_cannot_be_compared(change, message):
    with pytest.raises(InputError, match=message):
        assess(tidy(simulated().assign(visit=2, reliable=True).astype(object).assign(**change)))


@pytest.mark.parametrize("joints", [1, 2, 4])
def test_readings_that_differ_in_the_change_of_score_are_counted(joints):
    first = simulated()
    again = first.assign(jsn_mm=first.jsn_mm + 0.01, score_change=first.score_change + (np.arange(len(first)) < joints))
    table = tidy(pd.concat([first.assign(reading="a"), again.assign(reading="b")]))
    assert any(f"of {joints} joint" in note and "differs between readings" in note for note in table.notes)


@pytest.mark.parametrize("head", [str.upper, lambda name: f" {name} ", lambda name: name.replace("_", " ")])
def test_heads_in_other_spellings(tmp_path, head):
    simulated().rename(columns=head).to_csv(tmp_path / "joints.csv", index=False)
    assert len(read_table(tmp_path / "joints.csv").joints) == len(simulated())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n".encode("utf-16")[:-1], "not a text in UTF-8"),
        (b"\xe4", "not a text in UTF-8"),
        (b'a,b\n"x\ny",1\n', "line break"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, message):
    (tmp_path / "joints.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "joints.csv")
