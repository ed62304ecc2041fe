import numpy as np
import pandas as pd
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.common.statistics import reader_agreement
from napari_jsn.scoring import agreement, consensus, totals
from tests.scoring.simulated import items, sheet

SHARP = [[0.8, 0.2, 0, 0, 0], [0.1, 0.8, 0.1, 0, 0], [0, 0.1, 0.8, 0.1, 0], [0, 0, 0.1, 0.8, 0.1], [0, 0, 0, 0.2, 0.8]]


def test_pairs_are_counted_as_by_hand():
    table, _ = items(300, [SHARP, SHARP, SHARP])
    found = agreement(table, replicates=50)
    assert found.pairs[["reader_a", "reader_b"]].values.tolist() == [["R1", "R2"], ["R1", "R3"], ["R2", "R3"]]
    first, second = (table[table["reader"] == name]["grade"].to_numpy() for name in ("R1", "R3"))
    row = found.pairs.iloc[1]
    assert row["n"] == 300 and row["exact"] == pytest.approx((first == second).mean())
    assert row["within_one"] == pytest.approx((abs(first - second) <= 1).mean())
    assert row["balanced"] == pytest.approx(np.mean([(second[first == g] == g).mean() for g in range(5)]))
    matrix = found.confusions.query("reader_a == 'R1' and reader_b == 'R3'").pivot(
        index="grade_a", columns="grade_b", values="n"
    )
    assert np.array_equal(matrix, pd.crosstab(first, second))
    for name in ("exact", "balanced", "within_one", "kappa_linear", "kappa_quadratic"):
        assert (found.pairs[f"{name}_low"] < found.pairs[name]).all()
        assert (found.pairs[f"{name}_high"] > found.pairs[name]).all()


def test_the_order_of_rows_and_other_spellings_change_nothing():
    table = sheet(6, readers=("A", "B", "C"), scheme_name="svdh-fingers")
    other = table.sample(frac=1, random_state=1).assign(
        side=lambda rows: rows["side"].map({"L": "left", "R": " Right"}), site=lambda rows: rows["site"].str.lower()
    )
    expected, found = agreement(table, replicates=20), agreement(other, replicates=20)
    pd.testing.assert_frame_equal(found.pairs, expected.pairs)
    pd.testing.assert_frame_equal(found.alpha, expected.alpha)
    assert any("another spelling" in note for note in found.notes)


def test_patients_are_resampled_whole():
    one = sheet(12, visits=(1,), scheme_name="svdh-fingers", seed=4)
    copies = pd.concat([one.assign(session=str(n)) for n in range(4)])  # four equal sessions add no information
    widths = [
        (found["exact_high"] - found["exact_low"]).to_numpy()
        for found in (agreement(each, replicates=500).pairs for each in (one, copies))
    ]
    np.testing.assert_allclose(*widths)


def test_against_the_consensus():
    table, truth = items(2000, [SHARP, SHARP, np.full((5, 5), 0.2)])
    found = agreement(table, replicates=0).against_consensus.set_index("reader_b")
    assert set(found["reader_a"]) == {"consensus"}
    assert found["exact"]["R1"] > 0.75 and found["exact"]["R3"] < 0.4
    label = consensus(table)["grade"].to_numpy()
    assert found["exact"]["R1"] == pytest.approx((label == table[table["reader"] == "R1"]["grade"]).mean())


def test_sessions_of_one_reader():
    table = sheet(6, readers=("A", "B"), sessions=("1", "2"), scheme_name="svdh-fingers")
    found = agreement(table, replicates=0)
    assert found.intra[["reader", "session_a", "session_b", "kind"]].values.tolist() == [
        [reader, "1", "2", kind] for reader in "AB" for kind in ("jsn", "erosion")
    ]
    assert (found.pairs["n"] == [6 * 2 * 18 * 2, 6 * 2 * 20 * 2]).all()
    own = agreement(table[table["reader"] == "A"], replicates=0)
    assert own.pairs.empty and len(own.intra) == 2 and own.totals.empty


@pytest.mark.parametrize("by", ["reader", "visit", "patient", "patient and reader"])
def test_sessions_that_date_the_readings_leave_nothing_out(by):
    table = sheet(6, scheme_name="svdh-fingers")
    table["session"] = table["patient"] + table["reader"] if by == "patient and reader" else table[by].astype(str)
    found, expected = agreement(table, replicates=0), agreement(table.assign(session=""), replicates=0)
    pd.testing.assert_frame_equal(found.pairs, expected.pairs)
    pd.testing.assert_frame_equal(found.totals, expected.totals)


def test_more_sessions_of_one_reader():
    table = sheet(6, scheme_name="svdh-fingers", sessions=("1", "2"))
    table = table[(table["reader"] == "A") | (table["session"] == "2")]
    found = agreement(table, replicates=0)
    first = (table["reader"] == "B") | (table["session"] == "1")
    expected = agreement(table[first].assign(session=""), replicates=0)
    pd.testing.assert_frame_equal(found.pairs, expected.pairs)
    assert len(found.intra) == 2 and any("different sessions" in note for note in found.notes)


def test_names_of_any_type():
    table = sheet(6, readers=(1, 2.0, "C"), sessions=(1, None, "x"), scheme_name="svdh-fingers")
    table["patient"] = table["patient"].map({name: n for n, name in enumerate(table["patient"].unique())})
    table["grade"] = table["grade"].astype("Int64")
    table["visit"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(table["visit"], "D")
    table.index = [0] * len(table)
    found = agreement(table, replicates=10)
    assert len(found.pairs) == 6 and len(found.totals) == 9 and len(found.intra) == 18
    labels = consensus(table)
    assert labels["patient"].dtype == table["patient"].dtype and labels["visit"].dtype.kind == "M"


@pytest.mark.parametrize("options", [{}, {"scheme_name": "svdh-hands"}])
def test_totals_of_readers(options):
    table = sheet(10, readers=("A", "B"), seed=2)
    found = agreement(table, replicates=0, **options)
    sums = totals(table).pivot(index=["patient", "visit", "kind"], columns="reader", values="total")
    for kind in ("jsn", "erosion", "total"):
        at = [sums.xs((visit, kind), level=("visit", "kind")) for visit in (1, 2)]
        change = at[1] - at[0]
        difference = change["A"] - change["B"]
        row = found.totals[(found.totals["kind"] == kind) & (found.totals["of"] == "change")].iloc[0]
        sd = difference.std(ddof=1)
        assert row["sdc"] == pytest.approx(1.96 * sd / np.sqrt(2)) and row["sdc_mean"] == pytest.approx(1.96 * sd / 2)
        assert row["sdc_80"] == pytest.approx(1.28 * sd / np.sqrt(2)) and "1.96" in row["formula"]
        pair = found.differences.query("kind == @kind and of == 'change'").iloc[0]
        assert pair["bias"] == pytest.approx(difference.mean()) and pair["sdc"] == pytest.approx(row["sdc"])
        status = found.differences.query("kind == @kind and of == 'status' and visit == 2").iloc[0]
        assert status["bias"] == pytest.approx((at[1]["A"] - at[1]["B"]).mean())
    single, mean = found.totals["icc_2_1"], found.totals["icc_2_k"]
    np.testing.assert_allclose(mean, 2 * single / (1 + single))


def test_totals_of_one_reader_at_two_sessions():
    table = sheet(10, readers=("A", "B"), seed=3, sessions=("first", "again"))
    found = agreement(table, "svdh-hands", replicates=0)
    by_session = totals(table[table["reader"] == "B"], "svdh-hands").pivot(
        index=["patient", "visit", "kind"], columns="session", values="total"
    )
    at = [by_session.xs((visit, "total"), level=("visit", "kind")) for visit in (1, 2)]
    change = at[1] - at[0]
    row = found.intra_totals.query("reader == 'B' and kind == 'total' and of == 'change'").iloc[0]
    sd = (change["first"] - change["again"]).std(ddof=1)
    assert row["sdc"] == pytest.approx(1.96 * sd / np.sqrt(2)) and row["n"] == 10
    pair = found.intra_differences.query("reader == 'B' and kind == 'total' and of == 'status' and visit == 1").iloc[0]
    assert {pair["reader_a"], pair["reader_b"]} == {"first", "again"}
    assert abs(pair["bias"]) == pytest.approx(abs((at[0]["first"] - at[0]["again"]).mean()))


@pytest.mark.parametrize("sessions", [("",), ("2024",)])
def test_one_session_has_no_totals_of_one_reader(sessions):
    found = agreement(sheet(4, sessions=sessions, scheme_name="svdh-fingers"), replicates=0)
    assert found.intra_totals.empty and found.intra_differences.empty and "icc_2_1" in found.intra_totals


def test_sessions_that_date_readings_repeat_nothing():
    table = sheet(4, scheme_name="svdh-fingers")
    found = agreement(table.assign(session=table["patient"]), replicates=0)
    assert found.intra_totals.empty


def test_sums_over_the_sites_of_every_reader():
    table = sheet(5, readers=("A", "B"), scheme_name="svdh-fingers")
    table.loc[(table["reader"] == "B") & (table["site"] == "MCP2"), "grade"] = np.nan
    found = agreement(table, replicates=0)
    kept = table[table["site"] != "MCP2"]
    expected = kept[(kept["kind"] == "jsn") & (kept["visit"] == 1)].groupby(["patient", "reader"])["grade"].sum()
    got = found.sums.query("kind == 'jsn' and of == 'status' and visit == 1").set_index(["patient", "reader"])["value"]
    assert got.sort_index().tolist() == expected.sort_index().tolist()
    assert any("not every reader" in note for note in found.notes)


def test_few_patients_are_noted():
    found = agreement(sheet(2), replicates=20)
    assert any("Fewer than 5 patients" in note for note in found.notes)
    assert any("no ICC" in note for note in found.notes) and found.totals.empty


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda table: table[table["reader"] == "A"], "two readings"),
        (lambda table: table.iloc[:0], "two readings|No row"),
        (lambda table: table.assign(grade=np.nan), "two readings|No row"),
        (lambda table: table.drop(columns="reader"), "lacks the column reader"),
        (lambda table: table.assign(reader=["", *table["reader"][1:]]), "row 1, column reader"),
        (lambda table: table.assign(grade=9), "whole number from 0 to 4"),
        (lambda table: pd.concat([table, table]), "once for one kind"),
    ],
)
def test_tables_that_cannot_be_compared(change, message):
    with pytest.raises(InputError, match=message):
        agreement(change(sheet(3, scheme_name="svdh-fingers")))


@pytest.mark.parametrize("options", [{"replicates": -1}, {"replicates": 2.5}, {"method": "vote"}, {"missing": "x"}])
def test_wrong_options(options):
    with pytest.raises(InputError, match=r"Choose one of|Give a whole number"):
        agreement(sheet(3), scheme_name="svdh-hands", **options)


def of_others(table, **changes):
    """The table with the names of reader B changed."""
    return pd.concat([table[table["reader"] != "B"], table[table["reader"] == "B"].assign(**changes)])


@pytest.mark.parametrize(
    "column, change",
    [
        ("patient", lambda names: names.str.lstrip("0").replace("", "0")),
        ("patient", lambda names: names.astype(int)),
        ("visit", lambda names: names.astype(str)),
        ("visit", lambda names: names.astype(float)),
        ("session", lambda names: names.astype(int)),
    ],
)
def test_one_name_as_text_and_as_number(column, change):
    table = sheet(6, readers=("A", "B", "C"), scheme_name="svdh-fingers", sessions=("1",))
    table["patient"] = table["patient"].str[1:]
    other = of_others(table, **{column: change(table.loc[table["reader"] == "B", column])})
    found, expected = agreement(other, replicates=0), agreement(table, replicates=0)
    assert found.pairs["n"].tolist() == expected.pairs["n"].tolist() and len(found.totals) == 9
    assert len(consensus(other)) == len(consensus(table))
    assert any("leading zeros" in note for note in found.notes) == (column == "patient")


@pytest.mark.parametrize("column, values", [("patient", "x"), ("visit", "V"), ("site", "other ")])
@pytest.mark.parametrize("options", [{}, {"scheme_name": "svdh-fingers"}])
def test_a_reader_without_common_items_is_noted(column, values, options):
    table = sheet(4, readers=("A", "B", "C"), scheme_name="svdh-fingers")
    other = of_others(table, **{column: values + table.loc[table["reader"] == "B", column].astype(str)})
    if column == "site" and options:
        return  # a scheme refuses other sites
    found = agreement(other, replicates=0, **options)
    assert found.pairs[["reader_a", "reader_b"]].drop_duplicates().values.tolist() == [["A", "C"]]
    assert any("No item of B was graded by another reader" in note for note in found.notes)


def test_pairs_of_readers_without_common_items_are_counted():
    table = sheet(6, readers=("A", "B", "C"), scheme_name="svdh-fingers")
    low = table["patient"] < "P003"
    found = agreement(table[(table["reader"] == "A") | ((table["reader"] == "B") == low)], replicates=0)
    assert any(note.startswith("1 pair of readers without a common item") for note in found.notes)


@pytest.mark.parametrize("name", ["consensus", " consensus"])
def test_a_reader_with_the_name_of_the_consensus(name):
    with pytest.raises(InputError, match="Rename the reader"):
        agreement(sheet(3, readers=("A", name), scheme_name="svdh-fingers"))


@pytest.mark.parametrize("options", [{"seed": -1}, {"seed": 1.5}, {"seed": True}, {"replicates": "9"}])
def test_seeds_and_replicates_that_are_no_whole_numbers(options):
    with pytest.raises(InputError, match="Give a whole number from 0"):
        agreement(sheet(3, scheme_name="svdh-fingers"), **options)
    assert len(agreement(sheet(3, scheme_name="svdh-fingers"), replicates=np.int64(3)).pairs) == 2


@pytest.mark.parametrize("cell", [["MCP2"], {"a": 1}, {1}])
def test_cells_with_several_values(cell):
    table = sheet(3, scheme_name="svdh-fingers").astype(object)
    for column in ("patient", "site", "grade", "session"):
        table.at[1, column] = cell
        with pytest.raises(InputError, match="row 2, column"):
            agreement(table)


@pytest.mark.parametrize("readers", [("A", "B"), ("A", "B", "C")])
def test_the_interval_of_the_sdc_resamples_patients(readers):
    found = agreement(sheet(9, readers=readers, scheme_name="svdh-fingers"), "svdh-fingers", replicates=40, seed=3)
    row = found.totals.query("of == 'change' and kind == 'jsn'").iloc[0]
    change = found.sums.query("of == 'change' and kind == 'jsn'").pivot(
        index="patient", columns="reader", values="value"
    )
    counts = np.random.default_rng(3).multinomial(9, np.full(9, 1 / 9), size=40)
    sdc = [reader_agreement(np.repeat(change.to_numpy(float), count, axis=0)).sdc for count in counts]
    np.testing.assert_allclose([row["sdc_low"], row["sdc_high"]], np.quantile(sdc, [0.025, 0.975]))
    few = agreement(sheet(4, readers=readers, scheme_name="svdh-fingers"), "svdh-fingers", replicates=10).totals
    assert few["sdc"].notna().any() and few["sdc_low"].isna().all()
