"""The demo measures the shipped hand and compares it with its truth."""

import json
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from napari_jsn.cli import main
from napari_jsn.common.output_folder import problems_of_set
from napari_jsn.common.run_record import file_sha256


def test_demo_prints_the_truth_beside_the_measurement(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["demo", "--out", str(tmp_path / "demo")])
    printed = capsys.readouterr()
    assert (left.value.code or 0, printed.err) == (0, "")
    out = " ".join(printed.out.split())
    assert "Truth (mm)" in out and "Patient SIM0001" in out and f"Report: {tmp_path / 'demo' / 'report.html'}" in out
    rmse, largest = map(float, re.search(r"RMSE ([\d.]+) mm, largest error ([\d.]+) mm", out).groups())
    assert 0 < rmse <= largest < 0.175
    table = pd.read_csv(tmp_path / "demo" / "joints.csv")
    assert len(table) == 10 and table.reliable.sum() >= 7
    assert np.isfinite(table.jsn_mm[table.reliable]).all()
    (mcp2,) = table[table.joint == "MCP2"].jsn_mm
    assert mcp2 == pytest.approx(0.437, abs=0.1)  # as truth.csv says
    record, models = json.loads((tmp_path / "demo" / "run.json").read_text()), files("napari_jsn") / "models"
    networks = {f"{task}-default.safetensors": record["models"][task] for task in ("localization", "segmentation")}
    networks["registration-default.safetensors"] = record["models"]["registration"]
    cards = ("registration-refined", "progression-repositioning", "width-margins")
    used = networks | {f"{card}.json": record["models"][card] for card in cards}
    assert set(record["models"]) == {"localization", "segmentation", "registration", *cards}
    report = (tmp_path / "demo" / "report.html").read_text("utf-8")
    for file, model in used.items():
        digest = file_sha256(models / file)
        assert model["sha256"] == digest and digest[:12] in report
        assert any(table[column].str.endswith(digest[:12]).all() for column in table if column.endswith("_model"))
    assert record["command"] == "demo" and len(record["inputs"]) == 2 and problems_of_set(tmp_path / "demo") == []
