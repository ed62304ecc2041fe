import json

import pandas as pd
import pytest

from napari_jsn.cli import main
from napari_jsn.scoring import read_scores, scores_csv
from tests.scoring.simulated import sheet


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(["readers", *map(str, words)])
    return ended.value.code


@pytest.fixture
def scores(tmp_path):
    table = sheet(8, readers=("A", "B", "C"), scheme_name="svdh-fingers")
    paths = []
    for reader, rows in table.groupby("reader"):
        paths.append(tmp_path / f"{reader}.csv")
        paths[-1].write_bytes(scores_csv(rows, "svdh-fingers"))
    return paths


def test_a_template(tmp_path, capsys):
    (tmp_path / "patients.txt").write_text("patient\n007\n008\n\n")
    assert run("template", tmp_path / "patients.txt", "--visits", 2, "--reader", "A", "--out", tmp_path) == 0
    lines = (tmp_path / "sheet.csv").read_text().splitlines()
    assert len(lines) == 5 and lines[1].startswith("007,1,A,")
    assert run("check", tmp_path / "sheet.csv") == 0 and "no wrong cell" in capsys.readouterr().out


@pytest.mark.parametrize("head", ["Patient ID,age", "subject_id", "ID;x", "Pat.-Nr."])
def test_heads_of_a_list_of_patients(tmp_path, capsys, head):
    (tmp_path / "patients.csv").write_text(f"{head}\n007\n008\n")
    assert run("template", tmp_path / "patients.csv", "--out", tmp_path) == 0
    assert "2 patients; the first is 007." in capsys.readouterr().out
    assert len((tmp_path / "sheet.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("to", ["ram-h1200"])
def test_nothing_is_written_of_an_empty_table(tmp_path, capsys, to):
    (tmp_path / "patients.txt").write_text("007\n")
    assert run("template", tmp_path / "patients.txt", "--reader", "A", "--out", tmp_path) == 0
    assert run("convert", tmp_path / "sheet.csv", "--to", to, "--out", tmp_path / "out") == 2
    assert "no rows" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_files_that_differ_in_leading_zeros_are_one_study(scores, tmp_path, capsys):
    names = [f"P{number:03}" for number in range(8)]
    for path, form in zip(scores, ("{:03}", "{}", "{:03}")):
        text = path.read_text()
        for number, name in enumerate(names, start=1):
            text = text.replace(name, form.format(number))
        path.write_text(text)
    assert run("consensus", *scores, "--out", tmp_path / "out") == 0
    assert "8 patients written with and without leading zeros" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "out" / "consensus.csv")) == 8 * 2 * 38


def test_every_wrong_cell_is_printed(scores, tmp_path, capsys):
    text = scores[0].read_text().splitlines()
    head = text[0].split(",")
    cells = text[3].split(",")
    cells[4], cells[6] = "9", "2,5"
    text[3] = ";".join(cells)
    scores[0].write_text("\n".join(line if ";" in line else line.replace(",", ";") for line in text))
    assert run("check", *scores) == 2
    printed = capsys.readouterr()
    assert f"A.csv, row 4, column {head[4]}: '9'; allowed: a whole number from 0 to 4" in printed.out
    assert f"A.csv, row 4, column {head[6]}: '2,5'" in printed.out and "2 cells cannot be used" in printed.err
    for command in ("convert", "agreement", "consensus"):
        assert run(command, *scores, "--out", tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()


def test_convert(scores, tmp_path):
    assert run("convert", *scores, "--out", tmp_path / "long") == 0
    long = read_scores(tmp_path / "long" / "scores.csv")
    assert len(long) == 8 * 2 * 3 * 38
    assert run("convert", tmp_path / "long" / "scores.csv", "--to", "talk-15", "--out", tmp_path / "talk") == 0
    assert len(read_scores(tmp_path / "talk" / "scores.csv")) == len(long)


def test_agreement_and_consensus(scores, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("agreement", *scores, "--replicates", 20, "--out", out) == 0
    assert "Quadratic kappa, jsn, A and B" in capsys.readouterr().out
    assert len(pd.read_csv(out / "pairs.csv")) == 6 and len(pd.read_csv(out / "totals.csv")) == 9
    confusions = [f"confusions-{name}.png" for name in ("erosion", "jsn", "readers-erosion", "readers-jsn")]
    pictures = ["bland-altman-change.png", "bland-altman-status.png", *confusions, "cumulative-change.png"]
    assert sorted(path.name for path in out.glob("*.png")) == pictures
    assert "Readers against each other" in (out / "agreement.html").read_text()
    assert run("agreement", *scores, "--replicates", 0, "--out", out, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    kappas = pd.read_csv(out / "pairs.csv")["kappa_quadratic"]
    assert [row["kappa_quadratic"] for row in content["pairs"]] == pytest.approx(list(kappas), abs=1e-5)
    assert str(out / "pairs.csv") in content["files"]
    assert run("consensus", *scores, "--out", out) == 0
    assert len(pd.read_csv(out / "consensus.csv")) == 8 * 2 * 38


@pytest.mark.parametrize(
    "words, message",
    [
        (("agreement", "{0}", "{1}", "--method", "vote"), "--method: There is no consensus"),
        (("agreement", "{0}"), "two readings"),
        (("agreement", "{0}", "{1}", "--missing", "scaled"), "--missing: The rule scaled needs a scheme"),
        (("agreement", "{0}", "{1}", "--scheme", "knee"), "--scheme: There is no scheme"),
        (("agreement", "{0}", "{1}", "--scheme", "svdh-fingers", "--missing", "x"), "--missing: The rule"),
        (("consensus", "{0}", "{0}"), "once for one kind"),
        (("check", "nothing.csv"), "There is no file"),
        (("convert", "{0}", "--to", "knee"), "--to: There is no layout"),
        (("template", "nothing.txt"), "There is no file"),
    ],
)
def test_errors_are_one_sentence(scores, tmp_path, capsys, words, message):
    words = [word.format(*scores) for word in words]
    assert run(*words, *(() if words[0] == "check" else ("--out", tmp_path / "out"))) == 2
    printed = capsys.readouterr().err
    assert message in printed and "Traceback" not in printed
