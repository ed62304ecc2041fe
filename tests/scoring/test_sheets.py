import json

import numpy as np
import pandas as pd
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.scoring import check_scores, long_table, ram_h1200_files, read_scores, scores_csv, template_csv
from tests.scoring.simulated import sheet

READING = ["patient", "visit", "side", "site", "kind", "reader", "session"]
FORMULAS = ["=1+1", "+A", "-P7", "@x", "'=1"]


def in_order(table):
    rows = long_table(table).assign(visit=lambda found: found["visit"].astype(str))
    return rows.sort_values(READING).reset_index(drop=True).astype(object)


def with_gaps(scheme_name):
    """A table with ids that spreadsheets change, marks, reasons, and sites without a row."""
    table = sheet(4, readers=("=A", "B"), scheme_name=scheme_name, sessions=("1", ""))
    names = dict(zip(table["patient"].unique(), ("007", "010", "-P7", 'a, "b";')))
    table["patient"] = table["patient"].map(names)
    jsn = np.flatnonzero((table["kind"] == "jsn") & (table["site"] == "PIP3"))
    table.loc[jsn[0], ["grade", "mark"]] = [3, "subluxation"]
    table.loc[jsn[1], ["grade", "mark"]] = [np.nan, "ankylosis"]
    for place, reason in enumerate(("missing", "surgery", "overlap", "not_visible", "not_modelled")):
        table.loc[np.flatnonzero(table["kind"] == "erosion")[place], ["grade", "not_scored"]] = [np.nan, reason]
    return table.drop(index=table.index[20:40])


@pytest.mark.parametrize("scheme_name", ["svdh-hands", "svdh-fingers", "talk-15"])
@pytest.mark.parametrize("layout_name", ["long", "wide"])
def test_round_trips_are_equal(tmp_path, scheme_name, layout_name):
    table = with_gaps(scheme_name)
    path = tmp_path / "scores.csv"
    name = "long" if layout_name == "long" else scheme_name
    path.write_bytes(scores_csv(table, name))
    found = read_scores(path, name)
    pd.testing.assert_frame_equal(in_order(found), in_order(table))
    assert found["visit"].tolist() and set(found["visit"]) == {1, 2}
    path.write_bytes(scores_csv(found, name))
    pd.testing.assert_frame_equal(in_order(read_scores(path)), in_order(table))


@pytest.mark.parametrize(
    "change", ["semicolon", "tab", "bom", "decimal comma", "crlf", "spaces", "blank lines", "case"]
)
def test_what_spreadsheets_change(tmp_path, change):
    table = with_gaps("svdh-fingers").query("patient != 'a, \"b\";'")
    text = scores_csv(table, "svdh-fingers").decode()
    if change in ("semicolon", "tab"):
        text = text.replace(",", ";" if change == "semicolon" else "\t")
    elif change == "decimal comma":
        text = "\n".join(
            ";".join(f"{cell},0" if cell in "012345" and place > 3 and cell else cell for place, cell in enumerate(row))
            for row in (line.split(",") for line in text.splitlines())
        )
    elif change == "crlf":
        text = text.replace("\n", "\r\n")
    elif change == "spaces":
        text = text.replace(",", " , ")
    elif change == "blank lines":
        text = text.replace("\n", "\n,,,\n\n")
    elif change == "case":
        head, _, rest = text.partition("\n")
        text = f"{head.upper()}\n{rest}"
    path = tmp_path / "scores.csv"
    path.write_bytes(("\ufeff" if change == "bom" else "").encode() + text.encode())
    pd.testing.assert_frame_equal(in_order(read_scores(path)), in_order(table))


@pytest.mark.parametrize("patient", FORMULAS)
@pytest.mark.parametrize("name", ["long", "svdh-fingers"])
def test_formulas_are_neutralised_and_restored(tmp_path, patient, name):
    path = tmp_path / "scores.csv"
    path.write_bytes(scores_csv(sheet(1, scheme_name="svdh-fingers").assign(patient=patient), name))
    assert not any(line.startswith(tuple("=+-@")) for line in path.read_text().splitlines())
    assert set(read_scores(path, name)["patient"]) == {patient}


HEAD = "patient,visit,reader,R_jsn_MCP2,R_erosion_MCP2,L_jsn_PIP3"
SPOILT_CELLS = [
    ("R_jsn_MCP2", cell, "whole number from 0 to 4")
    for cell in ("5", "1.5", "1,5", "-1", "x", "=1", "2 erosion", "01. Feb", "nan?", "1 2", "TRUE", "1/2", "12", "4.1")
] + [
    ("R_erosion_MCP2", cell, "whole number from 0 to 5")
    for cell in ("6", "3 subluxation", "ankylosis", "?", "2-3", "0.5", "1e1", "#REF!", "#N/A", "lost")
]
SPOILT_CELLS += [
    ("R_jsn_MCP2", "2 subluxation", "at least 3"),
    ("R_jsn_MCP2", "3 luxation", "at least 4"),
    ("L_jsn_PIP3", "0 ankylosis", "at least 4"),
    ("patient", "", "a name"),
    ("patient", "NA", "a name"),
    ("patient", "None", "a name"),
    ("patient", "7", "007"),
    ("patient", "1E+05", "whole name"),
    ("visit", "", "a number, a date"),
    ("visit", "nan", "a number, a date"),
    ("reader", " ", "a name"),
]


@pytest.mark.parametrize("column, cell, allowed", SPOILT_CELLS)
def test_a_spoilt_cell_is_named_and_nothing_is_read(tmp_path, column, cell, allowed):
    row = dict(zip(HEAD.split(","), ["008", "1", "A", "2", "3", "0"]))
    rows = [{**row, "patient": "007"}, {**row, column: cell}, {**row, "patient": "009"}]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join([HEAD, *(",".join(f'"{value}"' for value in each.values()) for each in rows)]))
    faults = check_scores(path).faults
    assert {(each.row, each.column) for each in faults} == {(3, column)} and allowed in faults[0].allowed
    with pytest.raises(InputError, match=f"row 3, column {column}"):
        read_scores(path)


LONG = "patient,visit,side,site,kind,grade,reader\nP1,1,L,MCP2,jsn,2,A\n"


@pytest.mark.parametrize(
    "text, layout_name, message",
    [
        (f"{HEAD}\nP1,1,A,1,1,1\nP1,1,A,1,1,1\n", "auto", "row 3, column R_jsn_MCP2.*once"),
        (f"{HEAD}\nP1,1,A,1,1,1,4\n", "auto", "row 2, column after L_jsn_PIP3.*no more cells"),
        (f"{HEAD},R_jsn_MPC3\nP1,1,A,1,1,1,4\n", "auto", "row 1, column R_jsn_MPC3"),
        (f"{HEAD},L_JSN_PIP3\nP1,1,A,1,1,1,4\n", "auto", "twice"),
        (HEAD.replace("visit", "time") + "\n", "auto", "row 1, column time"),
        (HEAD.replace("reader", "x") + "\n", "auto", "lacks the column reader"),
        ("", "auto", "no line with the names"),
        ("a,b\n1,2\n", "auto", "not known"),
        (LONG.replace("MCP2", ""), "auto", "row 2, column site"),
        (LONG.replace("L,", "links oder rechts,"), "auto", "row 2, column side"),
        (LONG + "\n" + LONG.splitlines()[1], "auto", "row 4, column site.*once"),
        (LONG.replace(",2,A", ',"2,5",A'), "auto", "row 2, column grade"),
        (LONG.replace("jsn", "width"), "long", "row 2, column kind"),
        (LONG.replace(",grade", ",degree"), "long", "lacks the column grade"),
        ("patient,visit,reader,joint,R_jsn\nP1,1,A,MCP7,2\n", "talk-15", "row 2, column joint"),
        ("patient,visit,reader,joint,R_jsn\nP1,1,A,DIP2,2\n", "talk-15", "row 2, column R_jsn.*X or empty"),
        ("patient,visit,reader,joint,R_jsn\nP1,1,A,MCP2,X\n", "talk-15", "row 2, column R_jsn"),
        (LONG, "knee", "There is no layout"),
        (LONG, ["svdh-hands"], "There is no layout"),
        (LONG, 3, "There is no layout"),
        (f'{HEAD}\nP1,1,A,1,1,1\n"P2,1,A,1,1,1\n', "auto", "cannot be read as a CSV"),
        (f'{HEAD}\n"P2,1,A,1,1,1', "auto", "cannot be read as a CSV"),
        (f'{HEAD}\n"P1"x,1,A,1,1,1\n', "auto", "cannot be read as a CSV"),
        (f'{HEAD}\nP1,1,A,1,1,"1\n"\n', "auto", "line break inside a cell of row 2"),
    ],
)
def test_spoilt_sheets(tmp_path, text, layout_name, message):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_scores(path, layout_name)


@pytest.mark.parametrize("content", [b"\xff\xfep\x00a", b"patient,gr\xe4de\n", None])
def test_files_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "scores.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"UTF-8|There is no file"):
        read_scores(path)


def test_every_wrong_cell_is_listed(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(f"{HEAD}\nP1,1,A,7,9,1\nP2,1,A,1,1,x\n")
    found = [(each.row, each.column, each.value) for each in check_scores(path).faults]
    assert found == [(2, "R_jsn_MCP2", "7"), (2, "R_erosion_MCP2", "9"), (3, "L_jsn_PIP3", "x")]


def test_a_mapping_of_the_users_columns(tmp_path):
    mapping = tmp_path / "mapping.json"
    cells = {"re MCP II GS": "R jsn MCP2", "li Ulna": "L erosion ulna"}
    mapping.write_text(json.dumps({"patient": "Pat.-Nr.", "visit": "Visite", "cells": cells}))
    path = tmp_path / "scores.csv"
    path.write_text("Pat.-Nr.;Visite;re MCP II GS;li Ulna\n007;0;2,0;surgery\n008;0;;5\n")
    with pytest.raises(InputError, match="lacks the column reader"):
        read_scores(path, mapping)
    found = read_scores(path, mapping, reader="A")
    assert found[["patient", "visit", "side", "site", "kind", "not_scored", "reader"]].values.tolist() == [
        ["007", 0, "R", "MCP2", "jsn", "", "A"],
        ["007", 0, "L", "ulna", "erosion", "surgery", "A"],
        ["008", 0, "L", "ulna", "erosion", "", "A"],
    ]
    path.write_bytes(scores_csv(found, mapping))
    pd.testing.assert_frame_equal(in_order(read_scores(path, mapping, reader="A")), in_order(found))
    with pytest.raises(InputError, match="no place for jsn of MCP5"):
        scores_csv(found.iloc[:1].assign(site="MCP5", kind="jsn", grade=2, not_scored=""), mapping)


@pytest.mark.parametrize(
    "content",
    [
        {"patient": "ID", "cells": {}},
        {"patient": "ID", "cells": {"a": "MCP2"}},
        {"patient": "ID", "cells": {"a": "R jsn knee"}},
        {"patient": "ID", "cells": {"a": "R jsn MCP2", "b": "R jsn mcp 2"}},
        {"patient": "ID", "cells": {"ID": "R jsn MCP2"}},
        {"cells": {"a": "R jsn MCP2"}},
        {"patient": 3, "cells": {"a": "R jsn MCP2"}},
        {"patient": "ID", "side": "S", "cells": {"a": "R jsn MCP2"}},
    ],
)
def test_a_mapping_that_is_wrong(tmp_path, content):
    path = tmp_path / "mapping.json"
    path.write_text(json.dumps(content))
    (tmp_path / "scores.csv").write_text("ID,a\n1,2\n")
    with pytest.raises(InputError, match=r"mapping\.json"):
        read_scores(tmp_path / "scores.csv", path)


@pytest.mark.parametrize("name, lines, scored", [("svdh-hands", 6, 62), ("svdh-fingers", 6, 38), ("talk-15", 90, 4)])
def test_a_template_is_empty_and_readable(tmp_path, name, lines, scored):
    path = tmp_path / "template.csv"
    path.write_bytes(template_csv(["007", "=x", "P3"], name, visits=(1, 2), readers=("A",)))
    assert len(path.read_text().splitlines()) == lines + 1
    checked = check_scores(path)
    assert checked.faults == () and checked.table.empty
    assert len(path.read_text().splitlines()[0].split(",")) == scored + (5 if name == "talk-15" else 4)


@pytest.mark.parametrize("patients", [[], ["P1", "P1 "], [""], ["NA"]])
def test_a_wrong_list_of_patients(patients):
    with pytest.raises(InputError, match="list of patients"):
        template_csv(patients)


def ram_table():
    table = sheet(3, visits=("20200101", "20210101"), readers=("RAM-H1200",), sessions=("01",))
    table["patient"] = "C1_" + table["patient"]
    return table


def test_score_files_of_ram_h1200(tmp_path):
    table = ram_table()
    table.loc[3, ["grade", "not_scored"]] = [np.nan, "missing"]
    files = ram_h1200_files(table)
    assert sorted(files) == ["_annotation_be_scores.json", "_annotation_jsn_scores.json"]
    parts = []
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        parts.append(read_scores(tmp_path / name))
    images = json.loads(files["_annotation_be_scores.json"])
    assert "C1_P000_20200101_01_R" in images and len(images) == 12 and len(images["C1_P000_20200101_01_R"]) == 16
    assert {"BE_IP", "BE_Tm", "BE_CMC-T", "BE_MCP-S"} <= set(images["C1_P000_20200101_01_R"])
    pd.testing.assert_frame_equal(in_order(pd.concat(parts, ignore_index=True)), in_order(table))


@pytest.mark.parametrize(
    "content, message",
    [
        ({"C_P_20200101_1_R": {"BE_MCP-I": 6}}, "row 1, column BE_MCP-I"),
        ({"C_P_20200101_1_R": {"BE_MCP-X": 1}}, "row 1, column BE_MCP-X"),
        ({"C_P_20200101_1_R": {"JSN_IP": 1}}, "row 1, column JSN_IP"),
        ({"C_P_20200101_1_R": {"BE_MCP-I": True}}, "row 1, column BE_MCP-I"),
        ({"hand7": {"BE_MCP-I": 1}}, "row 1, column image"),
        ({"C_P_20200101_1_R": 3}, "row 1, column image"),
        ([1], "no mapping"),
        ({}, "no mapping"),
    ],
)
def test_spoilt_score_files_of_ram_h1200(tmp_path, content, message):
    path = tmp_path / "_annotation_be_scores.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_scores(path)


def test_what_files_of_ram_h1200_cannot_hold():
    table = ram_table()
    two = table.assign(reader=np.where(table["side"] == "L", "A", "B"))
    marked = table[(table["kind"] == "jsn")].iloc[:1].assign(grade=4.0, mark="ankylosis")
    for wrong, message in (
        (two, "several readers"),
        (marked, "marks"),
        (table.assign(patient="P1")[:62], "image name"),
    ):
        with pytest.raises(InputError, match=message):
            ram_h1200_files(wrong)


@pytest.mark.parametrize("visits", [("1", "2"), ("1.0", "2.0"), ("1,0", "2")])
def test_visits_that_a_spreadsheet_wrote_as_decimals(tmp_path, visits):
    path = tmp_path / "scores.csv"
    path.write_text("\n".join([HEAD, *(f'P1,"{visit}",A,1,1,1' for visit in visits)]))
    assert set(read_scores(path)["visit"]) == {1, 2}


@pytest.mark.parametrize(
    "cell, grade, mark, reason",
    [
        ("Bony ankylosis", 4, "ankylosis", ""),
        ("4 complete luxation", 4, "luxation", ""),
        ("not visible", None, "", "not_visible"),
        ("Not-modelled", None, "", "not_modelled"),
    ],
)
def test_marks_and_reasons_in_other_spellings(tmp_path, cell, grade, mark, reason):
    path = tmp_path / "scores.csv"
    path.write_text(f"{HEAD}\nP1,1,A,{cell},,\n")
    found = read_scores(path).iloc[0]
    assert (found["mark"], found["not_scored"]) == (mark, reason)
    assert np.isnan(found["grade"]) if grade is None else found["grade"] == grade


@pytest.mark.parametrize(
    "lines, message",
    [
        (("007,1,A,1,1,1", "7.0,2,A,1,1,1"), "row 3, column patient: '7.0'; allowed: 007"),
        (("7.0,1,A,1,1,1", "8.0,1,A,1,1,1"), "row 2, column patient: '7.0'; allowed: 7"),
        (("007,1,A,1,1,1", '"7,00",1,A,1,1,1'), "row 3, column patient: '7,00'; allowed: 007"),
        (("P1,1,A,1,1,1", "P1,01,A,1,1,1"), "row 3, column R_jsn_MCP2.*once"),
        (("P1,1,A,1,1,1", "P1,1.0,A,1,1,1"), "row 3, column R_jsn_MCP2.*once"),
    ],
)
def test_names_that_a_spreadsheet_changed(tmp_path, lines, message):
    path = tmp_path / "scores.csv"
    path.write_text("\n".join([HEAD, *lines]))
    with pytest.raises(InputError, match=message):
        read_scores(path)


def test_decimals_that_are_names(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(f"{HEAD}\n3.0,1,A,1,1,1\n3.1,1,A,1,1,1\n")
    assert set(read_scores(path)["patient"]) == {"3.0", "3.1"}


@pytest.mark.parametrize("first, second", [("P1\u200b", "P1"), ("\ufeffP1", "P1"), ("Mu\u0308ller", "M\u00fcller")])
def test_names_that_look_the_same_are_one(tmp_path, first, second):
    path = tmp_path / "scores.csv"
    path.write_text(f"{HEAD}\n{first},1,A,1,,\n{second},2,A,1,,\n", encoding="utf-8")
    assert set(read_scores(path)["patient"]) == {second}


@pytest.mark.parametrize("head", ["not scored", "Not-Scored", "NOT_SCORED"])
def test_heads_of_a_long_table_in_other_spellings(tmp_path, head):
    path = tmp_path / "scores.csv"
    path.write_text(f"patient,visit,side,site,kind,grade,{head}\nP1,1,L,MCP2,jsn,,surgery\nP1,1,L,MCP3,jsn,2,\n")
    assert read_scores(path, reader="A")["not_scored"].tolist() == ["surgery", ""]


@pytest.mark.parametrize("line", ["P1,1,L,MCP2,jsn,2,", "P1,1,L,MCP2,jsn,2,A"])
def test_the_reader_fills_rows_without_one(tmp_path, line):
    path = tmp_path / "scores.csv"
    path.write_text(f"{LONG.splitlines()[0]}\n{line}\nP2,1,L,MCP2,jsn,2,B\n")
    assert read_scores(path, reader="A")["reader"].tolist() == ["A", "B"]


def test_sites_of_your_own_in_a_long_table_need_their_scheme(tmp_path):
    path, own = tmp_path / "scores.csv", tmp_path / "own.yaml"
    own.write_text("jsn: {sites: [MCP2, thumb base], highest: 3}")
    path.write_text(LONG + "P1,1,L,thumb base,jsn,3,A\n")
    with pytest.raises(InputError, match="row 3, column site: 'thumb base'.*scheme"):
        read_scores(path)
    assert len(read_scores(path, own)) == len(read_scores(path, scheme_name=own)) == 2
    path.write_text(LONG + "P1,1,L,thumb base,jsn,4,A\n")
    with pytest.raises(InputError, match="row 3, column grade: '4'; allowed: a whole number from 0 to 3"):
        read_scores(path, own)


def test_columns_that_a_mapping_ignores(tmp_path):
    mapping, path = tmp_path / "mapping.yaml", tmp_path / "scores.csv"
    path.write_text("ID,a,Age\n007,2,55\n")
    mapping.write_text("{patient: ID, cells: {' a ': R jsn MCP2}}")
    with pytest.raises(InputError, match='row 1, column Age.*"ignored"'):
        read_scores(path, mapping, reader="A")
    mapping.write_text("{patient: ID, cells: {' a ': R jsn MCP2}, ignored: [Age]}")
    assert read_scores(path, mapping, reader="A")["grade"].tolist() == [2]


@pytest.mark.parametrize("name", ["auto", "long", "ram-h1200"])
def test_layouts_that_are_no_wide_sheets(name):
    with pytest.raises(InputError, match=f"'{name}' is not one of wide sheets. Choose one of: svdh-hands"):
        template_csv(["P1"], name)


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"C_P_20200101_1_R": {"BE_IP": 1}, "C_P_20200101_1_R": {"BE_IP": 2}}', "the key 'C_P_20200101_1_R' twice"),
        ('{"C_P_20200101_1_R": {"BE_IP": 1, "BE_IP": 2}}', "the key 'BE_IP' twice"),
        ('{"C_P_20200101_1_R": {"BE_IP": [1]}}', "row 1, column BE_IP"),
        ('{"C_P_20200101_1_R": {"BE_IP": {"grade": 1}}}', "row 1, column BE_IP"),
    ],
)
def test_score_files_that_a_parser_would_read_in_part(tmp_path, text, message):
    path = tmp_path / "_annotation_be_scores.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_scores(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_texts_with_a_byte_order_mark_are_read(tmp_path, encoding):
    path = tmp_path / "scores.csv"
    path.write_bytes(f"sep=;\n{HEAD}\n007,1,\u00c4,1,1,1\n".replace(",", ";").encode(encoding))
    assert read_scores(path)[["patient", "reader"]].values.tolist() == [["007", "\u00c4"]] * 3
