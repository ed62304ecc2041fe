"""Decisions of readers and manual changes in the table, the report, its record, and in sentences."""

from dataclasses import replace

import pytest

from napari_jsn.export.report.decisions import (
    decision_texts,
    decisions_section,
    readings_record,
    with_decisions,
)
from napari_jsn.export.report.plots import Scales
from napari_jsn.progression.progression import Decision
from tests.progression.made_up import progression


@pytest.fixture
def decided():
    found = progression()
    row = found.narrowings[0]
    decisions = (
        Decision(row.joint, row.side, row.visit, "accepted", "<b>sharp</b>", "A"),
        Decision(row.joint, row.side, row.visit, "unsure", "", "B", "first"),
    )
    return replace(found, decisions=decisions)


def test_without_decisions_nothing_is_added():
    found = progression()
    assert with_decisions(found.table(), found).equals(found.table())
    assert "decisions" not in readings_record(found)


def test_decisions_of_two_readers_stand_beside_their_figure(decided):
    row = decided.narrowings[0]
    table = with_decisions(decided.table(), decided).set_index(["joint", "side", "visit"])
    cells = table.loc[(row.joint, row.side, row.visit), ["decision", "comment", "decided_by"]]
    assert cells.tolist() == ["accepted; unsure", "<b>sharp</b>", "A; B (first)"]
    assert (table["decision"] != "").sum() == 1
    assert decision_texts(decided, row.side, row.joint, row.visit) == [
        "A: accepted. <b>sharp</b>",
        "B (first): unsure.",
    ]
    assert readings_record(decided)["decisions"] == {"accepted": 1, "unsure": 1}
    page = decisions_section(decided, Scales.of(decided))
    assert "&lt;b&gt;sharp" in page and "<b>sharp" not in page and "B (first)" in page


def test_manual_changes_are_named():
    found = progression()
    hand = found.hands[0]
    view = replace(hand.joints[0], masks_painted=True)
    changed = replace(found, hands=(replace(hand, joints=(view, *hand.joints[1:])), *found.hands[1:]))
    (name,) = readings_record(changed)["changed_by_hand"]
    assert view.joint.name in name and "visit 1" in name
    assert name in decisions_section(changed, Scales.of(changed))
