"""The table: grades of a reader beside those of a model, reset, undo, and downloads that equal it."""

import functools
import html
import io
import json
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from pydicom import dcmread

import napari_jsn as jsn
from napari_jsn.reading import statement
from napari_jsn.web import labels
from tests.web.conftest import Client


def grade(client, visit=2, side="L", site="MCP2", kind="jsn", **content):
    return client.post("/grade", patient="P001", visit=visit, side=side, site=site, kind=kind, **content)


def test_a_grade_is_marked_beside_the_models_and_taken_back(reader):
    status, table = grade(reader, grade=4)
    cell = table["cells"]["MCP2-L-jsn"]
    assert status == 200 and (cell["state"], cell["text"], cell["initial"]) == ("edited", "4", "2")
    assert "changed by Reader A" in cell["label"] and "the model gave 2" in cell["label"]
    assert table["cells"]["MCP2-R-jsn"]["state"] == "model" and table["edited"] == 1
    assert table["totals"]["jsn"] == {"sum": "6", "graded": 4, "cells": 18}
    _, table = grade(reader, mark="luxation", site="MCP3")
    assert (table["cells"]["MCP3-L-jsn"]["text"], table["cells"]["MCP3-L-jsn"]["mark"]) == ("4", "luxation")
    _, table = grade(reader, not_scored="overlap")
    assert table["cells"]["MCP2-L-jsn"]["text"] == "X"
    _, table = reader.post("/undo", patient="P001", visit=2)
    assert table["cells"]["MCP2-L-jsn"]["text"] == "4" and table["can_redo"]
    _, table = reader.post("/redo", patient="P001", visit=2)
    assert table["cells"]["MCP2-L-jsn"]["text"] == "X"
    _, table = reader.post("/initial", patient="P001", visit=2, side="L", site="MCP2", kind="jsn")
    assert (table["cells"]["MCP2-L-jsn"]["state"], table["cells"]["MCP2-L-jsn"]["text"]) == ("model", "2")
    _, table = reader.post("/initial", patient="P001", visit=2, all=True)
    assert table["edited"] == 0
    _, table = reader.post("/undo", patient="P001", visit=2)
    assert table["edited"] == 1 and table["cells"]["MCP3-L-jsn"]["text"] == "4"


@pytest.mark.parametrize(
    "wrong",
    [
        {"grade": 5},
        {"grade": -1},
        {"grade": 1.5},
        {"grade": "2; DROP TABLE scores"},
        {"grade": [1]},
        {"grade": {}},
        {"grade": True},
        {},
        {"grade": 1, "not_scored": "overlap"},
        {"not_scored": "tired"},
        {"mark": "<script>"},
        {"grade": 1, "mark": "ankylosis"},
        {"grade": 1, "site": "DIP2"},
        {"grade": 1, "site": "MCP9"},
        {"grade": 1, "side": "X"},
        {"grade": 1, "visit": 3},
        {"grade": 1, "visit": "one"},
        {"grade": 1, "kind": "pain"},
        {"grade": 1, "site": 7},
        {"grade": 6, "kind": "erosion"},
        {"grade": 1e400},
        {"grade": "x" * 10_000},
    ],
)
def test_grades_that_are_not_allowed_are_refused_in_a_sentence(reader, workplace, wrong):
    before = len(workplace.store("").changes())
    status, answer = grade(reader, **wrong)
    assert status == 400 and answer["error"].endswith(".") and "Unexpected" not in answer["error"], answer
    assert len(workplace.store("").changes()) == before


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"[" * 50_000, b'"x"', bytes(70_000)])
def test_bodies_that_are_no_request_are_refused_in_a_sentence(reader, body):
    status, content, _ = reader.ask("POST", "/grade", body, {"Content-Type": "application/json"})
    assert status == 400 and json.loads(content)["error"].endswith(".")


def test_nothing_is_changed_without_a_name(client, workplace):
    before = len(workplace.store("").changes())
    for path, content in (("/grade", {"grade": 1}), ("/initial", {"all": True}), ("/undo", {}), ("/redo", {})):
        place = {"patient": "P001", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn"}
        status, answer = client.post(path, **place, **content)
        assert status == 400 and answer["argument"] == "reader"
    for name in ("", " ", "<b>A</b>", "two-stage", "x" * 65, "a\nb", 7):
        assert client.post("/reader", name=name)[0] == 400
    assert len(workplace.store("").changes()) == before


def workbook(content):
    """Return the cells of each sheet as texts, by row; the empty ones are empty."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    texts = [
        html.unescape("".join(re.findall(r"<t[^>]*>(.*?)</t>", each, re.S)))
        for each in re.findall(r"<si>(.*?)</si>", parts["xl/sharedStrings.xml"], re.S)
    ]
    found = {}
    for number, name in enumerate(re.findall(r'<sheet name="(.*?)"', parts["xl/workbook.xml"]), start=1):
        rows = []
        for row in re.findall(r"<row .*?>(.*?)</row>", parts[f"xl/worksheets/sheet{number}.xml"], re.S):
            cells = {}
            for letters, kind, value in re.findall(r'<c r="([A-Z]+)\d+"[^>]*?(?: t="(\w)")?><v>(.*?)</v>', row):
                column = functools.reduce(lambda k, letter: 26 * k + ord(letter) - 64, letters, 0) - 1
                cells[column] = texts[int(value)] if kind == "s" else str(value == "1") if kind == "b" else value
            rows.append(cells)
        width = len(rows[0])
        found[name] = [[row.get(column, "") for column in range(width)] for row in rows]
    return found


def client_view(client, visit):
    page = client.get("/patient", id="P001", visit=visit)[1].decode()
    return json.loads(page.split('id="view">')[1].split("</script>")[0])


def _plain(cell):
    return f"{float(cell):g}" if re.fullmatch(r"\d+\.\d+", cell) else cell


def test_downloads_equal_the_table_and_state_who_gave_each_grade(reader):
    grade(reader, grade=4)
    grade(reader, grade=5, side="R", site="CMC1", kind="erosion", visit=1)
    grade(reader, not_scored="surgery", site="PIP4")
    _, content, headers = reader.get("/download", id="P001", what="csv")
    assert headers["content-disposition"] == 'attachment; filename="P001-scores.csv"'
    table = pd.read_csv(io.BytesIO(content), keep_default_na=False)
    assert len(table) == 80 and table["edited"].astype(str).eq("True").sum() == 3
    by_place = table.set_index(["visit", "side", "site", "kind"])
    for visit in (1, 2):
        shown = json.loads(reader.get("/table", id="P001", visit=visit)[1])["cells"]
        for key, cell in shown.items():
            if cell["state"] in ("x", "none"):
                continue
            site, side, kind = key.split("-")
            row = by_place.loc[visit, side, site, kind]
            text = "X" if row["not_scored"] else f"{float(row['grade']):g}" if row["grade"] != "" else "\u2013"
            assert text == cell["text"] and row["by"] == {"edited": "Reader A", "model": "two-stage"}.get(
                cell["state"], ""
            )
    changed = by_place.loc[2, "L", "MCP2", "jsn"]
    assert (changed["model"], float(changed["model_grade"])) == ("two-stage", 2)
    grade(reader, mark="luxation", site="PIP3")
    sheets = workbook(reader.get("/download", id="P001", what="xlsx")[1])
    csv = pd.read_csv(io.BytesIO(reader.get("/download", id="P001", what="csv")[1]), dtype=str, keep_default_na=False)
    assert sheets["grades"] == [list(csv.columns), *([_plain(cell) for cell in row] for row in csv.values.tolist())]
    for visit in (1, 2):
        shown = json.loads(reader.get("/table", id="P001", visit=visit)[1])["cells"]
        head, *rows = sheets[f"visit {visit}"]
        table = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
        for key, cell in shown.items():
            site, side, kind = key.split("-")
            row = {name.removeprefix(f"{side} {kind}").strip(): value for name, value in table[site].items()}
            assert row[""] == ("" if cell["text"] == "\u2013" else cell["text"]), key
            assert row["changed by"] == ("Reader A" if cell["state"] == "edited" else ""), key
            if cell["state"] != "x":
                assert row["model"] == {"edited": cell["initial"], "model": cell["text"]}.get(cell["state"], "")
        assert len(shown) == 60
    figure = client_view(reader, 2)["figures"]["MCP2-L"]
    drawn = [f"{float(table['MCP2'][f'L {name} mm']):+.2f}" for name in ("narrowing", "from", "to")]
    assert f"{drawn[0]} {drawn[1]} to {drawn[2]}".replace("-", "\u2212") == f"{figure['value']} {figure['interval']}"
    assert (table["MCP2"]["L state"], table["DIP2"]["L state"], table["DIP2"]["L narrowing mm"]) == ("good", "", "")
    assert table["PIP3"]["L jsn finding"] == "luxation" and table["PIP4"]["L jsn finding"] == "surgery"
    assert not re.search(r"20\d\d-\d\d-\d\d|\.dcm|Reader B", str(sheets))
    reader.post("/undo", patient="P001", visit=2)
    page = reader.get("/download", id="P001", what="html")[1].decode()
    assert "4* [2]" in page and "X (surgery)*" in page and "Given by: Reader A, two-stage" in page
    report = dcmread(io.BytesIO(reader.get("/download", id="P001", what="sr")[1]))
    texts = [element.value for element in report.iterall() if element.keyword == "TextValue"]
    said = statement("two-stage")
    assert f"jsn: by the reader Reader A, changed from that of the model two-stage (2); model: {said}" in texts
    assert f"erosion: by the model two-stage; model: {said}" in texts and said in page
    assert "jsn: by the reader Reader A; not scored: surgery" in texts


def test_readers_do_not_see_each_others_grades_as_their_own(reader, running):
    grade(reader, grade=4)
    other = Client(running[0])
    other.post("/reader", name="Reader B")
    table = json.loads(other.get("/table", id="P001", visit=2)[1])
    assert table["reader"] == "Reader B" and table["cells"]["MCP2-L-jsn"]["state"] == "model"


def test_the_page_shows_the_talks_table_in_three_languages(reader):
    page = reader.get("/patient", id="P001", visit=2)[1].decode()
    sites = [
        "IP1",
        *(f"{kind}{k}" for kind in ("DIP", "PIP") for k in range(2, 6)),
        *(f"MCP{k}" for k in range(1, 6)),
        "CMC1",
    ]
    assert [
        row.split('"')[0]
        for row in page.split('data-site="')[1:]
        if row.startswith(tuple(sites)) and 'class="site"' in row[:120]
    ] == sites
    assert page.count('<button type="button" class="cell"') == 40 == 2 * 20
    assert page.count('<span class="cell" data-state="x"') == 20
    assert "For research use only" in page and "Initial grades by the model two-stage. For research use only" in page
    assert "Nur für die Forschung" in reader.get("/patient", id="P001", language="de")[1].decode()
    assert "Только для исследований" in reader.get("/", language="ru")[1].decode()
    reader.get("/", language="en")


def test_languages_have_the_same_texts_with_the_same_places():
    texts = json.loads(Path(labels.__file__).with_name("labels.json").read_text("utf-8"))
    assert texts.keys() == labels.LANGUAGES.keys()
    for language in texts:
        assert texts[language].keys() == texts["en"].keys()
        for name, text in labels.labels(language).items():
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", texts["en"][name])), name
    assert labels.chosen_language("", "fr, ru;q=0.8, en;q=0.5") == "ru" and labels.chosen_language("xx", "") == "en"


def test_pictures_carry_pixels_outlines_and_where_the_followup_lies(client):
    status, content, headers = client.get("/pixels", id="P001", visit=2, side="L", joint="MCP2")
    assert status == 200 and len(content) == 2 * int(headers["x-rows"]) * int(headers["x-columns"])
    assert 0 <= int(headers["x-low"]) < int(headers["x-high"]) <= 65535
    views = json.loads(client.get("/joint", id="P001", visit=2, side="L", joint="MCP2")[1])["views"]
    assert [view["visit"] for view in views] == [1, 2] and views[0]["onto_first"] is None
    assert len(views[1]["onto_first"]) == 2 and views[1]["outlines"]["upper"] and views[1]["outlines"]["lower"]
    for query in ({"visit": 9}, {"visit": 2, "joint": "MCP5"}, {"visit": 2, "side": "Q"}, {"visit": "x"}):
        status, content, _ = client.get("/joint", **({"id": "P001", "side": "L", "joint": "MCP2"} | query))
        assert status == 400 and json.loads(content)["error"].endswith(".")


def test_a_change_of_another_program_is_shown_after_loading_again(reader, running):
    grade(reader, grade=4)
    with jsn.open_store(running[2], "Reader A") as store:
        store.save(
            pd.DataFrame([{"patient": "P001", "visit": 2, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 1}])
        )
    status, answer = grade(reader, grade=3)
    assert status == 400 and "Another program" in answer["error"]
    assert reader.get("/patient", id="P001")[0] == 200
    assert grade(reader, grade=3)[0] == 200
