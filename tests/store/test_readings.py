"""Decisions, scores and sessions of readers, and the table of changes."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pandas as pd
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.scoring import long_table, scheme
from napari_jsn.store import open_store
from tests.scoring.simulated import sheet


@pytest.fixture
def scored(store):
    store.save(sheet(2, visits=(1, 2), readers=("A", "B"), scheme_name="svdh-fingers"))
    return store


def test_scores_come_back_as_they_were(scored):
    table = sheet(2, visits=(1, 2), readers=("A", "B"), scheme_name="svdh-fingers")
    keys = ["patient", "visit", "side", "site", "kind", "reader", "session"]
    expected, found = (each.sort_values(keys).reset_index(drop=True) for each in (long_table(table), scored.scores()))
    pd.testing.assert_frame_equal(found[expected.columns], expected)
    assert len(scored.scores("P001")) == len(table) // 2 and len(scored.changes()) == len(table)
    of_one = scored.changes("P001")
    assert len(of_one) == len(table) // 2 and {*of_one["patient"]} == {"P001"} and len(scored.changes("P9")) == 0


def test_a_changed_grade_is_listed_with_what_it_was(scored):
    table = sheet(2, visits=(1, 2), readers=("A", "B"), scheme_name="svdh-fingers")
    table.loc[5, "grade"] = np.nan
    table.loc[5, "not_scored"] = "surgery"
    before = scored.changes()
    scored.save(table)
    after = scored.changes()
    assert len(after) == len(before) + 1
    assert after.iloc[-1]["became"] == '[null,"","surgery"]' and after.iloc[-1]["was"].endswith(',"",""]')
    assert after.iloc[-1]["reader"] == table.loc[5, "reader"]
    cell = scored.scores().merge(table.loc[[5], ["patient", "visit", "side", "site", "kind", "reader"]])
    assert np.isnan(cell["grade"][0]) and cell["not_scored"][0] == "surgery"


def test_scores_without_a_reader_are_those_of_the_store(store):
    table = sheet(1, visits=(1,), readers=("X",), scheme_name="svdh-fingers").drop(columns="reader")
    store.save(table)
    assert set(store.scores()["reader"]) == {"A"}


@pytest.mark.parametrize(("column", "value"), [("grade", 9.0), ("side", "both"), ("patient", None)])
def test_nothing_of_a_wrong_table_is_saved(store, column, value):
    table = sheet(2, visits=(1,), scheme_name="svdh-fingers")
    table.loc[len(table) - 1, column] = value
    with pytest.raises(InputError, match=f"column {column}"):
        store.save(table)
    assert len(store.scores()) == len(store.changes()) == len(store.patients()) == 0


def test_removed_grades(scored):
    row = scored.scores().query("reader == 'A'").iloc[0]
    site = (str(row["visit"]), row["side"], row["site"], row["kind"])
    count = len(scored.scores())
    scored.remove_scores(row["patient"], [site, site])
    assert len(scored.scores()) == count - 1 and scored.changes().iloc[-1]["became"] == ""


def test_decisions(scored):
    scored.decide("P000", "MCP2", "L", 2, "accepted")
    scored.decide("P000", "MCP2", "L", 2, "rejected", "blurred")
    scored.decide("P000", "PIP2", "R", 3, "unsure")
    assert scored.decisions()[
        ["patient", "joint", "side", "visit", "decision", "comment", "reader"]
    ].values.tolist() == [
        ["P000", "MCP2", "L", 2, "rejected", "blurred", "A"],
        ["P000", "PIP2", "R", 3, "unsure", "", "A"],
    ]
    scored.decide("P000", "PIP2", "R", 3, None)
    assert len(scored.decisions()) == 1 and len(scored.decisions("P001")) == 0
    subjects = scored.changes().query("subject == 'decision'")
    assert subjects["was"].tolist() == ["", '["accepted",""]', "", '["unsure",""]']
    assert subjects["became"].tolist() == ['["accepted",""]', '["rejected","blurred"]', '["unsure",""]', ""]


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        (("P000", "MCP9", "L", 2, "accepted"), "joint"),
        (("P000", "MCP2", "X", 2, "accepted"), "side"),
        (("P000", "MCP2", "L", 2, "maybe"), "decision"),
        (("P009", "MCP2", "L", 2, "accepted"), "patient"),
    ],
)
def test_wrong_decisions(scored, arguments, argument):
    with pytest.raises(InputError) as refused:
        scored.decide(*arguments)
    assert refused.value.argument == argument and len(scored.decisions()) == 0


def test_readers_decide_for_themselves(place):
    with open_store(place, "A") as one, open_store(place, "B") as other:
        one.save(sheet(1, visits=(1,), readers=("A",), scheme_name="svdh-fingers"))
        one.decide("P000", "MCP2", "L", 2, "accepted")
        other.decide("P000", "MCP2", "L", 2, "rejected")
        assert one.decisions()["decision"].tolist() == ["accepted", "rejected"]
    with open_store(place, "A") as one, open_store(place, "A") as again:
        one.decide("P000", "MCP2", "L", 2, "unsure")
        with pytest.raises(InputError, match="Another program by A changed a decision"):
            again.decide("P000", "MCP2", "L", 2, "rejected")
        again.decide("P000", "MCP3", "L", 2, "rejected")  # another figure
        again.refresh()
        again.decide("P000", "MCP2", "L", 2, "rejected")


def test_of_writers_of_one_figure_at_once_one_is_saved(place):
    with open_store(place, "A") as store:
        store.save(sheet(1, visits=(1,), readers=("A",), scheme_name="svdh-fingers"))
    stores = [open_store(place, "A") for _ in range(6)]
    ready = Barrier(len(stores))

    def decide(k):
        ready.wait()
        try:
            stores[k].decide("P000", "MCP2", "L", 2, "unsure", str(k))
        except InputError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(stores)) as pool:
        errors = list(pool.map(decide, range(len(stores))))
    assert errors.count("") == 1 and all("Another program by A" in error for error in errors if error)
    decided = stores[0].decisions()
    assert decided["comment"].tolist() == [str(errors.index(""))]
    assert len(stores[0].changes().query("subject == 'decision'")) == 1
    for store in stores:
        store.close()


def test_a_locked_session_refuses_changes(scored):
    scored.add_session("first", "single", seed=3, plan=[["P000", 1], ["P001", 2]])
    table = sheet(1, visits=(1,), readers=("A",), scheme_name="svdh-fingers", sessions=("first",))
    scored.save(table)
    scored.decide("P000", "MCP2", "L", 2, "accepted", session="first")
    scored.lock_session("first")
    scored.lock_session("first")
    changes = len(scored.changes())
    for refuse in (
        lambda: scored.save(table.assign(grade=0.0)),
        lambda: scored.decide("P000", "MCP2", "L", 2, "rejected", session="first"),
        lambda: scored.remove_scores("P000", [("1", "L", "MCP2", "jsn")], session="first"),
    ):
        with pytest.raises(InputError, match="session first of A is locked"):
            refuse()
    assert len(scored.changes()) == changes and scored.sessions()["locked"].notna().all()
    scored.decide("P000", "MCP2", "L", 2, "rejected", session="second")


@pytest.mark.parametrize(("name", "order"), [("first", "single"), ("new", "at random")])
def test_wrong_sessions(scored, name, order):
    scored.add_session("first")
    with pytest.raises(InputError):
        scored.add_session(name, order)
    assert len(scored.sessions()) == 1


class Scored:
    """Stands for the result of scoring by a model."""

    def __init__(self, rows):
        self.rows = rows

    def table(self):
        columns = ["patient", "visit", "side", "site", "kind", "grade", "expected_grade", "sd", "not_scored", "method"]
        return pd.DataFrame(self.rows, columns=columns)


MODEL_ROWS = [
    ("P1", 1, "L", "MCP2", "jsn", 2.0, 1.75, 0.4, "", "two-stage"),
    ("P1", 1, "L", "MCP2", "erosion", 0.0, 0.1, 0.3, "", "two-stage"),
    ("P1", 2, "R", "PIP3", "jsn", np.nan, np.nan, np.nan, "not_modelled", "two-stage"),
]


def test_scores_of_a_model_keep_what_it_states(store):
    store.save(Scored(MODEL_ROWS))
    found = store.scores()
    pd.testing.assert_frame_equal(found[Scored([]).table().columns.tolist()], Scored(MODEL_ROWS).table(), False)
    assert set(found["reader"]) == {"two-stage"}
    changes = len(store.changes())
    store.save(Scored(MODEL_ROWS))
    assert len(store.changes()) == changes
    again = [(*MODEL_ROWS[0][:6], 2.25, *MODEL_ROWS[0][7:]), *MODEL_ROWS[1:]]
    store.save(Scored(again).table())
    assert store.changes().iloc[-1]["became"] == '[2.0,"","",2.25,0.4,"two-stage"]'
    assert store.scores()["expected_grade"].iloc[0] == 2.25
    store.save(pd.DataFrame([{**dict(zip(Scored([]).table(), MODEL_ROWS[0])), "method": ""}]).drop(columns="method"))
    assert sorted(store.scores().query("site == 'MCP2' and kind == 'jsn'")["reader"]) == ["A", "two-stage"]


@pytest.mark.parametrize("result", [None, "P1", Scored, [1.0]])
def test_what_cannot_be_saved(store, result):
    with pytest.raises(InputError, match="Give a Progression or a table of scores"):
        store.save(result)


@pytest.mark.parametrize(("column", "value"), [("sd", "large"), ("expected_grade", "two"), ("method", None)])
def test_wrong_cells_of_a_model(store, column, value):
    with pytest.raises(InputError):
        store.save(Scored(MODEL_ROWS).table().astype(object).assign(**{column: value}))
    assert len(store.scores()) == 0


@pytest.mark.parametrize(
    ("scheme_name", "site", "kind", "grade"),
    [("talk-15", "DIP2", "jsn", 1.0), ("svdh-fingers", "CMC1", "erosion", 1.0), ("svdh-hands", "MCP2", "jsn", 5.0)],
)
def test_a_session_scores_by_its_scheme(store, scheme_name, site, kind, grade):
    store.add_session("first", scheme=scheme(scheme_name))
    row = {"patient": "P1", "visit": 1, "side": "L", "kind": kind, "session": "first"}
    with pytest.raises(InputError):
        store.save(pd.DataFrame([row | {"site": "MCP3", "grade": 1}, row | {"site": site, "grade": grade}]))
    assert len(store.scores()) == 0
    store.save(pd.DataFrame([row | {"site": "MCP3", "grade": 1}]))
    if kind != "jsn" or grade < 5:
        store.save(pd.DataFrame([row | {"site": site, "grade": grade, "session": "second"}]))
    assert store.sessions()["scheme"].tolist() == [scheme_name]
    assert store.session("first").scheme == scheme(scheme_name)


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [
        ({"visit": "2"}, "visit"), ({"visit": 2.0}, "visit"), ({"visit": True}, "visit"),
        ({"comment": None}, "comment"),
        ({"visit": 9}, "joint"), ({"joint": "MCP5"}, "joint"), ({"side": "R"}, "joint"), ({"visit": 2**70}, "joint"),
        ({"comment": "a\0b"}, None), ({"comment": "a\udc00b"}, None), ({"session": 3}, None), ({"patient": 3}, None),
    ],
)  # fmt: skip
def test_decisions_that_no_store_can_hold(store, measured, wrong, argument):
    store.save(measured)
    words = {"patient": "P001", "joint": "MCP2", "side": "L", "visit": 2, "decision": "accepted"} | wrong
    with pytest.raises(InputError) as refused:
        store.decide(**words)
    assert refused.value.argument == argument and len(store.decisions()) == 0
    store.decide("P001", "MCP2", "L", np.int64(1), "accepted", "at baseline; Ärger \U0001f9b4")
    assert store.decisions()["visit"].tolist() == [1]
