"""No cell of a table is a formula, every cell reads back, and no other module reads or writes tables."""

import ast
import io
import re
from pathlib import Path

import pandas as pd
import pytest

from napari_jsn.common.csv_files import csv_bytes, read_csv, read_records, read_rows, records_csv
from napari_jsn.evaluation.clinical.table import _read as read_scored_table
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, read_table
from tests.progression import made_up

PACKAGE = Path(__file__).parents[2] / "src" / "napari_jsn"
FORMULAS = [
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")', "-P7", "'=1",
    "''@x", "\uff1d1", "--1", "+49 30", "=",
]  # fmt: skip
HARMLESS = ["-0.5", "+3", "-1e-05", "-inf", "P7", "'quoted'", "a=b", "", "O'Neill", "-.5", "1"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_marked_and_reads_back(tmp_path, cell):
    path = tmp_path / "table.csv"
    for content in (
        csv_bytes(pd.DataFrame({"patient": [cell], "n": [-1.5]})),
        records_csv([{"patient": cell, "n": -1}]),
    ):
        path.write_bytes(content)
        written = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)["patient"][0]
        assert not re.match(r"[=+\-@\t\r\uff1d]", written)
        assert read_records(path)[0]["patient"] == read_rows(path)[1][0] == cell
        assert read_csv(path, dtype={"patient": str})["patient"][0] == cell and read_csv(path)["n"][0] < 0


@pytest.mark.parametrize("cell", HARMLESS)
def test_numbers_and_other_text_are_written_as_they_are(tmp_path, cell):
    path = tmp_path / "table.csv"
    for content in (csv_bytes(pd.DataFrame({"x": [cell], "y": ["."]})), records_csv([{"x": cell, "y": "."}])):
        path.write_bytes(content)
        assert pd.read_csv(path, dtype=str, keep_default_na=False)["x"][0] == cell == read_records(path)[0]["x"]


def test_names_of_columns_are_cells(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(csv_bytes(pd.DataFrame({"=x": [1], "@y": ["-z"]})))
    assert path.read_text() == "'=x,'@y\n1,'-z\n"
    assert list(read_csv(path).columns) == ["=x", "@y"] and read_records(path) == [{"=x": "1", "@y": "-z"}]


@pytest.mark.parametrize("patient", ["=P1", "@P1", "-P1"])
def test_a_table_of_results_is_read_as_it_was_written(tmp_path, patient):
    table = made_up.progression().table().assign(patient=patient)
    path = tmp_path / "joints.csv"
    path.write_bytes(csv_bytes(table))
    assert set(read_scored_table(path, "table")["patient"]) == {patient}
    assert set(pd.read_csv(path)["patient"]) == {f"'{patient}"}


@pytest.mark.parametrize("name", ["=left.png", "-right.png", "@hand.png"])
def test_the_table_of_radiographs_restores_names(tmp_path, name):
    (tmp_path / RADIOGRAPHS_TABLE).write_bytes(records_csv([{"file": name, "visit": 1}]))
    assert list(read_table(tmp_path)) == [name]
    (tmp_path / RADIOGRAPHS_TABLE).write_text(f"file,visit\n{name},1\n")  # written by hand
    assert list(read_table(tmp_path)) == [name]


def test_only_one_module_reads_and_writes_tables():
    others = []
    for path in PACKAGE.rglob("*.py"):
        if path.name == "csv_files.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            if name in ("to_csv", "read_csv", "DictReader", "DictWriter") or ast.unparse(node).startswith("csv.reader"):
                others.append(f"{path.name}: {ast.unparse(node)[:60]}")
    assert others == []
