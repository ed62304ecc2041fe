import itertools

import numpy as np
import pandas as pd
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.scoring import MISSING_RULES, scheme, totals
from tests.scoring.simulated import sheet

RULES = list(MISSING_RULES)


def by_hand(rows, kind, missing, surgery, earlier=None):
    """The total of one reading, site by site."""
    used = scheme("svdh-hands")
    highest, grades = used.highest[kind], []
    for side in "RL":
        for site in used.sites[kind]:

            def cell(table, key=(side, site, kind)):
                grade, reason = table.get(key, (np.nan, ""))
                if surgery == "maximum" and reason == "surgery":
                    return highest
                return None if np.isnan(grade) else grade

            grade = cell(rows)
            if grade is None and missing == "carried-forward" and earlier is not None:
                grade = cell(earlier)
            grades.append(grade)
    known = [grade for grade in grades if grade is not None]
    if missing == "sum":
        return sum(known) if known else np.nan
    if missing == "scaled":
        return sum(known) / len(known) * len(grades) if len(known) >= len(grades) / 2 else np.nan
    return sum(known) if len(known) == len(grades) else np.nan


@pytest.mark.parametrize("surgery", ["missing", "maximum"])
@pytest.mark.parametrize("missing", RULES)
def test_totals_of_20_patients_equal_a_count_by_hand(missing, surgery):
    scores = sheet(20, readers=("A",), seed=3)
    rng = np.random.default_rng(5)
    for patient in range(4, 20):  # each with more sites that are not scored
        which = np.flatnonzero(scores["patient"] == f"P{patient:03}")
        chosen = rng.choice(which, patient * 3 - 11, replace=False)
        scores.loc[chosen, "grade"] = np.nan
        scores.loc[chosen, "not_scored"] = rng.choice(["missing", "surgery", "overlap"], len(chosen))
    scores = scores.drop(index=scores[(scores["patient"] == "P019") & (scores["side"] == "L")].index[:40])
    found = totals(scores, "svdh-hands", missing, surgery).set_index(["patient", "visit", "kind"])["total"]
    cells = {key: {} for key in itertools.product(scores["patient"].unique(), (1, 2))}
    for row in scores.itertuples():
        cells[row.patient, row.visit][row.side, row.site, row.kind] = row.grade, row.not_scored
    for patient in scores["patient"].unique():
        first, second = (cells[patient, visit] for visit in (1, 2))
        for visit, rows, earlier in ((1, first, None), (2, second, first)):
            expected = [by_hand(rows, kind, missing, surgery, earlier) for kind in ("jsn", "erosion")]
            got = [found[patient, visit, kind] for kind in ("jsn", "erosion", "total")]
            np.testing.assert_allclose(got, [*expected, sum(expected)])


def test_shares_and_names():
    scores = sheet(1, visits=(1,), readers=("A",))
    scores.loc[0, ["grade", "not_scored"]] = [np.nan, "not_visible"]
    found = totals(scores).set_index("kind")
    assert list(found.index) == ["jsn", "erosion", "total"] and list(found["maximum"]) == [120, 160, 280]
    assert found.loc["jsn", "sites_scored"] == 29 and found.loc["jsn", "share_scored"] == pytest.approx(29 / 30)
    assert np.isnan(found.loc["jsn", "total"]) and np.isnan(found.loc["total", "total"])
    assert set(found["scheme"]) == {"svdh-hands"} and set(found["rule"]) == {"complete"}


def test_a_mark_fills_the_grade_in():
    scores = sheet(1, visits=(1,), readers=("A",), scheme_name="svdh-fingers").assign(grade=0.0)
    scores.loc[0, ["grade", "mark"]] = [np.nan, "subluxation"]
    scores.loc[1, ["grade", "mark"]] = [np.nan, "ankylosis"]
    assert totals(scores, "svdh-fingers").set_index("kind")["total"]["jsn"] == 7


def test_visits_are_carried_forward_in_their_order():
    scores = sheet(1, visits=(2, 10), readers=("A",), scheme_name="svdh-fingers")
    scores.loc[(scores["visit"] == 10) & (scores["site"] == "MCP2"), "grade"] = np.nan
    found = totals(scores, "svdh-fingers", missing="carried-forward")
    assert list(found["visit"]) == [2, 2, 2, 10, 10, 10] and found["total"].notna().all()
    assert list(found["filled"]) == [0, 0, 0, 2, 2, 4]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"missing": "guess"}, "rule 'guess' for missing"),
        ({"surgery": "zero"}, "rule 'zero' for surgery"),
        ({"minimum_share": 2}, "minimum share"),
        ({"scheme_name": "svdh-fingers"}, "column site"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(InputError, match=message):
        totals(sheet(1, visits=(1,)), **options)


@pytest.mark.parametrize(
    "column, value, message",
    [
        ("grade", 7, "whole number from 0 to 4"),
        ("grade", 1.5, "whole number"),
        ("grade", "x", "whole number"),
        ("side", "up", "allowed: L, R"),
        ("site", None, "a site such as MCP2"),
        ("site", "DIP2", "allowed: MCP1"),
        ("kind", "width", "allowed: jsn, erosion"),
        ("patient", " ", "allowed: a name"),
        ("visit", np.nan, "a number, a date"),
        ("mark", "broken", "subluxation, luxation, ankylosis"),
        ("not_scored", "overlap", "empty, because"),
        ("not_scored", "lost", "missing, surgery, overlap"),
    ],
)
def test_a_wrong_cell_is_named(column, value, message):
    scores = sheet(1, visits=(1,), readers=("A",)).astype({"grade": object, "visit": object})
    scores.loc[4, column] = value
    with pytest.raises(InputError, match=f"row 5, column {column}: .*{message}"):
        totals(scores)


def test_a_site_twice_and_absent_columns():
    scores = sheet(1, visits=(1,), readers=("A",))
    with pytest.raises(InputError, match="row 63, column site"):
        totals(pd.concat([scores, scores.iloc[:1]]))
    with pytest.raises(InputError, match="lacks the columns kind, grade"):
        totals(scores.drop(columns=["kind", "grade"]))
    with pytest.raises(InputError, match="Give a DataFrame"):
        totals([1])
    assert len(totals(scores.drop(columns=["mark", "not_scored", "reader", "session"]))) == 3


@pytest.mark.parametrize("session", ["", "2024"])
def test_sessions_that_date_a_visit_do_not_end_the_carrying_forward(session):
    scores = sheet(1, readers=("A",), scheme_name="svdh-fingers")
    scores["session"] = session + scores["visit"].astype(str)
    scores.loc[(scores["visit"] == 2) & (scores["site"] == "MCP2"), "grade"] = np.nan
    assert totals(scores, "svdh-fingers", missing="carried-forward")["total"].notna().all()


@pytest.mark.parametrize("kind", ["jsn", "erosion"])
def test_a_reading_without_any_row_of_a_kind(kind):
    scores = sheet(2, readers=("A",), scheme_name="svdh-fingers")
    absent = (scores["patient"] == "P000") & (scores["visit"] == 2) & (scores["kind"] == kind)
    for missing in RULES:
        found = totals(scores[~absent], "svdh-fingers", missing).set_index(["patient", "visit", "kind"])
        assert len(found) == 12 and found.loc[("P000", 2, kind), "sites_scored"] == 0
        first, second, both = (
            found["total"]["P000", visit, which] for visit, which in ((1, kind), (2, kind), (2, "total"))
        )
        assert (second == first and both > 0) if missing == "carried-forward" else np.isnan([second, both]).all()


@pytest.mark.parametrize("mark, highest", [("ankylosis", 3), ("luxation", 2), ("subluxation", 2), ("subluxation", 4)])
def test_a_mark_implies_no_more_than_the_highest_grade(tmp_path, mark, highest):
    path = tmp_path / "own.yaml"
    path.write_text(f"jsn: {{sites: [MCP2], highest: {highest}}}")
    rows = [("P1", 1, side, "MCP2", "jsn", np.nan, mark) for side in "LR"]
    scores = pd.DataFrame(rows, columns=["patient", "visit", "side", "site", "kind", "grade", "mark"])
    assert totals(scores, scheme(path))["total"].tolist() == [2 * min(highest, 3 if mark == "subluxation" else 4)]
