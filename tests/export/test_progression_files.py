"""The files of a progression: the table and its documented columns."""

import io
import json
import re
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pandas as pd
import pytest

from napari_jsn.common.output_folder import problems_of_set
from napari_jsn.export.progression_files import REPORT, TABLE, is_progression_file, progression_files, write_progression
from tests.progression import made_up

PAGE = Path(__file__).parents[2] / "docs" / "measure.md"


@pytest.fixture(scope="module")
def long():
    return made_up.progression(visits=3, sides=("R", "L"))


def test_the_table_has_a_row_for_each_joint_and_follow_up(long):
    contents = progression_files(long)
    assert list(contents) == [TABLE, REPORT]
    table = pd.read_csv(io.BytesIO(contents[TABLE]), keep_default_na=False)
    rows = [(row.side, row.joint, row.visit) for row in long.narrowings]
    assert [tuple(row) for row in table[["side", "joint", "visit"]].to_numpy()] == rows
    assert len(rows) == 40 and contents[TABLE] == progression_files(long)[TABLE]


def test_every_column_is_documented(long):
    cells = re.findall(r"^\| (`.*?) \|", PAGE.read_text("utf-8").split("## The columns")[1], re.MULTILINE)
    documented = [name.replace("...", "*") for cell in cells for name in re.findall(r"`(.+?)`", cell)]
    table = pd.read_csv(io.BytesIO(progression_files(long)[TABLE]))
    assert [column for column in table.columns if not any(fnmatch(column, name) for name in documented)] == []


def test_days_are_written_on_request(long):
    head = progression_files(long, keep_identity=True)[TABLE].splitlines()[0].decode().split(",")
    assert "day" in head and "day" not in progression_files(long)[TABLE].splitlines()[0].decode().split(",")


def test_only_files_of_a_set_match():
    names = (TABLE, REPORT, "progression-sr.dcm", "bones-v01-L-seg.dcm", "bones-v12-LR-2-seg.dcm")
    assert all(map(is_progression_file, names))
    assert not any(
        map(is_progression_file, ("hand.dcm", "bones.dcm", "joints.csv.bak", "SIM0001_v01_L.dcm", ".joints.csv"))
    )


def test_it_is_written_as_one_set(tmp_path, long):
    written = write_progression(tmp_path / "out", replace(long, seconds=12.5))
    assert json.loads((tmp_path / "out" / "run.json").read_text())["seconds"] == 12.5
    assert [path.name for path in written] == [TABLE, REPORT, "run.json"]
    assert problems_of_set(tmp_path / "out") == []
    assert all(path.read_bytes() == content for path, content in zip(written, progression_files(long).values()))
