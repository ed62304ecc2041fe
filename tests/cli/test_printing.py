"""Tables at every width: whole columns are left out, never digits; and JSON that holds every figure."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_jsn import Radiograph
from napari_jsn.cli import main
from napari_jsn.cli.printing import (
    print_json,
    print_progression,
    print_registration,
    print_rows,
    print_table,
    progression_json,
)
from tests.progression import made_up

WIDTHS = (40, 50, 60, 72, 80, 100, 120, 200)
NUMBER = re.compile(r"[+-]?\d+\.\d+")


def progression():
    print_progression(made_up.progression())


def four_visits_of_two_hands():
    print_progression(made_up.progression(4, ("L", "R")))


def with_truth():
    shown = made_up.progression()
    print_progression(shown, {(row.side, row.joint, row.visit): -0.123 for row in shown.narrowings})


def registration():
    image = Radiograph(np.eye(64, dtype=np.float32), 0.1437, name="joint")
    print_registration(image, image, made_up.progression().narrowings[2].registration, "cpu")


def clinical():
    rows = [("Pearson r", "0.812", "0.612 to 0.912"), ("Difference of means", "+0.213 mm", "+0.101 to +0.325 mm")]
    print_rows("40 joints of 10 patients", [*rows, ("SDC", "n = 40, +0.123 +- 0.456 mm (mean, SD)", "not known")])


SHOWN = [progression, four_visits_of_two_hands, with_truth, registration, clinical]


@pytest.fixture
def printed(monkeypatch, capsys):
    """What is printed at a width, on a terminal with or without colour, or to a pipe."""

    def printed(show, width, kind):
        monkeypatch.setenv("COLUMNS", str(width))
        for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
            monkeypatch.delenv(name, raising=False)
        if kind != "pipe":
            monkeypatch.setenv("FORCE_COLOR", "1")
            monkeypatch.setenv("TERM", "xterm-256color")
        if kind == "no colour":
            monkeypatch.setenv("NO_COLOR", "1")
        show()
        return re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)

    return printed


@pytest.mark.parametrize("kind", ["colour", "no colour", "pipe"])
@pytest.mark.parametrize("show", SHOWN)
def test_no_digit_is_cut_at_any_width(show, kind, printed):
    whole = NUMBER.findall(printed(show, 300, kind))
    assert len(whole) > 5
    for width in WIDTHS:
        text = printed(show, width, kind)
        assert "\u2026" not in text
        assert {*NUMBER.findall(text)} <= {*whole}
        if kind == "pipe":
            assert NUMBER.findall(text) == whole
        else:
            assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize(("width", "left_out"), [(100, []), (56, ["JSW (mm)"]), (40, ["JSW (mm)", "95 % interval"])])
def test_whole_columns_are_left_out_and_named(width, left_out, printed):
    text = printed(progression, width, "colour")
    named = re.findall(r"Left out for lack of width: (.*?)\n(?=\n|\[|Note)", text, re.DOTALL)
    named = [" ".join(each.split()) for each in named]
    assert named == ([", ".join(left_out)] if left_out else [])
    assert all(" ".join(text.split()).count(head) == 1 for head in left_out) and "State" in text and "JSN (mm)" in text


def test_a_pipe_has_all_columns_at_once(printed):
    narrow, wide = (printed(four_visits_of_two_hands, width, "pipe") for width in (40, 200))
    assert [line for line in wide.splitlines() if "MCP" in line] == [
        line for line in narrow.splitlines() if "MCP" in line
    ]


def test_one_wide_column_is_not_cut(printed):
    assert "x" * 60 in printed(lambda: print_table(("File",), [("x" * 60,)]), 40, "colour")


@pytest.mark.parametrize(
    ("value", "stated"),
    [
        (float("nan"), None),
        (np.float32(0.5), 0.5),
        (np.array([1.0, np.inf]), [1.0, None]),
        ((np.int64(3), True, np.bool_(False)), [3, True, False]),
        ({"a\x1b": "b\x7f\u202e"}, {"a\x1b": "b\x7f\u202e"}),
    ],
)
def test_json_has_plain_values(value, stated, capsys):
    print_json({"value": value})
    out = capsys.readouterr().out
    assert json.loads(out) == {"value": stated, "files": []}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)


@pytest.mark.parametrize("keep_identity", [False, True])
def test_json_holds_every_figure_of_a_progression(keep_identity, capsys):
    shown = replace(made_up.progression(), patient_id="P1")
    print_json(progression_json(shown, keep_identity))
    content = json.loads(capsys.readouterr().out)
    assert content["patient"] == "P1" and content["unit"] == "mm" and content["notes"]
    table, rows = shown.table(), content["narrowings"]
    assert len(rows) == len(table) and ("day" in rows[0]) == keep_identity
    for name in ("jsn_mm", "ci_low_mm", "jsw_change_mm"):
        stated = np.array([np.nan if row[name] is None else row[name] for row in rows])
        np.testing.assert_array_equal(stated, table[name].to_numpy())


def test_evaluate_clinical_prints_json(tmp_path, capsys):
    rng = np.random.default_rng(0)
    change = np.tile([0, 0, 1, 2], 10)
    table = {"patient": np.repeat(np.arange(10), 4), "joint": ["MCP2", "MCP3", "PIP2", "PIP3"] * 10, "side": "R"}
    rows = pd.DataFrame({**table, "jsn_mm": 0.2 * change + rng.normal(0, 0.03, 40), "score_change": change})
    rows.to_csv(tmp_path / "joints.csv", index=False)
    with pytest.raises(SystemExit) as left:
        main(["evaluate", "clinical", str(tmp_path / "joints.csv"), "--out", str(tmp_path / "out"), "--json"])
    content = json.loads(capsys.readouterr().out)
    assert not left.value.code and content["joints"] == 40 and content["patients"] == 10
    assert content["r"] > 0.9 and content["r_ci95"][0] < content["r"] and content["agreement"] is None
    assert str(tmp_path / "out" / "clinical.md") in content["files"]
