import numpy as np
import pandas as pd
import pytest

from napari_jsn.cli import main


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["evaluate", "clinical", *map(str, words)])
    return left.value.code


def test_a_table_is_assessed_into_a_page_and_figures(tmp_path, capsys):
    rng = np.random.default_rng(0)
    change = np.tile([0, 0, 1, 2], 10)
    table = {"patient": np.repeat(np.arange(10), 4), "joint": ["MCP2", "MCP3", "PIP2", "PIP3"] * 10, "side": "R"}
    rows = pd.DataFrame({**table, "jsn_mm": 0.2 * change + rng.normal(0, 0.03, 40), "score_change": change})
    rows.to_csv(tmp_path / "joints.csv", index=False)
    docs = tmp_path / "docs" / "page.md"
    docs.parent.mkdir()
    docs.write_text("# Title\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nrest\n")
    assert run(tmp_path / "joints.csv", "--out", tmp_path / "out", "--page", docs) == 0
    printed = capsys.readouterr().out
    assert "40 joints of 10 patients" in printed and "Pearson r" in printed
    page = (tmp_path / "out" / "clinical.md").read_text()
    assert "from joints.csv" in page and str(tmp_path) not in page
    assert (tmp_path / "out" / "clinical-box.png").is_file()
    text = docs.read_text()
    assert text.startswith("# Title\n") and text.endswith("rest\n") and "old" not in text
    assert "Made by `" in text and "| Pearson r" in text and str(tmp_path) not in text
    assert "](images/clinical-box.png)" in text and (docs.parent / "images" / "clinical-box.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "TABLE: Give either a table or a number"),
        (["none.csv"], "TABLE: There is no file none.csv"),
        (["none.csv", "--simulated", "20"], "TABLE: Give either"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, capsys, words, message):
    assert run(*words, "--out", tmp_path / "out") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
