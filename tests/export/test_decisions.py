"""What readers decided and what persons changed, in table, report and structured report."""

import io
from dataclasses import replace

import pandas as pd
import pytest

from napari_jsn.export.decisions import readings_record
from napari_jsn.export.dicom import progression_sr, read_progression_sr
from napari_jsn.export.progression_files import REPORT, TABLE, progression_files
from napari_jsn.progression.progression import Decision
from tests.progression import made_up

DECISIONS = (
    Decision("MCP2", "L", 2, "accepted", "", "A"),
    Decision("MCP2", "L", 2, "rejected", "blurred <at the base>", "B", "first"),
    Decision("IP1", "L", 3, "unsure", "", ""),
    Decision("PIP3", "L", 1, "rejected", "another hand", "A"),
    Decision("PIP5", "R", 2, "accepted", "", "A"),  # of a hand that is not there
)


@pytest.fixture(scope="module")
def decided():
    one = made_up.progression(visits=3)
    joints = ("IP1", "MCP2", "PIP3")
    hands = tuple(replace(h, joints=tuple(v for v in h.joints if v.joint.name in joints)) for h in one.hands)
    rows = [row for row in one.narrowings if row.joint in joints]
    view = rows[0].baseline
    moved = replace(view, joint=replace(view.joint, edited=True), masks_painted=True)
    rows = [replace(row, baseline=moved) if row.joint == rows[0].joint else row for row in rows]
    return replace(one, hands=hands, narrowings=tuple(rows), decisions=DECISIONS)


def table_of(progression):
    text = io.BytesIO(progression_files(progression)[TABLE])
    return pd.read_csv(text, keep_default_na=False).set_index(["joint", "visit"])


def test_table(decided):
    table = table_of(decided)
    columns = ["decision", "comment", "reader"]
    assert table.loc[("MCP2", 2), columns].tolist() == ["accepted; rejected", "blurred <at the base>", "A; B (first)"]
    assert table.loc[("MCP2", 3), columns].tolist() == ["", "", ""]
    assert table.loc[("IP1", 3), columns].tolist() == ["unsure", "", ""]
    for visit in (2, 3):  # a joint at baseline belongs to all figures
        assert table.loc[("PIP3", visit), columns].tolist() == ["baseline rejected", "another hand", "A"]
    assert "decision" not in table_of(replace(decided, decisions=()))


def test_report(decided):
    page = progression_files(decided)[REPORT].decode()
    for text in (
        "accepted by A", "rejected by B (first): blurred &lt;at the base&gt;", "unsure by an unnamed reader",
        "baseline rejected by A: another hand", "Set by hand: box and bones at baseline",
        "A, B, an unnamed reader decided on 4 figures of 6.",
    ):  # fmt: skip
        assert text in page, text
    assert (
        "<at the base>" not in page
        and "decided on" not in progression_files(replace(decided, decisions=()))[REPORT].decode()
    )


def test_structured_report(decided, tmp_path):
    pytest.importorskip("highdicom")
    progression_sr(decided).save_as(tmp_path / "sr.dcm")
    found = read_progression_sr(tmp_path / "sr.dcm").set_index(["joint", "visit"])
    assert found.loc[("MCP2", 2), "decision"] == "accepted by A; rejected by B (first): blurred <at the base>"
    assert found.loc[("IP1", 3), "decision"] == "unsure by an unnamed reader"
    assert found.loc[("PIP3", 2), "decision"] == "baseline rejected by A: another hand"
    edited = found[found["changed_by_hand"] != ""]
    assert set(edited["changed_by_hand"]) == {"box and bones at baseline"} and len(edited) == 2


def test_the_record_of_a_run_states_decisions_and_manual_changes(decided):
    assert readings_record(made_up.progression()) == {}
    record = readings_record(decided)
    assert record["decisions"] == {"accepted": 2, "rejected": 2, "unsure": 1}
    assert record["readers"] == ["", "A", "B"]
    hand = decided.hands[0]
    painted = replace(hand.joints[0], masks_painted=True)
    changed = replace(decided, hands=(replace(hand, joints=(painted, *hand.joints[1:])), *decided.hands[1:]))
    (name,) = readings_record(changed)["changed_by_hand"]
    assert painted.joint.name in name and "visit 1" in name
