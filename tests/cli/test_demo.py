"""The demo measures the shipped hand and compares it with its truth."""

import re

import numpy as np
import pandas as pd
import pytest

from napari_jsn.cli import main


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
